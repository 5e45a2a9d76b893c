//! The routes, and their place in the document.

use std::panic::AssertUnwindSafe;
use std::time::Instant;

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{MatchedPath, Path, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use axum::{Extension, Router};
use dialects::Dialect;
use dialects::neutral::ErrorKind;
use edge::{OpenApiRouter, routes as paths};
use futures::FutureExt as _;
use utoipa::openapi::OpenApi;
use vocab::{Clock, ModelCallId, Random};

use super::door::Door;
use super::entry::Entry;
use super::envelope::Envelope;
use super::{generate, models, other};

const OPENAI: &str = "/gateway/openai/v1";
const ANTHROPIC: &str = "/gateway/anthropic/v1";

/// The routes, to stand beside the edge's, and the part of the document that describes them.
pub fn routes(door: Door) -> (Router, OpenApi) {
    let (clock, random) = (door.gateway.clock().clone(), door.gateway.random().clone());
    let openai = OpenApiRouter::new()
        .routes(paths!(openai_chat_completions))
        .routes(paths!(openai_responses))
        .routes(paths!(openai_embeddings))
        .routes(paths!(openai_models))
        .routes(paths!(openai_model))
        .with_state(door.clone());
    let anthropic = OpenApiRouter::new()
        .routes(paths!(anthropic_messages))
        .routes(paths!(anthropic_count_tokens))
        .routes(paths!(anthropic_models))
        .routes(paths!(anthropic_model))
        .with_state(door);
    let family = |router: OpenApiRouter, at: &str, dialect: Dialect| {
        let (router, document) = router.split_for_parts();
        let named = Naming {
            dialect,
            clock: clock.clone(),
            random: random.clone(),
        };
        // Routes are written out in full, for the document; here only what is beside them is said.
        let missing = Router::new()
            .fallback(not_found)
            .layer(axum::middleware::from_fn_with_state(named.clone(), name));
        let router = router
            .method_not_allowed_fallback(not_allowed)
            .layer(axum::middleware::from_fn_with_state(named, name))
            .merge(Router::new().nest(at, missing));
        (router, document)
    };
    let (openai, mut document) = family(openai, OPENAI, Dialect::OpenaiChat);
    let (anthropic, more) = family(anthropic, ANTHROPIC, Dialect::Anthropic);
    document.merge(more);
    (openai.merge(anthropic), document)
}

/// What names requests.
#[derive(Clone)]
struct Naming {
    dialect: Dialect,
    clock: Clock,
    random: Random,
}

/// Gives a request its name, measures it, and answers in its dialect whatever happens.
async fn name(State(naming): State<Naming>, mut request: Request, next: Next) -> Response {
    let id = ModelCallId::generate(&naming.clock, &naming.random).to_string();
    let envelope = Envelope {
        dialect: naming.dialect,
        id,
    };
    request.extensions_mut().insert(envelope.clone());
    let route = request.extensions().get::<MatchedPath>();
    let route = route.map_or("none", MatchedPath::as_str);
    let entry = Entry::begin(request.method(), route, request.headers(), &naming.random);
    request.extensions_mut().insert(entry.clone());
    let begun = Instant::now();
    let response = match AssertUnwindSafe(next.run(request)).catch_unwind().await {
        Ok(response) => response,
        Err(_) => {
            tracing::error!("a handler of the model gateway panicked");
            envelope.refuse(ErrorKind::Internal, "something went wrong on our side")
        }
    };
    entry.answered(&response);
    let family = match naming.dialect {
        Dialect::Anthropic => "anthropic",
        _ => "openai",
    };
    let status = if response.status().is_success() {
        "ok"
    } else {
        "failed"
    };
    metrics::counter!("chancery_model_requests_total", "family" => family, "outcome" => status)
        .increment(1);
    metrics::histogram!("chancery_model_request_seconds", "family" => family)
        .record(begun.elapsed().as_secs_f64());
    response
}

async fn not_found(Extension(envelope): Extension<Envelope>) -> Response {
    envelope.refuse(ErrorKind::NotFound, "there is no such route")
}

async fn not_allowed(Extension(envelope): Extension<Envelope>) -> Response {
    envelope.refuse(
        ErrorKind::InvalidRequest,
        "the route does not take this method",
    )
}

async fn answer(door: &Door, dialect: Dialect, envelope: Envelope, request: Request) -> Response {
    let (parts, body): (_, Body) = request.into_parts();
    generate::answer(door, dialect, parts, body, envelope).await
}

/// OpenAI's chat completions, by any model.
///
/// Request, answer, stream and errors are OpenAI's own. `model` is a profile's name or
/// `provider/model`. `x-chancery-served-model` says who answered.
#[utoipa::path(
    post, path = "/gateway/openai/v1/chat/completions", tag = "gateway",
    operation_id = "gateway_openai_chat_completions",
    request_body(content = Object, description = "as in OpenAI's API"),
    responses((status = 200, description = "as in OpenAI's API"), (status = 401, description = "OpenAI's error envelope")),
    security(("bearer" = ["caller"])),
)]
async fn openai_chat_completions(
    State(door): State<Door>,
    Extension(envelope): Extension<Envelope>,
    request: Request,
) -> Response {
    answer(&door, Dialect::OpenaiChat, envelope, request).await
}

