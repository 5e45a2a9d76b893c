//! Every bound on one fetch.

use std::time::Duration;

/// What happens to a body that is longer than its limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overflow {
    /// The fetch fails with `EGRESS_TOO_LARGE`.
    Refuse,
    /// The body ends at the limit and the response says `truncated`. A decompression ratio over its
    /// limit still fails: such a body is an attack, not a long text.
    Truncate,
}

/// The bounds on one fetch, redirects included. All sizes in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// DNS, TCP and TLS together, for each hop.
    pub connect_timeout: Duration,
    /// From the connection to the end of the response's head, for each hop. Covers sending the body.
    pub first_byte_timeout: Duration,
    /// The whole fetch, with every hop and the body.
    pub total_timeout: Duration,
    /// Redirects followed before `EGRESS_TOO_MANY_REDIRECTS`.
    pub redirects_max: u32,
    /// Length of the request's body.
    pub request_bytes_max: usize,
    /// Length of the response's head (status line and headers); at least 8 KiB are always taken.
    pub head_bytes_max: usize,
    /// Number of headers in the response, at most 4096.
    pub headers_max: usize,
    /// Length of the response's body as it comes over the wire.
    pub response_bytes_max: usize,
    /// Length of the body as handed to the caller, after decompression.
    pub decompressed_bytes_max: usize,
    /// Decompressed bytes per byte on the wire, looked at once 64 KiB have been decompressed.
    pub decompression_ratio_max: u32,
    /// What a body longer than either limit does.
    pub overflow: Overflow,
    /// Whether a redirect may lead from `https` to `http`.
    pub downgrade_allowed: bool,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            connect_timeout: Duration::from_secs(10),
            first_byte_timeout: Duration::from_secs(30),
            total_timeout: Duration::from_secs(60),
            redirects_max: 5,
            request_bytes_max: 10 << 20,
            head_bytes_max: 64 << 10,
            headers_max: 128,
            response_bytes_max: 10 << 20,
            decompressed_bytes_max: 10 << 20,
            decompression_ratio_max: 200,
            overflow: Overflow::Refuse,
            downgrade_allowed: false,
        }
    }
}
