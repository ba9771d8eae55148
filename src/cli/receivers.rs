//! `slofuse receivers` and `slofuse notify-test`: whether people can be reached.

use std::path::Path;

use clap::Args;
use reqwest::{Method, Url};
use serde_json::{Value, json};

use super::client::ClientArgs;
use super::operate::{print_json, print_table, run, text, time};
use super::{Failure, Outcome, chain, complain, say};
use crate::config;
use crate::config::settings::Settings;
use crate::daemon::Clock;
use crate::message::{Writer, sample};
use crate::notify::{self, Receipt};

/// Arguments of `receivers`.
#[derive(Debug, Args)]
pub(super) struct ReceiversArgs {
    #[command(flatten)]
    client: ClientArgs,
}

/// Arguments of `notify-test`.
#[derive(Debug, Args)]
pub(super) struct NotifyTestArgs {
    /// The receiver's name in the settings
    #[arg(value_name = "RECEIVER")]
    receiver: String,
    #[command(flatten)]
    client: ClientArgs,
}

/// Lists the receivers.
pub(super) fn receivers(args: &ReceiversArgs) -> Outcome {
    run(async {
        let answer = args.client.client()?.get(&["receivers"], &[]).await?;
        if args.client.is_json() {
            print_json(&answer);
            return Ok(());
        }
        let header = [
            "receiver",
            "kind",
            "waiting",
            "given up",
            "breaker",
            "fallback",
            "last success (UTC)",
        ];
        print_table(&answer, "receivers", header, |receiver: &Value| {
            let open = receiver["breaker_open"] == true;
            [
                text(&receiver["name"]),
                text(&receiver["kind"]),
                text(&receiver["pending"]),
                text(&receiver["dead"]),
                if open { "open" } else { "closed" }.to_owned(),
                text(&receiver["fallback"]),
                time(&receiver["last_success"]),
            ]
        });
        Ok(())
    })
}

/// Sends a test page and its resolve: through the daemon, or, with a settings file and no URL,
/// from here.
pub(super) fn notify_test(args: &NotifyTestArgs) -> Outcome {
    match (&args.client.config, &args.client.url) {
        (Some(file), None) => run(directly(file, &args.receiver, args.client.is_json())),
        _ => run(through_daemon(args)),
    }
}

async fn through_daemon(args: &NotifyTestArgs) -> Outcome {
    let client = args.client.client()?;
    let path = ["receivers", args.receiver.as_str(), "test"];
    let answer = client.send(Method::POST, &path, &json!({})).await?;
    if args.client.is_json() {
        print_json(&answer);
    } else {
        say(&text(&answer["result"]));
    }
    Ok(())
}

async fn directly(file: &Path, name: &str, json: bool) -> Outcome {
    let settings = load(file)?;
    let found = settings.receivers.iter().find(|one| one.name == name);
    let Some(found) = found else {
        let names: Vec<&str> = settings.receivers.iter().map(|r| r.name.as_str()).collect();
        let names = names.join(", ");
        complain(&format!(
            "there is no receiver {name:?}; there are: {names}"
        ));
        return Err(Failure::Usage);
    };
    let external = settings.server.external_url.as_deref();
    let external = external.and_then(|url| Url::parse(url).ok());
    let writer = Writer::new(external).with(&settings.templates);
    let built = notify::build(found, &writer);
    let receiver = built.map_err(|error| failed(&chain(&error)))?;
    let now = Clock::system().now();
    let mut receipt = None;
    for probe in sample::probe(name, now) {
        let kind = probe.kind.as_str();
        let attempt = receiver.deliver(&probe, receipt.as_deref(), now);
        match tokio::time::timeout(found.timeout.to_std(), attempt).await {
            Ok(Ok(Receipt(given))) => receipt = receipt.or(given),
            Ok(Err(error)) => return Err(failed(&format!("{kind} not delivered: {error}"))),
            Err(_elapsed) => {
                let text = format!("{kind} not delivered: no answer within {}", found.timeout);
                return Err(failed(&text));
            }
        }
    }
    let result = format!("{name} took a test page and its resolve");
    if json {
        print_json(&json!({ "receiver": name, "result": result }));
    } else {
        say(&result);
    }
    Ok(())
}

fn load(file: &Path) -> Result<Settings, Failure> {
    let loaded = config::load(file, &|name| std::env::var(name).ok());
    let loaded = loaded.map_err(|mistakes| {
        complain(&format!("the configuration has mistakes\n{mistakes}"));
        Failure::Problems
    })?;
    Ok(loaded.settings)
}

fn failed(text: &str) -> Failure {
    complain(text);
    Failure::Failed
}
