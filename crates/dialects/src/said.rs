//! What a whole answer that is forwarded as it is says about itself: which model it is by, and why it
//! ended.

use std::borrow::Cow;

use serde::Deserialize;

use crate::Dialect;

/// What an answer says about itself, in its provider's words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// The model that served it.
    pub model: Option<String>,
    /// Why it ended; one for each of the answers that were asked for.
    pub finish_reasons: Vec<String>,
}

#[derive(Deserialize)]
struct Document<'a> {
    #[serde(borrow)]
    model: Option<Cow<'a, str>>,
    #[serde(default, borrow)]
    choices: Vec<Choice<'a>>,
    #[serde(borrow)]
    stop_reason: Option<Cow<'a, str>>,
    #[serde(borrow)]
    status: Option<Cow<'a, str>>,
    #[serde(borrow)]
    incomplete_details: Option<Incomplete<'a>>,
}

#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(borrow)]
    finish_reason: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
pub(crate) struct Incomplete<'a> {
    #[serde(borrow)]
    pub(crate) reason: Option<Cow<'a, str>>,
}

/// What a whole answer says about itself; nothing if it can't be read.
pub fn said_of(dialect: Dialect, body: &[u8]) -> Said {
    let Ok(it) = serde_json::from_slice::<Document<'_>>(body) else {
        return Said::default();
    };
    let reasons: Vec<Option<Cow<'_, str>>> = match dialect {
        Dialect::OpenaiChat => it.choices.into_iter().map(|it| it.finish_reason).collect(),
        Dialect::OpenaiResponses => {
            vec![it.incomplete_details.and_then(|it| it.reason).or(it.status)]
        }
        Dialect::Anthropic => vec![it.stop_reason],
        // Nothing of these is forwarded as it is.
        Dialect::Gemini | Dialect::Converse => Vec::new(),
    };
    Said {
        model: it.model.map(Cow::into_owned),
        finish_reasons: reasons.into_iter().flatten().map(Cow::into_owned).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_dialect_says_who_answered_and_why_it_ended() {
        let said = |model: &str, reasons: &[&str]| Said {
            model: Some(model.to_owned()),
            finish_reasons: reasons.iter().map(|it| (*it).to_owned()).collect(),
        };
        let chat = br#"{"model":"m","choices":[{"finish_reason":"stop","message":{}},{"finish_reason":"length"}]}"#;
        assert_eq!(
            said_of(Dialect::OpenaiChat, chat),
            said("m", &["stop", "length"])
        );
        let done = br#"{"model":"m","status":"completed","incomplete_details":null,"output":[]}"#;
        assert_eq!(
            said_of(Dialect::OpenaiResponses, done),
            said("m", &["completed"])
        );
        let cut = br#"{"model":"m","status":"incomplete","incomplete_details":{"reason":"max_output_tokens"}}"#;
        assert_eq!(
            said_of(Dialect::OpenaiResponses, cut),
            said("m", &["max_output_tokens"])
        );
        let message = br#"{"model":"m","stop_reason":"end_turn","content":[]}"#;
        assert_eq!(
            said_of(Dialect::Anthropic, message),
            said("m", &["end_turn"])
        );
        assert_eq!(said_of(Dialect::Anthropic, b"<html>"), Said::default());
    }
}
