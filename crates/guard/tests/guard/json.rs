//! JSON: what is found is masked, and nothing else changes.

use guard::json::{counts, find_in, masked};
use guard::{Categories, Category};
use serde_json::{Value, json};

fn all() -> Categories {
    Category::ALL.into_iter().collect()
}

fn mask(text: &str) -> Option<String> {
    let (out, _) = masked(text.as_bytes(), &find_in(text.as_bytes()), all())?;
    let out = String::from_utf8(out).unwrap();
    serde_json::from_str::<Value>(&out).unwrap_or_else(|error| panic!("{out}: {error}"));
    Some(out)
}

#[test]
fn only_the_match_changes() {
    let before = "{\"model\" : \"m\",\r\n\t\"a\":[1.50, \"pay 4111 1111 1111 1111 now\", null ]}\n";
    let after =
        "{\"model\" : \"m\",\r\n\t\"a\":[1.50, \"pay [masked:payment_card] now\", null ]}\n";
    assert_eq!(mask(before).as_deref(), Some(after));
}

#[test]
fn nothing_found_is_nothing_made() {
    assert_eq!(
        mask(r#"{"a":"b\n\"c\"","n":12345678901234567890,"x":4111111111111112}"#),
        None
    );
}

#[test]
fn only_what_is_to_be_masked_is() {
    let text = r#"["ada@example.org","4111111111111111"]"#;
    let places = find_in(text.as_bytes());
    let cards = Categories::from_iter([Category::PaymentCard]);
    let (out, what) = masked(text.as_bytes(), &places, cards).unwrap();
    assert_eq!(out, br#"["ada@example.org","[masked:payment_card]"]"#);
    assert_eq!(
        what.iter().collect::<Vec<_>>(),
        [(Category::PaymentCard, 1)]
    );
    let both: Vec<_> = counts(&places).iter().collect();
    assert_eq!(both, [(Category::PaymentCard, 1), (Category::Email, 1)]);
}

#[test]
fn escapes_hide_nothing() {
    for (before, after) in [
        (
            r#"["\u0034111111111111111"]"#,
            r#"["[masked:payment_card]"]"#,
        ),
        (
            r#"["a\n4111111111111111\tb"]"#,
            r#"["a\n[masked:payment_card]\tb"]"#,
        ),
        (r#"["ada\u0040example.org"]"#, r#"["[masked:email]"]"#),
        (
            r#"["\ud83d\ude00 ada@example.org"]"#,
            r#"["\ud83d\ude00 [masked:email]"]"#,
        ),
        (r#"["😀 ada@example.org é"]"#, r#"["😀 [masked:email] é"]"#),
        (
            r#"["https:\/\/u:secret-1@h.org"]"#,
            r#"["https:\/\/u:[masked:secret]@h.org"]"#,
        ),
        // A key, a number, and the arguments of a call, which are JSON within a string.
        (r#"{"ada@example.org":1}"#, r#"{"[masked:email]":1}"#),
        (
            r#"{"card":4111111111111111}"#,
            r#"{"card":"[masked:payment_card]"}"#,
        ),
        (
            r#"{"arguments":"{\"card\":4111111111111111,\"to\":\"a@b.org\"}"}"#,
            r#"{"arguments":"{\"card\":\"[masked:payment_card]\",\"to\":\"[masked:email]\"}"}"#,
        ),
    ] {
        assert_eq!(mask(before).as_deref(), Some(after));
    }
}

#[test]
fn a_key_over_lines_is_masked_as_a_whole() {
    let key = format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
        "QUJD".repeat(40)
    );
    let before = json!({ "file": key, "next": 1 }).to_string();
    assert_eq!(
        mask(&before).unwrap(),
        r#"{"file":"[masked:secret]\n","next":1}"#
    );
}

#[test]
fn whatever_the_bytes_are_nothing_panics() {
    for bytes in [
        &b"\""[..],
        b"\"\\",
        b"\"\\u",
        b"\"\\u00",
        b"\"\\ud83d\\u",
        b"\"\\ud83d\\u00e9\"",
        b"\"\xff\xfe4111111111111111\"",
        b"\"\\\xc3\xa9 ada@example.org\"",
        b"4111111111111111",
        b"[4111111111111111e0]",
        b"\"a@b.org\\u00e9\"",
    ] {
        let places = find_in(bytes);
        let out = masked(bytes, &places, all());
        assert!(out.is_none_or(|(out, _)| out.len() <= bytes.len() + 64));
    }
}
