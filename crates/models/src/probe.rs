//! Asking a provider something small, to say precisely what is wrong with it.

use std::time::{Duration, Instant};

use db::OrgContext;
use dialects::neutral::{ErrorKind, Message, Part, Request, Role};
use dialects::read_error;
use egress::EgressError;
use serde_json::Value;
use vocab::ProviderId;

use crate::account::{Account, Place, Remote};
use crate::failure::ModelError;
use crate::gateway::{Gateway, Spender};
use crate::upstream::{Deadlines, UpstreamError, collect};
use crate::{Asked, ModelsError};

/// A probe is at most as patient as a call, and never more than this: a person waits for it.
const PROBE_TIMEOUT: Duration = Duration::from_secs(20);
/// The longest list of models that is read, in bytes, and how many of them are told.
const MODELS_BYTES_MAX: usize = 8 << 20;
const MODELS_TOLD: usize = 200;
/// The least that every provider takes as a limit.
const OUTPUT_TOKENS: u64 = 16;

/// What a probe found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// How long it took.
    pub latency: Duration,
    /// Models that the provider lists, at most two hundred.
    pub models: Vec<String>,
    /// What is wrong, if something is.
    pub flaw: Option<Flaw>,
}

/// What is wrong with a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw {
    /// Stable, in upper snake case.
    pub code: &'static str,
    /// In words, with what the provider said.
    pub message: String,
    /// What to do about it.
    pub fix: &'static str,
}

impl Gateway {
    /// Asks a provider for its list of models; or, if a model is named, for a few tokens of it.
    ///
    /// # Errors
    /// There is no such provider. Whatever is wrong with the provider is in the answer.
    pub async fn probe(
        &self,
        ctx: &OrgContext,
        id: ProviderId,
        model: Option<&str>,
    ) -> Result<Probe, ModelsError> {
        // A secret may have been changed a moment ago.
        self.catalog().forget(ctx.org());
        let models = self.catalog().of(ctx).await?;
        let account = models.account(id).ok_or(ModelsError::NoProvider(id))?;
        let begun = Instant::now();
        let found = match (account, model) {
            (Err(why), _) => Err(Flaw {
                code: "PROVIDER_UNUSABLE",
                message: why.to_string(),
                fix: "give the provider a secret that fits its type",
            }),
            (Ok(account), None) => match &account.place {
                Place::There(remote) => self.list(account, remote).await,
                Place::Here(_) => Ok(Vec::new()),
            },
            (Ok(account), Some(model)) => self.say(ctx, account, model).await,
        };
        let (models, flaw) = match found {
            Ok(models) => (models, None),
            Err(flaw) => (Vec::new(), Some(flaw)),
        };
        Ok(Probe {
            latency: begun.elapsed(),
            models,
            flaw,
        })
    }

    async fn list(&self, account: &Account, remote: &Remote) -> Result<Vec<String>, Flaw> {
        let calls = self.deadlines();
        let deadlines = Deadlines {
            first_byte: calls.first_byte.min(PROBE_TIMEOUT),
            between: calls.between.min(PROBE_TIMEOUT),
            whole: calls.whole.min(PROBE_TIMEOUT),
            ..calls
        };
        let unreachable = |error| unreachable(&error);
        let outgoing = remote.probe(self.clock().now());
        let reply = remote
            .origin
            .send(outgoing, &deadlines)
            .await
            .map_err(unreachable)?;
        let status = reply.status;
        let body = collect(reply, MODELS_BYTES_MAX)
            .await
            .map_err(unreachable)?;
        let body = account.masked_bytes(body);
        if status.is_redirection() {
            return Err(Flaw {
                code: "PROVIDER_REDIRECTS",
                message: format!("it answers {status}: the API is somewhere else"),
                fix: "use the address that it redirects to as the base URL",
            });
        }
        if !status.is_success() {
            let error = read_error(account.native(), status.as_u16(), &body);
            return Err(said(error.kind, &error.message));
        }
        let list: Value = serde_json::from_slice(&body).map_err(|_| Flaw {
            code: "PROVIDER_NOT_AN_API",
            message: "what answers there is not JSON".to_owned(),
            fix: "check the base URL: it ends where `/models` and `/chat/completions` begin",
        })?;
        Ok(names(&list))
    }

