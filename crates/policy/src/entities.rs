//! From a question to what Cedar evaluates: a request, and the two or three entities it speaks of.

use std::collections::{BTreeSet, HashMap, HashSet};

use cedar_policy::{
    Context as CedarContext, Entities, Entity, EntityTypeName, EntityUid, Request,
    RestrictedExpression,
};
use vocab::{Role, Target, Timestamp};

use crate::mentions::{Mentions, Word};
use crate::question::{HasRead, Principal, Question, QuestionError};
use crate::schema::{NAMES, uid};

type Attributes = HashMap<String, RestrictedExpression>;

/// A question in Cedar's terms.
#[derive(Debug)]
pub(crate) struct Case {
    pub entities: Entities,
    pub request: Request,
}

impl Case {
    /// Builds what the rules mention, and builds it directly: through JSON it would take longer than
    /// the decision.
    pub fn build(question: &Question, risk: u8, mentions: Mentions) -> Result<Self, QuestionError> {
        question.check()?;
        let mut builder = Builder {
            question,
            mentions,
            entities: Vec::with_capacity(3),
        };
        let principal = builder.principal()?;
        let resource = builder.resource()?;
        let context = CedarContext::from_pairs(builder.situation(risk)).map_err(engine)?;
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
        let entities = Entities::from_entities(builder.entities, None).map_err(engine)?;
        Ok(Self { entities, request })
    }
}

fn engine(error: impl std::fmt::Display) -> QuestionError {
    QuestionError::Engine(error.to_string())
}

struct Builder<'a> {
    question: &'a Question,
    mentions: Mentions,
    entities: Vec<Entity>,
}

/// One entity in the making, of which only what is mentioned is kept.
struct Draft {
    mentions: Mentions,
    attributes: Attributes,
    parents: HashSet<EntityUid>,
}

impl Draft {
    fn set(&mut self, word: Word, value: impl FnOnce() -> RestrictedExpression) {
        if self.mentions.has(word) {
            self.attributes.insert(word.as_str().to_owned(), value());
        }
    }

    fn within(&mut self, word: Word, parent: impl FnOnce() -> EntityUid) {
        if self.mentions.has(word) {
            self.parents.insert(parent());
        }
    }
}