/// OpenAI's responses, by any model.
///
/// Request, answer, stream and errors are OpenAI's own. Targets of other families keep no state:
/// `previous_response_id` and `conversation` are for OpenAI's own models.
#[utoipa::path(
    post, path = "/gateway/openai/v1/responses", tag = "gateway",
    operation_id = "gateway_openai_responses",
    request_body(content = Object, description = "as in OpenAI's API"),
    responses((status = 200, description = "as in OpenAI's API"), (status = 401, description = "OpenAI's error envelope")),
    security(("bearer" = ["caller"])),
)]
async fn openai_responses(
    State(door): State<Door>,
    Extension(envelope): Extension<Envelope>,
    request: Request,
) -> Response {
    answer(&door, Dialect::OpenaiResponses, envelope, request).await
}

/// OpenAI's embeddings, by a model of its family.
#[utoipa::path(
    post, path = "/gateway/openai/v1/embeddings", tag = "gateway",
    operation_id = "gateway_openai_embeddings",
    request_body(content = Object, description = "as in OpenAI's API"),
    responses((status = 200, description = "as in OpenAI's API"), (status = 401, description = "OpenAI's error envelope")),
    security(("bearer" = ["caller"])),
)]
async fn openai_embeddings(
    State(door): State<Door>,
    Extension(envelope): Extension<Envelope>,
    request: Request,
) -> Response {
    let (parts, body): (_, Body) = request.into_parts();
    other::forward(&door, other::Kind::Embeddings, parts, body, envelope).await
}

/// The models that the caller may ask, as OpenAI lists them.
#[utoipa::path(
    get, path = "/gateway/openai/v1/models", tag = "gateway",
    operation_id = "gateway_openai_models",
    responses((status = 200, description = "as in OpenAI's API"), (status = 401, description = "OpenAI's error envelope")),
    security(("bearer" = ["caller"])),
)]
async fn openai_models(
    State(door): State<Door>,
    Extension(envelope): Extension<Envelope>,
    request: Request,
) -> Response {
    models::list(&door, &request.into_parts().0, &envelope).await
}

/// One model, as OpenAI shows it.
#[utoipa::path(
    get, path = "/gateway/openai/v1/models/{model}", tag = "gateway",
    operation_id = "gateway_openai_model",
    params(("model" = String, Path, description = "a profile's name")),
    responses((status = 200, description = "as in OpenAI's API"), (status = 401, description = "OpenAI's error envelope")),
    security(("bearer" = ["caller"])),
)]
async fn openai_model(
    State(door): State<Door>,
    Extension(envelope): Extension<Envelope>,
    model: Result<Path<String>, PathRejection>,
    request: Request,
) -> Response {
    // What is no text names no model.
    let model = model.map_or_else(|_| String::new(), |Path(model)| model);
    models::get(&door, &request.into_parts().0, &model, &envelope).await
}

/// Anthropic's messages, by any model.
///
/// Request, answer, stream and errors are Anthropic's own. `model` is a profile's name or
/// `provider/model`. `x-chancery-served-model` says who answered.
#[utoipa::path(
    post, path = "/gateway/anthropic/v1/messages", tag = "gateway",
    operation_id = "gateway_anthropic_messages",
    request_body(content = Object, description = "as in Anthropic's API"),
    responses((status = 200, description = "as in Anthropic's API"), (status = 401, description = "Anthropic's error envelope")),
    security(("bearer" = ["caller"])),
)]
async fn anthropic_messages(
    State(door): State<Door>,
    Extension(envelope): Extension<Envelope>,
    request: Request,
) -> Response {
    answer(&door, Dialect::Anthropic, envelope, request).await
}

/// How many tokens a request has, by a model of Anthropic's.
#[utoipa::path(
    post, path = "/gateway/anthropic/v1/messages/count_tokens", tag = "gateway",
    operation_id = "gateway_anthropic_count_tokens",
    request_body(content = Object, description = "as in Anthropic's API"),
    responses((status = 200, description = "as in Anthropic's API"), (status = 401, description = "Anthropic's error envelope")),
    security(("bearer" = ["caller"])),
)]
async fn anthropic_count_tokens(
    State(door): State<Door>,
    Extension(envelope): Extension<Envelope>,
    request: Request,
) -> Response {
    let (parts, body): (_, Body) = request.into_parts();
    other::forward(&door, other::Kind::CountTokens, parts, body, envelope).await
}

/// The models that the caller may ask, as Anthropic lists them.
#[utoipa::path(
    get, path = "/gateway/anthropic/v1/models", tag = "gateway",
    operation_id = "gateway_anthropic_models",
    responses((status = 200, description = "as in Anthropic's API"), (status = 401, description = "Anthropic's error envelope")),
    security(("bearer" = ["caller"])),
)]
async fn anthropic_models(
    State(door): State<Door>,
    Extension(envelope): Extension<Envelope>,
    request: Request,
) -> Response {
    models::list(&door, &request.into_parts().0, &envelope).await
}

/// One model, as Anthropic shows it.
#[utoipa::path(
    get, path = "/gateway/anthropic/v1/models/{model}", tag = "gateway",
    operation_id = "gateway_anthropic_model",
    params(("model" = String, Path, description = "a profile's name")),
    responses((status = 200, description = "as in Anthropic's API"), (status = 401, description = "Anthropic's error envelope")),
    security(("bearer" = ["caller"])),
)]
async fn anthropic_model(
    State(door): State<Door>,
    Extension(envelope): Extension<Envelope>,
    model: Result<Path<String>, PathRejection>,
    request: Request,
) -> Response {
    // What is no text names no model.
    let model = model.map_or_else(|_| String::new(), |Path(model)| model);
    models::get(&door, &request.into_parts().0, &model, &envelope).await
}
