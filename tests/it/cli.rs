//! The command line: its help, its reports and its exit codes.

use assert_cmd::Command;

use super::repository;

/// The program, run from the top of the repository in a terminal of known width.
pub(crate) fn slofuse(arguments: &[&str]) -> Command {
    let mut command = Command::cargo_bin("slofuse").unwrap();
    command
        .args(arguments)
        .current_dir(repository::root())
        .env("COLUMNS", "100")
        .env("NO_COLOR", "1");
    command
}

/// What a command prints and ends with.
pub(crate) fn run(arguments: &[&str]) -> (i32, String, String) {
    let output = slofuse(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let code = output.status.code().unwrap();
    (code, text(output.stdout), text(output.stderr))
}

pub(crate) fn help(arguments: &[&str]) -> String {
    let (code, out, err) = run(arguments);
    assert_eq!((code, err.as_str()), (0, ""));
    out
}

#[test]
fn the_front_page_names_the_commands() {
    insta::assert_snapshot!(help(&["--help"]), @r"
    Burn-rate alerting for Prometheus: exact decisions, explained pages, nothing lost

    Usage: slofuse [OPTIONS] <COMMAND>

    Commands:
      run            Poll Prometheus, decide alerts and deliver notifications until told to stop
      check          Report every mistake in settings and definitions, at its place and with its fix
      convert        Write definitions of any format (Sloth, Pyrra, OpenSLO) as native files
      rules          Print definitions as recording and alerting rules of Prometheus
      route          Show who is told of an alert, and why: the way it goes through the tree of routes
      schema         Print a JSON Schema, for editors and other checkers
      hash-password  Hash a password, read from standard input, for `server.auth.users`
      silence        Add, list, extend and end silences of a running daemon
      alerts         List the alerts of a running daemon
      ack            Say that somebody looks after an alert: it is not escalated further
      dead-letters   List notifications that were given up, try them again or discard them
      receivers      List the receivers of a running daemon, and whether they can be reached
      notify-test    Send a test page and its resolve to a receiver
      template       Show what messages say, and try templates for them
      backtest       Show what definitions would have done over a stretch of the past
      tune           Propose an objective and a policy that would have met your wishes
      test           Run the tests that stand beside definitions
      explain        Explain why an alert of an SLO is up, or is not
      demo           Watch an incident of a simulated shop: a page, why it fired, what it cost, its
                     resolve

    Options:
          --log-format <LOG_FORMAT>  How log lines look on standard error [default: text] [possible
                                     values: text, json]
          --log <FILTER>             What is logged: a level, or levels by module such as
                                     `warn,slofuse=debug` [default: info, for the demo warn]
      -h, --help                     Print help
      -V, --version                  Print version
    ");
}

#[test]
fn run_explains_itself() {
    insta::assert_snapshot!(help(&["run", "--help"]), @r#"
    Poll Prometheus, decide alerts and deliver notifications until told to stop

    Usage: slofuse run [OPTIONS]

    Options:
      -c, --config <FILE>            The settings file [default: slofuse.yaml]
          --log-format <LOG_FORMAT>  How log lines look on standard error [default: text] [possible
                                     values: text, json]
          --log <FILTER>             What is logged: a level, or levels by module such as
                                     `warn,slofuse=debug` [default: info, for the demo warn]
      -h, --help                     Print help
      -V, --version                  Print version
    "#);
}

#[test]
fn demo_explains_itself() {
    insta::assert_snapshot!(help(&["demo", "--help"]), @r#"
    Watch an incident of a simulated shop: a page, why it fired, what it cost, its resolve

    Usage: slofuse demo [OPTIONS]

    Options:
          --speed <TIMES>            How many times faster than the world the demo runs [default: 20]
          --listen <ADDRESS>         Where the demo's own /metrics and API can be looked at [default:
                                     127.0.0.1:9876]
          --stop-after <DURATION>    Stop after this time of the simulated world instead of running on
          --log-format <LOG_FORMAT>  How log lines look on standard error [default: text] [possible
                                     values: text, json]
          --log <FILTER>             What is logged: a level, or levels by module such as
                                     `warn,slofuse=debug` [default: info, for the demo warn]
      -h, --help                     Print help
      -V, --version                  Print version
    "#);
}

#[test]
fn a_wrong_call_ends_with_64_and_the_usage() {
    let calls: [&[&str]; 9] = [
        &[],
        &["chek", "rules"],
        &["check"],
        &["check", "rules", "--config", "config/minimal.yaml"],
        &["check", "rules", "--prometheus", "http://127.0.0.1:9090"],
        &["check", "rules", "--deny", "everything"],
        &["demo", "--speed", "0"],
        &["demo", "--stop-after", "soon"],
        &["check", "rules", "--log", "=="],
    ];
    for call in calls {
        let (code, out, err) = run(call);
        assert_eq!((code, out.as_str()), (64, ""), "{call:?}: {err}");
        assert!(!err.is_empty(), "{call:?}");
    }
}

#[test]
fn the_version_is_the_package_s() {
    let version = format!("slofuse {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(run(&["--version"]), (0, version, String::new()));
}
