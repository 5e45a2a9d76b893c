//! Responses that are too long, too slow, or not what they say.

use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use egress::{Delivery, EgressError, Limits, Meter, Overflow, Request, Response};
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::peer::{Act, Peer, ok};
use crate::seams::{loopback, real_client};

async fn fetch(act: Act, limits: &Limits) -> Result<Response, EgressError> {
    let peer = Peer::always(act).await;
    real_client()
        .fetch(Request::get(&peer.url("/")).unwrap(), limits, &loopback)
        .await
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn short() -> Limits {
    Limits {
        connect_timeout: Duration::from_millis(300),
        first_byte_timeout: Duration::from_millis(300),
        total_timeout: Duration::from_millis(600),
        ..Limits::default()
    }
}

const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\n\r\n";

#[tokio::test]
async fn plain_chunked_and_compressed_bodies_arrive() {
    let limits = Limits::default();
    let text = "a line of text\n".repeat(1000);
    let chunked = format!(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{:x};ext=1\r\n{text}\r\n0\r\nx-trailer: 1\r\n\r\n",
        text.len()
    );
    let to_the_end = [HEAD, text.as_bytes()].concat();
    for answer in [ok("", text.as_bytes()), chunked.into_bytes(), to_the_end] {
        let response = fetch(Act::Answer(answer), &limits).await.unwrap();
        assert!(response.body == text && !response.truncated);
    }
    let answer = ok(
        "content-encoding: gzip\r\netag: \"1\"\r\n",
        &gzip(text.as_bytes()),
    );
    let response = fetch(Act::Answer(answer), &limits).await.unwrap();
    assert!(response.body == text);
    assert!(!response.headers.contains_key("content-encoding"));
    assert!(!response.headers.contains_key("content-length"));
    assert!(response.headers.contains_key("etag"));
}

/// 256 MiB of zeros in about 256 KiB: refused, having held no more than the limit.
#[tokio::test]
async fn a_gzip_bomb_is_refused() {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    for _ in 0..256 {
        encoder.write_all(&vec![0; 1 << 20]).unwrap();
    }
    let bomb = encoder.finish().unwrap();
    println!("bomb: {} bytes for 256 MiB", bomb.len());
    let answer = Act::Answer(ok("content-encoding: gzip\r\n", &bomb));
    for overflow in [Overflow::Refuse, Overflow::Truncate] {
        let limits = Limits {
            overflow,
            ..Limits::default()
        };
        let error = fetch(answer.clone(), &limits).await.unwrap_err();
        assert_eq!(error.code(), "EGRESS_TOO_LARGE");
        assert!(error.to_string().contains("ratio"), "{error}");
    }
    let limits = Limits {
        decompression_ratio_max: u32::MAX,
        ..Limits::default()
    };
    let error = fetch(answer.clone(), &limits).await.unwrap_err();
    assert!(error.to_string().contains("body"), "{error}");
    let limits = Limits {
        overflow: Overflow::Truncate,
        ..limits
    };
    let response = fetch(answer, &limits).await.unwrap();
    assert!(response.truncated && response.body.len() == limits.decompressed_bytes_max);
}

#[tokio::test]
async fn an_endless_body_is_refused_or_cut() {
    let chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    let chunk = [b"4000\r\n".as_slice(), &[b'x'; 0x4000], b"\r\n"].concat();
    for act in [
        Act::Endless(HEAD.to_vec(), vec![b'x'; 0x4000]),
        Act::Endless(chunked, chunk),
    ] {
        let limits = Limits {
            response_bytes_max: 1 << 20,
            ..Limits::default()
        };
        let error = fetch(act.clone(), &limits).await.unwrap_err();
        assert_eq!(error.code(), "EGRESS_TOO_LARGE");
        assert_eq!(error.delivery(), Delivery::Answered);
        let limits = Limits {
            overflow: Overflow::Truncate,
            ..limits
        };
        let response = fetch(act, &limits).await.unwrap();
        assert!(response.truncated && response.body.len() == 1 << 20);
    }
}

/// A head that never ends, a header that never ends, too many headers, interim answers without an end.
#[tokio::test]
async fn heads_without_an_end() {
    let start = b"HTTP/1.1 200 OK\r\n".to_vec();
    let lines: String = (0..200).map(|n| format!("x-{n}: 1\r\n")).collect();
    for act in [
        Act::Endless(
            start.clone(),
            b"x-header: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n".to_vec(),
        ),
        Act::Endless([start.as_slice(), b"x-header: "].concat(), vec![b'a'; 1024]),
        Act::Endless(b"HTTP/1.1 200 ".to_vec(), vec![b'a'; 1024]),
        Act::Answer(ok(&lines, b"hello")),
        Act::Answer(ok(
            &format!("x-long: {}\r\n", "a".repeat(70 << 10)),
            b"hello",
        )),
    ] {
        let error = fetch(act, &Limits::default()).await.unwrap_err();
        assert_eq!(error.code(), "EGRESS_TOO_LARGE", "{error}");
    }
    let interim = Act::Endless(Vec::new(), b"HTTP/1.1 103 Early Hints\r\n\r\n".to_vec());
    let started = Instant::now();
    let error = fetch(interim, &short()).await.unwrap_err();
    assert_eq!(error.code(), "EGRESS_TIMEOUT");
    assert!(started.elapsed() < Duration::from_secs(2));

    let fits: String = (0..100).map(|n| format!("x-{n}: 1\r\n")).collect();
    assert!(
        fetch(Act::Answer(ok(&fits, b"hello")), &Limits::default())
            .await
            .is_ok()
    );
    let fits = format!("x-long: {}\r\n", "a".repeat(60 << 10));
    assert!(
        fetch(Act::Answer(ok(&fits, b"hello")), &Limits::default())
            .await
            .is_ok()
    );
}

/// One byte at a time, in the head and in the body; and silence after the head.
#[tokio::test]
async fn slow_peers_meet_the_deadline() {
    let pause = Duration::from_millis(50);
    let long = ok("", &[b'x'; 1000]);
    let cases = [
        (Act::Drip(long.clone(), pause), Delivery::Unknown, "begin"),
        (Act::AnswerAndHang(Vec::new()), Delivery::Unknown, "begin"),
        (
            Act::AnswerAndHang(long[..200].to_vec()),
            Delivery::Answered,
            "whole",
        ),
        (Act::Ignore, Delivery::Unknown, "begin"),
    ];
    for (act, delivery, phase) in cases {
        let started = Instant::now();
        let error = fetch(act, &short()).await.unwrap_err();
        assert_eq!(error.code(), "EGRESS_TIMEOUT");
        assert_eq!(error.delivery(), delivery);
        assert!(error.to_string().contains(phase), "{error}");
        let took = started.elapsed();
        assert!(
            took > Duration::from_millis(250) && took < Duration::from_secs(3),
            "{took:?}"
        );
    }
    let quick = Limits {
        first_byte_timeout: Duration::from_secs(20),
        total_timeout: Duration::from_secs(20),
        ..short()
    };
    let act = Act::Drip(ok("", b"slow"), Duration::from_millis(2));
    assert_eq!(fetch(act, &quick).await.unwrap().body, "slow");
}

#[tokio::test]
async fn what_is_not_http() {
    for (answer, code) in [
        (&b"SSH-2.0-OpenSSH_9.2\r\n"[..], "EGRESS_BAD_RESPONSE"),
        (b"<html>HTTP/0.9</html>", "EGRESS_BAD_RESPONSE"),
        (b"HTTP/2.0 200 OK\r\n\r\n", "EGRESS_BAD_RESPONSE"),
        (b"HTTP/1.1 20 OK\r\n\r\n", "EGRESS_BAD_RESPONSE"),
        (
            b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
            "EGRESS_BAD_RESPONSE",
        ),
        (
            b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
            "EGRESS_BAD_RESPONSE",
        ),
        (
            b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
            "EGRESS_BAD_RESPONSE",
        ),
        (
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
            "EGRESS_BAD_RESPONSE",
        ),
        (
            b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n",
            "EGRESS_BAD_RESPONSE",
        ),
        (
            b"HTTP/1.1 200 OK\r\ncontent-encoding: br\r\n\r\nab",
            "EGRESS_ENCODING_REFUSED",
        ),
        (
            b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip, gzip\r\n\r\nab",
            "EGRESS_ENCODING_REFUSED",
        ),
        (
            b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\nnot gzip",
            "EGRESS_BAD_RESPONSE",
        ),
        (
            b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nshort",
            "EGRESS_CONNECTION_LOST",
        ),
        (
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nff\r\nshort",
            "EGRESS_CONNECTION_LOST",
        ),
        (b"HTTP/1.1 200 O", "EGRESS_CONNECTION_LOST"),
        (b"", "EGRESS_CONNECTION_LOST"),
    ] {
        let text = String::from_utf8_lossy(answer);
        let error = fetch(Act::Answer(answer.to_vec()), &short())
            .await
            .unwrap_err();
        assert_eq!(error.code(), code, "{text}: {error}");
        assert!(error.sent(), "{text}");
    }
    for answer in [
        &b"HTTP/1.0 200 OK\r\n\r\nold"[..],
        b"HTTP/1.1 200\r\ncontent-length: 3\r\n\r\nold",
        b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nold",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nold",
    ] {
        let response = fetch(Act::Answer(answer.to_vec()), &short()).await.unwrap();
        assert_eq!(response.body, "old");
    }
    for status in [204, 304, 404, 500] {
        let body = if status >= 400 {
            "content-length: 2\r\n\r\nno"
        } else {
            "\r\n"
        };
        let answer = format!("HTTP/1.1 {status} X\r\n{body}");
        let response = fetch(Act::Answer(answer.into_bytes()), &short())
            .await
            .unwrap();
        assert_eq!(
            response.status.as_u16(),
            status,
            "a status is an answer, not an error"
        );
    }
}

async fn metered(
    act: Act,
    limits: &Limits,
    meter: Meter,
) -> (Result<Response, EgressError>, Arc<Meter>) {
    let (peer, meter) = (Peer::always(act).await, Arc::new(meter));
    let request = Request::get(&peer.url("/")).unwrap();
    let fetched = real_client()
        .fetch_metered(request, limits, &loopback, &meter)
        .await;
    (fetched, meter)
}

/// What a meter lets in and out is never passed, and what it counted is what went over the wire.
#[tokio::test]
async fn a_meter_counts_and_cuts() {
    let answer = ok("", &[b'x'; 5_000]);
    let whole = answer.len() as u64;
    let act = Act::Answer(answer);
    let cut = Limits {
        overflow: Overflow::Truncate,
        ..Limits::default()
    };
    let (fetched, meter) = metered(act.clone(), &cut, Meter::default()).await;
    assert!(!fetched.unwrap().truncated);
    assert_eq!(meter.received(), whole);
    let sent = meter.sent();
    assert!(sent > 50, "{sent}");
    // Exactly as much as it takes is enough.
    let (fetched, _) = metered(act.clone(), &cut, Meter::new(sent, whole)).await;
    assert!(!fetched.unwrap().truncated);
    let (fetched, meter) = metered(act.clone(), &cut, Meter::new(sent, 3_000)).await;
    let response = fetched.unwrap();
    assert!(response.truncated && (2_800..3_000).contains(&response.body.len()));
    assert_eq!(meter.received(), 3_000);
    // Not even the head.
    let (fetched, meter) = metered(act.clone(), &cut, Meter::new(sent, 10)).await;
    assert_eq!(fetched.unwrap_err().code(), "EGRESS_TOO_LARGE");
    assert_eq!(meter.received(), 10);
    let (fetched, _) = metered(act.clone(), &Limits::default(), Meter::new(sent, 3_000)).await;
    assert_eq!(fetched.unwrap_err().code(), "EGRESS_TOO_LARGE");
    // A request that may not go out whole breaks off, and what went out is counted.
    let (fetched, meter) = metered(act, &short(), Meter::new(sent - 1, whole)).await;
    assert!(fetched.unwrap_err().sent());
    assert_eq!(meter.sent(), sent - 1);
    let (fetched, meter) = metered(Act::ResetAfterRequest, &cut, Meter::default()).await;
    fetched.unwrap_err();
    assert_eq!((meter.sent(), meter.received()), (sent, 0));
}
