//! From a request to an answer that has begun: target after target, until one answers.
//!
//! Nothing has been sent to the client yet while this works, so whatever fails here may be tried
//! elsewhere: a connection, a status, a body that is no answer, a stream whose first event is an
//! error. Once this has answered, the target is settled.

use std::time::{Duration, Instant};

use bytes::Bytes;
use dialects::neutral::{Delta, ErrorKind, ProviderError};
use dialects::{Dialect, Refusal, StreamReader, read_error};
use http::{HeaderMap, HeaderValue, header};
use serde::de::IgnoredAny;
use vocab::{Clock, Random, TraceParent};

use crate::account::{Operation, Place};
use crate::failure::{ModelError, RawError};
use crate::intake::Frames;
use crate::route::{Backoff, Breakers, Candidate, Latencies, retry_after};
use crate::scripted::Scripted;
use crate::upstream::{Deadlines, Reply, UpstreamError, collect};

/// The largest whole answer, in bytes.
const ANSWER_BYTES_MAX: usize = 64 << 20;
/// The largest error that is read, in bytes.
const ERROR_BYTES_MAX: usize = 256 << 10;

/// A request as one target gets it.
pub(crate) struct Written {
    pub operation: Operation,
    /// The dialect that the answer will be in.
    pub dialect: Dialect,
    /// Whether the answer goes to the client as it comes.
    pub forwarded: bool,
    pub body: Bytes,
}

/// What comes with a request that is forwarded.
#[derive(Default)]
pub(crate) struct Theirs {
    pub headers: HeaderMap,
    pub query: Option<String>,
    /// The trace that goes on at the provider.
    pub traceparent: Option<HeaderValue>,
}

/// An answer that has begun.
pub(crate) struct Answered {
    pub candidate: Candidate,
    pub dialect: Dialect,
    pub forwarded: bool,
    pub got: Got,
    /// Targets that were tried before, each with why it did not answer.
    pub failed: Vec<(String, &'static str)>,
    pub first_byte: Duration,
}

/// As much of an answer as has come.
pub(crate) enum Got {
    /// All of it.
    Whole { headers: HeaderMap, body: Bytes },
    /// Its first piece, and the way to the rest, if there is more.
    Stream {
        first: Bytes,
        rest: Option<Box<Reply>>,
    },
}

/// What tries share.
pub(crate) struct Dispatcher<'a> {
    pub clock: &'a Clock,
    pub random: &'a Random,
    pub breakers: &'a Breakers,
    pub latencies: &'a Latencies,
    pub deadlines: Deadlines,
}

/// What one failure means for the tries that are left.
enum Verdict {
    /// No other target would say anything else.
    Final,
    /// Another target may do.
    Elsewhere,
    /// Another target may do, or this one a moment later.
    Again,
}

