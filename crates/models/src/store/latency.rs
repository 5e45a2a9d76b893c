//! How long calls took, by hour and model.

use db::{ReadTx, Row, Sql, StoreError, SystemWrite, WriteTx, params};

use super::stored;
use crate::latency::{LatencyFilter, LatencyRow};
use crate::ledger::{Bucket, Hour, Latencies, Took};

const ADD: &str = "INSERT INTO model_latency (org_id, hour, model, bucket, answered, first_byte, failed) \
    VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (org_id, hour, model, bucket) DO UPDATE SET \
    answered = model_latency.answered + excluded.answered, \
    first_byte = model_latency.first_byte + excluded.first_byte, \
    failed = model_latency.failed + excluded.failed";

// Sums of Postgres are numeric.
const QUERY: Sql = Sql::Each {
    sqlite: "SELECT hour - hour % $4, model, bucket, sum(answered), sum(first_byte), sum(failed) \
        FROM model_latency WHERE org_id = $1 AND hour >= $2 AND hour < $3 AND (model = $5 OR $5 IS NULL) \
        GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
    postgres: "SELECT hour - hour % $4::bigint, model, bucket, CAST(sum(answered) AS bigint), \
        CAST(sum(first_byte) AS bigint), CAST(sum(failed) AS bigint) \
        FROM model_latency WHERE org_id = $1 AND hour >= $2 AND hour < $3 AND \
        (model = $5 OR $5::text IS NULL) GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
};

/// Adds to histograms. In one order, so that no two transactions wait for each other.
pub(crate) async fn add(tx: &mut WriteTx, took: &Latencies) -> Result<(), StoreError> {
    let rows: Vec<_> = took
        .0
        .iter()
        .map(|((hour, model, bucket), it)| {
            params![
                hour.number(),
                model,
                i64::from(bucket.number()),
                stored(it.answered),
                stored(it.first_byte),
                stored(it.failed)
            ]
            .to_vec()
        })
        .collect();
    tx.execute_each(ADD, &rows).await?;
    Ok(())
}

/// The buckets that are not empty, by step, model and bucket.
pub(crate) async fn query(
    tx: &mut ReadTx,
    filter: &LatencyFilter,
) -> Result<Vec<LatencyRow>, StoreError> {
    let row = params![
        filter.from.number(),
        filter.until.number(),
        filter.step.hours(),
        filter.model.as_deref()
    ];
    tx.all(QUERY, &row).await?.iter().map(read).collect()
}

fn read(row: &Row) -> Result<LatencyRow, StoreError> {
    let bucket: u32 = row.get(2)?;
    let bucket = u8::try_from(bucket).map_err(|_| StoreError::Decode {
        column: 2,
        expected: "a bucket",
    })?;
    Ok(LatencyRow {
        from: Hour::from_number(row.get(0)?),
        model: row.get(1)?,
        bucket: Bucket::from_number(bucket),
        took: Took {
            answered: row.get(3)?,
            first_byte: row.get(4)?,
            failed: row.get(5)?,
        },
    })
}

/// Forgets the histograms of hours before one, of all organisations.
pub(crate) async fn forget(tx: &mut SystemWrite, before: Hour) -> Result<u64, StoreError> {
    let sql = "DELETE FROM model_latency WHERE hour < $1";
    tx.execute(sql, &params![before.number()]).await
}
