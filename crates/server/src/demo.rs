//! The demo organisation: an agent that follows rules and one that asks a model (a script plays it),
//! a workspace with a few files, two skills, and a policy that allows, denies and asks.

use std::path::Path;

use agents::model::Planner;
use agents::{AgentError, Definition};
use db::OrgContext;
use models::model::{ProfileDefinition, ProviderDefinition, ProviderKind, Target};
use protocol::skill::{File, Package};
use tools::NewPolicy;
use vocab::{Actor, ModelProfileId, OrgId, Role};

use crate::ServerError;
use crate::compose::App;

/// The name of the agent, and of its workspace.
pub(crate) const NAME: &str = "demo";
/// The name of the agent that thinks with a model, where the environment has one.
const ASSISTANT: &str = "assistant";
/// The name of the agent that asks a model which a script plays.
const GUIDE: &str = "guide";
/// The name of that model's provider and profile.
const SCRIPTED: &str = "scripted";
const SCRIPT: &str = include_str!("../../../demo/script.json");
/// The tools of those that think.
const THINKER_TOOLS: [&str; 6] = [
    "file.list",
    "file.read",
    "file.search",
    "file.write",
    "skill.run",
    "http.fetch",
];

const WORKSPACE: &[(&str, &str)] = &[
    (
        "AGENTS.md",
        include_str!("../../../demo/workspace/AGENTS.md"),
    ),
    (
        "README.md",
        include_str!("../../../demo/workspace/README.md"),
    ),
    (
        "notes/todo.md",
        include_str!("../../../demo/workspace/notes/todo.md"),
    ),
    (
        "notes/meeting-2026-03-02.md",
        include_str!("../../../demo/workspace/notes/meeting-2026-03-02.md"),
    ),
    (
        "data/orders.csv",
        include_str!("../../../demo/workspace/data/orders.csv"),
    ),
    (
        "docs/delivery.md",
        include_str!("../../../demo/workspace/docs/delivery.md"),
    ),
];

/// A skill's files: path, whether it is executable, text.
type SkillFiles = &'static [(&'static str, bool, &'static str)];

const SKILLS: &[SkillFiles] = &[
    &[
        (
            "SKILL.md",
            false,
            include_str!("../../../demo/skills/word-count/SKILL.md"),
        ),
        (
            "skill.chancery.toml",
            false,
            include_str!("../../../demo/skills/word-count/skill.chancery.toml"),
        ),
        (
            "scripts/count.sh",
            true,
            include_str!("../../../demo/skills/word-count/scripts/count.sh"),
        ),
    ],
    &[
        (
            "SKILL.md",
            false,
            include_str!("../../../demo/skills/extract-todos/SKILL.md"),
        ),
        (
            "skill.chancery.toml",
            false,
            include_str!("../../../demo/skills/extract-todos/skill.chancery.toml"),
        ),
        (
            "scripts/extract.sh",
            true,
            include_str!("../../../demo/skills/extract-todos/scripts/extract.sh"),
        ),
    ],
];

/// Sets the demo up in a new organisation.
pub(crate) async fn set_up(
    app: &App,
    ctx: &OrgContext,
    node_folder: &Path,
) -> Result<(), ServerError> {
    lay_out_workspace(node_folder, ctx.org()).map_err(ServerError::DataDir)?;
    for files in SKILLS {
        publish_skill(app, ctx, files).await?;
    }
    let policy = NewPolicy {
        name: NAME.to_owned(),
        cedar: policy::example_policy().to_owned(),
        comment: "to begin with".to_owned(),
        managed: false,
    };
    app.policies
        .publish(ctx, policy)
        .await
        .map_err(ServerError::demo)?;
    let mut definition = Definition::rules(NAME);
    definition.description = "Follows instructions to the letter, a step at a time.".to_owned();
    definition.workspace = NAME.to_owned();
    definition.tools = agents::service::known_tools(ctx).await?;
    let known = definition.tools.clone();
    let mut tx = ctx.write().await?;
    agents::service::create(ctx, &mut tx, definition, &known)
        .await
        .map_err(ServerError::demo)?;
    tx.commit().await?;
    let profile = make_scripted(app, ctx).await?;
    let guide = Definition {
        description: "Shows what an agent that plans with a model does; a script plays the model."
            .to_owned(),
        model_profile_id: Some(profile),
        ..thinker(GUIDE)
    };
    let mut tx = ctx.write().await?;
    agents::service::create(ctx, &mut tx, guide, &known)
        .await
        .map_err(ServerError::demo)?;
    tx.commit().await?;
    Ok(())
}

