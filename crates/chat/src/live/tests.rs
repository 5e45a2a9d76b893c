use futures::FutureExt as _;
use vocab::ids::IdKind;
use vocab::{Clock, Id, Random};

use serde_json::{Value, json};
use vocab::limits;

use super::room::BACKLOG;
use super::*;

fn id<K: IdKind>() -> Id<K> {
    Id::generate(&Clock::system(), &Random::system())
}

/// Which organisation it is makes a difference between processes alone.
fn org() -> OrgId {
    id()
}

/// What is there to be heard now.
fn heard(listener: &mut Listener) -> Vec<(&'static str, Value)> {
    let mut heard = Vec::new();
    while let Some(delta) = listener.next().now_or_never() {
        heard.push((delta.kind, serde_json::from_str(&delta.data).unwrap()));
    }
    heard
}

fn texts(listener: &mut Listener) -> Vec<(String, bool)> {
    let text = |(kind, data): (&str, Value)| {
        let text = data["text"].as_str()?.to_owned();
        (kind == "message.delta").then(|| (text, data["reset"] == true))
    };
    heard(listener).into_iter().filter_map(text).collect()
}

#[test]
fn who_comes_later_gets_the_text_so_far_and_then_the_same_pieces() {
    let live = Live::new();
    let (session, run, agent) = (id(), id(), id());
    let mut first = live.listen((org(), session), None);
    let mut writing = live.write((org(), session), run, agent);
    writing.push("one ");
    writing.push("two ");
    assert_eq!(
        texts(&mut first),
        [
            ("".into(), true),
            ("one ".into(), false),
            ("two ".into(), false)
        ]
    );
    let mut second = live.listen((org(), session), None);
    writing.push("three");
    assert_eq!(texts(&mut first), [("three".into(), false)]);
    assert_eq!(
        texts(&mut second),
        [("one two ".into(), true), ("three".into(), false)]
    );
    writing.reset();
    writing.push("again");
    assert_eq!(
        texts(&mut second),
        [("".into(), true), ("again".into(), false)]
    );
    drop(writing);
    // It is a message now, or nothing.
    assert_eq!(texts(&mut live.listen((org(), session), None)), []);
}

#[test]
fn a_text_can_be_joined_though_nobody_listened() {
    let live = Live::new();
    let session = id();
    let mut writing = live.write((org(), session), id(), id());
    writing.push("begun");
    assert_eq!(
        texts(&mut live.listen((org(), session), None)),
        [("begun".into(), true)]
    );
}

#[test]
fn a_listener_that_is_too_slow_is_told_anew() {
    let live = Live::new();
    let session = id();
    let mut slow = live.listen((org(), session), None);
    let mut writing = live.write((org(), session), id(), id());
    for _ in 0..BACKLOG * 3 {
        writing.push("x");
    }
    let told = texts(&mut slow);
    assert_eq!(told, [("x".repeat(BACKLOG * 3), true)]);
    writing.push("y");
    assert_eq!(texts(&mut slow), [("y".into(), false)]);
}

#[test]
fn a_text_is_bounded() {
    let live = Live::new();
    let session = id();
    let mut writing = live.write((org(), session), id(), id());
    let most = limits::CONTENT_INLINE_BYTES_MAX;
    writing.push(&"é".repeat(most));
    writing.push("more");
    let told = texts(&mut live.listen((org(), session), None));
    assert_eq!(told[0].0.len(), most);
}

#[test]
fn people_are_there_as_long_as_they_listen() {
    let live = Live::new();
    let (session, ada, bob) = (id(), id::<vocab::ids::User>(), id::<vocab::ids::User>());
    let presence = |present: &[UserId], gone: &[UserId], reset: bool| {
        let data = json!({ "present": present, "gone": gone, "reset": reset });
        ("presence", data)
    };
    let mut first = live.listen((org(), session), Some(ada));
    assert_eq!(heard(&mut first), [presence(&[ada], &[], true)]);
    let (one, two) = (
        live.listen((org(), session), Some(bob)),
        live.listen((org(), session), Some(bob)),
    );
    assert_eq!(heard(&mut first), [presence(&[bob], &[], false)]);
    drop(one);
    assert_eq!(heard(&mut first), []);
    drop(two);
    assert_eq!(heard(&mut first), [presence(&[], &[bob], false)]);
    // Another session is another room.
    let _elsewhere = live.listen((org(), id()), Some(bob));
    assert_eq!(heard(&mut first), []);
}

#[test]
fn typing_is_passed_on_now_and_then() {
    let live = Live::new();
    let (session, ada) = (id(), id());
    let clock = Clock::manual(vocab::Timestamp::from_micros(1_000_000));
    // Nobody listens: nothing is kept.
    live.typing(session, ada, clock.now());
    assert_eq!(live.rooms_open(), 0);
    let mut listener = live.listen((org(), session), None);
    heard(&mut listener);
    for _ in 0..5 {
        live.typing(session, ada, clock.now());
    }
    assert_eq!(
        heard(&mut listener),
        [("typing", json!({ "user_id": ada }))]
    );
    clock.advance_micros(1_000_000);
    live.typing(session, ada, clock.now());
    assert_eq!(heard(&mut listener).len(), 1);
    live.read(session, ada, 7);
    let read = ("read", json!({ "user_id": ada, "position": 7 }));
    assert_eq!(heard(&mut listener), [read]);
}

#[test]
fn nothing_is_left_of_a_session_that_nobody_listens_to() {
    let live = Live::new();
    let session = id();
    let listener = live.listen((org(), session), Some(id()));
    let writing = live.write((org(), session), id(), id());
    drop(listener);
    assert_eq!(live.rooms_open(), 1);
    drop(writing);
    assert_eq!(live.rooms_open(), 0);
    drop(live.listen((org(), session), None));
    assert_eq!(live.rooms_open(), 0);
}
