//! Redirects: decided, resolved and checked like the first request.

use std::sync::Mutex;

use egress::{AddressClass, Allowance, Delivery, Hop, Limits, Refusal, Request};
use http::Method;

use crate::peer::{Act, Peer, ok, redirect};
use crate::seams::{Names, Network, client, loopback, public, real_client};

const PUBLIC: &str = "93.184.215.14";

/// A public page that redirects inside, in many spellings: the first hop is made, the second never.
#[tokio::test]
async fn no_redirect_leads_inside() {
    let inside = Peer::hello().await;
    let port = inside.address.port();
    let spellings = [
        format!("http://127.0.0.1:{port}/"),
        format!("http://127.1:{port}/"),
        format!("http://0x7f000001:{port}/"),
        format!("http://2130706433:{port}/"),
        format!("http://017700000001:{port}/"),
        format!("http://0:{port}/"),
        format!("http://[::1]:{port}/"),
        format!("http://[::ffff:127.0.0.1]:{port}/"),
        format!("http://[64:ff9b::7f00:1]:{port}/"),
        format!("//127.0.0.1:{port}/"),
        format!("\\\\127.0.0.1:{port}/"),
        format!("http://inside.test:{port}/"),
        "http://169.254.169.254/latest/meta-data/".to_owned(),
        "http://10.0.0.1/".to_owned(),
    ];
    for status in [301, 302, 303, 307, 308] {
        for location in &spellings {
            let outside = Peer::always(redirect(status, location)).await;
            let names = Names::default().with("inside.test", &[&["127.0.0.1"]]);
            let network = Network::default()
                .route(PUBLIC, outside.address)
                .route("127.0.0.1", inside.address);
            let request = Request::get(&format!("http://{PUBLIC}/")).unwrap();
            let error = client(&names, &network)
                .fetch(request, &Limits::default(), &public)
                .await
                .unwrap_err();
            assert_eq!(
                error.code(),
                "EGRESS_ADDRESS_REFUSED",
                "{status} {location}"
            );
            assert_eq!(error.delivery(), Delivery::Answered);
            assert_eq!((outside.accepted(), network.dialled().len()), (1, 1));
        }
    }
    assert_eq!(inside.accepted(), 0);
}

/// The twin: the same redirects with loopback allowed arrive.
#[tokio::test]
async fn an_allowed_redirect_arrives() {
    let inside = Peer::hello().await;
    let port = inside.address.port();
    let hosts = [
        "127.0.0.1",
        "127.1",
        "0x7f000001",
        "2130706433",
        "017700000001",
        "[::ffff:127.0.0.1]",
    ];
    for status in [301, 302, 303, 307, 308] {
        for host in hosts {
            let outside =
                Peer::always(redirect(status, &format!("http://{host}:{port}/there"))).await;
            let request = Request::get(&outside.url("/here")).unwrap();
            let response = real_client()
                .fetch(request, &Limits::default(), &loopback)
                .await
                .unwrap();
            assert_eq!(
                response.final_url.url(),
                format!("http://127.0.0.1:{port}/there")
            );
            assert_eq!(response.hops.len(), 2);
            assert_eq!(response.hops[0].status.as_u16(), status);
        }
    }
    assert_eq!(inside.accepted(), 5 * hosts.len());
}

/// A loop ends at the limit, to the request.
#[tokio::test]
async fn a_loop_ends_at_the_limit() {
    for redirects_max in [0, 1, 5, 20] {
        let peer = Peer::always(redirect(302, "/")).await;
        let limits = Limits {
            redirects_max,
            ..Limits::default()
        };
        let request = Request::get(&peer.url("/")).unwrap();
        let error = real_client()
            .fetch(request, &limits, &loopback)
            .await
            .unwrap_err();
        assert_eq!(error.code(), "EGRESS_TOO_MANY_REDIRECTS");
        assert_eq!(error.delivery(), Delivery::Answered);
        assert_eq!(peer.accepted(), redirects_max as usize + 1);
    }
}

