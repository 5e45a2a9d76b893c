//! The frames, and their text.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use vocab::{Digest, JobId, NodeId};

use crate::enforcement::Enforcement;
use crate::job::{Dispatch, Outcome};
use crate::limits::FRAME_BYTES_MAX;

/// What a node says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum NodeFrame {
    /// The first frame of a connection.
    Hello(Hello),
    /// It is alive and asks for its lease to be renewed.
    Heartbeat(Heartbeat),
    /// What became of a job. Sent again on every connection until it is acknowledged.
    Result(JobResult),
    /// The job was begun, and the node does not know what became of it: it crashed in between. It
    /// will not run it again. Sent on every connection until it is acknowledged, and on inquiry.
    Unknown(JobEpoch),
    /// The job is being worked on. Sent on inquiry, and when a job is sent twice.
    Running(JobEpoch),
    /// The node never began this job. Sent on inquiry.
    Absent(JobRef),
    /// The node needs a skill's package.
    NeedSkill(SkillRef),
}

/// What the gateway says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum GatewayFrame {
    /// The node is let in, with a lease.
    Welcome(Welcome),
    /// The node is not let in; the connection ends.
    Refused(Refused),
    /// The lease is renewed: it ends `lease_ms` after the heartbeat that this answers was sent.
    Lease(Lease),
    /// A job to be done.
    Dispatch(Box<Dispatch>),
    /// The outcome (or that it is unknown) is recorded; the node may forget it.
    Ack(JobRef),
    /// What became of this job?
    Inquire(JobRef),
    /// Stop this job.
    Cancel(JobRef),
    /// A skill's package, or that there is none.
    Skill(SkillPackage),
    /// Take nothing new, finish, and disconnect.
    Drain(Drain),
}

/// The node introduces itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hello {
    /// [`crate::PROTOCOL_VERSION`] of the node.
    pub protocol: u32,
    /// The version of the program.
    pub version: String,
    /// Names the node's spool. Another value means that the memory of past jobs is gone, and
    /// `absent` says nothing about jobs that were sent before.
    pub spool: String,
    /// How many jobs it works on at once.
    pub slots: u32,
    /// What it can enforce.
    pub probes: Enforcement,
    /// Jobs whose outcome, or whose fate, was not acknowledged yet.
    pub spooled: Vec<JobId>,
}

/// The node is let in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Welcome {
    /// The node's id: what tokens for it are bound to.
    pub node_id: NodeId,
    /// The lease: higher than every one before it.
    pub lease_epoch: u64,
    /// How long the lease lasts from when the `hello` was sent, in milliseconds.
    pub lease_ms: u64,
    /// How often the node is to send a heartbeat, in milliseconds.
    pub heartbeat_ms: u64,
    /// The public keys that sign capability tokens, in the form that the policy crate writes.
    pub capability_keys: Vec<String>,
}

/// Why a node is not let in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Refused {
    /// What is wrong.
    pub code: RefusalCode,
    /// The same for a person.
    pub message: String,
}

/// Why a node is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RefusalCode {
    /// It speaks another version of the protocol.
    ProtocolUnsupported,
    /// Its credential was revoked.
    NodeRevoked,
    /// Another connection holds its place.
    NodeConnected,
    /// The gateway takes no nodes at present.
    Unavailable,
    /// A reason that this version does not know.
    #[serde(other)]
    Other,
}

impl RefusalCode {
    /// Whether trying again without a change is pointless.
    #[must_use]
    pub const fn is_final(self) -> bool {
        match self {
            Self::ProtocolUnsupported | Self::NodeRevoked => true,
            Self::NodeConnected | Self::Unavailable | Self::Other => false,
        }
    }
}

/// The node is alive.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Heartbeat {
    /// The lease that it holds.
    pub epoch: u64,
    /// How many jobs it is working on.
    pub running: u32,
    /// Whether it takes nothing new.
    pub draining: bool,
}

/// A renewed lease.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lease {
    /// The same lease as before.
    pub epoch: u64,
    /// How long it lasts from when the heartbeat was sent, in milliseconds.
    pub lease_ms: u64,
}

/// What became of a job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobResult {
    /// The job.
    pub job: JobId,
    /// The lease under which it was sent.
    pub epoch: u64,
    /// What became of it.
    pub outcome: Box<Outcome>,
}

/// A job and the lease under which it was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobEpoch {
    /// The job.
    pub job: JobId,
    /// The lease under which it was sent.
    pub epoch: u64,
}

/// A job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobRef {
    /// The job.
    pub job: JobId,
}

/// A skill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SkillRef {
    /// The digest of its package ([`crate::skill`]).
    pub digest: Digest,
}

/// A skill's package on its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SkillPackage {
    /// The digest by which it was asked for. The node computes it anew.
    pub digest: Digest,
    /// The tar; absent if there is no such package.
    #[serde(
        with = "base64_option",
        rename = "package_base64",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub package: Option<Vec<u8>>,
}

/// Nothing more to say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Drain {}

/// Why a text is not a frame, or a frame can't be sent.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// Longer than [`FRAME_BYTES_MAX`].
    #[error("the frame has {bytes} bytes, more than the {FRAME_BYTES_MAX} allowed")]
    TooLarge {
        /// How long it is.
        bytes: usize,
    },
    /// Not a frame of this version.
    #[error("the frame can't be read")]
    Malformed(#[source] serde_json::Error),
    /// It can't be written as JSON.
    #[error("the frame can't be written")]
    Unwritable(#[source] serde_json::Error),
}

impl NodeFrame {
    /// The frame's text.
    ///
    /// # Errors
    /// [`FrameError::TooLarge`].
    pub fn encode(&self) -> Result<String, FrameError> {
        encode(self)
    }

    /// Reads a frame.
    ///
    /// # Errors
    /// [`FrameError::TooLarge`] and [`FrameError::Malformed`].
    pub fn decode(text: &str) -> Result<Self, FrameError> {
        decode(text)
    }
}

impl GatewayFrame {
    /// The frame's text.
    ///
    /// # Errors
    /// [`FrameError::TooLarge`].
    pub fn encode(&self) -> Result<String, FrameError> {
        encode(self)
    }

    /// Reads a frame.
    ///
    /// # Errors
    /// [`FrameError::TooLarge`] and [`FrameError::Malformed`].
    pub fn decode(text: &str) -> Result<Self, FrameError> {
        decode(text)
    }
}

fn encode<T: Serialize>(frame: &T) -> Result<String, FrameError> {
    let text = serde_json::to_string(frame).map_err(FrameError::Unwritable)?;
    check_size(text.len())?;
    Ok(text)
}

fn decode<T: DeserializeOwned>(text: &str) -> Result<T, FrameError> {
    check_size(text.len())?;
    serde_json::from_str(text).map_err(FrameError::Malformed)
}

fn check_size(bytes: usize) -> Result<(), FrameError> {
    if bytes > FRAME_BYTES_MAX {
        Err(FrameError::TooLarge { bytes })
    } else {
        Ok(())
    }
}

/// Bytes as standard base64 with padding (RFC 4648, section 4).
pub(crate) mod base64_bytes {
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

mod base64_option {
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(bytes: &Option<Vec<u8>>, s: S) -> Result<S::Ok, S::Error> {
        match bytes {
            Some(bytes) => super::base64_bytes::serialize(bytes, s),
            None => s.serialize_none(),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Vec<u8>>, D::Error> {
        #[derive(Deserialize)]
        struct Bytes(#[serde(with = "super::base64_bytes")] Vec<u8>);
        Ok(Option::<Bytes>::deserialize(d)?.map(|bytes| bytes.0))
    }
}
