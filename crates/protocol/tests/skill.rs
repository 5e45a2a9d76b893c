//! Skill packages: the digest, the tar, the manifest, and what is refused.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed test panics, in helpers too"
)]

use std::os::unix::fs::{PermissionsExt as _, symlink};

use proptest::prelude::*;
use protocol::skill::{File, Manifest, ManifestError, Package, PackageError, folder};
use protocol::{Access, Level};

const SKILL_MD: &str = "---\nname: word-count\ndescription: Counts words.\nmetadata:\n  author: us\nsomething-else: [1, 2]\n---\n\n# Word count\n";
const SIDECAR: &str =
    "version = 1\nentry = [\"scripts/run.sh\"]\n\n[needs]\nworkspace = \"read\"\n";

fn file(bytes: &[u8]) -> File {
    File {
        executable: false,
        bytes: bytes.to_vec(),
    }
}

fn package(sidecar: &str) -> Package {
    let mut package = Package::default();
    package
        .insert("SKILL.md", file(SKILL_MD.as_bytes()))
        .unwrap();
    package
        .insert("skill.chancery.toml", file(sidecar.as_bytes()))
        .unwrap();
    let script = File {
        executable: true,
        bytes: b"#!/bin/sh\nwc -w\n".to_vec(),
    };
    package.insert("scripts/run.sh", script).unwrap();
    package
}

/// A test vector of the digest, version 1. It can't change: digests are kept in records.
#[test]
fn the_digest_is_what_it_was() {
    insta::assert_snapshot!(package(SIDECAR).digest(), @"sha256:eb47188155de6a0150cedca7b3396fc2d57bf99e542d3088a12bab3b83d5b536");
    insta::assert_snapshot!(Package::default().digest(), @"sha256:2d59ea1f569312b4fc759550fd6c6c1df28279b69087acc5d61e5deee9b96589");
}

#[test]
fn the_digest_covers_path_mode_content_and_needs_but_not_itself() {
    let digest = package(SIDECAR).digest();

    let pinned = format!(
        "version = 1\ndigest = \"{digest}\" # pinned\nentry = [\"scripts/run.sh\"]\nneeds = {{ workspace = \"read\" }}\n"
    );
    assert_eq!(package(&pinned).digest(), digest);

    let wider = SIDECAR.replace("read", "write");
    assert_ne!(package(&wider).digest(), digest);

    let mut moved = Package::default();
    let mut not_executable = Package::default();
    let mut other_content = Package::default();
    for (path, file) in package(SIDECAR).files() {
        moved
            .insert(&path.replace("run.sh", "go.sh"), file.clone())
            .unwrap();
        not_executable
            .insert(
                path,
                File {
                    executable: false,
                    ..file.clone()
                },
            )
            .unwrap();
        let bytes = [file.bytes.as_slice(), b"\n"].concat();
        other_content
            .insert(
                path,
                File {
                    bytes,
                    ..file.clone()
                },
            )
            .unwrap();
    }
    for other in [moved, not_executable, other_content] {
        assert_ne!(other.digest(), digest);
    }
}

#[test]
fn the_manifest_reads_front_matter_and_sidecar() {
    let manifest = Manifest::of(&package(SIDECAR)).unwrap();
    assert_eq!(manifest.front.name, "word-count");
    assert_eq!(manifest.front.metadata["author"], "us");
    assert_eq!(manifest.instructions, "# Word count");
    let sidecar = manifest.sidecar.unwrap();
    assert_eq!(sidecar.entry, ["scripts/run.sh"]);
    assert_eq!(sidecar.needs.workspace, Access::Read);
    assert!(!sidecar.needs.network);

    let needs = "version = 1\nentry = [\"sh\", \"-c\", \"true\"]\n[needs]\nenforcement = \"partial\"\nmemory_bytes = 1000000\n";
    let needs = Manifest::of(&package(needs))
        .unwrap()
        .sidecar
        .unwrap()
        .needs;
    assert_eq!(
        (needs.enforcement, needs.memory_bytes),
        (Some(Level::Partial), Some(1_000_000))
    );
}

#[test]
fn a_broken_manifest_is_refused_with_its_reason() {
    let sidecar = |text: &str| Manifest::of(&package(text)).unwrap_err();
    assert!(matches!(
        sidecar("version = 2\nentry = [\"sh\"]"),
        ManifestError::Version(2)
    ));
    assert!(matches!(
        sidecar("version = 1\nentry = []"),
        ManifestError::Entry
    ));
    assert!(matches!(
        sidecar("version = 1\nentry = [\"a/b\"]"),
        ManifestError::EntryMissing(_)
    ));
    assert!(matches!(
        sidecar("version = 1\nentry = [\"../../bin/sh\"]"),
        ManifestError::EntryMissing(_)
    ));
    assert!(matches!(
        sidecar("version = 1\nentry = [\"sh\"]\nroot = true"),
        ManifestError::Toml(_)
    ));
    assert!(matches!(
        sidecar("version = 1\nentry = [\"sh\"]\n[needs]\nroot = true"),
        ManifestError::Toml(_)
    ));

    let front = |text: &str| {
        let mut package = Package::default();
        package.insert("SKILL.md", file(text.as_bytes())).unwrap();
        Manifest::of(&package).unwrap_err()
    };
    assert!(matches!(
        front("# no front matter"),
        ManifestError::NoFrontMatter
    ));
    assert!(matches!(
        front("---\nname: a\ndescription: b\n"),
        ManifestError::NoFrontMatter
    ));
    assert!(matches!(
        front("---\nname: a\n---\n"),
        ManifestError::Yaml(_)
    ));
    assert!(matches!(
        front("---\nname: Bad Name\ndescription: b\n---\n"),
        ManifestError::Name(_)
    ));
    assert!(matches!(
        front("---\nname: a--b\ndescription: b\n---\n"),
        ManifestError::Name(_)
    ));
    assert!(matches!(
        front("---\nname: a\ndescription: ''\n---\n"),
        ManifestError::Description
    ));
    let bomb = "---\na: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d]\nname: a\ndescription: b\nmetadata: *e\n---\n";
    assert!(matches!(front(bomb), ManifestError::Yaml(_)));
    assert!(matches!(
        Manifest::of(&Package::default()),
        Err(ManifestError::Missing("SKILL.md"))
    ));
}

