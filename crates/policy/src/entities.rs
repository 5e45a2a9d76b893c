//! From a question to what Cedar evaluates: a request, and the two or three entities it speaks of.

use std::collections::{BTreeSet, HashMap, HashSet};

use cedar_policy::{
    Context as CedarContext, Entities, Entity, EntityUid, Request, RestrictedExpression,
};
use vocab::{Role, Target, Timestamp};

use crate::question::{Principal, Question, QuestionError};
use crate::schema::{NAMES, uid};

type Attributes = HashMap<String, RestrictedExpression>;

/// A question in Cedar's terms.
#[derive(Debug)]
pub(crate) struct Case {
    pub entities: Entities,
    pub request: Request,
}

impl Case {
    /// Builds the entities directly; through JSON it would take longer than the decision.
    pub fn build(question: &Question, risk: u8) -> Result<Self, QuestionError> {
        question.check()?;
        let mut entities = Vec::with_capacity(3);
        let principal = principal(question, &mut entities)?;
        let resource = resource(question, &mut entities)?;
        let context = CedarContext::from_pairs(situation(question, risk)).map_err(engine)?;
        // Both are left unchecked against the schema: they are built here for it, the tests check
        // them against it, and checking costs as much again as deciding.
        let request = Request::new(
            principal,
            NAMES.action(question.action).clone(),
            resource,
            context,
            None,
        )
        .map_err(engine)?;
        let entities = Entities::from_entities(entities, None).map_err(engine)?;
        Ok(Self { entities, request })
    }
}

fn engine(error: impl std::fmt::Display) -> QuestionError {
    QuestionError::Engine(error.to_string())
}

fn entity(
    uid: &EntityUid,
    attributes: Attributes,
    parents: HashSet<EntityUid>,
) -> Result<Entity, QuestionError> {
    Entity::new(uid.clone(), attributes, parents).map_err(engine)
}

fn principal(question: &Question, out: &mut Vec<Entity>) -> Result<EntityUid, QuestionError> {
    let parents = memberships(question);
    match &question.principal {
        Principal::User { id } => person(&id.to_string(), question.role, parents, out),
        Principal::Agent { id, name, labels, user } => {
            if let Some(user) = user {
                person(&user.to_string(), question.role, parents.clone(), out)?;
            }
            let this = uid(&NAMES.agent, &id.to_string());
            let attributes = HashMap::from([
                ("role".to_owned(), text(question.role.as_str())),
                ("name".to_owned(), text(name)),
                ("labels".to_owned(), texts(labels)),
            ]);
            out.push(entity(&this, attributes, parents)?);
            Ok(this)
        }
    }
}

fn person(
    id: &str,
    role: Role,
    parents: HashSet<EntityUid>,
    out: &mut Vec<Entity>,
) -> Result<EntityUid, QuestionError> {
    let this = uid(&NAMES.user, id);
    let attributes = HashMap::from([("role".to_owned(), text(role.as_str()))]);
    out.push(entity(&this, attributes, parents)?);
    Ok(this)
}

/// The organisation, and every role that the role includes.
fn memberships(question: &Question) -> HashSet<EntityUid> {
    let organisation = uid(&NAMES.organisation, &question.org.to_string());
    let included = Role::ALL.iter().zip(&NAMES.roles).filter(|(role, _)| **role <= question.role);
    included.map(|(_, uid)| uid.clone()).chain([organisation]).collect()
}

