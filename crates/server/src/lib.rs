//! Composition: configuration, router, OpenAPI document, roles.
