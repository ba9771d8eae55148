//! `slofuse explain`: why an alert of an SLO is up, or is not, and what would have to change.
//!
//! The running daemon is asked about the present. For a time in the past, or without a daemon, the
//! source is played up to that time here. Both give the same answer in JSON, which [`render`]
//! turns into text.

use clap::Args;
use serde_json::Value;

use super::check::{Colour, Paint};
use super::client::ClientArgs;
use super::history::SourceArgs;
use super::operate::{print_json, run, text};
use super::{Failure, Outcome, complain, say};
use crate::engine::Span;

mod name;
mod past;
mod render;

/// Instances that are explained; the others are named.
const LIMIT: &str = "1";

/// Arguments of `explain`.
#[derive(Debug, Args)]
pub(super) struct ExplainArgs {
    /// Which SLO: service/name, or any part of it that no other has
    #[arg(value_name = "SLO")]
    slo: String,
    /// Which of its instances [default: the one that fires, or is nearest to]; may be repeated
    #[arg(long, value_name = "LABEL=VALUE", value_parser = super::route::label)]
    label: Vec<(String, String)>,
    /// Explain that time instead of the present: 2026-03-01T09:00:00Z, unix seconds, now-2h, 2h; needs
    /// --config and no daemon
    #[arg(long, value_name = "TIME", requires = "config")]
    at: Option<String>,
    /// Play so long before that time, so that alerts are what they were
    #[arg(long, value_name = "DURATION", value_parser = span, default_value = "6h")]
    back: Span,
    /// When to use colours
    #[arg(long, value_enum, value_name = "WHEN", default_value = "auto")]
    color: Colour,
    #[command(flatten)]
    client: ClientArgs,
    #[command(flatten)]
    source: SourceArgs,
}

fn span(text: &str) -> Result<Span, String> {
    Span::parse(text).map_err(|error| error.to_string())
}

/// Runs the command.
pub(super) fn explain(args: &ExplainArgs) -> Outcome {
    let here = args.at.is_some() || (args.client.config.is_some() && args.client.url.is_none());
    let answer = match here {
        true => past::answer(args)?,
        false => {
            let mut answer = None;
            run(async {
                answer = Some(args.ask().await?);
                Ok(())
            })?;
            answer.ok_or(Failure::Failed)?
        }
    };
    if args.client.is_json() {
        print_json(&answer);
    } else {
        let paint = Paint::new(args.color, &std::io::stdout());
        say(render::text(&answer, paint).trim_end());
    }
    Ok(())
}

impl ExplainArgs {
    /// What the daemon says of the present.
    async fn ask(&self) -> Result<Value, Failure> {
        let client = self.client.client()?;
        let known = client.get(&["explain"], &[]).await?;
        let known = known["slos"].as_array().map(Vec::as_slice);
        let known: Vec<String> = known.unwrap_or_default().iter().map(text).collect();
        let slo = self.named(known.iter().map(String::as_str))?;
        let matchers: Vec<String> = self
            .label
            .iter()
            .map(|(name, value)| format!("{name}={}", Value::from(value.as_str())))
            .collect();
        let matchers = matchers.join(",");
        let mut query = vec![("slo", slo.as_str()), ("limit", LIMIT)];
        if !matchers.is_empty() {
            query.push(("labels", &matchers));
        }
        client.get(&["explain"], &query).await
    }

    /// The SLO that is meant, among those that there are.
    fn named<'a>(
        &self,
        known: impl IntoIterator<Item = &'a str> + Clone,
    ) -> Result<String, Failure> {
        name::find(&self.slo, known).map_err(|error| {
            complain(&error);
            Failure::Failed
        })
    }
}
