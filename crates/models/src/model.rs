//! What providers and profiles are.

mod profile;
mod provider;
mod recording;
mod script;

pub use profile::{
    CAPABILITIES, Capability, Limits, Params, Profile, ProfileDefinition, Strategy, Target,
    WEIGHT_MAX,
};
pub use provider::{Provider, ProviderDefinition, ProviderKind, Reach};
pub use recording::Recording;
pub use script::{Rule, Script, ScriptedCall, Step};

use vocab::limits::NAME_CHARS_MAX;

use crate::ModelsError;

/// A name that a client can write as a model: no slash, because that parts a provider from its
/// model, and nothing that has to be escaped anywhere.
fn check_name(name: &str) -> Result<(), ModelsError> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if (1..=NAME_CHARS_MAX).contains(&name.len()) && name.bytes().all(plain) {
        return Ok(());
    }
    let message = format!("a name has 1 to {NAME_CHARS_MAX} letters, digits, `.`, `_` or `-`");
    Err(ModelsError::invalid("/name", message))
}
