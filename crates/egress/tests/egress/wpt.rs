//! The Web Platform Tests' URL cases: what their answer is an `http` URL, ours is the same target or a
//! refusal with a reason that is ours; what they refuse, we refuse.

use std::path::PathBuf;

use egress::{EgressError, Failure, Host, HttpTarget, UrlFault, parse_target};
use serde_json::Value;

/// The whole file where it is at hand, else the committed selection.
fn cases() -> Vec<Value> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let whole = root.join("../../../shared/testdata/url/urltestdata.json");
    let sample = root.join("tests/data/urltestdata-sample.json");
    let text = std::fs::read_to_string(whole)
        .or_else(|_| std::fs::read_to_string(sample))
        .unwrap();
    let cases: Vec<Value> = serde_json::from_str(&text).unwrap();
    cases.into_iter().filter(Value::is_object).collect()
}

fn text<'a>(case: &'a Value, member: &str) -> &'a str {
    case[member].as_str().unwrap_or_default()
}

/// `None` if the base is one that no redirect can have.
fn parse(case: &Value) -> Option<Result<HttpTarget, EgressError>> {
    match case["base"].as_str() {
        None => Some(parse_target(text(case, "input"))),
        Some(base) => Some(parse_target(base).ok()?.join(text(case, "input"))),
    }
}

/// The standard's host, with what we unwrap unwrapped and a trailing dot gone.
fn expected_host(case: &Value) -> String {
    let host = text(case, "hostname");
    let inner = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    match inner.map(|host| host.parse::<std::net::Ipv6Addr>().unwrap()) {
        Some(address) => match address.to_ipv4_mapped() {
            Some(address) => address.to_string(),
            None => Host::Address(address.into()).to_string(),
        },
        None => host.strip_suffix('.').unwrap_or(host).to_owned(),
    }
}

/// Whether refusing a valid URL is one of our own rules at work.
fn is_our_rule(case: &Value, failure: &Failure) -> bool {
    let input = text(case, "input");
    match failure {
        Failure::Url(UrlFault::UserInfo) => {
            !text(case, "username").is_empty() || !text(case, "password").is_empty()
        }
        Failure::Url(UrlFault::ControlCharacter) => {
            input.chars().any(char::is_control) || input.trim() != input
        }
        Failure::Url(UrlFault::Port) => text(case, "port") == "0",
        Failure::Url(UrlFault::Host) => {
            let host = expected_host(case);
            !host.split('.').all(|label| {
                !label.is_empty()
                    && label.len() < 64
                    && label
                        .bytes()
                        .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            })
        }
        // Not rules but the parser's own strictness: it checks Punycode where the standard is lax, and
        // takes no reference that begins with three slashes.
        Failure::Url(UrlFault::Syntax) => {
            expected_host(case).contains("xn--") || input.starts_with("///")
        }
        _ => false,
    }
}

#[test]
fn the_web_platform_tests_agree() {
    let (mut same, mut ours, mut refused, mut other) = (0, 0, 0, 0);
    for case in cases() {
        let Some(result) = parse(&case) else { continue };
        let web = matches!(text(&case, "protocol"), "http:" | "https:");
        match result {
            Ok(target) => {
                assert!(web && case["failure"] != true, "{case}");
                let port = text(&case, "port")
                    .parse()
                    .unwrap_or(target.scheme().default_port());
                let search = text(&case, "search");
                assert_eq!(target.host().to_string(), expected_host(&case), "{case}");
                assert_eq!(target.port(), port, "{case}");
                assert_eq!(target.path(), text(&case, "pathname"), "{case}");
                assert_eq!(
                    target.query().unwrap_or(""),
                    search.strip_prefix('?').unwrap_or(""),
                    "{case}"
                );
                assert_eq!(
                    parse_target(target.url()).unwrap(),
                    target,
                    "canonical is a fixed point"
                );
                let line = format!("{}?{}", target.path(), target.query().unwrap_or(""));
                assert!(
                    line.parse::<http::Uri>().is_ok(),
                    "fits into a request line: {line}"
                );
                same += 1;
            }
            Err(error) if web => {
                assert!(is_our_rule(&case, error.failure()), "{case}: {error}");
                ours += 1;
            }
            Err(_) if case["failure"] == true => refused += 1,
            Err(_) => other += 1,
        }
    }
    println!(
        "{same} the same, {ours} refused by our rules, {refused} refused alike, {other} other schemes"
    );
    assert!(same >= 40 && refused >= 40, "{same} {refused}");
}
