//! What would have to change for a denied question to be allowed, and nothing else with it.
//!
//! A suggested rule names the principal, the action and the resource, and repeats as conditions
//! every attribute of the question that is a choice: role, person, tool, kind of run, labels,
//! enforcement. Of what only grows it takes the present as a bound: at most as many bytes, nothing
//! read that is not read now. It leaves measurements out (time, spending, risk), because a rule that
//! holds for one second is no help.

use std::fmt::Write as _;

use vocab::{Digest, Target};

use crate::entities::endpoint_id;
use crate::question::{Principal, Question};

/// One rule that permits exactly this.
pub(crate) fn permit(question: &Question, capped: bool) -> String {
    let mut rule = String::new();
    if capped {
        rule.push_str("// Only a managed policy can permit this: put the rule into one.\n");
    }
    let scope = scope(question).join(",\n  ");
    let conditions = conditions(question).join(" &&\n  ");
    let body = format!("permit (\n  {scope}\n) when {{\n  {conditions}\n}};\n");
    let short = &Digest::of(body.as_bytes()).hex()[..8];
    // Writing to a string can't fail.
    let _ = writeln!(rule, "@id(\"allow-{}-{short}\")", question.action);
    rule + &body
}

/// What would have to change in the rules that forbid this.
pub(crate) fn exception(
    question: &Question,
    forbids: &str,
    own_advice: Option<&str>,
    missing_permit: Option<&str>,
) -> String {
    let all = [scope(question).to_vec(), conditions(question)]
        .concat()
        .join(" &&\n  ");
    let mut fix = String::new();
    if let Some(advice) = own_advice {
        let _ = writeln!(fix, "{advice}");
    }
    let _ = write!(
        fix,
        "a permit can't outweigh {forbids}; to let this through, end the forbid with\n\
         unless {{\n  {all}\n}};\n"
    );
    if let Some(permit) = missing_permit {
        let _ = write!(fix, "and, because nothing permits it either, add\n{permit}");
    }
    fix
}

fn scope(question: &Question) -> [String; 3] {
    let principal = match &question.principal {
        Principal::User { id } => uid("User", &id.to_string()),
        Principal::Agent { id, .. } => uid("Agent", &id.to_string()),
    };
    let (kind, id) = match &question.target {
        Target::File { path, .. } => ("File", path.clone()),
        Target::Http {
            scheme,
            host,
            port,
            path,
            ..
        } => ("Endpoint", endpoint_id(scheme, host, *port, path)),
        Target::Process { command, .. } => ("Command", command.clone()),
        Target::Skill { name, .. } => ("Skill", name.clone()),
        Target::Artifact { name, .. } => ("Artifact", name.clone()),
        Target::Agent { name } => ("Callee", name.clone()),
        Target::Model { name } => ("Model", name.clone()),
        Target::Secret { name } => ("Secret", name.clone()),
        Target::Nothing => ("Nothing", "nothing".to_owned()),
    };
    [
        format!("principal == {principal}"),
        format!("action == {}", uid("Action", question.action.as_str())),
        format!("resource == {}", uid(kind, &id)),
    ]
}

fn conditions(question: &Question) -> Vec<String> {
    let mut all = target_conditions(question);
    let context = &question.context;
    all.push(format!(
        "principal.role == {}",
        quote(question.role.as_str())
    ));
    match &question.principal {
        Principal::User { .. } => {}
        Principal::Agent {
            user: Some(user), ..
        } => {
            all.push("context has user".to_owned());
            all.push(format!(
                "context.user == {}",
                uid("User", &user.to_string())
            ));
        }
        Principal::Agent { user: None, .. } => all.push("!(context has user)".to_owned()),
    }
    all.push(format!("context.tool == {}", quote(&question.tool)));
    all.push(format!("context.run_kind == {}", quote(&context.run_kind)));
    all.push(format!(
        "context.enforcement == {}",
        quote(context.enforcement.as_str())
    ));
    all.push(same_set("context.labels", context.session_labels.iter()));
    let read = context.has_read;
    let levels = [("private", read.private), ("untrusted", read.untrusted)];
    for (level, _) in levels.iter().filter(|(_, read)| !read) {
        all.push(format!("!context.has_read.{level}"));
    }
    all.push(format!("context.flow == {}", quote(context.flow.as_str())));
    let (found, missing): (Vec<_>, Vec<_>) = guard::Category::ALL
        .into_iter()
        .partition(|it| context.detected.has(*it));
    if found.is_empty() {
        all.push("context.detected.isEmpty()".to_owned());
    } else {
        // Less may be handed over by the same rule, and nothing else.
        let missing = missing.into_iter().map(|it| uid("Category", it.as_str()));
        all.extend(missing.map(|it| format!("!context.detected.contains({it})")));
    }
    all
}

fn target_conditions(question: &Question) -> Vec<String> {
    let mut all = Vec::new();
    let workspace = |name: &str| format!("resource.workspace == {}", quote(name));
    match &question.target {
        Target::File {
            workspace: name,
            size_bytes,
            ..
        } => {
            all.push(workspace(name));
            match size_bytes.and_then(|size| i64::try_from(size).ok()) {
                Some(size) => {
                    all.push("resource has size_bytes".to_owned());
                    all.push(format!("resource.size_bytes <= {size}"));
                }
                None if size_bytes.is_some() => all.push("resource has size_bytes".to_owned()),
                None => all.push("!(resource has size_bytes)".to_owned()),
            }
        }
        Target::Http { method, .. } => {
            all.push(format!("resource.method == {}", quote(method.as_str())));
        }
        Target::Process {
            workspace: name, ..
        } => all.push(workspace(name)),
        Target::Skill {
            digest,
            workspace: name,
            ..
        } => {
            all.push(workspace(name));
            match digest {
                Some(digest) => {
                    all.push("resource has digest".to_owned());
                    all.push(format!("resource.digest == {}", quote(&digest.to_string())));
                }
                None => all.push("!(resource has digest)".to_owned()),
            }
        }
        Target::Artifact { .. }
        | Target::Agent { .. }
        | Target::Model { .. }
        | Target::Secret { .. } => {}
        Target::Nothing => return all,
    }
    all.push(same_set("resource.labels", question.target_labels.iter()));
    all
}

fn same_set<'a>(what: &str, values: impl Iterator<Item = &'a String>) -> String {
    let values: Vec<String> = values.map(|value| quote(value)).collect();
    // Strict validation refuses an empty set literal: its type is unknown.
    if values.is_empty() {
        return format!("{what}.isEmpty()");
    }
    format!("{what} == [{}]", values.join(", "))
}

fn uid(kind: &str, id: &str) -> String {
    format!("Chancery::{kind}::{}", quote(id))
}

/// A Cedar string literal in plain ASCII, so that no character of a path can end the literal or
/// change how the rule is displayed.
fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            ' '..='~' => out.push(c),
            other => {
                let _ = write!(out, "\\u{{{:x}}}", u32::from(other));
            }
        }
    }
    out.push('"');
    out
}
