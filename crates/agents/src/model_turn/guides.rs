//! `AGENTS.md` of the workspace: what those who keep the files want agents to know.
//!
//! The one at the top is read before the first question, those on the way to a file when the model
//! first touches something there; each once, by `file.read` on the road like any other file. One that
//! is not there, or may not be read, is none. What they say is data with its origin named.

use std::collections::BTreeSet;

use runs::{Effect, ToolResult, Wanted};
use serde_json::{Value, json};

/// The file's name.
const NAME: &str = "AGENTS.md";
/// The tool that reads it.
const READ: &str = "file.read";
/// How much of one is read, in bytes.
const BYTES_MAX: u64 = 16 * 1024;
/// How many files are looked for in one turn.
const LOOKS_MAX: usize = 16;
/// How deep in the workspace they are looked for, in folders.
const DEPTH_MAX: usize = 6;

/// What was looked for so far.
#[derive(Default)]
pub(super) struct Guides {
    looked: BTreeSet<String>,
}

/// Files that are being read.
pub(super) struct Reading {
    files: Vec<Open>,
}

struct Open {
    step: u32,
    path: String,
    /// What it says; `None` inside if it is none.
    says: Option<Option<String>>,
}

impl Guides {
    /// The file at the top of the workspace.
    pub fn top(&mut self, step: impl FnMut() -> u32) -> Option<Reading> {
        self.look([NAME.to_owned()], step)
    }

    /// The files on the way to what these effects touch, those nearest to the top first.
    pub fn near<'a>(
        &mut self,
        touched: impl Iterator<Item = &'a Effect>,
        step: impl FnMut() -> u32,
    ) -> Option<Reading> {
        let on_the_way = touched.filter_map(path).flat_map(folders);
        let paths: BTreeSet<String> = on_the_way.map(|it| format!("{it}/{NAME}")).collect();
        self.look(paths, step)
    }

    fn look(
        &mut self,
        paths: impl IntoIterator<Item = String>,
        mut step: impl FnMut() -> u32,
    ) -> Option<Reading> {
        let mut files = Vec::new();
        for path in paths {
            if self.looked.len() < LOOKS_MAX && self.looked.insert(path.clone()) {
                let (step, says) = (step(), None);
                files.push(Open { step, path, says });
            }
        }
        (!files.is_empty()).then_some(Reading { files })
    }
}

impl Reading {
    /// What is still to be read.
    pub fn wanted(&self) -> impl Iterator<Item = Wanted> {
        let open = self.files.iter().filter(|it| it.says.is_none());
        open.map(|it| Wanted {
            step: it.step,
            effect: Effect::Tool {
                tool: READ.to_owned(),
                arguments: json!({ "path": it.path, "limit": BYTES_MAX }),
            },
        })
    }

    /// Takes what a reading gave.
    pub fn end(&mut self, step: u32, result: &ToolResult) {
        if let Some(file) = self.files.iter_mut().find(|it| it.step == step) {
            let text = result.output.as_ref().and_then(Value::as_str);
            let text = text.filter(|text| result.ok && !text.trim().is_empty());
            file.says = Some(text.map(str::to_owned));
        }
    }

    /// Paths and texts of those that are there, once all of them were read.
    pub fn found(&self) -> Option<Vec<(String, String)>> {
        let read: Option<Vec<_>> = self
            .files
            .iter()
            .map(|it| Some((it.path.clone(), it.says.clone()?)))
            .collect();
        let there = |(path, says): (String, Option<String>)| Some((path, says?));
        Some(read?.into_iter().filter_map(there).collect())
    }
}

/// What an effect touches of the workspace.
fn path(effect: &Effect) -> Option<&str> {
    match effect {
        Effect::Tool { tool, arguments } if tool.starts_with("file.") => {
            arguments.get("path")?.as_str()
        }
        Effect::Tool { .. } | Effect::Timer { .. } | Effect::Signal { .. } | Effect::Context => {
            None
        }
    }
}

/// The folders above a path, without the top. What is no plain path has none: no file is looked for
/// where the tool itself would refuse to go.
fn folders(path: &str) -> Vec<String> {
    let names: Vec<&str> = path.split('/').collect();
    let plain = |name: &&str| !matches!(*name, "" | "." | "..");
    if !names.iter().all(plain) {
        return Vec::new();
    }
    let deep = names.len().saturating_sub(1).min(DEPTH_MAX);
    (1..=deep).map(|count| names[..count].join("/")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn touching(path: &str) -> Effect {
        Effect::Tool {
            tool: "file.write".to_owned(),
            arguments: json!({ "path": path, "content": "" }),
        }
    }

    fn looked_for(guides: &mut Guides, paths: &[&str]) -> Vec<String> {
        let effects: Vec<Effect> = paths.iter().map(|it| touching(it)).collect();
        let mut step = 0;
        let reading = guides.near(effects.iter(), || {
            step += 1;
            step
        });
        let files = reading.map(|it| it.files).unwrap_or_default();
        files.into_iter().map(|it| it.path).collect()
    }

    #[test]
    fn each_folder_on_the_way_is_looked_at_once() {
        let mut guides = Guides::default();
        assert_eq!(
            looked_for(&mut guides, &["a/b/c.rs", "a/d.rs", "e.rs"]),
            ["a/AGENTS.md", "a/b/AGENTS.md"]
        );
        assert_eq!(
            looked_for(&mut guides, &["a/b/f/g.rs"]),
            ["a/b/f/AGENTS.md"]
        );
        assert_eq!(looked_for(&mut guides, &["a/b/c.rs"]), [""; 0]);
        for odd in ["../x/y", "/etc/passwd", "a/../b/c", "./k/l", "", "m//n"] {
            assert_eq!(looked_for(&mut guides, &[odd]), [""; 0], "{odd}");
        }
    }

    #[test]
    fn they_are_bounded() {
        let mut guides = Guides::default();
        assert_eq!(
            looked_for(&mut guides, &["1/2/3/4/5/6/7/8/9"]).len(),
            DEPTH_MAX
        );
        let many: Vec<String> = (0..100).map(|n| format!("folder{n}/file")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(looked_for(&mut guides, &many).len(), LOOKS_MAX - DEPTH_MAX);
    }
}
