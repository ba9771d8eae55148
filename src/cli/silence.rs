//! `slofuse silence`: quiet on demand, for a while.

use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};

use super::client::ClientArgs;
use super::operate::{lines, print_json, print_table, run, text, time, user};
use super::{Failure, Outcome, complain, say};

/// Arguments of `silence`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  slofuse silence add service=checkout --duration 2h --comment 'a new till'
  slofuse silence add 'slofuse_severity!=\"page\"' --end 2026-12-28T08:00:00Z --comment holidays
  slofuse silence extend ID --duration 1h
  slofuse silence expire ID")]
pub(super) struct SilenceArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Silence the alerts that all of these matchers match
    Add(AddArgs),
    /// List silences: in force, to come, and with --expired those that ended
    List(ListArgs),
    /// End silences now
    Expire(ExpireArgs),
    /// Let a silence last for so long from now on
    Extend(ExtendArgs),
}

#[derive(Debug, Args)]
struct AddArgs {
    /// As Alertmanager writes them: service=shop, 'severity=~"page|ticket"'
    #[arg(value_name = "MATCHER", required = true)]
    matchers: Vec<String>,
    /// Why
    #[arg(long)]
    comment: String,
    /// Who asks [default: the user of the system]
    #[arg(long)]
    author: Option<String>,
    /// For how long, such as 2h
    #[arg(long, required_unless_present = "end", conflicts_with = "end")]
    duration: Option<String>,
    /// From when on, in RFC 3339 [default: now]
    #[arg(long, value_name = "TIME")]
    start: Option<String>,
    /// Until when, in RFC 3339
    #[arg(long, value_name = "TIME")]
    end: Option<String>,
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Debug, Args)]
struct ListArgs {
    /// Those that ended a while ago as well
    #[arg(long)]
    expired: bool,
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Debug, Args)]
struct ExpireArgs {
    /// Which
    #[arg(value_name = "ID", required = true)]
    ids: Vec<String>,
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Debug, Args)]
struct ExtendArgs {
    /// Which
    #[arg(value_name = "ID")]
    id: String,
    /// For how long from now on, such as 2h
    #[arg(long)]
    duration: String,
    #[command(flatten)]
    client: ClientArgs,
}

/// Does what is asked.
pub(super) fn silence(args: &SilenceArgs) -> Outcome {
    match &args.command {
        Command::Add(args) => run(add(args)),
        Command::List(args) => run(list(args)),
        Command::Expire(args) => run(expire(args)),
        Command::Extend(args) => run(extend(args)),
    }
}

async fn add(args: &AddArgs) -> Outcome {
    let body = json!({
        "matchers": args.matchers,
        "comment": args.comment,
        "created_by": args.author.clone().or_else(user),
        "duration": args.duration,
        "starts_at": args.start,
        "ends_at": args.end,
    });
    let client = args.client.client()?;
    let made = client.send(Method::POST, &["silences"], &body).await?;
    if args.client.is_json() {
        print_json(&made);
    } else {
        say(&text(&made["id"]));
    }
    Ok(())
}

async fn list(args: &ListArgs) -> Outcome {
    let client = args.client.client()?;
    let mut answer = client.get(&["silences"], &[("limit", "1000")]).await?;
    if !args.expired
        && let Some(silences) = answer["silences"].as_array_mut()
    {
        silences.retain(|silence| silence["state"] != "expired");
        answer["total"] = silences.len().into();
    }
    if args.client.is_json() {
        print_json(&answer);
        return Ok(());
    }
    let header = ["id", "state", "matchers", "until (UTC)", "by", "comment"];
    print_table(&answer, "silences", header, |silence: &Value| {
        [
            text(&silence["id"]),
            text(&silence["state"]),
            lines(&silence["matchers"]),
            time(&silence["ends_at"]),
            text(&silence["created_by"]),
            text(&silence["comment"]),
        ]
    });
    Ok(())
}

/// All that can be ended are, even if one cannot.
async fn expire(args: &ExpireArgs) -> Outcome {
    let client = args.client.client()?;
    let mut failed = 0;
    for id in &args.ids {
        let path = ["silences", id.as_str()];
        match client.send(Method::DELETE, &path, &Value::Null).await {
            // The answer has no body.
            Ok(_) if args.client.is_json() => {}
            Ok(_) => say(&format!("{id} ended")),
            Err(_reported) => failed += 1,
        }
    }
    if failed == 0 {
        return Ok(());
    }
    if args.ids.len() > 1 {
        complain(&format!("{failed} of {} not ended", args.ids.len()));
    }
    Err(Failure::Failed)
}

async fn extend(args: &ExtendArgs) -> Outcome {
    let client = args.client.client()?;
    let path = ["silences", args.id.as_str()];
    let body = json!({ "duration": args.duration });
    let silence = client.send(Method::PUT, &path, &body).await?;
    if args.client.is_json() {
        print_json(&silence);
    } else {
        let (id, until) = (text(&silence["id"]), time(&silence["ends_at"]));
        say(&format!("{id} until {until} UTC"));
    }
    Ok(())
}
