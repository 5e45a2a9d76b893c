//! Exporting from the database, piece by piece.

use db::{OrgContext, ReadTx, params};
use vocab::Digest;

use crate::checkpoint::Checkpoint;
use crate::entry::GENESIS;
use crate::error::{JournalError, column};
use crate::export::{
    self, Consistency, EXPORT_VERSION, Footer, Header, Inclusion, Rotation, push_event, push_line,
};
use crate::keys::LogKey;
use crate::note::Note;
use crate::reader;
use crate::sealed::{Stored, event_columns};

/// How many events one piece holds.
const PIECE: u64 = 1_000;

/// Which events, and which older checkpoints the export is to be tied to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExportRange {
    /// The first event; from the beginning unless given.
    pub from_seq: Option<u64>,
    /// The last event; to the end unless given.
    pub to_seq: Option<u64>,
    /// Sizes of checkpoints that the reader holds, for a part of the record.
    pub witnessed: Vec<u64>,
}

/// An export under way. What is sealed does not change, so its pieces need no transaction in
/// common: the checkpoint is that of the moment at which it began.
pub struct Export {
    ctx: OrgContext,
    header: Header,
    footer: Footer,
    next: u64,
    prev: Option<Digest>,
    stage: Stage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Header,
    Events,
    Done,
}

impl Export {
    /// Begins an export.
    ///
    /// # Errors
    /// The database; [`JournalError::NothingSealed`]; [`JournalError::OutOfRange`].
    pub async fn open(ctx: &OrgContext, range: &ExportRange) -> Result<Self, JournalError> {
        let mut tx = ctx.read().await?;
        let (checkpoint, note) = reader::read_checkpoint(&mut tx).await?;
        let size = checkpoint.size;
        let from_seq = range.from_seq.unwrap_or(1);
        let to_seq = range.to_seq.unwrap_or(size);
        if from_seq == 0 || to_seq > size || from_seq > to_seq {
            let asked = if to_seq > size { to_seq } else { from_seq };
            return Err(JournalError::OutOfRange { asked, size });
        }
        let mut keys = reader::read_keys(&mut tx).await?;
        keys.retain(LogKey::is_in_office);
        let mut footer = Footer {
            checkpoint: note.to_string(),
            consistency: Vec::new(),
            inclusion: None,
            rotations: Vec::new(),
        };
        for seen in &range.witnessed {
            let proof = export::steps(&reader::read_consistency(&mut tx, *seen, size).await?);
            footer.consistency.push(Consistency { proof, size: *seen });
        }
        if from_seq > 1 || to_seq < size {
            let first = export::steps(&reader::read_inclusion(&mut tx, from_seq, size).await?);
            let last = export::steps(&reader::read_inclusion(&mut tx, to_seq, size).await?);
            footer.inclusion = Some(Inclusion { first, last });
        }
        for key in &keys {
            footer
                .rotations
                .extend(rotation(ctx, &mut tx, key, size).await?);
        }
        let keys = keys.into_iter().map(|key| key.vkey).collect();
        let header = Header {
            chancery_export: EXPORT_VERSION,
            org: ctx.org(),
            from_seq,
            to_seq,
            keys,
        };
        let next = from_seq;
        Ok(Self {
            ctx: ctx.clone(),
            header,
            footer,
            next,
            prev: None,
            stage: Stage::Header,
        })
    }

    /// The first line.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The next piece: whole lines. `None` after the last.
    ///
    /// # Errors
    /// The database; [`JournalError::Damaged`] if an event is missing.
    pub async fn next_piece(&mut self) -> Result<Option<String>, JournalError> {
        let mut out = String::new();
        let unwritable = |error: serde_json::Error| JournalError::damaged(error.to_string());
        match self.stage {
            Stage::Header => {
                push_line(&mut out, &self.header).map_err(unwritable)?;
                self.stage = Stage::Events;
            }
            Stage::Events if self.next <= self.header.to_seq => self.events(&mut out).await?,
            Stage::Events => {
                push_line(&mut out, &self.footer).map_err(unwritable)?;
                self.stage = Stage::Done;
            }
            Stage::Done => return Ok(None),
        }
        Ok(Some(out))
    }

