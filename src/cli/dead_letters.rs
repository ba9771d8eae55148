//! `slofuse dead-letters`: notifications that were given up.

use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};

use super::client::{Client, ClientArgs};
use super::operate::{print_json, print_table, run, text, time};
use super::{Failure, Outcome, complain, say};

/// Arguments of `dead-letters`.
#[derive(Debug, Args)]
pub(super) struct DeadLettersArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List them, newest first
    List(ListArgs),
    /// Try to deliver them again
    Retry(RetryArgs),
    /// Settle them for good
    Discard(DiscardArgs),
}

#[derive(Debug, Args)]
struct ListArgs {
    /// Only those of this receiver
    #[arg(long, value_name = "NAME")]
    receiver: Option<String>,
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Debug, Args)]
struct RetryArgs {
    /// Which
    #[arg(
        value_name = "ID",
        required_unless_present = "all",
        conflicts_with = "all"
    )]
    ids: Vec<i64>,
    /// All of them
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Debug, Args)]
struct DiscardArgs {
    /// Which
    #[arg(value_name = "ID", required = true)]
    ids: Vec<i64>,
    #[command(flatten)]
    client: ClientArgs,
}

/// Does what is asked.
pub(super) fn dead_letters(args: &DeadLettersArgs) -> Outcome {
    match &args.command {
        Command::List(args) => run(list(args)),
        Command::Retry(args) => run(retry(args)),
        Command::Discard(args) => run(discard(args)),
    }
}

async fn list(args: &ListArgs) -> Outcome {
    let client = args.client.client()?;
    let mut query = vec![("limit", "1000")];
    query.extend(args.receiver.as_deref().map(|name| ("receiver", name)));
    let answer = client.get(&["dead-letters"], &query).await?;
    if args.client.is_json() {
        print_json(&answer);
        return Ok(());
    }
    let header = ["id", "receiver", "what", "alert", "given up (UTC)", "error"];
    print_table(&answer, "dead_letters", header, |letter: &Value| {
        [
            text(&letter["id"]),
            text(&letter["receiver"]),
            text(&letter["kind"]),
            text(&letter["alert"]),
            time(&letter["died_at"]),
            text(&letter["error"]),
        ]
    });
    Ok(())
}

async fn retry(args: &RetryArgs) -> Outcome {
    let client = args.client.client()?;
    let ids = match args.all {
        true => all(&client).await?,
        false => args.ids.clone(),
    };
    each(
        &ids,
        args.client.is_json(),
        "waits for delivery again",
        async |id| {
            let path = ["dead-letters", id, "retry"];
            client.send(Method::POST, &path, &json!({})).await
        },
    )
    .await
}

async fn discard(args: &DiscardArgs) -> Outcome {
    let client = args.client.client()?;
    each(&args.ids, args.client.is_json(), "discarded", async |id| {
        let path = ["dead-letters", id];
        client.send(Method::DELETE, &path, &Value::Null).await
    })
    .await
}

async fn all(client: &Client) -> Result<Vec<i64>, Failure> {
    let answer = client.get(&["dead-letters"], &[("limit", "1000")]).await?;
    let letters = answer["dead_letters"].as_array();
    let letters = letters.map(Vec::as_slice).unwrap_or_default();
    Ok(letters
        .iter()
        .filter_map(|one| one["id"].as_i64())
        .collect())
}

/// Does it to each, even if one fails.
async fn each(
    ids: &[i64],
    json: bool,
    words: &str,
    work: impl AsyncFn(&str) -> Result<Value, Failure>,
) -> Outcome {
    let mut failed = 0;
    for id in ids {
        match work(&id.to_string()).await {
            Ok(answer) if json => print_json(&answer),
            Ok(_) => say(&format!("{id} {words}")),
            Err(_reported) => failed += 1,
        }
    }
    if failed == 0 {
        return Ok(());
    }
    if ids.len() > 1 {
        complain(&format!("{failed} of {} failed", ids.len()));
    }
    Err(Failure::Failed)
}
