//! A log in memory, made of the library's pure parts, whose history a test can write as it likes.

use std::collections::HashMap;

use journal::checkpoint::{self, Checkpoint};
use journal::entry::{self, Entry, GENESIS};
use journal::export::{self, Consistency, Footer, Header, Inclusion, KeyRotated, Rotation};
use journal::merkle::{self, Frontier, Hash};
use journal::note::{Note, SigningKey};
use journal::proof::{Plan, TILE_HEIGHT, TILE_WIDTH, TileAt};
use vocab::ids::IdKind;
use vocab::{Clock, Digest, EventId, Id, OrgId, Random, RunId, SessionId, Timestamp};
use zeroize::Zeroizing;

/// Ids and instants are made from numbers, so that every run makes the same bytes.
pub fn id<K: IdKind>(number: u64) -> Id<K> {
    Id::generate(&Clock::manual(at(number)), &Random::seeded(number))
}

pub fn at(number: u64) -> Timestamp {
    Timestamp::from_micros(1_767_225_600_000_000 + i64::try_from(number).unwrap() * 1_234_567)
}

pub fn key(org: OrgId, seed: u8) -> SigningKey {
    SigningKey::from_seed(&checkpoint::origin(org), &Zeroizing::new([seed; 32]))
}

pub struct Log {
    pub org: OrgId,
    pub events: Vec<(String, Digest)>,
    pub frontier: Frontier,
    keys: Vec<SigningKey>,
    rotations: Vec<(u64, Note)>,
    tiles: HashMap<TileAt, Vec<Hash>>,
}

impl Log {
    pub fn new(org: OrgId, seed: u8) -> Self {
        Self {
            org,
            events: Vec::new(),
            frontier: Frontier::default(),
            keys: vec![key(org, seed)],
            rotations: Vec::new(),
            tiles: HashMap::new(),
        }
    }

    /// A log of this many ordinary events.
    pub fn of(count: u64) -> Self {
        let mut log = Self::new(id(1), 1);
        (0..count).for_each(|_| log.grow());
        log
    }

    pub fn size(&self) -> u64 {
        self.events.len() as u64
    }

    pub fn vkey(&self) -> String {
        self.keys.last().unwrap().public().to_string()
    }

    /// Appends an event that is like many others.
    pub fn grow(&mut self) {
        let number = self.size() + 1;
        let kinds = [
            "org.created",
            "message.posted",
            "tool.intended",
            "policy.decided",
            "tool.executed",
        ];
        let kind = kinds[self.events.len() % kinds.len()];
        let data = match number % 3 {
            0 => r#"{"decision":"allow","policies":["read-notes"],"tool":"file.read"}"#,
            1 => r#"{"name":"Zoë \"Z\" 東\n","ratio":0.25}"#,
            _ => "{}",
        };
        self.append(kind, data);
    }

    pub fn append(&mut self, kind: &str, data: &str) {
        let number = self.size() + 1;
        let content = format!("[\"{}\"]", Digest::of(b"content"));
        let actor = format!("{{\"user\":\"{}\"}}", id::<vocab::ids::User>(7));
        let in_run = number.is_multiple_of(2);
        let entry = Entry {
            actor: &actor,
            at: at(number),
            content: number.is_multiple_of(4).then_some(content.as_str()),
            data,
            id: id::<vocab::ids::Event>(100 + number),
            kind,
            org: self.org,
            run: in_run.then(|| id(8)),
            run_seq: in_run.then(|| u32::try_from(number / 2).unwrap()),
            session: in_run.then(|| id(9)),
            subject: if in_run { "run_x \u{1}\"\\" } else { "org" },
        };
        self.append_entry(&entry);
    }

    pub fn append_entry(&mut self, entry: &Entry<'_>) {
        let mut canonical = String::new();
        entry.write(self.size() + 1, &self.head(), &mut canonical);
        self.append_raw(canonical);
    }

    /// Appends whatever bytes, as somebody who holds the log's key and keeps no rules could.
    pub fn append_raw(&mut self, canonical: String) {
        let hash = entry::hash(canonical.as_bytes());
        let index = self.size();
        let leaf = merkle::leaf(&hash);
        let tiles = &mut self.tiles;
        tiles.entry((0, index / TILE_WIDTH)).or_default().push(leaf);
        self.frontier.push_with(leaf, |done| {
            if done.level.is_multiple_of(TILE_HEIGHT) {
                let at = (done.level / TILE_HEIGHT, done.index / TILE_WIDTH);
                tiles.entry(at).or_default().push(done.hash);
            }
        });
        self.events.push((canonical, hash));
    }

    pub fn head(&self) -> Digest {
        self.events.last().map_or(GENESIS, |(_, hash)| *hash)
    }

    /// Hands over to a new key: the event, and a checkpoint that both sign.
    pub fn rotate(&mut self, seed: u8) {
        self.announce(seed);
        let next = key(self.org, seed);
        let note = self.checkpoint().sign(&[self.keys.last().unwrap(), &next]);
        self.hand_over(seed, note);
    }

    pub fn announce(&mut self, seed: u8) {
        let next = key(self.org, seed);
        let facts = KeyRotated {
            new_key: next.public().to_string(),
            old_key: self.vkey(),
        };
        self.append("log.key_rotated", &serde_json::to_string(&facts).unwrap());
    }

    pub fn hand_over(&mut self, seed: u8, note: Note) {
        self.rotations.push((self.size(), note));
        self.keys.push(key(self.org, seed));
    }

