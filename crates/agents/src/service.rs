//! What can be done with agents. Mutations take the caller's write transaction and record their
//! events in it; the caller commits.

use db::{OrgContext, StoreError, WriteTx};
use vault::Query;
use vocab::{AgentId, Draft, EventKind, Role};

use crate::model::{Agent, AgentState, AgentVersion, Definition, Turn};
use crate::{AgentError, store};

/// The names of the tools that an agent of this organisation can have: the built-in ones and those
/// that the organisation configured.
///
/// # Errors
/// The database.
pub async fn known_tools(ctx: &OrgContext) -> Result<Vec<String>, StoreError> {
    let configured = tools::http_tools::list(ctx).await?;
    let builtin = tools::builtins().into_iter().map(|tool| tool.name);
    Ok(builtin
        .chain(configured.into_iter().map(|tool| tool.name))
        .collect())
}

/// Makes an agent. `known` are the tools that there are ([`known_tools`]).
///
/// # Errors
/// The caller is no admin; the definition does not fit; the name is taken.
pub async fn create(
    ctx: &OrgContext,
    tx: &mut WriteTx,
    definition: Definition,
    known: &[String],
) -> Result<Agent, AgentError> {
    admin(ctx)?;
    let definition = definition.checked(known)?;
    let (id, now) = (ctx.new_id(), ctx.now());
    let state = AgentState::Active;
    let agent = Agent {
        id,
        state,
        version: 1,
        definition,
        created_at: now,
        updated_at: now,
    };
    free_name(tx, &agent).await?;
    taken(store::insert(tx, &agent, ctx.actor()).await, &agent)?;
    tx.record(changed(EventKind::AgentCreated, &agent));
    Ok(agent)
}

/// Changes an agent: the result of `change` becomes its next version. A change that changes nothing
/// makes no version, and records nothing.
///
/// # Errors
/// As [`create`]; there is no such agent; it is retired; somebody else changed it in between.
pub async fn update(
    ctx: &OrgContext,
    tx: &mut WriteTx,
    id: AgentId,
    change: impl FnOnce(Definition) -> Definition,
    known: &[String],
) -> Result<Agent, AgentError> {
    put(ctx, tx, id, (change, None), known).await
}

/// Makes an earlier version of an agent its next one. What it is already makes no version.
///
/// # Errors
/// As [`update`]; the agent never had this version, or it does not fit any more: a tool of it was
/// removed, or its name is another agent's now.
pub async fn roll_back(
    ctx: &OrgContext,
    tx: &mut WriteTx,
    id: AgentId,
    version: u32,
    known: &[String],
) -> Result<Agent, AgentError> {
    admin(ctx)?;
    store::get(tx, id).await?.ok_or(AgentError::NotFound(id))?;
    let earlier = store::version(tx, id, version).await?;
    let definition = earlier.ok_or(AgentError::NoVersion(version))?.definition;
    let change = (move |_| definition, Some(version));
    put(ctx, tx, id, change, known).await
}

/// Makes the next version of an agent, and says in its event which version it is again.
async fn put(
    ctx: &OrgContext,
    tx: &mut WriteTx,
    id: AgentId,
    (change, again): (impl FnOnce(Definition) -> Definition, Option<u32>),
    known: &[String],
) -> Result<Agent, AgentError> {
    admin(ctx)?;
    let seen = store::get(tx, id).await?.ok_or(AgentError::NotFound(id))?;
    if seen.state == AgentState::Retired {
        return Err(AgentError::Retired(seen.definition.name));
    }
    let definition = change(seen.definition.clone()).checked(known)?;
    if definition == seen.definition {
        return Ok(seen);
    }
    let version = seen.version + 1;
    let agent = Agent {
        version,
        definition,
        updated_at: ctx.now(),
        ..seen
    };
    free_name(tx, &agent).await?;
    if !taken(
        store::update(tx, &agent, version - 1, ctx.actor()).await,
        &agent,
    )? {
        return Err(AgentError::Changed);
    }
    let event = changed(EventKind::AgentUpdated, &agent);
    tx.record(event.fact_if("rolled_back_to", again));
    Ok(agent)
}

/// Pauses, activates or retires an agent. Asking twice is no error: the second time changes nothing
/// and records nothing. Runs that are under way go on.
///
/// # Errors
/// The caller is no admin; there is no such agent; it is retired and should come back.
pub async fn turn(
    ctx: &OrgContext,
    tx: &mut WriteTx,
    id: AgentId,
    turn: Turn,
) -> Result<Agent, AgentError> {
    admin(ctx)?;
    let seen = store::get(tx, id).await?.ok_or(AgentError::NotFound(id))?;
    let Some(state) = seen.state.after(turn) else {
        return Err(AgentError::Retired(seen.definition.name));
    };
    if state == seen.state {
        return Ok(seen);
    }
    let now = ctx.now();
    if !store::set_state(tx, id, (seen.state, state), now).await? {
        return Err(AgentError::Changed);
    }
    let kind = match turn {
        Turn::Pause => EventKind::AgentPaused,
        Turn::Activate => EventKind::AgentActivated,
        Turn::Retire => EventKind::AgentRetired,
    };
    let agent = Agent {
        state,
        updated_at: now,
        ..seen
    };
    tx.record(changed(kind, &agent));
    Ok(agent)
}