fn resource(question: &Question, out: &mut Vec<Entity>) -> Result<EntityUid, QuestionError> {
    let names = &*NAMES;
    let mut attributes = Attributes::new();
    let mut parents = HashSet::new();
    let mut set = |key: &str, value| {
        attributes.insert(key.to_owned(), value);
    };
    let this = match &question.target {
        Target::Nothing => return Ok(names.nothing.clone()),
        Target::File { path, workspace, size_bytes } => {
            set("path", text(path));
            set("name", text(path.rsplit('/').next().unwrap_or_default()));
            set("components", RestrictedExpression::new_set(components(path).map(text)));
            set("workspace", text(workspace));
            if let Some(size) = size_bytes {
                set("size_bytes", long(*size));
            }
            parents.extend(folders(path).map(|folder| uid(&names.folder, folder)));
            parents.insert(uid(&names.workspace, workspace));
            uid(&names.file, path)
        }
        Target::Http { method, scheme, host, port, path } => {
            set("method", text(method.as_str()));
            set("scheme", text(scheme));
            set("host", text(host));
            set("port", long(u64::from(*port)));
            set("path", text(path));
            parents.insert(uid(&names.host, host));
            uid(&names.endpoint, &endpoint_id(scheme, host, *port, path))
        }
        Target::Process { command, workspace } => {
            set("command", text(command));
            set("workspace", text(workspace));
            parents.insert(uid(&names.workspace, workspace));
            uid(&names.command, command)
        }
        Target::Skill { name, digest, workspace } => {
            set("name", text(name));
            set("workspace", text(workspace));
            if let Some(digest) = digest {
                set("digest", text(&digest.to_string()));
            }
            parents.insert(uid(&names.workspace, workspace));
            uid(&names.skill, name)
        }
        Target::Artifact { name } => named(&names.artifact, name, &mut set),
        Target::Agent { name } => named(&names.callee, name, &mut set),
        Target::Secret { name } => named(&names.secret, name, &mut set),
    };
    set("labels", texts(&question.target_labels));
    out.push(entity(&this, attributes, parents)?);
    Ok(this)
}

fn named(
    kind: &cedar_policy::EntityTypeName,
    name: &str,
    set: &mut impl FnMut(&str, RestrictedExpression),
) -> EntityUid {
    set("name", text(name));
    uid(kind, name)
}

/// The id of an `Endpoint`. Host and path are in canonical form, so two endpoints never share one.
pub(crate) fn endpoint_id(scheme: &str, host: &str, port: u16, path: &str) -> String {
    format!("{scheme}://{host}:{port}{path}")
}

fn components(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|component| !component.is_empty())
}

/// The workspace itself, every folder above the path, and the path as a folder.
fn folders(path: &str) -> impl Iterator<Item = &str> {
    let above = path.match_indices('/').map(|(slash, _)| &path[..slash]);
    [""].into_iter().chain(above).chain(Some(path).filter(|path| !path.is_empty()))
}

fn situation(question: &Question, risk: u8) -> Vec<(String, RestrictedExpression)> {
    let context = &question.context;
    let flag = |name: &str, value| (name.to_owned(), RestrictedExpression::new_bool(value));
    let number = |name: &str, value| (name.to_owned(), RestrictedExpression::new_long(value));
    let has_read = [
        flag("trusted", context.has_read.trusted),
        flag("private", context.has_read.private),
        flag("untrusted", context.has_read.untrusted),
    ];
    let clock = Calendar::of(context.now);
    let mut pairs = vec![
        ("tool".to_owned(), text(&question.tool)),
        ("run_kind".to_owned(), text(&context.run_kind)),
        ("labels".to_owned(), texts(&context.session_labels)),
        ("enforcement".to_owned(), text(context.enforcement.as_str())),
        number("spend_usd_micros", context.spend_usd_micros),
        number("now", clock.seconds),
        number("hour_utc", clock.hour),
        number("weekday", clock.weekday),
        number("risk", i64::from(risk)),
    ];
    // It fails for a name that is there twice, and these are three.
    if let Ok(record) = RestrictedExpression::new_record(has_read) {
        pairs.push(("has_read".to_owned(), record));
    }
    if let Principal::Agent { user: Some(user), .. } = &question.principal {
        let user = uid(&NAMES.user, &user.to_string());
        pairs.push(("user".to_owned(), RestrictedExpression::new_entity_uid(user)));
    }
    pairs
}

struct Calendar {
    seconds: i64,
    hour: i64,
    weekday: i64,
}

impl Calendar {
    fn of(now: Timestamp) -> Self {
        let seconds = now.as_seconds();
        let days = seconds.div_euclid(86_400);
        let hour = seconds.rem_euclid(86_400) / 3_600;
        // 1970-01-01 was a Thursday, the fourth day.
        Self { seconds, hour, weekday: (days + 3).rem_euclid(7) + 1 }
    }
}

