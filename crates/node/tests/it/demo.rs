//! The demo's skills, as they are shipped, in the sandbox and on the demo's own workspace.

use std::path::PathBuf;

use node::process::{Exit, Mount, Process, Ran};
use protocol::skill::{Manifest, Package, folder};

use crate::support::{Place, run, shell, stderr, stdout};

fn demo() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../demo")
        .canonicalize()
        .unwrap()
}

/// The demo's workspace and one of its skills, at a place that the sandbox may show.
async fn demo_skill(name: &str, args: &[&str], input: &str) -> Ran {
    let place = Place::new();
    let (work, at) = (place.path().join("work"), place.path().join("skill"));
    copy(&demo().join("workspace"), &work);
    copy(&demo().join("skills").join(name), &at);
    let manifest = Manifest::of(&folder::read(&at).unwrap()).unwrap();
    assert_eq!(manifest.front.name, name);
    let entry = manifest.sidecar.unwrap().entry;
    let process = Process {
        command: entry
            .into_iter()
            .chain(args.iter().map(|arg| (*arg).to_owned()))
            .collect(),
        input: input.as_bytes().to_vec(),
        workspace: Some(Mount {
            path: work,
            writable: false,
        }),
        skill: Some(at),
        ..shell("")
    };
    run(&place, &process).await
}

fn copy(from: &std::path::Path, to: &std::path::Path) {
    let done = std::process::Command::new("cp")
        .arg("-r")
        .args([from, to])
        .status()
        .unwrap();
    assert!(done.success());
}

#[test]
fn the_demo_skills_are_packages_with_a_stable_digest() {
    for name in ["word-count", "extract-todos"] {
        let package = folder::read(&demo().join("skills").join(name)).unwrap();
        let again = Package::from_tar(&package.to_tar().unwrap()).unwrap();
        assert_eq!(again.digest(), package.digest());
        assert!(Manifest::of(&package).unwrap().sidecar.is_some());
    }
}

#[tokio::test]
async fn word_count_counts_a_file_as_wc_does() {
    let ran = demo_skill("word-count", &["notes/todo.md"], "").await;
    assert_eq!(ran.exit, Exit::Code(0), "{}", stderr(&ran));
    let out = stdout(&ran);
    let row: Vec<_> = out.lines().nth(1).unwrap().split_whitespace().collect();
    let text = std::fs::read_to_string(demo().join("workspace/notes/todo.md")).unwrap();
    let (lines, words) = (text.lines().count(), text.split_whitespace().count());
    assert_eq!(
        row,
        [
            lines.to_string(),
            words.to_string(),
            text.len().to_string(),
            "notes/todo.md".into()
        ]
    );
    assert_eq!(ran.files[0].0, "counts.csv");
}

#[tokio::test]
async fn word_count_counts_several_files_and_names_what_is_missing() {
    let ran = demo_skill(
        "word-count",
        &["notes/todo.md", "none.md", "docs/delivery.md"],
        "",
    )
    .await;
    assert_eq!(ran.exit, Exit::Code(1));
    assert!(stdout(&ran).lines().last().unwrap().ends_with("total"));
    assert_eq!(stderr(&ran), "word-count: cannot read 'none.md'\n");
}

#[tokio::test]
async fn word_count_reads_its_input() {
    let ran = demo_skill("word-count", &[], "one two\nthree\n").await;
    let out = stdout(&ran);
    let row: Vec<_> = out.lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!(row, ["2", "3", "14", "(input)"]);
}

#[tokio::test]
async fn extract_todos_lists_what_is_open() {
    let ran = demo_skill("extract-todos", &[], "").await;
    assert_eq!(ran.exit, Exit::Code(0), "{}", stderr(&ran));
    let out = stdout(&ran);
    assert!(
        out.contains(
            "notes/todo.md:4: Update the delivery page: Saturday deliveries start in April\n"
        ),
        "{out}"
    );
    assert!(
        out.contains("docs/delivery.md:9: Saturday deliveries are missing here\n"),
        "{out}"
    );
    assert!(!out.contains("gift baskets"), "{out}");
    assert!(out.ends_with("6 open\n"), "{out}");
    assert_eq!(ran.files[0].0, "todos.md");

    let ran = demo_skill("extract-todos", &["notes"], "").await;
    assert!(stdout(&ran).ends_with("5 open\n"), "{}", stdout(&ran));
    assert_eq!(
        demo_skill("extract-todos", &["nowhere"], "").await.exit,
        Exit::Code(1)
    );
}