impl Builder<'_> {
    fn draft(&self) -> Draft {
        let (attributes, parents) = (Attributes::new(), HashSet::new());
        Draft {
            mentions: self.mentions,
            attributes,
            parents,
        }
    }

    /// An entity without attributes and parents needn't be there at all.
    fn keep(&mut self, uid: &EntityUid, draft: Draft) -> Result<(), QuestionError> {
        if !draft.attributes.is_empty() || !draft.parents.is_empty() {
            let entity = Entity::new(uid.clone(), draft.attributes, draft.parents);
            self.entities.push(entity.map_err(engine)?);
        }
        Ok(())
    }

    fn principal(&mut self) -> Result<EntityUid, QuestionError> {
        let mut draft = self.draft();
        self.join(&mut draft);
        let this = match &self.question.principal {
            Principal::User { id } => uid(&NAMES.user, &id.to_string()),
            Principal::Agent {
                id,
                name,
                labels,
                user,
            } => {
                if let Some(user) = user.filter(|_| self.mentions.has(Word::User)) {
                    let mut person = self.draft();
                    self.join(&mut person);
                    self.keep(&uid(&NAMES.user, &user.to_string()), person)?;
                }
                draft.set(Word::Name, || text(name));
                draft.set(Word::Labels, || texts(labels));
                uid(&NAMES.agent, &id.to_string())
            }
        };
        self.keep(&this, draft)?;
        Ok(this)
    }

    /// The organisation, the role, and every role that it includes.
    fn join(&self, draft: &mut Draft) {
        let role = self.question.role;
        draft.set(Word::Role, || text(role.as_str()));
        draft.within(Word::OrganisationType, || {
            uid(&NAMES.organisation, &self.question.org.to_string())
        });
        for (_, included) in Role::ALL
            .iter()
            .zip(&NAMES.roles)
            .filter(|(each, _)| **each <= role)
        {
            draft.within(Word::RoleType, || included.clone());
        }
    }

    fn resource(&mut self) -> Result<EntityUid, QuestionError> {
        let names = &*NAMES;
        let mut draft = self.draft();
        let this = match &self.question.target {
            Target::Nothing => return Ok(names.nothing.clone()),
            Target::File {
                path,
                workspace,
                size_bytes,
            } => {
                draft.file(path, workspace, *size_bytes);
                uid(&names.file, path)
            }
            Target::Http {
                method,
                scheme,
                host,
                port,
                path,
            } => {
                draft.set(Word::Method, || text(method.as_str()));
                draft.set(Word::Scheme, || text(scheme));
                draft.set(Word::Host, || text(host));
                draft.set(Word::Port, || long(u64::from(*port)));
                draft.set(Word::Path, || text(path));
                draft.within(Word::HostType, || uid(&names.host, host));
                uid(&names.endpoint, &endpoint_id(scheme, host, *port, path))
            }
            Target::Process { command, workspace } => {
                draft.set(Word::Command, || text(command));
                draft.workspace(workspace);
                uid(&names.command, command)
            }
            Target::Skill {
                name,
                digest,
                workspace,
            } => {
                draft.set(Word::Name, || text(name));
                draft.workspace(workspace);
                if let Some(digest) = digest {
                    draft.set(Word::Digest, || text(&digest.to_string()));
                }
                uid(&names.skill, name)
            }
            Target::Artifact { name, .. } => draft.named(&names.artifact, name),
            Target::Agent { name } => draft.named(&names.callee, name),
            Target::Model { name } => draft.named(&names.model, name),
            Target::Secret { name } => draft.named(&names.secret, name),
        };
        draft.set(Word::Labels, || texts(&self.question.target_labels));
        self.keep(&this, draft)?;
        Ok(this)
    }

    fn situation(&self, risk: u8) -> Vec<(String, RestrictedExpression)> {
        let context = &self.question.context;
        let clock = Calendar::of(context.now);
        let number = RestrictedExpression::new_long;
        let mut draft = self.draft();
        draft.set(Word::Tool, || text(&self.question.tool));
        draft.set(Word::RunKind, || text(&context.run_kind));
        draft.set(Word::Labels, || texts(&context.session_labels));
        draft.set(Word::Enforcement, || text(context.enforcement.as_str()));
        draft.set(Word::SpendUsdMicros, || number(context.spend_usd_micros));
        draft.set(Word::Now, || number(clock.seconds));
        draft.set(Word::HourUtc, || number(clock.hour));
        draft.set(Word::Weekday, || number(clock.weekday));
        draft.set(Word::Risk, || number(i64::from(risk)));
        draft.set(Word::HasRead, || has_read(context.has_read));
        draft.set(Word::Flow, || text(context.flow.as_str()));
        draft.set(Word::Detected, || {
            let all = context.detected.iter().map(|it| NAMES.category(it).clone());
            RestrictedExpression::new_set(all.map(RestrictedExpression::new_entity_uid))
        });
        if let Principal::Agent {
            user: Some(user), ..
        } = &self.question.principal
        {
            let user = || uid(&NAMES.user, &user.to_string());
            draft.set(Word::User, || RestrictedExpression::new_entity_uid(user()));
        }
        draft.attributes.into_iter().collect()
    }
}

impl Draft {
    fn file(&mut self, path: &str, workspace: &str, size_bytes: Option<u64>) {
        self.set(Word::Path, || text(path));
        self.set(Word::Name, || {
            text(path.rsplit('/').next().unwrap_or_default())
        });
        self.set(Word::Components, || {
            RestrictedExpression::new_set(components(path).map(text))
        });
        self.workspace(workspace);
        if let Some(size) = size_bytes {
            self.set(Word::SizeBytes, || long(size));
        }
        for folder in folders(path) {
            self.within(Word::FolderType, || uid(&NAMES.folder, folder));
        }
    }

    fn workspace(&mut self, workspace: &str) {
        self.set(Word::Workspace, || text(workspace));
        self.within(Word::WorkspaceType, || uid(&NAMES.workspace, workspace));
    }

    fn named(&mut self, kind: &EntityTypeName, name: &str) -> EntityUid {
        self.set(Word::Name, || text(name));
        uid(kind, name)
    }
}

