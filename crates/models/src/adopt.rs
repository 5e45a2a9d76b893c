//! Providers that the environment has: keys in variables, and an Ollama on this machine.
//!
//! What is found becomes a provider of one organisation, once. Whoever changes it there has the last
//! word; and whoever deletes it, as long as its secret stays.

use std::time::Duration;

use db::OrgContext;
use egress::parse_target;
use http::{HeaderMap, Method};
use serde_json::Value;
use vault::SecretError;
use vocab::{ExposeSecret as _, SecretString};

use crate::gateway::Gateway;
use crate::model::{ProfileDefinition, Provider, ProviderDefinition, ProviderKind, Reach, Target};
use crate::upstream::{Deadlines, Outgoing, collect};
use crate::{ModelsError, service};

/// Where an Ollama listens unless it is told otherwise.
const OLLAMA: &str = "http://127.0.0.1:11434";
/// One that is there answers at once.
const OLLAMA_TIMEOUT: Duration = Duration::from_millis(500);
const OLLAMA_BYTES_MAX: usize = 4 << 20;

/// What the environment says about models.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    /// `ANTHROPIC_API_KEY`
    pub anthropic_api_key: Option<SecretString>,
    /// `ANTHROPIC_BASE_URL`
    pub anthropic_base_url: Option<String>,
    /// `OPENAI_API_KEY`
    pub openai_api_key: Option<SecretString>,
    /// `OPENAI_BASE_URL`
    pub openai_base_url: Option<String>,
    /// `OLLAMA_HOST`; without it, the usual place on this machine is looked at.
    pub ollama_host: Option<String>,
}

/// A provider that the environment has.
struct Found {
    definition: ProviderDefinition,
    secret: Option<SecretString>,
    /// A model of it that is worth naming in a profile.
    model: Option<String>,
}

impl Environment {
    /// What these variables say. One that is set to nothing counts as not set.
    #[must_use]
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Self {
        let text = |name: &str| variable(name).filter(|it| !it.trim().is_empty());
        Self {
            anthropic_api_key: text("ANTHROPIC_API_KEY").map(SecretString::from),
            anthropic_base_url: text("ANTHROPIC_BASE_URL"),
            openai_api_key: text("OPENAI_API_KEY").map(SecretString::from),
            openai_base_url: text("OPENAI_BASE_URL"),
            ollama_host: text("OLLAMA_HOST"),
        }
    }

    fn keys(&self) -> Vec<Found> {
        let with_key =
            |kind, key: &Option<SecretString>, base_url: &Option<String>, model: &str| {
                let secret = Some(key.clone()?);
                let definition = definition(kind, ProviderKind::as_str(kind), base_url.clone());
                Some(Found {
                    definition,
                    secret,
                    model: Some(model.to_owned()),
                })
            };
        let found = [
            with_key(
                ProviderKind::Anthropic,
                &self.anthropic_api_key,
                &self.anthropic_base_url,
                "claude-sonnet-5-5",
            ),
            with_key(
                ProviderKind::Openai,
                &self.openai_api_key,
                &self.openai_base_url,
                "gpt-6.1-sol",
            ),
        ];
        found.into_iter().flatten().collect()
    }

    /// `OLLAMA_HOST` may lack a scheme and a port.
    fn ollama(&self) -> String {
        let Some(host) = &self.ollama_host else {
            return OLLAMA.to_owned();
        };
        let host = host.trim().trim_end_matches('/');
        let (scheme, rest) = host.split_once("://").unwrap_or(("http", host));
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        // What it listens on is not where it is reached.
        let authority = authority.replace("0.0.0.0", "127.0.0.1");
        let has_port = authority
            .rsplit_once(':')
            .is_some_and(|(_, it)| it.parse::<u16>().is_ok());
        let port = if has_port { "" } else { ":11434" };
        format!("{scheme}://{authority}{port}{path}")
    }
}

fn definition(kind: ProviderKind, name: &str, base_url: Option<String>) -> ProviderDefinition {
    ProviderDefinition {
        name: name.to_owned(),
        kind,
        base_url,
        secret: None,
        region: None,
        api_version: None,
        private_network: false,
        script: None,
    }
}

