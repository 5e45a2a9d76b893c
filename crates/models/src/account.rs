//! An account: a provider with its credential opened, ready to be asked.
//!
//! What a provider is spoken to in, where, and how it is shown who asks, is decided here and nowhere
//! else. The credential leaves this module only inside the headers of an [`Outgoing`].

mod credential;
mod sigv4;

use std::sync::Arc;

use bytes::Bytes;
use dialects::Dialect;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use vault::{Masker, UsedSecret};
use vocab::{ProviderId, Timestamp};

use crate::ModelsError;
use crate::model::{Provider, ProviderDefinition, ProviderKind};
use crate::scripted::{self, Scripted};
use crate::upstream::{Origin, Outgoing, Upstream};

use credential::Credential;

/// The version of Anthropic's API that is asked for where a client does not say.
const ANTHROPIC_VERSION: &str = "2023-06-01";

/// What a provider is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    /// An answer, in this dialect, streamed or not.
    Generate { dialect: Dialect, stream: bool },
    /// How many tokens a request has; Anthropic alone.
    CountTokens,
    /// Vectors of texts; OpenAI's dialects alone.
    Embeddings,
}

impl Operation {
    /// Whether the answer comes as a stream.
    pub const fn is_streamed(self) -> bool {
        match self {
            Self::Generate { stream, .. } => stream,
            Self::CountTokens | Self::Embeddings => false,
        }
    }
}

/// A provider that can be asked.
pub(crate) struct Account {
    pub id: ProviderId,
    pub name: String,
    pub kind: ProviderKind,
    pub place: Place,
    /// Finds the credential in what the provider says.
    masker: Masker,
}

/// Where whoever answers is.
pub(crate) enum Place {
    /// In this process.
    Here(Scripted),
    /// Where requests are sent to.
    There(Remote),
}

/// A provider that requests are sent to.
pub(crate) struct Remote {
    kind: ProviderKind,
    pub origin: Arc<Origin>,
    /// The path that every operation's path begins with, without a final slash.
    base: String,
    host: String,
    region: String,
    api_version: Option<String>,
    credential: Credential,
}

impl Account {
    /// The account of a provider, with the secret that it was granted.
    pub fn open(
        upstream: &Upstream,
        provider: &Provider,
        secret: Option<&UsedSecret>,
    ) -> Result<Self, ModelsError> {
        let definition = &provider.definition;
        let mut masker = Masker::new();
        if let Some(secret) = secret {
            // One value always fits.
            let _ = masker.add_used(secret);
        }
        let place = match &definition.script {
            Some(script) => Place::Here(Scripted::new(script)?),
            None => Place::There(Remote::open(upstream, definition, secret)?),
        };
        Ok(Self {
            id: provider.id,
            name: definition.name.clone(),
            kind: definition.kind,
            place,
            masker,
        })
    }

    /// The dialect that it is spoken to in, where it is nobody else's choice.
    pub fn native(&self) -> Dialect {
        match self.kind {
            ProviderKind::Anthropic => Dialect::Anthropic,
            ProviderKind::Gemini => Dialect::Gemini,
            ProviderKind::Bedrock => Dialect::Converse,
            ProviderKind::Openai
            | ProviderKind::AzureOpenai
            | ProviderKind::Openrouter
            | ProviderKind::OpenaiCompatible => Dialect::OpenaiChat,
            ProviderKind::Scripted => scripted::DIALECT,
        }
    }

    /// Whether a request in this dialect can be forwarded to it as it is.
    pub fn speaks(&self, dialect: Dialect) -> bool {
        let responses = match &self.place {
            Place::There(remote) => remote.has_responses(),
            Place::Here(_) => false,
        };
        dialect == self.native() || (dialect == Dialect::OpenaiResponses && responses)
    }

    /// Whether it costs nothing where nobody says what it costs.
    pub fn is_free(&self) -> bool {
        self.kind == ProviderKind::Scripted
    }

    /// Whether it makes vectors of texts.
    pub fn embeds(&self) -> bool {
        self.kind != ProviderKind::Scripted && self.speaks(Dialect::OpenaiChat)
    }

    /// What the provider said, without the credential in it.
    pub fn masked(&self, text: &str) -> String {
        self.masker.mask(text).into_owned()
    }

