//! `slofuse backtest`.

use clap::Args;

use super::{Failure, Outcome, complain};

/// Arguments of `backtest`.
#[derive(Debug, Args)]
pub(super) struct BacktestArgs {}

/// Not there yet.
pub(super) fn backtest(_args: &BacktestArgs) -> Outcome {
    complain("not there yet");
    Err(Failure::Failed)
}
