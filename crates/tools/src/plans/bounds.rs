//! What an organisation may do with tools: a set of limits, of a plan or of its own.

use std::fmt;

use serde::{Deserialize, Serialize};
use vocab::limits::{EGRESS_HOST_PATTERNS_MAX, EGRESS_HOSTS_PER_DAY_MAX, HOST_BYTES_MAX};

/// One limit, under the name that it has everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Limit {
    /// Calls of tools in any minute.
    ToolCallsPerMinute,
    /// Calls of tools in a day of UTC.
    ToolCallsPerDay,
    /// Calls of tools that are under way at once.
    ToolCallsConcurrent,
    /// Bytes that requests send in a day of UTC.
    EgressSentBytesPerDay,
    /// Bytes that requests receive in a day of UTC.
    EgressReceivedBytesPerDay,
    /// Hosts that requests go to in a day of UTC, each counted once.
    EgressHostsPerDay,
    /// The only hosts that requests may go to.
    EgressHostsAllowed,
    /// Hosts that no request may go to.
    EgressHostsDenied,
}

impl Limit {
    /// Those that are numbers.
    pub const NUMBERS: [Self; 6] = [
        Self::ToolCallsPerMinute,
        Self::ToolCallsPerDay,
        Self::ToolCallsConcurrent,
        Self::EgressSentBytesPerDay,
        Self::EgressReceivedBytesPerDay,
        Self::EgressHostsPerDay,
    ];

    /// Its name in plans, answers, errors and the record.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ToolCallsPerMinute => "tool_calls_per_minute",
            Self::ToolCallsPerDay => "tool_calls_per_day",
            Self::ToolCallsConcurrent => "tool_calls_concurrent",
            Self::EgressSentBytesPerDay => "egress_sent_bytes_per_day",
            Self::EgressReceivedBytesPerDay => "egress_received_bytes_per_day",
            Self::EgressHostsPerDay => "egress_hosts_per_day",
            Self::EgressHostsAllowed => "egress_hosts_allowed",
            Self::EgressHostsDenied => "egress_hosts_denied",
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A set of limits. What it does not name is not limited; 0 allows nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Bounds {
    /// [`Limit::ToolCallsPerMinute`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_calls_per_minute: Option<u64>,
    /// [`Limit::ToolCallsPerDay`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_calls_per_day: Option<u64>,
    /// [`Limit::ToolCallsConcurrent`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_calls_concurrent: Option<u64>,
    /// [`Limit::EgressSentBytesPerDay`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub egress_sent_bytes_per_day: Option<u64>,
    /// [`Limit::EgressReceivedBytesPerDay`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub egress_received_bytes_per_day: Option<u64>,
    /// [`Limit::EgressHostsPerDay`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub egress_hosts_per_day: Option<u64>,
    /// [`Limit::EgressHostsAllowed`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub egress_hosts_allowed: Option<Vec<HostPattern>>,
    /// [`Limit::EgressHostsDenied`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub egress_hosts_denied: Option<Vec<HostPattern>>,
}

/// What is wrong with a set of limits, and with which.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{limit}`: {why}")]
pub struct BoundsError {
    /// Which limit.
    pub limit: Limit,
    /// Why.
    pub why: String,
}

impl Bounds {
    /// Whether it limits nothing at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// A limit that is a number.
    #[must_use]
    pub fn number(&self, limit: Limit) -> Option<u64> {
        match limit {
            Limit::ToolCallsPerMinute => self.tool_calls_per_minute,
            Limit::ToolCallsPerDay => self.tool_calls_per_day,
            Limit::ToolCallsConcurrent => self.tool_calls_concurrent,
            Limit::EgressSentBytesPerDay => self.egress_sent_bytes_per_day,
            Limit::EgressReceivedBytesPerDay => self.egress_received_bytes_per_day,
            Limit::EgressHostsPerDay => self.egress_hosts_per_day,
            Limit::EgressHostsAllowed | Limit::EgressHostsDenied => None,
        }
    }

    /// Which list keeps a request from this host, if one does.
    #[must_use]
    pub fn bars(&self, host: &str) -> Option<Limit> {
        let names = |list: &Vec<HostPattern>| list.iter().any(|it| it.matches(host));
        if self.egress_hosts_denied.as_ref().is_some_and(names) {
            return Some(Limit::EgressHostsDenied);
        }
        match &self.egress_hosts_allowed {
            Some(list) if !names(list) => Some(Limit::EgressHostsAllowed),
            Some(_) | None => None,
        }
    }

