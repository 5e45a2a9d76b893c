//! Citations of answers, whatever the dialect calls them: what is foreign is checked here.
//!
//! Readers are lenient: an answer is not refused because something beside its text is no citation.

use serde_json::{Value, json};
use vocab::limits::{CITATION_TITLE_BYTES_MAX, CITATION_URL_BYTES_MAX, CITATIONS_MAX};

use crate::fault::Fault;
use crate::members::{Item, Members};
use crate::neutral::{Citation, Cited, Text};

/// Puts a citation to a text, unless it is there, or there are enough.
pub(crate) fn add(text: &mut Text, citation: Citation) {
    if text.citations.len() < CITATIONS_MAX && !text.citations.contains(&citation) {
        text.citations.push(citation);
    }
}

/// A page of the web; nothing if the address is none of one, or too long.
pub(crate) fn page(url: String, title: Option<String>) -> Option<Cited> {
    let title = line(title.as_deref().unwrap_or_default());
    is_page(&url).then_some(Cited::Url { url, title })
}

/// A document; nothing if it has no name of any kind.
pub(crate) fn file(id: Option<String>, name: Option<String>) -> Option<Cited> {
    let id = line(id.as_deref().unwrap_or_default());
    let name = line(name.as_deref().unwrap_or(&id));
    (!name.is_empty()).then_some(Cited::File { id, name })
}

/// Whether it is an address of the web that can be shown as it stands.
fn is_page(url: &str) -> bool {
    let lower = url.get(..8).unwrap_or(url).to_ascii_lowercase();
    let rest = ["https://", "http://"]
        .iter()
        .find(|scheme| lower.starts_with(*scheme))
        .and_then(|scheme| url.get(scheme.len()..));
    let is_plain = |c: char| match c.is_ascii() {
        true => c.is_ascii_graphic() && !"<>\"`\\".contains(c),
        false => c.is_alphanumeric(),
    };
    let begins = |c: char| c.is_alphanumeric() || c == '[';
    // A name before the host makes another host look like it.
    let is_host = |rest: &str| {
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        host.starts_with(begins) && !host.contains('@')
    };
    url.len() <= CITATION_URL_BYTES_MAX && url.chars().all(is_plain) && rest.is_some_and(is_host)
}

/// A title in one line, cut to what one may have.
fn line(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    let mut line = words.join(" ");
    line.truncate(line.floor_char_boundary(CITATION_TITLE_BYTES_MAX));
    line
}

/// An annotation of OpenAI's dialects; nothing if it is another kind, or none.
pub(crate) fn read_annotation(item: Item) -> Option<Citation> {
    annotated(item).ok().flatten()
}

/// Chat Completions holds the members in a member of the kind's name.
fn annotated(item: Item) -> Result<Option<Citation>, Fault> {
    let mut m = item.members()?;
    let kind = m.need_string("type")?;
    let inner = m.object(&kind)?;
    let mut m = inner.unwrap_or(m);
    let source = match kind.as_str() {
        "url_citation" => page(m.need_string("url")?, m.string("title")?),
        "file_citation" | "container_file_citation" => {
            file(m.string("file_id")?, m.string("filename")?)
        }
        _ => None,
    };
    let span = read_span(&mut m);
    Ok(source.map(|source| Citation { source, span }))
}

/// The annotations of a text.
pub(crate) fn read_annotations(m: &mut Members, text: &mut Text) {
    for item in m.items("annotations").unwrap_or_default() {
        if let Some(citation) = read_annotation(item) {
            add(text, citation);
        }
    }
}

fn read_span(m: &mut Members) -> Option<(u32, u32)> {
    let (start, end) = (m.take("start_index"), m.take("end_index"));
    let number = |item: Option<Item>| u32::try_from(item?.value.as_u64()?).ok();
    let span = number(start).zip(number(end));
    span.filter(|(start, end)| start < end)
}

/// The annotations of a text, as Responses has them.
pub(crate) fn annotations(text: &Text) -> Vec<Value> {
    let length = characters(&text.text);
    let all = text.citations.iter();
    all.map(|it| annotation(it, length)).collect()
}

/// The annotations of a text behind as many characters, as Chat Completions has them: pages of the web,
/// and nothing else. Documents can't be cited there; nobody can ask for that across families.
pub(crate) fn nested(text: &Text, before: u32) -> Vec<Value> {
    let length = characters(&text.text);
    let all = text.citations.iter();
    all.filter_map(|it| nested_one(it, before, length))
        .collect()
}

/// One of [`nested`].
pub(crate) fn nested_one(citation: &Citation, before: u32, length: u32) -> Option<Value> {
    let Cited::Url { url, title } = &citation.source else {
        return None;
    };
    let (start, end) = citation.span.unwrap_or((0, length));
    Some(json!({
        "type": "url_citation",
        "url_citation": {
            "start_index": before.saturating_add(start),
            "end_index": before.saturating_add(end),
            "url": url,
            "title": title,
        },
    }))
}

/// How many characters a text has.
pub(crate) fn characters(text: &str) -> u32 {
    u32::try_from(text.chars().count()).unwrap_or(u32::MAX)
}

/// What an annotation says, in OpenAI's words; `length` is that of the whole text, in characters.
pub(crate) fn annotation(citation: &Citation, length: u32) -> Value {
    let (start, end) = citation.span.unwrap_or((0, length));
    match &citation.source {
        Cited::Url { url, title } => json!({
            "type": "url_citation", "start_index": start, "end_index": end, "url": url,
            "title": title,
        }),
        Cited::File { id, name } => json!({
            "type": "file_citation", "file_id": id, "filename": name, "index": end,
        }),
    }
}
