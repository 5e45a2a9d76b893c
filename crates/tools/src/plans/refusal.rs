//! A call that a limit keeps out: which limit, whose, how much of it is used, and when to come again.

use serde::{Deserialize, Serialize};
use vocab::Timestamp;

use super::bounds::Limit;
use crate::result::ToolResult;

/// Who set a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SetBy {
    /// The operator, by the organisation's plan.
    Plan,
    /// An admin of the organisation.
    Organisation,
}

/// A limit that is a number, as it holds for an organisation: the tighter of two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Max {
    /// Which.
    pub limit: Limit,
    /// How much.
    pub value: u64,
    /// Whose it is.
    pub set_by: SetBy,
}

/// Why a call was kept out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// By which limit.
    pub limit: Limit,
    /// Whose it is.
    pub set_by: SetBy,
    /// How much it allows; a list of hosts allows no amount.
    pub max: Option<u64>,
    /// How much is used, with what is under way.
    pub used: u64,
    /// How much the call needs, if that is more than one.
    pub needs: Option<u64>,
    /// From when on there is room again, if time brings it.
    pub resets_at: Option<Timestamp>,
    /// The host that was asked for, if that is what is wrong.
    pub host: Option<String>,
}

/// Which limit kept a call out, for programs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitReached {
    /// Its name, such as `tool_calls_per_day`.
    pub name: String,
    /// `plan` or `organisation`.
    pub set_by: SetBy,
    /// How much it allows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<u64>,
    /// How much is used, with what is under way.
    pub used: u64,
    /// From when on there is room again, if time brings it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resets_at: Option<Timestamp>,
}

impl Refusal {
    pub(super) fn of(max: Max, used: u64, resets_at: Option<Timestamp>) -> Self {
        Self {
            limit: max.limit,
            set_by: max.set_by,
            max: Some(max.value),
            used,
            needs: None,
            resets_at,
            host: None,
        }
    }

    /// Stable, in UPPER_SNAKE.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match (self.passes_soon(), self.set_by) {
            (true, _) => "RATE_LIMITED",
            (false, SetBy::Plan) => "PLAN_LIMIT",
            (false, SetBy::Organisation) => "ORGANISATION_LIMIT",
        }
    }

    /// Whether it is worth to wait: seconds bring room, not the next day.
    #[must_use]
    pub const fn passes_soon(&self) -> bool {
        match self.limit {
            Limit::ToolCallsPerMinute | Limit::ToolCallsConcurrent => true,
            Limit::ToolCallsPerDay
            | Limit::EgressSentBytesPerDay
            | Limit::EgressReceivedBytesPerDay
            | Limit::EgressHostsPerDay
            | Limit::EgressHostsAllowed
            | Limit::EgressHostsDenied => false,
        }
    }

    /// In words.
    #[must_use]
    pub fn message(&self) -> String {
        let whose = match self.set_by {
            SetBy::Plan => "the organisation's plan",
            SetBy::Organisation => "the organisation",
        };
        let limit = self.limit;
        if let (Some(host), None) = (&self.host, self.max) {
            return format!("{whose} allows no request to `{host}` (`{limit}`)");
        }
        let max = self.max.unwrap_or(0);
        let used = match (self.used, self.needs) {
            (used, None) => format!("{used} are used"),
            (used, Some(needs)) => format!("{used} are used and the request needs {needs}"),
        };
        if self.needs.is_some_and(|needs| needs > max) {
            return format!("{whose} allows {max} `{limit}`, and {used}");
        }
        let when = match self.resets_at {
            Some(at) => format!("there is room again at {at}"),
            None => "there is room again when a call that is under way ends".to_owned(),
        };
        format!("{whose} allows {max} `{limit}`, and {used}; {when}")
    }

    /// What the agent sees of it, and what is recorded.
    #[must_use]
    pub fn result(&self) -> ToolResult {
        let mut result = ToolResult::failure(self.code(), self.message(), self.passes_soon());
        if let Some(error) = &mut result.error {
            error.limit = Some(Box::new(self.reached()));
        }
        result
    }

    /// For programs.
    #[must_use]
    pub fn reached(&self) -> LimitReached {
        LimitReached {
            name: self.limit.as_str().to_owned(),
            set_by: self.set_by,
            max: self.max,
            used: self.used,
            resets_at: self.resets_at,
        }
    }

    /// Counts it among the refusals of this process.
    pub(super) fn counted(self) -> Self {
        let limit = self.limit.as_str();
        metrics::counter!("chancery_tool_limit_refusals_total", "limit" => limit).increment(1);
        self
    }
}
