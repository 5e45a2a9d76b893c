//! The body of a streamed answer.
//!
//! One piece of the provider's at a time: it is looked at, counted, and handed on. Nothing is read
//! ahead of the client, so a slow client slows its provider and costs no memory. When the client goes
//! away the body is dropped, and with it the connection to the provider and the ticket, which settles
//! at what had come.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::Bytes;
use dialects::neutral::{self, Delta, ErrorKind, ProviderError, Request};
use dialects::sse::Frame;
use dialects::{Dialect, Meter, StreamWriter, error_frame};
use http_body::Frame as BodyFrame;
use policy::exchange::Blocked;
use policy::exchange::Exchange;

use super::envelope::Envelope;
use super::generate::{bare, created};
use crate::ModelError;
use crate::admit::charge;
use crate::dispatch::masked;
use crate::intake::{Frames, Intake, IntakeError};
use crate::ledger::{End, Ticket};
use crate::model::Recording;
use crate::rails::{Noted, Sieve};
use crate::recording::Heard;
use crate::route::Candidate;
use crate::tab::Tab;
use crate::upstream::{Reply, UpstreamError};

/// An answer that streams, from its first piece on.
pub(super) struct Streamed {
    pub candidate: Candidate,
    /// The provider's.
    pub dialect: Dialect,
    pub envelope: Envelope,
    pub input_tokens: u64,
    pub recording: Recording,
    /// If the answer is to be looked at.
    pub exchange: Option<Box<Exchange>>,
    pub first: Bytes,
    /// The way to the rest, if there is more.
    pub rest: Option<Reply>,
    pub ticket: Ticket,
}

/// The stream as its provider sends it.
pub(super) fn forwarded(it: Streamed) -> Body {
    let watch = Watch::Forwarded {
        frames: Frames::of(it.dialect),
        meter: Meter::new(it.dialect, it.input_tokens),
    };
    Body::new(Stream::new(it, watch))
}

/// The stream in the client's dialect.
pub(super) fn translated(it: Streamed, request: &Request) -> Body {
    let envelope = neutral::Envelope {
        request,
        id: &bare(&it.envelope.id),
        created: created(&it.ticket),
    };
    let watch = Watch::Translated {
        intake: Some(Intake::new(it.dialect)),
        writer: Box::new(StreamWriter::new(it.envelope.dialect, &envelope)),
        tab: Tab::new(it.input_tokens),
        failed: false,
    };
    Body::new(Stream::new(it, watch))
}

/// A body that is being sent.
struct Stream {
    candidate: Candidate,
    envelope: Envelope,
    heard: Heard,
    /// Where policies may have something masked, or stopped.
    sieve: Option<Sieve>,
    /// What has been read and not sent.
    ready: VecDeque<Bytes>,
    first: Option<Bytes>,
    /// Until the provider has come to its end.
    reply: Option<Reply>,
    /// Until the stream has come to its end.
    ticket: Option<Ticket>,
    watch: Watch,
}

/// How a stream is looked at.
enum Watch {
    Forwarded {
        frames: Frames,
        meter: Meter,
    },
    Translated {
        intake: Option<Intake>,
        writer: Box<StreamWriter>,
        tab: Tab,
        failed: bool,
    },
}

impl Stream {
    fn new(it: Streamed, watch: Watch) -> Self {
        let dialect = it.envelope.dialect;
        Self {
            candidate: it.candidate,
            envelope: it.envelope,
            heard: Heard::new(it.recording),
            sieve: it.exchange.map(|exchange| Sieve::new(dialect, exchange)),
            ready: VecDeque::new(),
            first: Some(it.first),
            reply: it.rest,
            ticket: Some(it.ticket),
            watch,
        }
    }

    /// Takes a piece in.
    fn take(&mut self, bytes: Bytes) {
        match &mut self.watch {
            Watch::Forwarded { frames, meter } => {
                // What can't be read is the client's to judge; it is not counted.
                for frame in frames.push(&bytes).unwrap_or_default() {
                    meter.observe(&frame);
                }
                self.send(bytes);
            }
            Watch::Translated {
                intake: Some(intake),
                ..
            } => match intake.push(&bytes) {
                Ok(deltas) => self.tell(&deltas),
                Err(error) => self.broken(&error),
            },
            Watch::Translated { intake: None, .. } => {}
        }
        self.put_down();
    }

