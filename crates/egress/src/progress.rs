//! How far a fetch has come, readable from outside when it is cut off by a deadline.
//!
//! "Was it sent" is counted where bytes enter the socket, below TLS, so that it is a fact.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::error::Delivery;

const NOTHING: u8 = 0;
/// A connection stands and may carry the request; [`Progress::written`] tells if it has.
const OPEN: u8 = 1;
const ANSWERED: u8 = 2;

#[derive(Default)]
pub(crate) struct Progress {
    written: AtomicU64,
    /// `written` when the request of the current hop began: what TLS wrote before doesn't count.
    before: AtomicU64,
    /// State of the current hop.
    hop: AtomicU8,
    /// Whether a hop before this one was answered.
    earlier: AtomicU8,
}

impl Progress {
    /// The next hop begins; the one before was answered.
    pub(crate) fn redirected(&self) {
        self.earlier.store(ANSWERED, Ordering::Relaxed);
        self.hop.store(NOTHING, Ordering::Relaxed);
    }

    /// The connection stands; what is written from now on is the request.
    pub(crate) fn opened(&self) {
        self.before
            .store(self.written.load(Ordering::Relaxed), Ordering::Relaxed);
        self.hop.store(OPEN, Ordering::Relaxed);
    }

    /// The response's head has arrived.
    pub(crate) fn answered(&self) {
        self.hop.store(ANSWERED, Ordering::Relaxed);
    }

    pub(crate) fn delivery(&self) -> Delivery {
        let sent = self.written.load(Ordering::Relaxed) > self.before.load(Ordering::Relaxed);
        match self.hop.load(Ordering::Relaxed) {
            ANSWERED => Delivery::Answered,
            OPEN if sent => Delivery::Unknown,
            _ if self.earlier.load(Ordering::Relaxed) == ANSWERED => Delivery::Answered,
            _ => Delivery::NotSent,
        }
    }
}

/// A socket that counts the bytes it took.
pub(crate) struct Counted<S> {
    pub(crate) socket: S,
    pub(crate) progress: Arc<Progress>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Counted<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Counted<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.socket).poll_write(cx, bytes))?;
        self.progress
            .written
            .fetch_add(written as u64, Ordering::Relaxed);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.socket).poll_write_vectored(cx, slices))?;
        self.progress
            .written
            .fetch_add(written as u64, Ordering::Relaxed);
        Poll::Ready(Ok(written))
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delivery_step_by_step() {
        let progress = Progress::default();
        let write = |bytes| progress.written.fetch_add(bytes, Ordering::Relaxed);
        assert_eq!(progress.delivery(), Delivery::NotSent);
        write(300);
        assert_eq!(progress.delivery(), Delivery::NotSent, "a handshake");
        progress.opened();
        assert_eq!(
            progress.delivery(),
            Delivery::NotSent,
            "the connection stands"
        );
        write(1);
        assert_eq!(progress.delivery(), Delivery::Unknown);
        progress.answered();
        assert_eq!(progress.delivery(), Delivery::Answered);
        progress.redirected();
        write(300);
        assert_eq!(progress.delivery(), Delivery::Answered, "by the hop before");
        progress.opened();
        assert_eq!(progress.delivery(), Delivery::Answered, "by the hop before");
        write(1);
        assert_eq!(progress.delivery(), Delivery::Unknown, "of the second hop");
    }
}
