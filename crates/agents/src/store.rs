//! The registry's rows.

use db::{ReadTx, Row, StoreError, WriteTx, params};
use vocab::{AgentId, Timestamp};

use crate::model::{Agent, AgentState, AgentVersion, Definition};

const COLUMNS: &str = "id, state, version, definition, created_at_us, updated_at_us";

macro_rules! reading {
    ($name:ident, $tx:ty) => {
        /// One agent.
        pub(crate) async fn $name(
            tx: &mut $tx,
            id: AgentId,
        ) -> Result<Option<Agent>, StoreError> {
            let sql = "SELECT id, state, version, definition, created_at_us, updated_at_us \
                       FROM agents WHERE org_id = $1 AND id = $2";
            tx.optional(sql, &params![id]).await?.as_ref().map(agent).transpose()
        }
    };
}

reading!(get, ReadTx);
reading!(get_in, WriteTx);
