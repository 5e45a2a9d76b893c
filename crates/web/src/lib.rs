//! The web app, embedded, and how browsers are answered with it.
//!
//! The app is a folder of files that Vite built from `web/`; `build.rs` puts them into this crate,
//! each as it is and compressed. [`answer`] is asked for whatever no route has: it gives a file of the
//! app, or, to a browser that goes to an address, the app's one page, which shows what is there.
//!
//! Invariants
//! - A file under `assets/` has its digest in its name, so it is kept for ever; everything else is
//!   asked for again each time.
//! - The policy that goes with the page lets nothing run, load or connect but what this origin
//!   serves, and no text become markup (`require-trusted-types-for`).
//! - What belongs to the API is never answered with a page, whatever its client accepts.
//!
//! Deliberately absent: compressing while answering, rendering on the server, and any file from disk.

mod app;
mod negotiate;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};

use crate::app::File;

/// What the page may do.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' blob:; font-src 'self'; connect-src 'self'; manifest-src 'self'; \
    form-action 'self'; base-uri 'none'; frame-ancestors 'none'; \
    require-trusted-types-for 'script'; trusted-types 'none'";

/// What the browser need not offer to it.
const PERMISSIONS: &str = "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), \
    hid=(), magnetometer=(), microphone=(), midi=(), payment=(), serial=(), usb=()";

/// Where programs look, and not people: an unknown path there is a problem and no page.
const NOT_PAGES: &[&str] = &[
    "v1", "gateway", "docs", "metrics", "livez", "readyz", "healthz", "assets",
];

/// Shown while there is no app in this build.
const NOTICE: &str = include_str!("notice.html");

/// Answers a request that no route has with a file or the page of the app; `None` if neither is
/// what is asked for.
#[must_use]
pub fn answer(method: &Method, uri: &Uri, headers: &HeaderMap) -> Option<Response> {
    if *method != Method::GET && *method != Method::HEAD {
        return None;
    }
    let path = uri.path().trim_start_matches('/');
    if let Some(file) = app::find(path).filter(|file| file.path != app::PAGE) {
        return Some(served(file, headers));
    }
    (negotiate::takes_html(headers) && !is_reserved(path)).then(|| page(headers))
}

/// Whether this build has the app in it.
#[must_use]
pub fn is_built() -> bool {
    app::find(app::PAGE).is_some()
}

fn is_reserved(path: &str) -> bool {
    let first = path.split('/').next().unwrap_or_default();
    NOT_PAGES.contains(&first)
}

fn page(headers: &HeaderMap) -> Response {
    let mut response = match app::find(app::PAGE) {
        Some(page) => served(page, headers),
        None => {
            let mut response = Response::new(Body::from(NOTICE));
            let html = HeaderValue::from_static("text/html; charset=utf-8");
            response.headers_mut().insert(header::CONTENT_TYPE, html);
            *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
            response
        }
    };
    let protect = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (HeaderName::from_static("permissions-policy"), PERMISSIONS),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    for (name, value) in protect {
        let value = HeaderValue::from_static(value);
        response.headers_mut().insert(name, value);
    }
    response
}

fn served(file: &'static File, headers: &HeaderMap) -> Response {
    let (encoding, bytes) = negotiate::smallest(file, headers);
    let mut response = Response::new(Body::from(Bytes::from_static(bytes)));
    let out = response.headers_mut();
    out.insert(header::CONTENT_TYPE, HeaderValue::from_static(file.kind()));
    let cache = match file.path.starts_with("assets/") {
        true => "public, max-age=31536000, immutable",
        false => "no-cache",
    };
    out.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    out.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if let Some(encoding) = encoding {
        out.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(method: Method, path: &str, accept: &'static str) -> Option<Response> {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
        answer(&method, &path.parse().unwrap(), &headers)
    }

    fn header(response: &Response, name: HeaderName) -> String {
        let value = response.headers().get(name).map(HeaderValue::to_str);
        value.unwrap().unwrap().to_owned()
    }

    const BROWSER: &str = "text/html,application/xhtml+xml,*/*;q=0.8";

    #[test]
    fn a_browser_that_goes_anywhere_gets_the_page() {
        for path in ["/", "/device?code=BCDF-GHJK", "/chats/ses_1", "/index.html"] {
            let response = asked(Method::GET, path, BROWSER).unwrap();
            assert_eq!(
                header(&response, header::CONTENT_TYPE),
                "text/html; charset=utf-8"
            );
            assert_eq!(header(&response, header::CACHE_CONTROL), "no-cache");
            let policy = header(&response, header::CONTENT_SECURITY_POLICY);
            assert!(!policy.contains("unsafe"), "{policy}");
            assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
        }
    }

    #[test]
    fn programs_get_no_page() {
        assert!(asked(Method::GET, "/chats", "application/json").is_none());
        assert!(asked(Method::GET, "/chats", "*/*").is_none());
        assert!(asked(Method::POST, "/chats", BROWSER).is_none());
        for path in [
            "/v1/nothing",
            "/gateway/x",
            "/assets/gone-0a1b.js",
            "/docs/x",
        ] {
            assert!(asked(Method::GET, path, BROWSER).is_none(), "{path}");
        }
    }

    static SAMPLES: [File; 2] = [sample("assets/index-0a1b2c.js"), sample("favicon.svg")];

    const fn sample(path: &'static str) -> File {
        File {
            path,
            plain: b"plain",
            gzip: None,
            brotli: Some(b"br"),
        }
    }

    #[test]
    fn a_file_is_kept_as_long_as_its_name_allows_and_sent_as_small_as_it_may_be() {
        let [asset, icon] = &SAMPLES;
        let mut headers = HeaderMap::new();
        headers.insert(
            header::ACCEPT_ENCODING,
            HeaderValue::from_static("gzip, br"),
        );
        let response = served(asset, &headers);
        assert!(header(&response, header::CACHE_CONTROL).contains("immutable"));
        assert_eq!(header(&response, header::CONTENT_ENCODING), "br");
        assert_eq!(header(&response, header::VARY), "accept-encoding");
        let response = served(icon, &HeaderMap::new());
        assert_eq!(header(&response, header::CACHE_CONTROL), "no-cache");
        assert_eq!(header(&response, header::CONTENT_TYPE), "image/svg+xml");
        assert!(response.headers().get(header::CONTENT_ENCODING).is_none());
    }

    #[test]
    #[cfg_attr(
        not(app_is_built),
        ignore = "the web app is not built: `npm run build` in `web/`"
    )]
    fn every_file_of_the_app_is_served_as_what_it_is() {
        assert!(is_built());
        for file in app::all().iter().filter(|file| file.path != app::PAGE) {
            let path = format!("/{}", file.path);
            let response = asked(Method::GET, &path, "*/*").unwrap();
            let kept = header(&response, header::CACHE_CONTROL).contains("immutable");
            assert_eq!(kept, file.path.starts_with("assets/"), "{path}");
            let kind = header(&response, header::CONTENT_TYPE);
            assert_ne!(kind, "application/octet-stream", "{path}");
        }
    }

    #[test]
    fn the_page_is_there_exactly_if_the_app_was_built() {
        let status = asked(Method::GET, "/", BROWSER).unwrap().status();
        let expected = match is_built() {
            true => StatusCode::OK,
            false => StatusCode::SERVICE_UNAVAILABLE,
        };
        assert_eq!(status, expected);
    }
}
