//! Whether a job may be done: its capability token, verified here and not by whoever sent it.

use policy::capability::{Executor, Expected, PublicKey, TokenError, verify};
use protocol::{Dispatch, FailureCode};
use vocab::{Digest, NodeId, Timestamp};

use crate::error::ToolError;

/// What a node knows of itself and of the keys when it judges a token.
#[derive(Debug, Clone)]
pub struct Authority {
    node: NodeId,
    keys: Vec<PublicKey>,
}

/// A job that may be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permit {
    /// The id of the token, to be spent.
    pub token: String,
    /// When the token expires.
    pub expires_at: Timestamp,
    /// The digest of the intent, computed here.
    pub intent: Digest,
}

impl Authority {
    /// The keys that the gateway named, in the form that the policy crate writes; those that can't be
    /// read are left out, as a key that nobody can use.
    #[must_use]
    pub fn new(node: NodeId, keys: &[String]) -> Self {
        let read = |text: &String| {
            text.parse()
                .inspect_err(|_| tracing::error!("a capability key can't be read"))
                .ok()
        };
        Self {
            node,
            keys: keys.iter().filter_map(read).collect(),
        }
    }

    /// Verifies that the token permits exactly this intent, on this node, now.
    ///
    /// # Errors
    /// What is wrong with the token, or an intent without a canonical form.
    pub fn permit(&self, dispatch: &Dispatch, now: Timestamp) -> Result<Permit, ToolError> {
        let intent = &dispatch.intent;
        let digest = intent.digest().map_err(|error| {
            ToolError::new(
                FailureCode::ArgumentsInvalid,
                format!("no canonical form: {error}"),
            )
        })?;
        let expected = Expected {
            org: intent.org,
            run: intent.run,
            executor: Executor::Node(self.node),
            tool: &intent.tool,
            intent: digest,
        };
        let verified =
            verify(&self.keys, &dispatch.token, &expected, now).map_err(|error: TokenError| {
                ToolError::new(FailureCode::TokenInvalid, error.to_string())
            })?;
        Ok(Permit {
            token: verified.token_id.to_string(),
            expires_at: verified.expires_at,
            intent: digest,
        })
    }
}