    /// Bytes that the provider sent, without the credential in them.
    pub fn masked_bytes(&self, bytes: Bytes) -> Bytes {
        match self.masker.mask_bytes(&bytes) {
            std::borrow::Cow::Borrowed(_) => bytes,
            std::borrow::Cow::Owned(masked) => masked.into(),
        }
    }
}

impl Remote {
    fn open(
        upstream: &Upstream,
        definition: &ProviderDefinition,
        secret: Option<&UsedSecret>,
    ) -> Result<Self, ModelsError> {
        let target = definition.target()?;
        Ok(Self {
            kind: definition.kind,
            origin: upstream.origin(&target, definition.reach()?),
            base: base_path(definition, target.path()),
            host: target.host_header(),
            region: definition.region.clone().unwrap_or_default(),
            api_version: definition.api_version.clone(),
            credential: Credential::read(definition.kind, secret)?,
        })
    }

    fn has_responses(&self) -> bool {
        match self.kind {
            ProviderKind::Openai => true,
            ProviderKind::AzureOpenai => self.api_version.is_none(),
            ProviderKind::Anthropic
            | ProviderKind::Gemini
            | ProviderKind::Bedrock
            | ProviderKind::Openrouter
            | ProviderKind::OpenaiCompatible
            | ProviderKind::Scripted => false,
        }
    }

    /// A request to it. `theirs` are headers of a client that is forwarded.
    pub fn request(
        &self,
        operation: Operation,
        model: &str,
        theirs: &HeaderMap,
        query: Option<&str>,
        body: Bytes,
        now: Timestamp,
    ) -> Outgoing {
        let mut path = self.path(operation, model);
        if let Some(query) = query {
            path.push(if path.contains('?') { '&' } else { '?' });
            path.push_str(query);
        }
        let mut headers = HeaderMap::new();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        self.forward(theirs, &mut headers);
        let method = Method::POST;
        self.sign(&method, &path, &mut headers, &body, now);
        Outgoing {
            method,
            path,
            headers,
            body,
        }
    }

    /// A request for something small that only a valid credential gets: usually the list of models.
    pub fn probe(&self, now: Timestamp) -> Outgoing {
        let path = match (self.kind, &self.api_version) {
            // Its list of models is for everybody.
            (ProviderKind::Openrouter, _) => format!("{}/key", self.base),
            (ProviderKind::AzureOpenai, Some(version)) => {
                format!("{}/models?api-version={version}", self.base)
            }
            _ => format!("{}/models", self.base),
        };
        let mut headers = HeaderMap::new();
        self.forward(&HeaderMap::new(), &mut headers);
        self.sign(&Method::GET, &path, &mut headers, &[], now);
        Outgoing {
            method: Method::GET,
            path,
            headers,
            body: Bytes::new(),
        }
    }

    fn path(&self, operation: Operation, model: &str) -> String {
        let base = &self.base;
        let name = encoded(model);
        let tail = match operation {
            Operation::Generate {
                dialect: Dialect::Gemini,
                stream: false,
            } => {
                return format!("{base}/models/{name}:generateContent");
            }
            Operation::Generate {
                dialect: Dialect::Gemini,
                stream: true,
            } => {
                return format!("{base}/models/{name}:streamGenerateContent?alt=sse");
            }
            Operation::Generate {
                dialect: Dialect::Converse,
                stream: false,
            } => {
                return format!("{base}/model/{name}/converse");
            }
            Operation::Generate {
                dialect: Dialect::Converse,
                stream: true,
            } => {
                return format!("{base}/model/{name}/converse-stream");
            }
            Operation::Generate {
                dialect: Dialect::OpenaiChat,
                ..
            } => "chat/completions",
            Operation::Generate {
                dialect: Dialect::OpenaiResponses,
                ..
            } => "responses",
            Operation::Generate {
                dialect: Dialect::Anthropic,
                ..
            } => "messages",
            Operation::CountTokens => "messages/count_tokens",
            Operation::Embeddings => "embeddings",
        };
        match &self.api_version {
            Some(version) => {
                format!("{base}/deployments/{name}/{tail}?api-version={version}")
            }
            None => format!("{base}/{tail}"),
        }
    }

