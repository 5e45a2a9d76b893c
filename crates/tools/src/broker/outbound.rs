//! Requests to the outside: `http.fetch`, and the HTTP tools that an organisation defined.

use db::OrgContext;
use egress::{Allowance, Endpoint, Hop, Limits, Overflow, Refusal, Request};
use guard::Counts;
use policy::Verdict;
use serde_json::{Value, json};
use vault::Masker;
use vocab::{ExposeSecret, HttpMethod, limits};

use super::{Attempted, Broker, Done, Way, masking, refused};
use crate::call::{self, FetchArguments};
use crate::http_tools::{self, HttpTool};
use crate::result::ToolResult;

impl Broker {
    pub(super) async fn fetch(&self, way: Way<'_>) -> Attempted {
        let clean = masking::masked(way);
        let (given, masked) = match &clean {
            Some((clean, counts)) => (clean, counts.clone()),
            None => (&way.intent.arguments, Counts::default()),
        };
        let arguments: FetchArguments = match call::read(given) {
            Ok(arguments) => arguments,
            Err(error) => return Done::with(refused("ARGUMENTS_INVALID", &error.to_string())),
        };
        let token = arguments.method.as_deref().unwrap_or("GET");
        let method = HttpMethod::parse(token).unwrap_or(HttpMethod::Get);
        let built = egress::parse_target(&arguments.url).and_then(|target| {
            let led_to = call::http_target(&target, method);
            if led_to != way.intent.target {
                return Ok(None);
            }
            let mut request = Request::new(http_method(method), target);
            for (name, value) in &arguments.headers {
                request = request.header(name, value)?;
            }
            Ok(Some(request.body(arguments.body.unwrap_or_default())))
        });
        match built {
            Ok(Some(request)) => {
                let sent = self.send(way, request, method, &Masker::new()).await;
                masking::noted(way, sent, &masked)
            }
            Ok(None) => Done::with(masking::in_address()),
            Err(error) => Done::with(refused(error.code(), &error.to_string())),
        }
    }

    pub(super) async fn http_tool(&self, ctx: &OrgContext, way: Way<'_>, name: &str) -> Attempted {
        let definition = match http_tools::find(ctx, name).await {
            Ok(Some(definition)) => definition,
            Ok(None) => return Done::with(refused("TOOL_UNKNOWN", "the tool was removed")),
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "a tool can't be read"
                );
                return Done::with(ToolResult::failure(
                    "STORAGE_FAILED",
                    "storage failed",
                    true,
                ));
            }
        };
        // The definition may have changed since the decision: it must still lead to the target
        // that was decided on.
        match definition.check(&way.intent.arguments) {
            Ok(call) if call.target == way.intent.target => {}
            Ok(_) => {
                return Done::with(refused(
                    "TARGET_MISMATCH",
                    "the tool changed after the decision",
                ));
            }
            Err(error) => return Done::with(refused("ARGUMENTS_INVALID", &error.to_string())),
        }
        let clean = masking::masked(way);
        let (given, masked) = match &clean {
            Some((clean, counts)) => (clean, counts.clone()),
            None => (&way.intent.arguments, Counts::default()),
        };
        if !masked.is_empty() {
            match definition.check(given) {
                Ok(call) if call.target == way.intent.target => {}
                Ok(_) | Err(_) => return Done::with(masking::in_address()),
            }
        }
        match self.build((ctx, way), given, &definition).await {
            Ok((request, masker, used)) => {
                let mut attempted = self.send(way, request, definition.method, &masker).await;
                if let Attempted::Done(done) = &mut attempted {
                    done.secrets_used = used;
                }
                masking::noted(way, attempted, &masked)
            }
            Err(refusal) => Done::with(refusal),
        }
    }

    async fn build(
        &self,
        (ctx, way): (&OrgContext, Way<'_>),
        arguments: &Value,
        tool: &HttpTool,
    ) -> Result<(Request, Masker, Vec<(vocab::SecretId, String, u32)>), ToolResult> {
        let refuse = |error: egress::EgressError| refused(error.code(), &error.to_string());
        let url = tool
            .url(arguments)
            .map_err(|it| refused("ARGUMENTS_INVALID", &it.to_string()))?;
        let target = egress::parse_target(&url).map_err(refuse)?;
        let mut request = Request::new(http_method(tool.method), target);
        let (mut masker, mut used) = (Masker::new(), Vec::new());
        for header in &tool.headers {
            let Some(name) = &header.secret else {
                let value = header.value.as_deref().unwrap_or_default();
                request = request.header(&header.name, value).map_err(refuse)?;
                continue;
            };
            let secret = self
                .vault
                .secrets
                .use_secret(ctx, name, &tool.name, way.intent.agent)
                .await;
            let secret = secret.map_err(|error| {
                refused(
                    "SECRET_NOT_GRANTED",
                    &format!("the secret `{name}` can't be used: {error}"),
                )
            })?;
            masker
                .add_used(&secret)
                .map_err(|_| refused("SECRET_UNUSABLE", "too many secrets in one request"))?;
            let prefix = header.value.as_deref().unwrap_or_default();
            let value = format!("{prefix}{}", secret.value.expose_secret());
            request = request
                .secret_header(&header.name, &value)
                .map_err(refuse)?;
            used.push((secret.id, secret.name.clone(), secret.version));
        }
        if let Some(body) = tool.body(arguments) {
            request = request
                .header("content-type", "application/json")
                .map_err(refuse)?
                .body(body);
        }
        Ok((request, masker, used))
    }

    async fn send(
        &self,
        way: Way<'_>,
        request: Request,
        method: HttpMethod,
        masker: &Masker,
    ) -> Attempted {
        let bounds = request_bounds();
        let gate = |hop: &Hop<'_>| pass(way, hop);
        let meter = &way.pass.meter;
        match self
            .http
            .fetch_metered(request, &bounds, &gate, meter)
            .await
        {
            Ok(response) => {
                let mut result = http_result(&response, masker);
                if let (true, Some(limit), Some(output)) =
                    (result.truncated, way.pass.spent(), &mut result.output)
                {
                    output["cut_by_limit"] = Value::from(limit.as_str());
                }
                Done::with(result)
            }
            Err(error) if error.sent() && !method.is_idempotent() && lost(&error) => {
                let said = ended(way, &error, masker);
                Attempted::Unknown {
                    detail: format!("the request was sent, and then: {said}"),
                    limit: way.pass.spent(),
                }
            }
            Err(error) => {
                let message = ended(way, &error, masker);
                Done::with(ToolResult::failure(
                    error.code(),
                    message,
                    error.retryable(),
                ))
            }
        }
    }
}

