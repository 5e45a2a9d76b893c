//! Master keys: from a file, a variable or a command; several at once while one replaces another.
//!
//! The text form is one key a line: 32 bytes in base64 (RFC 4648, with padding). Blank lines and
//! lines that begin with `#` don't count, and commas part keys as line ends do, for the sake of
//! variables. The last key is the newest: it wraps; the others only unwrap. A key's id is derived
//! from the key itself, so that no two keys can be taken for each other.

use std::fmt;
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::AsyncReadExt as _;
use vocab::{ExposeSecret, Random, SecretString};
use zeroize::Zeroizing;

use crate::crypto::{AeadKey, RawKey, Refused};

/// The most bytes that a source of keys may give.
const TEXT_BYTES_MAX: usize = 64 * 1024;
/// How long a command may take to print the keys.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(30);
const HEADING: &str = "# Chancery master keys, the newest last. Whoever has this file and the \
                       database can read everything;\n# without it nobody can. Keep a copy apart \
                       from the backups.\n";

/// Where the master keys come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MasterKeySource {
    /// A file that nobody else can read.
    File(PathBuf),
    /// The environment variable of this name.
    Environment(String),
    /// What a command prints, such as a client of a key management service.
    Command {
        /// The program.
        program: String,
        /// Its arguments.
        args: Vec<String>,
    },
}

/// Why there are no master keys. No variant holds a part of a key.
#[derive(Debug, thiserror::Error)]
pub enum MasterKeyError {
    /// The file can't be read or written.
    #[error("the master key file `{path}` can't be used")]
    File {
        /// Its path.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Others on this machine can read or change the file.
    #[error(
        "the master key file `{path}` is open to others (mode {mode:o}); run `chmod 600` on it"
    )]
    Exposed {
        /// Its path.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// The variable is not there, or isn't text.
    #[error("the environment variable `{0}` with the master key is not set")]
    Unset(String),
    /// The command didn't start, failed, or took longer than 30 seconds.
    #[error("the master key command `{program}` failed: {why}")]
    Command {
        /// The program.
        program: String,
        /// What happened; never what it printed.
        why: String,
    },
    /// A line is not 32 bytes in base64.
    #[error("master key {0} is not 32 bytes in base64")]
    Malformed(usize),
    /// There is no key in it.
    #[error("there is no master key in it")]
    Empty,
    /// The cryptographic library refused.
    #[error(transparent)]
    Refused(#[from] Refused),
}

/// The master keys of an installation.
pub struct MasterKeys(Vec<MasterKey>);

/// One master key.
pub(crate) struct MasterKey {
    pub(crate) id: String,
    pub(crate) wrapping: AeadKey,
}

impl MasterKeys {
    /// Reads the keys from where the configuration says.
    ///
    /// # Errors
    /// [`MasterKeyError`].
    pub async fn load(source: &MasterKeySource) -> Result<Self, MasterKeyError> {
        match source {
            MasterKeySource::File(path) => Self::load_file(path),
            MasterKeySource::Environment(name) => {
                let text = std::env::var(name).map_err(|_| MasterKeyError::Unset(name.clone()))?;
                Self::parse(&text.into())
            }
            MasterKeySource::Command { program, args } => Self::parse(&ask(program, args).await?),
        }
    }

    /// Reads the keys from a file; if it is not there, makes it with one new key, readable by its
    /// owner alone and on disk when this returns.
    ///
    /// # Errors
    /// [`MasterKeyError`].
    pub fn load_or_create(path: &Path, random: &Random) -> Result<Self, MasterKeyError> {
        match create(path, random) {
            Ok(()) => Self::load_file(path),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                Self::load_file(path)
            }
            Err(source) => Err(MasterKeyError::File {
                path: path.to_owned(),
                source,
            }),
        }
    }

    /// Adds a new key to a file. It is the newest from the next load on; the file is replaced whole
    /// or not at all.
    ///
    /// # Errors
    /// [`MasterKeyError`].
    pub fn add_to_file(path: &Path, random: &Random) -> Result<Self, MasterKeyError> {
        let old = read(path)?;
        Self::parse(&old)?;
        let new = new_line(random);
        let text = Zeroizing::new(format!(
            "{}\n{}",
            old.expose_secret().trim_end(),
            new.as_str()
        ));
        replace(path, &text).map_err(|source| MasterKeyError::File {
            path: path.to_owned(),
            source,
        })?;
        Self::load_file(path)
    }

    /// One new key that nothing keeps.
    ///
    /// # Errors
    /// The cryptographic library refused.
    pub fn generate(random: &Random) -> Result<Self, MasterKeyError> {
        Ok(Self(vec![MasterKey::new(&RawKey::random(random))?]))
    }

    /// Reads the text form.
    ///
    /// # Errors
    /// [`MasterKeyError::Malformed`], [`MasterKeyError::Empty`].
    pub fn parse(text: &SecretString) -> Result<Self, MasterKeyError> {
        let lines = text
            .expose_secret()
            .lines()
            .filter(|line| !line.trim_start().starts_with('#'));
        let entries = lines
            .flat_map(|line| line.split([',', ' ', '\t']))
            .map(str::trim);
        let keys: Result<Vec<_>, _> = entries
            .filter(|entry| !entry.is_empty())
            .enumerate()
            .map(|(index, entry)| {
                let bytes = Zeroizing::new(STANDARD.decode(entry).unwrap_or_default());
                let key = RawKey::from_slice(&bytes).ok_or(MasterKeyError::Malformed(index + 1))?;
                Ok::<_, MasterKeyError>(MasterKey::new(&key)?)
            })
            .collect();
        let keys = keys?;
        if keys.is_empty() {
            Err(MasterKeyError::Empty)
        } else {
            Ok(Self(keys))
        }
    }

    /// The keys' ids, the newest last. An id says nothing about its key.
    #[must_use]
    pub fn ids(&self) -> Vec<String> {
        self.0.iter().map(|key| key.id.clone()).collect()
    }

    pub(crate) fn newest(&self) -> Option<&MasterKey> {
        self.0.last()
    }

    pub(crate) fn by_id(&self, id: &str) -> Option<&MasterKey> {
        self.0.iter().find(|key| key.id == id)
    }

    fn load_file(path: &Path) -> Result<Self, MasterKeyError> {
        Self::parse(&read(path)?)
    }
}

