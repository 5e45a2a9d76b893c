//! Positive and negative cases of every category. Samples are put together here, so that no scanner of
//! repositories takes them for leaks; none has ever opened anything.

use std::time::Duration;

use guard::{Category, find};

const ALNUM: &str = "Zk3vQ9xW1mT7bN5cR2pL8dH4fJ6gS0aYuXeI";

/// `(text, what of it is found)`; every one of these is one find.
pub fn positive() -> Vec<(Category, String, String)> {
    let secret = |text: String| (Category::Secret, text.clone(), text);
    let of = |category, text: &str| (category, text.to_owned(), text.to_owned());
    let within = |category, text: &str, found: &str| (category, text.to_owned(), found.to_owned());
    let jwt = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkEifQ.SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c";
    let key = |kind: &str| {
        let line = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj\n";
        format!(
            "-----BEGIN {kind}-----\n{}-----END {kind}-----",
            line.repeat(12)
        )
    };
    let mut all = vec![
        secret(format!("AKIA{}", "IOSFODNN7EXAMPLE".replace('1', "A"))),
        secret(format!("ghp_{ALNUM}")),
        secret(format!("ghs_{ALNUM}")),
        secret(format!("github_pat_{}_{}", &ALNUM[..22], &ALNUM[1..33])),
        secret(format!("glpat-{}", &ALNUM[..20])),
        secret(format!("xoxb-{}-{}", "123456789012", &ALNUM[..24])),
        secret(format!("sk_live_{}", &ALNUM[..24])),
        secret(format!("rk_test_{}", &ALNUM[..24])),
        secret(format!("whsec_{}", &ALNUM[..32])),
        secret(format!("AIza{}", &ALNUM[..35])),
        secret(format!("ya29.{}", &ALNUM[..30])),
        secret(format!("sk-ant-api03-{ALNUM}-{ALNUM}")),
        secret(format!("sk-proj-{ALNUM}_{ALNUM}")),
        secret(format!("sk-{}T3BlbkFJ{}", &ALNUM[..20], &ALNUM[..20])),
        secret(format!("npm_{ALNUM}")),
        secret(format!("SG.{}.{}{}", &ALNUM[..22], ALNUM, &ALNUM[..7])),
        secret(format!("chk_{}{}", ALNUM, &ALNUM[..7])),
        secret(jwt.to_owned()),
        secret(key("PRIVATE KEY")),
        secret(key("RSA PRIVATE KEY")),
        secret(key("OPENSSH PRIVATE KEY")),
    ];
    let aws = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
    all.extend([
        within(
            Category::Secret,
            &format!("aws_secret_access_key = \"{aws}\""),
            aws,
        ),
        within(
            Category::Secret,
            "postgres://app:hunter-2@db.internal:5432/app",
            "hunter-2",
        ),
        within(
            Category::Secret,
            &format!("key: ghp_{ALNUM}."),
            &format!("ghp_{ALNUM}"),
        ),
    ]);
    for card in [
        "4111111111111111",
        "4111 1111 1111 1111",
        "4111-1111-1111-1111",
        "4012888888881881",
        "4222222222222",
        "5555555555554444",
        "5105 1051 0510 5100",
        "2223003122003222",
        "378282246310005",
        "3782 822463 10005",
        "6011111111111117",
        "3530111333300000",
        "30569309025904",
        "6200000000000005",
    ] {
        all.push(of(Category::PaymentCard, card));
    }
    for account in [
        "DE89370400440532013000",
        "DE89 3704 0044 0532 0130 00",
        "GB82 WEST 1234 5698 7654 32",
        "FR14 2004 1010 0505 0001 3M02 606",
        "NO93 8601 1117 947",
        "MT84MALT011000012345MTLCAST001S",
        "CH9300762011623852957",
    ] {
        all.push(of(Category::Iban, account));
    }
    for (category, text) in [
        (Category::UsSsn, "123-45-6789"),
        (Category::UsSsn, "899-99-9999"),
        (Category::Email, "ada.lovelace+notes@mail.example.co.uk"),
        (Category::Email, "o'brien@example.org"),
        (Category::Email, "x@y.io"),
        (Category::Phone, "+49 30 901820"),
        (Category::Phone, "+1 (415) 555-2671"),
        (Category::Phone, "+14155552671"),
        (Category::Phone, "(415) 555-2671"),
        (Category::Phone, "415-555-2671"),
        (Category::Phone, "415.555.2671"),
        (Category::IpAddress, "203.0.113.7"),
        (Category::IpAddress, "10.1.2.3"),
        (Category::IpAddress, "2001:db8:85a3::8a2e:370:7334"),
    ] {
        all.push(of(category, text));
    }
    all.extend([
        within(
            Category::PaymentCard,
            "card 4111 1111 1111 1111 12/29",
            "4111 1111 1111 1111",
        ),
        within(
            Category::PaymentCard,
            "4111 1111 1111 1111 123",
            "4111 1111 1111 1111",
        ),
        within(
            Category::PaymentCard,
            "12 4111111111111111",
            "4111111111111111",
        ),
        within(
            Category::Iban,
            "IBAN DE89 3704 0044 0532 0130 00 BIC COBADEFF",
            "DE89 3704 0044 0532 0130 00",
        ),
        within(Category::Email, "<ada@example.org>,", "ada@example.org"),
        within(
            Category::Email,
            "mailto:ada@example.org?x",
            "ada@example.org",
        ),
        within(Category::Email, "ada@example.org.", "ada@example.org"),
        within(Category::Phone, "tel:+442071838750;", "+442071838750"),
    ]);
    all
}

