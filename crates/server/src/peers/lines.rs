//! Changes on the wire between processes: one JSON object a line.

use axum::body::{Body, Bytes};
use chat::live::Change;
use futures::StreamExt as _;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

/// The longest line: the longest text of a message, however it has to be escaped, and more.
const LINE_BYTES_MAX: usize = 1024 * 1024;

/// What comes out of this channel, as a body that ends with it.
pub(crate) fn body(changes: mpsc::Receiver<Change>) -> Body {
    let lines = ReceiverStream::new(changes).map(|change| {
        let mut line = serde_json::to_vec(&change)?;
        line.push(b'\n');
        Ok::<_, serde_json::Error>(Bytes::from(line))
    });
    Body::from_stream(lines)
}

/// Reads a body into a channel until either ends. What this version does not know, it leaves out.
pub(crate) async fn pump(body: Body, into: mpsc::Sender<Change>) {
    let mut pieces = body.into_data_stream();
    let mut rest = Vec::new();
    loop {
        let piece = tokio::select! {
            piece = pieces.next() => piece,
            () = into.closed() => return,
        };
        let Some(Ok(piece)) = piece else { return };
        rest.extend_from_slice(&piece);
        let mut begin = 0;
        while let Some(length) = rest[begin..].iter().position(|byte| *byte == b'\n') {
            let line = &rest[begin..begin + length];
            begin += length + 1;
            let Ok(change) = serde_json::from_slice(line) else {
                tracing::debug!("a process of another version tells what is not known here");
                continue;
            };
            if into.send(change).await.is_err() {
                return;
            }
        }
        rest.drain(..begin);
        if rest.len() > LINE_BYTES_MAX {
            return;
        }
    }
}
