//! What a provider is shown.

use http::{HeaderName, HeaderValue, header};
use serde::Deserialize;
use vault::UsedSecret;
use vocab::{ExposeSecret as _, SecretString};

use crate::ModelsError;
use crate::model::ProviderKind;

/// A credential in the form in which it goes out. It has no text form.
pub(super) enum Credential {
    /// The provider asks for none.
    None,
    /// A header with a value that is marked as sensitive.
    Header(HeaderName, HeaderValue),
    /// Keys that sign each request.
    Aws(AwsKeys),
}

/// The keys of an AWS identity, as a secret holds them: JSON with the names of AWS's own.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AwsKeys {
    pub access_key_id: String,
    pub secret_access_key: SecretString,
    #[serde(default)]
    pub session_token: Option<SecretString>,
}

impl Credential {
    /// The credential that a secret is.
    ///
    /// # Errors
    /// It can't go into a header; it is not what the kind of provider takes.
    pub fn read(kind: ProviderKind, secret: Option<&UsedSecret>) -> Result<Self, ModelsError> {
        let Some(secret) = secret else {
            return Ok(Self::None);
        };
        let value = secret.value.expose_secret().trim();
        if kind == ProviderKind::Bedrock && value.starts_with('{') {
            return match serde_json::from_str(value) {
                Ok(keys) => Ok(Self::Aws(keys)),
                // The reader's message may quote the secret.
                Err(_) => Err(unusable(
                    "the secret is no JSON of `access_key_id`, `secret_access_key` and, where \
                     there is one, `session_token`",
                )),
            };
        }
        let name = HeaderName::from_static;
        let (name, value) = match kind {
            ProviderKind::Anthropic => (name("x-api-key"), value.to_owned()),
            ProviderKind::Gemini => (name("x-goog-api-key"), value.to_owned()),
            ProviderKind::AzureOpenai => (name("api-key"), value.to_owned()),
            ProviderKind::Openai
            | ProviderKind::Openrouter
            | ProviderKind::OpenaiCompatible
            | ProviderKind::Scripted
            | ProviderKind::Bedrock => (header::AUTHORIZATION, format!("Bearer {value}")),
        };
        let mut value = HeaderValue::from_str(&value)
            .map_err(|_| unusable("the secret holds what no header can hold"))?;
        value.set_sensitive(true);
        Ok(Self::Header(name, value))
    }
}

fn unusable(message: &str) -> ModelsError {
    ModelsError::invalid("/secret_id", message)
}