impl Gateway {
    /// Makes providers of what the environment has and the organisation lacks, by their names, and
    /// the profile `default` if there is none; answers the names of the new providers.
    ///
    /// # Errors
    /// The caller is no admin; storage.
    pub async fn adopt(
        &self,
        ctx: &OrgContext,
        environment: &Environment,
    ) -> Result<Vec<String>, ModelsError> {
        let mut found = environment.keys();
        found.extend(self.ollama(&environment.ollama()).await);
        let (mut names, mut targets) = (Vec::new(), Vec::new());
        for Found {
            definition,
            secret,
            model,
        } in found
        {
            let Some(made) = self.adopt_one(ctx, definition, secret).await? else {
                continue;
            };
            targets.extend(model.map(|model| Target::new(made.id, model)));
            names.push(made.definition.name);
        }
        if !targets.is_empty() {
            self.adopt_profile(ctx, targets).await?;
        }
        Ok(names)
    }

    async fn adopt_one(
        &self,
        ctx: &OrgContext,
        mut definition: ProviderDefinition,
        secret: Option<SecretString>,
    ) -> Result<Option<Provider>, ModelsError> {
        let mut tx = ctx.write().await?;
        if service::is_provider_named(&mut tx, &definition.name).await? {
            return Ok(None);
        }
        if let Some(value) = secret {
            let name = format!("{}-api-key", definition.name);
            let value = SecretString::from(value.expose_secret().trim());
            let stored = match self.secrets().create(ctx, &mut tx, &name, &value).await {
                // It was adopted before, and somebody has deleted the provider.
                Err(SecretError::NameTaken(_)) => return Ok(None),
                stored => stored?,
            };
            definition.secret = Some(stored.id);
        }
        let made = service::create_provider(ctx, &mut tx, self.secrets(), definition).await?;
        self.commit_change(ctx, tx).await?;
        Ok(Some(made))
    }

    async fn adopt_profile(
        &self,
        ctx: &OrgContext,
        targets: Vec<Target>,
    ) -> Result<(), ModelsError> {
        let mut tx = ctx.write().await?;
        let definition = ProfileDefinition {
            description: "Made from what the environment had; change it as you like.".to_owned(),
            ..ProfileDefinition::new(service::USUAL_PROFILE, targets)
        };
        match service::create_profile(ctx, &mut tx, definition).await {
            Ok(_) => Ok(self.commit_change(ctx, tx).await?),
            Err(ModelsError::NameTaken { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// An Ollama that answers there, with the first of its models.
    async fn ollama(&self, url: &str) -> Option<Found> {
        let definition = definition(
            ProviderKind::OpenaiCompatible,
            "ollama",
            Some(format!("{url}/v1")),
        );
        let target = parse_target(url).ok()?;
        let reach = definition
            .reach()
            .ok()
            .filter(|reach| *reach == Reach::Named)?;
        let deadlines = Deadlines {
            connect: OLLAMA_TIMEOUT,
            first_byte: OLLAMA_TIMEOUT,
            between: OLLAMA_TIMEOUT,
            whole: OLLAMA_TIMEOUT,
        };
        let outgoing = Outgoing {
            method: Method::GET,
            path: format!("{}/api/tags", target.path().trim_end_matches('/')),
            headers: HeaderMap::new(),
            body: bytes::Bytes::new(),
        };
        let origin = self.upstream().origin(&target, reach);
        let reply = origin.send(outgoing, &deadlines).await.ok()?;
        if !reply.status.is_success() {
            return None;
        }
        let body = collect(reply, OLLAMA_BYTES_MAX).await.ok()?;
        let tags: Value = serde_json::from_slice(&body).ok()?;
        let models = tags["models"].as_array()?;
        let model = models
            .first()
            .and_then(|it| it["name"].as_str())
            .map(str::to_owned);
        Some(Found {
            definition,
            secret: None,
            model,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ollama_is_found_however_its_host_is_written() {
        let ollama = |host: &str| {
            let variable = |name: &str| (name == "OLLAMA_HOST").then(|| host.to_owned());
            Environment::read(variable).ollama()
        };
        assert_eq!(ollama(""), OLLAMA);
        assert_eq!(ollama("0.0.0.0"), OLLAMA);
        assert_eq!(ollama("127.0.0.1:11434"), OLLAMA);
        assert_eq!(ollama("http://10.0.0.5:8080/"), "http://10.0.0.5:8080");
        assert_eq!(ollama("box.lan"), "http://box.lan:11434");
    }
}
