//! What came back.

use std::fmt;
use std::net::SocketAddr;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};

use crate::target::HttpTarget;

/// One exchange on the way to the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HopRecord {
    /// Where the request went.
    pub target: HttpTarget,
    /// With which method.
    pub method: Method,
    /// The address that was dialled.
    pub address: SocketAddr,
    /// What came back.
    pub status: StatusCode,
}

/// An answer. `Debug` shows the status, the names of the headers, and the length of the body.
#[derive(Clone)]
pub struct Response {
    /// The status of the last hop.
    pub status: StatusCode,
    /// The headers of the last hop, without those that described a coding which has been undone.
    pub headers: HeaderMap,
    /// The body, decompressed.
    pub body: Bytes,
    /// True if the body was cut at a limit (only with [`Overflow::Truncate`](crate::Overflow)).
    pub truncated: bool,
    /// Where the answer came from.
    pub final_url: HttpTarget,
    /// Every exchange, the last one being the answer's.
    pub hops: Vec<HopRecord>,
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("headers", &self.headers.keys().collect::<Vec<_>>())
            .field("body_bytes", &self.body.len())
            .field("truncated", &self.truncated)
            .field("hops", &self.hops)
            .finish()
    }
}
