//! A provider that costs next to nothing: what is measured is what stands before it.
//!
//! The strict fake of the tests reads and checks every request in full, which would take more of the two
//! cores than the gateway does. This one looks for three words in a body and answers with bytes that
//! were ready before.

use std::sync::Arc;

use anyhow::Result;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::child;

/// How many chunks an answer that streams has.
pub const CHUNKS: usize = 50;
/// The model whose streams don't end.
pub const HOLD: &str = "hold";

/// What is answered.
struct Answers {
    whole: Vec<u8>,
    head: Vec<u8>,
    chunks: Vec<Vec<u8>>,
    end: Vec<u8>,
}

/// The process: prints its address, and ends when its standard input does.
pub async fn serve() -> Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    println!("{}", listener.local_addr()?);
    let answers = Arc::new(Answers::new());
    let accepting = async {
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let answers = Arc::clone(&answers);
            // Ends when the other side closes, in whichever way.
            tokio::spawn(async move { converse(stream, &answers).await.ok() });
        }
    };
    tokio::select! {
        failed = accepting => failed,
        () = child::orphaned() => Ok(()),
    }
}

async fn converse(mut stream: TcpStream, answers: &Answers) -> Result<()> {
    let mut buffer = Vec::with_capacity(8 * 1024);
    loop {
        let end = loop {
            if let Some(end) = end_of_request(&buffer) {
                break end;
            }
            if stream.read_buf(&mut buffer).await? == 0 {
                return Ok(());
            }
        };
        let request = &buffer[..end];
        let (streams, holds) = (
            has(request, b"\"stream\":true"),
            has(request, b"\"model\":\"hold\""),
        );
        buffer.drain(..end);
        if !streams {
            stream.write_all(&answers.whole).await?;
            continue;
        }
        stream.write_all(&answers.head).await?;
        if holds {
            stream.write_all(&answers.chunks[0]).await?;
            // Until the other side goes.
            while stream.read_buf(&mut buffer).await? > 0 {}
            return Ok(());
        }
        for chunk in &answers.chunks {
            stream.write_all(chunk).await?;
        }
        stream.write_all(&answers.end).await?;
    }
}

/// Where the first request in a buffer ends, if it is whole.
fn end_of_request(buffer: &[u8]) -> Option<usize> {
    let head = find(buffer, b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&buffer[..head]).ok()?;
    let length = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse::<usize>().ok())?
    });
    let end = head + length.unwrap_or(0);
    (buffer.len() >= end).then_some(end)
}

fn has(text: &[u8], word: &[u8]) -> bool {
    find(text, word).is_some()
}

fn find(text: &[u8], word: &[u8]) -> Option<usize> {
    text.windows(word.len()).position(|it| it == word)
}

impl Answers {
    fn new() -> Self {
        let text = "All work and no play makes a gateway a dull proxy. ".repeat(8);
        let body = format!(
            "{{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion\",\"created\":1700000000,\"model\":\"quick\",\
             \"choices\":[{{\"index\":0,\"message\":{{\"role\":\"assistant\",\"content\":\"{text}\"}},\
             \"finish_reason\":\"stop\"}}],\
             \"usage\":{{\"prompt_tokens\":200,\"completion_tokens\":100,\"total_tokens\":300}}}}"
        );
        let length = body.len();
        let whole = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
        let event = |choices: &str, usage: &str| {
            let event = format!(
                "data: {{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\
                 \"model\":\"quick\",\"choices\":[{choices}]{usage}}}\n\n"
            );
            format!("{:x}\r\n{event}\r\n", event.len()).into_bytes()
        };
        let delta = |delta: &str, finish: &str| {
            let choice =
                format!("{{\"index\":0,\"delta\":{{{delta}}},\"finish_reason\":{finish}}}");
            event(&choice, "")
        };
        let mut chunks = vec![delta("\"role\":\"assistant\",\"content\":\"\"", "null")];
        while chunks.len() < CHUNKS - 2 {
            chunks.push(delta("\"content\":\" word\"", "null"));
        }
        chunks.push(delta("", "\"stop\""));
        let usage =
            ",\"usage\":{\"prompt_tokens\":200,\"completion_tokens\":50,\"total_tokens\":250}";
        chunks.push(event("", usage));
        Self {
            whole: whole.into_bytes(),
            head: head.into(),
            chunks,
            end: b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n".to_vec(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_ends_where_its_length_says() {
        let request = b"POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\nbodyPOST /";
        assert_eq!(end_of_request(request), Some(request.len() - 6));
        assert_eq!(end_of_request(&request[..request.len() - 7]), None);
        assert_eq!(end_of_request(b"POST / HTTP/1.1\r\n"), None);
    }

    #[test]
    fn a_stream_has_its_chunks_and_its_end() {
        let answers = Answers::new();
        assert_eq!(answers.chunks.len(), CHUNKS);
        assert_eq!("data: [DONE]\n\n".len(), 0xe);
        assert!(answers.end.ends_with(b"\r\n0\r\n\r\n"));
    }
}
