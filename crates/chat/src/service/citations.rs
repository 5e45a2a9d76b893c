//! What answers cite: a content of its own beside the text, and as erasable.

use db::WriteTx;
use runs::Citation;
use vault::{Content, ContentError};
use vocab::{Digest, SessionId, limits};

const MEDIA: &str = "application/json";

/// Seals citations, as many as fit into a transaction; nothing if there are none.
pub(crate) async fn seal(
    content: &Content,
    tx: &mut WriteTx,
    session: SessionId,
    citations: &[Citation],
) -> Result<Option<Digest>, ContentError> {
    for most in (1..=citations.len()).rev() {
        // Texts and numbers, which are always JSON.
        let bytes = serde_json::to_vec(&citations[..most]).unwrap_or_default();
        if bytes.len() <= limits::CONTENT_INLINE_BYTES_MAX {
            return content.seal(tx, session, MEDIA, &bytes).await.map(Some);
        }
    }
    Ok(None)
}

/// Reads what [`seal`] wrote.
pub(crate) fn read(bytes: &[u8]) -> Vec<Citation> {
    serde_json::from_slice(bytes).unwrap_or_default()
}
