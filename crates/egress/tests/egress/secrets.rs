//! A canary in every place of a request, searched for in everything that can be printed.

use std::time::Duration;

use egress::{Allowance, Hop, Limits, Refusal, Request};
use http::Method;

use crate::peer::{Act, Peer, ok, redirect};
use crate::seams::{loopback, public, real_client};

const CANARY: &str = "canary7f3a";

fn request(base: &str) -> Request {
    let url = format!("{base}/p-{CANARY}?q={CANARY}#f-{CANARY}");
    Request::new(Method::POST, egress::parse_target(&url).unwrap())
        .secret_header("x-key", CANARY)
        .and_then(|r| r.header("authorization", CANARY))
        .and_then(|r| r.header("x-plain", CANARY))
        .unwrap()
        .body(CANARY)
}

/// Every failure that a peer can cause, and those before it.
#[tokio::test]
async fn no_error_shows_a_secret() {
    let limits = Limits {
        connect_timeout: Duration::from_millis(200),
        first_byte_timeout: Duration::from_millis(200),
        response_bytes_max: 100,
        redirects_max: 1,
        ..Limits::default()
    };
    let refuse = |_: &Hop<'_>| -> Result<Allowance, Refusal> { Err(Refusal::new("no")) };
    let mut codes = std::collections::BTreeSet::new();
    let mut check = |error: egress::EgressError| {
        codes.insert(error.code());
        let shown = format!("{error} {error:?} {error:#?} {:?}", error.failure());
        assert!(!shown.contains(CANARY), "{shown}");
    };
    let echo = format!("/{CANARY}?{CANARY}");
    for act in [
        Act::ResetAfterRequest,
        Act::AnswerAndHang(Vec::new()),
        Act::Answer(ok("", &[b'x'; 200])),
        Act::Answer(ok(&format!("content-encoding: {CANARY}\r\n"), b"x")),
        Act::Answer(CANARY.into()),
        Act::Answer(format!("HTTP/1.1 {CANARY}\r\n\r\n").into()),
        Act::Answer(format!("HTTP/1.1 200 {CANARY}\r\n{CANARY}\r\n\r\n").into()),
        redirect(302, &echo),
        redirect(302, &format!("http://169.254.169.254{echo}")),
        redirect(302, &format!("file://{echo}")),
        redirect(302, &format!("http://{CANARY}:{CANARY}@127.0.0.1{echo}")),
        redirect(302, &format!("{echo}\r\nlocation: /")),
    ] {
        let peer = Peer::always(act).await;
        check(
            real_client()
                .fetch(request(&peer.url("")), &limits, &loopback)
                .await
                .unwrap_err(),
        );
        let tls = format!("https://{}", peer.address);
        check(
            real_client()
                .fetch(request(&tls), &limits, &loopback)
                .await
                .unwrap_err(),
        );
    }
    for base in [
        "http://127.0.0.1",
        "http://missing.test",
        "http://8.8.8.8:25",
    ] {
        check(
            real_client()
                .fetch(request(base), &limits, &public)
                .await
                .unwrap_err(),
        );
        check(
            real_client()
                .fetch(request(base), &limits, &refuse)
                .await
                .unwrap_err(),
        );
    }
    for url in [
        format!("http://{CANARY}:{CANARY}@host/"),
        format!("http://[{CANARY}/"),
        format!("http://host:0/{CANARY}"),
        format!("http://host/{CANARY}\n"),
    ] {
        check(egress::parse_target(&url).unwrap_err());
    }
    assert!(codes.len() >= 10, "{codes:?}");
    println!("{codes:?}");
}

#[tokio::test]
async fn no_debug_form_shows_a_secret() {
    let headers = format!("set-cookie: {CANARY}\r\n");
    let peer = Peer::always(Act::Answer(ok(&headers, CANARY.as_bytes()))).await;
    let base = peer.url("");
    let target = egress::parse_target(&format!("{base}/p?{CANARY}")).unwrap();
    let request = Request::new(Method::POST, target)
        .secret_header("x-key", CANARY)
        .unwrap()
        .body(CANARY);
    let shown = format!("{request:?}");
    let response = real_client()
        .fetch(request, &Limits::default(), &loopback)
        .await
        .unwrap();
    let shown = format!(
        "{shown} {response:?} {} {:?}",
        response.final_url, response.hops
    );
    assert!(!shown.contains(CANARY), "{shown}");
    assert!(peer.requests()[0].contains(CANARY), "it was sent, though");
    assert_eq!(response.body, CANARY);
}
