//! What a run reads again or further: its own artifacts, and what skills say of themselves.

use db::OrgContext;
use policy::HasRead;
use serde_json::Value;
use vault::{Artifact, ArtifactError, ContentError};
use vocab::{SessionId, Target, limits};

use super::{Attempted, Broker, Done, Way, refused};
use crate::call::{self, ArtifactReadArguments, SkillReadArguments};
use crate::result::ToolResult;

/// How much is read at once, in bytes: as much as a model is shown, with room for where it goes on.
const PIECE_BYTES_MAX: usize = limits::TOOL_RESULT_SHOWN_BYTES_MAX - 256;

impl Broker {
    /// Reads on in an artifact of the very run, or in a file that somebody put into its session. Who did
    /// need not have written it: the run has then read something private and something untrusted. What
    /// other runs keep is not there for it: they may have read what this one's labels do not say.
    pub(super) async fn read_artifact(&self, ctx: &OrgContext, way: Way<'_>) -> Attempted {
        let arguments: ArtifactReadArguments = match call::read(&way.intent.arguments) {
            Ok(arguments) => arguments,
            Err(error) => return Done::with(refused("ARGUMENTS_INVALID", &error.to_string())),
        };
        let found = self.vault.artifacts.content(ctx, arguments.id).await;
        let (bytes, has_read) = match found {
            Ok((artifact, bytes)) if artifact.run == Some(way.intent.run) => {
                (bytes, HasRead::default())
            }
            Ok((artifact, bytes)) if is_of_session(&artifact, way.session) => (bytes, STRANGE),
            Ok(_) | Err(ArtifactError::NotFound) => {
                let message = format!("there is no artifact `{}` for this run", arguments.id);
                return Done::with(refused("ARTIFACT_NOT_FOUND", &message));
            }
            Err(ArtifactError::Content(ContentError::Erased)) => {
                return Done::with(refused("CONTENT_ERASED", "the artifact was erased"));
            }
            Err(error) => return Done::with(unread(&error)),
        };
        let Ok(text) = std::str::from_utf8(&bytes) else {
            return Done::with(refused("ARTIFACT_NOT_TEXT", "the artifact is no text"));
        };
        let limit = arguments.limit.map_or(PIECE_BYTES_MAX, at_most);
        let piece = piece(text, at_most(arguments.offset), limit.min(PIECE_BYTES_MAX));
        let mut read = Done::with(ToolResult::success(Value::String(piece)));
        if let Attempted::Done(done) = &mut read {
            done.has_read = has_read;
        }
        read
    }

    /// Reads a text of the package that the intent names by its digest.
    pub(super) async fn read_skill(&self, ctx: &OrgContext, way: Way<'_>) -> Attempted {
        let arguments: SkillReadArguments = match call::read(&way.intent.arguments) {
            Ok(arguments) => arguments,
            Err(error) => return Done::with(refused("ARGUMENTS_INVALID", &error.to_string())),
        };
        let Target::Skill {
            digest: Some(digest),
            ..
        } = &way.intent.target
        else {
            return Done::with(refused("TARGET_MISMATCH", "the skill has no package"));
        };
        let path = arguments.path.as_deref().unwrap_or("SKILL.md");
        match self.skills.text(ctx, *digest, path).await {
            Ok(Some(text)) => Done::with(ToolResult::success(Value::String(text))),
            Ok(None) => {
                let message = format!("the skill `{}` has no text `{path}`", arguments.name);
                Done::with(refused("SKILL_FILE_NOT_FOUND", &message))
            }
            Err(error) => Done::with(unread(&error)),
        }
    }
}

/// What has been read of a file that somebody put into a session.
const STRANGE: HasRead = HasRead {
    trusted: false,
    private: true,
    untrusted: true,
};

/// Whether a person put it into this session.
fn is_of_session(artifact: &Artifact, session: Option<SessionId>) -> bool {
    artifact.run.is_none() && session.is_some() && artifact.session == session
}

fn unread(error: &(dyn std::error::Error + 'static)) -> ToolResult {
    tracing::error!(error, "what a run reads on in can't be read");
    ToolResult::failure("STORAGE_FAILED", "it can't be read at the moment", true)
}

fn at_most(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// A piece of a text, whole characters of it, and where it goes on if it does.
fn piece(text: &str, offset: usize, limit: usize) -> String {
    let from = text.floor_char_boundary(offset);
    let rest = &text[from..];
    let mut to = rest.floor_char_boundary(limit);
    if to == 0 {
        // A limit that is smaller than a character still leads on.
        to = rest.chars().next().map_or(0, char::len_utf8);
    }
    let (shown, left) = rest.split_at(to);
    match left.len() {
        0 => shown.to_owned(),
        left => format!("{shown}\n… ({left} more bytes, from offset {})", from + to),
    }
}

#[cfg(test)]
mod tests {
    use super::piece;

    #[test]
    fn pieces_are_whole_characters_and_lead_on() {
        let text = "aé\u{20ac}z";
        assert_eq!(piece(text, 0, 100), text);
        assert_eq!(piece(text, 0, 2), "a\n… (6 more bytes, from offset 1)");
        assert_eq!(piece(text, 1, 1), "é\n… (4 more bytes, from offset 3)");
        // In the middle of a character: from its beginning.
        assert_eq!(
            piece(text, 4, 3),
            "\u{20ac}\n… (1 more bytes, from offset 6)"
        );
        assert_eq!(piece(text, 6, 5), "z");
        assert_eq!(piece(text, 99, 5), "");
    }
}
