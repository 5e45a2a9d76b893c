//! The HTTP kit: problems, context, idempotency, cursors, event streams, OpenAPI base.