#[test]
fn a_package_survives_its_tar() {
    let package = package(SIDECAR);
    let tar = package.to_tar().unwrap();
    assert_eq!(Package::from_tar(&tar).unwrap(), package);
    assert_eq!(package.to_tar().unwrap(), tar);
}

fn tar_with(path: &[u8], kind: tar::EntryType, link: Option<&str>) -> Vec<u8> {
    let mut header = tar::Header::new_gnu();
    header.as_mut_bytes()[..path.len()].copy_from_slice(path);
    header.set_entry_type(kind);
    header.set_mode(0o755);
    header.set_size(0);
    if let Some(link) = link {
        header.set_link_name(link).unwrap();
    }
    header.set_cksum();
    let mut builder = tar::Builder::new(Vec::new());
    builder.append(&header, std::io::empty()).unwrap();
    builder.into_inner().unwrap()
}

#[test]
fn hostile_archives_are_refused_and_a_plain_one_is_not() {
    use tar::EntryType as E;
    let read =
        |path: &str, kind| Package::from_tar(&tar_with(path.as_bytes(), kind, Some("/etc/passwd")));
    assert!(read("plain/file", E::Regular).is_ok());
    assert!(read("./", E::Directory).is_ok());
    for path in [
        "../up",
        "/etc/cron.d/x",
        "a/../../b",
        "a//b",
        ".",
        "a\u{1}b",
        "",
    ] {
        assert!(
            matches!(read(path, E::Regular), Err(PackageError::Path { .. })),
            "{path:?}"
        );
    }
    assert!(matches!(
        read("../up/", E::Directory),
        Err(PackageError::Path { .. })
    ));
    for kind in [
        E::Symlink,
        E::Link,
        E::Char,
        E::Block,
        E::Fifo,
        E::GNUSparse,
        E::XGlobalHeader,
    ] {
        assert!(read("name", kind).is_err(), "{kind:?}");
    }
    let latin1 = Package::from_tar(&tar_with(b"caf\xe9", E::Regular, None));
    assert!(matches!(latin1, Err(PackageError::PathNotUtf8)));
    assert!(Package::from_tar(&vec![0; 9 * 1024 * 1024]).is_err());
    assert!(Package::from_tar(b"not a tar").is_err());
}

#[test]
fn one_name_is_one_thing() {
    let mut package = Package::default();
    package.insert("a/b", file(b"1")).unwrap();
    package.insert("a-b", file(b"1")).unwrap();
    for clash in ["a/b", "./a/b", "a", "a/b/c"] {
        let result = package.insert(clash, file(b"2"));
        assert!(matches!(result, Err(PackageError::Duplicate(_))), "{clash}");
    }
    package.insert("a/c", file(b"3")).unwrap();
}

#[test]
fn a_package_has_limits() {
    let mut package = Package::default();
    let big = vec![0; 5 * 1024 * 1024];
    package.insert("one", file(&big)).unwrap();
    assert!(matches!(
        package.insert("two", file(&big)),
        Err(PackageError::TooLarge)
    ));

    let mut package = Package::default();
    for n in 0..512 {
        package.insert(&format!("f{n}"), file(b"")).unwrap();
    }
    assert!(matches!(
        package.insert("one-more", file(b"")),
        Err(PackageError::TooMany)
    ));
}

#[test]
fn a_folder_is_read_without_links() {
    let dir = tempfile::tempdir().unwrap();
    for (path, file) in package(SIDECAR).files() {
        let at = dir.path().join(path);
        std::fs::create_dir_all(at.parent().unwrap()).unwrap();
        std::fs::write(&at, &file.bytes).unwrap();
        let mode = if file.executable { 0o755 } else { 0o644 };
        std::fs::set_permissions(&at, std::fs::Permissions::from_mode(mode)).unwrap();
    }
    std::fs::create_dir(dir.path().join(".git")).unwrap();
    std::fs::write(dir.path().join(".git/config"), "x").unwrap();
    assert_eq!(folder::read(dir.path()).unwrap(), package(SIDECAR));

    symlink("/etc/passwd", dir.path().join("link")).unwrap();
    assert!(matches!(folder::read(dir.path()), Err(PackageError::Kind(path)) if path == "link"));
}

proptest! {
    /// Whatever bytes arrive, reading them ends in a package or an error, and a package survives.
    #[test]
    fn any_bytes_are_read_or_refused(
        bytes in proptest::collection::vec(any::<u8>(), 0..2_048),
        at in 0usize..1_024,
        flip in any::<u8>(),
    ) {
        if let Ok(package) = Package::from_tar(&bytes) {
            prop_assert_eq!(Package::from_tar(&package.to_tar().unwrap()).unwrap(), package);
        }
        let mut tar = package(SIDECAR).to_tar().unwrap();
        let index = at % tar.len();
        tar[index] ^= flip;
        if let Ok(read) = Package::from_tar(&tar) {
            prop_assert_eq!(Package::from_tar(&read.to_tar().unwrap()).unwrap(), read);
        }
    }
}
