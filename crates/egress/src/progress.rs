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
use crate::meter::Meter;

const NOTHING: u8 = 0;
/// A connection stands and may carry the request; the meter tells if it has.
const OPEN: u8 = 1;
const ANSWERED: u8 = 2;

#[derive(Default)]
pub(crate) struct Progress {
    /// What the sockets took and gave.
    meter: Arc<Meter>,
    /// What was sent when the request of the current hop began: what TLS wrote before doesn't count.
    before: AtomicU64,
    /// State of the current hop.
    hop: AtomicU8,
    /// Whether a hop before this one was answered.
    earlier: AtomicU8,
}

impl Progress {
    /// Nothing yet, counted on this meter.
    pub(crate) fn on(meter: Arc<Meter>) -> Self {
        Self {
            meter,
            ..Self::default()
        }
    }

    /// Whether the meter lets nothing more in.
    pub(crate) fn is_shut(&self) -> bool {
        self.meter.room_to_receive() == 0
    }

    /// How much the meter lets in.
    pub(crate) fn received_max(&self) -> u64 {
        self.meter.received_max()
    }

    /// The next hop begins; the one before was answered.
    pub(crate) fn redirected(&self) {
        self.earlier.store(ANSWERED, Ordering::Relaxed);
        self.hop.store(NOTHING, Ordering::Relaxed);
    }

    /// The connection stands; what is written from now on is the request.
    pub(crate) fn opened(&self) {
        self.before.store(self.meter.sent(), Ordering::Relaxed);
        self.hop.store(OPEN, Ordering::Relaxed);
    }

    /// The response's head has arrived.
    pub(crate) fn answered(&self) {
        self.hop.store(ANSWERED, Ordering::Relaxed);
    }

    pub(crate) fn delivery(&self) -> Delivery {
        let sent = self.meter.sent() > self.before.load(Ordering::Relaxed);
        match self.hop.load(Ordering::Relaxed) {
            ANSWERED => Delivery::Answered,
            OPEN if sent => Delivery::Unknown,
            _ if self.earlier.load(Ordering::Relaxed) == ANSWERED => Delivery::Answered,
            _ => Delivery::NotSent,
        }
    }
}

/// A socket that counts the bytes it took and gave, and takes and gives no more than its meter lets it.
pub(crate) struct Counted<S> {
    pub(crate) socket: S,
    pub(crate) progress: Arc<Progress>,
}

fn spent() -> io::Error {
    io::Error::other("no more bytes are allowed")
}

impl<S: AsyncRead + Unpin> AsyncRead for Counted<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let room = self.progress.meter.room_to_receive();
        let room = usize::try_from(room).unwrap_or(usize::MAX);
        if room == 0 {
            return Poll::Ready(Err(spent()));
        }
        let before = buffer.filled().len();
        if room >= buffer.remaining() {
            ready!(Pin::new(&mut self.socket).poll_read(cx, buffer))?;
        } else {
            let mut part = ReadBuf::new(buffer.initialize_unfilled_to(room));
            ready!(Pin::new(&mut self.socket).poll_read(cx, &mut part))?;
            let read = part.filled().len();
            buffer.advance(read);
        }
        let read = buffer.filled().len() - before;
        self.progress.meter.receive(read as u64);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Counted<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let room = self.progress.meter.room_to_send();
        let room = usize::try_from(room).unwrap_or(usize::MAX);
        if room == 0 && !bytes.is_empty() {
            return Poll::Ready(Err(spent()));
        }
        let bytes = &bytes[..bytes.len().min(room)];
        let written = ready!(Pin::new(&mut self.socket).poll_write(cx, bytes))?;
        self.progress.meter.send(written as u64);
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
        let bytes: usize = slices.iter().map(|slice| slice.len()).sum();
        if bytes as u64 > self.progress.meter.room_to_send() {
            let first = slices.iter().find(|slice| !slice.is_empty());
            return self.poll_write(cx, first.map_or(&[], |slice| &**slice));
        }
        let written = ready!(Pin::new(&mut self.socket).poll_write_vectored(cx, slices))?;
        self.progress.meter.send(written as u64);
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
        let write = |bytes| progress.meter.send(bytes);
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
