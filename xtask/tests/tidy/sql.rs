//! SQL lives in the stores and in the crates that are storage.

use regex::Regex;

use crate::tree;

/// Crates whose subject is the database itself, and the bench that measures the bare drivers.
const STORAGE: &[&str] = &["crates/db/", "crates/journal/", "crates/vault/", "bench/"];

/// Files with one small table of their own, where a store beside them would only repeat its names.
const WITH_THEIR_TABLE: &[&str] = &[
    "crates/edge/src/idempotency.rs",
    "crates/tools/src/http_tools.rs",
];

fn may_hold_sql(path: &str) -> bool {
    let store = path.ends_with("/store.rs") || path.contains("/store/");
    let test = path.contains("/tests/") || path.ends_with("/tests.rs");
    store
        || test
        || WITH_THEIR_TABLE.contains(&path)
        || STORAGE.iter().any(|folder| path.starts_with(folder))
}

/// String literals that begin like a statement.
fn statements(text: &str) -> Vec<usize> {
    let statement = Regex::new(concat!(
        r#""(?:\\?\s)*(?:SELECT\s|INSERT\s+(?:OR\s+\w+\s+)?INTO\s|UPDATE\s+\w+\s+SET\s|"#,
        r"DELETE\s+FROM\s|WITH\s+\w+\s+AS\s|(?:CREATE|DROP|ALTER)\s+(?:TABLE|INDEX|ROLE|POLICY)\s)",
    ))
    .unwrap();
    // Unit tests at the end of a file are tests too.
    let code = text.split("#[cfg(test)]\nmod ").next().unwrap();
    statement
        .find_iter(code)
        .map(|found| code[..found.start()].lines().count())
        .collect()
}

#[test]
fn sql_is_written_in_stores_alone() {
    let files = tree::files_with(".rs")
        .into_iter()
        .filter(|path| !may_hold_sql(path));
    tree::none(files.flat_map(|path| {
        let lines = tree::read(&path)
            .map(|text| statements(&text))
            .unwrap_or_default();
        lines
            .into_iter()
            .map(|line| format!("`{path}`, line {line}: SQL"))
            .collect::<Vec<_>>()
    }));
}

#[test]
fn a_statement_is_found() {
    assert_eq!(
        statements("fn a() {\n    b(\"SELECT 1 FROM runs\")").len(),
        1
    );
    assert_eq!(
        statements("b(\n    \"\\\n    UPDATE runs\n    SET x = 1\")").len(),
        1
    );
    assert_eq!(statements("b(r#\"\n  INSERT INTO runs VALUES\")").len(), 1);
    assert!(statements("b(\"Select a file. Delete from it.\")").is_empty());
    assert!(statements("#[cfg(test)]\nmod tests { b(\"SELECT 1\") }").is_empty());
    assert!(may_hold_sql("crates/runs/src/store.rs"));
    assert!(may_hold_sql("crates/runs/src/store/leases.rs"));
    assert!(!may_hold_sql("crates/runs/src/service.rs"));
}
