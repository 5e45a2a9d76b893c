//! Opening a connection to one of the checked addresses.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, StreamExt};
use tokio::net::TcpStream;
use tokio::time::sleep;

/// How long one address is tried alone before the next is tried beside it (RFC 8305, section 8).
const STAGGER: Duration = Duration::from_millis(250);
const ATTEMPTS_MAX: usize = 8;

/// Opens TCP connections. A seam: tests count what is dialled and lead public addresses to local
/// listeners.
pub trait Dial: Send + Sync + 'static {
    /// Connects to exactly `address`.
    fn dial(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<TcpStream>>;
}

/// The kernel's `connect`.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemDialer;

impl Dial for SystemDialer {
    fn dial(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<TcpStream>> {
        Box::pin(TcpStream::connect(address))
    }
}

/// Tries the addresses in order, each a moment after the one before or as soon as that has failed, and
/// returns the first connection with the address that was asked for.
pub(crate) async fn connect_any(
    dialer: &dyn Dial,
    addresses: &[SocketAddr],
) -> io::Result<(TcpStream, SocketAddr)> {
    let mut waiting = addresses.iter().copied().take(ATTEMPTS_MAX);
    let mut dialling = FuturesUnordered::new();
    let mut failure = io::Error::from(io::ErrorKind::AddrNotAvailable);
    loop {
        if let Some(address) = waiting.next() {
            dialling.push(async move { (dialer.dial(address).await, address) });
        }
        tokio::select! {
            finished = dialling.next() => match finished {
                Some((Ok(stream), address)) => {
                    // Small requests must not wait for an acknowledgement; a failure costs time only.
                    let _ = stream.set_nodelay(true);
                    return Ok((stream, address));
                }
                Some((Err(error), _)) => failure = error,
                None => return Err(failure),
            },
            () = sleep(STAGGER), if waiting.len() > 0 => {}
        }
    }
}
