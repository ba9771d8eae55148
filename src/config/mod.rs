//! Files in, engine types and settings out.
//!
//! Loading is a pipeline. `files` reads bytes, `tree` makes them a tree of YAML in which every
//! node knows its place, `decode` fills the structs in `raw` that mirror the files, and
//! `compile` turns those into values that cannot be illegal. Every stage reports what it
//! refuses and goes on, so one run names every mistake, each with its place and a fix. No input
//! can make loading panic or outgrow its bounds.

mod compile;
mod convert;
mod decode;
pub mod diagnostic;
mod field;
mod files;
mod formats;
pub mod incidents;
pub mod lint;
pub(crate) mod nearest;
pub mod promql;
mod raw;
pub mod schema;
pub mod secret;
pub mod settings;
mod tree;
pub mod trial;
mod value;
pub mod wishes;
mod written;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use compile::{Change, Definition, Varied};
use compile::{Documents, Outside};
pub use convert::{Conversion, Converted, Shape, changed, convert};
use diagnostic::Report;
pub use diagnostic::{Diagnostic, Diagnostics, Level, Place};
pub use formats::Format;
use lint::Lint;
use settings::Settings;

use crate::engine::Policy;

/// Everything `slofuse run` starts from.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The settings, defaults filled in; paths are joined to the directory of the file.
    pub settings: Settings,
    /// All SLOs, in the order of the files.
    pub definitions: Vec<Definition>,
    /// What is probably not meant.
    pub warnings: Diagnostics,
}

/// What definition files hold when they are loaded without settings.
#[derive(Clone, Debug)]
pub struct Definitions {
    /// All SLOs, in the order of the files.
    pub definitions: Vec<Definition>,
    /// What is probably not meant.
    pub warnings: Diagnostics,
}

/// What files hold, and everything that is wrong with them.
#[derive(Clone, Debug)]
pub struct Examined {
    /// The settings; `None` when they have mistakes or were not asked for.
    pub settings: Option<Settings>,
    /// The SLOs without mistakes, in the order of the files.
    pub definitions: Vec<Definition>,
    /// Mistakes and what is probably not meant.
    pub found: Diagnostics,
}

/// Loads a settings file and the definitions and policies that it names.
///
/// `env` looks up environment variables.
///
/// # Errors
///
/// Every mistake in any of the files.
pub fn load(path: &Path, env: &dyn Fn(&str) -> Option<String>) -> Result<Loaded, Diagnostics> {
    let examined = examine(path, env);
    match examined.settings {
        Some(settings) if examined.found.errors() == 0 => Ok(Loaded {
            settings,
            definitions: examined.definitions,
            warnings: examined.found,
        }),
        _ => Err(examined.found),
    }
}

/// As [`load`], for whoever wants to see what is sound although something else is not.
pub fn examine(path: &Path, env: &dyn Fn(&str) -> Option<String>) -> Examined {
    let found = RefCell::default();
    let compiled = load_settings(path, env, &found);
    let sources = compiled.sources.into_iter();
    let roots: Vec<_> = sources.map(|(path, place)| (path, Some(place))).collect();
    let definitions = compile_definitions(&roots, &found);
    if found.borrow().errors() == 0 {
        report_strangers(&compiled.owners, &definitions, &mut found.borrow_mut());
    }
    Examined {
        settings: compiled.settings,
        definitions,
        found: found.into_inner(),
    }
}

/// Loads definitions and policies without settings; all kinds of documents may stand in any of
/// the files. Directories are searched for `.yaml` and `.yml`, `*.test.yaml` excepted; a path may
/// hold wildcards, and `-` is the standard input.
///
/// # Errors
///
/// Every mistake in any of the files.
pub fn load_definitions(
    definitions: &[PathBuf],
    policies: &[PathBuf],
) -> Result<Definitions, Diagnostics> {
    let paths: Vec<PathBuf> = definitions.iter().chain(policies).cloned().collect();
    let examined = examine_definitions(&paths);
    if examined.found.errors() > 0 {
        return Err(examined.found);
    }
    Ok(Definitions {
        definitions: examined.definitions,
        warnings: examined.found,
    })
}

/// Every policy in these files, and the built-in one, by name; what else stands in them does not
/// matter.
///
/// # Errors
///
/// Every mistake in any of the files that has to do with them or their policies.
pub fn load_policies(paths: &[PathBuf]) -> Result<Vec<Arc<Policy>>, Diagnostics> {
    let found = RefCell::default();
    let roots: Vec<_> = paths.iter().map(|path| (path.clone(), None)).collect();
    let policies = read_documents(&roots, &found).policies();
    let found = found.into_inner();
    match found.errors() {
        0 => Ok(policies),
        _ => Err(found),
    }
}

