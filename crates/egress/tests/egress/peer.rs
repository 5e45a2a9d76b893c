//! A peer that does what a script says, and counts.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What the peer does with one connection.
#[derive(Clone)]
pub enum Act {
    /// Reads the request, writes these bytes, closes.
    Answer(Vec<u8>),
    /// Reads the request, writes these bytes, then says nothing more and stays.
    AnswerAndHang(Vec<u8>),
    /// Reads the request, writes these bytes, then the others again and again without an end.
    Endless(Vec<u8>, Vec<u8>),
    /// Reads the request, writes these bytes one by one with a pause between them.
    Drip(Vec<u8>, Duration),
    /// Reads the request, then resets the connection.
    ResetAfterRequest,
    /// Resets the connection at once.
    ResetAtOnce,
    /// Reads nothing and says nothing.
    Ignore,
}

/// A listener on 127.0.0.1. Ends with its value.
pub struct Peer {
    pub address: SocketAddr,
    accepted: Arc<AtomicUsize>,
    closed: Arc<AtomicUsize>,
    requests: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Peer {
    /// A peer that does the same with every connection.
    pub async fn always(act: Act) -> Peer {
        Peer::script(move |_| act.clone()).await
    }

    /// A peer that answers `200` with `hello`.
    pub async fn hello() -> Peer {
        Peer::always(Act::Answer(ok("", b"hello"))).await
    }

    /// A peer that looks at the request's text first.
    pub async fn script(script: impl Fn(&str) -> Act + Send + Sync + 'static) -> Peer {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (accepted, closed): (Arc<AtomicUsize>, Arc<AtomicUsize>) = Default::default();
        let requests: Arc<Mutex<Vec<String>>> = Arc::default();
        let script = Arc::new(script);
        let task = tokio::spawn({
            let (accepted, closed) = (Arc::clone(&accepted), Arc::clone(&closed));
            let requests = Arc::clone(&requests);
            async move {
                loop {
                    let (stream, _) = listener.accept().await.unwrap();
                    accepted.fetch_add(1, Ordering::SeqCst);
                    let (script, requests) = (Arc::clone(&script), Arc::clone(&requests));
                    let closed = Arc::clone(&closed);
                    tokio::spawn(async move {
                        serve(stream, script.as_ref(), &requests).await;
                        closed.fetch_add(1, Ordering::SeqCst);
                    });
                }
            }
        });
        Peer {
            address,
            accepted,
            closed,
            requests,
            task,
        }
    }

    /// Connections that the kernel has handed over.
    pub fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }

    /// Connections that have ended.
    pub fn closed(&self) -> usize {
        self.closed.load(Ordering::SeqCst)
    }

    /// The requests that were read, as text.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    /// `http://127.0.0.1:port` and the path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

async fn serve(
    mut stream: TcpStream,
    script: &(dyn Fn(&str) -> Act + Send + Sync),
    log: &Mutex<Vec<String>>,
) {
    match script("") {
        Act::ResetAtOnce => return stream.set_zero_linger().unwrap(),
        Act::Ignore => return wait_for_end(&mut stream).await,
        _ => {}
    }
    let Some(request) = read_request(&mut stream).await else {
        return;
    };
    log.lock().unwrap().push(request.clone());
    let act = script(&request);
    if let Act::ResetAfterRequest = act {
        return stream.set_zero_linger().unwrap();
    }
    perform(&mut stream, act).await;
}

/// Writes what the act says; a client that has gone away is not an error here.
pub async fn perform(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), act: Act) {
    match act {
        Act::Answer(bytes) => {
            let _ = stream.write_all(&bytes).await;
            let _ = stream.shutdown().await;
        }
        Act::AnswerAndHang(bytes) => {
            let _ = stream.write_all(&bytes).await;
            wait_for_end(stream).await;
        }
        Act::Endless(head, again) => {
            let mut sent = stream.write_all(&head).await;
            while sent.is_ok() {
                sent = stream.write_all(&again).await;
            }
        }
        Act::Drip(bytes, pause) => {
            for byte in bytes {
                if stream.write_all(&[byte]).await.is_err() {
                    return;
                }
                tokio::time::sleep(pause).await;
            }
            wait_for_end(stream).await;
        }
        Act::ResetAfterRequest | Act::ResetAtOnce | Act::Ignore => {}
    }
}

async fn wait_for_end(stream: &mut (impl AsyncRead + Unpin)) {
    let mut rest = [0; 1024];
    while stream.read(&mut rest).await.is_ok_and(|read| read > 0) {}
}

/// Reads a head and the body that `content-length` announces.
pub async fn read_request(stream: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "))
                .map_or(0, |length| length.parse().unwrap());
            if bytes.len() >= end + 4 + length {
                return Some(String::from_utf8_lossy(&bytes).into_owned());
            }
        }
        let mut step = [0; 4096];
        match stream.read(&mut step).await {
            Ok(read @ 1..) => bytes.extend_from_slice(&step[..read]),
            Ok(0) | Err(_) => return None,
        }
    }
}

/// A `200` with a length. `headers` are whole lines with their ends.
pub fn ok(headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n{headers}\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// A redirect.
pub fn redirect(status: u16, location: &str) -> Act {
    Act::Answer(
        format!("HTTP/1.1 {status} Moved\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n")
            .into_bytes(),
    )
}
