//! Capability tokens: good for exactly what was expected, refused for everything else.

use std::time::Duration;

use biscuit_auth::{Algorithm, Biscuit, BiscuitBuilder, BlockBuilder, KeyPair, PrivateKey};
use policy::capability::{
    Claims, Executor, Expected, PublicKey, Signer, TOKEN_BYTES_MAX, TokenError, Verified, mint,
    verify,
};
use proptest::prelude::*;
use vocab::{Digest, Random, Timestamp};

use crate::fixtures::{NOW, id, org, run};

fn signer(seed: u8) -> Signer {
    Signer::from_bytes(&[seed; 32]).unwrap()
}

fn claims() -> Claims {
    Claims {
        token_id: id(7),
        org: org(),
        run: run(),
        executor: Executor::Node(id(8)),
        tool: "file.read".to_owned(),
        intent: Digest::of(b"intent"),
        expires_at: NOW.plus(Duration::from_secs(60)),
    }
}

fn expected(claims: &Claims) -> Expected<'_> {
    Expected {
        org: claims.org,
        run: claims.run,
        executor: claims.executor,
        tool: &claims.tool,
        intent: claims.intent,
    }
}

fn check(token: &str, keys: &[PublicKey], now: Timestamp) -> Result<Verified, TokenError> {
    verify(keys, token, &expected(&claims()), now)
}

#[test]
fn a_token_is_good_for_what_it_was_minted_for() {
    let signer = signer(1);
    for executor in [Executor::Broker, Executor::Node(id(8))] {
        let claims = Claims {
            executor,
            ..claims()
        };
        let token = mint(&signer, &claims).unwrap();
        let verified = verify(&[signer.public()], &token, &expected(&claims), NOW).unwrap();
        assert_eq!(
            (verified.token_id, verified.expires_at),
            (claims.token_id, claims.expires_at)
        );
    }
}

#[test]
fn every_mismatch_is_its_own_error() {
    let signer = signer(1);
    let claims = claims();
    let token = mint(&signer, &claims).unwrap();
    let good = expected(&claims);
    for (wrong, error) in [
        (
            Expected {
                org: id(99),
                ..good
            },
            TokenError::WrongOrg,
        ),
        (
            Expected {
                run: id(99),
                ..good
            },
            TokenError::WrongRun,
        ),
        (
            Expected {
                executor: Executor::Broker,
                ..good
            },
            TokenError::WrongExecutor,
        ),
        (
            Expected {
                executor: Executor::Node(id(99)),
                ..good
            },
            TokenError::WrongExecutor,
        ),
        (
            Expected {
                tool: "file.write",
                ..good
            },
            TokenError::WrongTool,
        ),
        (Expected { tool: "", ..good }, TokenError::WrongTool),
        (
            Expected {
                intent: Digest::of(b"other"),
                ..good
            },
            TokenError::WrongIntent,
        ),
    ] {
        assert_eq!(verify(&[signer.public()], &token, &wrong, NOW), Err(error));
    }
    assert!(verify(&[signer.public()], &token, &good, NOW).is_ok());
}

#[test]
fn a_token_is_good_until_its_last_microsecond_and_not_at_its_expiry() {
    let signer = signer(1);
    for micros in [0, 1, 500_000, 999_999] {
        let expires_at = Timestamp::from_micros(NOW.as_micros() + micros);
        let token = mint(
            &signer,
            &Claims {
                expires_at,
                ..claims()
            },
        )
        .unwrap();
        let at = |offset: i64| {
            let now = Timestamp::from_micros(expires_at.as_micros() + offset);
            check(&token, &[signer.public()], now)
        };
        assert!(at(-1).is_ok(), "{micros}");
        assert_eq!(at(0), Err(TokenError::Expired), "{micros}");
        assert_eq!(at(1), Err(TokenError::Expired), "{micros}");
        assert_eq!(at(i64::MAX / 4), Err(TokenError::Expired), "{micros}");
    }
}