    async fn say(
        &self,
        ctx: &OrgContext,
        account: &Account,
        model: &str,
    ) -> Result<Vec<String>, Flaw> {
        let request = Request {
            messages: vec![Message {
                role: Role::User,
                parts: vec![Part::text("Say `ok`.")],
            }],
            max_output_tokens: Some(OUTPUT_TOKENS),
            ..Request::default()
        };
        let asked = Asked::Named(format!("{}/{model}", account.name));
        let spender = Spender {
            user: ctx.actor().user,
            key: ctx.actor().key,
            ..Spender::default()
        };
        let said = self.complete(ctx, &spender, asked, request, |_| {});
        let patience = self.deadlines().whole.min(PROBE_TIMEOUT);
        match tokio::time::timeout(patience, said).await {
            Ok(Ok(_)) => Ok(Vec::new()),
            Ok(Err(error)) => Err(failed(&error)),
            Err(_) => Err(Flaw {
                code: "MODEL_TIMEOUT",
                message: format!("no answer within {patience:?}"),
                fix: "try again; a local server may still be loading the model",
            }),
        }
    }
}

/// The names in a list of models, in whichever of the known forms.
fn names(list: &Value) -> Vec<String> {
    let models = list["data"].as_array().or(list["models"].as_array());
    let name = |model: &Value| {
        let name = model["id"].as_str().or(model["name"].as_str())?;
        Some(name.strip_prefix("models/").unwrap_or(name).to_owned())
    };
    models
        .into_iter()
        .flatten()
        .filter_map(name)
        .take(MODELS_TOLD)
        .collect()
}

fn failed(error: &ModelError) -> Flaw {
    match error {
        ModelError::Provider { error, .. } => said(error.kind, &error.message),
        other => Flaw {
            code: other.code(),
            message: other.to_string(),
            fix: "check the base URL and the model's name",
        },
    }
}

fn said(kind: ErrorKind, message: &str) -> Flaw {
    let (code, fix) = match kind {
        ErrorKind::Authentication => (
            "PROVIDER_KEY_REFUSED",
            "give the secret a new version with a key that is valid there",
        ),
        ErrorKind::Permission => (
            "PROVIDER_KEY_NOT_ALLOWED",
            "let the key use this API, or use another key",
        ),
        ErrorKind::NotFound => (
            "PROVIDER_NOT_FOUND",
            "check the base URL and the model's name",
        ),
        ErrorKind::RateLimited => ("PROVIDER_RATE_LIMITED", "the key works; try again later"),
        ErrorKind::Quota => (
            "PROVIDER_QUOTA_EXHAUSTED",
            "the key works; pay the provider's bill",
        ),
        ErrorKind::InvalidRequest
        | ErrorKind::ContextTooLong
        | ErrorKind::TooLarge
        | ErrorKind::ContentPolicy => ("PROVIDER_REFUSES", "check the type and the base URL"),
        ErrorKind::Overloaded | ErrorKind::Timeout | ErrorKind::Internal => (
            "PROVIDER_FAILS",
            "the provider is in trouble; try again later",
        ),
    };
    Flaw {
        code,
        message: message.to_owned(),
        fix,
    }
}

fn unreachable(error: &UpstreamError) -> Flaw {
    let message = error.to_string();
    let (code, fix) = match error {
        UpstreamError::Connect(error) => return no_connection(error),
        UpstreamError::Timeout { .. } => ("PROVIDER_TIMEOUT", "check whether it is up; try again"),
        UpstreamError::NotHttp { .. } => (
            "PROVIDER_NOT_HTTP",
            "check scheme and port: `https` and `http` are not the same",
        ),
        UpstreamError::Lost { .. } => (
            "PROVIDER_HANGS_UP",
            "check scheme and port; a proxy may stand in between",
        ),
        UpstreamError::TooLarge { .. } | UpstreamError::Coding { .. } => {
            ("PROVIDER_NOT_AN_API", "check the base URL")
        }
    };
    Flaw { code, message, fix }
}

fn no_connection(error: &EgressError) -> Flaw {
    let fix = match error.code() {
        "EGRESS_DNS_FAILED" => "check the spelling of the host, or this machine's DNS",
        "EGRESS_ADDRESS_REFUSED" => {
            "if the host is meant to be inside this network, set `private_network` to true"
        }
        "EGRESS_CONNECT_FAILED" => "check whether the server is up, and scheme, host and port",
        "EGRESS_TLS" => "check the certificate; one of your own has to be trusted by this machine",
        "EGRESS_TIMEOUT" => "check host and port; a firewall may drop the packets",
        _ => "check the base URL",
    };
    Flaw {
        code: error.code(),
        message: error.to_string(),
        fix,
    }
}
