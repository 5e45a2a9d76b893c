//! HTTP tools that an organisation configures: a method, a URL with places for arguments, a JSON
//! schema for them, and headers that may hold a secret by reference.
//!
//! An argument can fill a segment of the path or a value of the query; it is percent-encoded, so it
//! can't reach the host, add a segment, or add a parameter. What is left over goes into the body as
//! JSON, if the method has one.

use db::{OrgContext, Row, StoreError, params};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use vocab::{Action, Draft, EventKind, HttpMethod, HttpToolId, Timestamp, limits};

use crate::call::{self, Call, CallError};
use crate::spec::{Executor, Reads, ToolSpec, builtin};

/// A configured tool.
#[derive(Debug, Clone, PartialEq)]
pub struct HttpTool {
    /// Its id.
    pub id: HttpToolId,
    /// The name by which runs ask for it.
    pub name: String,
    /// One sentence for people and models.
    pub description: String,
    /// The method.
    pub method: HttpMethod,
    /// An absolute URL in which `{name}` stands for an argument.
    pub url_template: String,
    /// JSON Schema of the arguments.
    pub schema: Value,
    /// Headers, some with a secret.
    pub headers: Vec<Header>,
    /// Whether a second attempt does no harm.
    pub idempotent: bool,
    /// Which version of it this is, from 1.
    pub version: u32,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// A header of a configured tool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// Its name.
    pub name: String,
    /// Its value, or what stands before the secret, such as `Bearer `.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// The name of the secret that follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
}

/// Why a tool was not configured.
#[derive(Debug, thiserror::Error)]
pub enum HttpToolError {
    /// There is none of this name.
    #[error("no HTTP tool is called `{0}`")]
    NotFound(String),
    /// There is one of this name already.
    #[error("a tool is already called `{0}`")]
    NameTaken(String),
    /// What is wrong with the definition, with the member it is in.
    #[error("{1}")]
    Invalid(&'static str, String),
    /// The database.
    #[error("storage failed")]
    Store(#[from] StoreError),
}

impl HttpTool {
    /// As the registry lists it.
    #[must_use]
    pub fn spec(&self) -> ToolSpec {
        ToolSpec {
            name: self.name.clone(),
            description: self.description.clone(),
            schema: self.schema.clone(),
            action: Action::HttpFetch,
            idempotent: self.idempotent,
            executor: Executor::Broker,
            reads: Reads::Untrusted,
        }
    }

    /// Checks a call and names its target.
    ///
    /// # Errors
    /// Arguments that do not fit.
    pub fn check(&self, arguments: &Value) -> Result<Call, CallError> {
        let validator = jsonschema::validator_for(&self.schema).map_err(|error| {
            CallError::Arguments(format!("the tool's schema is broken: {error}"))
        })?;
        validator
            .validate(arguments)
            .map_err(|error| CallError::Arguments(error.masked().to_string()))?;
        let target = egress::parse_target(&self.url(arguments)?)
            .map_err(|error| CallError::Arguments(error.to_string()))?;
        Ok(Call {
            tool: self.name.clone(),
            action: Action::HttpFetch,
            target: call::http_target(&target, self.method),
            executor: Executor::Broker,
            idempotent: self.idempotent,
            reads: Reads::Untrusted,
        })
    }

    /// The URL with the arguments in their places.
    ///
    /// # Errors
    /// An argument that the URL names is missing or is no text, number or boolean.
    pub fn url(&self, arguments: &Value) -> Result<String, CallError> {
        let mut url = String::with_capacity(self.url_template.len());
        for piece in pieces(&self.url_template) {
            match piece {
                Piece::Text(text) => url.push_str(text),
                Piece::Argument(name) => url.push_str(&encoded(name, arguments.get(name))?),
            }
        }
        Ok(url)
    }

    /// The arguments that the URL does not take, as a JSON body.
    #[must_use]
    pub fn body(&self, arguments: &Value) -> Option<String> {
        match self.method {
            HttpMethod::Post | HttpMethod::Put | HttpMethod::Patch => {}
            HttpMethod::Get | HttpMethod::Head | HttpMethod::Delete | HttpMethod::Options => {
                return None;
            }
        }
        let in_url: Vec<&str> = pieces(&self.url_template)
            .filter_map(Piece::argument)
            .collect();
        let rest: Map<String, Value> = arguments
            .as_object()?
            .iter()
            .filter(|(name, _)| !in_url.contains(&name.as_str()))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        Some(Value::Object(rest).to_string())
    }

    fn validate(&self) -> Result<(), HttpToolError> {
        let invalid = HttpToolError::Invalid;
        let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        let named = !self.name.is_empty()
            && self.name.len() <= limits::NAME_CHARS_MAX
            && self.name.chars().all(plain);
        if !named {
            let message = "a name has 1 to 128 letters, digits, `.`, `_` or `-`";
            return Err(invalid("/name", message.to_owned()));
        }
        if builtin(&self.name).is_some() {
            return Err(HttpToolError::NameTaken(self.name.clone()));
        }
        let fixed = self.url_template.split('{').next().unwrap_or_default();
        let authority = fixed
            .split_once("://")
            .and_then(|(_, rest)| rest.split_once('/'));
        if authority.is_none() || egress::parse_target(fixed).is_err() {
            let message = "the URL must be absolute, with its scheme, host and port written out";
            return Err(invalid("/url_template", message.to_owned()));
        }
        jsonschema::validator_for(&self.schema)
            .map_err(|error| invalid("/schema", error.to_string()))?;
        for header in &self.headers {
            egress::Request::get("https://example.com/")
                .and_then(|it| it.header(&header.name, header.value.as_deref().unwrap_or("")))
                .map_err(|error| invalid("/headers", error.to_string()))?;
        }
        Ok(())
    }
}

enum Piece<'a> {
    Text(&'a str),
    Argument(&'a str),
}

impl<'a> Piece<'a> {
    fn argument(self) -> Option<&'a str> {
        match self {
            Self::Argument(name) => Some(name),
            Self::Text(_) => None,
        }
    }
}

fn pieces(template: &str) -> impl Iterator<Item = Piece<'_>> {
    template
        .split_inclusive('}')
        .flat_map(|part| match part.split_once('{') {
            Some((text, name)) if name.ends_with('}') => [
                Some(Piece::Text(text)),
                Some(Piece::Argument(name.trim_end_matches('}'))),
            ],
            Some(_) | None => [Some(Piece::Text(part)), None],
        })
        .flatten()
}

/// Everything but unreserved characters is percent-encoded (RFC 3986, 2.3); a value of only dots
/// would be a step in the path.
fn encoded(name: &str, value: Option<&Value>) -> Result<String, CallError> {
    let text = match value {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::Bool(flag)) => flag.to_string(),
        Some(Value::Null | Value::Array(_) | Value::Object(_)) | None => {
            return Err(CallError::Arguments(format!(
                "`{name}` must be a text or a number"
            )));
        }
    };
    if !text.is_empty() && text.chars().all(|c| c == '.') {
        return Err(CallError::Arguments(format!("`{name}` can't be only dots")));
    }
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let encode = |byte: u8| match plain(byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    Ok(text.bytes().map(encode).collect())
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, name, description, method, url_template, schema, headers, idempotent, ",
            "version, updated_at_us FROM http_tools WHERE org_id = $1",
            $rest
        )
    };
}

