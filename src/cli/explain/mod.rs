//! `slofuse explain`.

use clap::Args;

use super::{Failure, Outcome, complain};

/// Arguments of `explain`.
#[derive(Debug, Args)]
pub(super) struct ExplainArgs {}

/// Not there yet.
pub(super) fn explain(_args: &ExplainArgs) -> Outcome {
    complain("not there yet");
    Err(Failure::Failed)
}
