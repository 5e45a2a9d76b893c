//! Envelope encryption, secrets, grants, and erasable content.
