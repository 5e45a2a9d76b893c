//! `/v1/chat-settings`

use axum::extract::State;
use edge::{Admin, Change, Json, Member, OpenApiRouter, Problem, routes};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Chat;
use crate::model::{ChatSettings, RetentionRule};

/// What holds for the lives of all sessions of the organisation. Days count from when a session was
/// last active.
#[derive(Serialize, ToSchema)]
struct ChatSettingsView {
    /// After how many days a session is idle; null for never.
    idle_after_days: Option<u32>,
    /// After how many days it is archived; null for never. A rule of retention that archives it goes
    /// before this.
    archive_after_days: Option<u32>,
    /// A rule with a label is about the sessions that carry it, one without about those that carry no
    /// label of a rule. Where several say the same, the longest time counts.
    retention: Vec<RetentionRule>,
    /// 0 as long as nobody changed anything.
    version: u32,
}

impl From<(ChatSettings, u32)> for ChatSettingsView {
    fn from((it, version): (ChatSettings, u32)) -> Self {
        Self {
            idle_after_days: it.idle_after_days,
            archive_after_days: it.archive_after_days,
            retention: it.retention,
            version,
        }
    }
}

/// What to change. What is left out stays as it is.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
struct ChatSettingsBody {
    /// Null for never.
    #[serde(default)]
    #[schema(value_type = Option<u32>)]
    idle_after_days: Change<u32>,
    /// Null for never.
    #[serde(default)]
    #[schema(value_type = Option<u32>)]
    archive_after_days: Change<u32>,
    /// All rules; they take the place of those that there were.
    retention: Option<Vec<RetentionRule>>,
}

impl ChatSettingsBody {
    fn apply(self, mut to: ChatSettings) -> ChatSettings {
        self.idle_after_days.apply(&mut to.idle_after_days);
        self.archive_after_days.apply(&mut to.archive_after_days);
        to.retention = self.retention.unwrap_or(to.retention);
        to
    }
}

/// What becomes of sessions over time.
#[utoipa::path(
    get, path = "/v1/chat-settings", tag = "sessions", operation_id = "chat_settings_get",
    responses((status = 200, body = ChatSettingsView)),
    security(("bearer" = ["member"])),
)]
async fn get(
    State(chat): State<Chat>,
    Member(ctx): Member,
) -> Result<Json<ChatSettingsView>, Problem> {
    Ok(Json(chat.settings(&ctx).await?.into()))
}

/// Change what becomes of sessions over time.
///
/// It is in force with the next sweep, some minutes later at most.
#[utoipa::path(
    patch, path = "/v1/chat-settings", tag = "sessions", operation_id = "chat_settings_update",
    request_body = ChatSettingsBody,
    responses((status = 200, body = ChatSettingsView), (status = 422, body = Problem)),
    security(("bearer" = ["admin"])),
)]
async fn update(
    State(chat): State<Chat>,
    Admin(ctx): Admin,
    Json(body): Json<ChatSettingsBody>,
) -> Result<Json<ChatSettingsView>, Problem> {
    let mut tx = ctx.write().await?;
    let change = |it| body.apply(it);
    let (settings, changed) = chat.set_settings(&ctx, &mut tx, change).await?;
    if changed {
        tx.commit().await?;
    }
    Ok(Json(settings.into()))
}

pub(super) fn routes(chat: Chat) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(get, update))
        .with_state(chat)
}
