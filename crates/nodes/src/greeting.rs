//! The first frame of a connection.

use protocol::{Hello, NodeFrame, PROTOCOL_VERSION, RefusalCode};
use serde::Deserialize;

use crate::limits::{ENFORCEMENT_BYTES_MAX, LABEL_BYTES_MAX, SLOTS_MAX};
use crate::model::Introduction;
use crate::store::Greeting;

/// Why a node is sent away.
pub(crate) type Refusal = (RefusalCode, &'static str);

/// What every version of a first frame says.
#[derive(Deserialize)]
struct AnyHello {
    #[serde(rename = "type")]
    kind: String,
    protocol: u32,
}

/// Reads the first frame. The version is read before the rest, so that a node of another version
/// hears that it is one.
pub(crate) fn read(text: &str) -> Result<Greeting, Refusal> {
    const NO_HELLO: Refusal = (RefusalCode::Other, "the first frame is not a hello");
    let any: AnyHello = serde_json::from_str(text).map_err(|_| NO_HELLO)?;
    if any.kind != "hello" {
        return Err(NO_HELLO);
    }
    if any.protocol != PROTOCOL_VERSION {
        return Err((
            RefusalCode::ProtocolUnsupported,
            "this gateway speaks protocol 1",
        ));
    }
    match NodeFrame::decode(text) {
        Ok(NodeFrame::Hello(hello)) => check(hello),
        Ok(_) | Err(_) => Err((RefusalCode::Other, "the hello can't be read")),
    }
}

fn check(hello: Hello) -> Result<Greeting, Refusal> {
    let is_label = |text: &str| {
        (1..=LABEL_BYTES_MAX).contains(&text.len()) && text.bytes().all(|it| it.is_ascii_graphic())
    };
    if !is_label(&hello.version) || !is_label(&hello.spool) {
        return Err((
            RefusalCode::Other,
            "the version or the spool's name is not a short label",
        ));
    }
    let enforcement_json = serde_json::to_string(&hello.probes).unwrap_or_default();
    if !(1..=ENFORCEMENT_BYTES_MAX).contains(&enforcement_json.len()) {
        return Err((
            RefusalCode::Other,
            "the report on what is enforced is too long",
        ));
    }
    let introduction = Introduction {
        version: hello.version,
        slots: hello.slots.clamp(1, SLOTS_MAX),
        enforcement: hello.probes,
    };
    Ok(Greeting {
        introduction,
        enforcement_json,
        spool: hello.spool,
    })
}

#[cfg(test)]
mod tests {
    use protocol::Enforcement;

    use super::*;

    fn hello() -> Hello {
        Hello {
            protocol: PROTOCOL_VERSION,
            version: "0.1.0".into(),
            spool: "spool".into(),
            slots: 4,
            probes: Enforcement::of(Vec::new()),
            spooled: Vec::new(),
        }
    }

    fn answer(hello: Hello) -> Result<Greeting, Refusal> {
        read(&NodeFrame::Hello(hello).encode().unwrap())
    }

    #[test]
    fn a_proper_hello_is_taken_and_its_slots_are_bounded() {
        let slots = |slots| answer(Hello { slots, ..hello() }).map(|it| it.introduction.slots);
        assert_eq!(slots(4), Ok(4));
        assert_eq!(slots(0), Ok(1));
        assert_eq!(slots(u32::MAX), Ok(SLOTS_MAX));
    }

    #[test]
    fn another_version_hears_so_whatever_else_it_says() {
        let refused = |text: &str| read(text).err().map(|(code, _)| code);
        let unsupported = Some(RefusalCode::ProtocolUnsupported);
        assert_eq!(
            refused(r#"{"type":"hello","protocol":2,"wings":true}"#),
            unsupported
        );
        assert_eq!(refused(r#"{"type":"hello","protocol":0}"#), unsupported);
        assert_eq!(
            refused(r#"{"type":"hello","protocol":1}"#),
            Some(RefusalCode::Other)
        );
        assert_eq!(
            refused(r#"{"type":"heartbeat","protocol":1}"#),
            Some(RefusalCode::Other)
        );
        assert_eq!(refused("hello"), Some(RefusalCode::Other));
    }

    #[test]
    fn labels_are_short_and_printable() {
        for bad in ["", "a b", "a\n", "\u{e9}", &"x".repeat(LABEL_BYTES_MAX + 1)] {
            assert!(
                answer(Hello {
                    version: bad.into(),
                    ..hello()
                })
                .is_err(),
                "{bad:?}"
            );
            assert!(
                answer(Hello {
                    spool: bad.into(),
                    ..hello()
                })
                .is_err(),
                "{bad:?}"
            );
        }
    }
}
