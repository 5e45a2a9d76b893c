//! The published Cedar schema, and the names in it, parsed once.

use std::sync::LazyLock;

use cedar_policy::{EntityId, EntityTypeName, EntityUid, Schema, Validator};
use vocab::Action;

/// The schema that every policy is checked against, in Cedar's human format.
#[must_use]
pub const fn schema_text() -> &'static str {
    include_str!("../schema/chancery.cedarschema")
}

/// A policy to begin with: reading is free, writing and fetching ask, secrets stay shut.
#[must_use]
pub const fn example_policy() -> &'static str {
    include_str!("../schema/example.cedar")
}

/// The checker of policies; building one copies the whole schema.
pub(crate) static VALIDATOR: LazyLock<Validator> = LazyLock::new(|| {
    #[expect(clippy::expect_used, reason = "a constant text, which the tests parse")]
    let (schema, _warnings) =
        Schema::from_cedarschema_str(schema_text()).expect("the published schema is well formed");
    Validator::new(schema)
});

/// The parsed names; parsing one costs more than a whole comparison of policies.
pub(crate) static NAMES: LazyLock<Names> = LazyLock::new(Names::parse);

pub(crate) struct Names {
    pub agent: EntityTypeName,
    pub artifact: EntityTypeName,
    pub callee: EntityTypeName,
    /// In the order of [`guard::Category::ALL`].
    categories: Vec<EntityUid>,
    pub command: EntityTypeName,
    pub endpoint: EntityTypeName,
    pub file: EntityTypeName,
    pub folder: EntityTypeName,
    pub host: EntityTypeName,
    pub model: EntityTypeName,
    pub nothing: EntityUid,
    pub organisation: EntityTypeName,
    /// In the order of [`vocab::Role::ALL`].
    pub roles: Vec<EntityUid>,
    pub secret: EntityTypeName,
    pub skill: EntityTypeName,
    pub user: EntityTypeName,
    pub workspace: EntityTypeName,
    /// In the order of [`Action::ALL`].
    actions: Vec<EntityUid>,
}

impl Names {
    fn parse() -> Self {
        let role = type_name("Role");
        let action = type_name("Action");
        let category = type_name("Category");
        Self {
            agent: type_name("Agent"),
            artifact: type_name("Artifact"),
            callee: type_name("Callee"),
            categories: guard::Category::ALL
                .iter()
                .map(|each| uid(&category, each.as_str()))
                .collect(),
            command: type_name("Command"),
            endpoint: type_name("Endpoint"),
            file: type_name("File"),
            folder: type_name("Folder"),
            host: type_name("Host"),
            model: type_name("Model"),
            nothing: uid(&type_name("Nothing"), "nothing"),
            organisation: type_name("Organisation"),
            roles: vocab::Role::ALL
                .iter()
                .map(|each| uid(&role, each.as_str()))
                .collect(),
            secret: type_name("Secret"),
            skill: type_name("Skill"),
            user: type_name("User"),
            workspace: type_name("Workspace"),
            actions: Action::ALL
                .iter()
                .map(|each| uid(&action, each.as_str()))
                .collect(),
        }
    }

    pub fn action(&self, action: Action) -> &EntityUid {
        &self.actions[index(action)]
    }

    pub fn category(&self, category: guard::Category) -> &EntityUid {
        &self.categories[category as usize]
    }
}

/// Where an action stands in [`Action::ALL`].
pub(crate) const fn index(action: Action) -> usize {
    action as usize
}

pub(crate) fn uid(kind: &EntityTypeName, id: &str) -> EntityUid {
    EntityUid::from_type_name_and_id(kind.clone(), EntityId::new(id))
}

fn type_name(name: &str) -> EntityTypeName {
    #[expect(
        clippy::expect_used,
        reason = "constant names, all of which the tests parse"
    )]
    format!("Chancery::{name}")
        .parse()
        .expect("a well-formed type name")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_is_in_the_schema_and_the_schema_has_no_other() {
        let mut ours: Vec<_> = Action::ALL.iter().map(|each| NAMES.action(*each)).collect();
        let mut theirs: Vec<_> = VALIDATOR.schema().actions().collect();
        ours.sort();
        theirs.sort();
        assert_eq!(ours, theirs);
        assert!(
            Action::ALL
                .iter()
                .enumerate()
                .all(|(at, action)| index(*action) == at)
        );
    }

    #[test]
    fn every_resource_type_is_one_that_we_name() {
        let names = &*NAMES;
        let ours = [
            &names.artifact,
            &names.callee,
            &names.command,
            &names.endpoint,
            &names.file,
            &names.model,
            &names.secret,
            &names.skill,
            names.nothing.type_name(),
        ];
        assert!(
            VALIDATOR
                .schema()
                .resources()
                .all(|theirs| ours.contains(&theirs))
        );
        assert!(
            VALIDATOR
                .schema()
                .principals()
                .all(|each| [&names.user, &names.agent].contains(&each))
        );
    }
}
