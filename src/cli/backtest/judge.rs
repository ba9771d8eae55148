//! `--incidents` and `--inject`: how variants do against what was really wrong, or against
//! incidents that are put into the past.

mod text;

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::Args;

use super::progress::ProgressLine;
use super::words::counted;
use crate::cli::{Failure, chain, complain};
use crate::config::incidents::{self, Incident};
use crate::engine::{Severity, SloId, Span, Zone};
use crate::message::figures;
use crate::replay::inject::{Measured, Wish, measure};
use crate::replay::judge::{Event, Subject, Terms, judge, reported};
use crate::replay::report::{Judgement, Plan, PlannedVariant, Progress, Report, VariantJudgement};
use crate::replay::{Reel, Script};

/// Names that are spelled out of services nobody has an SLO for.
const NAMES_SHOWN: usize = 5;

/// By what alerts are judged.
#[derive(Debug, Args)]
pub(super) struct JudgeArgs {
    /// Judge alerts by these incidents: a list with start and end (YAML, JSON or CSV), PagerDuty's
    /// CSV export, or the answer of its incidents API
    #[arg(long, value_name = "FILE", conflicts_with = "inject")]
    incidents: Option<PathBuf>,
    /// The zone of times in the file that do not say their offset: Europe/Berlin
    #[arg(long, value_name = "ZONE", requires = "incidents", value_parser = zone)]
    incidents_zone: Option<Zone>,
    /// Judge alerts by incidents that are put into the past: requests that succeeded fail instead,
    /// at least so many times for each SLO [default: 30]
    #[arg(
        long,
        value_name = "N",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "30",
        value_parser = clap::value_parser!(u64).range(1..=1000)
    )]
    inject: Option<u64>,
    /// Put in other incidents; the same seed gives the same ones
    #[arg(long, value_name = "NUMBER", requires = "inject", default_value_t = 1)]
    inject_seed: u64,
    /// An incident that is put in is significant if it consumes at least this part of the budget
    #[arg(long, value_name = "PERCENT", requires = "inject", default_value = "2%", value_parser = share)]
    significant: f64,
    /// An alert so long before an incident or after it still tells of it
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = Span::parse)]
    grace: Span,
}

fn zone(name: &str) -> Result<Zone, String> {
    Zone::named(name).ok_or_else(|| "write an IANA name such as Europe/Berlin or UTC".to_owned())
}

/// `2%` or `0.02`
fn share(text: &str) -> Result<f64, String> {
    let number = match text.strip_suffix('%') {
        Some(percent) => percent.parse().map(|percent: f64| percent / 100.0),
        None => text.parse(),
    };
    let share = number
        .ok()
        .filter(|share: &f64| *share > 0.0 && share.is_finite());
    share.ok_or_else(|| "write a part of the budget such as 2% or 0.02".to_owned())
}

impl JudgeArgs {
    /// The incidents of the file, where one is named; read before anything is fetched.
    pub(super) fn load(&self) -> Result<Option<Vec<Incident>>, Failure> {
        let Some(path) = &self.incidents else {
            return Ok(None);
        };
        let read = incidents::load(path, self.incidents_zone.as_ref());
        let read = read.map_err(|mistakes| {
            complain(&format!("the incidents have mistakes\n{mistakes}"));
            Failure::Problems
        })?;
        if read.warnings.warnings() > 0 {
            complain(&format!("the incidents\n{}", read.warnings));
        }
        Ok(Some(read.incidents))
    }

    /// Judges what a report tells, where that is asked for.
    pub(super) fn judge(
        &self,
        known: Option<&[Incident]>,
        plan: &Plan,
        report: &Report,
        reel: &mut dyn Reel,
    ) -> Result<Option<Judgement>, Failure> {
        match (known, self.inject) {
            (Some(known), _) => self.by_incidents(known, plan, report).map(Some),
            (None, Some(incidents)) => self.by_injected(incidents, plan, reel).map(Some),
            (None, None) => Ok(None),
        }
    }

    fn by_incidents(
        &self,
        known: &[Incident],
        plan: &Plan,
        report: &Report,
    ) -> Result<Judgement, Failure> {
        let (from, until) = (report.asked.from, report.asked.until);
        let mut notes = Vec::new();
        let is_ours = |incident: &&Incident| concerns(incident, report);
        let (ours, foreign): (Vec<_>, Vec<_>) = known.iter().partition(is_ours);
        if !foreign.is_empty() {
            let note = format!(
                "{} of {} about nothing that was played: {}",
                foreign.len(),
                counted(known.len() as u64, "incident"),
                names(&foreign)
            );
            if ours.is_empty() {
                complain(&format!(
                    "{note}; write service: as the definitions do, or leave it out"
                ));
                return Err(Failure::Problems);
            }
            notes.push(note);
        }
        let is_inside = |incident: &&&Incident| from <= incident.start && incident.start < until;
        let inside = ours.iter().filter(is_inside).count();
        if inside < ours.len() {
            let outside = ours.len() - inside;
            let words = counted(outside as u64, "incident");
            notes.push(format!("{words} did not begin in this stretch"));
        }
        let events: Vec<Event> = ours.into_iter().map(Event::of).collect();
        let variants = self.verdicts(&events, plan, report);
        let omitted = report
            .slos
            .iter()
            .flat_map(|slo| slo.variants.iter().flatten());
        let omitted: u64 = omitted.map(|instance| instance.alerts_omitted).sum();
        if omitted > 0 || report.slos_omitted > 0 {
            notes.push("there are more alerts than a report lists: choose with --slo".to_owned());
        }
        let file = self
            .incidents
            .as_deref()
            .map(|path| path.display().to_string());
        Ok(Judgement {
            against: format!(
                "{} of {}",
                counted(inside as u64, "incident"),
                file.unwrap_or_else(|| "a file".to_owned())
            ),
            incidents: inside as u64,
            notes,
            variants,
        })
    }

