//! What a process answers to the others: requests that belong here, and links to what is live here.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Path, Request, State};
use axum::response::Response;
use axum::routing::post;
use chat::Live;
use chat::live::LINK_BACKLOG;
use edge::RelayKey;
use hyper::server::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;
use vocab::{OrgId, SessionId};

use super::{CLIENT, CONNECT, FromPeer, KEEPALIVE, KEY, LINKS, lines};

/// How many requests and links one process may have open at another.
const STREAMS_MAX: u32 = 100_000;
/// How long requests of others may take to end when this process stops.
const ENDING: Duration = Duration::from_secs(2);

/// Where other processes are answered.
pub(crate) struct Listener {
    pub socket: Arc<TcpListener>,
    pub tls: TlsAcceptor,
    pub live: Live,
    /// The routes of the API.
    pub api: Router,
}

impl Listener {
    /// Answers until it is told to stop, and then lets come to an end what is under way.
    pub(crate) async fn run(self, stopping: CancellationToken) {
        let links = Router::new()
            .route(&format!("{LINKS}/{{org}}/{{session}}"), post(link))
            .with_state(self.live);
        let routes = links.fallback_service(self.api.layer(axum::middleware::map_request(arrived)));
        let connections = TaskTracker::new();
        loop {
            let accepted = tokio::select! {
                accepted = self.socket.accept() => accepted,
                () = stopping.cancelled() => break,
            };
            let Ok((stream, from)) = accepted else {
                // Too many open files, as a rule: others may close some.
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            };
            let tls = self.tls.clone();
            let (routes, stopping) = (routes.clone(), stopping.clone());
            connections.spawn(async move {
                if let Err(error) = serve((stream, from), &tls, routes, stopping).await {
                    let error = &*error as &dyn std::error::Error;
                    tracing::info!(error, %from, "a connection of another process ended");
                }
            });
        }
        connections.close();
        let _ = tokio::time::timeout(ENDING, connections.wait()).await;
    }
}

async fn serve(
    (stream, from): (TcpStream, SocketAddr),
    tls: &TlsAcceptor,
    routes: Router,
    stopping: CancellationToken,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    stream.set_nodelay(true)?;
    let stream = tokio::time::timeout(CONNECT, tls.accept(stream)).await??;
    let service = hyper::service::service_fn(move |mut request: hyper::Request<_>| {
        request.extensions_mut().insert(ConnectInfo(from));
        routes.clone().oneshot(request.map(Body::new))
    });
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_MAX)
        .keep_alive_interval(KEEPALIVE.0)
        .keep_alive_timeout(KEEPALIVE.1);
    let mut serving = std::pin::pin!(builder.serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        served = &mut serving => return Ok(served?),
        () = stopping.cancelled() => serving.as_mut().graceful_shutdown(),
    }
    Ok(serving.await?)
}

/// A request that another process was asked: it says who asked, and under which key it may be repeated.
async fn arrived(mut request: Request) -> Request {
    let headers = request.headers_mut();
    let (client, key) = (headers.remove(CLIENT), headers.remove(KEY));
    let client: Option<SocketAddr> = client.and_then(|it| it.to_str().ok()?.parse().ok());
    let key = key.and_then(|it| Some(it.to_str().ok()?.to_owned()));
    let extensions = request.extensions_mut();
    extensions.insert(FromPeer);
    if let Some(client) = client {
        extensions.insert(ConnectInfo(client));
    }
    if let Some(key) = key {
        extensions.insert(RelayKey(key));
    }
    request
}

/// A link: changes come in, changes go out, until either end closes.
async fn link(
    State(live): State<Live>,
    Path(chat): Path<(OrgId, SessionId)>,
    body: Body,
) -> Response {
    let (up, from_there) = mpsc::channel(LINK_BACKLOG);
    let (to_there, down) = mpsc::channel(1);
    // Each ends with the connection.
    tokio::spawn(lines::pump(body, up));
    tokio::spawn(async move { live.attend(chat, from_there, to_there).await });
    Response::new(lines::body(down))
}

/// The acceptor of this installation's processes.
pub(crate) fn acceptor(identity: &super::Identity) -> TlsAcceptor {
    TlsAcceptor::from(Arc::clone(&identity.server))
}
