//! Links between documents lead somewhere.

use std::path::Path;

use regex::Regex;

use crate::tree;

/// Targets of the links in a Markdown text, without code blocks and code spans.
fn links(text: &str) -> Vec<String> {
    let link = Regex::new(r#"\]\(<?([^)\s>]+)>?(?:\s+"[^"]*")?\)|^\[[^\]]+\]:\s+(\S+)"#).unwrap();
    let code = Regex::new("`[^`]*`").unwrap();
    let mut links = Vec::new();
    let mut in_code = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        } else if !in_code {
            let line = code.replace_all(line, "");
            links.extend(
                link.captures_iter(&line)
                    .filter_map(|found| found.get(1).or(found.get(2)))
                    .map(|target| target.as_str().to_owned()),
            );
        }
    }
    links
}

/// The anchors that headings make, as GitHub makes them.
fn anchors(text: &str) -> Vec<String> {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    headings
        .map(|line| {
            let title = line.trim_start_matches('#').trim().to_lowercase();
            let kept = title
                .chars()
                .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
            kept.map(|c| if c == ' ' { '-' } else { c }).collect()
        })
        .collect()
}

fn leads_somewhere(from: &str, target: &str) -> bool {
    if target.contains("://") || target.starts_with("mailto:") {
        return true;
    }
    let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
    let path = match path.strip_prefix('/') {
        _ if path.is_empty() => from.to_owned(),
        Some(from_root) => from_root.to_owned(),
        None => Path::new(from)
            .parent()
            .unwrap()
            .join(path)
            .to_string_lossy()
            .into_owned(),
    };
    if !tree::root().join(&path).exists() {
        return false;
    }
    let markdown = path.ends_with(".md");
    let text = tree::read(&path).unwrap_or_default();
    anchor.is_empty() || !markdown || anchors(&text).iter().any(|known| known == anchor)
}

#[test]
fn links_between_documents_lead_somewhere() {
    tree::none(tree::files_with(".md").into_iter().flat_map(|path| {
        let text = tree::read(&path).unwrap_or_default();
        let dead = links(&text)
            .into_iter()
            .filter(|target| !leads_somewhere(&path, target));
        dead.map(|target| format!("`{path}`: nothing at `{target}`"))
            .collect::<Vec<_>>()
    }));
}

#[test]
fn a_dead_link_is_found() {
    let text = "[a](b.md) and `[c](d.md)`\n```\n[e](f.md)\n```\n![g](h.png \"i\")\n[j]: k.md";
    assert_eq!(links(text), ["b.md", "h.png", "k.md"]);
    assert_eq!(
        anchors("# One and `two`!\ntext\n## C2SP-note"),
        ["one-and-two", "c2sp-note"]
    );
    assert!(leads_somewhere("xtask/a.md", "Cargo.toml"));
    assert!(leads_somewhere("xtask/a.md", "../Cargo.toml"));
    assert!(leads_somewhere("xtask/a.md", "https://example.org/x"));
    assert!(!leads_somewhere("xtask/a.md", "nothing.md"));
    assert!(!leads_somewhere(
        "CONTRIBUTING.md",
        "CONTRIBUTING.md#no-such-heading"
    ));
}
