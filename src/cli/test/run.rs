//! Reading the files and playing their tests, as many at once as there are processors.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{TestArgs, counted, discover};
use crate::config::settings::engine_options_or_default;
use crate::config::trial::{Surroundings, TestFile};
use crate::config::{self, Diagnostics, Level};
use crate::engine::{Indicator, SloId};
use crate::replay::trial::{Stage, TrialError, Verdict, slos_under_test};

/// Everything that came of a run.
#[derive(Debug, Default)]
pub(super) struct Results {
    /// What came of each test, in the order of the files.
    pub(super) cases: Vec<Case>,
    /// Mistakes in test files and in what they name.
    pub(super) mistakes: Diagnostics,
    /// What else is wrong, in words.
    pub(super) problems: Vec<String>,
    /// How many tests the filter left out.
    pub(super) left_out: usize,
    /// What was read, to be watched.
    pub(super) sources: Vec<PathBuf>,
}

/// One test.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) file: String,
    pub(super) name: String,
    pub(super) outcome: CaseOutcome,
}

/// What came of a test.
#[derive(Debug)]
pub(super) enum CaseOutcome {
    /// It was played to its end.
    Played(Verdict),
    /// It was not, for this reason.
    Broken(String),
}

impl Case {
    pub(super) fn is_good(&self) -> bool {
        matches!(&self.outcome, CaseOutcome::Played(verdict) if verdict.failures.is_empty())
    }
}

impl Results {
    pub(super) fn is_good(&self) -> bool {
        self.mistakes.errors() == 0
            && self.problems.is_empty()
            && self.cases.iter().all(Case::is_good)
    }

    /// How many tests do not pass.
    pub(super) fn failed(&self) -> usize {
        self.cases.iter().filter(|case| !case.is_good()).count()
    }

    fn take(&mut self, found: &Diagnostics) {
        let errors = found.iter().filter(|one| one.severity == Level::Error);
        errors.for_each(|error| self.mistakes.push(error.clone()));
    }
}

/// Runs all tests below the paths.
pub(super) fn run(args: &TestArgs) -> Results {
    let found = discover::find(&args.paths);
    let mut results = Results {
        problems: found.problems,
        sources: args.paths.clone(),
        ..Results::default()
    };
    let mut files: Vec<(TestFile, Surroundings)> = Vec::new();
    for path in &found.tests {
        match TestFile::read(path) {
            Ok(file) => {
                results.sources.extend(file.sources());
                match file.surroundings(&|name| std::env::var(name).ok()) {
                    Ok(surroundings) => {
                        results.sources.extend(sources(&surroundings));
                        files.push((file, surroundings));
                    }
                    Err(mistakes) => results.take(&mistakes),
                }
            }
            Err(mistakes) => results.take(&mistakes),
        }
    }
    if found.tests.is_empty() && results.problems.is_empty() {
        let paths: Vec<String> = args
            .paths
            .iter()
            .map(|path| path.display().to_string())
            .collect();
        let problem = format!("there are no tests (*.test.yaml) in {}", paths.join(", "));
        results.problems.push(problem);
    }
    if args.require_tests {
        require(&found.definitions, &files, &mut results);
    }
    play(args, &files, &mut results);
    results
}

/// Files that the definitions of a test were found in, and those of policies.
fn sources(surroundings: &Surroundings) -> Vec<PathBuf> {
    let definitions = surroundings.definitions.iter();
    let files: BTreeSet<&str> = definitions.map(|one| &*one.place.file).collect();
    let policies = surroundings.settings.iter();
    let policies = policies.flat_map(|settings| settings.policies.iter().cloned());
    files
        .into_iter()
        .map(PathBuf::from)
        .chain(policies)
        .collect()
}

fn stage((file, surroundings): &(TestFile, Surroundings)) -> Stage<'_> {
    let settings = surroundings.settings.as_ref();
    let options = engine_options_or_default(settings);
    Stage::new(file, &surroundings.definitions, settings, options)
}

