//! What is answered where no handler is.

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::{Method, StatusCode};

use crate::Problem;
use crate::edge::Pages;

/// No route has this path; perhaps there is a page.
pub(crate) async fn not_found(pages: Option<Pages>, request: Request) -> Response {
    pages
        .and_then(|pages| pages(request.method(), request.uri(), request.headers()))
        .unwrap_or_else(|| Problem::not_found("route").into_response())
}

/// The route has this path, and not this method. The router adds `Allow`.
pub(crate) async fn method_not_allowed(method: Method) -> Response {
    if method == Method::OPTIONS {
        return StatusCode::NO_CONTENT.into_response();
    }
    let detail = "the route does not take this method";
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", detail).into_response()
}