impl Dispatcher<'_> {
    /// Tries the candidates in their order until one has begun to answer.
    ///
    /// # Errors
    /// None did; the error is that of the last one that was tried.
    pub async fn dispatch(
        &self,
        mut candidates: Vec<Candidate>,
        theirs: &Theirs,
        write: &(dyn Fn(&Candidate) -> Result<Written, Refusal> + Sync),
    ) -> Result<Answered, ModelError> {
        let (mut backoff, mut failed) = (Backoff::default(), Vec::new());
        loop {
            let (mut left, mut last) = (Vec::new(), None);
            for candidate in candidates {
                let begun = Instant::now();
                match self.attempt(&candidate, theirs, write).await {
                    Ok((dialect, forwarded, got)) => {
                        let first_byte = begun.elapsed();
                        let (id, model) = (candidate.account.id, &candidate.model);
                        self.breakers.succeeded(id, model);
                        self.latencies.note(id, model, first_byte);
                        return Ok(Answered {
                            candidate,
                            dialect,
                            forwarded,
                            got,
                            failed,
                            first_byte,
                        });
                    }
                    Err(error) => {
                        let verdict = self.judge(&candidate, &error);
                        failed.push((candidate.name(), error.code()));
                        match verdict {
                            Verdict::Final => return Err(error),
                            Verdict::Elsewhere => {}
                            Verdict::Again => left.push(candidate),
                        }
                        last = Some(error);
                    }
                }
            }
            let error = last.unwrap_or_else(|| ModelError::UnknownModel(String::new()));
            let wait = if left.is_empty() {
                None
            } else {
                backoff.next(error.retry_after(), self.random)
            };
            let Some(wait) = wait else { return Err(error) };
            tokio::time::sleep(wait).await;
            candidates = left;
        }
    }

    async fn attempt(
        &self,
        candidate: &Candidate,
        theirs: &Theirs,
        write: &(dyn Fn(&Candidate) -> Result<Written, Refusal> + Sync),
    ) -> Result<(Dialect, bool, Got), ModelError> {
        let (account, now) = (&candidate.account, self.clock.now());
        let admitted = self.breakers.admit(account.id, &candidate.model, now);
        admitted.map_err(|wait| ModelError::Resting {
            model: candidate.name(),
            wait,
        })?;
        let written = write(candidate)?;
        let remote = match &account.place {
            Place::There(remote) => remote,
            Place::Here(script) => return play(script, written),
        };
        let query = theirs.query.as_deref().filter(|_| written.forwarded);
        let body = written.body.clone();
        let headers = &theirs.headers;
        let mut outgoing = remote.request(
            written.operation,
            &candidate.model,
            headers,
            query,
            body,
            now,
        );
        if let Some(parent) = &theirs.traceparent {
            outgoing.headers.insert(TraceParent::HEADER, parent.clone());
        }
        let sent = remote.origin.send(outgoing, &self.deadlines).await;
        let got = self.exchange(candidate, &written, sent).await?;
        Ok((written.dialect, written.forwarded, got))
    }

    async fn exchange(
        &self,
        candidate: &Candidate,
        written: &Written,
        sent: Result<Reply, UpstreamError>,
    ) -> Result<Got, ModelError> {
        let dialect = written.dialect;
        let unreachable = |error: &UpstreamError| ModelError::unreachable(candidate.name(), error);
        let mut reply = sent.map_err(|error| unreachable(&error))?;
        if !reply.status.is_success() {
            return Err(self.error(candidate, dialect, reply).await);
        }
        if !written.operation.is_streamed() {
            let headers = reply.headers.clone();
            let body = collect(reply, ANSWER_BYTES_MAX).await;
            let body = body.map_err(|error| unreachable(&error))?;
            serde_json::from_slice::<IgnoredAny>(&body)
                .map_err(|_| malformed(candidate, "it is not JSON"))?;
            return Ok(Got::Whole { headers, body });
        }
        if !is_stream(&reply) {
            return Err(malformed(candidate, "it is no stream of events"));
        }
        // Each of them holds the whole buffer that it was read into, for as long as the stream lasts.
        reply.headers = HeaderMap::new();
        let first = match reply.chunk().await {
            None => return Err(malformed(candidate, "the stream is empty")),
            Some(first) => first.map_err(|error| unreachable(&error))?,
        };
        match first_error(dialect, &first) {
            None => Ok(Got::Stream {
                first,
                rest: Some(Box::new(reply)),
            }),
            Some(Ok(error)) => Err(ModelError::Provider {
                target: candidate.name(),
                error: Box::new(masked(candidate, error)),
                raw: None,
                retry_after: None,
            }),
            // Who gets it as it comes may know what this gateway does not.
            Some(Err(_)) if written.forwarded => Ok(Got::Stream {
                first,
                rest: Some(Box::new(reply)),
            }),
            Some(Err(message)) => Err(malformed(candidate, &candidate.account.masked(&message))),
        }
    }

    async fn error(&self, candidate: &Candidate, dialect: Dialect, reply: Reply) -> ModelError {
        let status = reply.status.as_u16();
        let retry_after = retry_after(&reply.headers, self.clock.now());
        let body = match collect(reply, ERROR_BYTES_MAX).await {
            Ok(body) => candidate.account.masked_bytes(body),
            // The status says enough.
            Err(_) => Bytes::new(),
        };
        let error = Box::new(read_error(dialect, status, &body));
        let is_json = serde_json::from_slice::<IgnoredAny>(&body).is_ok();
        let raw = is_json.then_some(RawError {
            dialect,
            status,
            body,
        });
        ModelError::Provider {
            target: candidate.name(),
            error,
            raw,
            retry_after,
        }
    }

    fn judge(&self, candidate: &Candidate, error: &ModelError) -> Verdict {
        let verdict = verdict(error);
        let to_blame = match error {
            ModelError::Resting { .. } | ModelError::Refused(_) => false,
            ModelError::Provider { error, .. } => error.kind != ErrorKind::ContextTooLong,
            _ => true,
        };
        match verdict {
            Verdict::Final => {
                // It answered, and soundly.
                self.breakers
                    .succeeded(candidate.account.id, &candidate.model);
            }
            Verdict::Elsewhere | Verdict::Again if to_blame => {
                let now = self.clock.now();
                self.breakers
                    .failed(candidate.account.id, &candidate.model, now);
            }
            Verdict::Elsewhere | Verdict::Again => {}
        }
        verdict
    }
}

