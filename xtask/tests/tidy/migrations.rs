//! Both databases have the same migrations.

use std::collections::BTreeSet;

use crate::tree;

const FOLDER: &str = "crates/db/migrations/";

fn names(files: &[String], dialect: &str) -> BTreeSet<String> {
    let folder = format!("{FOLDER}{dialect}/");
    files
        .iter()
        .filter_map(|path| path.strip_prefix(&folder))
        .map(str::to_owned)
        .collect()
}

fn violations(sqlite: &BTreeSet<String>, postgres: &BTreeSet<String>) -> Vec<String> {
    let alone = sqlite.symmetric_difference(postgres);
    let alone = alone.map(|name| format!("`{FOLDER}…/{name}` exists for one database alone"));
    let unnumbered = sqlite.iter().filter(|name| {
        let number = name.split('_').next().unwrap();
        !(number.len() == 4 && number.bytes().all(|byte| byte.is_ascii_digit()))
    });
    let unnumbered = unnumbered.map(|name| format!("`{FOLDER}…/{name}` has no number"));
    alone.chain(unnumbered).collect()
}

#[test]
fn both_databases_have_the_same_migrations() {
    let files = tree::files();
    tree::none(violations(&names(&files, "sqlite"), &names(&files, "postgres")).into_iter());
}

#[test]
fn a_migration_for_one_database_alone_is_found() {
    let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    assert!(violations(&names(&["0001_a.sql"]), &names(&["0001_a.sql"])).is_empty());
    assert_eq!(
        violations(&names(&["0001_a.sql"]), &names(&["0002_a.sql"])).len(),
        2
    );
    assert_eq!(
        violations(&names(&["1_a.sql"]), &names(&["1_a.sql"])).len(),
        1
    );
}