/// A provider that needs no key, and a profile that leads to it.
async fn make_scripted(app: &App, ctx: &OrgContext) -> Result<ModelProfileId, ServerError> {
    let script = serde_json::from_str(SCRIPT).map_err(ServerError::demo)?;
    let provider = ProviderDefinition {
        name: SCRIPTED.to_owned(),
        kind: ProviderKind::Scripted,
        base_url: None,
        secret: None,
        region: None,
        api_version: None,
        private_network: false,
        script: Some(script),
    };
    let mut tx = ctx.write().await?;
    let secrets = &app.vault.secrets;
    let made = models::service::create_provider(ctx, &mut tx, secrets, provider)
        .await
        .map_err(ServerError::demo)?;
    let profile = ProfileDefinition::new(SCRIPTED, vec![Target::new(made.id, NAME)]);
    let made = models::service::create_profile(ctx, &mut tx, profile)
        .await
        .map_err(ServerError::demo)?;
    tx.commit().await?;
    Ok(made.id)
}

/// An agent that plans with a model.
fn thinker(name: &str) -> Definition {
    Definition {
        planner: Planner::Model,
        workspace: NAME.to_owned(),
        tools: THINKER_TOOLS.map(str::to_owned).to_vec(),
        ..Definition::rules(name)
    }
}

/// Makes model providers of what this process's environment has. What goes wrong keeps nobody from
/// using the rest.
pub(crate) async fn adopt_models(app: &App) -> Result<(), ServerError> {
    let Some((owner, org)) = app.orgs.first_owner().await? else {
        return Ok(());
    };
    let ctx = app
        .authority
        .context(org.id, Actor::user(owner.id), Role::Owner);
    let environment = models::Environment::read(|name| std::env::var(name).ok());
    match app.models.adopt(&ctx, &environment).await {
        Ok(made) if made.is_empty() => {}
        Ok(made) => {
            tracing::info!(providers = ?made, "model providers were found in the environment");
            make_assistant(&ctx).await?;
        }
        Err(error) => tracing::warn!(
            error = &error as &dyn std::error::Error,
            "the model providers of the environment were not taken over"
        ),
    }
    Ok(())
}

/// An agent that thinks with the models that were found, unless there is one of its name.
async fn make_assistant(ctx: &OrgContext) -> Result<(), ServerError> {
    let known = agents::service::known_tools(ctx).await?;
    let definition = Definition {
        description: "Thinks with a model, and uses tools where it is allowed to.".to_owned(),
        ..thinker(ASSISTANT)
    };
    let mut tx = ctx.write().await?;
    match agents::service::create(ctx, &mut tx, definition, &known).await {
        Ok(_) => tx.commit().await?,
        Err(AgentError::NameTaken(_)) => {}
        Err(error) => return Err(ServerError::demo(error)),
    }
    Ok(())
}

/// The files go straight into the local node's folder: it is the same machine and user.
fn lay_out_workspace(node_folder: &Path, org: OrgId) -> std::io::Result<()> {
    let workspace = node_folder
        .join("workspaces")
        .join(org.to_string())
        .join(NAME);
    for (path, text) in WORKSPACE {
        let target = workspace.join(path);
        if let Some(folder) = target.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(target, text)?;
    }
    Ok(())
}

async fn publish_skill(app: &App, ctx: &OrgContext, files: SkillFiles) -> Result<(), ServerError> {
    let mut package = Package::default();
    for (path, executable, text) in files {
        let file = File {
            executable: *executable,
            bytes: text.as_bytes().to_vec(),
        };
        package.insert(path, file).map_err(ServerError::demo)?;
    }
    let publication = app
        .skills
        .prepare(ctx, &package)
        .await
        .map_err(ServerError::demo)?;
    let mut tx = ctx.write().await?;
    app.skills
        .publish(ctx, &mut tx, &publication)
        .await
        .map_err(ServerError::demo)?;
    tx.commit().await?;
    Ok(())
}