/// Deletes an agent; its name is free again. Its versions stay for whoever reads an old run, and
/// runs that are under way go on with their snapshot.
///
/// # Errors
/// The caller is no admin; there is no such agent.
pub async fn delete(ctx: &OrgContext, tx: &mut WriteTx, id: AgentId) -> Result<(), AgentError> {
    admin(ctx)?;
    let agent = store::get(tx, id).await?.ok_or(AgentError::NotFound(id))?;
    if !store::delete(tx, id).await? {
        return Err(AgentError::NotFound(id));
    }
    tx.record(changed(EventKind::AgentDeleted, &agent));
    Ok(())
}

/// One agent.
///
/// # Errors
/// There is no such agent.
pub async fn get(ctx: &OrgContext, id: AgentId) -> Result<Agent, AgentError> {
    get_in(&mut ctx.read().await?, id).await
}

/// One agent, within a transaction.
///
/// # Errors
/// There is no such agent.
pub async fn get_in(tx: &mut impl Query, id: AgentId) -> Result<Agent, AgentError> {
    store::get(tx, id).await?.ok_or(AgentError::NotFound(id))
}

/// The agent of this name, within a transaction.
///
/// # Errors
/// There is no such agent.
pub async fn by_name_in(tx: &mut impl Query, name: &str) -> Result<Agent, AgentError> {
    let found = store::by_name(tx, name).await?;
    found.ok_or_else(|| AgentError::UnknownName(name.to_owned()))
}

/// Agents in the order in which they were made, those after `after`, in `state` if one is given.
///
/// # Errors
/// The database.
pub async fn list(
    ctx: &OrgContext,
    after: Option<AgentId>,
    state: Option<AgentState>,
    limit: u32,
) -> Result<Vec<Agent>, AgentError> {
    Ok(store::list(&mut ctx.read().await?, after, state, limit).await?)
}

/// The versions of an agent, the newest first; also of one that was deleted.
///
/// # Errors
/// There never was such an agent.
pub async fn versions(
    ctx: &OrgContext,
    id: AgentId,
    before: Option<u32>,
    limit: u32,
) -> Result<Vec<AgentVersion>, AgentError> {
    let versions = store::versions(&mut ctx.read().await?, id, before, limit).await?;
    if versions.is_empty() && before.is_none() {
        return Err(AgentError::NotFound(id));
    }
    Ok(versions)
}

/// One version of an agent; also of one that was deleted.
///
/// # Errors
/// There never was such an agent, or it never had this version.
pub async fn version(
    ctx: &OrgContext,
    id: AgentId,
    version: u32,
) -> Result<AgentVersion, AgentError> {
    let mut tx = ctx.read().await?;
    if let Some(found) = store::version(&mut tx, id, version).await? {
        return Ok(found);
    }
    let newest = store::versions(&mut tx, id, None, 1).await?;
    Err(match newest.is_empty() {
        true => AgentError::NotFound(id),
        false => AgentError::NoVersion(version),
    })
}

fn admin(ctx: &OrgContext) -> Result<(), AgentError> {
    if ctx.role() < Role::Admin {
        return Err(AgentError::RoleTooLow(Role::Admin));
    }
    Ok(())
}

/// On Postgres a statement that fails ends its transaction, so the usual case is asked about first.
async fn free_name(tx: &mut WriteTx, agent: &Agent) -> Result<(), AgentError> {
    let name = &agent.definition.name;
    match store::by_name(tx, name).await? {
        Some(other) if other.id != agent.id => Err(AgentError::NameTaken(name.clone())),
        Some(_) | None => Ok(()),
    }
}

/// What the database says when two take a name at the same moment.
fn taken<T>(result: Result<T, StoreError>, agent: &Agent) -> Result<T, AgentError> {
    result.map_err(|error| match error {
        StoreError::Conflict { .. } => AgentError::NameTaken(agent.definition.name.clone()),
        other => AgentError::Store(other),
    })
}

fn changed(kind: EventKind, agent: &Agent) -> Draft {
    let draft = Draft::new(kind, agent.id).fact("name", agent.definition.name.as_str());
    draft
        .fact("version", agent.version)
        .fact("state", agent.state.as_str())
}
