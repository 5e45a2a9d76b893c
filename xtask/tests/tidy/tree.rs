//! The files of the repository, as git sees them.

use std::path::Path;
use std::process::Command;

pub fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// Paths of all files that are tracked, or would be when added.
pub fn files() -> Vec<String> {
    let output = Command::new("git")
        .args([
            "ls-files",
            "--cached",
            "--others",
            "--exclude-standard",
            "-z",
        ])
        .current_dir(root())
        .output()
        .expect("git starts");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout)
        .expect("paths are UTF-8")
        .split_terminator('\0')
        // A file that is removed and not yet committed is still listed.
        .filter(|path| root().join(path).is_file())
        .map(str::to_owned)
        .collect()
}

pub fn files_with(extension: &str) -> Vec<String> {
    files()
        .into_iter()
        .filter(|path| path.ends_with(extension))
        .collect()
}

/// The text of a file; `None` when it is not text.
pub fn read(path: &str) -> Option<String> {
    std::fs::read_to_string(root().join(path)).ok()
}

/// Fails with all violations, one a line.
pub fn none(violations: impl Iterator<Item = String>) {
    let violations: Vec<String> = violations.collect();
    assert!(violations.is_empty(), "\n{}\n", violations.join("\n"));
}
