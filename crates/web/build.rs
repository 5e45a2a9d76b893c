//! Writes the table of the built web app's files, for `src/app.rs` to include.
//!
//! `npm run build` in `web/` leaves each file, and beside it what it is under gzip and brotli, in
//! `web/dist/app`. Where that folder is missing the table is empty: building the server takes no Node.
//! `app_is_built` says which of the two it is, for the tests that would have nothing to look at.

use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};

fn main() -> io::Result<()> {
    let variable = |name| std::env::var_os(name).ok_or_else(|| io::Error::other(name));
    let dist = Path::new(&variable("CARGO_MANIFEST_DIR")?).join("../../web/dist");
    // The folder always exists; if it did not, cargo would build this crate again every time.
    println!("cargo::rerun-if-changed={}", dist.display());
    let app = dist.join("app");
    let mut files = Vec::new();
    if app.is_dir() {
        collect(&app.canonicalize()?, &mut files)?;
    }
    files.sort();
    println!("cargo::rustc-check-cfg=cfg(app_is_built)");
    if !files.is_empty() {
        println!("cargo::rustc-cfg=app_is_built");
    }
    let table = Path::new(&variable("OUT_DIR")?).join("files.rs");
    std::fs::write(table, written(&app, &files)?)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if !is_compressed(&path) {
            files.push(path);
        }
    }
    Ok(())
}

fn is_compressed(path: &Path) -> bool {
    path.extension().is_some_and(|it| it == "br" || it == "gz")
}

fn written(app: &Path, files: &[PathBuf]) -> io::Result<String> {
    let mut table = String::from("[\n");
    for path in files {
        let name = path
            .strip_prefix(app.canonicalize()?)
            .map_err(io::Error::other)?;
        let [gzip, brotli] = ["gz", "br"].map(|kind| {
            let mut beside = path.clone().into_os_string();
            beside.push(".");
            beside.push(kind);
            match Path::new(&beside).exists() {
                true => format!("Some(include_bytes!({beside:?}))"),
                false => "None".to_owned(),
            }
        });
        // Writing to a string can't fail.
        let _ = writeln!(
            table,
            "    File {{ path: {name:?}, plain: include_bytes!({path:?}), gzip: {gzip}, brotli: {brotli} }},"
        );
    }
    table.push_str("]\n");
    Ok(table)
}
