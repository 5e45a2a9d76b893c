//! Spans as OTLP writes them: the few messages of Protocol Buffers that a span needs.
//!
//! Numbers of fields are those of `opentelemetry/proto/{trace,common,resource}/v1`. Nothing is read, so
//! there is nothing to generate code for.

/// A span that has ended.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Span {
    pub trace_id: Vec<u8>,
    pub span_id: Vec<u8>,
    /// Empty for the first of its trace.
    pub parent_id: Vec<u8>,
    pub name: String,
    pub kind: Kind,
    /// In nanoseconds since 1970.
    pub start: u64,
    pub end: u64,
    pub attributes: Vec<(&'static str, Value)>,
    pub failed: bool,
}

/// What a span stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Something within this process.
    Internal = 1,
    /// A request that was answered.
    Server = 2,
    /// A request that was made.
    Client = 3,
}

/// The value of an attribute.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Text(String),
    Bool(bool),
    Int(i64),
    Double(f64),
    Texts(Vec<String>),
}

/// `ExportTraceServiceRequest`: spans of one process.
pub(super) fn request(resource: &[(String, String)], version: &str, spans: &[Span]) -> Vec<u8> {
    let mut request = Message::default();
    request.message(1, |of_resource| {
        of_resource.message(1, |it| {
            for (name, value) in resource {
                it.attribute(1, name, &Value::Text(value.clone()));
            }
        });
        of_resource.message(2, |of_scope| {
            of_scope.message(1, |it| {
                it.text(1, "chancery");
                it.text(2, version);
            });
            for span in spans {
                of_scope.message(2, |it| it.span(span));
            }
        });
    });
    request.0
}

/// The bytes of a message.
#[derive(Default)]
struct Message(Vec<u8>);

/// How a field's value is laid out.
#[derive(Clone, Copy)]
enum Layout {
    Varint = 0,
    Fixed64 = 1,
    Bytes = 2,
    Fixed32 = 5,
}

/// `STATUS_CODE_ERROR`
const ERROR: u64 = 2;
/// `SPAN_FLAGS_TRACE_FLAGS_MASK`: the trace is sampled.
const SAMPLED: u32 = 1;

impl Message {
    fn span(&mut self, span: &Span) {
        self.bytes(1, &span.trace_id);
        self.bytes(2, &span.span_id);
        if !span.parent_id.is_empty() {
            self.bytes(4, &span.parent_id);
        }
        self.text(5, &span.name);
        self.number(6, span.kind as u64);
        self.fixed64(7, span.start);
        self.fixed64(8, span.end);
        for (name, value) in &span.attributes {
            self.attribute(9, name, value);
        }
        if span.failed {
            self.message(15, |status| status.number(3, ERROR));
        }
        self.key(16, Layout::Fixed32);
        self.0.extend_from_slice(&SAMPLED.to_le_bytes());
    }

    fn attribute(&mut self, field: u64, name: &str, value: &Value) {
        self.message(field, |it| {
            it.text(1, name);
            it.message(2, |it| it.value(value));
        });
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::Text(text) => self.text(1, text),
            Value::Bool(value) => self.number(2, u64::from(*value)),
            Value::Int(value) => self.number(3, value.cast_unsigned()),
            Value::Double(value) => self.fixed64(4, value.to_bits()),
            Value::Texts(texts) => self.message(5, |array| {
                for text in texts {
                    array.message(1, |it| it.text(1, text));
                }
            }),
        }
    }

    fn message(&mut self, field: u64, fill: impl FnOnce(&mut Self)) {
        let mut inner = Self::default();
        fill(&mut inner);
        self.bytes(field, &inner.0);
    }

    fn text(&mut self, field: u64, text: &str) {
        self.bytes(field, text.as_bytes());
    }

    fn bytes(&mut self, field: u64, bytes: &[u8]) {
        self.key(field, Layout::Bytes);
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    fn number(&mut self, field: u64, number: u64) {
        self.key(field, Layout::Varint);
        self.varint(number);
    }

    fn fixed64(&mut self, field: u64, bits: u64) {
        self.key(field, Layout::Fixed64);
        self.0.extend_from_slice(&bits.to_le_bytes());
    }

    fn key(&mut self, field: u64, layout: Layout) {
        self.varint(field << 3 | layout as u64);
    }

    fn varint(&mut self, mut number: u64) {
        while number > 0x7f {
            #[expect(clippy::cast_possible_truncation, reason = "seven bits")]
            self.0.push(number as u8 | 0x80);
            number >>= 7;
        }
        #[expect(clippy::cast_possible_truncation, reason = "seven bits")]
        self.0.push(number as u8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `opentelemetry-proto` 0.33.1 writes the same span.
    const VECTOR: &str = "\
        0ac1030a1c0a1a0a0c736572766963652e6e616d65120a0a086368616e6365727912a0030a110a086368616e\
        636572791205302e312e30128a030a10000102030405060708090a0b0c0d0e0f120810111213141516172208\
        18191a1b1c1d1e1f2a0b63686174206770742d346f30033900002a36fe9c971741002f928ffe9c97174ad401\
        0a047465787412cb010ac801c3a8c3a8c3a8c3a8c3a8c3a8c3a8c3a8c3a8c3a8c3a8c3a8c3a8c3a8c3a8c3a8\
        c3a8c3a8c3a8c3a8c3a8c3a8c3a8c3a8c3a8c3a8c3a8c3a8c3a8c3a8c3a8c3a8c3a8c3a8c3a8c3a8c3a8c3a8\
        c3a8c3a8c3a8c3a8c3a8c3a8c3a8c3a8c3a8c3a8c3a8c3a8c3a8c3a8c3a8c3a8c3a8c3a8c3a8c3a8c3a8c3a8\
        c3a8c3a8c3a8c3a8c3a8c3a8c3a8c3a8c3a8c3a8c3a8c3a8c3a8c3a8c3a8c3a8c3a8c3a8c3a8c3a8c3a8c3a8\
        c3a8c3a8c3a8c3a8c3a8c3a8c3a8c3a8c3a8c3a8c3a8c3a8c3a8c3a8c3a8c3a8c3a8c3a84a090a0379657312\
        0210014a0f0a046d616e791207188080808080204a130a046c657373120b18ffffffffffffffffff014a110a\
        0468616c66120921000000000000e03f4a1c0a046c69737412142a120a060a0473746f700a080a066c656e67\
        74687a021802850101000000";

    #[test]
    fn a_span_is_written_as_the_official_messages_are() {
        let span = Span {
            trace_id: (0..16).collect(),
            span_id: (16..24).collect(),
            parent_id: (24..32).collect(),
            name: "chat gpt-4o".to_owned(),
            kind: Kind::Client,
            start: 1_700_000_000_000_000_000,
            end: 1_700_000_001_500_000_000,
            attributes: vec![
                ("text", Value::Text("è".repeat(100))),
                ("yes", Value::Bool(true)),
                ("many", Value::Int(1 << 40)),
                ("less", Value::Int(-1)),
                ("half", Value::Double(0.5)),
                (
                    "list",
                    Value::Texts(vec!["stop".to_owned(), "length".to_owned()]),
                ),
            ],
            failed: true,
        };
        let resource = [("service.name".to_owned(), "chancery".to_owned())];
        assert_eq!(hex::encode(request(&resource, "0.1.0", &[span])), VECTOR);
    }
}