/// The answer of a script. It is all there at once.
fn play(script: &Scripted, written: Written) -> Result<(Dialect, bool, Got), ModelError> {
    let body = script.answer(&written.body)?;
    let got = if written.operation.is_streamed() {
        Got::Stream {
            first: body,
            rest: None,
        }
    } else {
        Got::Whole {
            headers: HeaderMap::new(),
            body,
        }
    };
    Ok((written.dialect, written.forwarded, got))
}

fn verdict(error: &ModelError) -> Verdict {
    match error {
        ModelError::Provider { error, .. } => match error.kind {
            ErrorKind::InvalidRequest | ErrorKind::TooLarge | ErrorKind::ContentPolicy => {
                Verdict::Final
            }
            // Another model may read more; another account may be in order.
            ErrorKind::ContextTooLong
            | ErrorKind::Authentication
            | ErrorKind::Permission
            | ErrorKind::NotFound
            | ErrorKind::Quota => Verdict::Elsewhere,
            ErrorKind::RateLimited
            | ErrorKind::Overloaded
            | ErrorKind::Timeout
            | ErrorKind::Internal => Verdict::Again,
        },
        // Decided before anybody is asked.
        ModelError::Blocked(_) | ModelError::Unruled(_) => Verdict::Final,
        // Whoever has waited so long does not wait for the same again.
        ModelError::Unreachable { timeout: true, .. } => Verdict::Elsewhere,
        ModelError::Unreachable { timeout: false, .. } | ModelError::Malformed { .. } => {
            Verdict::Again
        }
        ModelError::Resting { .. }
        | ModelError::Refused(_)
        | ModelError::UnknownModel(_)
        | ModelError::Misconfigured(_)
        | ModelError::TooLong { .. }
        | ModelError::Incapable { .. }
        | ModelError::NotAllowed { .. }
        | ModelError::Denied { .. }
        | ModelError::RunOver
        | ModelError::OverBudget { .. }
        | ModelError::TooOften { .. }
        | ModelError::Unrecorded
        | ModelError::Catalog(_) => Verdict::Elsewhere,
    }
}

pub(crate) fn malformed(candidate: &Candidate, message: &str) -> ModelError {
    ModelError::Malformed {
        target: candidate.name(),
        message: message.to_owned(),
    }
}

pub(crate) fn masked(candidate: &Candidate, mut error: ProviderError) -> ProviderError {
    error.message = candidate.account.masked(&error.message);
    error
}

/// Whether the answer says that it is a stream, or says nothing.
fn is_stream(reply: &Reply) -> bool {
    let Some(kind) = reply.headers.get(header::CONTENT_TYPE) else {
        return true;
    };
    let kind = kind.to_str().unwrap_or_default().to_ascii_lowercase();
    kind.starts_with("text/event-stream") || kind.starts_with("application/vnd.amazon.eventstream")
}

/// The error that a stream begins with, or what is wrong with its beginning.
fn first_error(dialect: Dialect, first: &[u8]) -> Option<Result<ProviderError, String>> {
    let frames = match Frames::of(dialect).push(first) {
        Ok(frames) => frames,
        Err(error) => return Some(Err(error.to_string())),
    };
    let mut reader = StreamReader::new(dialect);
    for frame in frames {
        let deltas = match reader.push(&frame) {
            Ok(deltas) => deltas,
            Err(error) => return Some(Err(error.to_string())),
        };
        for delta in deltas {
            match delta {
                Delta::Error(error) => return Some(Ok(error)),
                Delta::PartStart { .. } => return None,
                _ => {}
            }
        }
    }
    None
}
