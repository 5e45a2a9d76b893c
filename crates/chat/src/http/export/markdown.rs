//! An export to be read.
//!
//! Who said what when stands in headings, and what they said in block quotes, each line of it behind
//! a `>`. A quote can't close itself in Markdown, but HTML could close it: so what would begin a tag is
//! escaped, wherever it stands. The names in headings are foreign text too, and are written so that
//! nothing in them is markup.

use std::fmt::Write as _;

use futures::Stream;
use futures::stream;

use super::{Asker, broken_off};
use crate::ChatError;
use runs::Citation;

use crate::archive::KeptMessage;
use crate::model::{Branch, has};
use crate::service::{Export, ExportedMessage, Messages};

struct Writing {
    asker: Asker,
    export: Export,
    branches: Vec<Branch>,
    messages: Messages,
    headed: bool,
}

pub(super) fn pieces(
    asker: Asker,
    (export, messages): (Export, Messages),
) -> impl Stream<Item = Result<String, std::io::Error>> + Send + 'static {
    let branch = |it: &crate::archive::KeptBranch| Branch {
        number: it.number,
        forked_from: it.from,
        forked_at: it.at,
        chosen: it.chosen,
    };
    let writing = Writing {
        asker,
        branches: export.branches.iter().map(branch).collect(),
        export,
        messages,
        headed: false,
    };
    stream::try_unfold(writing, |mut writing| async move {
        let piece = writing.piece().await.map_err(broken_off)?;
        Ok(piece.map(|piece| (piece, writing)))
    })
}

impl Writing {
    async fn piece(&mut self) -> Result<Option<String>, ChatError> {
        if !std::mem::replace(&mut self.headed, true) {
            return Ok(Some(head(&self.export)));
        }
        let (chat, ctx) = &self.asker;
        let page = chat.next_exported(ctx, &mut self.messages).await?;
        if page.is_empty() {
            return Ok(None);
        }
        let current = self.export.session.branch;
        let on_it = |it: &&ExportedMessage| {
            has(
                &self.branches,
                current,
                (it.message.branch, it.message.position),
            )
        };
        let shown: Vec<&ExportedMessage> = page.iter().filter(on_it).collect();
        // Whoever is no member or agent of the session any more has a name all the same.
        let is_unnamed = |id: &String| !self.export.names.contains_key(id);
        let users = shown.iter().filter_map(|it| it.message.user);
        let users: Vec<_> = users.filter(|id| is_unnamed(&id.to_string())).collect();
        let agents = shown.iter().filter_map(|it| it.message.agent);
        let agents: Vec<_> = agents.filter(|id| is_unnamed(&id.to_string())).collect();
        self.export
            .names
            .extend(chat.people_named(ctx, &users).await?);
        self.export
            .names
            .extend(chat.agents_named(ctx, &agents).await?);
        let mut piece = String::new();
        for it in shown {
            message(&mut piece, &self.export, it);
        }
        Ok(Some(piece))
    }
}

fn head(export: &Export) -> String {
    let it = &export.session;
    let title = match it.title.is_empty() {
        true => it.id.to_string(),
        false => plain(&it.title),
    };
    let mut out = format!("# {title}\n\n");
    let labels: Vec<String> = it.labels.iter().map(|label| plain(label)).collect();
    let lines = [
        format!("Session: `{}`", it.id),
        format!("Begun: {}", it.created_at),
        format!("Exported: {}", export.made_at),
        format!("Labels: {}", labels.join(", ")),
    ];
    let lines = lines.iter().filter(|line| !line.ends_with(": "));
    for line in lines {
        // Writing to a string can't fail.
        let _ = writeln!(out, "- {line}");
    }
    if it.forks > 0 {
        let _ = writeln!(
            out,
            "- One branch of {}; the others are in the export as JSON",
            it.forks + 1
        );
    }
    out
}

fn message(out: &mut String, export: &Export, it: &ExportedMessage) {
    let KeptMessage {
        position, at_us, ..
    } = it.message;
    let at = vocab::Timestamp::from_micros(at_us);
    let (id, kind) = match (it.message.user, it.message.agent) {
        (Some(user), _) => (user.to_string(), ""),
        (None, Some(agent)) => (agent.to_string(), " (agent)"),
        (None, None) => ("Chancery".to_owned(), ""),
    };
    let name = export
        .names
        .get(&id)
        .map_or_else(|| plain(&id), |it| plain(it));
    let failed = if it.message.failed { " — failed" } else { "" };
    let _ = writeln!(out, "\n## {position} · {name}{kind} · {at}{failed}\n");
    match &it.text {
        Some(text) => footnoted(out, position, text, &it.message.citations),
        None => out.push_str("*erased*\n"),
    }
    for id in &it.message.attachments {
        let found = export.artifacts.iter().find(|it| it.id == *id);
        let name = found.map(|it| plain(&it.name)).unwrap_or_default();
        let _ = writeln!(out, "\nAttached: {name} (`{id}`)");
    }
    if !it.reactions.is_empty() {
        let all: Vec<&str> = it.reactions.iter().map(|it| it.emoji.as_str()).collect();
        let _ = writeln!(out, "\nReactions: {}", all.join(" "));
    }
    if let (Some(run), Some(_)) = (it.message.run, it.message.agent) {
        let _ = writeln!(out, "\nRun: `{run}`");
    }
}