/// As [`load_definitions`], for whoever wants to see what is sound although something else is not.
pub fn examine_definitions(paths: &[PathBuf]) -> Examined {
    let found = RefCell::default();
    let roots: Vec<_> = paths.iter().map(|path| (path.clone(), None)).collect();
    let definitions = compile_definitions(&roots, &found);
    Examined {
        settings: None,
        definitions,
        found: found.into_inner(),
    }
}

/// Loads settings and definitions from text, for a configuration that is part of the program.
///
/// # Errors
///
/// Every mistake in either.
pub fn embedded(settings: &str, definitions: &str) -> Result<Loaded, Diagnostics> {
    let found = RefCell::default();
    let outside = Outside {
        env: &|_| None,
        unusable: &files::unusable,
        read: &files::text,
        directory: Path::new(""),
    };
    let report = Report::new("settings".into(), &found);
    let compiled = compile::settings(settings.as_bytes(), &report, &outside);
    let mut documents = Documents::new(&found);
    documents.read("definitions".into(), definitions.as_bytes());
    let definitions = documents.compile();
    let found = found.into_inner();
    match compiled.settings {
        Some(settings) if found.errors() == 0 => Ok(Loaded {
            settings,
            definitions,
            warnings: found,
        }),
        _ => Err(found),
    }
}

fn load_settings(
    path: &Path,
    env: &dyn Fn(&str) -> Option<String>,
    found: &RefCell<Diagnostics>,
) -> compile::Settings {
    let bytes = match files::read(path, files::SETTINGS_BYTES_MAX) {
        Ok(bytes) => bytes,
        Err(error) => {
            let (report, mark) = files::about(path, None, found);
            let message = format!("the settings file cannot be read: {error}");
            report.error(mark, message, "correct the path or its permissions");
            return compile::Settings::default();
        }
    };
    let outside = Outside {
        env,
        unusable: &files::unusable,
        read: &files::text,
        directory: path.parent().unwrap_or_else(|| Path::new("")),
    };
    let report = Report::new(files::name(path), found);
    compile::settings(&bytes, &report, &outside)
}

/// Owners with receivers to whom no SLO belongs: probably another spelling is meant.
fn report_strangers(
    owners: &[(String, Place)],
    definitions: &[Definition],
    found: &mut Diagnostics,
) {
    let known: BTreeSet<&str> = definitions
        .iter()
        .flat_map(|definition| {
            let document = &definition.slo.document;
            let label = document.labels.get("owner");
            document.owner.as_ref().into_iter().chain(label)
        })
        .map(String::as_str)
        .collect();
    for (name, place) in owners {
        if known.contains(name.as_str()) || known.is_empty() {
            continue;
        }
        let meant = nearest::nearest(name, known.iter().copied());
        let meant = meant.map(|meant| format!("did you mean {meant:?}?"));
        found.push(Diagnostic {
            place: place.clone(),
            severity: Lint::UnusedSetting.level(),
            rule: Lint::UnusedSetting,
            message: format!(
                "no SLO belongs to the owner {:?}",
                diagnostic::excerpt(name)
            ),
            fix: meant
                .unwrap_or_else(|| "write an owner as the definitions do, or remove it".to_owned()),
        });
    }
}

fn compile_definitions(
    roots: &[(PathBuf, Option<Place>)],
    found: &RefCell<Diagnostics>,
) -> Vec<Definition> {
    let definitions = read_documents(roots, found).compile();
    if let Some((path, named_at)) = roots.first()
        && definitions.is_empty()
        && found.borrow().errors() == 0
    {
        let (report, mark) = files::about(path, named_at.as_ref(), found);
        let fix = "add a document of kind: SLO, in a file that ends in .yaml or .yml";
        report.lint(Lint::NoDefinition, mark, "no SLO is defined here", fix);
    }
    definitions
}

fn read_documents<'a>(
    roots: &[(PathBuf, Option<Place>)],
    found: &'a RefCell<Diagnostics>,
) -> Documents<'a> {
    let mut documents = Documents::new(found);
    for path in files::find(roots, found) {
        match files::read_definitions(&path, found) {
            Some(bytes) => documents.read(files::name(&path), &bytes),
            None => documents.miss(),
        }
    }
    documents
}

#[cfg(test)]
mod tests;
