//! Routes: written once the kit is there.
