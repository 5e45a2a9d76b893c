//! The digest of a package, version 1 (the format is in the parent module's documentation).

use sha2::{Digest as _, Sha256};
use vocab::Digest;

use super::manifest::{SIDECAR, Sidecar};
use super::package::{File, Package};

const DOMAIN: &[u8] = b"chancery-skill-v1\0";

pub(super) fn of(package: &Package) -> Digest {
    let mut hasher = Sha256::new();
    hasher.update(DOMAIN);
    for (path, file) in package.files() {
        feed(&mut hasher, path.as_bytes());
        hasher.update(if file.executable { b"x" } else { b"-" });
        feed(&mut hasher, &counted_content(path, file));
    }
    Digest::from_bytes(hasher.finalize().into())
}

fn feed(hasher: &mut Sha256, bytes: &[u8]) {
    hasher.update((bytes.len() as u64).to_be_bytes());
    hasher.update(bytes);
}

/// The sidecar counts by what it says; one that says nothing readable counts by its bytes, and such
/// a package is not runnable anyway.
fn counted_content<'a>(path: &str, file: &'a File) -> std::borrow::Cow<'a, [u8]> {
    if path == SIDECAR
        && let Ok(text) = std::str::from_utf8(&file.bytes)
        && let Ok(sidecar) = Sidecar::parse(text)
        && let Ok(canonical) = sidecar.canonical()
    {
        return canonical.into_bytes().into();
    }
    file.bytes.as_slice().into()
}
