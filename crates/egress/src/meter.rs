//! How many bytes a fetch may send and receive, and how many it did.
//!
//! Bytes are counted where they enter and leave the socket, below TLS: handshakes, heads and
//! redirects are in the sum, and it is right however the fetch ends.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts the bytes of a fetch, and ends it at a limit. Whoever holds it can read it at any time, also
/// after the fetch was dropped.
#[derive(Debug)]
pub struct Meter {
    sent_max: u64,
    received_max: u64,
    sent: AtomicU64,
    received: AtomicU64,
}

impl Default for Meter {
    /// One that only counts.
    fn default() -> Self {
        Self::new(u64::MAX, u64::MAX)
    }
}

impl Meter {
    /// One that lets so many bytes out and so many in. A body that comes to the end of what is let in
    /// is as one that is longer than its limit; a request that comes to the end of what is let out
    /// breaks off.
    #[must_use]
    pub const fn new(sent_max: u64, received_max: u64) -> Self {
        Self {
            sent_max,
            received_max,
            sent: AtomicU64::new(0),
            received: AtomicU64::new(0),
        }
    }

    /// How many bytes went out.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// How many bytes came in.
    #[must_use]
    pub fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }

    pub(crate) const fn received_max(&self) -> u64 {
        self.received_max
    }

    /// How many more bytes may go out.
    #[must_use]
    pub fn room_to_send(&self) -> u64 {
        self.sent_max.saturating_sub(self.sent())
    }

    /// How many more bytes may come in.
    #[must_use]
    pub fn room_to_receive(&self) -> u64 {
        self.received_max.saturating_sub(self.received())
    }

    pub(crate) fn send(&self, bytes: u64) {
        self.sent.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn receive(&self, bytes: u64) {
        self.received.fetch_add(bytes, Ordering::Relaxed);
    }
}
