//! The OpenAPI document, and `/docs`: a page that is made from it once, when the edge starts.
//!
//! The page asks nobody for anything: its style and its few lines of script come from here.

use std::sync::Arc;

use axum::Extension;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderValue, header};
use utoipa::openapi::OpenApi;

use crate::Problem;

mod render;

const STYLE: &str = include_str!("docs/style.css");
const SCRIPT: &str = include_str!("docs/filter.js");
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";

/// What is served, ready to be sent.
pub(crate) struct Pages {
    document: Bytes,
    page: Bytes,
}

impl Pages {
    pub(crate) fn new(document: &OpenApi) -> Self {
        // A document that was built from Rust types has a JSON; an empty one would show in a test.
        let value = serde_json::to_value(document).unwrap_or_default();
        let json = serde_json::to_vec(&value).unwrap_or_default();
        Self {
            document: json.into(),
            page: render::page(&value).into(),
        }
    }
}

fn answer(content_type: &'static str, body: Bytes) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(content_type)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(POLICY),
        ),
    ];
    (headers, body).into_response()
}

pub(crate) async fn document(Extension(pages): Extension<Arc<Pages>>) -> Response {
    answer("application/json", pages.document.clone())
}

pub(crate) async fn page(Extension(pages): Extension<Arc<Pages>>) -> Response {
    answer("text/html; charset=utf-8", pages.page.clone())
}

pub(crate) async fn file(Path(file): Path<String>) -> Response {
    match file.as_str() {
        "style.css" => answer(
            "text/css; charset=utf-8",
            Bytes::from_static(STYLE.as_bytes()),
        ),
        "filter.js" => answer(
            "text/javascript; charset=utf-8",
            Bytes::from_static(SCRIPT.as_bytes()),
        ),
        _ => Problem::not_found("page").into_response(),
    }
}
