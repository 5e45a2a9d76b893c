//! Providers: whoever runs models.

use egress::{AddressClass, Host, HttpTarget, Scheme, classify, parse_target};
use serde::{Deserialize, Serialize};
use vocab::{ProviderId, SecretId, Timestamp};

use super::{Script, check_name};
use crate::ModelsError;

/// What kind of API a provider has.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum ProviderKind {
    /// The Anthropic API.
    Anthropic,
    /// The OpenAI API.
    Openai,
    /// The Gemini API.
    Gemini,
    /// Amazon Bedrock's Converse API.
    Bedrock,
    /// Azure OpenAI.
    AzureOpenai,
    /// OpenRouter.
    Openrouter,
    /// Anything that speaks OpenAI's chat completions: Ollama, vLLM, llama.cpp.
    OpenaiCompatible,
    /// None: a script in this server plays it.
    Scripted,
}

impl ProviderKind {
    /// Every kind.
    pub const ALL: [Self; 8] = [
        Self::Anthropic,
        Self::Openai,
        Self::Gemini,
        Self::Bedrock,
        Self::AzureOpenai,
        Self::Openrouter,
        Self::OpenaiCompatible,
        Self::Scripted,
    ];

    /// The persisted name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Anthropic => "anthropic",
            Self::Openai => "openai",
            Self::Gemini => "gemini",
            Self::Bedrock => "bedrock",
            Self::AzureOpenai => "azure_openai",
            Self::Openrouter => "openrouter",
            Self::OpenaiCompatible => "openai_compatible",
            Self::Scripted => "scripted",
        }
    }

    /// The kind with this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// Where the provider is, if it is the same for everybody.
    const fn usual_base_url(self) -> Option<&'static str> {
        match self {
            Self::Anthropic => Some("https://api.anthropic.com/v1"),
            Self::Openai => Some("https://api.openai.com/v1"),
            Self::Gemini => Some("https://generativelanguage.googleapis.com/v1beta"),
            Self::Openrouter => Some("https://openrouter.ai/api/v1"),
            Self::Bedrock | Self::AzureOpenai | Self::OpenaiCompatible | Self::Scripted => None,
        }
    }

    /// Whether it answers nobody who shows no credential.
    const fn needs_secret(self) -> bool {
        match self {
            Self::Anthropic
            | Self::Openai
            | Self::Gemini
            | Self::Bedrock
            | Self::AzureOpenai
            | Self::Openrouter => true,
            Self::OpenaiCompatible | Self::Scripted => false,
        }
    }
}

/// A provider of an organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    /// Its id.
    pub id: ProviderId,
    /// The version, from 1.
    pub version: u32,
    /// What it is.
    pub definition: ProviderDefinition,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// What a provider is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderDefinition {
    /// By which it is called, as in `name/model`; unique in its organisation.
    pub name: String,
    /// What kind of API it has.
    pub kind: ProviderKind,
    /// Where it is, if not where its kind usually is.
    pub base_url: Option<String>,
    /// What it is shown at each request.
    pub secret: Option<SecretId>,
    /// The AWS region, of Bedrock alone.
    pub region: Option<String>,
    /// The version of Azure's API, where one older than its `v1` is wanted.
    pub api_version: Option<String>,
    /// Whether a host that is spelt as a name may be inside this network.
    pub private_network: bool,
    /// What is answered, of a scripted provider alone.
    pub script: Option<Script>,
}

/// How far a provider's connections may reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reach {
    /// Public addresses alone.
    Public,
    /// Also addresses inside, of the host that an admin named. Never those of a metadata service.
    Named,
}

impl ProviderDefinition {
    /// Where it is: what an admin wrote, or where its kind usually is.
    ///
    /// # Errors
    /// There is no usual place and none is written, or it is not one that can be spoken to.
    pub fn target(&self) -> Result<HttpTarget, ModelsError> {
        let wrong = |message: &str| ModelsError::invalid("/base_url", message);
        let url = match (&self.base_url, self.kind, &self.region) {
            (Some(url), _, _) => url.clone(),
            (None, ProviderKind::Bedrock, Some(region)) => {
                format!("https://bedrock-runtime.{region}.amazonaws.com")
            }
            (None, kind, _) => {
                let usual = kind.usual_base_url();
                let message = format!(
                    "a provider of the type `{}` needs a base URL",
                    kind.as_str()
                );
                usual.ok_or_else(|| wrong(&message))?.to_owned()
            }
        };
        let target = parse_target(&url).map_err(|error| wrong(&error.to_string()))?;
        if target.query().is_some() {
            return Err(wrong("a base URL has no query"));
        }
        check_host(&target)?;
        Ok(target)
    }

