//! `slofuse tune`: an objective and a policy that would have met wishes.

mod summary;
mod text;
mod wishes;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use glob::Pattern;

use super::backtest::progress::ProgressLine;
use super::backtest::used;
use super::check::Colour;
use super::history::{HistoryArgs, tell_remarks};
use super::{Failure, Form, Outcome, chain, complain, say};
use crate::config::settings::{Night, Settings, engine_options_or_default};
use crate::config::{self, Definition, Loaded};
use crate::engine::{Slo, Span};
use crate::replay::History;
use crate::replay::report::{Plan, Writers};
use crate::replay::tune::{self, Proposal, TuneError};
use wishes::{WishArgs, Wished};

/// Playing begins so long before the stretch, as in a backtest.
const RUN_UP: Span = Span::from_hours(1);
/// SLOs of one call.
const SLOS_MAX: usize = 20;

/// Arguments of `tune`.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes: 0 every wish is met, 1 the history could not be read or says nothing, 2 some wish is not
met or definitions have mistakes, 64 wrong usage, mistakes in the wishes or wishes that arithmetic
forbids. Of several SLOs, one that cannot be tuned counts as a wish that is not met.

The history is played at most ten times, however long it is: once to look at it, four times with up
to 64 candidates, three times with bursts put in, twice for the report. The outcome is the same every
time.

Examples:
  slofuse tune --config slofuse.yaml --slo shop/checkout --pages-per-week 2 --detect '10% within 10m'
  slofuse tune rules/checkout.yaml --history dump.om --tickets-per-week 3 --objective-at-least 99.5
  slofuse tune --config slofuse.yaml --slo shop/checkout --night-pages-per-week 0 --write new.yaml
  slofuse tune --config slofuse.yaml --slo 'shop/*' --wishes wishes.yaml --write proposed")]
pub(super) struct TuneArgs {
    /// Definitions and policies, instead of those that the settings name: files, directories, or
    /// patterns
    #[arg(value_name = "PATH", required_unless_present = "config")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    history: HistoryArgs,
    /// Only these SLOs, as service/name, * and ? standing for anything; may be repeated
    #[arg(long, value_name = "SERVICE/NAME")]
    slo: Vec<String>,
    #[command(flatten)]
    wishes: WishArgs,
    /// Put bursts in at other times; the same seed gives the same ones
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
    /// Write the proposed definition into this new file, complete, as a native document; of several
    /// SLOs into this new directory, as service/name.slo.yaml
    #[arg(long, value_name = "PATH")]
    write: Option<PathBuf>,
    /// For people, or for programs
    #[arg(long, value_enum, default_value = "text")]
    format: Form,
    /// Whether the text is coloured: auto is on a terminal, unless NO_COLOR is set
    #[arg(long, value_enum, value_name = "WHEN", default_value = "auto")]
    color: Colour,
}

/// An SLO that is not tuned, and why.
type Untuned = (Arc<Slo>, String);
/// An SLO and what came of it: a proposal, or why there is none.
type Tuned = (Arc<Slo>, Result<Proposal, String>);