    /// Takes over those of a client's headers that are about the request and not about the client.
    fn forward(&self, theirs: &HeaderMap, headers: &mut HeaderMap) {
        match self.kind {
            ProviderKind::Anthropic => {
                let version = theirs.get("anthropic-version").cloned();
                headers.insert(
                    HeaderName::from_static("anthropic-version"),
                    version.unwrap_or(HeaderValue::from_static(ANTHROPIC_VERSION)),
                );
                for beta in theirs.get_all("anthropic-beta") {
                    headers.append(HeaderName::from_static("anthropic-beta"), beta.clone());
                }
            }
            ProviderKind::Openai | ProviderKind::AzureOpenai => {
                for beta in theirs.get_all("openai-beta") {
                    headers.append(HeaderName::from_static("openai-beta"), beta.clone());
                }
            }
            ProviderKind::Gemini
            | ProviderKind::Bedrock
            | ProviderKind::Openrouter
            | ProviderKind::OpenaiCompatible
            | ProviderKind::Scripted => {}
        }
    }

    fn sign(
        &self,
        method: &Method,
        path: &str,
        headers: &mut HeaderMap,
        body: &[u8],
        now: Timestamp,
    ) {
        match &self.credential {
            Credential::None => {}
            Credential::Header(name, value) => {
                headers.insert(name, value.clone());
            }
            Credential::Aws(keys) => {
                let request = sigv4::Request {
                    method: method.as_str(),
                    host: &self.host,
                    path,
                    body,
                };
                let scope = sigv4::Scope {
                    region: &self.region,
                    service: "bedrock",
                    now,
                };
                sigv4::sign(&request, &scope, keys, headers);
            }
        }
    }
}

/// Where the paths of operations begin. Clients write base URLs with the version and without it, as
/// the vendors' own clients want them; both are understood.
fn base_path(definition: &ProviderDefinition, path: &str) -> String {
    let path = path.trim_end_matches('/');
    let usual = match (definition.kind, &definition.api_version) {
        (ProviderKind::Anthropic | ProviderKind::Openai | ProviderKind::OpenaiCompatible, _) => {
            "/v1"
        }
        (ProviderKind::Openrouter, _) => "/api/v1",
        (ProviderKind::Gemini, _) => "/v1beta",
        (ProviderKind::AzureOpenai, None) => "/openai/v1",
        (ProviderKind::AzureOpenai, Some(_)) => "/openai",
        (ProviderKind::Bedrock | ProviderKind::Scripted, _) => "",
    };
    match definition.kind {
        // Its clients add the version to whatever base they are given.
        ProviderKind::Anthropic if !path.ends_with("/v1") => format!("{path}/v1"),
        _ if path.is_empty() => usual.to_owned(),
        _ => path.to_owned(),
    }
}

/// A model's name as one segment of a path (RFC 3986).
fn encoded(model: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let mut out = String::with_capacity(model.len());
    for byte in model.bytes() {
        if plain(byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base(kind: ProviderKind, api_version: Option<&str>, path: &str) -> String {
        let definition = ProviderDefinition {
            name: "p".to_owned(),
            kind,
            base_url: None,
            secret: None,
            region: None,
            api_version: api_version.map(str::to_owned),
            private_network: false,
            script: None,
        };
        base_path(&definition, path)
    }

    #[test]
    fn base_urls_are_understood_with_and_without_the_version() {
        use ProviderKind as K;
        for (kind, version, path, expected) in [
            (K::Anthropic, None, "/", "/v1"),
            (K::Anthropic, None, "/v1", "/v1"),
            (K::Anthropic, None, "/v1/", "/v1"),
            (K::Anthropic, None, "/proxy", "/proxy/v1"),
            (K::Openai, None, "/", "/v1"),
            (K::Openai, None, "/v1/", "/v1"),
            (K::OpenaiCompatible, None, "/", "/v1"),
            (K::OpenaiCompatible, None, "/local/v1", "/local/v1"),
            (K::Openrouter, None, "/api/v1", "/api/v1"),
            (K::Gemini, None, "/", "/v1beta"),
            (K::AzureOpenai, None, "/", "/openai/v1"),
            (K::AzureOpenai, Some("2024-10-21"), "/", "/openai"),
            (K::Bedrock, None, "/", ""),
        ] {
            assert_eq!(base(kind, version, path), expected, "{kind:?} {path}");
        }
    }

    #[test]
    fn a_name_is_one_segment() {
        assert_eq!(encoded("anthropic.claude-v1:0"), "anthropic.claude-v1%3A0");
        assert_eq!(encoded("a/../b?c#d"), "a%2F..%2Fb%3Fc%23d");
    }
}
