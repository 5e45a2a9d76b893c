//! JSON bodies, in and out.

use std::error::Error;

use axum::body::{Body, to_bytes};
use axum::extract::{FromRequest, Request};
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use futures::StreamExt as _;
use garde::Validate;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_path_to_error::Segment;
use vocab::limits::BODY_BYTES_MAX;

use crate::strict::{self, push_step};
use crate::{FieldError, Problem};

/// A JSON body. Coming in, it must be `application/json`, at most
/// [`BODY_BYTES_MAX`] bytes of UTF-8, free of duplicate members and U+0000, not nested too deeply,
/// of `T`'s form and valid by `T`'s rules. Whatever it is not becomes a [`Problem`].
#[derive(Debug, Clone, Copy, Default)]
pub struct Json<T>(pub T);

/// A JSON body that may be left out altogether.
#[derive(Debug, Clone, Copy, Default)]
pub struct OptionalJson<T>(pub Option<T>);

/// A body of members that are all texts: `application/json`, or `application/x-www-form-urlencoded`
/// as the clients of OAuth send it. The same rules hold for both. No body at all has no members.
#[derive(Debug, Clone, Copy, Default)]
pub struct FormOrJson<T>(pub T);

impl<S, T> FromRequest<S> for FormOrJson<T>
where
    S: Send + Sync,
    T: DeserializeOwned + Validate<Context = ()>,
{
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let bytes = read(&parts.headers, body).await?;
        if bytes.is_empty() {
            return parse(b"{}").map(Self);
        }
        if essence(&parts.headers).eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return parse(&members(&bytes)?).map(Self);
        }
        expect_json(&parts.headers)?;
        parse(&bytes).map(Self)
    }
}

impl<S, T> FromRequest<S> for Json<T>
where
    S: Send + Sync,
    T: DeserializeOwned + Validate<Context = ()>,
{
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        expect_json(&parts.headers)?;
        let bytes = read(&parts.headers, body).await?;
        parse(&bytes).map(Self)
    }
}

impl<S, T> FromRequest<S> for OptionalJson<T>
where
    S: Send + Sync,
    T: DeserializeOwned + Validate<Context = ()>,
{
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let bytes = read(&parts.headers, body).await?;
        if bytes.is_empty() {
            return Ok(Self(None));
        }
        expect_json(&parts.headers)?;
        parse(&bytes).map(|value| Self(Some(value)))
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(body) => {
                let json = HeaderValue::from_static("application/json");
                ([(header::CONTENT_TYPE, json)], body).into_response()
            }
            Err(error) => {
                tracing::error!(
                    error = &error as &(dyn Error + 'static),
                    "an answer has no JSON"
                );
                Problem::internal().into_response()
            }
        }
    }
}

/// The whole body, if it is not too large.
pub(crate) async fn read(headers: &HeaderMap, body: Body) -> Result<Bytes, Problem> {
    let announced: Option<usize> = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|it| it.to_str().ok()?.parse().ok());
    match announced {
        Some(length) if length <= BODY_BYTES_MAX => {
            to_bytes(body, BODY_BYTES_MAX).await.map_err(|_| broken())
        }
        // Whoever waits to be let in sees the answer before sending anything.
        Some(_) if headers.contains_key(header::EXPECT) => Err(Problem::too_large(BODY_BYTES_MAX)),
        Some(_) | None => read_all(body).await,
    }
}

/// How much of a body that is too large is read and thrown away. Most senders read the answer only
/// once they have sent everything; a connection closed before that hides from them why.
const THROWN_AWAY_BYTES_MAX: usize = 8 * BODY_BYTES_MAX;

async fn read_all(body: Body) -> Result<Bytes, Problem> {
    let mut pieces = body.into_data_stream();
    let mut whole = BytesMut::new();
    let mut size = 0_usize;
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|_| broken())?;
        size = size.saturating_add(piece.len());
        if size <= BODY_BYTES_MAX {
            whole.extend_from_slice(&piece);
        } else {
            whole = BytesMut::new();
        }
        if size > THROWN_AWAY_BYTES_MAX {
            break;
        }
    }
    if size > BODY_BYTES_MAX {
        return Err(Problem::too_large(BODY_BYTES_MAX));
    }
    Ok(whole.freeze())
}

fn broken() -> Problem {
    let detail = "the body broke off before its end";
    Problem::new(StatusCode::BAD_REQUEST, "BODY_INCOMPLETE", detail).retryable()
}

/// The content type without its parameters.
fn essence(headers: &HeaderMap) -> &str {
    let value = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    value
        .and_then(|it| it.split(';').next())
        .map(str::trim)
        .unwrap_or_default()
}

/// A form as the JSON object of its members. An empty value counts as left out (RFC 6749, 3.1).
fn members(form: &[u8]) -> Result<Vec<u8>, Problem> {
    let mut members = serde_json::Map::new();
    for (name, value) in form_urlencoded::parse(form).filter(|(_, value)| !value.is_empty()) {
        let value = serde_json::Value::String(value.into_owned());
        if members.insert(name.clone().into_owned(), value).is_some() {
            let mut pointer = String::new();
            push_step(&mut pointer, &name);
            return Err(Problem::invalid_field(&pointer, "is there twice"));
        }
    }
    serde_json::to_vec(&members).map_err(|_| Problem::internal())
}

