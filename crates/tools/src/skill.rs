//! What skills say of themselves, as the broker needs it. The server implements it with the registry.

use db::{OrgContext, StoreError};
use futures::future::BoxFuture;
use vocab::Digest;

/// Reads the texts of skills.
pub trait SkillTexts: Send + Sync {
    /// A file of the package with this digest, as text; `None` if there is no such package or file, or
    /// it is no text.
    fn text<'a>(
        &'a self,
        ctx: &'a OrgContext,
        package: Digest,
        path: &'a str,
    ) -> BoxFuture<'a, Result<Option<String>, StoreError>>;
}

/// Where there are no skills.
pub struct NoSkills;

impl SkillTexts for NoSkills {
    fn text<'a>(
        &'a self,
        _: &'a OrgContext,
        _: Digest,
        _: &'a str,
    ) -> BoxFuture<'a, Result<Option<String>, StoreError>> {
        Box::pin(async { Ok(None) })
    }
}
