use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use proptest::prelude::*;
use serde_json::json;

use super::*;

fn masker(values: &[&str]) -> Masker {
    let mut masker = Masker::new();
    for (index, value) in values.iter().enumerate() {
        masker.add(&format!("s{index}"), &(*value).into()).unwrap();
    }
    masker
}

fn percent(value: &str, keep: fn(u8) -> bool, upper: bool) -> String {
    let each = value.bytes().map(|byte| match (keep(byte), upper) {
        (true, _) => char::from(byte).to_string(),
        (false, true) => format!("%{byte:02X}"),
        (false, false) => format!("%{byte:02x}"),
    });
    each.collect()
}

/// Every way in which a value is planted below, with text around it.
fn leaks(value: &str) -> Vec<String> {
    let json = serde_json::to_string(value).unwrap();
    let inner = json[1..json.len() - 1].to_owned();
    let twice = serde_json::to_string(&json).unwrap();
    let unicode: String = value
        .encode_utf16()
        .map(|unit| format!("\\u{unit:04x}"))
        .collect();
    let html = value
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;");
    let mut forms = vec![
        value.to_owned(),
        inner.replace('/', "\\/"),
        inner,
        twice,
        unicode,
        html,
        percent(
            value,
            |byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte),
            true,
        ),
        percent(
            value,
            |byte| byte.is_ascii_alphanumeric() || b"-._~/:?=&".contains(&byte),
            false,
        ),
        percent(value, |_| false, true),
        percent(
            value,
            |byte| byte.is_ascii_alphanumeric() || byte == b' ',
            true,
        )
        .replace(' ', "+"),
        hex::encode(value),
        hex::encode_upper(value),
        format!("{value:?}"),
    ];
    for before in ["", "u", "us", "usr:"] {
        for after in ["", "x", "xy"] {
            let text = format!("{before}{value}{after}");
            forms.push(STANDARD.encode(&text));
            forms.push(STANDARD_NO_PAD.encode(&text));
            forms.push(URL_SAFE.encode(&text));
            forms.push(URL_SAFE_NO_PAD.encode(&text));
            let wrapped: Vec<_> = STANDARD.encode(&text).bytes().collect();
            let lines: Vec<_> = wrapped.chunks(19).map(String::from_utf8_lossy).collect();
            forms.push(lines.join("\n"));
            forms.push(lines.join("\r\n"));
            forms.push(lines.join("\\n"));
        }
    }
    forms
}

#[test]
fn every_form_of_a_value_is_found() {
    let values = [
        "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
        "pass word/with:odd?chars&more=\"quoted\"'<>",
        "back\\slash\\\\twice",
        "ünïcödé-🔑-secret",
        "tab\tand\nnewline in one",
        "1234",
        "%41%42 already encoded+",
    ];
    for value in values {
        let masker = masker(&[value]);
        for leak in leaks(value) {
            let text = format!("before {leak} after");
            let masked = masker.mask(&text);
            assert!(
                masked.contains("[secret:s0]"),
                "{value:?} was not found in {text:?}"
            );
            assert!(!masked.contains(value), "{masked}");
            assert!(
                masked.starts_with("before ") && masked.ends_with(" after"),
                "{masked}"
            );
        }
    }
}

#[test]
fn what_holds_no_secret_is_left_alone() {
    let masker = masker(&["ghp_16C7e42F292c6912E7710c838347Ae178B4a", "hunter2hunter2"]);
    let innocent = [
        "",
        "hunter2",
        "ghp_16C7e42F292c6912E7710c838347Ae178B4",
        "%%%\\\\\\&&&+++",
        "\u{0}\u{1} 🔑",
        "68756e746572",
    ];
    for text in innocent {
        assert!(matches!(masker.mask(text), Cow::Borrowed(same) if same == text));
    }
    assert!(matches!(
        Masker::new().mask("hunter2hunter2"),
        Cow::Borrowed(_)
    ));
}

#[test]
fn the_longest_of_overlapping_values_wins_and_each_is_named() {
    let masker = masker(&["abcdef", "abcdefghij", "zzzz"]);
    assert_eq!(
        masker.mask("-abcdefghij-abcdef-zzzz"),
        "-[secret:s1]-[secret:s0]-[secret:s2]"
    );
    assert_eq!(masker.mask("zzzzzzzz"), "[secret:s2][secret:s2]");
}

#[test]
fn a_key_in_pem_is_found_line_by_line_and_its_frame_is_not() {
    let pem = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIHcHbQpzGKV9PBbB\nQ2hhbmNlcnkgdGVzdCBrZXkgbGluZSB0d28=\n-----END PRIVATE KEY-----\n";
    let masker = masker(&[pem]);
    assert_eq!(masker.mask(pem), "[secret:s0]");
    assert_eq!(
        masker.mask("x MC4CAQAwBQYDK2VwBCIEIHcHbQpzGKV9PBbB y"),
        "x [secret:s0] y"
    );
    assert_eq!(
        masker.mask("-----BEGIN PRIVATE KEY-----"),
        "-----BEGIN PRIVATE KEY-----"
    );
}

#[test]
fn json_is_masked_in_texts_names_and_numbers() {
    let masker = masker(&["hunter2hunter2", "90210441"]);
    let mut value = json!({
        "hunter2hunter2": [1, true, null, "Bearer hunter2hunter2", {"deep": "aHVudGVyMmh1bnRlcjI="}],
        "pin": 90_210_441,
    });
    masker.mask_json(&mut value);
    let expected = json!({
        "[secret:s0]": [1, true, null, "Bearer [secret:s0]", {"deep": "[secret:s0]I="}],
        "pin": "[secret:s1]",
    });
    assert_eq!(value.to_string().matches("[secret:").count(), 4);
    assert_eq!(value["pin"], expected["pin"]);
    assert!(!value.to_string().contains("hunter2"));
}

#[test]
fn it_is_bounded_and_prints_no_value() {
    let mut masker = Masker::new();
    let long = "x".repeat(BYTES_MAX);
    masker.add("long", &long.as_str().into()).unwrap();
    assert_eq!(masker.add("more", &"yyyy".into()), Err(MaskerFull));
    assert_eq!(format!("{masker:?}"), "Masker(1 values)");
    let mut short = Masker::new();
    short.add("short", &"abc".into()).unwrap();
    assert!(short.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_planted_leak_never_survives(
        value in "[ -~éß🔑\\\\\"/+&%\n]{8,40}",
        before in "[ -~]{0,20}",
        after in "[ -~]{0,20}",
        pick in any::<prop::sample::Index>(),
    ) {
        prop_assume!(value.trim().len() >= 4);
        let masker = masker(&[&value]);
        let leaks = leaks(&value);
        let leak = pick.get(&leaks);
        let masked = masker.mask(&format!("{before} {leak} {after}")).into_owned();
        prop_assert!(masked.contains("[secret:s0]"), "{:?} in {:?}", value, leak);
        prop_assert!(!masked.contains(&value));
    }

    #[test]
    fn text_without_the_value_is_not_touched(
        value in "[a-z]{12}[0-9]{12}",
        text in "[ -~\n]{0,400}",
    ) {
        // 24 characters that chance doesn't put into the text, in any form.
        let masker = masker(&[&value]);
        prop_assert_eq!(masker.mask(&text), text.as_str());
    }

    #[test]
    fn any_bytes_are_taken(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let masker = masker(&["%00\u{ff}secret", "\\\\\\\\", "++++ ++++"]);
        let _ = masker.mask_bytes(&bytes);
    }
}