pub const NEGATIVE: &[&str] = &[
    // Wrong check digits, lengths and issuers.
    "4111111111111112",
    "4111 1111 1111 1112",
    "1234567812345670",
    "0000000000000000",
    "41111111111111111",
    "4111 11111111 1111",
    "DE89370400440532013001",
    "DE8937040044053201300",
    "XX89370400440532013000",
    "000-12-3456",
    "666-12-3456",
    "912-34-5678",
    "123-00-4567",
    "123-45-0000",
    // Parts of something longer.
    "id_4111111111111111",
    "4111111111111111a",
    "0.4111111111111111",
    "550e8400-e29b-41d4-a716-446655440000",
    "7f3c4111111111111111",
    "2026-11-21T19:13:31.123456+05:30",
    "2026-11-21 19:13:31 +0530",
    "1700000000000",
    "v1.2.3.4.5",
    "127.0.0.1",
    "0.0.0.0:8080",
    "1.2.3",
    "256.300.1.2",
    "std::collections::hash_map",
    "12:34:56",
    "::1",
    "a::b::c",
    // Looks like mail and is none.
    "icon@2x.png",
    "git@github.com:owner/name.git",
    "user@localhost",
    "npm i @scope/name",
    "lib@1.2.3",
    "@mention",
    "a@b",
    "getty@tty1.service",
    // Looks like a phone and is none.
    "+12",
    "1+2345678901",
    "115-555-2671",
    "415-155-2671",
    "2+2=4",
    "+0 123 456 789",
    "+1234567890123456789",
    // Looks like a credential and is none.
    "AKIA",
    "AKIAshort",
    "sk-learn",
    "sk-proj-short",
    "ghp_tooshort",
    "xoxb-",
    "eyJhbGciOiJub25lIn0",
    "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
    "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----",
    "https://example.org:8443/path@2",
    "postgres://app@db.internal/app",
    "The quick brown fox jumps over 13 lazy dogs on 2026-11-21.",
    "let x = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16];",
    "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "",
];

fn told(text: &str) -> Vec<(Category, &str)> {
    let found = find(text).into_iter();
    found.map(|it| (it.category, &text[it.range])).collect()
}

#[test]
fn what_should_be_found_is_found_alone_and_between_other_words() {
    for (category, text, found) in positive() {
        assert_eq!(told(&text), [(category, found.as_str())], "{text:?}");
        for (left, right) in [
            ("see ", " please"),
            ("\"", "\""),
            ("(é", "é)"),
            ("日本", "、"),
            ("=", "\n"),
        ] {
            let text = format!("{left}{text}{right}");
            assert_eq!(told(&text), [(category, found.as_str())], "{text:?}");
        }
    }
}

#[test]
fn what_should_not_be_found_is_not() {
    for text in NEGATIVE {
        assert_eq!(told(text), [], "{text:?}");
        let text = format!("see {text}, please");
        assert_eq!(told(&text), [], "{text:?}");
    }
}

#[test]
fn the_source_of_this_crate_has_no_false_alarm() {
    // Beside what its own tables say.
    for text in [
        include_str!("../../src/lib.rs"),
        include_str!("../../src/find.rs"),
        include_str!("../../src/flow.rs"),
        include_str!("../../src/json.rs"),
        include_str!("../../../../Cargo.toml"),
    ] {
        assert_eq!(told(text), []);
    }
}

#[test]
fn several_in_one_text_are_told_from_the_left() {
    let text =
        "ada@example.org paid 4111111111111111 from DE89370400440532013000, call +14155552671";
    let kinds: Vec<Category> = told(text).iter().map(|(category, _)| *category).collect();
    let wanted = [
        Category::Email,
        Category::PaymentCard,
        Category::Iban,
        Category::Phone,
    ];
    assert_eq!(kinds, wanted);
}

/// How long this thread has been on a processor: what else the machine does is no part of it.
fn on_cpu() -> Duration {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(told.split_whitespace().next().unwrap().parse().unwrap())
}

/// Texts that a careless pattern takes quadratic time for: eight times the length may take at most
/// about eight times as long.
#[test]
fn whatever_the_text_is_it_takes_linear_time() {
    let unit = [
        "a",
        "1",
        "1 ",
        "1-",
        "@",
        "a@",
        "@a.",
        "eyJ",
        "eyJaaaaaaaaaaaaaaaa-",
        "eyJaaaaaaaaaaaaaaa.",
        "-----BEGIN ",
        "-----BEGIN PRIVATE KEY-----",
        "://a",
        "://a:bbb",
        "a:",
        "AB12 ",
        "AB12CDEF",
        "+1",
        "+12345678",
        "(",
        "1.",
        "1.1.1.1.",
        "sk-ant-",
        "xai-a",
        "aws_secret_key=",
        "é",
        "日",
        "\\",
        "\"",
    ];
    for unit in unit {
        let time = |bytes: usize| {
            let text = unit.repeat(bytes / unit.len());
            (0..3)
                .map(|_| {
                    let begun = on_cpu();
                    std::hint::black_box(find(&text));
                    on_cpu().saturating_sub(begun)
                })
                .min()
                .unwrap()
        };
        let (small, large) = (time(10_000), time(80_000));
        let most = small.max(Duration::from_millis(2)) * 8 * 4;
        assert!(
            large < most,
            "{unit:?}: {small:?} for 10 KB, {large:?} for 80 KB"
        );
    }
}
