//! Answers in a client's own dialect.

use axum::body::Body;
use axum::response::Response;
use dialects::neutral::{ErrorKind, ProviderError};
use dialects::{Dialect, write_error};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde_json::Value;

use super::entry::Refused;
use crate::ModelError;

/// Who served a call, as clients name it.
pub(super) const SERVED: HeaderName = HeaderName::from_static("x-chancery-served-model");

/// Which client it is, and what this request of it is called.
#[derive(Debug, Clone)]
pub(super) struct Envelope {
    pub dialect: Dialect,
    /// Names the request in answers, and the call in the record.
    pub id: String,
}

impl Envelope {
    /// An answer with a body of JSON.
    pub fn json(&self, status: StatusCode, body: impl Into<Body>) -> Response {
        self.response(status, HeaderValue::from_static("application/json"), body)
    }

    /// An answer with a body of this type.
    pub fn response(
        &self,
        status: StatusCode,
        content_type: HeaderValue,
        body: impl Into<Body>,
    ) -> Response {
        let mut response = Response::new(body.into());
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, content_type);
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        );
        let name = match self.dialect {
            Dialect::Anthropic => HeaderName::from_static("request-id"),
            Dialect::OpenaiChat
            | Dialect::OpenaiResponses
            | Dialect::Gemini
            | Dialect::Converse => HeaderName::from_static("x-request-id"),
        };
        put(headers, name, &self.id);
        response
    }

    /// An error in the dialect's own words, and with its own headers.
    pub fn error(&self, error: &ModelError) -> Response {
        if let ModelError::Provider { raw: Some(raw), .. } = error
            && raw.dialect == self.dialect
            && !is_about_our_key(error)
        {
            let status = StatusCode::from_u16(raw.status).unwrap_or(StatusCode::BAD_GATEWAY);
            let mut response = self.with_wait(error, self.json(status, raw.body.clone()));
            response.extensions_mut().insert(Refused(error.code()));
            return response;
        }
        let mut said = ProviderError::new(error.kind(), error.to_string());
        said.request_id = Some(self.id.clone());
        match error {
            ModelError::Refused(refusal) => {
                said = ProviderError {
                    request_id: said.request_id,
                    ..refusal.clone().into()
                };
            }
            ModelError::Blocked(_) => said.code = Some(error.code().to_owned()),
            ModelError::Provider { error: theirs, .. } => {
                said.status = theirs.status;
                said.param.clone_from(&theirs.param);
                said.code.clone_from(&theirs.code);
            }
            _ => {}
        }
        let mut response = self.with_wait(error, self.said(&said));
        response.extensions_mut().insert(Refused(error.code()));
        response
    }

    /// An error of the gateway's own.
    pub fn refuse(&self, kind: ErrorKind, message: impl Into<String>) -> Response {
        let mut said = ProviderError::new(kind, message);
        said.request_id = Some(self.id.clone());
        self.said(&said)
    }

    fn said(&self, error: &ProviderError) -> Response {
        let (status, body): (u16, Value) = write_error(self.dialect, error);
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        self.json(status, body.to_string())
    }

    fn with_wait(&self, error: &ModelError, mut response: Response) -> Response {
        let Some(wait) = error.retry_after() else {
            return response;
        };
        // Rounded up: who comes back at the very second must not be too early.
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        let headers = response.headers_mut();
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)));
        response
    }
}

/// A provider that refuses the gateway's credential: to the client that is a failure of the gateway.
fn is_about_our_key(error: &ModelError) -> bool {
    match error {
        ModelError::Provider { error, .. } => match error.kind {
            ErrorKind::Authentication | ErrorKind::Permission => true,
            ErrorKind::InvalidRequest
            | ErrorKind::ContextTooLong
            | ErrorKind::NotFound
            | ErrorKind::TooLarge
            | ErrorKind::RateLimited
            | ErrorKind::Quota
            | ErrorKind::ContentPolicy
            | ErrorKind::Overloaded
            | ErrorKind::Timeout
            | ErrorKind::Internal => false,
        },
        _ => false,
    }
}

/// Adds a header, if the value can be one.
pub(super) fn put(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}
