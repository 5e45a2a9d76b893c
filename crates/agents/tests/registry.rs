//! Agents and skills, on both databases.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed test panics, in helpers too"
)]

use agents::model::{AgentState, Turn};
use agents::{AgentError, Definition, Directory, SkillError, Skills, service};
use db::testing::TestDb;
use db::{Blobs, OrgContext, StoreError, on_both_databases};
use protocol::skill::{File, Package};
use vault::{MasterKeys, Vault};
use vocab::{Actor, AgentId, Clock, Digest, Random, Role, SkillId, UserId};

async fn known(ctx: &OrgContext) -> Vec<String> {
    service::known_tools(ctx).await.unwrap()
}

async fn create(ctx: &OrgContext, name: &str) -> Result<agents::Agent, AgentError> {
    let known = known(ctx).await;
    let mut tx = ctx.write().await?;
    let definition = Definition {
        tools: vec!["file.read".into()],
        ..Definition::rules(name)
    };
    let agent = service::create(ctx, &mut tx, definition, &known).await?;
    tx.commit().await?;
    Ok(agent)
}

async fn rename(ctx: &OrgContext, id: AgentId, name: &str) -> Result<agents::Agent, AgentError> {
    let known = known(ctx).await;
    let mut tx = ctx.write().await?;
    let change = |it: Definition| Definition {
        name: name.into(),
        ..it
    };
    let agent = service::update(ctx, &mut tx, id, change, &known).await?;
    tx.commit().await?;
    Ok(agent)
}

async fn turn(ctx: &OrgContext, id: AgentId, turn: Turn) -> Result<AgentState, AgentError> {
    let mut tx = ctx.write().await?;
    let agent = service::turn(ctx, &mut tx, id, turn).await?;
    tx.commit().await?;
    Ok(agent.state)
}

async fn kinds(ctx: &OrgContext) -> Vec<String> {
    let sql = "SELECT kind FROM events WHERE org_id = $1 ORDER BY ord";
    let rows = ctx.read().await.unwrap().all(sql, &[]).await.unwrap();
    rows.iter()
        .map(|row| row.get(0).unwrap())
        .filter(|kind| kind != "org.created")
        .collect()
}

fn as_role(db: &TestDb, ctx: &OrgContext, role: Role) -> OrgContext {
    let user = UserId::generate(&Clock::system(), &Random::system());
    db.authority.context(ctx.org(), Actor::user(user), role)
}

