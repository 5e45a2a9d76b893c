//! A client that costs next to nothing: HTTP/1.1 over one kept connection, for load and streams.

use std::net::SocketAddr;

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// One connection. Requests go out one after the other.
pub struct Wire {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// An answer whose body has a length.
pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
}

impl Wire {
    pub async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await.context("can't connect")?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: Vec::new(),
        })
    }

    /// Sends a whole request and reads its whole answer.
    pub async fn ask(&mut self, request: &[u8]) -> Result<Answer> {
        self.stream.write_all(request).await?;
        let head_end = self.head().await?;
        let head = std::str::from_utf8(&self.buffer[..head_end]).context("not HTTP")?;
        let status = status(head)?;
        let length = if status == 204 { 0 } else { length(head)? };
        let end = head_end + length;
        while self.buffer.len() < end {
            self.more().await?;
        }
        let body = self.buffer[head_end..end].to_vec();
        self.buffer.drain(..end);
        Ok(Answer { status, body })
    }

    /// Sends a request whose answer is a stream without an end, and reads up to its beginning.
    pub async fn open_stream(&mut self, request: &[u8]) -> Result<()> {
        self.stream.write_all(request).await?;
        let head_end = self.head().await?;
        let head = std::str::from_utf8(&self.buffer[..head_end]).context("not HTTP")?;
        ensure!(status(head)? == 200, "no stream: {head}");
        self.buffer.drain(..head_end);
        Ok(())
    }

    /// Sends a request whose answer is a chunked stream, and reads that to its end; answers how many
    /// bytes it had.
    pub async fn ask_stream(&mut self, request: &[u8]) -> Result<usize> {
        self.open_stream(request).await?;
        let begun = std::mem::take(&mut self.buffer);
        self.end_of_stream(&begun).await
    }

    /// Reads a chunked stream to its end, given how it begins; answers how many bytes it had.
    pub async fn end_of_stream(&mut self, begun: &[u8]) -> Result<usize> {
        // As the last chunk of a body without trailers is written (RFC 9112, 7.1).
        const END: &[u8] = b"\r\n0\r\n\r\n";
        let mut tail = begun[begun.len().saturating_sub(END.len())..].to_vec();
        let mut bytes = begun.len();
        while !tail.ends_with(END) {
            self.more().await?;
            bytes += self.buffer.len();
            tail.extend_from_slice(&self.buffer[self.buffer.len().saturating_sub(END.len())..]);
            tail.drain(..tail.len().saturating_sub(END.len()));
            self.buffer.clear();
        }
        Ok(bytes)
    }

    /// What came of the stream since the last call, at least one byte.
    pub async fn piece(&mut self) -> Result<Vec<u8>> {
        if self.buffer.is_empty() {
            self.more().await?;
        }
        Ok(std::mem::take(&mut self.buffer))
    }

    /// Reads up to the end of an answer's head; answers where that is.
    async fn head(&mut self) -> Result<usize> {
        const END: &[u8] = b"\r\n\r\n";
        loop {
            let end = self.buffer.windows(END.len()).position(|it| it == END);
            match end {
                Some(at) => return Ok(at + END.len()),
                None => self.more().await?,
            }
        }
    }

    async fn more(&mut self) -> Result<()> {
        self.buffer.reserve(4 * 1024);
        let read = self.stream.read_buf(&mut self.buffer).await?;
        ensure!(read > 0, "the server closed the connection");
        Ok(())
    }
}

fn status(head: &str) -> Result<u16> {
    let code = head.split(' ').nth(1).and_then(|it| it.parse().ok());
    code.context("an answer without a status")
}

fn length(head: &str) -> Result<usize> {
    for line in head.lines() {
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            return value.trim().parse().context("a length that is none");
        }
    }
    bail!("an answer without a length: {head}")
}

/// The bytes of a request; `headers` are whole lines.
pub fn request(method: &str, path: &str, headers: &[String], body: &str) -> Vec<u8> {
    let mut text = format!("{method} {path} HTTP/1.1\r\nhost: bench\r\n");
    for header in headers {
        text.push_str(header);
        text.push_str("\r\n");
    }
    if !body.is_empty() {
        let length = body.len();
        text.push_str(&format!(
            "content-type: application/json\r\ncontent-length: {length}\r\n"
        ));
    }
    text.push_str("\r\n");
    text.push_str(body);
    text.into_bytes()
}
