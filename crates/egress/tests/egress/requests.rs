//! What a request looks like on the wire.

use std::process::Command;

use egress::{Limits, Request};
use http::Method;

use crate::peer::Peer;
use crate::seams::{Names, Network, client, loopback, public, real_client};

#[tokio::test]
async fn the_request_on_the_wire() {
    let peer = Peer::hello().await;
    let names = Names::default().with("site.test", &[&["93.184.215.14"]]);
    let network = Network::default().route("93.184.215.14", peer.address);
    let target = egress::parse_target("http://Site.test./a b?c={\"d\":1}&e='#f").unwrap();
    let request = Request::new(Method::PUT, target)
        .header("x-twice", "1")
        .unwrap();
    let request = request.header("x-twice", "2").unwrap().body("the body");
    let response = client(&names, &network)
        .fetch(request, &Limits::default(), &public)
        .await
        .unwrap();
    assert_eq!(response.body, "hello");

    let request = peer.requests().remove(0);
    let mut lines: Vec<&str> = request.split("\r\n").collect();
    assert_eq!(lines.remove(0), "PUT /a%20b?c={%22d%22:1}&e=%27 HTTP/1.1");
    lines.sort_unstable();
    let agent = format!("user-agent: chancery/{}", env!("CARGO_PKG_VERSION"));
    assert_eq!(
        lines,
        [
            "",
            "accept-encoding: gzip, deflate",
            "connection: close",
            "content-length: 8",
            "host: site.test",
            "the body",
            agent.as_str(),
            "x-twice: 1",
            "x-twice: 2",
        ]
    );
}

#[tokio::test]
async fn methods_that_are_sent_and_those_that_are_not() {
    let peer = Peer::hello().await;
    let fetch = async |method: &str| {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let request = Request::new(method, egress::parse_target(&peer.url("/")).unwrap());
        real_client()
            .fetch(request, &Limits::default(), &loopback)
            .await
    };
    for method in ["CONNECT", "TRACE", "TRACK"] {
        let error = fetch(method).await.unwrap_err();
        assert_eq!(error.code(), "EGRESS_REQUEST_REFUSED");
    }
    assert_eq!(peer.accepted(), 0);
    let sent = [
        "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND",
    ];
    for method in sent {
        let response = fetch(method).await.unwrap();
        assert_eq!(response.body.is_empty(), method == "HEAD");
    }
    assert_eq!(peer.accepted(), sent.len());
}

/// The environment's proxies, set to a listener of ours, see nobody. The test runs itself again with
/// the variables set, because a process must not change its own.
#[tokio::test]
async fn proxies_of_the_environment_are_ignored() {
    const PEER: &str = "EGRESS_TEST_PEER";
    if let Ok(url) = std::env::var(PEER) {
        let request = Request::get(&url).unwrap();
        let response = real_client()
            .fetch(request, &Limits::default(), &loopback)
            .await
            .unwrap();
        assert_eq!(response.body, "hello");
        return;
    }
    let (peer, proxy) = (Peer::hello().await, Peer::hello().await);
    let mut again = Command::new(std::env::current_exe().unwrap());
    again.args([
        "--exact",
        "requests::proxies_of_the_environment_are_ignored",
    ]);
    again
        .env(PEER, peer.url("/"))
        .env_remove("NO_PROXY")
        .env_remove("no_proxy");
    for variable in [
        "HTTP_PROXY",
        "http_proxy",
        "HTTPS_PROXY",
        "https_proxy",
        "ALL_PROXY",
        "all_proxy",
    ] {
        again.env(variable, proxy.url(""));
    }
    let output = tokio::task::spawn_blocking(move || again.output())
        .await
        .unwrap()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
    assert_eq!((peer.accepted(), proxy.accepted()), (1, 0));
}

/// Limits at their ends are limits, not panics.
#[tokio::test]
async fn extreme_limits() {
    let peer = Peer::hello().await;
    let forever = std::time::Duration::MAX;
    let widest = Limits {
        connect_timeout: forever,
        first_byte_timeout: forever,
        total_timeout: forever,
        redirects_max: u32::MAX,
        request_bytes_max: usize::MAX,
        head_bytes_max: usize::MAX,
        headers_max: usize::MAX,
        response_bytes_max: usize::MAX,
        decompressed_bytes_max: usize::MAX,
        decompression_ratio_max: u32::MAX,
        ..Limits::default()
    };
    let fetch = async |limits: &Limits| {
        real_client()
            .fetch(Request::get(&peer.url("/")).unwrap(), limits, &loopback)
            .await
    };
    assert_eq!(fetch(&widest).await.unwrap().body, "hello");
    let narrowest = Limits {
        redirects_max: 0,
        request_bytes_max: 0,
        head_bytes_max: 0,
        headers_max: 1,
        response_bytes_max: 0,
        decompressed_bytes_max: 0,
        decompression_ratio_max: 0,
        ..Limits::default()
    };
    assert_eq!(
        fetch(&narrowest).await.unwrap_err().code(),
        "EGRESS_TOO_LARGE"
    );
}