    async fn events(&mut self, out: &mut String) -> Result<(), JournalError> {
        let last = self.header.to_seq.min(self.next + PIECE - 1);
        let mut tx = self.ctx.read().await?;
        let mut prev = match self.prev {
            Some(prev) => prev,
            None => hash_of(&mut tx, self.next - 1).await?,
        };
        for (seq, hash, event) in read_range(&self.ctx, &mut tx, self.next, last).await? {
            let event = event.filter(|_| seq == self.next);
            let event = event
                .ok_or_else(|| JournalError::damaged(format!("event {} is missing", self.next)))?;
            let mut canonical = String::new();
            event.write(seq, &prev, &mut canonical);
            push_event(out, &canonical, &hash);
            prev = hash;
            self.next = seq + 1;
        }
        if self.next != last + 1 {
            return Err(JournalError::damaged(format!(
                "event {} is missing",
                self.next
            )));
        }
        self.prev = Some(prev);
        Ok(())
    }
}

/// The handing over to this key, unless it is the first.
async fn rotation(
    ctx: &OrgContext,
    tx: &mut ReadTx,
    key: &LogKey,
    size: u64,
) -> Result<Option<Rotation>, JournalError> {
    let (Some(seq), Some(handover)) = (key.announced_seq, &key.handover) else {
        return Ok(None);
    };
    let damaged = || JournalError::damaged(format!("the handing over to key {}", key.number));
    let note: Note = handover.parse().map_err(|_| damaged())?;
    let at = Checkpoint::parse(&note).map_err(|_| damaged())?.size;
    let prev = hash_of(tx, seq - 1).await?;
    let found = read_range(ctx, tx, seq, seq).await?.pop();
    let event = found.and_then(|(_, _, event)| event).ok_or_else(damaged)?;
    let mut canonical = String::new();
    event.write(seq, &prev, &mut canonical);
    Ok(Some(Rotation {
        consistency: export::steps(&reader::read_consistency(tx, at, size).await?),
        event: canonical,
        inclusion: export::steps(&reader::read_inclusion(tx, seq, at).await?),
        note: handover.clone(),
    }))
}

/// The stored hash of an event; of the one before the first, what it names as its predecessor.
pub(crate) async fn hash_of(tx: &mut ReadTx, seq: u64) -> Result<Digest, JournalError> {
    if seq == 0 {
        return Ok(GENESIS);
    }
    let row = tx
        .optional(
            "SELECT hash FROM seals WHERE org_id = $1 AND seq = $2",
            &params![column(seq)],
        )
        .await?;
    let row = row.ok_or_else(|| JournalError::damaged(format!("event {seq} is not sealed")))?;
    Ok(row.get(0)?)
}

/// Seals `first` to `last` with the event of each, if it is still there.
pub(crate) async fn read_range(
    ctx: &OrgContext,
    tx: &mut ReadTx,
    first: u64,
    last: u64,
) -> Result<Vec<(u64, Digest, Option<Stored>)>, JournalError> {
    const RANGE: &str = concat!(
        "SELECT s.seq, s.hash, e.ord, ",
        event_columns!(),
        " FROM seals s LEFT JOIN events e ON e.ord = s.ord AND e.org_id = s.org_id
         WHERE s.org_id = $1 AND s.seq >= $2 AND s.seq <= $3 ORDER BY s.seq"
    );
    let rows = tx.all(RANGE, &params![column(first), column(last)]).await?;
    let mut out = Vec::with_capacity(rows.len());
    for row in &rows {
        let there = row.get::<Option<i64>>(2)?.is_some();
        let event = there.then(|| Stored::read(ctx.org(), row, 3)).transpose()?;
        out.push((row.get(0)?, row.get(1)?, event));
    }
    Ok(out)
}