on_both_databases! {
    /// Each change is a version; the old ones stay, even after the agent is gone.
    async fn every_change_is_a_version(db: TestDb) {
        let ctx = db.org().await;
        let agent = create(&ctx, "clerk").await.unwrap();
        assert_eq!((agent.version, agent.state), (1, AgentState::Active));
        let renamed = rename(&ctx, agent.id, "scribe").await.unwrap();
        assert_eq!(renamed.version, 2);
        assert_eq!(service::get(&ctx, agent.id).await.unwrap(), renamed);
        // The same again changes nothing, and there is nothing to commit.
        let again = rename(&ctx, agent.id, "scribe").await;
        assert!(matches!(again, Err(AgentError::Store(StoreError::NoEvent))), "{again:?}");

        let mut tx = ctx.write().await.unwrap();
        service::delete(&ctx, &mut tx, agent.id).await.unwrap();
        tx.commit().await.unwrap();
        assert!(matches!(service::get(&ctx, agent.id).await, Err(AgentError::NotFound(_))));
        let versions = service::versions(&ctx, agent.id, None, 10).await.unwrap();
        let names: Vec<_> = versions.iter().map(|it| (it.version, it.definition.name.as_str())).collect();
        assert_eq!(names, [(2, "scribe"), (1, "clerk")]);
        let older = service::versions(&ctx, agent.id, Some(2), 10).await.unwrap();
        assert_eq!(older.len(), 1);
        assert_eq!(kinds(&ctx).await, ["agent.created", "agent.updated", "agent.deleted"]);
    }

    /// A name belongs to one agent of an organisation, and another organisation's agents are not there.
    async fn names_are_unique_within_an_organisation(db: TestDb) {
        let (ours, theirs) = (db.org().await, db.org().await);
        let first = create(&ours, "clerk").await.unwrap();
        assert!(matches!(create(&ours, "clerk").await, Err(AgentError::NameTaken(_))));
        let second = create(&ours, "scribe").await.unwrap();
        assert!(matches!(rename(&ours, second.id, "clerk").await, Err(AgentError::NameTaken(_))));
        let other = create(&theirs, "clerk").await.unwrap();

        assert!(matches!(service::get(&theirs, first.id).await, Err(AgentError::NotFound(_))));
        assert!(matches!(rename(&theirs, first.id, "x").await, Err(AgentError::NotFound(_))));
        assert!(matches!(turn(&theirs, first.id, Turn::Retire).await, Err(AgentError::NotFound(_))));
        let versions = service::versions(&theirs, first.id, None, 1).await;
        assert!(matches!(versions, Err(AgentError::NotFound(_))));
        let listed = service::list(&theirs, None, None, 10).await.unwrap();
        assert_eq!(listed.iter().map(|it| it.id).collect::<Vec<_>>(), [other.id]);

        let listed = service::list(&ours, Some(first.id), None, 10).await.unwrap();
        assert_eq!(listed.iter().map(|it| it.id).collect::<Vec<_>>(), [second.id]);
    }

    /// Two who take a name at the same moment: one of them gets it.
    async fn a_race_for_a_name_has_one_winner(db: TestDb) {
        let ctx = db.org().await;
        let (a, b) = tokio::join!(create(&ctx, "clerk"), create(&ctx, "clerk"));
        let lost = [&a, &b].into_iter().filter(|it| it.is_err()).count();
        assert_eq!(lost, 1, "{a:?} {b:?}");
        assert!(matches!(a.or(b).map(|it| it.version), Ok(1)));
    }

    /// Active ⇄ paused → retired, and a retired agent is left alone.
    async fn an_agent_lives_once(db: TestDb) {
        let ctx = db.org().await;
        let id = create(&ctx, "clerk").await.unwrap().id;
        let ready = |agent: agents::Agent| agent.ready();
        assert_eq!(turn(&ctx, id, Turn::Pause).await.unwrap(), AgentState::Paused);
        let paused = service::get(&ctx, id).await.unwrap();
        assert!(matches!(ready(paused), Err(AgentError::Paused(_))));
        let by_state = service::list(&ctx, None, Some(AgentState::Active), 10).await.unwrap();
        assert!(by_state.is_empty());
        let found = runs::Directory::agent(&Directory, &ctx, "clerk").await.unwrap();
        assert!(found.is_none());
        assert_eq!(turn(&ctx, id, Turn::Activate).await.unwrap(), AgentState::Active);
        let (found, snapshot) =
            runs::Directory::agent(&Directory, &ctx, "clerk").await.unwrap().unwrap();
        assert_eq!((found, snapshot.name.as_str(), snapshot.version), (id, "clerk", 1));
        assert_eq!(turn(&ctx, id, Turn::Retire).await.unwrap(), AgentState::Retired);
        assert!(matches!(turn(&ctx, id, Turn::Activate).await, Err(AgentError::Retired(_))));
        assert!(matches!(rename(&ctx, id, "x").await, Err(AgentError::Retired(_))));
        let kinds = kinds(&ctx).await;
        assert_eq!(kinds[1..], ["agent.paused", "agent.activated", "agent.retired"]);
    }

    /// Members see agents and change none.
    async fn changing_agents_takes_an_admin(db: TestDb) {
        let ctx = db.org().await;
        let id = create(&ctx, "clerk").await.unwrap().id;
        for role in [Role::Viewer, Role::Member] {
            let ctx = as_role(&db, &ctx, role);
            assert!(matches!(create(&ctx, "x").await, Err(AgentError::RoleTooLow(Role::Admin))));
            assert!(matches!(rename(&ctx, id, "x").await, Err(AgentError::RoleTooLow(_))));
            assert!(matches!(turn(&ctx, id, Turn::Pause).await, Err(AgentError::RoleTooLow(_))));
            assert!(service::get(&ctx, id).await.is_ok());
        }
        let unknown = Definition { tools: vec!["rm".into()], ..Definition::rules("x") };
        let mut tx = ctx.write().await.unwrap();
        let refused = service::create(&ctx, &mut tx, unknown, &known(&ctx).await).await;
        assert!(matches!(refused, Err(AgentError::Invalid { member: "tools", .. })), "{refused:?}");
    }

    /// A skill's versions keep their packages until the skill is deleted.
    async fn skills_are_published_by_digest(db: TestDb) {
        let folder = tempfile::tempdir().unwrap();
        let skills = skills(folder.path());
        let (ours, theirs) = (db.org().await, db.org().await);
        let first = publish(&skills, &ours, &package("word-count", "one", None)).await.unwrap();
        assert_eq!((first.version, first.manifest.front.name.as_str()), (1, "word-count"));
        let second = publish(&skills, &ours, &package("word-count", "two", None)).await.unwrap();
        assert_eq!((second.version, second.id), (2, first.id));
        assert_ne!(second.digest, first.digest);
        assert_eq!(skills.get(&ours, first.id).await.unwrap(), second);
        let digest = runs::Directory::skill(&Directory, &ours, "word-count").await.unwrap();
        assert_eq!(digest, Some(second.digest));

        // Nodes get either version by its digest, and only of the organisation that has it.
        let source = skills.source(db.authority.clone());
        for (digest, text) in [(first.digest, "one"), (second.digest, "two")] {
            let tar = source.package(ours.org(), digest).await.unwrap().unwrap();
            assert_eq!(Package::from_tar(&tar).unwrap(), package("word-count", text, None));
            assert_eq!(source.package(theirs.org(), digest).await.unwrap(), None);
        }
        assert_eq!(source.package(ours.org(), Digest::ZERO).await.unwrap(), None);
        assert!(matches!(skills.get(&theirs, first.id).await, Err(SkillError::NotFound(_))));
        assert!(skills.list(&theirs, None, 10).await.unwrap().is_empty());

        // The current package again is no new version, and records nothing.
        let publication = skills.prepare(&ours, &package("word-count", "two", None)).await.unwrap();
        let mut tx = ours.write().await.unwrap();
        assert_eq!(skills.publish(&ours, &mut tx, &publication).await.unwrap(), second);
        assert!(matches!(tx.commit().await, Err(StoreError::NoEvent)));

        publish(&skills, &ours, &package("a-first", "x", None)).await.unwrap();
        let names = |skills: Vec<agents::Skill>| -> Vec<String> {
            skills.into_iter().map(|it| it.manifest.front.name).collect()
        };
        assert_eq!(names(skills.list(&ours, None, 10).await.unwrap()), ["a-first", "word-count"]);
        assert_eq!(names(skills.list(&ours, Some("a-first"), 10).await.unwrap()), ["word-count"]);

        delete(&skills, &ours, first.id).await.unwrap();
        assert!(matches!(delete(&skills, &ours, first.id).await, Err(SkillError::NotFound(_))));
        assert_eq!(source.package(ours.org(), second.digest).await.unwrap(), None);
        assert_eq!(
            kinds(&ours).await,
            ["skill.published", "skill.published", "skill.published", "skill.deleted"]
        );
    }

    /// What is no skill, or was changed after it was pinned, is refused; so is who may not publish.
    async fn only_proper_skills_are_published(db: TestDb) {
        let folder = tempfile::tempdir().unwrap();
        let skills = skills(folder.path());
        let ctx = db.org().await;
        let pinned = package("tidy", "x", None).digest();
        let published = publish(&skills, &ctx, &package("tidy", "x", Some(pinned))).await.unwrap();
        assert_eq!(published.digest, pinned);
        let changed = publish(&skills, &ctx, &package("tidy", "y", Some(pinned))).await;
        assert!(matches!(changed, Err(SkillError::Pin { .. })), "{changed:?}");
        let empty = publish(&skills, &ctx, &Package::default()).await;
        assert!(matches!(empty, Err(SkillError::Manifest(_))), "{empty:?}");
        let member = as_role(&db, &ctx, Role::Member);
        let refused = publish(&skills, &member, &package("tidy", "z", None)).await;
        assert!(matches!(refused, Err(SkillError::RoleTooLow(Role::Admin))), "{refused:?}");
        let refused = delete(&skills, &member, published.id).await;
        assert!(matches!(refused, Err(SkillError::RoleTooLow(Role::Admin))), "{refused:?}");
    }
}