fn text(value: &str) -> RestrictedExpression {
    RestrictedExpression::new_string(value.to_owned())
}

fn texts(values: &BTreeSet<String>) -> RestrictedExpression {
    RestrictedExpression::new_set(values.iter().map(|value| text(value)))
}

/// Cedar's numbers end at 2^63 - 1; a larger size is as large as can be said.
fn long(value: u64) -> RestrictedExpression {
    RestrictedExpression::new_long(i64::try_from(value).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use vocab::{Action, Digest, HttpMethod, Id};

    use super::*;
    use crate::question::Context;
    use crate::schema::VALIDATOR;

    fn question(action: Action, target: Target, principal: Principal) -> Question {
        Question {
            org: Id::from_uuid(uuid::Uuid::from_u128(1)),
            principal,
            role: Role::Admin,
            tool: "tool".to_owned(),
            action,
            target,
            target_labels: BTreeSet::from(["a".to_owned()]),
            context: Context::new("agent_turn", Timestamp::from_micros(0)),
        }
    }

    fn targets() -> Vec<(Action, Target)> {
        let (name, workspace) = ("name".to_owned(), "demo".to_owned());
        let file = |size_bytes| Target::File {
            path: "a/b".to_owned(),
            workspace: workspace.clone(),
            size_bytes,
        };
        let skill = |digest| Target::Skill {
            name: name.clone(),
            digest,
            workspace: workspace.clone(),
        };
        let http = Target::Http {
            method: HttpMethod::Get,
            scheme: "http".to_owned(),
            host: "h".to_owned(),
            port: 1,
            path: "/".to_owned(),
        };
        let process = Target::Process { command: "ls".to_owned(), workspace: workspace.clone() };
        vec![
            (Action::FileRead, file(None)),
            (Action::FileWrite, file(Some(u64::MAX))),
            (Action::HttpFetch, http),
            (Action::ProcessExec, process),
            (Action::SkillRun, skill(None)),
            (Action::SkillRun, skill(Some(Digest::ZERO))),
            (Action::ArtifactSave, Target::Artifact { name: name.clone() }),
            (Action::AgentCall, Target::Agent { name: name.clone() }),
            (Action::SecretUse, Target::Secret { name }),
            (Action::Noop, Target::Nothing),
        ]
    }

    /// What is built here is never checked on the way, so it is checked here for every kind.
    #[test]
    fn every_case_conforms_to_the_schema() {
        let schema = VALIDATOR.schema();
        let id = |n| uuid::Uuid::from_u128(n);
        let agent = |user| Principal::Agent {
            id: Id::from_uuid(id(2)),
            name: "n".to_owned(),
            labels: BTreeSet::new(),
            user,
        };
        let user = Id::from_uuid(id(3));
        for principal in [agent(None), agent(Some(user)), Principal::User { id: user }] {
            for (action, target) in targets() {
                let case = Case::build(&question(action, target, principal.clone()), 5).unwrap();
                let entities = case.entities.iter().cloned();
                Entities::from_entities(entities, Some(schema)).unwrap();
                let request = &case.request;
                Request::new(
                    request.principal().unwrap().clone(),
                    request.action().unwrap().clone(),
                    request.resource().unwrap().clone(),
                    request.context().unwrap().clone(),
                    Some(schema),
                )
                .unwrap();
            }
        }
    }

    #[test]
    fn a_path_is_in_every_folder_above_it() {
        let of = |path| folders(path).collect::<Vec<_>>();
        assert_eq!(of(""), [""]);
        assert_eq!(of("a"), ["", "a"]);
        assert_eq!(of("a/b/c"), ["", "a", "a/b", "a/b/c"]);
    }

    #[test]
    fn the_calendar_is_the_calendar() {
        let of = |seconds: i64| {
            let at = Calendar::of(Timestamp::from_micros(seconds * 1_000_000));
            (at.weekday, at.hour)
        };
        assert_eq!(of(0), (4, 0));
        assert_eq!(of(-1), (3, 23));
        assert_eq!(of(1_700_000_000), (2, 22));
        assert_eq!(of(1_790_000_000), (1, 14));
    }
}
