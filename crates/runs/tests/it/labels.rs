//! What was read follows: into a run from whoever wrote its input, into a child, and back.

use db::on_both_databases;
use runs::{Changes, HasRead, NewRun, Run, State};

use crate::world::{Life, POLICY, World, turn};

/// Nothing goes out of a run that has read something private and something untrusted.
const APART: &str = r#"@id("apart") @reason("private and untrusted do not go out together")
    forbid (principal, action == Chancery::Action::"http.fetch", resource)
    when { context.has_read.private && context.has_read.untrusted };"#;

impl World {
    /// A run of these steps to its end, begun by somebody who had read this; and its replay is the same.
    async fn goes(&self, life: &Life, steps: &str, has_read: HasRead) -> Run {
        let agent = self.agent_named("clerk").await;
        let new = NewRun {
            has_read,
            ..turn(&agent, steps)
        };
        let run = life.runs.start(&self.ctx, new).await.unwrap();
        let run = self.end(life, run.id).await;
        let engine = self.people.engine();
        let report = engine.replay(&self.ctx, &run, &Changes::default(), 0).await;
        let report = report.unwrap();
        assert!(report.identical, "{:?}", report.first_divergence);
        run
    }

    async fn agent_named(&self, name: &str) -> agents::Agent {
        let all = agents::service::list(&self.ctx, None, None, 10)
            .await
            .unwrap();
        let found = all.into_iter().find(|it| it.definition.name == name);
        found.unwrap()
    }

    /// How often the outside was reached.
    fn pages(&self) -> u32 {
        self.sink.count("GET /page")
    }

    async fn apart(&self) -> Life {
        self.agent("clerk").await;
        self.agent("helper").await;
        self.publish(&format!("{POLICY}{APART}")).await;
        self.live().await
    }
}

fn stopped(run: &Run) -> bool {
    match &run.state {
        State::Succeeded => false,
        State::Failed { failure } => {
            assert!(
                failure.message.contains("do not go out together"),
                "{failure:?}"
            );
            true
        }
        other => panic!("{other:?}"),
    }
}

fn both() -> HasRead {
    HasRead {
        private: true,
        untrusted: true,
        ..HasRead::default()
    }
}

on_both_databases! {
    async fn a_run_begins_with_what_its_author_had_read(db: TestDb) {
        let world = World::new(db).await;
        let life = world.apart().await;
        let fetch = format!("fetch {}", world.sink.url("/page"));
        let run = world.goes(&life, &fetch, both()).await;
        assert!(stopped(&run));
        assert_eq!(world.pages(), 0);
        // It is in the journal, so that whoever folds it knows.
        let journal = world.journal(run.id).await;
        assert_eq!(journal[0].1["has_read"]["private"], true, "{:?}", journal[0]);
        for free in [HasRead::default(), HasRead { private: false, ..both() }] {
            assert!(!stopped(&world.goes(&life, &fetch, free).await));
        }
        assert_eq!(world.pages(), 2);
        life.end();
    }

    async fn a_child_begins_with_what_its_parent_had_read(db: TestDb) {
        let world = World::new(db).await;
        let life = world.apart().await;
        let page = world.sink.url("/page");
        let steps = format!("read notes/todo.md; fetch {page}; call agent helper: fetch {page}");
        assert!(stopped(&world.goes(&life, &steps, HasRead::default()).await));
        assert_eq!(world.pages(), 1);
        let steps = format!("fetch {page}; call agent helper: fetch {page}");
        assert!(!stopped(&world.goes(&life, &steps, HasRead::default()).await));
        assert_eq!(world.pages(), 3);
        life.end();
    }

    async fn what_a_child_has_read_comes_back_with_its_answer(db: TestDb) {
        let world = World::new(db).await;
        let life = world.apart().await;
        let page = world.sink.url("/page");
        let steps = format!("call agent helper: fetch {page}; read notes/todo.md; fetch {page}");
        assert!(stopped(&world.goes(&life, &steps, HasRead::default()).await));
        assert_eq!(world.pages(), 1);
        let steps = format!("call agent helper: noop; read notes/todo.md; fetch {page}");
        assert!(!stopped(&world.goes(&life, &steps, HasRead::default()).await));
        assert_eq!(world.pages(), 2);
        life.end();
    }
}