    /// How far its connections may reach. Writing an address, or `localhost`, names it; a name that
    /// some DNS zone answers for has to be said to be inside, so that the zone's owner can't say so.
    ///
    /// # Errors
    /// As [`ProviderDefinition::target`].
    pub fn reach(&self) -> Result<Reach, ModelsError> {
        let target = self.target()?;
        let named = self.base_url.is_some() && self.is_inside(&target);
        Ok(if named { Reach::Named } else { Reach::Public })
    }

    /// The definition, if it is sound.
    ///
    /// # Errors
    /// The first member that is not.
    pub fn checked(self) -> Result<Self, ModelsError> {
        check_name(&self.name)?;
        if self.kind.needs_secret() && self.secret.is_none() {
            let message = format!(
                "a provider of the type `{}` needs a secret",
                self.kind.as_str()
            );
            return Err(ModelsError::invalid("/secret_id", message));
        }
        match (self.kind, &self.region) {
            (ProviderKind::Bedrock, Some(region)) if is_label(region) => {}
            (ProviderKind::Bedrock, _) => {
                let message = "Bedrock needs its region, such as `eu-central-1`";
                return Err(ModelsError::invalid("/region", message));
            }
            (_, Some(_)) => {
                let message = "only Bedrock has a region";
                return Err(ModelsError::invalid("/region", message));
            }
            (_, None) => {}
        }
        match (self.kind, &self.api_version) {
            (_, None) => {}
            (ProviderKind::AzureOpenai, Some(version)) if is_label(version) => {}
            (ProviderKind::AzureOpenai, Some(_)) => {
                let message = "expected a version such as `2024-10-21`";
                return Err(ModelsError::invalid("/api_version", message));
            }
            (_, Some(_)) => {
                let message = "only Azure OpenAI has a version";
                return Err(ModelsError::invalid("/api_version", message));
            }
        }
        match (self.kind, &self.script) {
            (ProviderKind::Scripted, Some(script)) => {
                script.patterns()?;
                self.check_nowhere()?;
                return Ok(self);
            }
            (ProviderKind::Scripted, None) => {
                let message = "a provider of the type `scripted` needs its script";
                return Err(ModelsError::invalid("/script", message));
            }
            (_, Some(_)) => {
                let message = "only a scripted provider has a script";
                return Err(ModelsError::invalid("/script", message));
            }
            (_, None) => {}
        }
        let target = self.target()?;
        if target.scheme() == Scheme::Http && !self.is_inside(&target) {
            let message = "prompts and secrets do not go over the Internet in the clear: use https";
            return Err(ModelsError::invalid("/base_url", message));
        }
        Ok(self)
    }

    /// What is played here is nowhere, and shows nobody anything.
    fn check_nowhere(&self) -> Result<(), ModelsError> {
        let members = [
            ("/base_url", self.base_url.is_some()),
            ("/secret_id", self.secret.is_some()),
            ("/private_network", self.private_network),
        ];
        match members.into_iter().find(|(_, given)| *given) {
            None => Ok(()),
            Some((pointer, _)) => {
                let message = "a scripted provider is nowhere and needs no secret";
                Err(ModelsError::invalid(pointer, message))
            }
        }
    }

    /// Whether an admin said, one way or the other, that it is not on the Internet.
    fn is_inside(&self, target: &HttpTarget) -> bool {
        match target.host() {
            Host::Address(address) => classify(*address) != AddressClass::Public,
            Host::Name(name) => self.private_network || is_localhost(name),
        }
    }
}

fn is_localhost(name: &str) -> bool {
    name == "localhost" || name.ends_with(".localhost")
}

/// What no admin can open: a metadata service gives its credentials to whoever asks, and nothing
/// that could run models has the other addresses.
fn check_host(target: &HttpTarget) -> Result<(), ModelsError> {
    let class = match target.host() {
        Host::Address(address) => classify(*address),
        Host::Name(_) => AddressClass::Public,
    };
    let refused = match class {
        AddressClass::Metadata
        | AddressClass::Multicast
        | AddressClass::Broadcast
        | AddressClass::Unspecified => true,
        AddressClass::Public
        | AddressClass::Loopback
        | AddressClass::Private
        | AddressClass::LinkLocal
        | AddressClass::Reserved
        | AddressClass::Documentation
        | AddressClass::Benchmarking
        | AddressClass::SharedCgnat
        | AddressClass::UniqueLocal
        | AddressClass::Tunnelled => false,
    };
    if refused {
        let message = format!("no provider is at a {class} address");
        return Err(ModelsError::invalid("/base_url", message));
    }
    Ok(())
}

