//! What a file may hold: its length, and nothing that belongs to one machine or one source.

use regex::Regex;

use crate::tree;

/// Lines that a source file may have.
const LONGEST: usize = 700;

/// Longer files, with how long they may be and why. The list and its numbers only shrink.
const LONGER: &[(&str, usize, &str)] = &[];

/// Files that may name a path or a host, with what and why.
const MAY_NAME: &[(&str, &str, &str)] = &[];

fn length_violation(path: &str, lines: usize) -> Option<String> {
    match LONGER.iter().find(|(longer, _, _)| *longer == path) {
        None if lines <= LONGEST => None,
        None => Some(format!(
            "`{path}` has {lines} lines; {LONGEST} is the limit"
        )),
        Some((_, most, _)) if lines > *most => Some(format!("`{path}` grew to {lines} lines")),
        Some(_) if lines <= LONGEST => Some(format!("`{path}` needs no exception any more")),
        Some(_) => None,
    }
}

/// Paths that exist on one developer's machine, and hosts of package registries.
///
/// Written in pieces, so that this file does not find itself.
fn foreign() -> Regex {
    let paths = [
        r"/ho",
        r"me/[a-z]|/ro",
        r"ot/[\w.]|/Us",
        r"ers/[A-Za-z]|/wo",
        r"rk/(?:main|shared)",
    ];
    let hosts = [
        r"index\.crates",
        r"\.io|static\.crates",
        r"\.io|registry\.npm",
        r"js\.org|pypi\.o",
        r"rg",
        r"|files\.python",
        r"hosted\.org|deb\.deb",
        r"ian\.org",
    ];
    Regex::new(&format!("{}|{}", paths.concat(), hosts.concat())).unwrap()
}

fn foreign_violations(path: &str, text: &str) -> Vec<String> {
    let foreign = foreign();
    let found = text.lines().enumerate().flat_map(|(index, line)| {
        foreign
            .find_iter(line)
            .map(move |found| (index + 1, found.as_str().to_owned()))
    });
    found
        .filter(|(_, what)| {
            !MAY_NAME
                .iter()
                .any(|(file, name, _)| *file == path && name == what)
        })
        .map(|(line, what)| format!("`{path}`, line {line}: `{what}`"))
        .collect()
}

fn expect_violations(path: &str, text: &str) -> Vec<String> {
    let attribute = Regex::new(r"#!?\[expect\(").unwrap();
    attribute
        .find_iter(text)
        .filter(|found| {
            !text[found.end()..]
                .split("]")
                .next()
                .unwrap()
                .contains("reason = ")
        })
        .map(|found| {
            let line = text[..found.start()].lines().count() + 1;
            format!("`{path}`, line {line}: `#[expect]` without a reason")
        })
        .collect()
}

fn lock_file(path: &str) -> bool {
    path.ends_with("Cargo.lock") || path.ends_with("package-lock.json")
}

#[test]
fn source_files_fit_in_a_head() {
    let sources = tree::files_with(".rs")
        .into_iter()
        .filter(|path| path.contains("/src/"));
    tree::none(sources.filter_map(|path| {
        let lines = tree::read(&path)?.lines().count();
        length_violation(&path, lines)
    }));
}

#[test]
fn no_file_belongs_to_one_machine() {
    let files = tree::files().into_iter().filter(|path| !lock_file(path));
    tree::none(files.flat_map(|path| {
        tree::read(&path)
            .map(|text| foreign_violations(&path, &text))
            .unwrap_or_default()
    }));
}

#[test]
fn every_expected_lint_has_a_reason() {
    let files = tree::files_with(".rs").into_iter();
    tree::none(
        files
            .filter(|path| !path.starts_with("xtask/tests/tidy/"))
            .flat_map(|path| {
                tree::read(&path)
                    .map(|text| expect_violations(&path, &text))
                    .unwrap_or_default()
            }),
    );
}

#[test]
fn planted_violations_are_found() {
    assert!(length_violation("crates/runs/src/a.rs", LONGEST + 1).is_some());
    assert_eq!(length_violation("crates/runs/src/a.rs", LONGEST), None);

    let home = ["see /ho", "me/ada/x and https://py", "pi.org/simple"].concat();
    assert_eq!(foreign_violations("a.md", &home).len(), 2);
    assert!(foreign_violations("a.md", "/workspace/notes and /rooted").is_empty());

    assert_eq!(
        expect_violations("a.rs", "\n#[expect(unused)]\nfn a() {}").len(),
        1
    );
    let with_reason = "#![expect(\n    unused,\n    reason = \"shown\"\n)]";
    assert!(expect_violations("a.rs", with_reason).is_empty());
}
