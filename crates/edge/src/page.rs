//! Lists: `?limit=` and `?cursor=` in, `{"items": […], "next_cursor": …}` out.
//!
//! A cursor is the sort key of the last item, as base64url of JSON. It says where to go on in
//! whatever its reader may see, and proves nothing: the statement that takes it is scoped to the
//! caller's organisation like any other.

use std::error::Error;

use axum::extract::FromRequestParts;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::request::Parts;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use vocab::limits::{PAGE_DEFAULT, PAGE_MAX};

use crate::{Problem, params, strict};

/// The longest cursor that is read, in bytes.
const CURSOR_BYTES_MAX: usize = 2_048;

/// One page of a list.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Page<T> {
    /// The items, in the list's order.
    pub items: Vec<T>,
    /// What to ask for the next page with; null on the last one.
    pub next_cursor: Option<String>,
}

/// The parameters that every list takes, for the OpenAPI document.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "read by the document alone; requests are read by `Paging`"
)]
pub struct PageParams {
    /// How many items at most; 50 unless said otherwise.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Which page is asked for.
#[derive(Debug, Clone)]
pub struct Paging {
    limit: u32,
    cursor: Option<String>,
}

impl Paging {
    /// How many items the page holds at most.
    #[must_use]
    pub const fn limit(&self) -> u32 {
        self.limit
    }

    /// How many rows to ask for: one more than the page holds, to know whether there is a next.
    #[must_use]
    pub const fn fetch(&self) -> u32 {
        self.limit + 1
    }

    /// The sort key after which the page begins, or `None` for the first page.
    ///
    /// # Errors
    /// The cursor is not one of this list.
    pub fn after<C: DeserializeOwned>(&self) -> Result<Option<C>, Problem> {
        let Some(cursor) = &self.cursor else {
            return Ok(None);
        };
        let text = URL_SAFE_NO_PAD
            .decode(cursor)
            .ok()
            .and_then(|it| String::from_utf8(it).ok());
        // As strict as a body: a cursor is made by whoever sends it.
        let text = text.filter(|text| strict::check(text).is_ok());
        let key = text.and_then(|text| serde_json::from_str(&text).ok());
        key.map(Some).ok_or_else(bad_cursor)
    }
}

fn bad_cursor() -> Problem {
    params::invalid("cursor", "not a `next_cursor` of this list")
}

impl<S: Send + Sync> FromRequestParts<S> for Paging {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut paging = Self {
            limit: PAGE_DEFAULT,
            cursor: None,
        };
        let query = parts.uri.query().unwrap_or_default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "limit" => {
                    let limit = value
                        .parse()
                        .ok()
                        .filter(|limit| (1..=PAGE_MAX).contains(limit));
                    paging.limit = limit.ok_or_else(|| {
                        let message = format!("expected a number from 1 to {PAGE_MAX}");
                        params::invalid("limit", &message)
                    })?;
                }
                "cursor" if value.is_empty() => {}
                "cursor" if value.len() > CURSOR_BYTES_MAX => return Err(bad_cursor()),
                "cursor" => paging.cursor = Some(value.into_owned()),
                _ => {}
            }
        }
        Ok(paging)
    }
}

impl<T> Page<T> {
    /// Makes a page of rows that were asked for with [`Paging::fetch`]; `key` gives the sort key of
    /// a row, as [`Paging::after`] will read it.
    pub fn cut<C: Serialize>(mut rows: Vec<T>, paging: &Paging, key: impl FnOnce(&T) -> C) -> Self {
        let limit = paging.limit as usize;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next_cursor = rows.last().filter(|_| more).and_then(|last| {
            let written = serde_json::to_vec(&key(last));
            if let Err(error) = &written {
                tracing::error!(
                    error = error as &(dyn Error + 'static),
                    "a cursor has no JSON"
                );
            }
            Some(URL_SAFE_NO_PAD.encode(written.ok()?))
        });
        Self {
            items: rows,
            next_cursor,
        }
    }

    /// A page whose source says itself where the next one begins.
    pub fn with_next<C: Serialize>(items: Vec<T>, next: Option<C>) -> Self {
        let next_cursor = next.and_then(|key| serde_json::to_vec(&key).ok());
        Self {
            items,
            next_cursor: next_cursor.map(|key| URL_SAFE_NO_PAD.encode(key)),
        }
    }

    /// The same page of something else.
    pub fn map<U>(self, convert: impl FnMut(T) -> U) -> Page<U> {
        Page {
            items: self.items.into_iter().map(convert).collect(),
            next_cursor: self.next_cursor,
        }
    }
}
