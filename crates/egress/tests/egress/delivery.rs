//! Whether the peer can have acted, told apart by what was really sent.

use std::io;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use egress::{Client, Delivery, Failure, Limits, Phase, Request, Resolve, SystemDialer, Trust};
use futures::future::BoxFuture;
use http::Method;
use tokio::net::TcpListener;

use crate::peer::{Act, Peer, ok};
use crate::seams::{Names, loopback, real_client};

fn limits() -> Limits {
    Limits {
        connect_timeout: Duration::from_millis(400),
        first_byte_timeout: Duration::from_millis(400),
        total_timeout: Duration::from_millis(900),
        ..Limits::default()
    }
}

async fn deliver(url: &str, limits: &Limits) -> (&'static str, Delivery, bool) {
    let request = Request::new(Method::POST, egress::parse_target(url).unwrap()).body("order");
    let error = real_client()
        .fetch(request, limits, &loopback)
        .await
        .unwrap_err();
    (error.code(), error.delivery(), error.retryable())
}

#[tokio::test]
async fn nothing_was_sent() {
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap()
    };
    let refused = deliver(&format!("http://{closed}/"), &limits()).await;
    assert_eq!(refused, ("EGRESS_CONNECT_FAILED", Delivery::NotSent, true));
    let unknown = deliver("http://missing.test/", &limits()).await;
    assert_eq!(unknown, ("EGRESS_DNS_FAILED", Delivery::NotSent, true));

    // A peer that speaks no TLS, and one that is silent: the handshake's bytes are not the request's.
    let plain = Peer::always(Act::Answer(ok("", b"plain"))).await;
    let (_, delivery, _) = deliver(&format!("https://{}/", plain.address), &limits()).await;
    assert_eq!(delivery, Delivery::NotSent);
    let silent = Peer::always(Act::Ignore).await;
    let stalled = deliver(&format!("https://{}/", silent.address), &limits()).await;
    assert_eq!(stalled, ("EGRESS_TIMEOUT", Delivery::NotSent, true));
}

/// A resolver that never answers.
struct Silent;

impl Resolve for Silent {
    fn resolve<'a>(&'a self, _: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        Box::pin(std::future::pending())
    }
}

/// The connect deadline holds for DNS and for TLS, well before the deadline of the whole.
#[tokio::test]
async fn connecting_has_a_deadline_of_its_own() {
    let peer = Peer::always(Act::Ignore).await;
    let client = Client::with(Silent, SystemDialer, Trust::Only(vec![])).unwrap();
    let limits = Limits {
        connect_timeout: Duration::from_millis(200),
        ..Limits::default()
    };
    for url in [
        "http://silent.test/".to_owned(),
        format!("https://{}/", peer.address),
    ] {
        let started = Instant::now();
        let request = Request::get(&url).unwrap();
        let error = client.fetch(request, &limits, &loopback).await.unwrap_err();
        assert!(
            matches!(
                error.failure(),
                Failure::Timeout {
                    phase: Phase::Connect
                }
            ),
            "{error}"
        );
        assert_eq!(error.delivery(), Delivery::NotSent);
        assert!(started.elapsed() < Duration::from_secs(5));
    }
}

#[tokio::test]
async fn the_outcome_is_unknown() {
    for act in [
        Act::ResetAfterRequest,
        Act::Answer(Vec::new()),
        Act::Answer(b"HTTP/1.1 20".to_vec()),
    ] {
        let peer = Peer::always(act).await;
        let (code, delivery, retryable) = deliver(&peer.url("/"), &limits()).await;
        assert_eq!(
            (code, delivery, retryable),
            ("EGRESS_CONNECTION_LOST", Delivery::Unknown, true)
        );
        assert_eq!(peer.requests().len(), 1, "it did arrive");
    }
    let silent = Peer::always(Act::AnswerAndHang(Vec::new())).await;
    let timed_out = deliver(&silent.url("/"), &limits()).await;
    assert_eq!(timed_out, ("EGRESS_TIMEOUT", Delivery::Unknown, true));
}

/// A reset before the request was read: what the socket took may have arrived, so the answer depends on
/// who was faster, but a request that was read is never called unsent.
#[tokio::test]
async fn a_reset_at_once_is_never_called_delivered() {
    for _ in 0..200 {
        let peer = Peer::always(Act::ResetAtOnce).await;
        let (code, delivery, _) = deliver(&peer.url("/"), &limits()).await;
        assert!(
            matches!(code, "EGRESS_CONNECTION_LOST" | "EGRESS_CONNECT_FAILED"),
            "{code}"
        );
        assert_ne!(delivery, Delivery::Answered);
    }
}

#[tokio::test]
async fn the_peer_answered() {
    let body = ok("", &[b'x'; 100]);
    let small = Limits {
        response_bytes_max: 10,
        ..limits()
    };
    let peer = Peer::always(Act::Answer(body.clone())).await;
    let too_large = deliver(&peer.url("/"), &small).await;
    assert_eq!(too_large, ("EGRESS_TOO_LARGE", Delivery::Answered, false));
    let peer = Peer::always(Act::AnswerAndHang(body[..60].to_vec())).await;
    let stalled = deliver(&peer.url("/"), &limits()).await;
    assert_eq!(stalled, ("EGRESS_TIMEOUT", Delivery::Answered, true));
    let peer = Peer::always(Act::Answer(body[..60].to_vec())).await;
    let lost = deliver(&peer.url("/"), &limits()).await;
    assert_eq!(lost, ("EGRESS_CONNECTION_LOST", Delivery::Answered, true));
}

/// A fetch that nobody waits for any more lets go of its connection.
#[tokio::test]
async fn a_dropped_fetch_closes_its_connection() {
    let peer = Peer::always(Act::AnswerAndHang(b"HTTP/1.1 200 OK\r\n\r\nfirst".to_vec())).await;
    let client = Client::with(Names::default(), SystemDialer, Trust::Only(vec![])).unwrap();
    let request = Request::get(&peer.url("/")).unwrap();
    let limits = Limits::default();
    tokio::select! {
        _ = client.fetch(request, &limits, &loopback) => panic!("the peer never ends"),
        () = until(|| peer.requests().len() == 1) => {}
    }
    until(|| peer.closed() == 1).await;
}

async fn until(condition: impl Fn() -> bool) {
    let waiting = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), waiting)
        .await
        .unwrap();
}