/// A text as a block quote with what it cites as footnotes. The mark of one stands behind the words that
/// rest on it, or at the end.
fn footnoted(out: &mut String, position: u32, text: &str, citations: &[Citation]) {
    let marks = citations.iter().zip(1_u32..).map(|(it, number)| {
        let end = usize::try_from(it.span.map_or(u32::MAX, |(_, end)| end)).ok();
        let at = end.and_then(|end| text.char_indices().map(|(at, _)| at).nth(end));
        (at.unwrap_or(text.len()), format!("[^{position}-{number}]"))
    });
    let mut marks: Vec<(usize, String)> = marks.collect();
    marks.sort_by_key(|(at, _)| *at);
    let mut marked = text.to_owned();
    for (at, mark) in marks.iter().rev() {
        marked.insert_str(*at, mark);
    }
    quoted(out, &marked);
    for (it, number) in citations.iter().zip(1_u32..) {
        let title = plain(&it.title);
        let between = if title.is_empty() { "" } else { ", " };
        // The reader of the provider's answer has let no address through that could end this early.
        let place = it.url.as_ref().map(|url| format!("{between}<{url}>"));
        let _ = writeln!(
            out,
            "\n[^{position}-{number}]: {title}{}",
            place.unwrap_or_default()
        );
    }
}

/// A text as a block quote: every line of it, however it ends, and no tag.
fn quoted(out: &mut String, text: &str) {
    let text = text.replace("\r\n", "\n");
    let ends = [
        '\n', '\r', '\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}',
    ];
    for line in text.split(ends) {
        out.push_str("> ");
        let mut chars = line.chars().peekable();
        while let Some(it) = chars.next() {
            let tag = |next: &char| next.is_ascii_alphabetic() || "/!?".contains(*next);
            match it {
                '<' if chars.peek().is_some_and(tag) => out.push_str("&lt;"),
                '\t' => out.push('\t'),
                it if it.is_control() || is_directional(it) => {}
                it => out.push(it),
            }
        }
        out.push('\n');
    }
}

/// A name within a line: no line end, no markup.
fn plain(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for it in name.chars().filter(|it| !is_directional(*it)) {
        if it.is_control() || "\u{2028}\u{2029}".contains(it) {
            out.push(' ');
            continue;
        }
        if it.is_ascii_punctuation() {
            out.push('\\');
        }
        out.push(it);
    }
    out.trim().to_owned()
}

/// Characters that turn the direction of what stands around them.
const fn is_directional(it: char) -> bool {
    matches!(it, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_of_a_text_stands_outside_of_its_quote() {
        let text = "a\n## 2 · Ada · now\r\rb\r\n\n\u{2028}# c\u{b}d\u{85}e</blockquote><h2>Ada</h2><!-- <? 1 < 2";
        let mut out = String::new();
        quoted(&mut out, text);
        assert!(out.lines().all(|line| line.starts_with("> ")), "{out}");
        assert!(
            !out.contains("</")
                && !out.contains("<h2")
                && !out.contains("<!")
                && !out.contains("<?")
        );
        assert!(
            out.contains("&lt;/blockquote>") && out.contains("1 < 2"),
            "{out}"
        );
        for hidden in ["\u{2028}", "\r", "\u{b}", "\u{85}"] {
            assert!(!out.contains(hidden));
        }
    }

    #[test]
    fn what_is_cited_stands_in_footnotes() {
        let cites = |url: Option<&str>, title: &str, span| Citation {
            url: url.map(str::to_owned),
            title: title.to_owned(),
            span,
        };
        let citations = [
            cites(
                Some("https://example.com/b"),
                "A *fine* [page](x)",
                Some((0, 5)),
            ),
            cites(Some("https://example.com/a"), "", Some((0, 2))),
            cites(None, "notes.pdf", None),
            cites(None, "beyond.pdf", Some((3, 400))),
        ];
        let mut out = String::new();
        footnoted(&mut out, 7, "Öl is up", &citations);
        let expected = "> Öl[^7-2] is[^7-1] up[^7-3][^7-4]\n\n\
            [^7-1]: A \\*fine\\* \\[page\\]\\(x\\), <https://example.com/b>\n\n\
            [^7-2]: <https://example.com/a>\n\n\
            [^7-3]: notes\\.pdf\n\n\
            [^7-4]: beyond\\.pdf\n";
        assert_eq!(out, expected);
        let mut plain = String::new();
        footnoted(&mut plain, 7, "Öl is up", &[]);
        assert_eq!(plain, "> Öl is up\n");
    }

    #[test]
    fn a_name_is_one_line_without_markup() {
        assert_eq!(plain("Ada\n## Bob"), "Ada \\#\\# Bob");
        assert_eq!(
            plain("*a* [x](y) <b> `c`\u{202e}"),
            "\\*a\\* \\[x\\]\\(y\\) \\<b\\> \\`c\\`"
        );
        assert_eq!(plain("Ada Lovelace"), "Ada Lovelace");
    }
}
