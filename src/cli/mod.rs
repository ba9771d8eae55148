//! The command line: arguments in, exit code out.
//!
//! Exit codes: 0 it worked, 1 it failed, 2 it found problems in files, 64 it was called wrongly.

mod alerts;
mod backtest;
mod check;
mod client;
mod convert;
mod dead_letters;
mod demo;
mod explain;
mod hash_password;
mod history;
mod online;
mod operate;
mod receivers;
mod route;
mod rules;
mod run;
mod schema;
mod silence;
mod template;
mod test;
mod tune;

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::daemon::{LogFormat, init_logging};
use crate::engine::causes::chain;

/// Ends of a command that are not success; each has been reported already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Failure {
    /// Something outside did not work.
    Failed,
    /// The files have problems.
    Problems,
    /// The arguments do not fit together.
    Usage,
}

/// What a command ends with.
type Outcome = Result<(), Failure>;

const EXIT_FAILED: u8 = 1;
const EXIT_PROBLEMS: u8 = 2;
const EXIT_USAGE: u8 = 64;

/// Burn-rate alerting for Prometheus: exact decisions, explained pages, nothing lost.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    log: LogArgs,
}

/// Where options that all commands have stand in their help.
const LAST: usize = 900;

#[derive(Debug, Args)]
struct LogArgs {
    /// How log lines look on standard error
    #[arg(long, global = true, value_enum, default_value = "text", display_order = LAST)]
    log_format: LogFormatArg,
    /// What is logged: a level, or levels by module such as `warn,slofuse=debug` [default: info,
    /// for the demo warn]
    #[arg(long, global = true, value_name = "FILTER", display_order = LAST + 1)]
    log: Option<String>,
}

/// Whom an answer is for; the same option wherever there are the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    Text,
    Json,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum LogFormatArg {
    Text,
    Json,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Poll Prometheus, decide alerts and deliver notifications until told to stop
    Run(run::RunArgs),
    /// Report every mistake in settings and definitions, at its place and with its fix
    Check(check::CheckArgs),
    /// Write definitions of any format (Sloth, Pyrra, OpenSLO) as native files
    Convert(convert::ConvertArgs),
    /// Print definitions as recording and alerting rules of Prometheus
    ///
    /// Names and labels are those of Sloth, so dashboards made for its rules keep working: the
    /// error ratio over each window of the policy, objective, budget and burn rates, and one alert
    /// per severity.
    ///
    /// Rules see less than slofuse does: rate() misses the first errors of a counter that appears
    /// with them, periods always roll, and there is no hold, no minimum of events unless asked
    /// for, no notice about the budget and none about missing data. What an SLO loses besides is
    /// said on standard error and at the head of the output.
    Rules(rules::RulesArgs),
    /// Show who is told of an alert, and why: the way it goes through the tree of routes
    Route(route::RouteArgs),
    /// Print a JSON Schema, for editors and other checkers
    Schema(schema::SchemaArgs),
    /// Hash a password, read from standard input, for `server.auth.users`
    HashPassword(hash_password::HashPasswordArgs),
    /// Add, list, extend and end silences of a running daemon
    Silence(silence::SilenceArgs),
    /// List the alerts of a running daemon
    Alerts(alerts::AlertsArgs),
    /// Say that somebody looks after an alert: it is not escalated further
    Ack(alerts::AckArgs),
    /// List notifications that were given up, try them again or discard them
    DeadLetters(dead_letters::DeadLettersArgs),
    /// List the receivers of a running daemon, and whether they can be reached
    Receivers(receivers::ReceiversArgs),
    /// Send a test page and its resolve to a receiver
    ///
    /// The running daemon sends them, past routes and outbox. With --config and without --url no
    /// daemon is needed: they are sent from here.
    NotifyTest(receivers::NotifyTestArgs),
    /// Show what messages say, and try templates for them
    Template(template::TemplateArgs),
    /// Show what definitions would have done over a stretch of the past
    Backtest(backtest::BacktestArgs),
    /// Propose an objective and a policy that would have met your wishes
    Tune(tune::TuneArgs),
    /// Run the tests that stand beside definitions
    Test(test::TestArgs),
    /// Explain why an alert of an SLO is up, or is not
    Explain(explain::ExplainArgs),
    /// Watch an incident of a simulated shop: a page, why it fired, what it cost, its resolve
    Demo(demo::DemoArgs),
}

