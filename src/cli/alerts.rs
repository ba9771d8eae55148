//! `slofuse alerts` and `slofuse ack`: what is open, and who looks after it.

use clap::Args;
use reqwest::Method;
use serde_json::{Value, json};

use super::client::ClientArgs;
use super::operate::{print_json, print_table, run, text, time, user};
use super::{Outcome, say};

/// Arguments of `alerts`.
#[derive(Debug, Args)]
pub(super) struct AlertsArgs {
    /// Alerts that do not fire yet, and those that nobody is told of, as well
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    client: ClientArgs,
}

/// Arguments of `ack`.
#[derive(Debug, Args)]
pub(super) struct AckArgs {
    /// The alert's key as `slofuse alerts` prints it, or a group's
    #[arg(value_name = "KEY")]
    key: String,
    /// What others should know
    #[arg(
        long,
        default_value = "",
        hide_default_value = true,
        conflicts_with = "undo"
    )]
    note: String,
    /// Who looks after it [default: the user of the system]
    #[arg(long)]
    by: Option<String>,
    /// Nobody looks after it any more: escalation begins anew
    #[arg(long)]
    undo: bool,
    #[command(flatten)]
    client: ClientArgs,
}

/// Lists the alerts.
pub(super) fn alerts(args: &AlertsArgs) -> Outcome {
    run(async {
        let client = args.client.client()?;
        let mut answer = client.get(&["alerts"], &[("limit", "1000")]).await?;
        let mut hidden = 0;
        if !args.all
            && let Some(alerts) = answer["alerts"].as_array_mut()
        {
            let quiet = |alert: &Value| alert["mutes"].as_array().is_some_and(|m| !m.is_empty());
            let before = alerts.len();
            alerts.retain(|alert| alert["state"] == "firing" && !quiet(alert));
            hidden = before - alerts.len();
            let total = answer["total"].as_u64().unwrap_or_default();
            answer["total"] = total.saturating_sub(hidden as u64).into();
        }
        if args.client.is_json() {
            print_json(&answer);
            return Ok(());
        }
        let header = ["severity", "key", "state", "since (UTC)", "notes"];
        print_table(&answer, "alerts", header, |alert: &Value| {
            [
                text(&alert["severity"]),
                text(&alert["key"]),
                text(&alert["state"]),
                time(&alert["since"]),
                notes(alert),
            ]
        });
        if hidden > 0 {
            let are = if hidden == 1 { "is" } else { "are" };
            say(&format!(
                "{hidden} more {are} quiet or pending: --all shows them and why"
            ));
        }
        Ok(())
    })
}

/// Who looks after it, why nobody is told.
fn notes(alert: &Value) -> String {
    let mut notes = Vec::new();
    let keeper = &alert["acknowledged"];
    if !keeper.is_null() {
        let (by, note) = (text(&keeper["by"]), text(&keeper["note"]));
        let colon = if note.is_empty() { "" } else { ": " };
        notes.push(format!("looked after by {by}{colon}{note}"));
    }
    let mutes = alert["mutes"].as_array().map(Vec::as_slice);
    for mute in mutes.unwrap_or_default() {
        notes.push(text(&mute["words"]));
    }
    notes.join("\n")
}

/// Acknowledges, or takes it back.
pub(super) fn ack(args: &AckArgs) -> Outcome {
    run(async {
        let client = args.client.client()?;
        let path = ["alerts", args.key.as_str(), "acknowledge"];
        let (method, words) = match args.undo {
            true => (Method::DELETE, "is no longer looked after"),
            false => (Method::POST, "is looked after"),
        };
        let body = json!({ "by": args.by.clone().or_else(user), "note": args.note });
        let answer = client.send(method, &path, &body).await?;
        if args.client.is_json() {
            print_json(&answer);
        } else {
            say(&format!("{} {words}", text(&answer["alert"])));
        }
        Ok(())
    })
}
