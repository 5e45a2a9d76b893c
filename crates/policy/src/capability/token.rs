//! Minting and verifying.

use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;
use std::time::Duration;

use biscuit_auth::builder::{self, Binary, CheckKind, Expression, Op, Rule, Term};
use biscuit_auth::datalog::{RunLimits, SymbolTable};
use biscuit_auth::{AuthorizerBuilder, Biscuit, BiscuitBuilder, UnverifiedBiscuit, error};
use vocab::{CapabilityId, Digest, NodeId, OrgId, RunId, Timestamp};

use super::keys::{PublicKey, Signer};

/// The longest token that is looked at, in bytes. One of ours has some 700.
pub const TOKEN_BYTES_MAX: usize = 4 * 1024;

/// The name and the version of the one fact.
const FACT: &str = "chancery_capability";
const VERSION: i64 = 1;

/// Biscuit's own limit of 1 ms of wall time refuses good tokens on a busy machine. The other two
/// bound the work; the block has one fact and no rule.
const LIMITS: RunLimits = RunLimits {
    max_facts: 16,
    max_iterations: 4,
    max_time: Duration::from_secs(5),
};

/// Who may use a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Executor {
    /// The server itself.
    Broker,
    /// One node.
    Node(NodeId),
}

/// What a token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// The token's own id, by which its use is remembered.
    pub token_id: CapabilityId,
    /// The organisation.
    pub org: OrgId,
    /// The run.
    pub run: RunId,
    /// Who may use it.
    pub executor: Executor,
    /// The tool.
    pub tool: String,
    /// The digest of the intent.
    pub intent: Digest,
    /// The first instant at which it is not good any more.
    pub expires_at: Timestamp,
}

/// What the one who is about to execute knows for itself, and the token must say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expected<'a> {
    /// The organisation.
    pub org: OrgId,
    /// The run.
    pub run: RunId,
    /// Who verifies.
    pub executor: Executor,
    /// The tool that is about to run.
    pub tool: &'a str,
    /// The digest of the intent that is about to be executed, computed anew from it.
    pub intent: Digest,
}

/// A token that is good for what was expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified {
    /// The token's id, to be remembered before acting.
    pub token_id: CapabilityId,
    /// Until when the id has to be remembered.
    pub expires_at: Timestamp,
}

/// Why no token was made.
#[derive(Debug, thiserror::Error)]
pub enum MintError {
    /// The token would be larger than any that is accepted.
    #[error("the token would be longer than {TOKEN_BYTES_MAX} bytes")]
    TooLarge,
    /// The library failed.
    #[error("the token can't be made")]
    Biscuit(#[source] error::Token),
}

/// Why a token is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Longer than [`TOKEN_BYTES_MAX`].
    #[error("the token is longer than {TOKEN_BYTES_MAX} bytes")]
    TooLarge,
    /// Not a Biscuit in URL-safe base64.
    #[error("the token is malformed")]
    Malformed,
    /// It has more than the authority block.
    #[error("the token has blocks beside the authority block")]
    ExtraBlocks,
    /// It names no key, or none of those that are accepted.
    #[error("the token is signed by a key that isn't accepted")]
    UnknownKey,
    /// The signature is not the key's.
    #[error("the token's signature is wrong")]
    Signature,
    /// The key signed it, but it is not a capability of this version.
    #[error("the token is not a capability")]
    NotACapability,
    /// Its time is over.
    #[error("the token has expired")]
    Expired,
    /// Another organisation's.
    #[error("the token is for another organisation")]
    WrongOrg,
    /// Another run's.
    #[error("the token is for another run")]
    WrongRun,
    /// Another executor's.
    #[error("the token is for another executor")]
    WrongExecutor,
    /// Another tool's.
    #[error("the token is for another tool")]
    WrongTool,
    /// Another intent's.
    #[error("the token is for another intent")]
    WrongIntent,
    /// One of its own checks fails.
    #[error("the token's own check refuses it")]
    Refused,
}

impl fmt::Display for Executor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Broker => f.write_str("broker"),
            Self::Node(node) => node.fmt(f),
        }
    }
}

/// The text is neither `broker` nor the id of a node.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected `broker` or the id of a node")]
pub struct ParseExecutorError;

impl FromStr for Executor {
    type Err = ParseExecutorError;

    fn from_str(text: &str) -> Result<Self, ParseExecutorError> {
        match text {
            "broker" => Ok(Self::Broker),
            node => node.parse().map(Self::Node).map_err(|_| ParseExecutorError),
        }
    }
}

/// Makes a token, as URL-safe base64.
///
/// # Errors
/// A tool's name that is too long for a token.
pub fn mint(signer: &Signer, claims: &Claims) -> Result<String, MintError> {
    let expires_at = claims.expires_at.as_micros();
    let fact = builder::fact(
        FACT,
        &[
            Term::Integer(VERSION),
            Term::Str(claims.token_id.to_string()),
            Term::Str(claims.org.to_string()),
            Term::Str(claims.run.to_string()),
            Term::Str(claims.executor.to_string()),
            Term::Str(claims.tool.clone()),
            Term::Bytes(claims.intent.as_bytes().to_vec()),
            Term::Integer(expires_at),
        ],
    );
    let token = BiscuitBuilder::new()
        .root_key_id(signer.public().id())
        .fact(fact)
        .and_then(|token| token.check(not_after(expires_at)))
        .and_then(|token| token.build_with_key_pair(&signer.root, SymbolTable::new(), &signer.next))
        .and_then(|token| token.to_base64())
        .map_err(MintError::Biscuit)?;
    if token.len() > TOKEN_BYTES_MAX {
        Err(MintError::TooLarge)
    } else {
        Ok(token)
    }
}

