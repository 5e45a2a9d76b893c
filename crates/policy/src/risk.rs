//! How much could go wrong: a number from 0 to 100 that depends on nothing but the question.
//!
//! The base is the effect's own. Reading what strangers wrote makes whatever changes or sends
//! something riskier, because the wish may be a stranger's; having read what is private makes
//! whatever sends riskier, because it may take the private along.

use vocab::{Action, HttpMethod, Target};

use crate::question::{HasRead, Question};

const AFTER_UNTRUSTED: u8 = 20;
const AFTER_PRIVATE: u8 = 20;

/// The risk of what is asked: at least what the caller knows of, at most 100.
#[must_use]
pub fn score(question: &Question) -> u8 {
    let base = base(question.action, &question.target);
    let taint = taint(question.action, question.context.has_read);
    base.saturating_add(taint)
        .max(question.context.risk)
        .min(100)
}

fn base(action: Action, target: &Target) -> u8 {
    match action {
        Action::Noop => 0,
        // A model is sent what the run has read, by a provider that the organisation chose.
        Action::FileRead | Action::ModelCall | Action::ArtifactRead | Action::SkillRead => 10,
        Action::ArtifactSave => 15,
        Action::AgentCall => 30,
        Action::FileWrite => 40,
        Action::HttpFetch if only_reads(target) => 30,
        Action::SkillRun => 50,
        Action::HttpFetch | Action::SecretUse => 60,
        Action::ProcessExec => 80,
    }
}

fn only_reads(target: &Target) -> bool {
    use HttpMethod::{Get, Head, Options};
    matches!(
        target,
        Target::Http {
            method: Get | Head | Options,
            ..
        }
    )
}

fn taint(action: Action, has_read: HasRead) -> u8 {
    let (changes, sends) = match action {
        Action::Noop
        | Action::FileRead
        | Action::ArtifactSave
        | Action::ModelCall
        | Action::ArtifactRead
        | Action::SkillRead => (false, false),
        Action::FileWrite | Action::SkillRun => (true, false),
        Action::AgentCall | Action::HttpFetch | Action::SecretUse | Action::ProcessExec => {
            (true, true)
        }
    };
    let untrusted = if has_read.untrusted && changes {
        AFTER_UNTRUSTED
    } else {
        0
    };
    let private = if has_read.private && sends {
        AFTER_PRIVATE
    } else {
        0
    };
    untrusted + private
}
