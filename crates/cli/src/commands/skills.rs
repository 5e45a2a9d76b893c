//! `chancery skills`: see and publish skills.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{Cx, Done, cells, find_id};
use crate::args::Listing;
use crate::client::address::segment;
use crate::failure::Failure;

const PATH: &str = "/v1/skills";
/// The file that makes a folder a skill.
const MANIFEST: &str = "SKILL.md";
/// The most files that are sent: a folder with more is no skill but a mistake.
const FILES_MAX: usize = 10_000;

/// See and publish skills.
#[derive(Debug, Args)]
pub struct Skills {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List skills.
    List {
        #[command(flatten)]
        listing: Listing,
    },
    /// Publish a folder with a SKILL.md as a skill, or as its next version.
    Publish {
        /// The folder.
        dir: PathBuf,
    },
    /// Delete a skill with all its versions.
    Delete {
        /// Its name or id.
        skill: String,
    },
}

impl Skills {
    pub async fn run(self, cx: &Cx) -> Done {
        let list = Command::List {
            listing: Listing::default(),
        };
        match self.command.unwrap_or(list) {
            Command::List { listing } => {
                let items = cx.client().await?.list(PATH, &[], listing.limit).await?;
                let heading = ["SKILL", "NAME", "VERSION", "RUNNABLE", "DESCRIPTION"];
                let names = ["id", "name", "version", "runnable", "description"];
                cx.list(items, &heading, |it| cells(it, &names))
            }
            Command::Publish { dir } => {
                let body = json!({ "files": files(&dir)? });
                let answer = cx.client().await?.post(PATH, &body).await?;
                let text = |name: &str| super::cell(&answer, name);
                let line = format!(
                    "the skill `{}` has version {} ({})",
                    text("name"),
                    text("version"),
                    text("digest")
                );
                cx.done(&answer, &line)
            }
            Command::Delete { skill } => {
                let client = cx.client().await?;
                let id = find_id(&client, PATH, "skill", &skill).await?;
                let answer = client.delete(&format!("{PATH}/{}", segment(&id))).await?;
                cx.done(&answer, &format!("the skill `{skill}` is deleted"))
            }
        }
    }
}

/// The files of a folder, as the API takes them. What is hidden stays here.
fn files(dir: &Path) -> Result<Vec<Value>, Failure> {
    if !dir.join(MANIFEST).is_file() {
        return Err(
            Failure::new(format!("`{}` has no {MANIFEST}", dir.display()))
                .fix("name the folder of a skill"),
        );
    }
    let mut found = Vec::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        let failed = |error| Failure::io(&format!("read `{}`", folder.display()), &error);
        for entry in std::fs::read_dir(&folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            if entry.file_name().to_string_lossy().starts_with('.') {
                continue;
            }
            let kind = entry.file_type().map_err(failed)?;
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() {
                found.push(file(dir, &entry.path())?);
            } else {
                return Err(Failure::new(format!(
                    "`{}` is neither a file nor a folder",
                    entry.path().display()
                ))
                .fix("a skill has no links and no special files"));
            }
            if found.len() > FILES_MAX {
                return Err(Failure::new(format!(
                    "`{}` has more than {FILES_MAX} files",
                    dir.display()
                )));
            }
        }
    }
    found.sort_by_key(|file| file["path"].as_str().unwrap_or_default().to_owned());
    Ok(found)
}

fn file(dir: &Path, path: &Path) -> Result<Value, Failure> {
    let failed = |error| Failure::io(&format!("read `{}`", path.display()), &error);
    let bytes = std::fs::read(path).map_err(failed)?;
    let mode = std::fs::metadata(path)
        .map_err(failed)?
        .permissions()
        .mode();
    let name = path.strip_prefix(dir).ok().and_then(Path::to_str);
    let name =
        name.ok_or_else(|| Failure::new(format!("the name of `{}` is no text", path.display())))?;
    Ok(
        json!({ "path": name, "content_base64": STANDARD.encode(bytes), "executable": mode & 0o111 != 0 }),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_skill_is_the_files_of_its_folder() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path();
        assert!(files(path).unwrap_err().to_string().contains("SKILL.md"));
        std::fs::write(path.join(MANIFEST), "x").unwrap();
        std::fs::create_dir_all(path.join("scripts/.git")).unwrap();
        std::fs::write(path.join("scripts/.git/config"), "hidden").unwrap();
        std::fs::write(path.join("scripts/run.sh"), "#!").unwrap();
        std::fs::set_permissions(
            path.join("scripts/run.sh"),
            std::fs::Permissions::from_mode(0o755),
        )
        .unwrap();
        let expected = vec![
            json!({"path": "SKILL.md", "content_base64": "eA==", "executable": false}),
            json!({"path": "scripts/run.sh", "content_base64": "IyE=", "executable": true}),
        ];
        assert_eq!(files(path).unwrap(), expected);
        std::os::unix::fs::symlink("/etc/passwd", path.join("link")).unwrap();
        assert!(files(path).unwrap_err().to_string().contains("no links"));
    }
}
