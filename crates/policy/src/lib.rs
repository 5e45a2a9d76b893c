//! Cedar decisions with reasons, capability tokens, approval digests; pure.
