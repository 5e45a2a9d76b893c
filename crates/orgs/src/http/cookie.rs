//! The refresh token's cookie.
//!
//! Scripts can't read it (`HttpOnly`), other sites can't make the browser send it
//! (`SameSite=Strict`), and under HTTPS no other host can set it (`__Host-`, which requires
//! `Path=/`). Under plain HTTP that prefix is not allowed; there the path is as narrow as can be.

use std::fmt::Write as _;

use http::{HeaderMap, HeaderValue, header};
use vocab::limits::REFRESH_TOKEN_TTL;
use vocab::{ExposeSecret as _, SecretString};

use crate::OrgsConfig;

const SECURE: &str = "__Host-chancery_refresh";
const PLAIN: &str = "chancery_refresh";

fn name(config: &OrgsConfig) -> &'static str {
    if config.https { SECURE } else { PLAIN }
}

fn written(config: &OrgsConfig, value: &str, seconds: u64) -> Option<HeaderValue> {
    let mut cookie = format!(
        "{}={value}; HttpOnly; SameSite=Strict; Max-Age={seconds}",
        name(config)
    );
    let rest = if config.https {
        "; Path=/; Secure"
    } else {
        "; Path=/v1/auth"
    };
    // Writing to a string can't fail.
    let _ = write!(cookie, "{rest}");
    let mut value = HeaderValue::from_str(&cookie).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// Hands the token to the browser.
pub(super) fn set(headers: &mut HeaderMap, config: &OrgsConfig, token: &SecretString) {
    let cookie = written(config, token.expose_secret(), REFRESH_TOKEN_TTL.as_secs());
    headers.extend(cookie.map(|value| (header::SET_COOKIE, value)));
}

/// Takes it back.
pub(super) fn clear(headers: &mut HeaderMap, config: &OrgsConfig) {
    headers.extend(written(config, "", 0).map(|value| (header::SET_COOKIE, value)));
}

/// The token that the browser sent, if a page of ours made it do so.
pub(super) fn read(headers: &HeaderMap, config: &OrgsConfig) -> Option<String> {
    let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    if site.is_some_and(|site| site != b"same-origin" && site != b"none") {
        return None;
    }
    let all = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok());
    all.flat_map(|value| value.split(';')).find_map(|cookie| {
        let (found, value) = cookie.trim().split_once('=')?;
        (found == name(config) && !value.is_empty()).then(|| value.to_owned())
    })
}