/// Plays all tests that the filter lets through.
fn play(args: &TestArgs, files: &[(TestFile, Surroundings)], results: &mut Results) {
    let stages: Vec<Stage<'_>> = files.iter().map(stage).collect();
    let mut tests = Vec::new();
    for stage in &stages {
        let file = stage.file().path.display().to_string();
        for test in &stage.file().tests {
            let printed = format!("{file}: {}", test.name);
            match &args.filter {
                Some(filter) if !printed.contains(filter.as_str()) => results.left_out += 1,
                _ => tests.push((stage, test, file.clone())),
            }
        }
    }
    if let Some(filter) = args.filter.as_deref().filter(|_| tests.is_empty())
        && results.left_out > 0
    {
        // A misspelt filter in a pipeline would else test nothing for ever.
        let left_out = counted(results.left_out, "test");
        let problem = format!("{filter:?} is in the file and name of none of {left_out}");
        results.problems.push(problem);
    }
    let next = AtomicUsize::new(0);
    let done: Mutex<BTreeMap<usize, Result<Verdict, TrialError>>> = Mutex::default();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads.min(tests.len()) {
            scope.spawn(|| {
                while let number = next.fetch_add(1, Ordering::Relaxed)
                    && let Some((stage, test, _)) = tests.get(number)
                {
                    let verdict = stage.run(test);
                    let mut done = done
                        .lock()
                        .unwrap_or_else(std::sync::PoisonError::into_inner);
                    done.insert(number, verdict);
                }
            });
        }
    });
    let done = done
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    for ((_, test, file), (_, verdict)) in tests.into_iter().zip(done) {
        let outcome = match verdict {
            Ok(verdict) => CaseOutcome::Played(verdict),
            Err(TrialError::Mistakes(mistakes)) => {
                results.take(&mistakes);
                let first = mistakes.iter().next().map(ToString::to_string);
                CaseOutcome::Broken(first.unwrap_or_default())
            }
            Err(error) => CaseOutcome::Broken(crate::cli::chain(&error)),
        };
        results.cases.push(Case {
            file,
            name: test.name.clone(),
            outcome,
        });
    }
}

/// Definitions below the paths that no test means.
fn require(definitions: &[PathBuf], files: &[(TestFile, Surroundings)], results: &mut Results) {
    let mut tested: BTreeSet<SloId> = BTreeSet::new();
    for (file, surroundings) in files {
        let own = slos_under_test(file, &surroundings.definitions);
        let only = match own.as_slice() {
            [only] => Some(only.slo.id.clone()),
            _ => None,
        };
        for test in &file.tests {
            let Some(name) = &test.slo else {
                tested.extend(only.clone());
                continue;
            };
            let named = surroundings.definitions.iter().filter(|definition| {
                let service = name.value.service.as_ref();
                definition.slo.name == name.value.name
                    && service.is_none_or(|service| *service == definition.slo.service)
            });
            tested.extend(named.map(|definition| definition.slo.id.clone()));
        }
    }
    let examined = config::examine_definitions(definitions);
    if definitions.is_empty() {
        return;
    }
    results.take(&examined.found);
    let parts: BTreeSet<SloId> = examined
        .definitions
        .iter()
        .filter_map(|definition| match &definition.slo.indicator {
            Indicator::Composite(composite) => Some((definition, composite)),
            _ => None,
        })
        .flat_map(|(definition, composite)| {
            let prefix = format!("{}.", definition.slo.id);
            let parts = composite.parts.iter().map(|part| part.slo.clone());
            let parts = parts.filter(|part| part.as_str().starts_with(&prefix));
            parts.collect::<Vec<_>>()
        })
        .collect();
    for definition in &examined.definitions {
        let id = &definition.slo.id;
        if !tested.contains(id) && !parts.contains(id) {
            let place = &definition.place;
            results
                .problems
                .push(format!("{place}: no test is about {id}"));
        }
    }
    results
        .sources
        .extend(definitions.iter().map(|path| Path::new(path).to_owned()));
}
