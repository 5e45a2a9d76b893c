//! How the processes of one installation talk to each other.
//!
//! Each has a listener of its own for the others, apart from the API's: HTTP/2 in TLS by which both
//! ends prove that they belong to the installation (`identity.rs`). Over it goes what belongs to
//! another process: requests as their clients sent them, with the client's own credential, which the
//! other end checks as if it had come by itself; and links, by which one process follows what is live
//! at another (`chat::live`).
//!
//! One connection goes to each other process that is needed, and is made when it is. It is asked every
//! two seconds whether the other end is still there, so one that has gone without a word, or only
//! sleeps, is noticed before its lease is over.

mod identity;
mod lines;
mod listener;

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::ConnectInfo;
use axum::http::{Request, Response, Uri, header};
use chat::live::{LINK_BACKLOG, Link};
use edge::{Held, RelayKey, TraceId};
use futures::future::BoxFuture;
use http_body_util::{BodyExt as _, Limited};
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_rustls::TlsConnector;
use vocab::{ExposeSecret as _, OrgId, SessionId};

use crate::config::Config;

pub(crate) use identity::Identity;
pub(crate) use listener::{Listener, acceptor};

/// Where links are opened.
const LINKS: &str = "/peers/links";
/// The header with the address of the client that asked.
const CLIENT: &str = "x-chancery-client";
/// The header with the key under which a request without one may be repeated.
const KEY: &str = "x-chancery-relay-key";
/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(2);
/// How often the other end is asked whether it is there, and how long it may take to say so.
const KEEPALIVE: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(2));
/// How long a request may take elsewhere.
const CALL: Duration = Duration::from_secs(20);
/// The largest answer to a request of another process's.
const ANSWER_BYTES_MAX: usize = 8 * 1024 * 1024;

/// An extension of a request that another process sent here.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FromPeer;

/// The other processes of the installation. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Peers(Arc<Inner>);

struct Inner {
    tls: TlsConnector,
    connections: Mutex<HashMap<Arc<str>, Connection>>,
}

/// Made by the first who needs it; the others wait.
type Connection = Arc<tokio::sync::Mutex<Option<SendRequest<Body>>>>;

impl Peers {
    pub(crate) fn new(identity: &Identity) -> Self {
        Self(Arc::new(Inner {
            tls: TlsConnector::from(Arc::clone(&identity.client)),
            connections: Mutex::default(),
        }))
    }

    async fn connection(&self, address: &str) -> io::Result<SendRequest<Body>> {
        let slot = {
            let connections = self.0.connections.lock();
            let mut connections = connections.unwrap_or_else(PoisonError::into_inner);
            // Others come and go with every restart.
            connections.retain(|_, it| {
                let open = it.try_lock();
                open.map_or(true, |it| it.as_ref().is_none_or(|it| !it.is_closed()))
            });
            Arc::clone(connections.entry(address.into()).or_default())
        };
        let mut slot = slot.lock().await;
        if let Some(sender) = slot.as_ref().filter(|it| !it.is_closed()) {
            return Ok(sender.clone());
        }
        let connected = tokio::time::timeout(CONNECT, self.connect(address)).await;
        let sender = connected.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        *slot = Some(sender.clone());
        Ok(sender)
    }

