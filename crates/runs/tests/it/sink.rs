//! Hosts outside: one that answers every request and counts it, and one that takes a request and
//! hangs up. The oracle of what really went out.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use db::Faults;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// What a page begins with that leads elsewhere.
const LEADS: &str = "location: ";

#[derive(Clone)]
pub struct Sink {
    answering: SocketAddr,
    deaf: SocketAddr,
    seen: Arc<Seen>,
}

#[derive(Default)]
struct Seen {
    requests: Mutex<BTreeMap<String, u32>>,
    /// The last body of each.
    bodies: Mutex<BTreeMap<String, String>>,
    /// What stands on pages that a test has put there.
    pages: Mutex<BTreeMap<String, String>>,
    /// The process that may die in the very moment in which a request arrives.
    faults: Mutex<Option<Faults>>,
    /// How many requests are in the house, and how many were at once.
    here: Mutex<(u32, u32)>,
    /// Whether `/gate` lets its visitors go.
    open: watch::Sender<bool>,
    /// How many came to the gate.
    waiting: watch::Sender<u32>,
}

impl Sink {
    pub async fn new() -> Self {
        let (answering, deaf) = (listener().await, listener().await);
        let seen = Arc::new(Seen::default());
        let sink = Self {
            answering: answering.local_addr().unwrap(),
            deaf: deaf.local_addr().unwrap(),
            seen: Arc::clone(&seen),
        };
        let app = axum::Router::new()
            .fallback(arrived)
            .with_state(Arc::clone(&seen));
        // Both end with the test's runtime.
        tokio::spawn(async move { axum::serve(answering, app).await });
        tokio::spawn(hang_up(deaf, seen));
        sink
    }

    /// A path at the host that answers. `/gate` answers once it is [`open`](Self::open).
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.answering)
    }

    /// Puts a text on a page of the host that answers.
    pub fn put(&self, path: &str, text: &str) {
        let mut pages = self.seen.pages.lock().unwrap();
        pages.insert(path.to_owned(), text.to_owned());
    }

    /// Makes a page lead to another place, with what it was sent.
    pub fn lead(&self, path: &str, to: &str) {
        self.put(path, &format!("{LEADS}{to}"));
    }

    /// The host that takes a request and hangs up.
    pub fn deaf(&self) -> String {
        format!("http://{}/", self.deaf)
    }

    /// From now on requests come from this process.
    pub fn reached_from(&self, faults: Faults) {
        *self.seen.faults.lock().unwrap() = Some(faults);
    }

    /// How often `METHOD /path` arrived; `deaf` for the host that hangs up.
    pub fn count(&self, request: &str) -> u32 {
        let requests = self.seen.requests.lock().unwrap();
        requests.get(request).copied().unwrap_or(0)
    }

    /// The body of the last `METHOD /path`.
    pub fn last_body(&self, request: &str) -> String {
        let bodies = self.seen.bodies.lock().unwrap();
        bodies.get(request).cloned().unwrap_or_default()
    }

    /// How many requests were here at once at most.
    pub fn at_once(&self) -> u32 {
        self.seen.here.lock().unwrap().1
    }

    /// Waits until so many requests came to the gate in all.
    pub async fn at_gate(&self, visitors: u32) {
        let mut waiting = self.seen.waiting.subscribe();
        let came = waiting.wait_for(|came| *came >= visitors);
        let patience = std::time::Duration::from_secs(30);
        let came = tokio::time::timeout(patience, came).await;
        drop(came.expect("they came to the gate").unwrap());
    }

    pub fn open(&self) {
        self.seen.open.send_replace(true);
    }
}

async fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

async fn arrived(State(seen): State<Arc<Seen>>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let named = format!("{} {path}", request.method());
    let body = axum::body::to_bytes(request.into_body(), 1 << 20).await;
    let body = String::from_utf8_lossy(&body.unwrap_or_default()).into_owned();
    seen.bodies.lock().unwrap().insert(named.clone(), body);
    *seen.requests.lock().unwrap().entry(named).or_default() += 1;
    // If the process dies here, its request was sent and it never learns the answer.
    if let Some(faults) = &*seen.faults.lock().unwrap() {
        let _ = faults.pass();
    }
    if path == "/gate" {
        {
            let mut here = seen.here.lock().unwrap();
            *here = (here.0 + 1, here.1.max(here.0 + 1));
        }
        seen.waiting.send_modify(|came| *came += 1);
        drop(seen.open.subscribe().wait_for(|open| *open).await);
        seen.here.lock().unwrap().0 -= 1;
    }
    let pages = seen.pages.lock().unwrap();
    let page = pages.get(&path).map_or("a page", String::as_str);
    match page.strip_prefix(LEADS) {
        Some(to) => Redirect::temporary(to).into_response(),
        None => page.to_owned().into_response(),
    }
}

async fn hang_up(listener: TcpListener, seen: Arc<Seen>) {
    while let Ok((mut stream, _)) = listener.accept().await {
        let mut begin = [0; 64];
        if matches!(stream.read(&mut begin).await, Ok(read) if read > 0) {
            let mut requests = seen.requests.lock().unwrap();
            *requests.entry("deaf".to_owned()).or_default() += 1;
        }
    }
}
