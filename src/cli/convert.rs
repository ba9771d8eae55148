//! `slofuse convert`: definitions of any format as native files.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use super::{Failure, Outcome, complain, say};
use crate::config::{self, Conversion, Converted, Diagnostics, Shape};

/// Arguments of `convert`.
#[derive(Debug, Args)]
#[command(
    after_help = "Sloth, Pyrra and OpenSLO files load as they are; convert them to keep them in \
                  one format, and to see what slofuse makes of them. What means something else \
                  than it did is said in a comment above the definition and on standard error. \
                  Files that are native already stay as they are.\n\n\
                  Examples:\n  \
                  slofuse convert pyrra/checkout.yaml\n  \
                  slofuse convert pyrra/ sloth/ --output rules/"
)]
pub(super) struct ConvertArgs {
    /// Definition files or directories, in any format
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    /// Write one file for each that was read into this directory, under the same name; nothing
    /// is overwritten [default: all to standard output]
    #[arg(long, short, value_name = "DIR")]
    output: Option<PathBuf>,
}

/// Converts the files.
pub(super) fn convert(args: &ConvertArgs) -> Outcome {
    let shape = match args.output {
        Some(_) => Shape::Files,
        None => Shape::Stream,
    };
    let conversion = match config::convert(&args.paths, shape) {
        Ok(conversion) => conversion,
        Err(mistakes) => {
            tell(&mistakes);
            return Err(Failure::Problems);
        }
    };
    tell(&conversion.warnings);
    match &args.output {
        None => {
            for file in &conversion.files {
                say(file.text.trim_end());
            }
            Ok(())
        }
        Some(directory) => write_all(&conversion, directory),
    }
}

/// Diagnostics stand apart from what is converted.
fn tell(diagnostics: &Diagnostics) {
    let text = diagnostics.to_string();
    if !text.is_empty() {
        // Nobody is left to tell when standard error is closed.
        let _closed = io::stderr().write_all(text.as_bytes());
    }
}

/// Writes nothing unless everything has a place of its own.
fn write_all(conversion: &Conversion, directory: &Path) -> Outcome {
    let mut places: BTreeMap<PathBuf, &Converted> = BTreeMap::new();
    let mut clashes = 0;
    for file in &conversion.files {
        let place = directory.join(&file.relative);
        let (source, shown) = (file.source.display(), place.display());
        if place.symlink_metadata().is_ok() {
            complain(&format!(
                "{source}: {shown} exists; remove it or choose another directory"
            ));
            clashes += 1;
        } else if let Some(other) = places.insert(place.clone(), file) {
            let other = other.source.display();
            complain(&format!(
                "{source}: {shown} is taken by {other}; convert the two apart"
            ));
            clashes += 1;
        }
    }
    if clashes > 0 {
        return Err(Failure::Failed);
    }
    for (place, file) in &places {
        if let Err(error) = write_new(place, &file.text) {
            complain(&format!("writing {}: {error}", place.display()));
            return Err(Failure::Failed);
        }
    }
    let count = places.len();
    let plural = if count == 1 { "" } else { "s" };
    complain(&format!(
        "{count} file{plural} written to {}",
        directory.display()
    ));
    Ok(())
}

fn write_new(path: &Path, text: &str) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    File::create_new(path)?.write_all(text.as_bytes())
}
