//! Gathers what a command left in `/out`: regular files, bounded in number and size.

use std::fs;
use std::io::Read as _;
use std::path::Path;

use protocol::limits::{ARTIFACTS_BYTES_MAX, ARTIFACTS_MAX};

use super::spec::Collected;

/// How deep folders are followed.
const DEPTH_MAX: usize = 8;
/// How many entries are looked at.
const ENTRIES_MAX: usize = 4_096;

/// The files, and whether anything was left out: too many, too large, links, special files, names
/// that are not UTF-8. Runs when nothing else does, so nothing changes underneath.
pub fn gather(folder: &Path) -> (Vec<Collected>, bool) {
    let mut gathering = Gathering {
        files: Vec::new(),
        bytes_left: ARTIFACTS_BYTES_MAX,
        seen: 0,
        cut: false,
    };
    gathering.folder(folder, "", DEPTH_MAX);
    gathering.files.sort_by(|a, b| a.path.cmp(&b.path));
    (gathering.files, gathering.cut)
}

struct Gathering {
    files: Vec<Collected>,
    bytes_left: u64,
    seen: usize,
    cut: bool,
}

impl Gathering {
    fn folder(&mut self, folder: &Path, prefix: &str, depth_left: usize) {
        let Ok(entries) = fs::read_dir(folder) else {
            self.cut = true;
            return;
        };
        for entry in entries {
            self.seen += 1;
            if self.seen > ENTRIES_MAX || self.files.len() >= ARTIFACTS_MAX {
                self.cut = true;
                return;
            }
            let taken = entry
                .ok()
                .and_then(|entry| self.entry(&entry, prefix, depth_left));
            self.cut |= taken.is_none();
        }
    }

    fn entry(&mut self, entry: &fs::DirEntry, prefix: &str, depth_left: usize) -> Option<()> {
        let name = entry.file_name().into_string().ok()?;
        let kind = entry.file_type().ok()?;
        let path = format!("{prefix}{name}");
        if kind.is_dir() {
            let depth_left = depth_left.checked_sub(1)?;
            self.folder(&entry.path(), &format!("{path}/"), depth_left);
            return Some(());
        }
        if !kind.is_file() {
            return None;
        }
        let mut bytes = Vec::new();
        let file = fs::File::open(entry.path()).ok()?;
        file.take(self.bytes_left + 1)
            .read_to_end(&mut bytes)
            .ok()?;
        self.bytes_left = self.bytes_left.checked_sub(bytes.len() as u64)?;
        self.files.push(Collected { path, bytes });
        Some(())
    }
}