    async fn connect(&self, address: &str) -> io::Result<SendRequest<Body>> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        // Whom it speaks to is said by the key alone.
        let name = ServerName::try_from("chancery.internal").map_err(io::Error::other)?;
        let stream = self.0.tls.connect(name, stream).await?;
        let (sender, connection) = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .keep_alive_interval(KEEPALIVE.0)
            .keep_alive_timeout(KEEPALIVE.1)
            .keep_alive_while_idle(true)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(io::Error::other)?;
        // Ends with the last sender, or when the other end is gone.
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                let error = &error as &dyn std::error::Error;
                tracing::info!(error, "the connection to another process ended");
            }
        });
        Ok(sender)
    }

    async fn send(
        &self,
        address: &str,
        request: Request<Body>,
    ) -> io::Result<Response<hyper::body::Incoming>> {
        let mut sender = self.connection(address).await?;
        sender.ready().await.map_err(io::Error::other)?;
        sender.send_request(request).await.map_err(io::Error::other)
    }

    /// Has another process answer a request. If that fails, whether it took effect is not known.
    pub(crate) async fn call(
        &self,
        address: &str,
        held: &Held,
        key: Option<&RelayKey>,
    ) -> io::Result<Response<Bytes>> {
        let mut request = held.request();
        let path = request.uri().path_and_query().map_or("/", |it| it.as_str());
        *request.uri_mut() = internal(path)?;
        *request.version_mut() = axum::http::Version::HTTP_2;
        let client = held.parts.extensions.get::<ConnectInfo<SocketAddr>>();
        let client = client.map(|info| info.0.to_string());
        let trace = held.parts.extensions.get::<TraceId>();
        // The other end logs it under the same name.
        let trace = trace.map(|it| format!("00-{}-0000000000000001-01", it.as_str()));
        let headers = request.headers_mut();
        for of_the_connection in [
            header::CONNECTION,
            header::HOST,
            header::TE,
            header::TRANSFER_ENCODING,
            header::UPGRADE,
        ] {
            headers.remove(of_the_connection);
        }
        for (name, value) in [
            (CLIENT, client.as_deref()),
            (KEY, key.map(|it| it.0.as_str())),
            ("traceparent", trace.as_deref()),
        ] {
            headers.remove(name);
            if let Some(value) = value {
                headers.insert(name, value.parse().map_err(io::Error::other)?);
            }
        }
        let answered = async {
            let (parts, body) = self.send(address, request).await?.into_parts();
            let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await;
            let body = body.map_err(io::Error::other)?.to_bytes();
            Ok(Response::from_parts(parts, body))
        };
        let answered = tokio::time::timeout(CALL, answered).await;
        answered.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
    }
}

/// A path at another process.
fn internal(path: &str) -> io::Result<Uri> {
    Uri::builder()
        .scheme("https")
        .authority("chancery.internal")
        .path_and_query(path)
        .build()
        .map_err(io::Error::other)
}

impl chat::live::Peers for Peers {
    fn link<'a>(
        &'a self,
        address: &'a str,
        org: OrgId,
        session: SessionId,
    ) -> BoxFuture<'a, io::Result<Link>> {
        Box::pin(async move {
            let (up, from_here) = mpsc::channel(LINK_BACKLOG);
            let (to_here, down) = mpsc::channel(1);
            let mut request = Request::new(lines::body(from_here));
            *request.method_mut() = axum::http::Method::POST;
            *request.uri_mut() = internal(&format!("{LINKS}/{org}/{session}"))?;
            let response = self.send(address, request).await?;
            if !response.status().is_success() {
                return Err(io::Error::other(format!("answered {}", response.status())));
            }
            // Ends with the link.
            tokio::spawn(lines::pump(Body::new(response.into_body()), to_here));
            Ok(Link { up, down })
        })
    }
}

/// Where a process listens for the others unless it is told.
pub(crate) fn listen_address(config: &Config) -> SocketAddr {
    let beside = SocketAddr::new(config.listen.ip(), 0);
    config.peers.listen.unwrap_or(beside)
}

/// How the others reach a process that listens there.
pub(crate) fn address(config: &Config, listening: SocketAddr) -> io::Result<String> {
    if let Some(address) = &config.peers.address {
        return Ok(address.clone());
    }
    if !listening.ip().is_unspecified() {
        return Ok(listening.to_string());
    }
    let here = on_the_way_to_the_database(config)?;
    Ok(SocketAddr::new(here, listening.port()).to_string())
}

/// The address of this machine as the database sees it. Nothing is sent for it.
fn on_the_way_to_the_database(config: &Config) -> io::Result<IpAddr> {
    let unknown = || io::Error::other("the database's URL names no host");
    let url = config.database.url.as_ref().ok_or_else(unknown)?;
    let url: Uri = url.expose_secret().parse().map_err(io::Error::other)?;
    let host = url.host().filter(|host| !host.is_empty());
    let host = host.ok_or_else(unknown)?.trim_matches(['[', ']']);
    let mut last = unknown();
    for target in std::net::ToSocketAddrs::to_socket_addrs(&(host, url.port_u16().unwrap_or(5432)))?
    {
        let any: SocketAddr = match target {
            SocketAddr::V4(_) => (std::net::Ipv4Addr::UNSPECIFIED, 0).into(),
            SocketAddr::V6(_) => (std::net::Ipv6Addr::UNSPECIFIED, 0).into(),
        };
        let found = UdpSocket::bind(any).and_then(|socket| {
            socket.connect(target)?;
            Ok(socket.local_addr()?.ip())
        });
        match found {
            Ok(ip) => return Ok(ip),
            Err(error) => last = error,
        }
    }
    Err(last)
}

#[cfg(test)]
mod tests;
