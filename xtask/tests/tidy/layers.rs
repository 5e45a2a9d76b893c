//! Which crate may depend on which: the whole table.

/// The layers from the bottom up. A crate may depend on any crate of a lower layer.
pub const LAYERS: &[&[&str]] = &[
    &["chancery-vocab", "chancery-web"],
    &["chancery-guard"],
    &[
        "chancery-policy",
        "chancery-dialects",
        "chancery-protocol",
        "chancery-egress",
    ],
    &["chancery-db"],
    &["chancery-journal"],
    &["chancery-vault"],
    &["chancery-edge"],
    &["chancery-orgs"],
    &["chancery-models"],
    &["chancery-tools"],
    &["chancery-nodes"],
    &["chancery-runs"],
    &["chancery-agents"],
    &["chancery-chat"],
    &["chancery-server"],
    &["chancery-cli"],
    &["chancery-bench"],
];

/// Crates beside the layers, each with everything it may depend on.
pub const BESIDE: &[(&str, &[&str])] = &[
    // The untrusted side: no database, no domain.
    (
        "chancery-node",
        &["chancery-vocab", "chancery-policy", "chancery-protocol"],
    ),
    // A peer for tests, which shares no code with what it tests.
    ("chancery-fakes", &[]),
    // Builds before anything else does.
    ("xtask", &[]),
];

/// Edges that only tests may have, beyond the table above.
pub const ONLY_IN_TESTS: &[(&str, &str)] = &[
    // Their own `testing` feature, on for their own tests.
    ("chancery-db", "chancery-db"),
    ("chancery-edge", "chancery-edge"),
    ("chancery-journal", "chancery-journal"),
    // A provider that checks what it is asked.
    ("chancery-models", "chancery-fakes"),
    ("chancery-server", "chancery-fakes"),
    // The engine is tested with the programs that it really runs.
    ("chancery-runs", "chancery-agents"),
];
