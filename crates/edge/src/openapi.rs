//! The base of the OpenAPI document: what all areas have in common.

use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    Components, Contact, InfoBuilder, License, OpenApi, OpenApiBuilder, ServerBuilder,
};
use utoipa::{PartialSchema, ToSchema};

use crate::{FieldError, Problem};

/// The scopes of an operation's security requirement, the weakest first: the least that a caller
/// must be.
pub const SCOPES: [(&str, &str); 7] = [
    ("public", "anybody, without an identity"),
    (
        "caller",
        "any valid identity: a person who signed in, or an API key",
    ),
    ("person", "a person who signed in; an API key is not enough"),
    ("viewer", "at least a viewer of the organisation"),
    ("member", "at least a member of the organisation"),
    ("admin", "at least an admin of the organisation"),
    ("owner", "an owner of the organisation"),
];

const DESCRIPTION: &str = "\
A control plane for AI agents.\n\n\
**Identity.** Send `Authorization: Bearer` with an access token (15 minutes) or an API key. Operations of an \
organisation need `X-Org-Id`, unless the path names it or an API key implies it. Each operation names the least \
that its caller must be as a scope: `public`, `caller`, `person`, `viewer`, `member`, `admin`, `owner`.\n\n\
**Problems.** Whatever does not work answers with `application/problem+json` (RFC 9457). `code` is stable. What \
a caller may not see is not found (404).\n\n\
**Lists** take `limit` and `cursor`, and answer with `items` and `next_cursor`.\n\n\
**Idempotency.** Every POST takes an `Idempotency-Key`: the same key and body again give the same answer.";

/// The document without any operation.
pub(crate) fn base() -> OpenApi {
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("An access token (`cat_…`) or an API key (`chk_…`)."))
        .build();
    let mut components = Components::new();
    components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    components
        .schemas
        .insert(Problem::name().into_owned(), Problem::schema());
    components
        .schemas
        .insert(FieldError::name().into_owned(), FieldError::schema());
    let info = InfoBuilder::new()
        .title("Chancery")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(DESCRIPTION))
        .license(Some(License::new("Apache-2.0")))
        .contact(None::<Contact>)
        .build();
    OpenApiBuilder::new()
        .info(info)
        .servers(Some([ServerBuilder::new().url("/").build()]))
        .components(Some(components))
        .build()
}
