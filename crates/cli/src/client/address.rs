//! URLs: the server's, and the paths and queries below it.

use std::fmt::Write as _;
use std::net::IpAddr;

use crate::failure::Failure;

/// The server's URL without a final slash.
///
/// # Errors
/// It is not the URL of a server.
pub fn base(text: &str) -> Result<String, Failure> {
    let wrong = || {
        Failure::usage(format!("`{text}` is not the URL of a server"))
            .fix("give one such as `http://127.0.0.1:7300`")
    };
    let url = reqwest::Url::parse(text.trim()).map_err(|_| wrong())?;
    let plain = url.username().is_empty() && url.query().is_none() && url.fragment().is_none();
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() || !plain {
        return Err(wrong());
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

fn host(url: &str) -> Option<String> {
    let url = reqwest::Url::parse(url).ok()?;
    Some(url.host_str()?.trim_matches(['[', ']']).to_owned())
}

/// Whether the server is on this machine.
pub fn is_loopback(url: &str) -> bool {
    let Some(host) = host(url) else { return false };
    host == "localhost"
        || host
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

/// Whether what is sent there can be read on the way.
pub fn is_exposed(url: &str) -> bool {
    url.starts_with("http:") && !is_loopback(url)
}

/// A segment of a path, or a value of a query: everything but letters, digits and `-._~` is
/// percent-encoded (RFC 3986).
pub fn segment(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'~' => out.push(byte.into()),
            // Alone, dots would be resolved away.
            b'.' if !matches!(text, "." | "..") => out.push('.'),
            _ => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}

/// A path with a query.
pub fn with_query(path: &str, query: &[(&str, &str)]) -> String {
    let mut out = path.to_owned();
    for (name, value) in query {
        out.push(if out.contains('?') { '&' } else { '?' });
        out.push_str(&segment(name));
        out.push('=');
        out.push_str(&segment(value));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_has_one_spelling() {
        assert_eq!(
            base(" HTTP://LocalHost:7300/ ").unwrap(),
            "http://localhost:7300"
        );
        assert_eq!(
            base("https://a.example/prefix/").unwrap(),
            "https://a.example/prefix"
        );
        for wrong in [
            "",
            "127.0.0.1:7300",
            "ftp://a",
            "http://u:p@a",
            "http://a?x",
            "unix:/x",
        ] {
            assert!(base(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn loopback_is_not_exposed() {
        for url in [
            "http://127.0.0.1:1",
            "http://[::1]:1",
            "http://localhost",
            "https://a.example",
        ] {
            assert!(!is_exposed(url), "{url}");
        }
        assert!(is_exposed("http://10.0.0.1") && is_exposed("http://localhost.example"));
    }

    #[test]
    fn what_people_type_stays_in_its_segment() {
        assert_eq!(segment("run_0-1"), "run_0-1");
        assert_eq!(segment("../x?y=ü"), "..%2Fx%3Fy%3D%C3%BC");
        assert_eq!(segment(".."), "%2E%2E");
        assert_eq!(
            with_query("/a", &[("b", "c d"), ("e", "&")]),
            "/a?b=c%20d&e=%26"
        );
    }
}
