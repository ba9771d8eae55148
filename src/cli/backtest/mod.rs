//! `slofuse backtest`: what definitions would have done over a stretch of the past.

mod chart;
mod clock;
mod fit;
mod gate;
mod judge;
mod lists;
pub(super) mod progress;
mod text;
mod variant;
mod words;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use super::check::{Colour, Paint};
use super::history::HistoryArgs;
use super::{Failure, Form, Outcome, chain, complain, say};
use crate::config::settings::{Night, Settings};
use crate::config::{self, Definition, Loaded};
use crate::engine::{Mode, Slo, Span, Timestamp};
use crate::message::Writer;
use crate::replay::History;
use crate::replay::report::{
    self, CoarseStretch, HistoryUsed, MissingStretch, Plan, PlannedVariant, Report, Writers,
};
use gate::Gate;
use judge::JudgeArgs;
use progress::ProgressLine;
use variant::Wishes;

/// Playing begins so long before the stretch, so that it is known what was up when it began.
const RUN_UP: Span = Span::from_hours(1);

/// Arguments of `backtest`.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes: 0 it was played, 1 the history could not be read, 2 files have mistakes or a --fail-on
holds, 64 wrong usage, 130 Ctrl-C: what was fetched stays in the cache.

Examples:
  slofuse backtest --config slofuse.yaml --from 30d      what the last 30 days would have been
  slofuse backtest rules/ --prometheus http://127.0.0.1:9090 --slo 'shop/*'
  slofuse backtest rules/ --history dump.om --policy fast.yaml --objective 99.95
  slofuse backtest --config slofuse.yaml --from 30d --html report.html
  slofuse backtest --config slofuse.yaml --fail-on 'pages>2/week' --fail-on 'night-pages>0'
  slofuse backtest --config slofuse.yaml --incidents incidents.csv --policy fast.yaml
  slofuse backtest rules/ --history dump.om --inject     without incidents: put some in")]
pub(super) struct BacktestArgs {
    /// Definitions and policies, instead of those that the settings name: files, directories, or
    /// patterns
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    history: HistoryArgs,
    /// Only these SLOs, as service/name, * and ? standing for anything; may be repeated
    #[arg(long, value_name = "SERVICE/NAME")]
    slo: Vec<String>,
    /// Play another variant, in which every SLO has this policy: a name, or a file of policies; may
    /// be repeated
    #[arg(long, value_name = "NAME|FILE")]
    policy: Vec<String>,
    /// Play another variant, in which every SLO has this objective in percent; may be repeated, and
    /// is combined with every --policy
    #[arg(long, value_name = "PERCENT")]
    objective: Vec<f64>,
    /// End with exit code 2 if this holds of the definitions as they are: pages>2/week,
    /// tickets>=5, night-pages>0, flaps>3, blinds>0, or budget<10 (percent left at the end, of any
    /// SLO); may be repeated
    #[arg(long, value_name = "CONDITION", value_parser = Gate::parse)]
    fail_on: Vec<Gate>,
    #[command(flatten)]
    judge: JudgeArgs,
    /// For people, or for programs
    #[arg(long, value_enum, default_value = "text")]
    format: Form,
    /// Write the report into this file besides, as one page with charts that loads nothing
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// List every alert, and draw every SLO
    #[arg(long)]
    all: bool,
    /// Do not find out what would have been sent without grouping and muting: it takes as long
    /// again
    #[arg(long)]
    quick: bool,
    /// Whether the text is coloured: auto is on a terminal, unless NO_COLOR is set
    #[arg(long, value_enum, value_name = "WHEN", default_value = "auto")]
    color: Colour,
}

/// Plays the past and reports on it.
pub(super) fn backtest(args: &BacktestArgs) -> Outcome {
    args.check()?;
    let loaded = args.history.load()?;
    let settings = loaded.as_ref().map(|loaded| &loaded.settings);
    let (definitions, policies) = args.definitions(loaded.as_ref())?;
    let wishes = Wishes {
        slos: &args.slo,
        policies: &args.policy,
        objectives: &args.objective,
    };
    let variants = wishes.variants(&definitions, &policies)?;
    let incidents = args.judge.load()?;
    let slos = joined(&variants);
    let (mut history, from) = args.history.open_before(RUN_UP, &slos, settings)?;
    let plan = args.plan(variants, settings, &history, from)?;
    let mut line = ProgressLine::new();
    let played = report::backtest(&plan, &mut *history.reel, &mut |progress| {
        line.show(progress);
    });
    line.clear();
    let mut report = played.map_err(|error| {
        complain(&format!("playing the past: {}", chain(&error)));
        Failure::Failed
    })?;
    let judged = args
        .judge
        .judge(incidents.as_deref(), &plan, &report, &mut *history.reel);
    report.judgement = judged?;
    args.tell(&report)?;
    gate::judge(&args.fail_on, &report)
}

impl BacktestArgs {
    /// What would be wrong only after everything has been fetched and played.
    fn check(&self) -> Outcome {
        if self.paths.is_empty() && self.history.config.is_none() {
            complain(
                "nothing to play: name files of definitions, or --config slofuse.yaml, whose \
                 definitions are played",
            );
            return Err(Failure::Usage);
        }
        let directory = self.html.as_deref().and_then(Path::parent);
        let directory = directory.filter(|directory| !directory.as_os_str().is_empty());
        if let Some(directory) = directory.filter(|directory| !directory.is_dir()) {
            let directory = directory.display();
            complain(&format!("--html: there is no directory {directory}"));
            return Err(Failure::Usage);
        }
        Ok(())
    }

