//! What can go wrong with a run.

use vocab::RunId;

use crate::fold::FoldError;

/// Why something about runs did not happen.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// There is no such run here.
    #[error("run `{0}` not found")]
    NotFound(RunId),
    /// The run is over.
    #[error("the run is over")]
    Over,
    /// No step of the run waits for such a decision.
    #[error("no step of the run waits for a decision")]
    NothingToResolve,
    /// Runs would start runs without an end.
    #[error(
        "runs may start runs at most {} levels deep",
        vocab::limits::RUN_DEPTH_MAX
    )]
    TooDeep,
    /// Another worker has the run now.
    #[error("the lease of the run is lost")]
    LeaseLost,
    /// The journal can't be folded.
    #[error("the journal can't be folded")]
    Fold(#[from] FoldError),
    /// A content can't be sealed or opened.
    #[error("a content can't be sealed or opened")]
    Content(#[from] vault::ContentError),
    /// The road refused to work.
    #[error("the road failed")]
    Road(#[from] tools::RoadError),
    /// The policies that a replay names do not compile.
    #[error("the policies do not compile")]
    Policies(Vec<policy::PolicyProblem>),
    /// The run is still under way, and can't be gone through again.
    #[error("the run is not over")]
    NotOver,
    /// The content of the run was erased, so it can't be folded again.
    #[error("the content of the run was erased")]
    Erased,
    /// The database.
    #[error("storage failed")]
    Store(#[from] db::StoreError),
}

impl RunError {
    /// The database's error, if it is the database that failed.
    #[must_use]
    pub const fn store_error(&self) -> Option<&db::StoreError> {
        match self {
            Self::Store(error) => Some(error),
            Self::Content(error) => error.store_error(),
            Self::NotFound(_)
            | Self::Over
            | Self::NothingToResolve
            | Self::TooDeep
            | Self::NotOver
            | Self::LeaseLost
            | Self::Fold(_)
            | Self::Road(_)
            | Self::Policies(_)
            | Self::Erased => None,
        }
    }

    /// Whether storage is out of order, and nothing was done: the same may succeed soon.
    #[must_use]
    pub const fn is_outage(&self) -> bool {
        if let Self::Content(error @ vault::ContentError::Blobs(_)) = self {
            return error.is_retryable();
        }
        match self.store_error() {
            // It may have been done.
            Some(db::StoreError::CommitUnknown(_)) | None => false,
            Some(error) => error.is_outage(),
        }
    }
}