    /// Every variant of a report, by events.
    fn verdicts(&self, events: &[Event], plan: &Plan, report: &Report) -> Vec<VariantJudgement> {
        let (from, until) = (report.asked.from, report.asked.until);
        let mut variants = Vec::new();
        for (number, variant) in plan.variants.iter().enumerate() {
            let alerts = reported(report, number, &variant.slos);
            let tiers = || variant.slos.iter().flat_map(|slo| &slo.policy.tiers);
            let has = |severity: &Severity| tiers().any(|tier| tier.severity == *severity);
            let severities = [Severity::Page, Severity::Ticket].into_iter().filter(has);
            let severities = severities.map(|severity| {
                let terms = Terms {
                    from,
                    until,
                    severity,
                    grace: self.grace,
                };
                judge(events, &alerts, &terms).told(events)
            });
            variants.push(VariantJudgement {
                severities: severities.collect(),
            });
        }
        variants
    }

    fn by_injected(
        &self,
        incidents: u64,
        plan: &Plan,
        reel: &mut dyn Reel,
    ) -> Result<Judgement, Failure> {
        let script = |variant: &PlannedVariant| Script {
            slos: variant.slos.clone(),
            routing: plan.routing.clone(),
            tick: plan.options.reading.interval,
            options: plan.options.clone(),
        };
        let scripts: Vec<Script> = plan.variants.iter().map(script).collect();
        let first = plan.variants.first();
        let shown = first.into_iter().flat_map(|variant| {
            let shown = variant.slos.iter().map(|slo| slo.id.clone());
            shown.filter(|id| !variant.hidden.contains(id))
        });
        let slos: Vec<SloId> = shown.collect();
        let wish = Wish {
            seed: self.inject_seed,
            incidents,
            significant: self.significant,
            grace: self.grace,
        };
        let mut line = ProgressLine::new();
        let stretch = (plan.from, plan.until);
        let measured = measure(&scripts, &slos, reel, stretch, &wish, &mut |share| {
            line.show(&Progress {
                variant: "incidents that are put in",
                at: plan.until,
                share,
            });
        });
        line.clear();
        let measured = measured.map_err(|error| {
            complain(&format!("playing incidents: {}", chain(&error)));
            Failure::Failed
        })?;
        self.told(measured, slos.len())
    }

    fn told(&self, measured: Measured, slos: usize) -> Result<Judgement, Failure> {
        let refused = measured.refused.iter();
        let mut notes: Vec<String> = refused
            .map(|(slo, why)| format!("nothing was put into {slo}: {why}"))
            .collect();
        if measured.incidents == 0 {
            for note in &notes {
                complain(note);
            }
            complain("there is nothing to judge by: choose other SLOs or a longer stretch");
            return Err(Failure::Failed);
        }
        let confounded = measured.variants.iter().map(|variant| variant.confounded);
        if let Some(most) = confounded.max().filter(|most| *most > 0) {
            notes.push(format!(
                "{} left out, for an alert was up anyway",
                counted(most, "incident")
            ));
        }
        let variants = measured.variants.iter().map(|variant| {
            let severities = variant.severities.iter();
            VariantJudgement {
                severities: severities
                    .map(|(judgement, classes)| judgement.told_of_injected(classes))
                    .collect(),
            }
        });
        Ok(Judgement {
            against: format!(
                "{} put into {} (seed {}), significant from {} of the budget",
                counted(measured.incidents, "incident"),
                counted((slos - measured.refused.len()) as u64, "SLO"),
                self.inject_seed,
                figures::percent(self.significant)
            ),
            incidents: measured.incidents,
            notes,
            variants: variants.collect(),
        })
    }
}

/// Whether an incident is about something that was played.
fn concerns(incident: &Incident, report: &Report) -> bool {
    let subject = Subject {
        slo: incident.slo.clone(),
        service: incident.service.clone(),
        labels: Vec::new(),
    };
    let mut rows = report.slos.iter();
    rows.any(|row| {
        let id = format!("{}/{}", row.service, row.name);
        subject.admits(Some(&id), &row.service, &row.labels)
    })
}

/// What some incidents are about.
fn names(incidents: &[&Incident]) -> String {
    let of = |incident: &&Incident| incident.slo.clone().or_else(|| incident.service.clone());
    let names: BTreeSet<String> = incidents.iter().filter_map(of).collect();
    let mut shown: Vec<String> = names.iter().take(NAMES_SHOWN).cloned().collect();
    if names.len() > shown.len() {
        shown.push(format!("{} more", names.len() - shown.len()));
    }
    shown.join(", ")
}

#[cfg(test)]
mod tests;
