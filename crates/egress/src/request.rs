//! What a caller asks for, and what a caller may not say.

use std::fmt;

use bytes::Bytes;
use http::header::{self, HeaderName};
use http::{HeaderMap, HeaderValue, Method};

use crate::error::{EgressError, Failure};
use crate::limits::Limits;
use crate::target::{HttpTarget, parse_target};

/// All names and values together.
const HEADER_BYTES_MAX: usize = 32 << 10;
const HEADERS_MAX: usize = 100;

/// Headers that belong to the connection or to the framing, which are this crate's, and those with
/// which a server can be told another method than the one that policy saw.
const REFUSED: [&str; 13] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
];

/// One request. `Debug` shows the method, the URL without its query, and the names of the headers.
#[derive(Clone)]
pub struct Request {
    pub(crate) method: Method,
    pub(crate) target: HttpTarget,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Request {
    /// A request without headers and body.
    pub fn new(method: Method, target: HttpTarget) -> Request {
        Request {
            method,
            target,
            headers: HeaderMap::new(),
            body: Bytes::new(),
        }
    }

    /// `GET url`.
    ///
    /// # Errors
    /// As [`parse_target`].
    pub fn get(url: &str) -> Result<Request, EgressError> {
        Ok(Request::new(Method::GET, parse_target(url)?))
    }

    /// Adds a header.
    ///
    /// # Errors
    /// `EGRESS_REQUEST_REFUSED` if the name is one that callers may not send, or if name or value hold
    /// line breaks or other bytes that no header has.
    pub fn header(self, name: &str, value: &str) -> Result<Request, EgressError> {
        self.add(name, value, false)
    }

    /// Adds a header that carries a secret: it is dropped on a redirect to another origin.
    /// (`Authorization` and `Cookie` are treated so in any case.)
    ///
    /// # Errors
    /// As [`header`](Self::header).
    pub fn secret_header(self, name: &str, value: &str) -> Result<Request, EgressError> {
        self.add(name, value, true)
    }

    /// Sets the body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Bytes>) -> Request {
        self.body = body.into();
        self
    }

    /// Where the request goes first.
    pub fn target(&self) -> &HttpTarget {
        &self.target
    }

    /// The method of the first hop.
    pub fn method(&self) -> &Method {
        &self.method
    }

    fn add(mut self, name: &str, value: &str, sensitive: bool) -> Result<Request, EgressError> {
        let name = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| refused("a header's name is not valid"))?;
        check_name(&name)?;
        let mut value = HeaderValue::from_str(value)
            .map_err(|_| refused(format!("the value of header `{name}` is not valid")))?;
        value.set_sensitive(sensitive);
        if self.headers.len() >= HEADERS_MAX {
            return Err(refused(format!("more than {HEADERS_MAX} headers")).into());
        }
        self.headers.append(name, value);
        Ok(self)
    }

    /// The checks that need the whole request.
    pub(crate) fn check(&self, limits: &Limits) -> Result<(), Failure> {
        // CONNECT makes a tunnel, TRACE echoes the request with its secrets.
        if matches!(self.method.as_str(), "CONNECT" | "TRACE" | "TRACK") {
            return Err(refused(format!("method {}", self.method)));
        }
        if self.body.len() > limits.request_bytes_max {
            return Err(refused(format!(
                "the body is larger than {} bytes",
                limits.request_bytes_max
            )));
        }
        let header_bytes: usize = self
            .headers
            .iter()
            .map(|(name, value)| name.as_str().len() + value.len())
            .sum();
        if header_bytes > HEADER_BYTES_MAX {
            return Err(refused(format!(
                "the headers are larger than {HEADER_BYTES_MAX} bytes"
            )));
        }
        Ok(())
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("target", &self.target)
            .field("headers", &self.headers.keys().collect::<Vec<_>>())
            .field("body_bytes", &self.body.len())
            .finish()
    }
}

/// True for a header that must not follow a redirect to another origin.
pub(crate) fn is_secret(name: &HeaderName, value: &HeaderValue) -> bool {
    value.is_sensitive() || *name == header::AUTHORIZATION || *name == header::COOKIE
}

fn check_name(name: &HeaderName) -> Result<(), Failure> {
    let text = name.as_str();
    if REFUSED.contains(&text) || text.starts_with("proxy-") {
        return Err(refused(format!(
            "header `{text}` is not the caller's to send"
        )));
    }
    Ok(())
}

fn refused(reason: impl Into<String>) -> Failure {
    Failure::Request {
        reason: reason.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> Request {
        Request::get("http://example.com/p?q=hunter2").unwrap()
    }

    #[test]
    fn connection_and_framing_headers_are_refused_in_any_case() {
        let names = "connection content-length expect host http2-settings keep-alive te trailer \
                     transfer-encoding upgrade x-http-method x-http-method-override x-method-override \
                     proxy-authorization proxy-connection proxy-anything";
        assert_eq!(names.split_whitespace().count(), REFUSED.len() + 3);
        for name in names.split_whitespace() {
            for name in [name.to_owned(), name.to_ascii_uppercase()] {
                let error = request().header(&name, "1").unwrap_err();
                assert_eq!(error.code(), "EGRESS_REQUEST_REFUSED", "{name}");
                assert!(!error.sent());
            }
        }
        for name in [
            "accept",
            "authorization",
            "content-type",
            "x-proxy",
            "range",
            "cookie",
        ] {
            assert!(request().header(name, "1").is_ok(), "{name}");
        }
    }

    #[test]
    fn line_breaks_do_not_pass() {
        for (name, value) in [
            ("x-a", "1\r\nhost: evil"),
            ("x-a", "1\nx: y"),
            ("x-a", "1\r"),
            ("x-a", "\u{0}"),
            ("x-a\r\nx-b", "1"),
            ("x a", "1"),
            ("x-a:", "1"),
            ("", "1"),
        ] {
            assert!(
                request().header(name, value).is_err(),
                "{name:?}: {value:?}"
            );
        }
    }

    #[test]
    fn sizes_and_methods() {
        let limits = Limits {
            request_bytes_max: 4,
            ..Limits::default()
        };
        assert!(request().body("1234").check(&limits).is_ok());
        assert!(request().body("12345").check(&limits).is_err());
        assert!(
            request()
                .header("x", &"v".repeat(HEADER_BYTES_MAX))
                .unwrap()
                .check(&limits)
                .is_err()
        );
        for method in ["CONNECT", "TRACE", "TRACK"] {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            assert!(
                Request::new(method, request().target)
                    .check(&limits)
                    .is_err()
            );
        }
    }

    #[test]
    fn debug_hides_values() {
        let request = request()
            .secret_header("x-key", "hunter2")
            .unwrap()
            .header("x-plain", "hunter2")
            .unwrap()
            .body("hunter2");
        let text = format!("{request:?}");
        assert!(
            text.contains("x-plain") && !text.contains("hunter2"),
            "{text}"
        );
    }
}
