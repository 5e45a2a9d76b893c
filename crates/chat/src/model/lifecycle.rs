//! What becomes of a session over time, by the rules of its organisation.
//!
//! Time counts from when a session was last active. A rule with a label is about the sessions that
//! carry it; one without is about those that carry no label of a rule. Where several rules say the
//! same of one session, the longest time counts.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use vocab::{Actor, Digest, Timestamp, limits};

use super::invalid;
use crate::ChatError;

/// After how many days without activity a session is idle, unless the organisation says otherwise.
const IDLE_AFTER_DAYS: u32 = 7;
/// After how many days it is archived.
const ARCHIVE_AFTER_DAYS: u32 = 90;

/// What an organisation says about the lives of its sessions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatSettings {
    /// After how many days without activity a session is idle; never if absent.
    pub idle_after_days: Option<u32>,
    /// After how many days without activity it is archived; never if absent.
    pub archive_after_days: Option<u32>,
    /// What is done with sessions of certain labels, or with all.
    pub retention: Vec<RetentionRule>,
}

impl Default for ChatSettings {
    fn default() -> Self {
        Self {
            idle_after_days: Some(IDLE_AFTER_DAYS),
            archive_after_days: Some(ARCHIVE_AFTER_DAYS),
            retention: Vec::new(),
        }
    }
}

/// A rule of retention.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RetentionRule {
    /// The label of the sessions that it is about; without one, of all that carry no label of a rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// After how many days without activity.
    pub after_days: u32,
    /// What is done.
    pub action: RetentionAction,
}

/// What a rule does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RetentionAction {
    /// The messages move into an archive.
    Archive,
    /// The session goes, with its messages, its archive and everything that was said in it.
    Delete,
}

/// What is due for a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Idle,
    Archive,
    Delete,
}

impl ChatSettings {
    /// Checks that they can be kept.
    pub(crate) fn check(&self) -> Result<(), ChatError> {
        let max = limits::RETENTION_DAYS_MAX;
        let fits = |member, days: Option<u32>| match days {
            Some(0) => Err(invalid(member, "expected at least 1 day")),
            Some(days) if days > max => {
                Err(invalid(member, format!("expected at most {max} days")))
            }
            Some(_) | None => Ok(()),
        };
        fits("idle_after_days", self.idle_after_days)?;
        fits("archive_after_days", self.archive_after_days)?;
        if self.retention.len() > limits::RETENTION_RULES_MAX {
            let max = limits::RETENTION_RULES_MAX;
            return Err(invalid(
                "retention",
                format!("expected at most {max} rules"),
            ));
        }
        for (index, rule) in self.retention.iter().enumerate() {
            fits("retention", Some(rule.after_days))?;
            let labels: Vec<String> = rule.label.iter().cloned().collect();
            agents::model::check_labels(&labels)
                .map_err(|error| invalid("retention", error.to_string()))?;
            let same = |it: &RetentionRule| (&it.label, it.action) == (&rule.label, rule.action);
            if self.retention[..index].iter().any(same) {
                return Err(invalid("retention", "two rules say the same of one label"));
            }
        }
        Ok(())
    }

    /// What is due for a session with these labels that was last active so long ago.
    pub(crate) fn fate(&self, labels: &[String], quiet_for: Duration) -> Option<Fate> {
        let is_due = |days: Option<u32>| days.is_some_and(|days| quiet_for >= of_days(days));
        if is_due(self.rule(labels, RetentionAction::Delete)) {
            return Some(Fate::Delete);
        }
        let archive = self.rule(labels, RetentionAction::Archive);
        if is_due(archive.or(self.archive_after_days)) {
            return Some(Fate::Archive);
        }
        is_due(self.idle_after_days).then_some(Fate::Idle)
    }

    /// The shortest time after which anything may be due; and whether that may be true of an archived
    /// session.
    pub(crate) fn soonest(&self) -> (Option<Duration>, bool) {
        let rules = self.retention.iter().map(|rule| rule.after_days);
        let usual = self.idle_after_days.into_iter();
        let days = rules.chain(usual).chain(self.archive_after_days).min();
        let deletes = |rule: &RetentionRule| rule.action == RetentionAction::Delete;
        (days.map(of_days), self.retention.iter().any(deletes))
    }

    /// After how many days the rules do this with a session of these labels.
    fn rule(&self, labels: &[String], action: RetentionAction) -> Option<u32> {
        let about = |rule: &&RetentionRule| {
            let label = rule.label.as_ref();
            rule.action == action && label.is_some_and(|label| labels.contains(label))
        };
        let labelled = self.retention.iter().filter(about);
        if let Some(days) = labelled.map(|rule| rule.after_days).max() {
            return Some(days);
        }
        // A label that has rules of its own keeps the session from those for everything else.
        let has_rules = |label: &String| {
            let is_its = |rule: &RetentionRule| rule.label.as_ref() == Some(label);
            self.retention.iter().any(is_its)
        };
        if labels.iter().any(has_rules) {
            return None;
        }
        let general = |rule: &&RetentionRule| rule.action == action && rule.label.is_none();
        let general = self.retention.iter().find(general);
        general.map(|rule| rule.after_days)
    }
}

