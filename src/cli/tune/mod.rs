//! `slofuse tune`.

use clap::Args;

use super::{Failure, Outcome, complain};

/// Arguments of `tune`.
#[derive(Debug, Args)]
pub(super) struct TuneArgs {}

/// Not there yet.
pub(super) fn tune(_args: &TuneArgs) -> Outcome {
    complain("not there yet");
    Err(Failure::Failed)
}
