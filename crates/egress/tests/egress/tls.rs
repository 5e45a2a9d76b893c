//! TLS sessions that are made and those that are refused. The certificates are of `tests/data/tls`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use egress::{Client, Delivery, Limits, Request, Response, Trust};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::peer::{Act, ok, perform, read_request, redirect};
use crate::seams::{Names, Network, loopback, public};

const PUBLIC: &str = "93.184.215.14";
const ROOT: &[u8] = include_bytes!("../data/tls/root.crt.der");

macro_rules! identity {
    ($name:literal) => {
        (
            include_bytes!(concat!("../data/tls/", $name, ".crt.der")),
            include_bytes!(concat!("../data/tls/", $name, ".key.der")),
        )
    };
}

/// A peer in TLS; counts the requests that it has read.
async fn peer(
    identity: (&'static [u8], &'static [u8]),
    act: Act,
) -> (SocketAddr, Arc<AtomicUsize>) {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(identity.1));
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![CertificateDer::from(identity.0)], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let read = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&read);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let Ok(mut stream) = acceptor.accept(stream).await else {
                continue;
            };
            if read_request(&mut stream).await.is_some() {
                counter.fetch_add(1, Ordering::SeqCst);
                perform(&mut stream, act.clone()).await;
            }
        }
    });
    (address, read)
}

async fn fetch(
    url: &str,
    to: SocketAddr,
    roots: Vec<&'static [u8]>,
) -> Result<Response, egress::EgressError> {
    let names = Names::default()
        .with("good.test", &[&[PUBLIC]])
        .with("wrong.test", &[&[PUBLIC]])
        .with("other.test", &[&[PUBLIC]]);
    let network = Network::default().route(PUBLIC, to).route("127.0.0.1", to);
    let roots = roots.into_iter().map(CertificateDer::from).collect();
    let client = Client::with(names, network, Trust::Only(roots)).unwrap();
    let gate = if url.contains("127.0.0.1") {
        loopback
    } else {
        public
    };
    client
        .fetch(Request::get(url).unwrap(), &Limits::default(), &gate)
        .await
}

#[tokio::test]
async fn a_certificate_must_be_known_current_and_of_the_host() {
    let hello = Act::Answer(ok("", b"hello"));
    let (good, good_read) = peer(identity!("good"), hello.clone()).await;
    let (expired, expired_read) = peer(identity!("expired"), hello.clone()).await;
    let (untrusted, untrusted_read) = peer(identity!("untrusted"), hello).await;

    for url in [
        "https://good.test/",
        "https://GOOD.test./",
        "https://other.test:8443/",
        "https://127.0.0.1/",
    ] {
        assert_eq!(
            fetch(url, good, vec![ROOT]).await.unwrap().body,
            "hello",
            "{url}"
        );
    }
    assert_eq!(good_read.load(Ordering::SeqCst), 4);

    for (url, to, roots) in [
        ("https://wrong.test/", good, vec![ROOT]),
        ("https://good.test/", good, vec![]),
        ("https://good.test/", expired, vec![ROOT]),
        ("https://good.test/", untrusted, vec![ROOT]),
    ] {
        let error = fetch(url, to, roots).await.unwrap_err();
        assert_eq!(error.code(), "EGRESS_TLS", "{url}: {error}");
        assert_eq!(error.delivery(), Delivery::NotSent);
        assert!(!error.retryable());
    }
    let read = [&good_read, &expired_read, &untrusted_read].map(|read| read.load(Ordering::SeqCst));
    assert_eq!(read, [4, 0, 0], "a refused peer never sees a request");
}

#[tokio::test]
async fn https_is_not_left_by_a_redirect() {
    let (address, read) = peer(identity!("good"), redirect(302, "http://good.test/plain")).await;
    let error = fetch("https://good.test/", address, vec![ROOT])
        .await
        .unwrap_err();
    assert_eq!(error.code(), "EGRESS_DOWNGRADE_REFUSED");
    assert_eq!(error.delivery(), Delivery::Answered);
    assert_eq!(read.load(Ordering::SeqCst), 1);
}

#[test]
fn a_root_that_is_no_certificate_is_an_error() {
    assert!(Client::new(Trust::Only(vec![CertificateDer::from(vec![1, 2, 3])])).is_err());
    assert!(Client::new(Trust::SystemAnd(vec![CertificateDer::from(ROOT)])).is_ok());
}