impl fmt::Debug for MasterKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MasterKeys").field(&self.ids()).finish()
    }
}

impl MasterKey {
    fn new(key: &RawKey) -> Result<Self, Refused> {
        let id = key.derive("chancery/master-key-id/v1")?;
        let (front, _) = id.expose().split_at(8);
        let wrapping = AeadKey::new(&key.derive("chancery/master-key-wrap/v1")?)?;
        Ok(Self {
            id: hex::encode(front),
            wrapping,
        })
    }
}

fn new_line(random: &Random) -> Zeroizing<String> {
    let key = RawKey::random(random);
    Zeroizing::new(format!("{}\n", STANDARD.encode(key.expose())))
}

fn read(path: &Path) -> Result<SecretString, MasterKeyError> {
    let failed = |source| MasterKeyError::File {
        path: path.to_owned(),
        source,
    };
    let mode = std::fs::metadata(path)
        .map_err(failed)?
        .permissions()
        .mode()
        & 0o777;
    // A group may read it: that is how orchestrators hand a secret to a process.
    if mode & 0o027 != 0 {
        return Err(MasterKeyError::Exposed {
            path: path.to_owned(),
            mode,
        });
    }
    Ok(std::fs::read_to_string(path).map_err(failed)?.into())
}

fn create(path: &Path, random: &Random) -> std::io::Result<()> {
    // Linked into place only when it is whole: a crash must not leave an empty file behind that
    // the next start takes for the keys.
    let temporary = beside(path);
    write_private(
        &temporary,
        &Zeroizing::new(format!("{HEADING}{}", new_line(random).as_str())),
    )?;
    let linked = std::fs::hard_link(&temporary, path);
    std::fs::remove_file(&temporary)?;
    linked?;
    sync_folder(path)
}

fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    let temporary = beside(path);
    write_private(&temporary, text)?;
    std::fs::rename(&temporary, path)?;
    sync_folder(path)
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    path.with_file_name(name)
}

fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    // Left over by a process of the same id that died here.
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut file = std::fs::File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn sync_folder(path: &Path) -> std::io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    std::fs::File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

async fn ask(program: &str, args: &[String]) -> Result<SecretString, MasterKeyError> {
    let failed = |why: String| MasterKeyError::Command {
        program: program.to_owned(),
        why,
    };
    let mut child = tokio::process::Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| failed(error.to_string()))?;
    let stdout = child
        .stdout
        .take()
        .ok_or_else(|| failed("it has no output".to_owned()))?;
    let mut text = Zeroizing::new(String::new());
    let answer = async {
        stdout
            .take(TEXT_BYTES_MAX as u64)
            .read_to_string(&mut text)
            .await?;
        child.wait().await
    };
    let status = tokio::time::timeout(COMMAND_TIMEOUT, answer)
        .await
        .map_err(|_| {
            failed(format!(
                "no answer within {} seconds",
                COMMAND_TIMEOUT.as_secs()
            ))
        })?
        .map_err(|error| failed(error.to_string()))?;
    if !status.success() {
        return Err(failed(status.to_string()));
    }
    Ok(text.as_str().into())
}
