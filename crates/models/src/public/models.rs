//! The models that a caller may ask: profiles, by name, as each dialect lists them.

use axum::response::Response;
use dialects::Dialect;
use dialects::neutral::ErrorKind;
use http::StatusCode;
use http::request::Parts;
use serde_json::{Value, json};

use super::door::{Door, Guest};
use super::envelope::Envelope;
use super::run_token::Leave;
use crate::ModelError;
use crate::admit::may_ask;
use crate::model::Profile;
use crate::route::{Asked, plan};

/// All of them.
pub(super) async fn list(door: &Door, parts: &Parts, envelope: &Envelope) -> Response {
    let guest = match door.guest(&parts.headers).await {
        Ok(guest) => guest,
        Err((kind, message)) => return envelope.refuse(kind, message),
    };
    match profiles(door, &guest).await {
        Ok(profiles) => {
            let views = profiles.iter().map(|it| view(envelope.dialect, it));
            let views: Vec<Value> = views.collect();
            let body = match envelope.dialect {
                Dialect::Anthropic => json!({
                    "first_id": views.first().map(|it| it["id"].clone()),
                    "last_id": views.last().map(|it| it["id"].clone()),
                    "has_more": false,
                    "data": views,
                }),
                _ => json!({ "object": "list", "data": views }),
            };
            envelope.json(StatusCode::OK, body.to_string())
        }
        Err(error) => envelope.error(&error),
    }
}

/// One of them.
pub(super) async fn get(door: &Door, parts: &Parts, name: &str, envelope: &Envelope) -> Response {
    let guest = match door.guest(&parts.headers).await {
        Ok(guest) => guest,
        Err((kind, message)) => return envelope.refuse(kind, message),
    };
    match profiles(door, &guest).await {
        Ok(profiles) => match profiles.iter().find(|it| it.definition.name == name) {
            Some(found) => envelope.json(StatusCode::OK, view(envelope.dialect, found).to_string()),
            None => envelope.refuse(
                ErrorKind::NotFound,
                format!("there is no model `{name}` here"),
            ),
        },
        Err(error) => envelope.error(&error),
    }
}

async fn profiles(door: &Door, guest: &Guest) -> Result<Vec<Profile>, ModelError> {
    let models = door.gateway.catalog().of(&guest.ctx).await?;
    let may = |it: &Profile| {
        let plan = plan(&models, &Asked::Profile(it.id))?;
        may_ask(&guest.spender, &models, &plan, &plan.candidates)
    };
    let all = models.profiles().into_iter().map(AsRef::as_ref);
    let listed: Vec<&Profile> = all.filter(|it| may(it).is_ok()).collect();
    let names: Vec<_> = listed
        .iter()
        .map(|it| (it.definition.name.as_str(), Some(it.id)))
        .collect();
    let Some(leaves) = door.leaves(guest, &names).await? else {
        return Ok(listed.into_iter().cloned().collect());
    };
    let granted = listed.into_iter().zip(leaves);
    let granted = granted.filter(|(_, leave)| *leave == Leave::Granted);
    Ok(granted.map(|(it, _)| it.clone()).collect())
}

fn view(dialect: Dialect, it: &Profile) -> Value {
    let name = &it.definition.name;
    match dialect {
        Dialect::Anthropic => json!({
            "type": "model",
            "id": name,
            "display_name": name,
            "created_at": it.created_at.to_string(),
        }),
        Dialect::OpenaiChat | Dialect::OpenaiResponses | Dialect::Gemini | Dialect::Converse => {
            json!({
                "id": name,
                "object": "model",
                "created": it.created_at.as_seconds(),
                "owned_by": "chancery",
            })
        }
    }
}
