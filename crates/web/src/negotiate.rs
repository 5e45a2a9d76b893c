//! What a client takes: which encodings, and whether pages.

use http::header::{ACCEPT, ACCEPT_ENCODING, HeaderName};
use http::{HeaderMap, HeaderValue};

use crate::app::File;

/// The smallest form of a file that the client takes, and its name unless it is the plain one.
pub(crate) fn smallest(
    file: &'static File,
    headers: &HeaderMap,
) -> (Option<&'static str>, &'static [u8]) {
    for (name, bytes) in [("br", file.brotli), ("gzip", file.gzip)] {
        if let Some(bytes) = bytes
            && takes(headers, &ACCEPT_ENCODING, name)
        {
            return (Some(name), bytes);
        }
    }
    (None, file.plain)
}

/// Whether the client says that it shows pages. Browsers do when somebody goes to an address.
pub(crate) fn takes_html(headers: &HeaderMap) -> bool {
    takes(headers, &ACCEPT, "text/html")
}

/// Whether a header lists a value, and not with the quality 0.
fn takes(headers: &HeaderMap, header: &HeaderName, wanted: &str) -> bool {
    let lists = headers.get_all(header).iter();
    let mut items = lists
        .filter_map(|it: &HeaderValue| it.to_str().ok())
        .flat_map(|list| list.split(','));
    items.any(|item| {
        let mut parts = item.split(';').map(str::trim);
        let named = parts
            .next()
            .is_some_and(|it| it.eq_ignore_ascii_case(wanted));
        let refused = parts
            .filter_map(|it| it.strip_prefix("q="))
            .any(|quality| quality.parse() == Ok(0.0_f32));
        named && !refused
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    static FILE: File = File {
        path: "assets/a.js",
        plain: b"plain",
        gzip: Some(b"gzip"),
        brotli: Some(b"br"),
    };

    fn form(accept: &'static str) -> &'static [u8] {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(accept));
        smallest(&FILE, &headers).1
    }

    #[test]
    fn the_smallest_form_that_is_taken_is_sent() {
        assert_eq!(form("gzip, deflate, br"), b"br");
        assert_eq!(form("gzip;q=1.0, br;q=0"), b"gzip");
        assert_eq!(form("deflate, zstd"), b"plain");
        assert_eq!(smallest(&FILE, &HeaderMap::new()), (None, &b"plain"[..]));
    }
}
