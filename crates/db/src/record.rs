//! Putting a transaction's events beside its change.

use vocab::{Actor, Clock, Draft, EventId, OrgId, Random, Timestamp, canonical};

use crate::{Sql, StoreError, Value};

/// Events as rows of `events`: the parts that are hashed later are canonical text already. SQLite takes
/// one row after the other, Postgres all of them in one statement, a parameter for each column.
pub(crate) const INSERT: Sql = Sql::Each {
    sqlite: "INSERT INTO events (org_id, id, at_us, actor, kind, subject, session_id, run_id, run_seq, \
             data, content) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    postgres: "INSERT INTO events (org_id, id, at_us, actor, kind, subject, session_id, run_id, \
               run_seq, data, content) SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], \
               $4::text[], $5::text[], $6::text[], $7::uuid[], $8::uuid[], $9::bigint[], \
               $10::text[], $11::text[])",
};

/// Who and when, for all events of one transaction.
pub(crate) struct Stamp<'a> {
    pub org: OrgId,
    pub actor: &'a Actor,
    pub clock: &'a Clock,
    pub random: &'a Random,
}

impl Stamp<'_> {
    pub(crate) fn rows(&self, drafts: Vec<Draft>) -> Result<Vec<Vec<Value>>, StoreError> {
        let at = self.clock.now();
        let actor = canonical_actor(self.actor)?;
        drafts
            .into_iter()
            .map(|draft| self.row(draft, at, &actor))
            .collect()
    }

    fn row(&self, draft: Draft, at: Timestamp, actor: &str) -> Result<Vec<Value>, StoreError> {
        let id = EventId::generate(self.clock, self.random);
        let data = canonical::to_string(&serde_json::Value::Object(draft.data))?;
        let content = (!draft.content.is_empty()).then(|| {
            let quoted: Vec<String> = draft.content.iter().map(|it| format!("\"{it}\"")).collect();
            format!("[{}]", quoted.join(","))
        });
        Ok(vec![
            self.org.into(),
            id.into(),
            at.into(),
            actor.into(),
            draft.kind.as_str().into(),
            draft.subject.into(),
            draft.session.into(),
            draft.run.into(),
            draft.run_seq.into(),
            data.into(),
            content.into(),
        ])
    }
}

fn canonical_actor(actor: &Actor) -> Result<String, StoreError> {
    let value = serde_json::to_value(actor).map_err(|error| StoreError::Statement(error.into()))?;
    Ok(canonical::to_string(&value)?)
}
