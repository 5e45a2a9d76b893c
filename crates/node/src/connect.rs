//! Reaching the gateway, again and again.

use std::path::PathBuf;
use std::time::Duration;

use protocol::limits::FRAME_BYTES_MAX;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::{HeaderValue, StatusCode, Uri, header};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error as WsError, handshake::client::Request};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};
use vocab::{ExposeSecret as _, Random, SecretString};

/// Where the gateway takes nodes in, unless the address names a path.
const PATH: &str = "/v1/nodes/connect";
/// How long a connection may take to come about.
const CONNECTING: Duration = Duration::from_secs(15);
/// The wait after the first failure.
const BACKOFF_MIN: Duration = Duration::from_millis(200);
/// The longest wait.
const BACKOFF_MAX: Duration = Duration::from_secs(30);
/// The largest credential, in bytes.
const CREDENTIAL_BYTES_MAX: u64 = 16 * 1024;

/// Where the gateway is.
#[derive(Debug, Clone)]
pub struct Gateway {
    uri: Uri,
}

/// Where the node's credential is.
#[derive(Debug, Clone)]
pub enum Credential {
    /// In a file, which is read anew for every connection.
    File(PathBuf),
    /// In a value.
    Value(SecretString),
}

/// Why the gateway was not reached.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The address is not one.
    #[error("the gateway's address `{0}` is not `ws://…` or `wss://…`")]
    Address(String),
    /// The credential would travel in the clear.
    #[error(
        "`{0}` would send the credential in the clear; use `wss://`, or say `--allow-plaintext`"
    )]
    Plaintext(String),
    /// The credential can't be read.
    #[error("the credential can't be read")]
    Credential(#[source] std::io::Error),
    /// The credential can't stand in a header.
    #[error("the credential has characters that no credential has")]
    CredentialText,
    /// The gateway does not take the credential.
    #[error("the gateway does not accept this node's credential")]
    Unauthorized,
    /// The gateway can't be reached, or is no gateway.
    #[error("the gateway can't be reached: {0}")]
    Unreachable(String),
}

/// A connection to the gateway.
pub type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

impl Gateway {
    /// Reads an address: `ws://` for this machine alone unless plaintext is allowed, or `wss://`.
    ///
    /// # Errors
    /// Another scheme, or a credential that would travel in the clear.
    pub fn parse(text: &str, allow_plaintext: bool) -> Result<Self, ConnectError> {
        let address = || ConnectError::Address(text.to_owned());
        let uri: Uri = text.parse().map_err(|_| address())?;
        let host = uri.host().ok_or_else(address)?;
        match uri.scheme_str() {
            Some("wss") => {}
            Some("ws") if allow_plaintext || is_this_machine(host) => {}
            Some("ws") => return Err(ConnectError::Plaintext(text.to_owned())),
            Some(_) | None => return Err(address()),
        }
        let mut parts = uri.into_parts();
        if parts
            .path_and_query
            .as_ref()
            .is_none_or(|path| path.as_str() == "/")
        {
            parts.path_and_query = Some(PATH.parse().map_err(|_| address())?);
        }
        Ok(Self {
            uri: Uri::from_parts(parts).map_err(|_| address())?,
        })
    }

    /// Connects once.
    ///
    /// # Errors
    /// What went wrong.
    pub async fn connect(&self, credential: &Credential) -> Result<Socket, ConnectError> {
        let request = self.request(&credential.read()?)?;
        let mut config = WebSocketConfig::default();
        config.max_message_size = Some(FRAME_BYTES_MAX);
        config.max_frame_size = Some(FRAME_BYTES_MAX);
        let connecting = connect_async_with_config(request, Some(config), true);
        match tokio::time::timeout(CONNECTING, connecting).await {
            Ok(Ok((socket, _))) => Ok(socket),
            Ok(Err(WsError::Http(response))) => Err(match response.status() {
                StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => ConnectError::Unauthorized,
                status => ConnectError::Unreachable(format!("it answers {status}")),
            }),
            Ok(Err(error)) => Err(ConnectError::Unreachable(error.to_string())),
            Err(_) => Err(ConnectError::Unreachable("it does not answer".to_owned())),
        }
    }

