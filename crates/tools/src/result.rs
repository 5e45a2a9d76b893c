//! What a tool gave, as programs and clients see it.

use guard::Counts;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use vocab::ArtifactId;

use crate::plans::LimitReached;

/// The result of a tool.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolResult {
    /// Whether it did what was asked.
    pub ok: bool,
    /// What it gave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Value>,
    /// Whether the output was cut to its limit.
    #[serde(default)]
    pub truncated: bool,
    /// The artifacts that it made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub artifact_ids: Vec<ArtifactId>,
    /// Of these, the one that holds all of an output which is too long for a model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub whole: Option<ArtifactId>,
    /// How long it took, in milliseconds.
    #[serde(default)]
    pub duration_ms: u64,
    /// What it spent on models, in micro-USD: another agent that was called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_usd_micros: Option<u64>,
    /// Why it did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ToolError>,
    /// What guardrails masked in what was sent and in what came back.
    #[serde(default, skip_serializing_if = "Counts::is_empty")]
    pub masked: Counts,
}

/// Why a tool did not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolError {
    /// Stable, in UPPER_SNAKE.
    pub code: String,
    /// For people.
    pub message: String,
    /// Whether the same call may succeed later.
    pub retryable: bool,
    /// What would have to change for policy to allow it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suggested_fix: Option<String>,
    /// Which limit kept it from being done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<Box<LimitReached>>,
}

impl ToolResult {
    /// A good result.
    #[must_use]
    pub fn success(output: Value) -> Self {
        Self {
            ok: true,
            output: Some(output),
            truncated: false,
            artifact_ids: Vec::new(),
            whole: None,
            duration_ms: 0,
            cost_usd_micros: None,
            error: None,
            masked: Counts::default(),
        }
    }

    /// A bad result.
    #[must_use]
    pub fn failure(code: &str, message: impl Into<String>, retryable: bool) -> Self {
        Self {
            ok: false,
            output: None,
            truncated: false,
            artifact_ids: Vec::new(),
            whole: None,
            duration_ms: 0,
            cost_usd_micros: None,
            error: Some(ToolError {
                code: code.to_owned(),
                message: message.into(),
                retryable,
                suggested_fix: None,
                limit: None,
            }),
            masked: Counts::default(),
        }
    }

    /// The same result with what would have to change.
    #[must_use]
    pub fn with_fix(mut self, fix: Option<String>) -> Self {
        if let Some(error) = &mut self.error {
            error.suggested_fix = fix;
        }
        self
    }
}