/// Proposes definitions.
pub(super) fn tune(args: &TuneArgs) -> Outcome {
    let wished = args.wishes.wished()?;
    let loaded = args.history.load()?;
    let settings = loaded.as_ref().map(|loaded| &loaded.settings);
    let (definitions, paths) = args.definitions(loaded.as_ref())?;
    wished.remark(definitions.iter().map(|one| &*one.slo));
    let chosen = args.chosen(&definitions)?;
    let (slos, mut untuned) = args.refuse(&chosen, &wished, settings)?;
    let readers: Vec<Arc<Slo>> = slos.iter().map(tune::reader).collect();
    let (mut history, from) = args.history.open_before(RUN_UP, &readers, settings)?;
    tell_remarks(&history);
    let refused = std::mem::take(&mut history.refused);
    untuned.extend(slos.iter().filter_map(|slo| {
        let (_, why) = refused.iter().find(|(id, _)| *id == slo.id)?;
        Some((slo.clone(), why.clone()))
    }));
    let played = |slo: &&Arc<Slo>| !untuned.iter().any(|(other, _)| other.id == slo.id);
    let slos: Vec<Arc<Slo>> = slos.iter().filter(played).cloned().collect();
    if slos.is_empty() {
        complain("none of these SLOs can be played on this history");
        return Err(Failure::Failed);
    }
    let plan = Plan {
        variants: Vec::new(),
        routing: settings.map_or_else(Default::default, |settings| settings.routing.clone()),
        options: history.options.clone(),
        night: settings
            .map_or_else(Night::default, |settings| settings.night.clone())
            .0,
        writers: Writers::default(),
        begin: history.from,
        from,
        until: history.until,
        asked_slos: args.slo.clone(),
        history: used(&history),
        unquieted: false,
    };
    let mut results = args.propose(&slos, &wished, &plan, &mut history)?;
    let untuned = untuned.into_iter().map(|(slo, why)| (slo, Err(why)));
    results.extend(untuned);
    args.tell(&results)?;
    if let Some(path) = &args.write {
        let is_one = chosen.len() == 1;
        for (slo, proposal) in &results {
            let Ok(proposal) = proposal else { continue };
            match is_one {
                true => write(path, &paths, slo, proposal)?,
                false => write(&file_in(path, slo)?, &paths, slo, proposal)?,
            }
        }
    }
    let is_met = |(_, result): &Tuned| result.as_ref().is_ok_and(|one| one.is_met);
    match (
        results.iter().all(is_met),
        results.iter().any(|(_, result)| result.is_ok()),
    ) {
        (true, _) => Ok(()),
        (false, true) => Err(Failure::Problems),
        (false, false) => Err(Failure::Failed),
    }
}

impl TuneArgs {
    /// The definitions, and where they and their policies stand.
    fn definitions(
        &self,
        loaded: Option<&Loaded>,
    ) -> Result<(Vec<Definition>, Vec<PathBuf>), Failure> {
        let settings = loaded.map(|loaded| &loaded.settings);
        let policies = settings.map_or_else(Vec::new, |settings| settings.policies.clone());
        let own = settings.map_or_else(Vec::new, |settings| settings.definitions.clone());
        let mut paths = match self.paths.is_empty() {
            true => own,
            false => self.paths.clone(),
        };
        let definitions = config::load_definitions(&paths, &policies).map_err(|mistakes| {
            complain(&format!("the definitions have mistakes\n{mistakes}"));
            Failure::Problems
        })?;
        paths.extend(policies);
        if definitions.definitions.is_empty() {
            complain("no SLO is defined here: name files that hold documents of kind: SLO");
            return Err(Failure::Problems);
        }
        Ok((definitions.definitions, paths))
    }

    /// The SLOs that are meant.
    fn chosen(&self, definitions: &[Definition]) -> Result<Vec<Arc<Slo>>, Failure> {
        let mut patterns = Vec::new();
        for text in &self.slo {
            let pattern = Pattern::new(text).map_err(|error| {
                complain(&format!("--slo {text:?} is no pattern: {error}"));
                Failure::Usage
            })?;
            let mut ids = definitions.iter().map(|one| one.slo.id.as_str());
            if !ids.any(|id| pattern.matches(id)) {
                let ids = definitions.iter().map(|one| one.slo.id.as_str());
                let near = config::nearest::nearest(text, ids);
                let hint = near.map_or_else(
                    || "write service/name, or a pattern such as 'shop/*'".to_owned(),
                    |near| format!("did you mean {near}?"),
                );
                complain(&format!("no SLO is called {text}: {hint}"));
                return Err(Failure::Usage);
            }
            patterns.push(pattern);
        }
        let is_meant = |slo: &&Arc<Slo>| {
            let mut patterns = patterns.iter();
            self.slo.is_empty() || patterns.any(|pattern| pattern.matches(slo.id.as_str()))
        };
        let slos = definitions.iter().map(|one| &one.slo).filter(is_meant);
        let slos: Vec<Arc<Slo>> = slos.cloned().collect();
        let count = slos.len();
        if count > SLOS_MAX {
            complain(&format!(
                "these are {count} SLOs: choose at most {SLOS_MAX} with --slo"
            ));
            return Err(Failure::Usage);
        }
        Ok(slos)
    }