    /// Says steps in the client's dialect.
    fn tell(&mut self, deltas: &[Delta]) {
        let Watch::Translated {
            writer,
            tab,
            failed,
            ..
        } = &mut self.watch
        else {
            return;
        };
        let mut out = Vec::new();
        for delta in deltas {
            let masked = match delta {
                Delta::Error(error) => {
                    *failed = true;
                    Some(Delta::Error(masked(&self.candidate, error.clone())))
                }
                _ => None,
            };
            let delta = masked.as_ref().unwrap_or(delta);
            tab.observe(delta);
            for frame in writer.push(delta) {
                frame.write(&mut out);
            }
        }
        if !out.is_empty() {
            self.send(out.into());
        }
    }

    /// Hands on what policies let through.
    fn send(&mut self, bytes: Bytes) {
        let Some(sieve) = &mut self.sieve else {
            self.ready.push_back(bytes);
            return;
        };
        match sieve.push(&bytes) {
            Ok(out) if out.is_empty() => {}
            Ok(out) => self.ready.push_back(out.into()),
            Err(blocked) => self.block(blocked),
        }
    }

    /// Hands on what was held back, because nothing follows it; whether it may go.
    fn let_go(&mut self) -> bool {
        let Some(sieve) = &mut self.sieve else {
            return true;
        };
        let left = sieve.finish();
        self.note();
        match left {
            Ok(out) => {
                self.sieve = None;
                if !out.is_empty() {
                    self.ready.push_back(out.into());
                }
                true
            }
            Err(blocked) => {
                self.block(blocked);
                false
            }
        }
    }

    /// A policy forbids what comes: what was held back stays here.
    fn block(&mut self, blocked: Blocked) {
        self.note();
        self.sieve = None;
        self.reply = None;
        let error = ModelError::Blocked(Box::new(blocked));
        let mut said = self.named(ProviderError::new(error.kind(), error.to_string()));
        said.code = Some(error.code().to_owned());
        // Not by the writer, which knows what was held back and would repeat it.
        let mut out = b"\n\n".to_vec();
        error_frame(self.envelope.dialect, &said).write(&mut out);
        self.ready.push_back(out.into());
        self.close(End::Failed(error.code()));
    }

    /// Puts down what guardrails found so far.
    fn note(&mut self) {
        if let (Some(sieve), Some(ticket)) = (&self.sieve, &mut self.ticket) {
            ticket.outcome.rails = Noted::of(sieve.exchange());
        }
    }

    /// The provider has come to its end.
    fn end(&mut self) {
        self.reply = None;
        let whole = match &mut self.watch {
            Watch::Forwarded { meter, .. } => meter.has_stopped() && !meter.has_failed(),
            Watch::Translated { intake, failed, .. } => {
                let already = *failed;
                match intake.take().map(Intake::finish) {
                    Some(Ok(deltas)) => {
                        self.tell(&deltas);
                        !already && !self.has_failed()
                    }
                    Some(Err(error)) if !already => {
                        self.broken(&error);
                        false
                    }
                    Some(Err(_)) | None => false,
                }
            }
        };
        if !self.let_go() {
            return;
        }
        if whole {
            self.close(End::Answered);
        } else {
            // A provider that said why has been heard; one that just stopped has not.
            if !self.has_failed() {
                self.say_error(
                    ErrorKind::Internal,
                    "the provider's stream ended before its end",
                );
            }
            self.close(End::Cut);
        }
    }

    fn has_failed(&self) -> bool {
        match &self.watch {
            Watch::Forwarded { meter, .. } => meter.has_failed(),
            Watch::Translated { failed, .. } => *failed,
        }
    }

