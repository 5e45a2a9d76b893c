use proptest::prelude::*;
use serde_json::Value;
use vocab::{Clock, OrgId, Random, SecretId};

use super::*;

/// The published vectors if they are at hand, else the sample beside this crate.
fn vectors(name: &str) -> Value {
    let here = env!("CARGO_MANIFEST_DIR");
    let all = format!("{here}/../../../shared/testdata/wycheproof/{name}");
    let sample = format!("{here}/testdata/wycheproof/{name}");
    let text = std::fs::read_to_string(all)
        .or_else(|_| std::fs::read_to_string(sample))
        .unwrap();
    serde_json::from_str(&text).unwrap()
}

fn bytes(test: &Value, member: &str) -> Vec<u8> {
    hex::decode(test[member].as_str().unwrap()).unwrap()
}

fn cases(file: &Value) -> impl Iterator<Item = (&Value, &Value, bool)> {
    file["testGroups"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|group| {
            let tests = group["tests"].as_array().unwrap().iter();
            tests.map(move |test| (group, test, test["result"] == "valid"))
        })
}

#[test]
fn aes_gcm_opens_what_wycheproof_calls_valid_and_nothing_else() {
    let file = vectors("aes_gcm_test.json");
    let (mut valid, mut refused) = (0, 0);
    for (group, test, is_valid) in cases(&file) {
        // Ours is AES-256 with nonces of 96 bits and tags of 128.
        if group["keySize"] != 256 || group["ivSize"] != 96 || group["tagSize"] != 128 {
            continue;
        }
        let key = AeadKey::new(&RawKey::from_slice(&bytes(test, "key")).unwrap()).unwrap();
        let mut sealed = vec![FORM];
        for part in ["iv", "ct", "tag"] {
            sealed.extend(bytes(test, part));
        }
        let opened = key.open(&BoundTo(bytes(test, "aad")), &sealed);
        if is_valid {
            assert_eq!(
                *opened.unwrap(),
                bytes(test, "msg"),
                "test {}",
                test["tcId"]
            );
            valid += 1;
        } else {
            assert_eq!(opened.unwrap_err(), Unopened, "test {}", test["tcId"]);
            refused += 1;
        }
    }
    assert!(
        valid >= 5 && refused >= 3,
        "{valid} valid, {refused} refused"
    );
    println!("AES-GCM: {valid} valid, {refused} refused");
}

#[test]
fn hmac_gives_wycheproofs_tags() {
    let file = vectors("hmac_sha256_test.json");
    let (mut valid, mut refused) = (0, 0);
    for (_, test, is_valid) in cases(&file) {
        let tag = bytes(test, "tag");
        let ours = hmac_sha256(&hmac_key(&bytes(test, "key")), &bytes(test, "msg"));
        assert_eq!(ours.starts_with(&tag), is_valid, "test {}", test["tcId"]);
        *(if is_valid { &mut valid } else { &mut refused }) += 1;
    }
    assert!(
        valid >= 5 && refused >= 3,
        "{valid} valid, {refused} refused"
    );
    println!("HMAC-SHA256: {valid} valid, {refused} refused");
}

#[test]
fn hkdf_gives_wycheproofs_keys() {
    let file = vectors("hkdf_sha256_test.json");
    let (mut valid, mut refused) = (0, 0);
    for (_, test, is_valid) in cases(&file) {
        let mut out = vec![0; usize::try_from(test["size"].as_u64().unwrap()).unwrap()];
        let (salt, ikm, info) = (bytes(test, "salt"), bytes(test, "ikm"), bytes(test, "info"));
        let done = hkdf_sha256(&salt, &ikm, &info, &mut out);
        if is_valid {
            assert_eq!(done, Ok(()), "test {}", test["tcId"]);
            assert_eq!(out, bytes(test, "okm"), "test {}", test["tcId"]);
            valid += 1;
        } else {
            assert_eq!(done, Err(Refused), "test {}", test["tcId"]);
            refused += 1;
        }
    }
    assert!(
        valid >= 5 && refused >= 1,
        "{valid} valid, {refused} refused"
    );
    println!("HKDF-SHA256: {valid} valid, {refused} refused");
}

#[test]
fn lists_of_fields_are_told_apart() {
    let one = BoundTo::new("a").field(b"bc").field(b"");
    let others = [
        BoundTo::new("a").field(b"b").field(b"c"),
        BoundTo::new("a").field(b"bc"),
        BoundTo::new("ab").field(b"c").field(b""),
        BoundTo::new("a").field(b"").field(b"bc"),
    ];
    assert!(others.iter().all(|other| other.0 != one.0));
}

#[test]
fn derived_keys_differ_by_purpose_and_by_key() {
    let random = Random::seeded(1);
    let (one, other) = (RawKey::random(&random), RawKey::random(&random));
    let derived = [one.derive("a"), one.derive("b"), other.derive("a")].map(Result::unwrap);
    assert_ne!(derived[0].expose(), derived[1].expose());
    assert_ne!(derived[0].expose(), derived[2].expose());
    assert_eq!(derived[0].expose(), one.derive("a").unwrap().expose());
}

proptest! {
    #[test]
    fn what_is_sealed_opens_and_one_changed_bit_does_not(
        plain in prop::collection::vec(any::<u8>(), 0..300),
        at in any::<prop::sample::Index>(),
        bit in 0..8_u8,
    ) {
        let random = Random::seeded(2);
        let key = AeadKey::new(&RawKey::random(&random)).unwrap();
        let org = OrgId::generate(&Clock::system(), &random);
        let id = SecretId::generate(&Clock::system(), &random);
        let bound_to = || BoundTo::new("test").id(org).id(id).number(7);
        let mut sealed = key.seal(&bound_to(), &plain).unwrap();
        prop_assert_eq!(sealed.len(), plain.len() + OVERHEAD);
        prop_assert_eq!(&*key.open(&bound_to(), &sealed).unwrap(), &plain);
        let elsewhere = BoundTo::new("test").id(org).id(id).number(8);
        prop_assert_eq!(key.open(&elsewhere, &sealed), Err(Unopened));
        prop_assert_eq!(key.open(&bound_to(), &sealed[..sealed.len() - 1]), Err(Unopened));
        let index = at.index(sealed.len());
        sealed[index] ^= 1 << bit;
        prop_assert_eq!(key.open(&bound_to(), &sealed), Err(Unopened));
    }
}