    /// What cannot be is said before anything is fetched. The SLOs that are tuned, and of several
    /// those that cannot be, with the reason.
    fn refuse(
        &self,
        slos: &[Arc<Slo>],
        wished: &Wished,
        settings: Option<&Settings>,
    ) -> Result<(Vec<Arc<Slo>>, Vec<Untuned>), Failure> {
        if let Some(file) = self.write.as_ref().filter(|f| f.symlink_metadata().is_ok()) {
            let file = file.display();
            complain(&format!("{file} exists; remove it or choose another file"));
            return Err(Failure::Usage);
        }
        let options = engine_options_or_default(settings);
        let mut wrong: Vec<String> = Vec::new();
        let mut untuned = Vec::new();
        for slo in slos {
            let refusal = tune::refusal(slo);
            if refusal.is_none() || slos.len() == 1 {
                wrong.extend(wished.of(slo).impossible(slo, &options.reading));
            }
            untuned.extend(refusal.map(|why| (slo.clone(), why)));
        }
        let tuned = |slo: &&Arc<Slo>| !untuned.iter().any(|(other, _)| other.id == slo.id);
        let tuned: Vec<Arc<Slo>> = slos.iter().filter(tuned).cloned().collect();
        if tuned.is_empty() {
            wrong.extend(untuned.iter().map(|(_, why)| why.clone()));
        }
        let mut told: Vec<String> = Vec::new();
        for message in wrong {
            if !told.contains(&message) {
                complain(&message);
                told.push(message);
            }
        }
        match told.is_empty() {
            true => Ok((tuned, untuned)),
            false => Err(Failure::Usage),
        }
    }

    fn propose(
        &self,
        slos: &[Arc<Slo>],
        wished: &Wished,
        plan: &Plan,
        history: &mut History,
    ) -> Result<Vec<Tuned>, Failure> {
        let mut results = Vec::new();
        for slo in slos {
            let mut line = ProgressLine::new();
            let reel = &mut *history.reel;
            let wishes = wished.of(slo);
            let proposal = tune::tune(slo, &wishes, self.seed, plan, reel, &mut |progress| {
                line.show(progress);
            });
            line.clear();
            let proposal = match proposal {
                Ok(proposal) => Ok(proposal),
                Err(TuneError::Refused(why)) => {
                    complain(&why);
                    Err(why)
                }
                Err(error @ TuneError::Reel(_)) => {
                    complain(&chain(&error));
                    return Err(Failure::Failed);
                }
            };
            results.push((slo.clone(), proposal));
        }
        Ok(results)
    }

    fn tell(&self, results: &[Tuned]) -> Outcome {
        let proposals: Vec<&Proposal> = results
            .iter()
            .filter_map(|(_, r)| r.as_ref().ok())
            .collect();
        match self.format {
            Form::Text => {
                let page = text::Page::new(self.color);
                let mut texts: Vec<String> = proposals.iter().map(|one| page.text(one)).collect();
                if results.len() > 1 {
                    texts.push(page.summary(results));
                }
                if !texts.is_empty() {
                    say(&texts.join("\n\n"));
                }
            }
            Form::Json => {
                let text = serde_json::to_string_pretty(&proposals).map_err(|error| {
                    complain(&format!("writing the proposal as JSON: {error}"));
                    Failure::Failed
                })?;
                say(&text);
            }
        }
        Ok(())
    }
}

/// Where the definition of one of several SLOs is written.
fn file_in(folder: &Path, slo: &Slo) -> Result<PathBuf, Failure> {
    let folder = folder.join(&slo.service);
    std::fs::create_dir_all(&folder).map_err(|error| {
        complain(&format!("making {}: {error}", folder.display()));
        Failure::Failed
    })?;
    Ok(folder.join(format!("{}.slo.yaml", slo.name)))
}

fn write(file: &Path, paths: &[PathBuf], slo: &Arc<Slo>, proposal: &Proposal) -> Outcome {
    let proposed = proposal.chosen.slo(slo, slo.id.clone());
    let text = config::changed(paths, &proposed).map_err(|mistakes| {
        complain(&format!("nothing was written\n{mistakes}"));
        Failure::Problems
    })?;
    let written = std::fs::File::create_new(file).and_then(|mut f| f.write_all(text.as_bytes()));
    written.map_err(|error| {
        complain(&format!("writing {}: {error}", file.display()));
        Failure::Failed
    })?;
    complain(&format!("{} is written to {}", slo.id, file.display()));
    Ok(())
}
