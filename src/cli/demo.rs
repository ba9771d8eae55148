//! `slofuse demo`: an incident of a simulated shop, from the first error to the resolve.

use std::net::{Ipv4Addr, SocketAddr};

use clap::Args;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{Failure, Outcome, chain, complain, run, runtime, say};
use crate::config::{self, Loaded};
use crate::daemon::{Clock, Daemon, Setup};
use crate::demo::{self, World};

/// Arguments of `demo`.
#[derive(Debug, Args)]
pub(super) struct DemoArgs {
    /// How many times faster than the world the demo runs
    #[arg(long, default_value_t = 20, value_name = "TIMES", value_parser = clap::value_parser!(u32).range(1..=60))]
    speed: u32,
    /// Where the demo's own /metrics and API can be looked at
    #[arg(long, default_value = "127.0.0.1:9876", value_name = "ADDRESS")]
    listen: SocketAddr,
    /// Stop after this time of the simulated world instead of running on
    #[arg(long, value_name = "DURATION", value_parser = |text: &str| crate::engine::Span::parse(text))]
    stop_after: Option<crate::engine::Span>,
}

/// Runs until stopped.
pub(super) fn demo(args: &DemoArgs) -> Outcome {
    runtime()?.block_on(async {
        let shutdown = CancellationToken::new();
        run::stop_on_signal(shutdown.clone())?;
        let clock = Clock::fast(args.speed);
        let source = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let source = source.map_err(|error| failed(&format!("listening for the demo: {error}")))?;
        let address = source
            .local_addr()
            .map_err(|error| failed(&error.to_string()))?;
        let world = World::new(clock.now(), SEED);
        tokio::spawn(demo::serve(
            world,
            source,
            shutdown.clone().cancelled_owned(),
        ));

        let setup = Setup {
            loaded: loaded(address, args.listen)?,
            settings_file: None,
            clock: clock.clone(),
            durable: false,
        };
        let daemon = Daemon::start(setup, shutdown.clone()).await;
        let daemon = daemon.map_err(|error| failed(&chain(&error)))?;
        say(&greeting(args.speed, daemon.address()));
        if let Some(span) = args.stop_after {
            let (end, clock) = (clock.now() + span, clock.clone());
            tokio::spawn(async move {
                clock.wait_until(end).await;
                shutdown.cancel();
            });
        }
        daemon.run().await;
        Ok(())
    })
}

/// The same shop every time.
const SEED: u64 = 7;

fn failed(message: &str) -> Failure {
    complain(message);
    Failure::Failed
}

fn greeting(speed: u32, address: SocketAddr) -> String {
    let seconds = |simulated: u32| simulated / speed.max(1);
    format!(
        "slofuse demo: a simulated shop with a month of history, {speed} times faster than the world.\n\
         In about {} s checkout begins to fail; watch for the page, then its resolve some {} s later.\n\
         Meanwhile: http://{address}/api/v1/slos, /api/v1/alerts, /metrics. Ctrl-C stops.\n",
        seconds(90),
        seconds(900),
    )
}

/// The embedded definitions, sent to the console.
fn loaded(source: SocketAddr, listen: SocketAddr) -> Result<Loaded, Failure> {
    let text = format!(
        "prometheus: {{url: 'http://{source}'}}\n\
         definitions: [embedded]\n\
         receivers: [{{name: console, console: {{}}}}]\n\
         routes: {{default: [console]}}\n\
         server: {{listen: '{listen}'}}\n"
    );
    let mistakes = |mistakes: config::Diagnostics| {
        failed(&format!(
            "the demo's own configuration has mistakes\n{mistakes}"
        ))
    };
    config::embedded(&text, demo::definitions()).map_err(mistakes)
}