fn is_label(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    (1..=40).contains(&text.len()) && text.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(url: &str) -> ProviderDefinition {
        ProviderDefinition {
            name: "local".to_owned(),
            kind: ProviderKind::OpenaiCompatible,
            base_url: Some(url.to_owned()),
            secret: None,
            region: None,
            api_version: None,
            private_network: false,
            script: None,
        }
    }

    fn usual(kind: ProviderKind) -> ProviderDefinition {
        ProviderDefinition {
            kind,
            base_url: None,
            secret: Some(SecretId::from_uuid(uuid::Uuid::nil())),
            ..at("")
        }
    }

    #[test]
    fn what_an_admin_wrote_is_named_and_what_a_zone_says_is_not() {
        let reach = |url: &str| at(url).reach().unwrap();
        assert_eq!(reach("http://127.0.0.1:11434/v1"), Reach::Named);
        assert_eq!(reach("http://localhost:11434/v1"), Reach::Named);
        assert_eq!(reach("http://10.1.2.3:8000/v1"), Reach::Named);
        assert_eq!(reach("https://models.example/v1"), Reach::Public);
        let mut inside = at("https://models.example/v1");
        inside.private_network = true;
        assert_eq!(inside.reach().unwrap(), Reach::Named);
        // The usual host is not one that anybody wrote.
        let mut usual = usual(ProviderKind::Openai);
        usual.private_network = true;
        assert_eq!(usual.reach().unwrap(), Reach::Public);
    }

    #[test]
    fn no_admin_opens_a_metadata_service() {
        for url in [
            "http://169.254.169.254/latest",
            "http://[fd00:ec2::254]/",
            "http://2852039166/",
            "http://0.0.0.0:11434/v1",
            "http://224.0.0.1/",
            "ftp://models.example/",
            "http://user:pw@models.example/",
            "https://models.example/v1?key=1",
        ] {
            assert!(at(url).target().is_err(), "{url}");
        }
        assert!(at("https://8.8.8.8/v1").target().is_ok());
    }

    #[test]
    fn nothing_goes_over_the_internet_in_the_clear() {
        assert!(at("http://8.8.8.8/v1").checked().is_err());
        assert!(at("http://models.example/v1").checked().is_err());
        assert!(at("https://models.example/v1").checked().is_ok());
        let mut inside = at("http://models.example/v1");
        inside.private_network = true;
        assert!(inside.checked().is_ok());
    }

    #[test]
    fn each_kind_says_what_it_needs() {
        let place = |definition: ProviderDefinition| match definition.checked() {
            Ok(_) => String::new(),
            Err(ModelsError::Invalid { pointer, .. }) => pointer,
            Err(other) => panic!("{other}"),
        };
        for kind in ProviderKind::ALL {
            assert_eq!(ProviderKind::parse(kind.as_str()), Some(kind));
        }
        assert_eq!(place(usual(ProviderKind::Anthropic)), "");
        assert_eq!(place(usual(ProviderKind::Bedrock)), "/region");
        assert_eq!(place(usual(ProviderKind::AzureOpenai)), "/base_url");
        let mut bedrock = usual(ProviderKind::Bedrock);
        bedrock.region = Some("eu-central-1".to_owned());
        let host = bedrock.target().unwrap().host().to_string();
        assert_eq!(host, "bedrock-runtime.eu-central-1.amazonaws.com");
        assert_eq!(place(bedrock.clone()), "");
        bedrock.region = Some("evil.example/".to_owned());
        assert_eq!(place(bedrock), "/region");
        let mut no_secret = usual(ProviderKind::Openai);
        no_secret.secret = None;
        assert_eq!(place(no_secret), "/secret_id");
        assert_eq!(place(at("http://localhost:1/v1")), "");
        for name in ["", "a/b", "ä", &"x".repeat(129)] {
            let mut named = at("http://localhost:1/v1");
            named.name = name.to_owned();
            assert_eq!(place(named), "/name", "{name}");
        }
    }
}