fn tool(row: &Row) -> Result<HttpTool, StoreError> {
    let decode = |column| StoreError::Decode {
        column,
        expected: "an HTTP tool",
    };
    let method: String = row.get(3)?;
    let (schema, headers): (String, String) = (row.get(5)?, row.get(6)?);
    Ok(HttpTool {
        id: row.get(0)?,
        name: row.get(1)?,
        description: row.get(2)?,
        method: HttpMethod::parse(&method).ok_or_else(|| decode(3))?,
        url_template: row.get(4)?,
        schema: serde_json::from_str(&schema).map_err(|_| decode(5))?,
        headers: serde_json::from_str(&headers).map_err(|_| decode(6))?,
        idempotent: row.get(7)?,
        version: row.get(8)?,
        updated_at: row.get(9)?,
    })
}

/// The tool of this name.
///
/// # Errors
/// The database.
pub async fn find(ctx: &OrgContext, name: &str) -> Result<Option<HttpTool>, StoreError> {
    let row = ctx
        .read()
        .await?
        .optional(select!(" AND name = $2"), &params![name])
        .await?;
    row.as_ref().map(tool).transpose()
}

/// Every configured tool, by name.
///
/// # Errors
/// The database.
pub async fn list(ctx: &OrgContext) -> Result<Vec<HttpTool>, StoreError> {
    ctx.read()
        .await?
        .all(select!(" ORDER BY name"), &[])
        .await?
        .iter()
        .map(tool)
        .collect()
}

/// Configures a tool, new (`version` 1) or in place of the version before.
///
/// # Errors
/// The definition is not sound, or another tool has the name.
pub async fn put(ctx: &OrgContext, definition: &HttpTool) -> Result<(), HttpToolError> {
    definition.validate()?;
    let mut tx = ctx.write().await?;
    let json = |value: &Value| value.to_string();
    let headers = serde_json::to_value(&definition.headers).unwrap_or_default();
    let changed = tx
        .execute(
            "INSERT INTO http_tools (org_id, id, name, description, method, url_template, schema, \
             headers, idempotent, version, created_at_us, updated_at_us) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11) \
             ON CONFLICT (org_id, name) DO UPDATE SET description = excluded.description, \
             method = excluded.method, url_template = excluded.url_template, \
             schema = excluded.schema, headers = excluded.headers, \
             idempotent = excluded.idempotent, version = excluded.version, \
             updated_at_us = excluded.updated_at_us \
             WHERE http_tools.version = excluded.version - 1",
            &params![
                definition.id,
                &definition.name,
                &definition.description,
                definition.method.as_str(),
                &definition.url_template,
                json(&definition.schema),
                json(&headers),
                definition.idempotent,
                definition.version,
                definition.updated_at
            ],
        )
        .await?;
    if changed == 0 {
        return Err(HttpToolError::NameTaken(definition.name.clone()));
    }
    tx.record(
        Draft::new(EventKind::ToolConfigured, definition.id)
            .fact("name", definition.name.as_str())
            .fact("method", definition.method.as_str())
            .fact("url_template", definition.url_template.as_str())
            .fact("version", definition.version),
    );
    tx.commit().await?;
    Ok(())
}

/// Removes a tool.
///
/// # Errors
/// There is none of this name.
pub async fn remove(ctx: &OrgContext, name: &str) -> Result<(), HttpToolError> {
    let missing = || HttpToolError::NotFound(name.to_owned());
    let id = find(ctx, name).await?.ok_or_else(missing)?.id;
    let mut tx = ctx.write().await?;
    let sql = "DELETE FROM http_tools WHERE org_id = $1 AND name = $2";
    if tx.execute(sql, &params![name]).await? == 0 {
        return Err(missing());
    }
    tx.record(Draft::new(EventKind::ToolRemoved, id).fact("name", name));
    tx.commit().await?;
    Ok(())
}
