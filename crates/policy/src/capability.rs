//! Capability tokens: one intent, of one run, by one executor, until an instant, once.
//!
//! A token is a Biscuit (format version 3, <https://www.biscuitsec.org>) with an authority block and
//! no other. The block holds one fact,
//! `chancery_capability(1, id, org, run, executor, tool, intent, expires_at_us)`, whose strings are
//! ids as everywhere, `executor` is `broker` or the node's id, and `intent` is the 32 bytes of the
//! intent's digest; and one check, `check if now_us($now), $now < expires_at_us`, so that another
//! Biscuit verifier refuses it too once it has expired, or if it knows no `now_us`. Microseconds
//! stand there as an integer because Biscuit's dates are whole seconds.
//!
//! Invariants
//! - A token is good as long as `now < expires_at`; at that very instant it is not.
//! - A token with a second block is refused whole, whoever signed the block. Attenuation is not part
//!   of the format, so nothing can be added that a reader might take for authority.
//! - Minting is deterministic: equal claims under one key give equal tokens. Biscuit wants a second
//!   key in every token, with which its holder could add blocks; because no block is ever accepted,
//!   it guards nothing, and is a public constant of the signer.
//! - The signature is checked before anything in the token is believed. Only the key's id is read
//!   earlier, to find the key.
//!
//! Deliberately absent: single use. A token names itself by its id, and whoever executes remembers
//! the ids that it has seen, at least until they expire.

mod keys;
mod token;

pub use keys::{KeyError, PublicKey, Signer};
pub use token::{
    Claims, Executor, Expected, MintError, ParseExecutorError, TOKEN_BYTES_MAX, TokenError,
    Verified, mint, verify,
};
