use vocab::{Clock, Id, Random};

use super::*;

fn id<K: vocab::ids::IdKind>() -> Id<K> {
    Id::generate(&Clock::system(), &Random::system())
}

fn parts(count: u32) -> Parts {
    let message = |position: u32| KeptMessage {
        id: id(),
        position,
        branch: 0,
        parent: Some(position - 1),
        user: Some(id()),
        agent: None,
        run: None,
        reply_to: None,
        mentions: Vec::new(),
        attachments: Vec::new(),
        read_private: Some(true),
        read_untrusted: None,
        account: None,
        citations: vec![runs::Citation {
            url: Some(format!("https://example.com/{position}")),
            title: String::new(),
            span: Some((0, position)),
        }],
        cited: None,
        digest: Digest::of(&position.to_be_bytes()),
        text: format!("message {position} — “quoted”\n# no heading"),
        failed: false,
        at_us: i64::from(position),
    };
    Parts {
        messages: (1..=count).map(message).collect(),
        members: vec![KeptMember {
            user: id(),
            at_us: 1,
        }],
        summaries: vec![KeptSummary {
            run: id(),
            branch: 0,
            from: 1,
            upto: count,
            previous: Some(id()),
            state: "ready".into(),
            digest: Some(Digest::of(b"short")),
            text: "In short: nothing.\n".into(),
            model: Some("fake/one".into()),
            usd_micros: Some(7),
            input_tokens: None,
            output_tokens: None,
            read_private: true,
            read_untrusted: false,
            at_us: 3,
            ended_at_us: Some(4),
        }],
        ..Parts::default()
    }
}

fn manifest() -> Manifest {
    Manifest {
        format: FORMAT,
        org: id(),
        session: id(),
        made_at_us: 7,
        first_seq: Some(1),
        last_seq: Some(9),
        parts: Vec::new(),
    }
}

#[test]
fn what_is_packed_is_unpacked() {
    let parts = parts(100);
    let (manifest, whole) = pack(manifest(), &parts).unwrap();
    assert_eq!(manifest.parts[0].rows, 100);
    assert!(manifest.parts[0].compressed_bytes < manifest.parts[0].bytes);
    let owner = (manifest.org, manifest.session);
    assert_eq!(unpack(owner, &whole).unwrap(), (manifest, parts));
}

#[test]
fn every_changed_byte_of_a_part_and_every_cut_is_found() {
    let (manifest, whole) = pack(manifest(), &parts(5)).unwrap();
    let owner = (manifest.org, manifest.session);
    let expected = unpack(owner, &whole).unwrap();
    for at in 0..whole.len() {
        assert!(unpack(owner, &whole[..at]).is_err(), "cut at {at}");
        let mut changed = whole.clone();
        changed[at] ^= 1;
        // A digit of the manifest's own facts may change unnoticed here: the seal is what guards it.
        if let Ok((_, parts)) = unpack(owner, &changed) {
            assert_eq!(parts, expected.1, "changed at {at}");
        }
    }
    let mut longer = whole;
    longer.push(0);
    assert!(unpack(owner, &longer).is_err());
}

#[test]
fn an_archive_of_another_session_or_version_is_refused() {
    let (manifest, whole) = pack(manifest(), &parts(1)).unwrap();
    assert!(unpack((manifest.org, id()), &whole).is_err());
    assert!(unpack((id(), manifest.session), &whole).is_err());
    let later = Manifest {
        format: FORMAT + 1,
        parts: Vec::new(),
        ..manifest.clone()
    };
    let (_, whole) = pack(later, &Parts::default()).unwrap();
    assert!(unpack((manifest.org, manifest.session), &whole).is_err());
}

#[test]
fn a_part_that_would_grow_beyond_its_size_is_no_bomb() {
    let (manifest, whole) = pack(manifest(), &parts(1)).unwrap();
    let owner = (manifest.org, manifest.session);
    let text = String::from_utf8_lossy(&whole).into_owned();
    assert!(text.contains("chancery-archive"));
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&vec![b'\n'; 1_000_000]).unwrap();
    let bomb = encoder.finish().unwrap();
    let part = Part {
        name: "messages".into(),
        rows: 0,
        bytes: 10,
        compressed_bytes: bomb.len() as u64,
        sha256: Digest::of(b""),
    };
    let head = serde_json::to_vec(&Manifest {
        parts: vec![part],
        ..manifest
    })
    .unwrap();
    let mut whole = MAGIC.to_vec();
    whole.extend_from_slice(&u32::try_from(head.len()).unwrap().to_be_bytes());
    whole.extend_from_slice(&head);
    whole.extend_from_slice(&bomb);
    assert!(unpack(owner, &whole).is_err());
}