    pub fn checkpoint(&self) -> Checkpoint {
        let origin = checkpoint::origin(self.org);
        Checkpoint {
            origin,
            size: self.size(),
            root: self.frontier.root(),
        }
    }

    pub fn signed(&self) -> Note {
        self.checkpoint().sign(&[self.keys.last().unwrap()])
    }

    pub fn header(&self, from_seq: u64, to_seq: u64) -> Header {
        let keys = self
            .keys
            .iter()
            .map(|key| key.public().to_string())
            .collect();
        Header {
            chancery_export: 1,
            org: self.org,
            from_seq,
            to_seq,
            keys,
        }
    }

    pub fn inclusion(&self, seq: u64, size: u64) -> Vec<export::Step> {
        export::steps(
            &Plan::inclusion(seq - 1, size)
                .unwrap()
                .resolve(&self.tiles)
                .unwrap(),
        )
    }

    pub fn consistency(&self, from: u64) -> Vec<export::Step> {
        export::steps(
            &Plan::consistency(from, self.size())
                .unwrap()
                .resolve(&self.tiles)
                .unwrap(),
        )
    }

    pub fn footer(&self, from_seq: u64, to_seq: u64, witnessed: &[u64]) -> Footer {
        let size = self.size();
        let partial = from_seq > 1 || to_seq < size;
        let rotation = |(seq, note): &(u64, Note)| {
            let handover = Checkpoint::parse(note).unwrap();
            Rotation {
                consistency: self.consistency(handover.size),
                event: self.events[usize::try_from(*seq - 1).unwrap()].0.clone(),
                inclusion: self.inclusion(*seq, handover.size),
                note: note.to_string(),
            }
        };
        Footer {
            checkpoint: self.signed().to_string(),
            consistency: witnessed
                .iter()
                .map(|size| Consistency {
                    proof: self.consistency(*size),
                    size: *size,
                })
                .collect(),
            inclusion: partial.then(|| Inclusion {
                first: self.inclusion(from_seq, size),
                last: self.inclusion(to_seq, size),
            }),
            rotations: self.rotations.iter().map(rotation).collect(),
        }
    }

    /// The lines of an export, each with its newline.
    pub fn lines(&self, from_seq: u64, to_seq: u64, witnessed: &[u64]) -> Vec<Vec<u8>> {
        let mut lines = vec![line(&self.header(from_seq, to_seq))];
        let range = usize::try_from(from_seq - 1).unwrap()..usize::try_from(to_seq).unwrap();
        lines.extend(self.events[range].iter().map(|(canonical, hash)| {
            let mut out = String::new();
            export::push_event(&mut out, canonical, hash);
            out.into_bytes()
        }));
        lines.push(line(&self.footer(from_seq, to_seq, witnessed)));
        lines
    }

    pub fn all(&self) -> Vec<Vec<u8>> {
        self.lines(1, self.size(), &[])
    }
}

pub fn line(value: &impl serde::Serialize) -> Vec<u8> {
    let mut out = String::new();
    export::push_line(&mut out, value).unwrap();
    out.into_bytes()
}

#[test]
fn an_entry_is_written_as_the_canonical_form_of_the_whole_object() {
    use proptest::prelude::*;
    use serde_json::{Map, Value, json};
    let config = ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    proptest!(config, |(subject: String, key: String, text: String, number in -1e9..1e9_f64,
                        seed: u64, run: bool, journal: bool, session: bool, content: bool,
                        seq in 1_u64..1 << 53)| {
        let clock = Clock::manual(at(seed % 1_000_000));
        let random = Random::seeded(seed);
        let org: OrgId = OrgId::generate(&clock, &random);
        let run: Option<RunId> = run.then(|| RunId::generate(&clock, &random));
        let run_seq = journal.then_some(u32::try_from(seed % 10_000).unwrap());
        let session = session.then(|| SessionId::generate(&clock, &random));
        let event = EventId::generate(&clock, &random);
        let digests = content.then(|| json!([Digest::of(b"a"), Digest::of(b"b")]));
        let data = json!({key: text, "number": number});
        let actor = json!({"user": id::<vocab::ids::User>(seed % 1_000_000), "system": text});
        let prev = Digest::of(&seed.to_be_bytes());

        let mut whole = Map::new();
        whole.extend([
            ("actor".to_owned(), actor.clone()), ("at".to_owned(), json!(clock.now())),
            ("data".to_owned(), data.clone()), ("id".to_owned(), json!(event)),
            ("kind".to_owned(), json!("tool.intended")), ("org".to_owned(), json!(org)),
            ("prev".to_owned(), json!(prev)), ("seq".to_owned(), json!(seq)),
            ("subject".to_owned(), json!(subject)), ("v".to_owned(), json!(1)),
        ]);
        let optional = [("run", run.map(|it| json!(it))), ("run_seq", run_seq.map(Value::from)),
            ("session", session.map(|it| json!(it))), ("content", digests.clone())];
        for (name, value) in optional {
            whole.extend(value.map(|value| (name.to_owned(), value)));
        }
        let canonical = |value: &Value| vocab::canonical::to_string(value).unwrap();
        let content = digests.as_ref().map(canonical);
        let (actor, data) = (canonical(&actor), canonical(&data));
        let entry = Entry { actor: &actor, at: clock.now(), content: content.as_deref(), data: &data,
            id: event, kind: "tool.intended", org, run, run_seq, session, subject: &subject };
        let mut written = String::new();
        entry.write(seq, &prev, &mut written);
        prop_assert_eq!(written, canonical(&Value::Object(whole)));
    });
}