#[test]
fn only_an_accepted_key_counts_and_several_may_be_accepted() {
    let (old, new, foreign) = (signer(1), signer(2), signer(3));
    let by = |signer: &Signer| mint(signer, &claims()).unwrap();
    let keys = [old.public(), new.public()];
    assert!(check(&by(&old), &keys, NOW).is_ok());
    assert!(check(&by(&new), &keys, NOW).is_ok());
    assert_eq!(
        check(&by(&foreign), &keys, NOW),
        Err(TokenError::UnknownKey)
    );
    assert_eq!(
        check(&by(&old), &keys[1..], NOW),
        Err(TokenError::UnknownKey)
    );
    assert_eq!(check(&by(&old), &[], NOW), Err(TokenError::UnknownKey));
}

/// A token that the key of `root` signs but names another's id, or none, in its header.
fn signed_as(root: &KeyPair, key_id: Option<u32>, code: &str) -> String {
    let builder = BiscuitBuilder::new().code(code).unwrap();
    let builder = key_id
        .into_iter()
        .fold(builder, BiscuitBuilder::root_key_id);
    builder.build(root).unwrap().to_base64().unwrap()
}

fn key_pair(seed: u8) -> KeyPair {
    KeyPair::from(&PrivateKey::from_bytes(&[seed; 32], Algorithm::Ed25519).unwrap())
}

#[test]
fn a_foreign_signature_under_our_key_id_is_refused() {
    let (ours, code) = (signer(1).public(), code(1, ""));
    let forged = |seed, id| check(&signed_as(&key_pair(seed), id, &code), &[ours], NOW);
    assert_eq!(forged(9, Some(ours.id())), Err(TokenError::Signature));
    assert_eq!(forged(9, None), Err(TokenError::UnknownKey));
    assert_eq!(forged(1, None), Err(TokenError::UnknownKey));
    assert_eq!(forged(1, Some(ours.id() ^ 1)), Err(TokenError::UnknownKey));
    assert!(forged(1, Some(ours.id())).is_ok());
}

/// The block of a token in Biscuit's language, with a version and something more.
fn code(version: u8, more: &str) -> String {
    let c = claims();
    format!(
        r#"chancery_capability({version}, "{}", "{}", "{}", "{}", "{}", hex:{}, {}); {more}"#,
        c.token_id,
        c.org,
        c.run,
        c.executor,
        c.tool,
        c.intent.hex(),
        c.expires_at.as_micros()
    )
}

#[test]
fn what_our_key_signed_but_is_no_capability_is_refused() {
    let ours = signer(1).public();
    let by_us = |code: &str| {
        check(
            &signed_as(&key_pair(1), Some(ours.id()), code),
            &[ours],
            NOW,
        )
    };
    assert!(by_us(&code(1, "")).is_ok());
    assert_eq!(by_us("something(1);"), Err(TokenError::NotACapability));
    assert_eq!(by_us(&code(2, "")), Err(TokenError::NotACapability));
    let two = code(1, "") + &code(1, "").replace("file.read", "file.write");
    assert_eq!(by_us(&two), Err(TokenError::NotACapability));
    assert_eq!(by_us(&code(1, "check if false;")), Err(TokenError::Refused));
    assert_eq!(
        by_us(&code(1, "check if now_us($n), $n > 9;")).map(|_| ()),
        Ok(())
    );
    let many = "n(0); n(1); n(2); p($a, $b, $c) <- n($a), n($b), n($c);";
    assert_eq!(by_us(&code(1, many)), Err(TokenError::NotACapability));
    assert!(by_us(&code(1, "n(0); n(1); p($a, $b) <- n($a), n($b);")).is_ok());
}

#[test]
fn an_attenuated_token_is_refused_whole() {
    let signer = signer(1);
    let token = mint(&signer, &claims()).unwrap();
    let keys = [signer.public()];
    let plain = Biscuit::from_base64(&token, |_| Ok(key_pair(1).public())).unwrap();
    for code in ["check if true;", "chancery_capability(1);", ""] {
        let block = BlockBuilder::new().code(code).unwrap();
        let more = plain.append(block).unwrap().to_base64().unwrap();
        assert_eq!(
            check(&more, &keys, NOW),
            Err(TokenError::ExtraBlocks),
            "{code}"
        );
    }
    let third = key_pair(5);
    let block = BlockBuilder::new().code("check if true;").unwrap();
    let signed = plain
        .third_party_request()
        .unwrap()
        .create_block(&third.private(), block)
        .unwrap();
    let more = plain
        .append_third_party(third.public(), signed)
        .unwrap()
        .to_base64()
        .unwrap();
    assert_eq!(check(&more, &keys, NOW), Err(TokenError::ExtraBlocks));
    // Sealing adds nothing and takes nothing: the same id, spendable once all the same.
    let sealed = plain.seal().unwrap().to_base64().unwrap();
    assert_eq!(check(&sealed, &keys, NOW), check(&token, &keys, NOW));
    assert!(check(&token, &keys, NOW).is_ok());
}