fn of_days(days: u32) -> Duration {
    Duration::from_secs(u64::from(days) * 24 * 3600)
}

/// The archive of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchiveInfo {
    /// The keyed digest of the whole: `session.archived` carries it in the record.
    pub digest: Digest,
    /// How many messages it holds.
    pub messages: u32,
    /// How large it is, compressed, in bytes.
    pub size_bytes: u64,
    /// When it was made.
    pub made_at: Timestamp,
}

/// A legal hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// Who put it there.
    pub by: Actor,
    /// The digest of why: a content of the organisation.
    pub reason: Digest,
    /// Since when.
    pub at: Timestamp,
}

/// Checks why something is held.
pub(crate) fn check_reason(reason: &str) -> Result<(), ChatError> {
    let chars = reason.chars().count();
    if reason.trim().is_empty() || chars > limits::TEXT_CHARS_MAX {
        let max = limits::TEXT_CHARS_MAX;
        return Err(invalid("reason", format!("expected 1 to {max} characters")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(label: Option<&str>, after_days: u32, action: RetentionAction) -> RetentionRule {
        let label = label.map(ToOwned::to_owned);
        RetentionRule {
            label,
            after_days,
            action,
        }
    }

    fn fate(settings: &ChatSettings, labels: &[&str], days: u32) -> Option<Fate> {
        let labels: Vec<String> = labels.iter().map(|it| (*it).to_owned()).collect();
        settings.fate(&labels, of_days(days))
    }

    #[test]
    fn a_session_becomes_idle_and_is_archived_and_never_deleted_unless_a_rule_says_so() {
        let usual = ChatSettings::default();
        let fates = [6, 7, 89, 90, 36_500].map(|days| fate(&usual, &["x"], days));
        let (idle, archive) = (Some(Fate::Idle), Some(Fate::Archive));
        assert_eq!(fates, [None, idle, idle, archive, archive]);
        let never = ChatSettings {
            idle_after_days: None,
            archive_after_days: None,
            retention: Vec::new(),
        };
        assert_eq!(fate(&never, &[], 36_500), None);
        assert_eq!(never.soonest(), (None, false));
        assert_eq!(usual.soonest(), (Some(of_days(7)), false));
    }

    #[test]
    fn rules_of_a_label_go_before_the_others_and_the_longest_time_counts() {
        use RetentionAction::{Archive, Delete};
        let settings = ChatSettings {
            retention: vec![
                rule(None, 30, Delete),
                rule(Some("legal"), 3_650, Delete),
                rule(Some("temp"), 2, Delete),
                rule(Some("draft"), 1, Archive),
            ],
            ..ChatSettings::default()
        };
        settings.check().unwrap();
        let delete = Some(Fate::Delete);
        assert_eq!(fate(&settings, &[], 30), delete);
        assert_eq!(fate(&settings, &["temp"], 2), delete);
        assert_eq!(
            fate(&settings, &["legal", "temp"], 3_649),
            Some(Fate::Archive)
        );
        assert_eq!(fate(&settings, &["legal", "temp"], 3_650), delete);
        // `draft` has a rule, and none that deletes.
        assert_eq!(fate(&settings, &["draft"], 1), Some(Fate::Archive));
        assert_eq!(fate(&settings, &["draft"], 3_650), Some(Fate::Archive));
        assert_eq!(settings.soonest(), (Some(of_days(1)), true));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let with = |rules| ChatSettings {
            retention: rules,
            ..ChatSettings::default()
        };
        let twice = rule(Some("a"), 1, RetentionAction::Delete);
        let other = rule(Some("a"), 1, RetentionAction::Archive);
        assert!(with(vec![twice.clone(), other]).check().is_ok());
        assert!(with(vec![twice.clone(), twice]).check().is_err());
        for days in [0, limits::RETENTION_DAYS_MAX + 1] {
            assert!(
                with(vec![rule(None, days, RetentionAction::Delete)])
                    .check()
                    .is_err()
            );
            let usual = ChatSettings::default();
            let idle = ChatSettings {
                idle_after_days: Some(days),
                ..usual.clone()
            };
            assert!(idle.check().is_err());
            assert!(
                ChatSettings {
                    archive_after_days: Some(days),
                    ..usual
                }
                .check()
                .is_err()
            );
        }
    }
}
