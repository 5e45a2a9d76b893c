//! What the node tells the process that becomes the sandbox, and what that process tells back.
//!
//! Both travel over one socket pair, each message as a big-endian `u32` length and JSON. The node
//! sends one [`Spec`]; while the socket stays open the sandbox may live, and when it closes
//! everything in it is killed.

use std::io::{self, Read, Write};
use std::path::PathBuf;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The largest message, in bytes: an input or all artifacts, in base64, and some.
pub const MESSAGE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Everything the sandbox needs to know.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Spec {
    /// An empty directory of the node, on which the sandbox puts its root.
    pub staging: PathBuf,
    /// The command and its arguments; what to do instead when trying the sandbox out.
    pub payload: Payload,
    /// The whole environment.
    pub env: Vec<(String, String)>,
    /// Where the command starts, as it is named inside.
    pub cwd: String,
    /// What the command reads from standard input.
    #[serde(with = "base64_bytes")]
    pub input: Vec<u8>,
    /// The folder that appears at `/work`.
    pub workspace: Option<Bind>,
    /// The folder that appears at `/skill`, read-only.
    pub skill: Option<Bind>,
    /// Whether the network of the machine is shared.
    pub network: bool,
    /// The identity to take on; needed when the node is root.
    pub identity: Option<u32>,
    /// The limits that the sandbox sets on itself.
    pub limits: InnerLimits,
}

/// What runs inside.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Payload {
    /// A command.
    Command(Vec<String>),
    /// The checks of [`super::checks`].
    Checks,
}

/// A folder that appears inside.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Bind {
    /// Where it is.
    pub path: PathBuf,
    /// The device that it was on when the node opened it.
    pub device: u64,
    /// Its inode then. Another folder by the same name is refused.
    pub inode: u64,
    /// Whether it may be written.
    pub writable: bool,
}

/// The limits that the sandbox sets on itself.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct InnerLimits {
    /// Wall time, in milliseconds.
    pub timeout_ms: u64,
    /// Address space of each process, in bytes; set where no control group bounds the sum.
    pub address_space_bytes: Option<u64>,
    /// Processes and threads.
    pub processes: u32,
    /// The largest file, in bytes.
    pub file_bytes: u64,
    /// The size of `/tmp`, in bytes.
    pub tmp_bytes: u64,
    /// The size of `/out`, in bytes.
    pub out_bytes: u64,
}

/// What the sandbox tells the node.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Report {
    /// The boundary could not be set up; nothing ran.
    SetupFailed(Failed),
    /// The command could not be started.
    ExecFailed(Failed),
    /// The command ended.
    Exited(Exited),
    /// The checks were made.
    Checked(Vec<super::checks::Check>),
    /// Everything inside is dead. Always the last message.
    Ended(Ended),
}

/// What failed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Failed {
    /// In which step.
    pub step: String,
    /// The error of the operating system.
    pub errno: i32,
}

/// How the command ended.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Exited {
    /// Its exit code, if it exited.
    pub code: Option<i32>,
    /// The signal that ended it otherwise.
    pub signal: Option<i32>,
    /// The files that it left in `/out`.
    pub files: Vec<Collected>,
    /// Whether there were more, or other things than files.
    pub files_cut: bool,
}

/// A file that was left in `/out`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Collected {
    /// Relative to `/out`.
    pub path: String,
    /// Its content.
    #[serde(with = "base64_bytes")]
    pub bytes: Vec<u8>,
}

/// How it all ended.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Ended {
    /// Why the sandbox was ended.
    pub why: Why,
    /// Processor time of everything inside, in milliseconds.
    pub cpu_ms: u64,
    /// The largest resident size of one process, in bytes.
    pub memory_bytes_max: u64,
}

/// Why a sandbox ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// The command ended.
    Exited,
    /// The time was up.
    TimedOut,
    /// The node closed the socket.
    Stopped,
}

/// Writes one message.
///
/// # Errors
/// A broken socket, and messages beyond [`MESSAGE_BYTES_MAX`].
pub fn write<T: Serialize>(to: &mut impl Write, message: &T) -> io::Result<()> {
    let bytes = encode(message)?;
    to.write_all(&bytes)
}

/// A message as it is written.
///
/// # Errors
/// Messages beyond [`MESSAGE_BYTES_MAX`].
pub fn encode<T: Serialize>(message: &T) -> io::Result<Vec<u8>> {
    let json = serde_json::to_vec(message)?;
    let length = u32::try_from(json.len())
        .ok()
        .filter(|_| json.len() <= MESSAGE_BYTES_MAX);
    let length = length.ok_or(io::ErrorKind::InvalidData)?;
    Ok([length.to_be_bytes().as_slice(), json.as_slice()].concat())
}

/// Reads one message.
///
/// # Errors
/// A broken socket, a message beyond [`MESSAGE_BYTES_MAX`], or one that is not of the type.
pub fn read<T: DeserializeOwned>(from: &mut impl Read) -> io::Result<T> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    let length = u32::from_be_bytes(length) as usize;
    if length > MESSAGE_BYTES_MAX {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut json = vec![0; length];
    from.read_exact(&mut json)?;
    Ok(serde_json::from_slice(&json)?)
}

mod base64_bytes {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(bytes))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(deserializer)?;
        STANDARD.decode(text).map_err(serde::de::Error::custom)
    }
}
