//! A process of foreign code, whichever driver runs it.

use std::path::PathBuf;
use std::time::Duration;

use protocol::{JobLimits, Usage};
use tokio::io::{AsyncRead, AsyncReadExt as _};

/// What is to be run.
#[derive(Debug, Clone)]
pub struct Process {
    /// The command and its arguments.
    pub command: Vec<String>,
    /// The folder in which it starts, relative to the workspace; `None` for the workspace itself.
    pub folder: Option<String>,
    /// What it reads from standard input.
    pub input: Vec<u8>,
    /// The workspace, if it may be reached at all.
    pub workspace: Option<Mount>,
    /// The skill's folder.
    pub skill: Option<PathBuf>,
    /// Whether it gets the network.
    pub network: bool,
    /// The most that it may use.
    pub limits: JobLimits,
}

/// A folder of the machine that appears inside.
#[derive(Debug, Clone)]
pub struct Mount {
    /// Where it is.
    pub path: PathBuf,
    /// Whether it may be written.
    pub writable: bool,
}

/// What became of it.
#[derive(Debug, Clone)]
pub struct Ran {
    /// How it ended.
    pub exit: Exit,
    /// What it wrote to standard output.
    pub stdout: Captured,
    /// What it wrote to standard error.
    pub stderr: Captured,
    /// The files that it left in `/out`.
    pub files: Vec<(String, Vec<u8>)>,
    /// Whether files were left out.
    pub files_cut: bool,
    /// What it used.
    pub usage: Usage,
    /// Wall time.
    pub duration: Duration,
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// By itself.
    Code(i32),
    /// By a signal.
    Signal(i32),
    /// The time was up.
    TimedOut,
    /// The memory was used up.
    OutOfMemory,
    /// Somebody stopped it.
    Stopped,
    /// It never started; the error of the operating system.
    NotStarted(i32),
}

/// The beginning of a stream.
#[derive(Debug, Clone, Default)]
pub struct Captured {
    /// What was kept.
    pub bytes: Vec<u8>,
    /// Whether there was more.
    pub cut: bool,
}

/// Where a process finds things inside, in both drivers.
pub mod inside {
    /// The workspace.
    pub const WORK: &str = "/work";
    /// The skill, read-only.
    pub const SKILL: &str = "/skill";
    /// Where files are left to be handed back.
    pub const OUT: &str = "/out";
    /// The directories in which commands are looked up.
    pub const PATH: &str = "/usr/local/bin:/usr/bin:/bin";
}

impl Process {
    /// The whole environment.
    #[must_use]
    pub fn environment() -> Vec<(String, String)> {
        [
            ("PATH", inside::PATH),
            ("HOME", "/tmp"),
            ("TMPDIR", "/tmp"),
            ("LANG", "C.UTF-8"),
            ("TZ", "UTC"),
            ("WORK_DIR", inside::WORK),
            ("SKILL_DIR", inside::SKILL),
            ("OUT_DIR", inside::OUT),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
    }

    /// The command as it is given inside: a relative path names a file of the skill.
    #[must_use]
    pub fn command_inside(&self) -> Vec<String> {
        let mut command = self.command.clone();
        if let Some(program) = command.first_mut()
            && program.contains('/')
            && !program.starts_with('/')
        {
            let below = program.strip_prefix("./").unwrap_or(program);
            *program = format!("{}/{below}", inside::SKILL);
        }
        command
    }

    /// The folder in which it starts, as it is named inside.
    #[must_use]
    pub fn folder_inside(&self) -> String {
        match &self.folder {
            Some(folder) => format!("{}/{folder}", inside::WORK),
            None => inside::WORK.to_owned(),
        }
    }
}

/// Reads a stream to its end and keeps the beginning, so that the writer is never held up.
pub async fn capture(stream: Option<impl AsyncRead + Unpin>, keep_bytes: u64) -> Captured {
    let mut captured = Captured::default();
    let Some(mut stream) = stream else {
        return captured;
    };
    let keep = usize::try_from(keep_bytes).unwrap_or(usize::MAX);
    let mut buffer = vec![0; 32 * 1024];
    loop {
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return captured,
            Ok(read) => {
                let room = keep.saturating_sub(captured.bytes.len()).min(read);
                captured.bytes.extend_from_slice(&buffer[..room]);
                captured.cut |= room < read;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_stream_is_kept_up_to_its_limit_and_read_to_its_end() {
        let all = capture(Some(&b"12345"[..]), 5).await;
        assert_eq!((all.bytes.as_slice(), all.cut), (&b"12345"[..], false));
        let some = capture(Some(&b"12345"[..]), 4).await;
        assert_eq!((some.bytes.as_slice(), some.cut), (&b"1234"[..], true));
    }
}
