//! Names say what a thing is: no drawers.

use std::path::Path;

use regex::Regex;

use crate::tree;

/// Names under which anything could be put.
const DRAWERS: &[&str] = &["common", "core", "helpers", "manager", "services", "utils"];

fn drawer(name: &str) -> bool {
    DRAWERS.contains(&name.strip_prefix("chancery-").unwrap_or(name))
}

fn path_violation(path: &str) -> Option<String> {
    if path.ends_with("/mod.rs") {
        return Some(format!(
            "`{path}`: put the module beside its folder, under its own name"
        ));
    }
    let stem = path.strip_suffix(".rs")?;
    let part = stem.split('/').find(|part| drawer(part))?;
    Some(format!(
        "`{path}`: `{part}` says nothing about what is in it"
    ))
}

fn inline_violations(path: &str, text: &str) -> Vec<String> {
    let module = Regex::new(r"(?m)^\s*(?:pub(?:\([a-z]+\))?\s+)?mod\s+(\w+)").unwrap();
    let names = module.captures_iter(text).map(|found| found[1].to_owned());
    names
        .filter(|name| drawer(name))
        .map(|name| format!("`{path}`: module `{name}`"))
        .collect()
}

fn opens_with_docs(text: &str) -> bool {
    text.lines()
        .map(str::trim)
        .find(|line| !line.is_empty() && !line.starts_with("#!["))
        .is_some_and(|line| line.starts_with("//!"))
}

#[test]
fn files_and_modules_are_named_after_what_they_hold() {
    let files = tree::files_with(".rs");
    let inline = files.iter().flat_map(|path| {
        tree::read(path)
            .map(|text| inline_violations(path, &text))
            .unwrap_or_default()
    });
    tree::none(
        files
            .iter()
            .filter_map(|path| path_violation(path))
            .chain(inline),
    );
}

#[test]
fn every_crate_opens_by_saying_what_it_is() {
    let roots = tree::files_with(".rs").into_iter().filter(|path| {
        let name = Path::new(path).file_name().unwrap();
        (name == "lib.rs" || name == "main.rs") && path.contains("/src/")
    });
    tree::none(roots.filter_map(|path| {
        let opens = tree::read(&path).is_some_and(|text| opens_with_docs(&text));
        (!opens).then(|| format!("`{path}` does not open with `//!`"))
    }));
}

#[test]
fn a_drawer_is_found() {
    assert!(path_violation("crates/runs/src/mod.rs").is_some());
    assert!(path_violation("crates/runs/src/utils.rs").is_some());
    assert!(path_violation("crates/common/src/lib.rs").is_some());
    assert!(path_violation("crates/runs/src/manager/lease.rs").is_some());
    assert_eq!(path_violation("crates/runs/src/scoring.rs"), None);
    assert_eq!(path_violation("docs/core.md"), None);
    assert_eq!(
        inline_violations("a.rs", "pub(crate) mod helpers {\n    mod core;").len(),
        2
    );
    assert!(inline_violations("a.rs", "mod cores; // mod utils").is_empty());
    assert!(opens_with_docs(
        "#![expect(x, reason = \"y\")]\n\n//! Runs."
    ));
    assert!(!opens_with_docs("use std::fmt;\n//! Runs."));
    assert!(!opens_with_docs(""));
}
