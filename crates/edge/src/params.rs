//! What stands in the path and in the query.

use axum::extract::{FromRequestParts, RawPathParams};
use garde::Validate;
use http::request::Parts;
use serde::de::DeserializeOwned;
use serde_path_to_error::Segment;

use crate::strict::push_step;
use crate::{Problem, json};

/// The parameters of the path. One that does not parse names nothing that exists: 404.
#[derive(Debug, Clone, Copy)]
pub struct Path<T>(pub T);

impl<S, T> FromRequestParts<S> for Path<T>
where
    S: Send + Sync,
    T: DeserializeOwned + Send,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let not_found = |()| Problem::not_found("thing");
        let raw = RawPathParams::from_request_parts(parts, state).await;
        let raw = raw.map_err(|_| not_found(()))?;
        // No text of ours holds U+0000, and Postgres can't even compare with it.
        if raw.iter().any(|(_, value)| value.contains('\0')) {
            return Err(not_found(()));
        }
        let path = axum::extract::Path::from_request_parts(parts, state).await;
        path.map(|axum::extract::Path(value)| Self(value))
            .map_err(|_| not_found(()))
    }
}

/// The parameters of the query, but for `limit` and `cursor`, which belong to
/// [`crate::Paging`]. Give `T` `deny_unknown_fields`, so that a typing error is no empty filter.
#[derive(Debug, Clone, Copy)]
pub struct Query<T>(pub T);

impl<S, T> FromRequestParts<S> for Query<T>
where
    S: Send + Sync,
    T: DeserializeOwned + Validate<Context = ()>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let query = parts.uri.query().unwrap_or_default();
        let mut rest = form_urlencoded::Serializer::new(String::new());
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            if name.contains('\0') || value.contains('\0') {
                return Err(invalid(&name, "the character U+0000 is not allowed"));
            }
            if name != "limit" && name != "cursor" {
                rest.append_pair(&name, &value);
            }
        }
        let rest = rest.finish();
        let pairs = form_urlencoded::parse(rest.as_bytes());
        let reader = serde_urlencoded::Deserializer::new(pairs);
        let value: T = serde_path_to_error::deserialize(reader).map_err(|error| {
            let mut name = String::new();
            if let Some(Segment::Map { key }) = error.path().iter().next() {
                name.clone_from(key);
            }
            invalid(&name, &json::wanted(&error.inner().to_string()))
        })?;
        json::validate(&value)?;
        Ok(Self(value))
    }
}

/// The problem of one parameter of the query.
pub(crate) fn invalid(name: &str, message: &str) -> Problem {
    let mut pointer = String::new();
    if !name.is_empty() {
        push_step(&mut pointer, name);
    }
    Problem::invalid_field(pointer, message)
}