/// The bounds on every request of a tool.
pub(crate) fn request_bounds() -> Limits {
    Limits {
        total_timeout: limits::TOOL_TIMEOUT,
        decompressed_bytes_max: limits::TOOL_OUTPUT_BYTES_MAX,
        overflow: Overflow::Truncate,
        ..Limits::default()
    }
}

/// What ended a request, and by which limit, if by one.
fn ended(way: Way<'_>, error: &egress::EgressError, masker: &Masker) -> String {
    let message = masker.mask(&error.to_string()).into_owned();
    match way.pass.spent() {
        Some(limit) => format!("{message}; there is no room left today in `{limit}`"),
        None => message,
    }
}

/// Whether the answer was lost, rather than refused or too large.
fn lost(error: &egress::EgressError) -> bool {
    match error.delivery() {
        egress::Delivery::Unknown => true,
        egress::Delivery::NotSent | egress::Delivery::Answered => false,
    }
}

fn http_method(method: HttpMethod) -> http::Method {
    match method {
        HttpMethod::Get => http::Method::GET,
        HttpMethod::Head => http::Method::HEAD,
        HttpMethod::Post => http::Method::POST,
        HttpMethod::Put => http::Method::PUT,
        HttpMethod::Patch => http::Method::PATCH,
        HttpMethod::Delete => http::Method::DELETE,
        HttpMethod::Options => http::Method::OPTIONS,
    }
}

/// The gate of a request: the first hop was decided on, each redirect is decided on anew.
fn pass(way: Way<'_>, hop: &Hop<'_>) -> Result<Allowance, Refusal> {
    let ruling = way.ruling;
    let names_host = if hop.index == 0 {
        ruling.decision.names_host
    } else {
        let method = HttpMethod::parse(hop.method.as_str())
            .ok_or_else(|| Refusal::new("the redirect asks for another method"))?;
        let host = hop.target.host().to_string();
        way.pass.admits(&host).map_err(Refusal::new)?;
        let mut question = ruling.question.clone();
        question.target = call::http_target(hop.target, method);
        let decision = ruling.in_force.set.decide(&question);
        match decision.verdict {
            Verdict::Allow => decision.names_host,
            Verdict::Deny => return Err(Refusal::new(decision.reason)),
            Verdict::RequireApproval { .. } => {
                return Err(Refusal::new(
                    "the redirect leads to where a person must be asked",
                ));
            }
        }
    };
    let allowance = Allowance::public();
    Ok(if names_host {
        allowance.and_endpoint(Endpoint::of(hop.target))
    } else {
        allowance
    })
}

fn http_result(response: &egress::Response, masker: &Masker) -> ToolResult {
    let body = masker.mask_bytes(&response.body).into_owned();
    let content_type = response
        .headers
        .get("content-type")
        .and_then(|it| it.to_str().ok());
    let mut output = json!({
        "status": response.status.as_u16(),
        "url": masker.mask(response.final_url.url()),
        "content_type": content_type,
    });
    match String::from_utf8(body) {
        Ok(text) => output["body"] = Value::String(text),
        Err(binary) => {
            use base64::Engine as _;
            let encoded = base64::engine::general_purpose::STANDARD.encode(binary.as_bytes());
            output["body_base64"] = Value::String(encoded);
        }
    }
    ToolResult {
        truncated: response.truncated,
        ..ToolResult::success(output)
    }
}
