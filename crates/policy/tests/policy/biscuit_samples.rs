//! Biscuit's own samples through our verifier. All of them are foreign: they name no key id, and say
//! nothing that is a capability of ours. None may be accepted, and none may cause a panic.

use std::collections::BTreeMap;

use biscuit_auth::{Algorithm, KeyPair, PrivateKey, UnverifiedBiscuit};
use policy::capability::{Executor, Expected, PublicKey, Signer, TokenError, verify};
use vocab::Digest;

use crate::fixtures::{NOW, id, org, run, shared};

const EXPECTED: Expected<'static> = Expected {
    org: vocab::Id::from_uuid(uuid::Uuid::from_u128(1)),
    run: vocab::Id::from_uuid(uuid::Uuid::from_u128(2)),
    executor: Executor::Broker,
    tool: "file.read",
    intent: Digest::ZERO,
};

/// The samples, and the root key's bytes. Where they aren't at hand, tokens of the same library
/// made here stand for them.
fn samples() -> (BTreeMap<String, String>, [u8; 32]) {
    let folder = shared("biscuit");
    if !folder.exists() {
        return made_here();
    }
    let index = std::fs::read_to_string(folder.join("samples.json")).unwrap();
    let index: serde_json::Value = serde_json::from_str(&index).unwrap();
    let root = hex::decode(index["root_private_key"].as_str().unwrap()).unwrap();
    let mut tokens = BTreeMap::new();
    for case in index["testcases"].as_array().unwrap() {
        let name = case["filename"].as_str().unwrap();
        let bytes = std::fs::read(folder.join(name)).unwrap();
        tokens.insert(name.to_owned(), base64_url(&bytes));
    }
    assert!(tokens.len() >= 28, "{}", tokens.len());
    (tokens, root.try_into().unwrap())
}

fn made_here() -> (BTreeMap<String, String>, [u8; 32]) {
    let root = KeyPair::from(&PrivateKey::from_bytes(&[7; 32], Algorithm::Ed25519).unwrap());
    let codes = [
        "right(\"file1\", \"read\");",
        "check if false;",
        "a(1); b($x) <- a($x);",
    ];
    let made = codes.iter().map(|code| {
        let token = biscuit_auth::Biscuit::builder()
            .code(code)
            .unwrap()
            .build(&root)
            .unwrap();
        ((*code).to_owned(), token.to_base64().unwrap())
    });
    (made.collect(), [7; 32])
}

#[test]
fn no_sample_is_a_capability_under_our_keys_or_theirs() {
    let (tokens, root) = samples();
    let theirs = Signer::from_bytes(&root).unwrap().public();
    let ours = Signer::from_bytes(&[1; 32]).unwrap().public();
    assert_eq!((EXPECTED.org, EXPECTED.run), (org(), run()));
    for (name, token) in &tokens {
        for keys in [&[] as &[PublicKey], &[ours], &[theirs], &[ours, theirs]] {
            let refused = verify(keys, token, &EXPECTED, NOW).unwrap_err();
            let early = matches!(
                refused,
                TokenError::Malformed | TokenError::ExtraBlocks | TokenError::UnknownKey
            );
            assert!(early, "{name}: {refused}");
        }
    }
}

/// The samples name no key id, so they fail before their signature is looked at. With the id put in
/// front, they fail later, and still all of them.
#[test]
fn no_sample_is_a_capability_even_if_it_names_an_accepted_key() {
    let (tokens, root) = samples();
    let theirs = Signer::from_bytes(&root).unwrap().public();
    let mut reasons = BTreeMap::new();
    for (name, token) in &tokens {
        let mut bytes = unbase64_url(token);
        bytes.extend(root_key_id_field(theirs.id()));
        let named = base64_url(&bytes);
        if let Ok(parsed) = UnverifiedBiscuit::from_base64(&named) {
            assert_eq!(parsed.root_key_id(), Some(theirs.id()), "{name}");
        }
        let refused = verify(&[theirs], &named, &EXPECTED, NOW).unwrap_err();
        *reasons.entry(refused.to_string()).or_insert(0) += 1;
    }
    println!("{reasons:?}");
    assert!(
        reasons.contains_key(&TokenError::NotACapability.to_string()),
        "{reasons:?}"
    );
}

/// The positive twin: our own token with the field appended once more is still good.
#[test]
fn our_own_token_passes_the_same_treatment() {
    let signer = Signer::from_bytes(&[1; 32]).unwrap();
    let claims = policy::capability::Claims {
        token_id: id(7),
        org: EXPECTED.org,
        run: EXPECTED.run,
        executor: EXPECTED.executor,
        tool: EXPECTED.tool.to_owned(),
        intent: EXPECTED.intent,
        expires_at: NOW.plus(std::time::Duration::from_secs(1)),
    };
    let mut bytes = unbase64_url(&policy::capability::mint(&signer, &claims).unwrap());
    bytes.extend(root_key_id_field(signer.public().id()));
    assert!(verify(&[signer.public()], &base64_url(&bytes), &EXPECTED, NOW).is_ok());
}

/// Field 1 of the message `Biscuit`, a varint.
fn root_key_id_field(id: u32) -> Vec<u8> {
    let mut bytes = vec![0x08];
    let mut rest = id;
    while rest >= 0x80 {
        bytes.push((rest & 0x7f) as u8 | 0x80);
        rest >>= 7;
    }
    bytes.push(rest as u8);
    bytes
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

fn base64_url(bytes: &[u8]) -> String {
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or(0));
        let group = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4 {
            let digit = ALPHABET[(group >> (18 - 6 * place)) as usize & 63];
            out.push(if place <= chunk.len() {
                digit as char
            } else {
                '='
            });
        }
    }
    out
}

fn unbase64_url(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let (mut group, mut bits) = (0_u32, 0);
    for digit in text.bytes().filter(|digit| *digit != b'=') {
        let value = ALPHABET.iter().position(|each| *each == digit).unwrap();
        group = group << 6 | u32::try_from(value).unwrap();
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.push((group >> bits & 0xff) as u8);
        }
    }
    out
}
