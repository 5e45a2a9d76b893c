//! The log's file: one line a record, each `<16 hexadecimal digits> <JSON>\n`, where the digits are
//! the beginning of the SHA-256 of the JSON.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use protocol::Outcome;
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};
use vocab::{Digest, JobId, Random, Timestamp};

const LOG: &str = "log";
const ID: &str = "id";
const LOCK: &str = "lock";
const CHECK_CHARS: usize = 16;
/// From which size on the log is written anew without what is no longer needed, in bytes.
const REWRITE_BYTES: u64 = 32 * 1024 * 1024;

/// One line of the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "snake_case", deny_unknown_fields)]
pub enum Record {
    /// A job is about to begin.
    Accepted {
        /// The job.
        job: JobId,
        /// The lease under which it was sent.
        epoch: u64,
        /// The digest of its intent.
        intent: Digest,
        /// The id of its token.
        token: String,
        /// When the token expires.
        expires_at: Timestamp,
        /// When it was accepted.
        at: Timestamp,
    },
    /// A job has ended.
    Finished {
        /// The job.
        job: JobId,
        /// How.
        outcome: Box<Outcome>,
    },
    /// The gateway has recorded a job's end.
    Acknowledged {
        /// The job.
        job: JobId,
    },
    /// It was at least this late.
    Floor {
        /// The instant.
        at: Timestamp,
    },
}

/// Why the spool can't be used.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// Another process holds it.
    #[error("the spool is in use by another node")]
    InUse,
    /// A line that is not at the end is not what was written.
    #[error(
        "the spool's log is damaged at line {line}; restore it, or remove it and resolve its jobs by hand"
    )]
    Damaged {
        /// Which line, from 1.
        line: usize,
    },
    /// More waits than the spool takes.
    #[error("the spool is full")]
    Full,
    /// The disk refuses.
    #[error("the spool can't be written")]
    Io(#[source] io::Error),
}

impl SpoolError {
    /// The same error once more, for everybody who waited for the same flush.
    pub fn same(&self) -> Self {
        match self {
            Self::InUse => Self::InUse,
            Self::Damaged { line } => Self::Damaged { line: *line },
            Self::Full => Self::Full,
            Self::Io(error) => Self::Io(
                error
                    .raw_os_error()
                    .map_or_else(|| error.kind().into(), io::Error::from_raw_os_error),
            ),
        }
    }
}

/// The log, open for appending.
#[derive(Debug)]
pub struct Log {
    folder: PathBuf,
    file: File,
    bytes: u64,
    live_bytes: u64,
    /// After a failed write nobody knows what the file holds: it is written anew before it is used.
    broken: bool,
    _lock: File,
}

impl Log {
    /// Opens the log and reads its records. A torn end is cut off.
    pub fn open(folder: &Path) -> Result<(Self, Vec<Record>), SpoolError> {
        std::fs::create_dir_all(folder).map_err(SpoolError::Io)?;
        let lock = create(&folder.join(LOCK)).map_err(SpoolError::Io)?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive).map_err(|_| SpoolError::InUse)?;
        let mut file = create(&folder.join(LOG)).map_err(SpoolError::Io)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(SpoolError::Io)?;
        let (records, good) = parse(&bytes)?;
        file.set_len(good).map_err(SpoolError::Io)?;
        let log = Self {
            folder: folder.to_owned(),
            file,
            bytes: good,
            live_bytes: good,
            broken: false,
            _lock: lock,
        };
        Ok((log, records))
    }

    /// Whether the log is better written anew.
    pub fn wants_rewrite(&self) -> bool {
        self.broken || self.bytes > REWRITE_BYTES + 2 * self.live_bytes
    }

    /// Appends records and waits until the disk has them.
    pub fn append<'a>(
        &mut self,
        records: impl Iterator<Item = &'a Record>,
    ) -> Result<(), SpoolError> {
        if self.broken {
            return Err(SpoolError::Io(io::ErrorKind::StorageFull.into()));
        }
        let lines = lines(records).map_err(SpoolError::Io)?;
        let written = self
            .file
            .write_all(&lines)
            .and_then(|()| self.file.sync_data());
        match written {
            Ok(()) => self.bytes += lines.len() as u64,
            Err(_) => self.broken = true,
        }
        written.map_err(SpoolError::Io)
    }

    /// Puts a new log in the place of the old one.
    pub fn rewrite(&mut self, records: &[Record]) -> Result<(), SpoolError> {
        let lines = lines(records.iter()).map_err(SpoolError::Io)?;
        let file = put(&self.folder, LOG, &lines).map_err(SpoolError::Io)?;
        self.file = file;
        self.bytes = lines.len() as u64;
        self.live_bytes = self.bytes;
        self.broken = false;
        Ok(())
    }
}

