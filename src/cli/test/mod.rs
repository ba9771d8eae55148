//! `slofuse test`.

use clap::Args;

use super::{Failure, Outcome, complain};

/// Arguments of `test`.
#[derive(Debug, Args)]
pub(super) struct TestArgs {}

/// Not there yet.
pub(super) fn test(_args: &TestArgs) -> Outcome {
    complain("not there yet");
    Err(Failure::Failed)
}