fn skills(folder: &std::path::Path) -> Skills {
    let random = Random::system();
    let blobs = Blobs::local(folder).unwrap();
    let vault = Vault::new(
        MasterKeys::generate(&random).unwrap(),
        blobs,
        Clock::system(),
        random,
    );
    Skills::new(vault.content)
}

async fn publish(
    skills: &Skills,
    ctx: &OrgContext,
    package: &Package,
) -> Result<agents::Skill, SkillError> {
    let publication = skills.prepare(ctx, package).await?;
    let mut tx = ctx.write().await?;
    let skill = skills.publish(ctx, &mut tx, &publication).await?;
    tx.commit().await?;
    Ok(skill)
}

async fn delete(skills: &Skills, ctx: &OrgContext, id: SkillId) -> Result<(), SkillError> {
    let mut tx = ctx.write().await?;
    skills.delete(ctx, &mut tx, id).await?;
    Ok(tx.commit().await?)
}

fn package(name: &str, text: &str, pin: Option<Digest>) -> Package {
    let front = format!("---\nname: {name}\ndescription: Counts words.\n---\n{text}\n");
    let pin = pin
        .map(|digest| format!("digest = \"{digest}\"\n"))
        .unwrap_or_default();
    let sidecar = format!("version = 1\n{pin}entry = [\"./run.sh\"]\n");
    let mut package = Package::default();
    let mut insert = |path: &str, executable, bytes: &[u8]| {
        package
            .insert(
                path,
                File {
                    executable,
                    bytes: bytes.to_vec(),
                },
            )
            .unwrap();
    };
    insert("SKILL.md", false, front.as_bytes());
    insert("skill.chancery.toml", false, sidecar.as_bytes());
    insert("run.sh", true, b"#!/bin/sh\nwc -w\n");
    package
}