/// The name of the spool: random, and kept beside the log.
pub fn spool_id(folder: &Path, random: &Random) -> Result<String, SpoolError> {
    if let Ok(id) = std::fs::read_to_string(folder.join(ID))
        && id.len() == 32
    {
        return Ok(id);
    }
    let id = Digest::of(&random.bytes::<32>()).hex()[..32].to_owned();
    put(folder, ID, id.as_bytes()).map_err(SpoolError::Io)?;
    Ok(id)
}

fn create(at: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .open(at)
}

/// Replaces a file as a whole, and waits for the disk.
fn put(folder: &Path, name: &str, content: &[u8]) -> io::Result<File> {
    let temporary = folder.join(format!("{name}.new"));
    let mut file = OpenOptions::new()
        .append(true)
        .create(true)
        .open(&temporary)?;
    file.set_len(0)?;
    file.write_all(content)?;
    file.sync_all()?;
    std::fs::rename(&temporary, folder.join(name))?;
    File::open(folder)?.sync_all()?;
    Ok(file)
}

fn lines<'a>(records: impl Iterator<Item = &'a Record>) -> io::Result<Vec<u8>> {
    let mut lines = Vec::new();
    for record in records {
        let json = serde_json::to_vec(record)?;
        lines.extend_from_slice(check_of(&json).as_bytes());
        lines.push(b' ');
        lines.extend_from_slice(&json);
        lines.push(b'\n');
    }
    Ok(lines)
}

fn check_of(json: &[u8]) -> String {
    Digest::of(json).hex()[..CHECK_CHARS].to_owned()
}

/// The records, and how many bytes of the log are good. Only a last line that was not written to its
/// end may be bad.
fn parse(bytes: &[u8]) -> Result<(Vec<Record>, u64), SpoolError> {
    let mut records = Vec::new();
    let mut good = 0;
    for (line, text) in (1..).zip(bytes.split_inclusive(|byte| *byte == b'\n')) {
        match parse_line(text) {
            Some(record) => records.push(record),
            None if text.ends_with(b"\n") => return Err(SpoolError::Damaged { line }),
            None => return Ok((records, good)),
        }
        good += text.len() as u64;
    }
    Ok((records, good))
}

fn parse_line(line: &[u8]) -> Option<Record> {
    let line = line.strip_suffix(b"\n")?;
    let (check, json) = line.split_at_checked(CHECK_CHARS)?;
    let json = json.strip_prefix(b" ")?;
    if check_of(json).as_bytes() != check {
        return None;
    }
    serde_json::from_slice(json).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(micros: i64) -> Record {
        Record::Floor {
            at: Timestamp::from_micros(micros),
        }
    }

    #[test]
    fn a_torn_end_is_cut_off_wherever_it_is_torn() {
        let all = lines([record(1), record(2)].iter()).unwrap();
        let first = lines([record(1)].iter()).unwrap().len();
        for cut in first..all.len() {
            let (records, good) = parse(&all[..cut]).unwrap();
            assert_eq!((records, good), (vec![record(1)], first as u64), "{cut}");
        }
        assert_eq!(parse(&all).unwrap().0.len(), 2);
    }

    #[test]
    fn a_flipped_bit_before_the_end_is_damage_and_never_another_record() {
        let all = lines([record(1), record(2), record(3)].iter()).unwrap();
        for at in 0..all.len() {
            let mut flipped = all.clone();
            flipped[at] ^= 1;
            match parse(&flipped) {
                Err(SpoolError::Damaged { .. }) => assert!(at < all.len() - 1),
                Ok((records, _)) => {
                    assert_eq!((at, records), (all.len() - 1, vec![record(1), record(2)]));
                }
                Err(error) => panic!("{error}"),
            }
        }
    }
}
