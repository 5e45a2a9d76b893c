//! One request and one response over one connection.

use std::error::Error;
use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, CONNECTION, HOST, USER_AGENT};
use http::response::Parts;
use http::{HeaderValue, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;

use crate::body::{BodyFault, Coding, Intake, Take};
use crate::error::{Failure, Phase};
use crate::limits::{Limits, Overflow};
use crate::progress::Progress;
use crate::redirect;
use crate::request::Request;
use crate::target::HttpTarget;

/// What the HTTP parser is given at least.
const HEAD_BYTES_MIN: usize = 8192;
/// The parser reserves room for as many headers as it may meet.
const HEADERS_MAX: usize = 4096;

/// What one hop brought.
pub(crate) enum Answer {
    Redirect {
        status: StatusCode,
        to: HttpTarget,
    },
    Final {
        head: Parts,
        body: Vec<u8>,
        truncated: bool,
    },
}

/// A connection to a peer, plain or in TLS.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Sends the request and reads the answer. The connection lives as long as this future.
pub(crate) async fn exchange(
    stream: Box<dyn Stream>,
    request: &Request,
    limits: &Limits,
    progress: &Arc<Progress>,
) -> Result<Answer, Failure> {
    let target = &request.target;
    let wire = wire_request(request)?;
    let head_bytes_max = limits.head_bytes_max.max(HEAD_BYTES_MIN);
    let (mut sender, connection) = http1::Builder::new()
        .max_headers(limits.headers_max.min(HEADERS_MAX))
        .max_header_size(head_bytes_max)
        .max_buf_size(head_bytes_max)
        .handshake::<_, Full<Bytes>>(TokioIo::new(stream))
        .await
        .map_err(|error| describe(&error, target, limits))?;
    progress.opened();

    let talk = async {
        let response = timeout(limits.first_byte_timeout, sender.send_request(wire))
            .await
            .map_err(|_| Failure::Timeout {
                phase: Phase::FirstByte,
            })?
            .map_err(|error| shut(progress).unwrap_or_else(|| describe(&error, target, limits)))?;
        progress.answered();
        answer(response, target, limits, progress).await
    };
    let (mut talk, mut connection) = (pin!(talk), pin!(connection));
    let mut connected = true;
    loop {
        // The connection's own error reaches `talk` through hyper, so its result is not needed here.
        tokio::select! {
            biased;
            answer = &mut talk => return answer,
            _ = &mut connection, if connected => connected = false,
        }
    }
}

fn wire_request(request: &Request) -> Result<http::Request<Full<Bytes>>, Failure> {
    let unsendable = || Failure::Request {
        reason: "the URL does not fit into HTTP".to_owned(),
    };
    let mut wire = http::Request::builder()
        .method(request.method.clone())
        .uri(request.target.path_and_query())
        .body(Full::new(request.body.clone()))
        .map_err(|_| unsendable())?;
    let headers = wire.headers_mut();
    *headers = request.headers.clone();
    let host = HeaderValue::from_str(&request.target.host_header()).map_err(|_| unsendable())?;
    headers.insert(HOST, host);
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    headers
        .entry(ACCEPT_ENCODING)
        .or_insert(HeaderValue::from_static("gzip, deflate"));
    let agent = concat!("chancery/", env!("CARGO_PKG_VERSION"));
    headers
        .entry(USER_AGENT)
        .or_insert(HeaderValue::from_static(agent));
    Ok(wire)
}

/// What is wrong if the meter lets nothing more in.
fn shut(progress: &Progress) -> Option<Failure> {
    let limit = usize::try_from(progress.received_max()).unwrap_or(usize::MAX);
    let part = "answer";
    progress
        .is_shut()
        .then_some(Failure::TooLarge { part, limit })
}

async fn answer(
    response: http::Response<Incoming>,
    target: &HttpTarget,
    limits: &Limits,
    progress: &Progress,
) -> Result<Answer, Failure> {
    let (mut head, mut incoming) = response.into_parts();
    let invalid = |reason| Failure::BadResponse {
        origin: target.origin(),
        reason,
    };
    if head.status == StatusCode::SWITCHING_PROTOCOLS {
        return Err(invalid("it switches protocols unasked"));
    }
    if let Some(to) = redirect::location(target, head.status, &head.headers)? {
        return Ok(Answer::Redirect {
            status: head.status,
            to,
        });
    }
    let explain = |fault| match fault {
        BodyFault::TooLarge { part, limit } => Failure::TooLarge { part, limit },
        BodyFault::Corrupt => invalid("its body is not what its content coding says"),
    };
    let coding = Coding::of(&head.headers)?;
    let mut intake = Intake::new(coding, limits);
    let mut truncated = false;
    while let Some(frame) = incoming.frame().await {
        let frame = match (frame, shut(progress)) {
            (Ok(frame), _) => frame,
            (Err(_), Some(_)) if limits.overflow == Overflow::Truncate => {
                truncated = true;
                break;
            }
            (Err(_), Some(shut)) => return Err(shut),
            (Err(error), None) => return Err(describe(&error, target, limits)),
        };
        let Ok(chunk) = frame.into_data() else {
            continue;
        };
        if intake.take(&chunk).map_err(explain)? == Take::Cut {
            truncated = true;
            break;
        }
    }
    let body = if truncated {
        intake.cut()
    } else {
        intake.finish().map_err(explain)?
    };
    coding.strip(&mut head.headers);
    Ok(Answer::Final {
        head,
        body,
        truncated,
    })
}

/// Turns hyper's error into ours, keeping nothing of what the peer sent.
fn describe(error: &hyper::Error, target: &HttpTarget, limits: &Limits) -> Failure {
    let origin = target.origin();
    if let Some(tls) = find_tls(error) {
        return Failure::Tls {
            origin,
            reason: tls.to_string(),
        };
    }
    if error.is_parse_too_large() {
        return Failure::TooLarge {
            part: "head (bytes, or number of headers)",
            limit: limits.head_bytes_max.max(HEAD_BYTES_MIN),
        };
    }
    if error.is_parse() {
        return Failure::BadResponse {
            origin,
            reason: "its head can't be read",
        };
    }
    if error.is_user() {
        return Failure::Request {
            reason: "it can't be written as HTTP".to_owned(),
        };
    }
    // A chunk size or a length that can't be read arrives as an error of the body.
    if find_io(error).is_some_and(|kind| {
        matches!(
            kind,
            std::io::ErrorKind::InvalidInput | std::io::ErrorKind::InvalidData
        )
    }) {
        return Failure::BadResponse {
            origin,
            reason: "its body can't be read",
        };
    }
    Failure::ConnectionLost { origin }
}

fn find_io(error: &hyper::Error) -> Option<std::io::ErrorKind> {
    io_source(error).map(std::io::Error::kind)
}

fn find_tls(error: &hyper::Error) -> Option<&rustls::Error> {
    tls_cause(io_source(error)?)
}

fn io_source(error: &hyper::Error) -> Option<&std::io::Error> {
    let mut source = error.source();
    while let Some(error) = source {
        if let Some(error) = error.downcast_ref() {
            return Some(error);
        }
        source = error.source();
    }
    None
}

/// The TLS error inside an I/O error.
pub(crate) fn tls_cause(error: &std::io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}
