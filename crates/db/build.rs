//! Lists the migration files, so that adding one means adding two files and nothing else.

#![expect(
    clippy::expect_used,
    reason = "a build script that can't go on must stop the build"
)]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

fn main() {
    println!("cargo::rerun-if-changed=migrations");
    let root = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let mut out = String::from("[\n");
    for name in names(&root.join("migrations/sqlite")) {
        let (version, title) = name.split_once('_').expect("NNNN_title.sql");
        let title = title.trim_end_matches(".sql");
        let include = |dialect| {
            let path = root.join("migrations").join(dialect).join(&name);
            assert!(path.exists(), "{name} is missing for {dialect}");
            println!("cargo::rerun-if-changed={}", path.display());
            format!("include_str!({:?})", path.display().to_string())
        };
        let version: i64 = version.parse().expect("a migration begins with its number");
        writeln!(
            out,
            "Migration {{ version: {version}, title: {title:?}, sqlite: {}, postgres: {} }},",
            include("sqlite"),
            include("postgres")
        )
        .expect("writing to a string succeeds");
    }
    out.push(']');
    let target = PathBuf::from(std::env::var("OUT_DIR").expect("cargo sets it"));
    std::fs::write(target.join("migrations.rs"), out).expect("the output folder is writable");
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("the migrations are there");
    let mut names: Vec<String> = entries
        .map(|entry| {
            entry
                .expect("readable")
                .file_name()
                .into_string()
                .expect("UTF-8")
        })
        .filter(|name| name.ends_with(".sql"))
        .collect();
    names.sort();
    names
}
