//! `/v1/skills`

use axum::extract::{FromRequest, Request, State};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use edge::{
    Admin, Json, Key, OpenApiRouter, Page, PageParams, Paging, Path, Problem, Viewer, routes,
};
use garde::Validate;
use http::{StatusCode, header};
use protocol::limits::{SKILL_FILES_MAX, SKILL_PACKAGE_BYTES_MAX};
use protocol::skill::{File, Package};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use vocab::{Digest, SkillId, Timestamp};

use crate::SkillError;
use crate::skills::{Skill, Skills};

/// The files of a skill.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewSkill {
    /// Every file, `SKILL.md` among them.
    #[garde(dive, length(max = SKILL_FILES_MAX))]
    files: Vec<NewFile>,
}

/// A file of a skill.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
struct NewFile {
    /// Relative to the skill's folder.
    path: String,
    /// The content in base64.
    content_base64: String,
    /// Whether it can be executed.
    #[serde(default)]
    executable: bool,
}

/// A package, as JSON or as a tar.
struct PackageBody(Package);

impl<S: Send + Sync> FromRequest<S> for PackageBody {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let media = request
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|it| it.to_str().ok());
        if media.is_some_and(|it| it.trim().eq_ignore_ascii_case("application/x-tar")) {
            let tar = axum::body::to_bytes(request.into_body(), SKILL_PACKAGE_BYTES_MAX).await;
            let tar = tar.map_err(|_| Problem::too_large(SKILL_PACKAGE_BYTES_MAX))?;
            return Ok(Self(Package::from_tar(&tar).map_err(SkillError::from)?));
        }
        let Json(new) = Json::<NewSkill>::from_request(request, state).await?;
        new.package().map(Self)
    }
}

impl NewSkill {
    fn package(self) -> Result<Package, Problem> {
        let mut package = Package::default();
        for (index, file) in self.files.into_iter().enumerate() {
            let bytes = STANDARD.decode(&file.content_base64).map_err(|_| {
                Problem::invalid_field(format!("/files/{index}/content_base64"), "not base64")
            })?;
            let file_of = File {
                executable: file.executable,
                bytes,
            };
            package
                .insert(&file.path, file_of)
                .map_err(SkillError::from)?;
        }
        Ok(package)
    }
}

/// A skill in its current version.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SkillView {
    /// `skl_…`
    #[schema(value_type = String)]
    id: SkillId,
    name: String,
    description: String,
    version: u32,
    /// `sha256:…` of the package.
    #[schema(value_type = String)]
    digest: Digest,
    /// Whether `skill.run` can run it; otherwise it is instructions alone.
    runnable: bool,
    /// The command and its first arguments.
    entry: Vec<String>,
    /// What the command needs; what it does not name it does not get.
    #[schema(value_type = Object)]
    needs: Value,
    license: Option<String>,
    compatibility: Option<String>,
    /// The text of `SKILL.md`.
    instructions: String,
    size_bytes: u64,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

impl From<Skill> for SkillView {
    fn from(skill: Skill) -> Self {
        let front = skill.manifest.front;
        let sidecar = skill.manifest.sidecar;
        let needs = sidecar
            .as_ref()
            .map(|it| json!(it.needs))
            .unwrap_or_default();
        Self {
            id: skill.id,
            name: front.name,
            description: front.description,
            version: skill.version,
            digest: skill.digest,
            runnable: sidecar.is_some(),
            needs,
            entry: sidecar.map(|it| it.entry).unwrap_or_default(),
            license: front.license,
            compatibility: front.compatibility,
            instructions: skill.manifest.instructions,
            size_bytes: skill.size_bytes,
            created_at: skill.created_at,
            updated_at: skill.updated_at,
        }
    }
}

/// Publish a skill.
///
/// The body is JSON, or the package as an uncompressed tar (`application/x-tar`). The name is the one
/// in `SKILL.md`; publishing under a name that exists makes a new version of that skill.
#[utoipa::path(
    post, path = "/v1/skills", tag = "skills", operation_id = "skill_publish",
    request_body = NewSkill,
    responses(
        (status = 201, body = SkillView),
        (status = 413, body = Problem),
        (status = 422, body = Problem, description = "not a skill, or pinned to another digest"),
    ),
    security(("bearer" = ["admin"])),
    extensions(("x-idempotency" = json!("atomic"))),
)]
async fn publish(
    State(skills): State<Skills>,
    Admin(ctx): Admin,
    key: Key,
    PackageBody(package): PackageBody,
) -> Result<(StatusCode, Json<SkillView>), Problem> {
    let publication = skills.prepare(&ctx, &package).await?;
    let mut tx = ctx.write().await?;
    let before = skills.current(&mut tx, &publication).await?;
    let skill = skills.publish(&ctx, &mut tx, &publication).await?;
    let unchanged = before.as_ref() == Some(&skill);
    let view = SkillView::from(skill);
    if !unchanged {
        key.claim(&mut tx, StatusCode::CREATED, &view).await?;
        tx.commit().await?;
    }
    Ok((StatusCode::CREATED, Json(view)))
}

/// List skills by their names.
#[utoipa::path(
    get, path = "/v1/skills", tag = "skills", operation_id = "skill_list",
    params(PageParams),
    responses((status = 200, body = Page<SkillView>), (status = 422, body = Problem)),
    security(("bearer" = ["viewer"])),
)]
async fn list(
    State(skills): State<Skills>,
    Viewer(ctx): Viewer,
    paging: Paging,
) -> Result<Json<Page<SkillView>>, Problem> {
    let after: Option<String> = paging.after()?;
    let found = skills.list(&ctx, after.as_deref(), paging.fetch()).await?;
    let page = Page::cut(found, &paging, |skill| skill.manifest.front.name.clone());
    Ok(Json(page.map(SkillView::from)))
}

/// Read a skill.
#[utoipa::path(
    get, path = "/v1/skills/{skill_id}", tag = "skills", operation_id = "skill_get",
    params(("skill_id" = String, Path, description = "`skl_…`")),
    responses((status = 200, body = SkillView), (status = 404, body = Problem)),
    security(("bearer" = ["viewer"])),
)]
async fn get(
    State(skills): State<Skills>,
    Viewer(ctx): Viewer,
    Path(id): Path<SkillId>,
) -> Result<Json<SkillView>, Problem> {
    Ok(Json(skills.get(&ctx, id).await?.into()))
}

/// Delete a skill with all its versions.
#[utoipa::path(
    delete, path = "/v1/skills/{skill_id}", tag = "skills", operation_id = "skill_delete",
    params(("skill_id" = String, Path, description = "`skl_…`")),
    responses((status = 204), (status = 404, body = Problem)),
    security(("bearer" = ["admin"])),
)]
async fn delete(
    State(skills): State<Skills>,
    Admin(ctx): Admin,
    Path(id): Path<SkillId>,
) -> Result<StatusCode, Problem> {
    let mut tx = ctx.write().await?;
    skills.delete(&ctx, &mut tx, id).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) fn routes(skills: Skills) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(list, publish))
        .routes(routes!(get, delete))
        .with_state(skills)
}
