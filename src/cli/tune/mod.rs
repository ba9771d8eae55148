//! `slofuse tune`: an objective and a policy that would have met wishes.

mod text;
mod wishes;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, ValueEnum};
use glob::Pattern;

use super::backtest::progress::ProgressLine;
use super::backtest::used;
use super::check::Colour;
use super::history::{HistoryArgs, tell_remarks};
use super::{Failure, Outcome, chain, complain, say};
use crate::config::settings::{
    EvaluationSettings, Night, Settings, SourceSettings, engine_options,
};
use crate::config::{self, Definition, Loaded};
use crate::engine::{Slo, Span};
use crate::replay::History;
use crate::replay::report::{Plan, Writers};
use crate::replay::tune::{self, Proposal, TuneError, Wishes};
use wishes::WishArgs;

/// Playing begins so long before the stretch, as in a backtest.
const RUN_UP: Span = Span::from_hours(1);
/// SLOs of one call.
const SLOS_MAX: usize = 20;

/// Arguments of `tune`.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes: 0 every wish is met, 1 the history could not be read or says nothing, 2 some wish cannot
be met or files have mistakes, 64 wrong usage or wishes that arithmetic forbids.

The history is played at most nine times, however long it is: once to look at it, three times with up
to 64 candidates, three times with bursts put in, twice for the report. The outcome is the same every
time.

Examples:
  slofuse tune --config slofuse.yaml --slo shop/checkout --pages-per-week 2 --detect '10% within 10m'
  slofuse tune rules/checkout.yaml --history dump.om --tickets-per-week 3 --objective-at-least 99.5
  slofuse tune --config slofuse.yaml --slo shop/checkout --night-pages-per-week 0 --write new.yaml")]
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
    /// Write the proposed definition into this new file, complete, as a native document
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,
    /// For people, or for programs
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// Whether the text is coloured: auto is on a terminal, unless NO_COLOR is set
    #[arg(long, value_enum, value_name = "WHEN", default_value = "auto")]
    color: Colour,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

/// Proposes definitions.
pub(super) fn tune(args: &TuneArgs) -> Outcome {
    let wishes = args.wishes.wishes()?;
    let loaded = args.history.load()?;
    let settings = loaded.as_ref().map(|loaded| &loaded.settings);
    let (definitions, paths) = args.definitions(loaded.as_ref())?;
    let slos = args.chosen(&definitions)?;
    args.refuse(&slos, &wishes, settings)?;
    let (mut history, from) = args.history.open_before(RUN_UP, &slos, settings)?;
    tell_remarks(&history);
    let played = |slo: &&Arc<Slo>| !history.refused.iter().any(|(id, _)| *id == slo.id);
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
    let proposals = args.propose(&slos, &wishes, &plan, &mut history)?;
    args.tell(&proposals)?;
    if let (Some(file), Some((slo, proposal))) = (&args.write, slos.iter().zip(&proposals).next()) {
        write(file, &paths, slo, proposal)?;
    }
    match proposals.iter().all(|proposal| proposal.is_met) {
        true => Ok(()),
        false => Err(Failure::Problems),
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
        if self.write.is_some() && count > 1 {
            complain(&format!(
                "--write is for one definition, and these are {count}: choose one with --slo"
            ));
            return Err(Failure::Usage);
        }
        Ok(slos)
    }

    /// What cannot be is said before anything is fetched.
    fn refuse(&self, slos: &[Arc<Slo>], wishes: &Wishes, settings: Option<&Settings>) -> Outcome {
        if let Some(file) = self.write.as_ref().filter(|f| f.symlink_metadata().is_ok()) {
            let file = file.display();
            complain(&format!("{file} exists; remove it or choose another file"));
            return Err(Failure::Usage);
        }
        let options = settings.map_or_else(
            || engine_options(&SourceSettings::default(), &EvaluationSettings::default()),
            |settings| engine_options(&settings.source, &settings.evaluation),
        );
        let mut wrong: Vec<String> = Vec::new();
        for slo in slos {
            let found = wishes.impossible(slo, &options.reading).into_iter();
            wrong.extend(found.chain(tune::refusal(slo)));
        }
        wrong.dedup();
        for message in &wrong {
            complain(message);
        }
        match wrong.is_empty() {
            true => Ok(()),
            false => Err(Failure::Usage),
        }
    }

    fn propose(
        &self,
        slos: &[Arc<Slo>],
        wishes: &Wishes,
        plan: &Plan,
        history: &mut History,
    ) -> Result<Vec<Proposal>, Failure> {
        let mut proposals = Vec::new();
        for slo in slos {
            let mut line = ProgressLine::new();
            let reel = &mut *history.reel;
            let proposal = tune::tune(slo, wishes, self.seed, plan, reel, &mut |progress| {
                line.show(progress);
            });
            line.clear();
            proposals.push(proposal.map_err(|error| {
                match error {
                    TuneError::Refused(why) => complain(&why),
                    TuneError::Reel(_) => complain(&chain(&error)),
                }
                Failure::Failed
            })?);
        }
        Ok(proposals)
    }

    fn tell(&self, proposals: &[Proposal]) -> Outcome {
        match self.format {
            Format::Text => {
                let page = text::Page::new(self.color);
                let texts: Vec<String> = proposals.iter().map(|one| page.text(one)).collect();
                say(&texts.join("\n\n"));
            }
            Format::Json => {
                let text = serde_json::to_string_pretty(proposals).map_err(|error| {
                    complain(&format!("writing the proposal as JSON: {error}"));
                    Failure::Failed
                })?;
                say(&text);
            }
        }
        Ok(())
    }
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