    /// The provider can't be heard any more.
    fn lost(&mut self, error: &UpstreamError) {
        self.reply = None;
        let kind = if error.is_timeout() {
            ErrorKind::Timeout
        } else {
            ErrorKind::Internal
        };
        self.say_error(kind, &error.to_string());
        self.close(End::Cut);
    }

    /// The provider says what is none of its dialect.
    fn broken(&mut self, error: &IntakeError) {
        self.reply = None;
        let message = self.candidate.account.masked(&error.to_string());
        self.say_error(ErrorKind::Internal, &message);
        self.close(End::Cut);
    }

    fn say_error(&mut self, kind: ErrorKind, message: &str) {
        let message = format!("`{}`: {message}", self.candidate.name());
        let error = self.named(ProviderError::new(kind, message));
        let mut out = Vec::new();
        match &mut self.watch {
            Watch::Forwarded { .. } => {
                // The cut may be in the middle of a line.
                out.extend_from_slice(b"\n\n");
                error_frame(self.envelope.dialect, &error).write(&mut out);
            }
            Watch::Translated { writer, failed, .. } => {
                *failed = true;
                let frames: Vec<Frame> = writer.push(&Delta::Error(error));
                frames.iter().for_each(|frame| frame.write(&mut out));
            }
        }
        // A dialect may repeat in its last event what was said before.
        self.send(out.into());
        self.let_go();
    }

    fn named(&self, mut error: ProviderError) -> ProviderError {
        error.request_id = Some(self.envelope.id.clone());
        error
    }

    /// Keeps what was used where it counts, even if nothing more comes.
    fn put_down(&mut self) {
        self.note();
        let Some(ticket) = &mut self.ticket else {
            return;
        };
        let (usage, exact) = match &self.watch {
            Watch::Forwarded { meter, .. } => (meter.usage(), meter.is_exact()),
            Watch::Translated { tab, .. } => (tab.usage(), tab.is_exact()),
        };
        charge(&mut ticket.outcome, usage, exact, self.candidate.price);
    }

    fn close(&mut self, end: End) {
        self.put_down();
        if let Some(mut ticket) = self.ticket.take() {
            self.say_who(&ticket);
            ticket.outcome.end = end;
            for bytes in &self.ready {
                self.heard.take(bytes);
            }
            ticket.outcome.answer = self.heard.content();
        }
    }
}

impl Stream {
    /// Tells whoever traces what the stream said about itself.
    fn say_who(&self, ticket: &Ticket) {
        if !ticket.span.is_kept() {
            return;
        }
        let masked = |model: &str| self.candidate.account.masked(model);
        match &self.watch {
            Watch::Forwarded { meter, .. } => {
                let said = meter.said();
                let model = masked(said.model.as_deref().unwrap_or_default());
                ticket.span.said(&model, &said.finish_reasons);
            }
            Watch::Translated { tab, .. } => {
                let reasons: Vec<&str> = tab.stop().into_iter().collect();
                ticket.span.said(&masked(tab.model()), &reasons);
            }
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        if let Some(ticket) = &self.ticket {
            self.say_who(ticket);
        }
        // The client went away: what it has heard is what there is.
        if let Some(ticket) = &mut self.ticket {
            ticket.outcome.answer = self.heard.content();
        }
    }
}

impl http_body::Body for Stream {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<BodyFrame<Bytes>, Infallible>>> {
        let it = &mut *self;
        loop {
            if let Some(bytes) = it.ready.pop_front() {
                // Once the stream is closed, what is left has been heard.
                if it.ticket.is_some() {
                    it.heard.take(&bytes);
                }
                return Poll::Ready(Some(Ok(BodyFrame::data(bytes))));
            }
            if let Some(first) = it.first.take() {
                it.take(first);
                continue;
            }
            let Some(reply) = &mut it.reply else {
                if it.ticket.is_none() {
                    return Poll::Ready(None);
                }
                it.end();
                continue;
            };
            match reply.poll_chunk(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(None) => it.end(),
                Poll::Ready(Some(Ok(bytes))) => it.take(bytes),
                Poll::Ready(Some(Err(error))) => it.lost(&error),
            }
        }
    }
}
