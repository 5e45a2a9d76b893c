//! What was acknowledged, against what the sink saw and what the record says.

use std::fmt;

use crate::chaos::load::Kind;
use crate::chaos::record::Record;
use crate::chaos::settle::{Run, State};
use crate::chaos::sink::Effects;

/// The sums, and every violation as a sentence.
#[derive(Default)]
pub struct Report {
    acknowledged: usize,
    lost: usize,
    duplicated: usize,
    unknown: usize,
    repeated: usize,
    events: u64,
    pub violations: Vec<String>,
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "acknowledged {}, lost {}, duplicated {}, unknown {} (idempotent attempts repeated {}, \
             events verified {}, violations {})",
            self.acknowledged,
            self.lost,
            self.duplicated,
            self.unknown,
            self.repeated,
            self.events,
            self.violations.len(),
        )
    }
}

pub fn reconcile(runs: &[Run], effects: &Effects, record: &Record) -> Report {
    let mut report = Report {
        acknowledged: runs.len(),
        events: record.events,
        ..Report::default()
    };
    for run in runs {
        let seen = effects.get(&run.key).copied().unwrap_or(0);
        report.judge_end(run, seen);
        report.judge_effect(run, seen, record);
        if !record.whole(run) {
            report
                .violations
                .push(format!("`{}` is not whole in the record", run.id));
        }
    }
    report
}

impl Report {
    /// Acknowledged work is done, or says that nobody can know.
    fn judge_end(&mut self, run: &Run, seen: u32) {
        let lost = match &run.state {
            State::Succeeded if seen > 0 => None,
            State::Succeeded => Some("succeeded without its effect".to_owned()),
            State::Unknown => {
                self.unknown += 1;
                None
            }
            State::Failed(why) => Some(format!("failed: {why}")),
            State::Under(state) => Some(format!("is still {state}")),
            State::Missing => Some("is not there".to_owned()),
        };
        if let Some(why) = lost {
            self.lost += 1;
            self.violations
                .push(format!("lost: `{}` ({}) {why}", run.id, run.key));
        }
    }

    /// An effect happens at most once, unless repeating it is harmless; and never off the road.
    fn judge_effect(&mut self, run: &Run, seen: u32, record: &Record) {
        match run.kind {
            Kind::Post if seen > 1 => {
                self.duplicated += 1;
                self.violations.push(format!(
                    "duplicated: `{}` ({}) {seen} times",
                    run.id, run.key
                ));
            }
            Kind::Get | Kind::Message if seen > 1 => self.repeated += 1,
            Kind::Post | Kind::Get | Kind::Message => {}
        }
        if seen > 0 && !record.allowed(&run.id) {
            self.violations
                .push(format!("`{}` acted without a recorded capability", run.id));
        }
    }
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;

    const ROAD: &[&str] = &[
        "run.queued",
        "tool.intended",
        "policy.decided",
        "capability.issued",
        "tool.executed",
        "run.succeeded",
    ];

    fn record(kinds: &[&str]) -> Record {
        let mut prev = format!("sha256:{}", "0".repeat(64));
        let mut export = String::new();
        for (index, kind) in kinds.iter().enumerate() {
            let seq = index + 1;
            let event = format!(r#"{{"kind":"{kind}","prev":"{prev}","run":"run_1","seq":{seq}}}"#);
            prev = format!("sha256:{}", hex::encode(Sha256::digest(&event)));
            export.push_str(&format!("{{\"event\":{event},\"hash\":\"{prev}\"}}\n"));
        }
        Record::verify(&export).unwrap()
    }

    fn report(kind: Kind, state: State, seen: u32, kinds: &[&str]) -> Report {
        let run = Run {
            id: "run_1".to_owned(),
            key: "k1".to_owned(),
            kind,
            state,
        };
        let effects = [("k1".to_owned(), seen)]
            .into_iter()
            .filter(|(_, seen)| *seen > 0)
            .collect();
        reconcile(&[run], &effects, &record(kinds))
    }

    #[test]
    fn one_effect_for_one_acknowledgement_is_right() {
        let report = report(Kind::Post, State::Succeeded, 1, ROAD);
        assert_eq!(
            (report.acknowledged, report.lost, report.duplicated),
            (1, 0, 0)
        );
        assert!(report.violations.is_empty());
    }

    #[test]
    fn lost_work_is_found() {
        for state in [
            State::Succeeded,
            State::Failed("x".to_owned()),
            State::Under("queued".to_owned()),
            State::Missing,
        ] {
            assert_eq!(report(Kind::Post, state, 0, ROAD).lost, 1);
        }
    }

    #[test]
    fn a_second_attempt_is_found_unless_it_is_harmless() {
        assert_eq!(report(Kind::Post, State::Succeeded, 2, ROAD).duplicated, 1);
        let harmless = report(Kind::Get, State::Succeeded, 2, ROAD);
        assert_eq!((harmless.duplicated, harmless.repeated), (0, 1));
        assert!(harmless.violations.is_empty());
    }

    #[test]
    fn an_unknown_outcome_is_no_violation_and_a_second_attempt_after_it_is() {
        let unknown = report(Kind::Post, State::Unknown, 1, ROAD);
        assert_eq!((unknown.unknown, unknown.lost), (1, 0));
        assert!(unknown.violations.is_empty());
        assert_eq!(report(Kind::Post, State::Unknown, 2, ROAD).duplicated, 1);
    }

    #[test]
    fn an_effect_off_the_road_is_found() {
        let without: Vec<&str> = ROAD
            .iter()
            .copied()
            .filter(|kind| *kind != "capability.issued")
            .collect();
        assert_eq!(
            report(Kind::Post, State::Succeeded, 1, &without)
                .violations
                .len(),
            1
        );
        let twice: Vec<&str> = ROAD.iter().copied().chain(["run.succeeded"]).collect();
        assert_eq!(
            report(Kind::Post, State::Succeeded, 1, &twice)
                .violations
                .len(),
            1
        );
        assert_eq!(
            report(Kind::Post, State::Succeeded, 1, &[])
                .violations
                .len(),
            2
        );
    }
}