fn expect_json(headers: &HeaderMap) -> Result<(), Problem> {
    if essence(headers).eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    Err(Problem::unsupported_media())
}

fn parse<T: DeserializeOwned + Validate<Context = ()>>(bytes: &[u8]) -> Result<T, Problem> {
    let text = std::str::from_utf8(bytes)
        .map_err(|_| Problem::invalid_field("", "the body is not UTF-8"))?;
    strict::check(text).map_err(|flaw| Problem::invalid(vec![flaw]))?;
    // A list would be read as the members of a type in their order, and an empty one as none of them.
    if text.trim_start().starts_with('[') {
        return Err(Problem::invalid_field("", "expected an object"));
    }
    let mut reader = serde_json::Deserializer::from_str(text);
    let value: T = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let message = wanted(&error.inner().to_string());
        Problem::invalid_field(pointer(error.path()), message)
    })?;
    validate(&value)?;
    Ok(value)
}

/// Applies the rules of a type.
pub(crate) fn validate<T: Validate<Context = ()>>(value: &T) -> Result<(), Problem> {
    value.validate().map_err(|report| {
        let errors = report.iter().map(|(path, error)| {
            let mut pointer = String::new();
            for step in path
                .to_string()
                .split(['.', '['])
                .filter(|step| !step.is_empty())
            {
                push_step(&mut pointer, step.trim_end_matches(']'));
            }
            FieldError::new(pointer, error.message())
        });
        Problem::invalid(errors.collect())
    })
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    let mut pointer = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => push_step(&mut pointer, &index.to_string()),
            Segment::Map { key } => push_step(&mut pointer, key),
            Segment::Enum { variant } => push_step(&mut pointer, variant),
            Segment::Unknown => {}
        }
    }
    pointer
}

/// What was wanted, without a copy of what was sent: that may be a secret in the wrong place.
pub(crate) fn wanted(message: &str) -> String {
    let message = message.split(" at line ").next().unwrap_or_default();
    let sent = message.starts_with("invalid type") || message.starts_with("invalid value");
    match message.rsplit_once(", expected ") {
        Some((_, expected)) if sent => format!("expected {expected}"),
        _ => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize, Validate)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        #[garde(length(min = 2))]
        name: String,
    }

    #[derive(Debug, serde::Deserialize, Validate)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        #[garde(dive)]
        items: Vec<Inner>,
        #[garde(range(max = 10))]
        count: u32,
    }

    fn errors(text: &str) -> Vec<(String, String)> {
        let problem = parse::<Outer>(text.as_bytes()).unwrap_err();
        let body: serde_json::Value = serde_json::from_slice(&problem.body()).unwrap();
        let text = |error: &serde_json::Value, name: &str| error[name].as_str().unwrap().to_owned();
        let errors = body["errors"].as_array().unwrap().iter();
        errors
            .map(|error| (text(error, "pointer"), text(error, "message")))
            .collect()
    }

    #[test]
    fn a_list_is_no_object() {
        #[derive(Debug, serde::Deserialize, Validate)]
        struct Change {
            #[serde(default)]
            #[garde(skip)]
            _name: Option<String>,
        }
        assert!(parse::<Change>(b"{}").is_ok());
        for list in ["[]", " [\"x\"]"] {
            let problem = parse::<Change>(list.as_bytes()).unwrap_err();
            assert_eq!(problem.code(), "INVALID", "{list}");
        }
    }

    #[test]
    fn a_form_is_an_object_of_texts() {
        let object = |form: &str| String::from_utf8(members(form.as_bytes()).unwrap()).unwrap();
        assert_eq!(object("a=1&b=x+y%2F&c="), r#"{"a":"1","b":"x y/"}"#);
        assert_eq!(object(""), "{}");
        assert!(members(b"a=1&a=2").is_err());
    }

    #[test]
    fn each_flaw_has_its_pointer_and_no_copy_of_the_value() {
        assert!(parse::<Outer>(br#"{"items":[{"name":"ab"}],"count":1}"#).is_ok());
        let found = errors(r#"{"items":[{"name":"ab"},{"name":"a"}],"count":11}"#);
        let mut pointers: Vec<_> = found.iter().map(|(pointer, _)| pointer.as_str()).collect();
        pointers.sort_unstable();
        assert_eq!(pointers, ["/count", "/items/1/name"]);
        let found = errors(r#"{"items":[{"name":7}],"count":1}"#);
        assert_eq!(
            found,
            [("/items/0/name".into(), "expected a string".into())]
        );
        let found = errors(r#"{"items":[],"count":"hunter2"}"#);
        assert_eq!(found, [("/count".into(), "expected u32".into())]);
        let found = errors(r#"{"items":[],"count":1,"colour":"red"}"#);
        assert!(
            found[0].1.starts_with("unknown field `colour`"),
            "{found:?}"
        );
        assert_eq!(
            errors(r#"{"items":[]}"#),
            [(String::new(), "missing field `count`".into())]
        );
        assert_eq!(
            parse::<Outer>(b"\xff").unwrap_err().status(),
            StatusCode::UNPROCESSABLE_ENTITY
        );
    }
}
