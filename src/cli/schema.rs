//! `slofuse schema`: the JSON Schemas of definitions, settings, tests and wishes.

use clap::{Args, ValueEnum};

use super::{Failure, Outcome, complain, say};
use crate::config::schema;

/// Arguments of `schema`.
#[derive(Debug, Args)]
pub(super) struct SchemaArgs {
    /// Which files it is for
    #[arg(value_enum, default_value = "definitions")]
    of: Files,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Files {
    /// SLOs, policies and defaults in the native format
    Definitions,
    /// The daemon's settings file
    Settings,
    /// Tests of definitions, `*.test.yaml`
    Tests,
    /// What `slofuse tune --wishes` reads
    Wishes,
}

/// Prints the schema.
pub(super) fn schema(args: &SchemaArgs) -> Outcome {
    let schema = match args.of {
        Files::Definitions => schema::definitions(),
        Files::Settings => schema::settings(),
        Files::Tests => schema::tests(),
        Files::Wishes => schema::wishes(),
    };
    let text = serde_json::to_string_pretty(&schema).map_err(|error| {
        complain(&format!("writing the schema: {error}"));
        Failure::Failed
    })?;
    say(&text);
    Ok(())
}
