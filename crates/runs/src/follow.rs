//! What the end of a run leaves to do, for [`Sessions::ended`](crate::Sessions::ended): runs that
//! begin because it ended, and signals that it never took. Both happen in the transaction that ends
//! the run, so neither can be forgotten.

use db::{OrgContext, WriteTx};
use vault::Content;
use vocab::{Digest, RunId};

use crate::error::RunError;
use crate::model::{NewRun, Run};
use crate::service::{input_of, is_free, queued, run_of};
use crate::store;

/// Puts a run into a transaction. A worker finds it once that is committed. Its input has to be
/// small enough to be sealed there.
///
/// # Errors
/// Too deep, too large, or the database.
pub async fn follow_in(
    content: &Content,
    ctx: &OrgContext,
    tx: &mut WriteTx,
    new: NewRun,
) -> Result<Run, RunError> {
    let input = input_of(&new)?;
    let media = "application/json";
    let digest = content.seal(tx, new.session, media, &input).await?;
    let run = run_of(ctx, &new, digest);
    let free = is_free(tx, &run).await?;
    store::insert(tx, &run, free.then_some(run.created_at), None).await?;
    tx.record(queued(&run, &new.input, new.has_read));
    Ok(run)
}

/// What the signals of this name carried that a run did not take, the first first. The run will not
/// get them any more.
///
/// # Errors
/// The database.
pub async fn untaken_signals(
    tx: &mut WriteTx,
    run: RunId,
    name: &str,
) -> Result<Vec<Digest>, RunError> {
    let mut carried = Vec::new();
    for (place, body) in store::signals(tx, run, name).await? {
        store::take_signal(tx, place).await?;
        carried.push(body);
    }
    Ok(carried)
}