#[test]
fn size_is_bounded_on_both_sides() {
    let signer = signer(1);
    let keys = [signer.public()];
    assert_eq!(
        check(&"A".repeat(TOKEN_BYTES_MAX + 1), &keys, NOW),
        Err(TokenError::TooLarge)
    );
    assert_eq!(
        check(&"A".repeat(TOKEN_BYTES_MAX), &keys, NOW),
        Err(TokenError::Malformed)
    );
    assert!(
        mint(
            &signer,
            &Claims {
                tool: "t".repeat(TOKEN_BYTES_MAX),
                ..claims()
            }
        )
        .is_err()
    );
    let tool = "t".repeat(128);
    let token = mint(
        &signer,
        &Claims {
            tool: tool.clone(),
            ..claims()
        },
    )
    .unwrap();
    let wanted = Expected {
        tool: &tool,
        ..expected(&claims())
    };
    assert!(verify(&keys, &token, &wanted, NOW).is_ok());
}

#[test]
fn a_tool_whose_name_is_datalog_stays_a_name() {
    let signer = signer(1);
    let tool = "x\"); chancery_capability(1".to_owned();
    let claims = Claims { tool, ..claims() };
    let token = mint(&signer, &claims).unwrap();
    assert!(verify(&[signer.public()], &token, &expected(&claims), NOW).is_ok());
    assert_eq!(
        check(&token, &[signer.public()], NOW),
        Err(TokenError::WrongTool)
    );
}

#[test]
fn keys_read_back_and_stay_secret() {
    let signer = Signer::generate(&Random::seeded(1)).unwrap();
    let bytes: [u8; 32] = signer.to_bytes().as_slice().try_into().unwrap();
    assert_eq!(
        Signer::from_bytes(&bytes).unwrap().public(),
        signer.public()
    );
    let text = signer.public().to_string();
    assert_eq!(text.parse(), Ok(signer.public()));
    assert!(format!("{signer:?}").contains(&text));
    assert!(!format!("{signer:?}").contains(&format!("{:02x}{:02x}", bytes[0], bytes[1])));
    for bad in [
        "",
        "ed25519/",
        "ed25519/00",
        &text.to_uppercase(),
        &text[8..],
    ] {
        assert!(bad.parse::<PublicKey>().is_err(), "{bad}");
    }
    for text in ["broker", &Executor::Node(id(8)).to_string()] {
        assert_eq!(text.parse::<Executor>().unwrap().to_string(), text);
    }
    assert!("Broker".parse::<Executor>().is_err() && "run_1".parse::<Executor>().is_err());
}

/// Tokens live for minutes, but server and node may be of different versions.
#[test]
fn the_format_has_a_vector() {
    let token = mint(&signer(1), &claims()).unwrap();
    assert_eq!(token, include_str!("../data/capability-v1.txt").trim_end());
    assert_eq!(signer(1).public().id(), VECTOR_KEY_ID);
}
const VECTOR_KEY_ID: u32 = 0x3475_0f98;

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..Default::default() })]

    /// Changing any one character never gives a token for anything else, and never a panic.
    #[test]
    fn a_changed_token_is_refused_or_the_same(at in 0_usize..2000, to in "[A-Za-z0-9_=-]") {
        let signer = signer(1);
        let token = mint(&signer, &claims()).unwrap();
        let at = at % token.len();
        let changed = format!("{}{to}{}", &token[..at], &token[at + 1..]);
        if let Ok(verified) = check(&changed, &[signer.public()], NOW) {
            prop_assert_eq!(verified.token_id, claims().token_id);
        }
        // All that may be cut off is the padding.
        let cut = check(&token[..at], &[signer.public()], NOW);
        prop_assert!(cut.is_err() || token[at..].bytes().all(|byte| byte == b'='));
    }

    #[test]
    fn no_text_makes_it_panic(text in ".{0,200}") {
        prop_assert!(check(&text, &[signer(1).public()], NOW).is_err());
    }
}
