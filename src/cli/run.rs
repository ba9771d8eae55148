//! `slofuse run`: the daemon.

use std::path::PathBuf;

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::info;

use super::{Failure, Outcome, chain, complain, runtime};
use crate::config;
use crate::daemon::{Clock, Daemon, Setup};

/// Arguments of `run`.
#[derive(Debug, Args)]
pub(super) struct RunArgs {
    /// The settings file
    #[arg(long, short, value_name = "FILE", default_value = "slofuse.yaml")]
    config: PathBuf,
}

/// Runs until SIGTERM or SIGINT.
pub(super) fn run(args: &RunArgs) -> Outcome {
    let loaded = match config::load(&args.config, &|name| std::env::var(name).ok()) {
        Ok(loaded) => loaded,
        Err(mistakes) => {
            complain(&format!("the configuration has mistakes\n{mistakes}"));
            return Err(Failure::Problems);
        }
    };
    if loaded.warnings.warnings() > 0 {
        complain(&format!(
            "the configuration has warnings\n{}",
            loaded.warnings
        ));
    }
    let setup = Setup {
        loaded,
        settings_file: Some(args.config.clone()),
        clock: Clock::system(),
        durable: true,
    };
    runtime()?.block_on(async {
        let shutdown = CancellationToken::new();
        stop_on_signal(shutdown.clone())?;
        match Daemon::start(setup, shutdown).await {
            Ok(daemon) => {
                daemon.run().await;
                Ok(())
            }
            Err(error) => {
                complain(&chain(&error));
                Err(Failure::Failed)
            }
        }
    })
}

/// Cancels the token at the first SIGTERM or SIGINT.
pub(super) fn stop_on_signal(shutdown: CancellationToken) -> Outcome {
    let listen = |kind| {
        signal(kind).map_err(|error| {
            complain(&format!("listening for signals: {error}"));
            Failure::Failed
        })
    };
    let mut terminate = listen(SignalKind::terminate())?;
    let mut interrupt = listen(SignalKind::interrupt())?;
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => info!("SIGTERM received"),
            _ = interrupt.recv() => info!("SIGINT received"),
        }
        shutdown.cancel();
    });
    Ok(())
}
