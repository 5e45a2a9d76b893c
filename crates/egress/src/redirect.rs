//! What follows a redirect, by the Fetch standard's "HTTP-redirect fetch".

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LOCATION, CONTENT_TYPE, LOCATION};
use http::{HeaderMap, Method, StatusCode};

use crate::error::Failure;
use crate::limits::Limits;
use crate::request::{Request, is_secret};
use crate::target::{HttpTarget, Scheme};

/// Headers that describe a body, dropped with it.
const BODY_HEADERS: [http::HeaderName; 4] = [
    CONTENT_ENCODING,
    CONTENT_LANGUAGE,
    CONTENT_LOCATION,
    CONTENT_TYPE,
];

/// Where a response points, or `None` if it is an answer. A redirect status without a `Location` is an
/// answer.
pub(crate) fn location(
    from: &HttpTarget,
    status: StatusCode,
    headers: &HeaderMap,
) -> Result<Option<HttpTarget>, Failure> {
    if !matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let mut locations = headers.get_all(LOCATION).iter();
    let Some(first) = locations.next() else {
        return Ok(None);
    };
    let invalid = |reason| Failure::BadResponse {
        origin: from.origin(),
        reason,
    };
    if locations.any(|other| other != first) {
        return Err(invalid("it names several redirect locations"));
    }
    let text = std::str::from_utf8(first.as_bytes())
        .map_err(|_| invalid("its redirect location is not UTF-8"))?;
    from.join(text)
        .map(Some)
        .map_err(|error| error.failure().clone())
}

/// Turns the request into the one for the next hop.
pub(crate) fn follow(
    request: &mut Request,
    status: StatusCode,
    to: HttpTarget,
    limits: &Limits,
) -> Result<(), Failure> {
    let from = &request.target;
    if from.scheme() == Scheme::Https && to.scheme() == Scheme::Http && !limits.downgrade_allowed {
        return Err(Failure::Downgrade {
            origin: to.origin(),
        });
    }
    if !from.same_origin(&to) {
        drop_secrets(&mut request.headers);
    }
    if becomes_get(&request.method, status) {
        request.method = Method::GET;
        request.body = Bytes::new();
        for name in &BODY_HEADERS {
            request.headers.remove(name);
        }
    }
    request.target = to;
    Ok(())
}

fn becomes_get(method: &Method, status: StatusCode) -> bool {
    match status.as_u16() {
        301 | 302 => *method == Method::POST,
        303 => *method != Method::GET && *method != Method::HEAD,
        _ => false,
    }
}

fn drop_secrets(headers: &mut HeaderMap) {
    let mut kept = HeaderMap::with_capacity(headers.len());
    for (name, value) in headers
        .iter()
        .filter(|(name, value)| !is_secret(name, value))
    {
        kept.append(name, value.clone());
    }
    *headers = kept;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse_target;

    fn follow_one(method: Method, status: u16, from: &str, to: &str) -> Result<Request, Failure> {
        let mut request = Request::new(method, parse_target(from).unwrap())
            .header("content-type", "text/plain")
            .and_then(|r| r.header("authorization", "a"))
            .and_then(|r| r.header("cookie", "a"))
            .and_then(|r| r.secret_header("x-key", "a"))
            .and_then(|r| r.header("accept", "a"))
            .unwrap()
            .body("body");
        let status = StatusCode::from_u16(status).unwrap();
        follow(
            &mut request,
            status,
            parse_target(to).unwrap(),
            &Limits::default(),
        )?;
        Ok(request)
    }

    #[test]
    fn methods_and_bodies_by_the_fetch_standard() {
        let here = "http://a.example/";
        for (method, status, becomes, keeps_body) in [
            (Method::POST, 301, Method::GET, false),
            (Method::POST, 302, Method::GET, false),
            (Method::POST, 303, Method::GET, false),
            (Method::POST, 307, Method::POST, true),
            (Method::POST, 308, Method::POST, true),
            (Method::PUT, 301, Method::PUT, true),
            (Method::PUT, 302, Method::PUT, true),
            (Method::PUT, 303, Method::GET, false),
            (Method::DELETE, 307, Method::DELETE, true),
            (Method::HEAD, 303, Method::HEAD, true),
            (Method::GET, 301, Method::GET, true),
        ] {
            let next = follow_one(method.clone(), status, here, here).unwrap();
            assert_eq!(next.method, becomes, "{method} {status}");
            assert_eq!(!next.body.is_empty(), keeps_body, "{method} {status}");
            assert_eq!(
                next.headers.contains_key(CONTENT_TYPE),
                keeps_body,
                "{method} {status}"
            );
        }
    }

    #[test]
    fn secrets_stay_with_their_origin() {
        let kept = |from, to| {
            let next = follow_one(Method::GET, 302, from, to).unwrap();
            assert!(next.headers.contains_key("accept"));
            ["authorization", "cookie", "x-key"].map(|name| next.headers.contains_key(name))
        };
        assert_eq!(
            kept("http://a.example/", "http://a.example:80/b"),
            [true; 3]
        );
        assert_eq!(kept("http://a.example/", "http://b.example/"), [false; 3]);
        assert_eq!(
            kept("http://a.example/", "http://a.example:81/"),
            [false; 3]
        );
        assert_eq!(kept("http://a.example/", "https://a.example/"), [false; 3]);
    }

    #[test]
    fn https_does_not_become_http() {
        let error = follow_one(Method::GET, 302, "https://a.example/", "http://a.example/");
        assert!(matches!(error, Err(Failure::Downgrade { .. })));
    }

    #[test]
    fn locations() {
        let from = parse_target("http://a.example/x/y?z").unwrap();
        let at = |status: u16, values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(
                    LOCATION,
                    http::HeaderValue::from_bytes(value.as_bytes()).unwrap(),
                );
            }
            location(&from, StatusCode::from_u16(status).unwrap(), &headers)
                .map(|to| to.map(|to| to.url().to_owned()))
        };
        assert_eq!(at(302, &["/b#f"]).unwrap().unwrap(), "http://a.example/b");
        assert_eq!(
            at(302, &["//127.1/b"]).unwrap().unwrap(),
            "http://127.0.0.1/b"
        );
        assert_eq!(at(302, &["?q"]).unwrap().unwrap(), "http://a.example/x/y?q");
        assert_eq!(
            at(302, &["/ü"]).unwrap().unwrap(),
            "http://a.example/%C3%BC"
        );
        assert_eq!(
            at(302, &["/b", "/b"]).unwrap().unwrap(),
            "http://a.example/b"
        );
        assert_eq!(at(302, &[]).unwrap(), None);
        assert_eq!(at(200, &["/b"]).unwrap(), None);
        assert_eq!(at(304, &["/b"]).unwrap(), None);
        assert!(at(302, &["/b", "/c"]).is_err());
        assert!(matches!(
            at(302, &["file:///etc/passwd"]),
            Err(Failure::Scheme { .. })
        ));
        assert!(matches!(
            at(302, &["http://u:p@b.example/"]),
            Err(Failure::Url(_))
        ));
    }
}
