//! Running other programs, with errors that name the program.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result, bail};

/// Runs a command on this terminal and fails when it fails.
pub fn run(command: &mut Command) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("can't start {}", name(command)))?;
    if !status.success() {
        bail!("{} failed ({status})", name(command));
    }
    Ok(())
}

/// Runs a command quietly; on failure the error holds what it printed.
pub fn capture(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("can't start {}", name(command)))?;
    if !output.status.success() {
        bail!(
            "{} failed ({}): {}",
            name(command),
            output.status,
            printed(&output)
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout)
        .trim_end()
        .to_owned())
}

/// Whether a command can be started and succeeds; prints nothing.
pub fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Runs a command, shows its lines as they come, and hands them back with whether it succeeded.
///
/// Standard output and standard error arrive in one stream, in order.
pub fn tee(command: &mut Command) -> Result<(bool, Vec<String>)> {
    let (reader, writer) = std::io::pipe().context("can't open a pipe")?;
    command
        .stdout(writer.try_clone().context("can't open a pipe")?)
        .stderr(writer);
    let mut child = command
        .spawn()
        .with_context(|| format!("can't start {}", name(command)))?;
    // The command keeps its ends of the pipe open until they are replaced, and then we would wait
    // for an end that never comes.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let lines = show(reader);
    let status = child
        .wait()
        .with_context(|| format!("lost {}", name(command)))?;
    Ok((status.success(), lines))
}

fn show(reader: impl Read) -> Vec<String> {
    let mut lines = Vec::new();
    for line in BufReader::new(reader).split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line).into_owned();
        eprintln!("{line}");
        lines.push(line);
    }
    lines
}

fn name(command: &Command) -> String {
    let program = command.get_program().to_string_lossy();
    let program = program.rsplit('/').next().unwrap_or_default();
    match command
        .get_args()
        .find(|argument| !argument.to_string_lossy().starts_with('-'))
    {
        Some(first) => format!("`{program} {}`", first.to_string_lossy()),
        None => format!("`{program}`"),
    }
}

fn printed(output: &Output) -> String {
    let text = if output.stderr.is_empty() {
        &output.stdout
    } else {
        &output.stderr
    };
    String::from_utf8_lossy(text).trim().to_owned()
}