/// Building a record fails for a name that is there twice, and these are three.
fn has_read(flags: HasRead) -> RestrictedExpression {
    let flag = |name: &str, value| (name.to_owned(), RestrictedExpression::new_bool(value));
    let fields = [
        flag("trusted", flags.trusted),
        flag("private", flags.private),
        flag("untrusted", flags.untrusted),
    ];
    RestrictedExpression::new_record(fields).unwrap_or_else(|_| texts(&BTreeSet::new()))
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
    [""].into_iter()
        .chain(above)
        .chain(Some(path).filter(|path| !path.is_empty()))
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
        Self {
            seconds,
            hour,
            weekday: (days + 3).rem_euclid(7) + 1,
        }
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
        let process = Target::Process {
            command: "ls".to_owned(),
            workspace: workspace.clone(),
        };
        vec![
            (Action::FileRead, file(None)),
            (Action::FileWrite, file(Some(u64::MAX))),
            (Action::HttpFetch, http),
            (Action::ProcessExec, process),
            (Action::SkillRun, skill(None)),
            (Action::SkillRun, skill(Some(Digest::ZERO))),
            (
                Action::ArtifactSave,
                Target::Artifact {
                    name: name.clone(),
                    source: None,
                },
            ),
            (
                Action::ArtifactRead,
                Target::Artifact {
                    name: name.clone(),
                    source: None,
                },
            ),
            (Action::SkillRead, skill(Some(Digest::ZERO))),
            (Action::AgentCall, Target::Agent { name: name.clone() }),
            (Action::ModelCall, Target::Model { name: name.clone() }),
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
                let case = Case::build(
                    &question(action, target, principal.clone()),
                    5,
                    Mentions::ALL,
                )
                .unwrap();
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

    /// Rules that reach every attribute and every type of the hierarchy, in every way there is.
    fn conditions() -> Vec<String> {
        let plain = [
            "context.tool == \"tool\"",
            "context[\"tool\"] == \"tool\"",
            "context[\"\\u{74}ool\"] != \"x\"",
            "context.run_kind like \"agent*\"",
            "context.labels.isEmpty()",
            "context.has_read == {trusted: false, private: false, untrusted: false}",
            "context.has_read.private || context.spend_usd_micros == 0",
            "context.now == 0 && context.hour_utc == 0 && context.weekday == 4",
            "context.enforcement == \"in_process\" && context.risk == 5",
            "context has user && context.user in Chancery::Role::\"member\"",
            "context has \"user\" && context.user.role == \"admin\"",
            "context == context && !(context has user)",
            "principal.role == \"admin\" && principal in Chancery::Role::\"viewer\"",
            "principal in Chancery::Organisation::\"org_00000000-0000-0000-0000-000000000001\"",
            "principal is Chancery::Agent && principal.name == \"n\"",
            "principal is Chancery::Agent && principal.labels.isEmpty()",
            "resource in Chancery::Folder::\"a\" && resource in Chancery::Workspace::\"demo\"",
            "resource in Chancery::Host::\"h\"",
            "resource is Chancery::File && resource.components.contains(\"a\")",
            "resource is Chancery::File && resource.path == \"a/b\" && resource.name == \"b\"",
            "resource is Chancery::File && resource has size_bytes && resource.size_bytes > 0",
            "resource is Chancery::Skill && resource has digest && resource.digest != \"\"",
            "resource is Chancery::Command && resource.command == \"ls\"",
            "resource is Chancery::Secret && resource.labels == [\"a\"] && resource.name == \"name\"",
            "resource is Chancery::Endpoint && resource.method == \"GET\" && resource.port == 1",
            "resource is Chancery::Endpoint && resource.host == \"h\" && resource.scheme == \"http\"",
        ];
        plain.map(str::to_owned).to_vec()
    }

    /// Leaving out what no rule mentions changes nothing.
    #[test]
    fn what_is_not_mentioned_is_not_missed() {
        let id = |n| uuid::Uuid::from_u128(n);
        let user = Id::from_uuid(id(3));
        let agent = |user| Principal::Agent {
            id: Id::from_uuid(id(2)),
            name: "n".to_owned(),
            labels: BTreeSet::new(),
            user,
        };
        let mut held = 0;
        for condition in conditions() {
            let cedar = format!("permit (principal, action, resource) when {{ {condition} }};");
            let source = crate::PolicySource {
                name: "p".to_owned(),
                cedar,
                managed: false,
            };
            let set = crate::PolicySet::compile(&[source]).unwrap();
            for principal in [agent(None), agent(Some(user)), Principal::User { id: user }] {
                for (action, target) in targets() {
                    let question = question(action, target, principal.clone());
                    let slice = &set.slices[crate::schema::index(action)];
                    let evaluate = |mentions| {
                        let case = Case::build(&question, 5, mentions).unwrap();
                        crate::evaluate::evaluate(&slice.all, &case.entities, &case.request)
                    };
                    let (full, lean) = (evaluate(Mentions::ALL), evaluate(slice.mentions));
                    assert_eq!(full, lean, "{condition} {question:?}");
                    assert!(full.errors.is_empty());
                    held += usize::from(full.allowed);
                }
            }
        }
        assert!(held > 200, "{held}");
    }
}