/// Runs the program.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let asked = !error.use_stderr();
            // With standard output and error closed there is nobody left to tell.
            let _closed = error.print();
            return ExitCode::from(if asked { 0 } else { EXIT_USAGE });
        }
    };
    if let Err(error) = start_log(&cli) {
        complain(&error);
        return ExitCode::from(EXIT_USAGE);
    }
    let outcome = match cli.command {
        Command::Run(args) => run::run(&args),
        Command::Check(args) => check::check(&args),
        Command::Convert(args) => convert::convert(&args),
        Command::Rules(args) => rules::rules(&args),
        Command::Route(args) => route::route(&args),
        Command::Schema(args) => schema::schema(&args),
        Command::HashPassword(args) => hash_password::hash_password(&args),
        Command::Silence(args) => silence::silence(&args),
        Command::Alerts(args) => alerts::alerts(&args),
        Command::Ack(args) => alerts::ack(&args),
        Command::DeadLetters(args) => dead_letters::dead_letters(&args),
        Command::Receivers(args) => receivers::receivers(&args),
        Command::NotifyTest(args) => receivers::notify_test(&args),
        Command::Template(args) => template::template(&args),
        Command::Backtest(args) => backtest::backtest(&args),
        Command::Tune(args) => tune::tune(&args),
        Command::Test(args) => test::test(&args),
        Command::Explain(args) => explain::explain(&args),
        Command::Demo(args) => demo::demo(&args),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Failed) => ExitCode::from(EXIT_FAILED),
        Err(Failure::Problems) => ExitCode::from(EXIT_PROBLEMS),
        Err(Failure::Usage) => ExitCode::from(EXIT_USAGE),
    }
}

fn start_log(cli: &Cli) -> Result<(), String> {
    let format = match cli.log.log_format {
        LogFormatArg::Text => LogFormat::Text,
        LogFormatArg::Json => LogFormat::Json,
    };
    // The demo's output is for reading; its log only matters when something is wrong.
    let default = if matches!(cli.command, Command::Demo(_)) {
        "warn"
    } else {
        "info"
    };
    let filter = cli.log.log.as_deref().unwrap_or(default);
    init_logging(format, filter, has_colours(&std::io::stderr()))
}

/// Whether to colour what is written there.
fn has_colours(stream: &impl IsTerminal) -> bool {
    stream.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// A message on standard error. It may repeat what a server answered or a file holds, so nothing
/// in it moves a terminal.
#[expect(clippy::print_stderr, reason = "the command line talks to people")]
fn complain(message: &str) {
    if history::interrupt::is_ending() {
        return;
    }
    eprintln!("slofuse: {}", harmless_lines(message));
}

/// Foreign text as it may be shown, its lines kept.
fn harmless_lines(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(check::harmless).collect();
    lines.join("\n")
}

/// Text on standard output. Whoever reads it may stop reading.
fn say(text: &str) {
    use std::io::{ErrorKind, Write, stdout};
    let written = writeln!(stdout(), "{text}");
    if let Err(error) = written
        && error.kind() != ErrorKind::BrokenPipe
    {
        complain(&format!("writing to standard output: {error}"));
        std::process::exit(i32::from(EXIT_FAILED));
    }
}

/// A runtime for a command that talks to the network.
fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    let built = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    built.map_err(|error| {
        complain(&format!("starting the runtime: {error}"));
        Failure::Failed
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_stay_and_nothing_moves_the_terminal() {
        assert_eq!(
            harmless_lines("a\x1b[2J\r\nb\u{202e}\n"),
            "a\u{fffd}[2J\nb\u{fffd}"
        );
    }
}
