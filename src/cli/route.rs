//! `slofuse route`: which way an alert goes through the routes of the settings, and why.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{Failure, Form, Outcome, complain, say};
use crate::config::nearest::nearest;
use crate::config::{self, Definition};
use crate::daemon::Clock;
use crate::engine::routing::SEVERITY_LABEL;
use crate::engine::{Labels, MatcherList, Route, Routing, Severity, Timestamp, Trace};

mod render;

/// Arguments of `route`.
#[derive(Debug, Args)]
pub(super) struct RouteArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show which way an alert goes, who is told, in which company and at which times
    Test(TestArgs),
    /// Show the tree of routes
    Show(ShowArgs),
}

#[derive(Debug, Args)]
struct TestArgs {
    /// The settings file
    #[arg(long, short, value_name = "FILE", default_value = "slofuse.yaml")]
    config: PathBuf,
    /// Definitions to look for the SLO in, instead of those that the settings name; may be repeated
    #[arg(long, value_name = "PATH", requires = "slo")]
    definitions: Vec<PathBuf>,
    /// Labels of the alert; with --slo, those of its instance
    #[arg(value_name = "LABEL=VALUE", value_parser = label, required_unless_present = "slo")]
    labels: Vec<(String, String)>,
    /// Take the labels that the alert of this SLO has
    #[arg(long, value_name = "SERVICE/NAME")]
    slo: Option<String>,
    /// How loud the alert is [default: the label severity where it is one of these, or page]
    #[arg(long, value_name = "page|ticket|info", value_parser = severity)]
    severity: Option<Severity>,
    /// When it is, for time intervals: 2026-11-21T22:00:00Z [default: now]
    #[arg(long, value_name = "TIME", value_parser = instant)]
    at: Option<Timestamp>,
    /// Fail unless exactly these receivers are told
    #[arg(long, value_name = "RECEIVER", value_delimiter = ',')]
    expect: Option<Vec<String>>,
    /// For people, or for programs
    #[arg(long, value_enum, default_value = "text")]
    format: Form,
}

#[derive(Debug, Args)]
struct ShowArgs {
    /// The settings file
    #[arg(long, short, value_name = "FILE", default_value = "slofuse.yaml")]
    config: PathBuf,
    /// For people, or for programs
    #[arg(long, value_enum, default_value = "text")]
    format: Form,
}

pub(super) fn label(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => {
            let quoted = value
                .strip_prefix('"')
                .and_then(|rest| rest.strip_suffix('"'));
            Ok((name.to_owned(), quoted.unwrap_or(value).to_owned()))
        }
        _ => Err("write it as label=value".to_owned()),
    }
}

fn severity(text: &str) -> Result<Severity, String> {
    let known = Severity::ALL
        .into_iter()
        .find(|known| known.as_str() == text);
    known.ok_or_else(|| "use page, ticket or info".to_owned())
}

fn instant(text: &str) -> Result<Timestamp, String> {
    let at: jiff::Timestamp = text
        .parse()
        .map_err(|_| "write it like 2026-11-21T22:00:00Z".to_owned())?;
    Ok(Timestamp::from_millis(at.as_millisecond()))
}

/// Runs the command.
pub(super) fn route(args: &RouteArgs) -> Outcome {
    match &args.command {
        Command::Test(args) => test(args),
        Command::Show(args) => show(args),
    }
}

/// An alert on its way.
struct Walk<'a> {
    labels: Labels,
    trace: Trace,
    /// The routes that took it, in the order of the trace.
    routes: Vec<&'a Route>,
    routing: &'a Routing,
    at: Timestamp,
}

fn test(args: &TestArgs) -> Outcome {
    let (routing, definitions) = load(&args.config)?;
    let labels = args.alert(definitions)?;
    let walk = Walk {
        trace: routing.trace(&labels),
        routes: routing.find(&labels),
        routing: &routing,
        at: args.at.unwrap_or_else(|| Clock::system().now()),
        labels,
    };
    say(&if args.format == Form::Json {
        pretty(&walk.json())?
    } else {
        walk.text()
    });
    let Some(expected) = &args.expect else {
        return Ok(());
    };
    let mut told: Vec<&str> = walk.told();
    let mut expected: Vec<&str> = expected.iter().map(String::as_str).collect();
    for list in [&mut told, &mut expected] {
        list.retain(|name| !name.is_empty());
        list.sort_unstable();
        list.dedup();
    }
    if told == expected {
        return Ok(());
    }
    let names = |list: &[&str]| match list {
        [] => "nobody".to_owned(),
        list => list.join(", "),
    };
    complain(&format!(
        "told: {}; expected: {}",
        names(&told),
        names(&expected)
    ));
    Err(Failure::Failed)
}

