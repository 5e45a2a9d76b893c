//! Reading what a receiver of spans gets: enough of Protocol Buffers for OTLP.

use std::collections::BTreeMap;

/// A span as it came.
#[derive(Debug, Clone, Default)]
pub struct Span {
    pub trace_id: String,
    pub span_id: String,
    pub parent_id: String,
    pub name: String,
    pub kind: u64,
    pub failed: bool,
    pub took_ns: u64,
    pub attributes: BTreeMap<String, String>,
}

/// The spans of an `ExportTraceServiceRequest`.
pub fn spans(request: &[u8]) -> Vec<Span> {
    let mut spans = Vec::new();
    for (_, of_resource) in messages(request, 1) {
        for (_, of_scope) in messages(of_resource, 2) {
            spans.extend(messages(of_scope, 2).into_iter().map(|(_, it)| span(it)));
        }
    }
    spans
}

fn span(message: &[u8]) -> Span {
    let mut span = Span::default();
    let (mut start, mut end) = (0, 0);
    for (field, value) in fields(message) {
        match (field, value) {
            (1, Field::Bytes(id)) => span.trace_id = hex::encode(id),
            (2, Field::Bytes(id)) => span.span_id = hex::encode(id),
            (4, Field::Bytes(id)) => span.parent_id = hex::encode(id),
            (5, Field::Bytes(name)) => span.name = text(name),
            (6, Field::Number(kind)) => span.kind = kind,
            (7, Field::Number(at)) => start = at,
            (8, Field::Number(at)) => end = at,
            (9, Field::Bytes(pair)) => {
                let (name, value) = attribute(pair);
                assert!(span.attributes.insert(name, value).is_none(), "said twice");
            }
            (15, Field::Bytes(status)) => {
                let failed = |(field, value)| field == 3 && value == Field::Number(2);
                span.failed = fields(status).into_iter().any(failed);
            }
            (16, Field::Number(flags)) => assert_eq!(flags, 1),
            other => panic!("an unknown field of a span: {other:?}"),
        }
    }
    assert!(start > 0 && end >= start, "it ends before it begins");
    span.took_ns = end - start;
    span
}

fn attribute(pair: &[u8]) -> (String, String) {
    let [(1, Field::Bytes(name)), (2, Field::Bytes(value))] = fields(pair)[..] else {
        panic!("no name and value");
    };
    (text(name), any(value))
}

fn any(value: &[u8]) -> String {
    match fields(value)[..] {
        [(1, Field::Bytes(it))] => text(it),
        [(2, Field::Number(it))] => (it == 1).to_string(),
        [(3, Field::Number(it))] => it.cast_signed().to_string(),
        [(4, Field::Number(it))] => f64::from_bits(it).to_string(),
        [(5, Field::Bytes(it))] => {
            let items = messages(it, 1).into_iter().map(|(_, it)| any(it));
            format!("[{}]", items.collect::<Vec<_>>().join(","))
        }
        ref other => panic!("an unknown value: {other:?}"),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

fn messages(message: &[u8], of: u64) -> Vec<(u64, &[u8])> {
    let found = fields(message)
        .into_iter()
        .filter_map(|(field, value)| match value {
            Field::Bytes(bytes) if field == of => Some((field, bytes)),
            _ => None,
        });
    found.collect()
}

fn fields(mut message: &[u8]) -> Vec<(u64, Field<'_>)> {
    let mut fields = Vec::new();
    while !message.is_empty() {
        let key = varint(&mut message);
        let value = match key & 7 {
            0 => Field::Number(varint(&mut message)),
            1 => Field::Number(u64::from_le_bytes(
                take(&mut message, 8).try_into().unwrap(),
            )),
            2 => {
                let length = usize::try_from(varint(&mut message)).unwrap();
                Field::Bytes(take(&mut message, length))
            }
            5 => {
                let bytes = take(&mut message, 4).try_into().unwrap();
                Field::Number(u32::from_le_bytes(bytes).into())
            }
            layout => panic!("an unknown layout: {layout}"),
        };
        fields.push((key >> 3, value));
    }
    fields
}

fn varint(message: &mut &[u8]) -> u64 {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let byte = take(message, 1)[0];
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return number;
        }
    }
    panic!("a number without an end")
}

fn take<'a>(message: &mut &'a [u8], length: usize) -> &'a [u8] {
    let (taken, rest) = message.split_at(length);
    *message = rest;
    taken
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}