    /// Checks what it says: sizes of lists, and of what is kept of each host.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn check(&self) -> Result<(), BoundsError> {
        let wrong = |limit, why| Err(BoundsError { limit, why });
        let hosts = EGRESS_HOSTS_PER_DAY_MAX;
        if self.egress_hosts_per_day.is_some_and(|it| it > hosts) {
            let why = format!("at most {hosts} hosts are counted");
            return wrong(Limit::EgressHostsPerDay, why);
        }
        let lists = [
            (Limit::EgressHostsAllowed, &self.egress_hosts_allowed),
            (Limit::EgressHostsDenied, &self.egress_hosts_denied),
        ];
        for (limit, list) in lists {
            let length = list.as_ref().map_or(0, Vec::len);
            if length > EGRESS_HOST_PATTERNS_MAX {
                let why = format!("at most {EGRESS_HOST_PATTERNS_MAX} hosts are listed");
                return wrong(limit, why);
            }
        }
        Ok(())
    }

    /// Checks that nothing in it is wider than in a plan. Lists of hosts never are: both hold.
    ///
    /// # Errors
    /// The first limit that is wider.
    pub fn within(&self, plan: &Self) -> Result<(), BoundsError> {
        for limit in Limit::NUMBERS {
            if let (Some(own), Some(most)) = (self.number(limit), plan.number(limit))
                && own > most
            {
                let why = format!("the plan allows at most {most}");
                return Err(BoundsError { limit, why });
            }
        }
        Ok(())
    }
}

/// A host, or with `*.` before it every host below it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct HostPattern {
    host: String,
    below: bool,
}

/// The text names no host.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected a host such as `example.com` or `192.0.2.1`, or `*.example.com` for all below it"
)]
pub struct ParseHostError;

impl HostPattern {
    /// Whether it means this host, in the spelling that is dialled.
    #[must_use]
    pub fn matches(&self, host: &str) -> bool {
        match self.below {
            false => host == self.host,
            true => host
                .strip_suffix(self.host.as_str())
                .is_some_and(|rest| rest.ends_with('.') && rest.len() > 1),
        }
    }
}

impl TryFrom<String> for HostPattern {
    type Error = ParseHostError;

    fn try_from(text: String) -> Result<Self, ParseHostError> {
        let (below, host) = match text.strip_prefix("*.") {
            Some(rest) => (true, rest),
            None => (false, text.as_str()),
        };
        let sized = (1..=HOST_BYTES_MAX).contains(&host.len());
        if !sized || host.contains(['/', '\\', '?', '#', '@', '*']) {
            return Err(ParseHostError);
        }
        // As a request would spell it: in lower case, in ASCII, an address in its one form.
        let url = format!("http://{host}/");
        let target = egress::parse_target(&url).map_err(|_| ParseHostError)?;
        let is_address = matches!(target.host(), egress::Host::Address(_));
        if target.port() != 80 || (below && is_address) {
            return Err(ParseHostError);
        }
        let host = target.host().to_string();
        Ok(Self { host, below })
    }
}

impl From<HostPattern> for String {
    fn from(pattern: HostPattern) -> Self {
        let star = if pattern.below { "*." } else { "" };
        format!("{star}{}", pattern.host)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Result<HostPattern, ParseHostError> {
        HostPattern::try_from(text.to_owned())
    }

    #[test]
    fn a_pattern_means_a_host_or_those_below_it() {
        let exact = pattern("Example.COM").unwrap();
        assert!(exact.matches("example.com"));
        assert!(!exact.matches("www.example.com") && !exact.matches("notexample.com"));
        let below = pattern("*.example.com").unwrap();
        assert!(below.matches("www.example.com") && below.matches("a.b.example.com"));
        for host in [
            "example.com",
            "notexample.com",
            ".example.com",
            "example.com.evil.net",
        ] {
            assert!(!below.matches(host), "{host}");
        }
        assert_eq!(String::from(below), "*.example.com");
        assert!(pattern("192.0.2.1").unwrap().matches("192.0.2.1"));
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for text in [
            "",
            "*",
            "*.",
            "a b",
            "http://example.com",
            "example.com/path",
            "example.com:8080",
            "example.com?x",
            "user@example.com",
            "*.192.0.2.1",
            "*.*.com",
        ] {
            assert_eq!(pattern(text), Err(ParseHostError), "{text}");
        }
    }

    #[test]
    fn own_limits_are_within_a_plan_or_refused() {
        let plan = Bounds {
            tool_calls_per_day: Some(10),
            ..Bounds::default()
        };
        let of = |calls| Bounds {
            tool_calls_per_day: Some(calls),
            tool_calls_concurrent: Some(1_000),
            ..Bounds::default()
        };
        assert_eq!(of(10).within(&plan), Ok(()));
        let refused = of(11).within(&plan).unwrap_err();
        assert_eq!(refused.limit, Limit::ToolCallsPerDay);
    }
}