    fn request(&self, credential: &SecretString) -> Result<Request, ConnectError> {
        let unreachable = |error: WsError| ConnectError::Unreachable(error.to_string());
        let mut request = self
            .uri
            .clone()
            .into_client_request()
            .map_err(unreachable)?;
        let bearer = format!("Bearer {}", credential.expose_secret());
        let mut value = HeaderValue::from_str(&bearer).map_err(|_| ConnectError::CredentialText)?;
        value.set_sensitive(true);
        request.headers_mut().insert(header::AUTHORIZATION, value);
        Ok(request)
    }
}

fn is_this_machine(host: &str) -> bool {
    let host = host.trim_matches(['[', ']']);
    host == "localhost"
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

impl Credential {
    fn read(&self) -> Result<SecretString, ConnectError> {
        use std::io::Read as _;
        match self {
            Self::Value(value) => Ok(value.clone()),
            Self::File(path) => {
                let mut text = String::new();
                std::fs::File::open(path)
                    .and_then(|file| file.take(CREDENTIAL_BYTES_MAX).read_to_string(&mut text))
                    .map_err(ConnectError::Credential)?;
                Ok(text.trim().to_owned().into())
            }
        }
    }
}

/// How long to wait after failures: twice as long each time, and a random part of that, so that a
/// gateway that comes back is not met by all nodes at once.
#[derive(Debug)]
pub struct Backoff {
    next: Duration,
    random: Random,
}

impl Backoff {
    /// No failure yet.
    #[must_use]
    pub fn new(random: Random) -> Self {
        Self {
            next: BACKOFF_MIN,
            random,
        }
    }

    /// It went well.
    pub fn reset(&mut self) {
        self.next = BACKOFF_MIN;
    }

    /// How long to wait after one more failure.
    pub fn wait(&mut self) -> Duration {
        let all = self.next;
        self.next = (all * 2).min(BACKOFF_MAX);
        let half_ms = u64::try_from(all.as_millis() / 2).unwrap_or(u64::MAX);
        Duration::from_millis(half_ms + self.random.below(half_ms.max(1)))
    }

    /// The longest wait, when trying sooner can't help.
    pub fn wait_long(&mut self) -> Duration {
        self.next = BACKOFF_MAX;
        self.wait()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_travels_in_the_clear_on_this_machine_alone() {
        let uri = |text, allow| Gateway::parse(text, allow).map(|gateway| gateway.uri.to_string());
        let here = "ws://127.0.0.1:8080/v1/nodes/connect";
        assert_eq!(
            uri("ws://127.0.0.1:8080", false).ok().as_deref(),
            Some(here)
        );
        assert!(uri("ws://localhost:8080/", false).is_ok());
        assert!(uri("ws://[::1]:8080/", false).is_ok());
        assert!(uri("wss://gateway.example/a", false).is_ok_and(|uri| uri.ends_with("/a")));
        assert!(matches!(
            uri("ws://10.0.0.1/", false),
            Err(ConnectError::Plaintext(_))
        ));
        assert!(matches!(
            uri("ws://localhost.example/", false),
            Err(ConnectError::Plaintext(_))
        ));
        assert!(uri("ws://10.0.0.1/", true).is_ok());
        for bad in ["http://127.0.0.1", "127.0.0.1:8080", "ws:///x", ""] {
            assert!(
                matches!(uri(bad, true), Err(ConnectError::Address(_))),
                "{bad}"
            );
        }
    }

    #[test]
    fn waits_grow_to_a_bound_and_shrink_after_success() {
        let mut backoff = Backoff::new(Random::seeded(1));
        let waits: Vec<_> = (0..20).map(|_| backoff.wait()).collect();
        assert!(waits[0] < BACKOFF_MIN && waits.iter().all(|wait| *wait < BACKOFF_MAX));
        assert!(waits[19] >= BACKOFF_MAX / 2);
        backoff.reset();
        assert!(backoff.wait() < BACKOFF_MIN);
    }
}
