//! How a command ends when it does not succeed: one clear line, and an exit code.

use std::fmt;
use std::process::ExitCode;

use serde_json::{Value, json};

/// The exit codes of every command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Success,
    /// It did not work, or the run failed.
    Failed,
    /// The command line is wrong.
    Usage,
    /// The run waits for somebody.
    Waiting,
    /// The run was cancelled.
    Cancelled,
    /// Interrupted at the keyboard.
    Interrupted,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Success => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Waiting => 3,
            Exit::Cancelled => 4,
            Exit::Interrupted => 130,
        })
    }
}

/// Why a command did not succeed, and what to do about it.
#[derive(Debug)]
pub struct Failure {
    /// What went wrong: lower case, no final stop.
    pub message: String,
    /// What to do.
    pub fix: Option<String>,
    /// How the program ends.
    pub exit: Exit,
    /// The problem document, if the server sent one.
    pub problem: Option<Value>,
}

impl Failure {
    /// Something went wrong.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            fix: None,
            exit: Exit::Failed,
            problem: None,
        }
    }

    /// The command line is wrong.
    pub fn usage(message: impl Into<String>) -> Self {
        Self {
            exit: Exit::Usage,
            ..Self::new(message)
        }
    }

    /// Says what to do.
    #[must_use]
    pub fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }

    /// A failure that names what was being done.
    pub fn io(doing: &str, error: &std::io::Error) -> Self {
        Self::new(format!("can't {doing}: {error}"))
    }

    /// The problem's status, if the server answered.
    pub fn status(&self) -> Option<u64> {
        self.problem.as_ref()?.get("status")?.as_u64()
    }

    /// The problem's code, if the server answered.
    pub fn code(&self) -> Option<&str> {
        self.problem.as_ref()?.get("code")?.as_str()
    }

    /// The failure for programs.
    pub fn json(&self) -> Value {
        let problem = self.problem.clone().unwrap_or(Value::Null);
        json!({ "error": { "message": self.message, "fix": self.fix, "problem": problem } })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // One line, whatever the server put into its texts.
        let line = |text: &str| crate::terminal::clean(&text.replace(['\r', '\n', '\t'], " "));
        f.write_str(&line(&self.message))?;
        match &self.fix {
            Some(fix) => write!(f, "; {}", line(fix)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_one_line_whatever_the_server_says() {
        let failure = Failure::new("no\nsuch\x1b[2Jthing").fix("look\r\nagain");
        assert_eq!(failure.to_string(), "no such\\u{1b}[2Jthing; look  again");
    }
}