fn show(args: &ShowArgs) -> Outcome {
    let (routing, _) = load(&args.config)?;
    say(&if args.format == Form::Json {
        pretty(&render::route_json(&routing.root))?
    } else {
        render::tree(&routing)
    });
    Ok(())
}

fn pretty(value: &Value) -> Result<String, Failure> {
    serde_json::to_string_pretty(value).map_err(|error| {
        complain(&format!("writing JSON: {error}"));
        Failure::Failed
    })
}

fn load(path: &std::path::Path) -> Result<(Routing, Vec<Definition>), Failure> {
    let loaded = config::load(path, &|name| std::env::var(name).ok()).map_err(|mistakes| {
        let mistakes = mistakes.to_string();
        complain(&format!(
            "the configuration has mistakes\n{}",
            mistakes.trim_end()
        ));
        Failure::Problems
    })?;
    Ok((loaded.settings.routing, loaded.definitions))
}

impl TestArgs {
    /// The labels on which routes match.
    fn alert(&self, of_settings: Vec<Definition>) -> Result<Labels, Failure> {
        let Some(wanted) = &self.slo else {
            return Ok(self.written());
        };
        let definitions = if self.definitions.is_empty() {
            of_settings
        } else {
            let loaded = config::load_definitions(&self.definitions, &[]);
            let loaded = loaded.map_err(|mistakes| {
                let mistakes = mistakes.to_string();
                complain(&format!(
                    "the definitions have mistakes\n{}",
                    mistakes.trim_end()
                ));
                Failure::Problems
            })?;
            loaded.definitions
        };
        let found = definitions.iter().find(|one| one.slo.id.as_str() == wanted);
        let Some(definition) = found else {
            let ids = definitions.iter().map(|one| one.slo.id.as_str());
            let meant = nearest(wanted, ids).map(|id| format!("; did you mean {id:?}?"));
            complain(&format!(
                "there is no SLO {wanted:?}{}",
                meant.unwrap_or_default()
            ));
            return Err(Failure::Failed);
        };
        let severity = self.severity.unwrap_or(Severity::Page);
        let instance = Labels::new(self.labels.clone());
        Ok(definition.slo.alert_labels(severity, instance))
    }

    /// The labels as they are written; which severity they speak of is added, for every alert
    /// says it.
    fn written(&self) -> Labels {
        let given = Labels::new(self.labels.clone());
        let word = |name: &str| severity(given.get(name)?).ok();
        let said = || word(SEVERITY_LABEL).or_else(|| word("severity"));
        let severity = self.severity.or_else(said);
        let severity = severity.unwrap_or(Severity::Page).as_str().to_owned();
        let mut labels = vec![
            ("severity".to_owned(), severity.clone()),
            (SEVERITY_LABEL.to_owned(), severity),
        ];
        labels.extend(self.labels.clone());
        Labels::new(labels)
    }
}

impl Walk<'_> {
    /// Whom the routes name that do not rest.
    fn told(&self) -> Vec<&str> {
        let routes = self.trace.routes.iter().zip(&self.routes);
        let awake =
            routes.filter(|(_, route)| render::rest(self.routing, route, self.at).is_none());
        let told = awake.flat_map(|(traced, _)| &traced.receivers);
        told.map(String::as_str).collect()
    }

    fn json(&self) -> Value {
        let routes = self.trace.routes.iter().zip(&self.routes);
        let routes: Vec<Value> = routes
            .map(|(traced, route)| {
                let mut value = json!(traced);
                let rest = render::rest(self.routing, route, self.at);
                if let Value::Object(keys) = &mut value {
                    keys.insert("rests".to_owned(), json!(rest));
                }
                value
            })
            .collect();
        json!({
            "labels": self.labels,
            "nodes": self.trace.nodes,
            "routes": routes,
            "told": self.told(),
        })
    }

    fn text(&self) -> String {
        render::walk(self)
    }
}

/// The matchers of a route, or a word for none.
fn matchers(route: &Route) -> String {
    match route.matchers.as_slice() {
        [] => "everything".to_owned(),
        matchers => MatcherList(matchers).to_string(),
    }
}
