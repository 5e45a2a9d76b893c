//! What is answered where no handler is.

use axum::response::{IntoResponse, Response};
use http::{Method, StatusCode};

use crate::Problem;

/// No route has this path.
pub(crate) async fn not_found() -> Problem {
    Problem::not_found("route")
}

/// The route has this path, and not this method. The router adds `Allow`.
pub(crate) async fn method_not_allowed(method: Method) -> Response {
    if method == Method::OPTIONS {
        return StatusCode::NO_CONTENT.into_response();
    }
    let detail = "the route does not take this method";
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", detail).into_response()
}
