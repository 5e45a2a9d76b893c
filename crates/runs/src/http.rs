//! The routes of runs and approvals, and those that start a run by itself.

mod approvals;
mod replays;
mod runs;
mod steps;

use db::BlobError;
use edge::{OpenApiRouter, Problem};
use vault::ContentError;

use crate::{RunError, Runs};

pub use runs::RunView;

/// The routes under `/v1/runs` and `/v1/approvals`, `POST /v1/tools/{name}/invoke` and
/// `POST /v1/policies/simulate`.
#[must_use]
pub fn routes(runs: Runs) -> OpenApiRouter {
    runs::routes(runs.clone())
        .merge(steps::routes(runs.clone()))
        .merge(approvals::routes(runs.clone()))
        .merge(replays::routes(runs))
}

impl From<RunError> for Problem {
    fn from(error: RunError) -> Self {
        let text = error.to_string();
        match error {
            RunError::NotFound(_) => Self::not_found("run"),
            RunError::Over => Self::conflict("RUN_OVER", text),
            RunError::NotOver => Self::conflict("RUN_NOT_OVER", text),
            RunError::NothingToResolve => Self::conflict("NOTHING_TO_RESOLVE", text),
            RunError::TooDeep => Self::unprocessable("RUN_TOO_DEEP", text),
            RunError::Erased => Self::gone("CONTENT_ERASED", text),
            RunError::Policies(problems) => tools::http::policy_problems(problems),
            RunError::Store(source) => source.into(),
            RunError::Road(source) => source.into(),
            RunError::Content(ContentError::Store(source)) => source.into(),
            RunError::Content(ContentError::Blobs(BlobError::Unavailable(source))) => {
                tracing::error!(
                    error = &source as &dyn std::error::Error,
                    "a blob can't be written or read"
                );
                Self::unavailable(
                    "STORAGE_UNAVAILABLE",
                    "large contents can't be stored or read at the moment; nothing was done",
                )
            }
            other @ (RunError::LeaseLost | RunError::Fold(_) | RunError::Content(_)) => {
                tracing::error!(
                    error = &other as &dyn std::error::Error,
                    "a run can't be handled"
                );
                Self::internal()
            }
        }
    }
}

/// A storage outage while something is to be queued: the caller should try again soon.
pub(crate) fn queue_problem(error: RunError) -> Problem {
    if !error.is_outage() {
        return error.into();
    }
    tracing::error!(
        error = &error as &dyn std::error::Error,
        "a run can't be queued"
    );
    Problem::queue_unavailable()
}