    /// The definitions, and where their policies stand.
    fn definitions(
        &self,
        loaded: Option<&Loaded>,
    ) -> Result<(Vec<Definition>, Vec<PathBuf>), Failure> {
        let settings = loaded.map(|loaded| &loaded.settings);
        let mut policies = settings.map_or_else(Vec::new, |settings| settings.policies.clone());
        let definitions = match loaded.filter(|_| self.paths.is_empty()) {
            Some(loaded) => {
                policies.extend(loaded.settings.definitions.iter().cloned());
                loaded.definitions.clone()
            }
            None => {
                let definitions = config::load_definitions(&self.paths, &policies);
                let definitions = definitions.map_err(|mistakes| {
                    complain(&format!("the definitions have mistakes\n{mistakes}"));
                    Failure::Problems
                })?;
                policies.extend(self.paths.iter().cloned());
                definitions.definitions
            }
        };
        if definitions.is_empty() {
            complain("no SLO is defined here: name files that hold documents of kind: SLO");
            return Err(Failure::Problems);
        }
        Ok((definitions, policies))
    }

    fn plan(
        &self,
        mut variants: Vec<PlannedVariant>,
        settings: Option<&Settings>,
        history: &History,
        from: Timestamp,
    ) -> Result<Plan, Failure> {
        for variant in &mut variants {
            let is_refused = |slo: &Arc<Slo>| history.refused.iter().any(|(id, _)| *id == slo.id);
            variant.slos.retain(|slo| !is_refused(slo));
        }
        if variants.iter().all(|variant| variant.slos.is_empty()) {
            for (id, why) in &history.refused {
                complain(&format!("{id}: {why}"));
            }
            complain("none of these SLOs can be played on this history");
            return Err(Failure::Failed);
        }
        Ok(Plan {
            variants,
            routing: settings.map_or_else(Default::default, |settings| settings.routing.clone()),
            options: history.options.clone(),
            night: settings
                .map_or_else(Night::default, |settings| settings.night.clone())
                .0,
            writers: writers(settings),
            begin: history.from,
            from,
            until: history.until,
            asked_slos: self.slo.clone(),
            history: used(history),
            unquieted: !self.quick,
        })
    }

    fn tell(&self, report: &Report) -> Outcome {
        let text = match self.format {
            Form::Text => {
                let paint = Paint::new(self.color, &std::io::stdout());
                text::Page::new(report, paint, self.all, width()).text()
            }
            Form::Json => serde_json::to_string(report).map_err(|error| {
                complain(&format!("writing the report as JSON: {error}"));
                Failure::Failed
            })?,
        };
        say(&text);
        // Last: what was played is told even if the page cannot be written.
        match &self.html {
            Some(path) => write_page(path, report),
            None => Ok(()),
        }
    }
}

fn write_page(path: &Path, report: &Report) -> Outcome {
    let failed = |error: &(dyn std::error::Error + 'static)| {
        complain(&format!(
            "writing the page {}: {}",
            path.display(),
            chain(error)
        ));
        Failure::Failed
    };
    let page = report::html::write(report).map_err(|error| failed(&error))?;
    std::fs::write(path, page).map_err(|error| failed(&error))
}

/// Every SLO of any variant once, asking for as much of its past as the variant that asks for most.
fn joined(variants: &[PlannedVariant]) -> Vec<Arc<Slo>> {
    let mut joined: BTreeMap<_, Slo> = BTreeMap::new();
    let mut order = Vec::new();
    for slo in variants.iter().flat_map(|variant| &variant.slos) {
        let Some(known) = joined.remove(&slo.id) else {
            order.push(slo.id.clone());
            joined.insert(slo.id.clone(), (**slo).clone());
            continue;
        };
        let reach = known.reach.clone().join(&slo.reach);
        // In budget mode one more window is asked for.
        let one = match slo.policy.mode {
            Mode::Budget => (**slo).clone(),
            Mode::Ratio => known,
        };
        joined.insert(slo.id.clone(), Slo { reach, ..one });
    }
    let slos = order.iter().filter_map(|id| joined.remove(id));
    slos.map(Arc::new).collect()
}

/// Who puts messages into words, by the settings.
fn writers(settings: Option<&Settings>) -> Writers {
    let Some(settings) = settings else {
        return Writers::default();
    };
    let external = settings.server.external_url.as_deref();
    let external = external.and_then(|url| url.parse().ok());
    let usual = Writer::new(external).with(&settings.templates);
    let receivers = settings.receivers.iter();
    let own = receivers.map(|receiver| (receiver.name.clone(), usual.with(&receiver.templates)));
    Writers {
        own: own.collect(),
        usual,
    }
}

/// What the report says of the history.
pub(super) fn used(history: &History) -> HistoryUsed {
    let coarse = history.coarse.iter().map(|(id, stretch)| CoarseStretch {
        from: stretch.from,
        until: stretch.until,
        step: stretch.step,
        of: id.to_string(),
    });
    let missing = history.refused.iter().map(|(id, why)| MissingStretch {
        from: history.from,
        until: history.until,
        of: id.to_string(),
        why: why.clone(),
    });
    HistoryUsed {
        source: history.origin.clone(),
        coarse: coarse.collect(),
        missing: missing.collect(),
        notes: history.remarks.clone(),
    }
}

/// Columns of the terminal: what COLUMNS says, what the terminal says, or as other tables.
pub(super) fn width() -> u16 {
    const USUAL: u16 = 100;
    const NARROWEST: u16 = 40;
    let asked = std::env::var("COLUMNS").ok();
    let asked = asked.and_then(|columns| columns.parse().ok());
    let terminal = || terminal_size::terminal_size().map(|(width, _)| width.0);
    asked.or_else(terminal).unwrap_or(USUAL).max(NARROWEST)
}

#[cfg(test)]
mod tests;
