//! The page of the OpenAPI document, as HTML. Every text goes through [`escape`].

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Map, Value};

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

struct Operation<'a> {
    method: &'static str,
    path: &'a str,
    value: &'a Value,
}

pub(super) fn page(document: &Value) -> String {
    let tags = by_tag(document);
    let info = &document["info"];
    let mut out = String::with_capacity(64 * 1024);
    out.push_str("<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">");
    out.push_str("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">");
    out.push_str("<title>Chancery API</title><link rel=\"stylesheet\" href=\"/docs/style.css\">");
    out.push_str(
        "<script src=\"/docs/filter.js\" defer></script></head><body><div class=\"layout\">",
    );
    out.push_str(
        "<nav aria-label=\"Areas\"><label class=\"quiet\" for=\"filter\">Find an operation</label>",
    );
    out.push_str("<input id=\"filter\" type=\"search\" placeholder=\"e.g. post run\" autocomplete=\"off\"><ul>");
    for (tag, operations) in &tags {
        let tag = escape(tag);
        put(
            &mut out,
            format_args!(
                "<li><a href=\"#{tag}\">{tag} <span class=\"quiet\">{}</span></a></li>",
                operations.len()
            ),
        );
    }
    out.push_str("<li><a href=\"#schemas\">schemas</a></li></ul></nav><main>");
    put(
        &mut out,
        format_args!("<h1>{}</h1>", escape(text(&info["title"]))),
    );
    put(
        &mut out,
        format_args!(
            "<p class=\"quiet\">Version {} · <a href=\"/v1/openapi.json\">OpenAPI document</a></p>",
            escape(text(&info["version"]))
        ),
    );
    prose(&mut out, text(&info["description"]));
    for (tag, operations) in &tags {
        let tag = escape(tag);
        put(
            &mut out,
            format_args!("<section class=\"tag\"><h2 id=\"{tag}\">{tag}</h2>"),
        );
        for operation in operations {
            put_operation(&mut out, operation);
        }
        out.push_str("</section>");
    }
    put_schemas(&mut out, document);
    out.push_str("</main></div></body></html>");
    out
}

fn by_tag(document: &Value) -> BTreeMap<&str, Vec<Operation<'_>>> {
    let mut tags: BTreeMap<&str, Vec<Operation<'_>>> = BTreeMap::new();
    for (path, item) in members(&document["paths"]) {
        for method in METHODS {
            let value = &item[method];
            if value.is_object() {
                let tag = value["tags"][0].as_str().unwrap_or("other");
                tags.entry(tag).or_default().push(Operation {
                    method,
                    path,
                    value,
                });
            }
        }
    }
    tags
}

fn put_operation(out: &mut String, operation: &Operation<'_>) {
    let Operation {
        method,
        path,
        value,
    } = operation;
    let id = escape(value["operationId"].as_str().unwrap_or(path));
    let scope = value["security"][0]["bearer"][0]
        .as_str()
        .unwrap_or("public");
    put(
        out,
        format_args!(
            "<details class=\"operation\" id=\"{id}\"><summary><span class=\"method {method}\">{method}</span>\
             <span class=\"path\">{}</span><span class=\"what\">{}</span><span class=\"scope\">{}</span></summary><div class=\"body\">",
            escape(path),
            escape(text(&value["summary"])),
            escape(scope),
        ),
    );
    prose(out, text(&value["description"]));
    put_parameters(out, &value["parameters"]);
    if value["requestBody"].is_object() {
        out.push_str("<h3>Body</h3>");
        put_content(out, &value["requestBody"]["content"]);
    }
    put_responses(out, &value["responses"]);
    out.push_str("</div></details>");
}

fn put_parameters(out: &mut String, parameters: &Value) {
    let Some(parameters) = parameters.as_array().filter(|all| !all.is_empty()) else {
        return;
    };
    out.push_str("<h3>Parameters</h3><div class=\"table\"><table><tr><th>Name</th><th>In</th><th>Type</th><th></th></tr>");
    for parameter in parameters {
        let required = if parameter["required"] == true {
            " <span class=\"required\">required</span>"
        } else {
            ""
        };
        put(
            out,
            format_args!(
                "<tr><td><code>{}</code>{required}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
                escape(text(&parameter["name"])),
                escape(text(&parameter["in"])),
                type_of(&parameter["schema"]),
                inline(text(&parameter["description"])),
            ),
        );
    }
    out.push_str("</table></div>");
}

fn put_responses(out: &mut String, responses: &Value) {
    out.push_str("<h3>Answers</h3><div class=\"table\"><table>");
    for (status, response) in members(responses) {
        put(
            out,
            format_args!(
                "<tr><td><code>{}</code></td><td>{}</td><td>",
                escape(status),
                inline(text(&response["description"]))
            ),
        );
        for (media, content) in members(&response["content"]) {
            put(
                out,
                format_args!(
                    "{} <span class=\"quiet\">{}</span>",
                    type_of(&content["schema"]),
                    escape(media)
                ),
            );
        }
        out.push_str("</td></tr>");
    }
    out.push_str("</table></div>");
}

fn put_content(out: &mut String, content: &Value) {
    for (media, content) in members(content) {
        put(
            out,
            format_args!(
                "<p>{} <span class=\"quiet\">{}</span></p>",
                type_of(&content["schema"]),
                escape(media)
            ),
        );
    }
}

fn put_schemas(out: &mut String, document: &Value) {
    out.push_str("<section><h2 id=\"schemas\">schemas</h2>");
    for (name, schema) in members(&document["components"]["schemas"]) {
        let name = escape(name);
        put(
            out,
            format_args!(
                "<details class=\"schema\" id=\"schema-{name}\"><summary><span class=\"path\">{name}</span></summary><div class=\"body\">"
            ),
        );
        prose(out, text(&schema["description"]));
        put_fields(out, schema);
        out.push_str("</div></details>");
    }
    out.push_str("</section>");
}

fn put_fields(out: &mut String, schema: &Value) {
    if !schema["properties"].is_object() {
        put(out, format_args!("<p>{}</p>", type_of(schema)));
        return;
    }
    let required = |name: &str| {
        schema["required"]
            .as_array()
            .is_some_and(|all| all.iter().any(|it| it == name))
    };
    out.push_str("<div class=\"table\"><table><tr><th>Member</th><th>Type</th><th></th></tr>");
    for (name, field) in members(&schema["properties"]) {
        let mark = if required(name) {
            " <span class=\"required\">required</span>"
        } else {
            ""
        };
        put(
            out,
            format_args!(
                "<tr><td><code>{}</code>{mark}</td><td>{}</td><td>{}</td></tr>",
                escape(name),
                type_of(field),
                inline(text(&field["description"]))
            ),
        );
    }
    out.push_str("</table></div>");
}

/// A schema in a few words, with links to those that have a name.
fn type_of(schema: &Value) -> String {
    if let Some(target) = schema["$ref"].as_str() {
        let name = escape(target.rsplit('/').next().unwrap_or(target));
        return format!("<a href=\"#schema-{name}\">{name}</a>");
    }
    for many in ["oneOf", "anyOf", "allOf"] {
        if let Some(choices) = schema[many].as_array() {
            return choices.iter().map(type_of).collect::<Vec<_>>().join(" or ");
        }
    }
    if let Some(values) = schema["enum"].as_array() {
        let values = values
            .iter()
            .map(|value| format!("<code>{}</code>", escape(&value.to_string())));
        return values.collect::<Vec<_>>().join(" ");
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().map(text).collect::<Vec<_>>().join(" or "),
        kind => text(kind).to_owned(),
    };
    match (kind.as_str(), schema["format"].as_str()) {
        (kind, _) if kind.starts_with("array") => format!("list of {}", type_of(&schema["items"])),
        ("", _) => "any".to_owned(),
        (kind, Some(format)) => format!("{} ({})", escape(kind), escape(format)),
        (kind, None) => escape(kind),
    }
}

fn members(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value
        .as_object()
        .into_iter()
        .flat_map(Map::iter)
        .map(|(name, value)| (name.as_str(), value))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn put(out: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a string can't fail.
    let _ = out.write_fmt(arguments);
}

/// Paragraphs, with the two marks of Markdown that our descriptions use.
fn prose(out: &mut String, markdown: &str) {
    for paragraph in markdown
        .split("\n\n")
        .filter(|paragraph| !paragraph.trim().is_empty())
    {
        put(out, format_args!("<p>{}</p>", inline(paragraph)));
    }
}

fn inline(markdown: &str) -> String {
    let escaped = escape(markdown);
    let code = pairs(&escaped, "`", "code");
    pairs(&code, "**", "strong")
}

fn pairs(text: &str, mark: &str, element: &str) -> String {
    let parts: Vec<&str> = text.split(mark).collect();
    let mut out = String::with_capacity(text.len() + 16);
    for (index, part) in parts.iter().enumerate() {
        let closed = index + 1 < parts.len();
        match index % 2 {
            1 if closed => put(&mut out, format_args!("<{element}>{part}</{element}>")),
            1 => put(&mut out, format_args!("{mark}{part}")),
            _ => out.push_str(part),
        }
    }
    out
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}