/// `check if now_us($now), $now < expires_at`
fn not_after(expires_at: i64) -> builder::Check {
    let now = || Term::Variable("now".to_owned());
    let before = Expression {
        ops: vec![
            Op::Value(now()),
            Op::Value(Term::Integer(expires_at)),
            Op::Binary(Binary::LessThan),
        ],
    };
    let query = Rule::new(
        builder::pred("query", &[] as &[Term]),
        vec![builder::pred("now_us", &[now()])],
        vec![before],
        vec![],
    );
    builder::Check {
        queries: vec![query],
        kind: CheckKind::One,
    }
}

/// Verifies a token for what is about to be executed. Whoever calls this must then remember the id
/// and refuse it a second time.
///
/// # Errors
/// What is wrong with it; the first of the things in the order of [`TokenError`].
pub fn verify(
    keys: &[PublicKey],
    token: &str,
    expected: &Expected<'_>,
    now: Timestamp,
) -> Result<Verified, TokenError> {
    let token = authentic(keys, token)?;
    let now_us = builder::fact("now_us", &[Term::Integer(now.as_micros())]);
    let mut authorizer = AuthorizerBuilder::new()
        .set_limits(LIMITS)
        .fact(now_us)
        .and_then(|builder| builder.policy(ALLOW.clone()))
        .and_then(|builder| builder.build(&token))
        .map_err(|_| TokenError::NotACapability)?;
    let facts: Vec<builder::Fact> = authorizer
        .query(QUERY.clone())
        .map_err(|_| TokenError::NotACapability)?;
    let [fact] = facts.as_slice() else {
        return Err(TokenError::NotACapability);
    };
    let claims = claims(&fact.predicate.terms).ok_or(TokenError::NotACapability)?;
    compare(&claims, expected, now)?;
    authorizer.authorize().map_err(|_| TokenError::Refused)?;
    Ok(Verified {
        token_id: claims.token_id,
        expires_at: claims.expires_at,
    })
}

/// A token of one block that one of the keys has signed.
fn authentic(keys: &[PublicKey], token: &str) -> Result<Biscuit, TokenError> {
    if token.len() > TOKEN_BYTES_MAX {
        return Err(TokenError::TooLarge);
    }
    let token = UnverifiedBiscuit::from_base64(token).map_err(|_| TokenError::Malformed)?;
    if token.block_count() != 1 {
        return Err(TokenError::ExtraBlocks);
    }
    let named = token.root_key_id().ok_or(TokenError::UnknownKey)?;
    let known = keys.iter().filter(|key| key.id() == named);
    let mut tried = Err(TokenError::UnknownKey);
    for key in known {
        tried = token
            .clone()
            .verify(key.key)
            .map_err(|_| TokenError::Signature);
        if tried.is_ok() {
            break;
        }
    }
    tried
}

fn compare(claims: &Claims, expected: &Expected<'_>, now: Timestamp) -> Result<(), TokenError> {
    let checks = [
        (now < claims.expires_at, TokenError::Expired),
        (claims.org == expected.org, TokenError::WrongOrg),
        (claims.run == expected.run, TokenError::WrongRun),
        (
            claims.executor == expected.executor,
            TokenError::WrongExecutor,
        ),
        (claims.tool == expected.tool, TokenError::WrongTool),
        (claims.intent == expected.intent, TokenError::WrongIntent),
    ];
    let wrong = checks.into_iter().find(|(holds, _)| !holds);
    wrong.map_or(Ok(()), |(_, error)| Err(error))
}

fn claims(terms: &[Term]) -> Option<Claims> {
    use Term::{Bytes, Integer, Str};
    let [
        Integer(VERSION),
        Str(token_id),
        Str(org),
        Str(run),
        Str(executor),
        Str(tool),
        Bytes(intent),
        Integer(expires_at),
    ] = terms
    else {
        return None;
    };
    Some(Claims {
        token_id: token_id.parse().ok()?,
        org: org.parse().ok()?,
        run: run.parse().ok()?,
        executor: executor.parse().ok()?,
        tool: tool.clone(),
        intent: Digest::from_bytes(intent.as_slice().try_into().ok()?),
        expires_at: Timestamp::from_micros(*expires_at),
    })
}

/// How many terms the fact has.
const TERMS: usize = 8;

fn the_fact() -> builder::Predicate {
    let terms: Vec<Term> = (0..TERMS)
        .map(|at| Term::Variable(format!("t{at}")))
        .collect();
    builder::pred(FACT, &terms)
}

/// `claims($t0, …) <- chancery_capability($t0, …)`, over the authority block alone.
static QUERY: LazyLock<Rule> = LazyLock::new(|| {
    let body = the_fact();
    let head = builder::Predicate::new("claims".to_owned(), body.terms.clone());
    Rule::new(head, vec![body], vec![], vec![])
});

/// `allow if chancery_capability($t0, …)`
static ALLOW: LazyLock<builder::Policy> = LazyLock::new(|| {
    let query = builder::pred("query", &[] as &[Term]);
    builder::Policy {
        queries: vec![Rule::new(query, vec![the_fact()], vec![], vec![])],
        kind: builder::PolicyKind::Allow,
    }
});