/// The gate sees every hop with its method, and its no at the second is the end.
#[tokio::test]
async fn the_gate_decides_on_every_hop() {
    let peer = Peer::script(|request| match request.split(' ').nth(1) {
        Some("/one") => redirect(303, "/two"),
        Some("/two") => redirect(307, "/three"),
        _ => Act::Answer(ok("", b"end")),
    })
    .await;
    let seen = Mutex::new(Vec::new());
    let gate = |hop: &Hop<'_>| {
        let from = hop.redirected_from.map(|from| from.path().to_owned());
        seen.lock().unwrap().push((
            hop.index,
            hop.method.clone(),
            hop.target.path().to_owned(),
            from,
        ));
        if hop.target.path() == "/three" {
            return Err(Refusal::new("not there"));
        }
        Ok(Allowance::public().and_class(AddressClass::Loopback))
    };
    let request = Request::new(
        Method::POST,
        egress::parse_target(&peer.url("/one")).unwrap(),
    )
    .body("b");
    let error = real_client()
        .fetch(request, &Limits::default(), &gate)
        .await
        .unwrap_err();
    assert_eq!(error.code(), "EGRESS_REFUSED_BY_POLICY");
    assert_eq!(error.delivery(), Delivery::Answered);
    assert_eq!(
        *seen.lock().unwrap(),
        [
            (0, Method::POST, "/one".to_owned(), None),
            (1, Method::GET, "/two".to_owned(), Some("/one".to_owned())),
            (2, Method::GET, "/three".to_owned(), Some("/two".to_owned())),
        ]
    );
    assert_eq!(peer.accepted(), 2);
}

/// On the wire: secrets stay with their origin, a body is dropped or kept with its headers.
#[tokio::test]
async fn what_crosses_an_origin() {
    for (status, crosses_with_body) in [(302, false), (307, true)] {
        let there = Peer::hello().await;
        let location = there.url("/there");
        let here = Peer::always(redirect(status, &location)).await;
        let target = egress::parse_target(&here.url("/here")).unwrap();
        let request = Request::new(Method::POST, target)
            .header("authorization", "Bearer canary-1")
            .and_then(|r| r.header("cookie", "canary-2"))
            .and_then(|r| r.secret_header("x-api-key", "canary-3"))
            .and_then(|r| r.header("content-type", "text/x-plain"))
            .and_then(|r| r.header("x-plain", "plain"))
            .unwrap()
            .body("the-body");
        real_client()
            .fetch(request, &Limits::default(), &loopback)
            .await
            .unwrap();

        let first = here.requests().remove(0);
        for part in [
            "POST /here",
            "canary-1",
            "canary-2",
            "canary-3",
            "x-plain",
            "the-body",
        ] {
            assert!(first.contains(part), "{part} in {first}");
        }
        let second = there.requests().remove(0);
        assert!(!second.contains("canary"), "{second}");
        assert!(second.contains("x-plain: plain"));
        assert!(second.contains(&format!("host: {}", there.address)));
        assert_eq!(second.contains("the-body"), crosses_with_body);
        assert_eq!(second.contains("text/x-plain"), crosses_with_body);
        assert_eq!(second.starts_with("POST"), crosses_with_body);
    }
}

/// Places that no redirect leads to.
#[tokio::test]
async fn other_schemes_and_broken_locations() {
    for (location, code) in [
        ("file:///etc/passwd", "EGRESS_SCHEME_REFUSED"),
        ("gopher://127.0.0.1:70/_x", "EGRESS_SCHEME_REFUSED"),
        ("javascript:alert(1)", "EGRESS_SCHEME_REFUSED"),
        ("http://user:pass@127.0.0.1/", "EGRESS_URL_REFUSED"),
        ("http://", "EGRESS_URL_REFUSED"),
        ("http://[::1/", "EGRESS_URL_REFUSED"),
        ("http://127.0.0.1:0/", "EGRESS_URL_REFUSED"),
        ("/a\r\nlocation: /b", "EGRESS_BAD_RESPONSE"),
    ] {
        let peer = Peer::always(redirect(302, location)).await;
        let request = Request::get(&peer.url("/")).unwrap();
        let error = real_client()
            .fetch(request, &Limits::default(), &loopback)
            .await
            .unwrap_err();
        assert_eq!(error.code(), code, "{location}");
        assert_eq!(peer.accepted(), 1);
    }
    let peer = Peer::always(Act::Answer(
        b"HTTP/1.1 302 Found\r\ncontent-length: 2\r\n\r\nhi".to_vec(),
    ))
    .await;
    let request = Request::get(&peer.url("/")).unwrap();
    let response = real_client()
        .fetch(request, &Limits::default(), &loopback)
        .await
        .unwrap();
    assert_eq!(
        (response.status.as_u16(), &response.body[..]),
        (302, &b"hi"[..])
    );
}
