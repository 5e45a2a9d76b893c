//! What a streamed answer has used so far, so that it counts even if the stream is cut now.

use dialects::estimate;
use dialects::neutral::{Delta, Usage};

/// A running account of one stream in the neutral form.
pub(crate) struct Tab {
    reported: Option<Usage>,
    input_estimate: u64,
    output_estimate: u64,
    ended: bool,
    model: String,
    stop: Option<&'static str>,
}

impl Tab {
    /// Of a request with about so many tokens.
    pub fn new(input_estimate: u64) -> Self {
        Self {
            reported: None,
            input_estimate,
            output_estimate: 0,
            ended: false,
            model: String::new(),
            stop: None,
        }
    }

    /// Counts a step.
    pub fn observe(&mut self, step: &Delta) {
        match step {
            Delta::Start { usage, model, .. } => {
                self.model.clone_from(model);
                self.reported = Some(*usage);
            }
            Delta::Usage(usage) => self.reported = Some(*usage),
            Delta::Stop(stop) => self.stop = Some(stop.as_str()),
            Delta::Text { text, .. }
            | Delta::Refusal { text, .. }
            | Delta::Thinking { text, .. }
            | Delta::Arguments { json: text, .. } => {
                self.output_estimate += estimate::tokens(text.as_bytes());
            }
            Delta::End => self.ended = true,
            Delta::PartStart { .. }
            | Delta::Citation { .. }
            | Delta::Seal { .. }
            | Delta::PartStop { .. }
            | Delta::Error(_) => {}
        }
    }

    /// The model that serves it; empty if the provider did not say.
    pub fn model(&self) -> &str {
        &self.model
    }

    /// Why it ended, once it has.
    pub fn stop(&self) -> Option<&'static str> {
        self.stop
    }

    /// What it has used: what the provider said, and until its last word, what has gone by.
    pub fn usage(&self) -> Usage {
        let known = self.reported.filter(|usage| usage.input_tokens > 0);
        let mut usage = known.unwrap_or(Usage {
            input_tokens: self.input_estimate,
            ..Usage::default()
        });
        if !self.is_exact() {
            usage.output_tokens = usage.output_tokens.max(self.output_estimate);
        }
        usage
    }

    /// Whether it is the provider's last word.
    pub fn is_exact(&self) -> bool {
        self.ended && self.reported.is_some_and(|usage| usage != Usage::default())
    }
}
