//! From what was recorded of each variant to one report.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::instance::{Instance, Stretch};
use super::log::AlertLog;
use super::night::Nights;
use super::play::{Plan, PlannedVariant};
use super::{
    Asked, FORM, Figures, InstanceReport, ReceiverFigures, Report, SentFigures, SloReport,
    SlotFigures, Variant,
};
use crate::engine::{InstanceId, Labels, Slo, SloId, Span};

/// Weeks of a report have so many hours, whatever the clock does.
const WEEK: Span = Span::from_days(7);

/// What was recorded of one variant.
pub(super) struct Played {
    /// The SLOs that are reported.
    pub(super) shown: Vec<Arc<Slo>>,
    pub(super) instances: BTreeMap<InstanceId, Instance>,
    pub(super) source: AlertLog,
    pub(super) source_figures: Figures,
    pub(super) sent: BTreeMap<String, SentFigures>,
    pub(super) unquieted: Option<BTreeMap<String, SentFigures>>,
}

/// Puts the variants side by side.
pub(super) fn assemble(
    plan: &Plan,
    stretch: &Stretch,
    nights: &Nights,
    played: Vec<Played>,
) -> Report {
    let weeks = stretch.until.since(stretch.from).ratio(WEEK);
    let rates = Rates { weeks, nights };
    let count = played.len();
    let mut variants = Vec::new();
    let mut rows: BTreeMap<InstanceId, Row> = BTreeMap::new();
    let mut unseen: BTreeMap<SloId, Arc<Slo>> = BTreeMap::new();
    let mut omitted: BTreeSet<InstanceId> = BTreeSet::new();
    for (number, (planned, mut played)) in plan.variants.iter().zip(played).enumerate() {
        for slo in &played.shown {
            unseen.entry(slo.id.clone()).or_insert_with(|| slo.clone());
        }
        let instances = std::mem::take(&mut played.instances);
        let (total, reports) = rates.settle(instances, &played.source_figures);
        for (id, slo, report) in reports {
            let Some(report) = report else {
                omitted.insert(id);
                continue;
            };
            let row = rows.entry(id).or_insert_with(|| Row::new(slo, count));
            if let Some(place) = row.variants.get_mut(number) {
                *place = Some(report);
            }
        }
        variants.push(variant(planned, played, total));
    }
    omitted.retain(|id| !rows.contains_key(id));
    for id in rows.keys().chain(&omitted) {
        unseen.remove(&id.slo);
    }
    for (id, slo) in unseen {
        let id = InstanceId {
            slo: id,
            labels: Labels::empty(),
        };
        rows.insert(id, Row::new(slo, count));
    }
    let mut slos: Vec<SloReport> = rows.into_iter().map(|(id, row)| row.report(&id)).collect();
    slos.sort_by(|a, b| (&a.service, &a.name, &a.id).cmp(&(&b.service, &b.name, &b.id)));
    Report {
        form: FORM,
        asked: Asked {
            from: stretch.from,
            until: stretch.until,
            slot: stretch.slot,
            weeks,
            slos: plan.asked_slos.clone(),
        },
        history: plan.history.clone(),
        night: nights.hours(),
        variants,
        slos,
        slos_omitted: omitted.len() as u64,
        judgement: None,
    }
}

fn variant(planned: &PlannedVariant, played: Played, total: Figures) -> Variant {
    let Played {
        sent, unquieted, ..
    } = &played;
    let names = sent.keys().chain(unquieted.iter().flat_map(BTreeMap::keys));
    let names: BTreeSet<&String> = names.collect();
    let receivers = names.into_iter().map(|name| ReceiverFigures {
        receiver: name.clone(),
        sent: sent.get(name).copied().unwrap_or_default(),
        unquieted: unquieted
            .as_ref()
            .map(|unquieted| unquieted.get(name).copied().unwrap_or_default()),
    });
    Variant {
        name: planned.name.clone(),
        policy: planned.policy.clone(),
        objective_percent: planned.objective_percent,
        remarks: planned.remarks.clone(),
        total,
        receivers: receivers.collect(),
        source_alerts: played.source.into_list().0,
    }
}

/// One instance and what every variant would have done with it.
struct Row {
    slo: Arc<Slo>,
    variants: Vec<Option<InstanceReport>>,
}

impl Row {
    fn new(slo: Arc<Slo>, variants: usize) -> Self {
        Self {
            slo,
            variants: vec![None; variants],
        }
    }

    fn report(self, id: &InstanceId) -> SloReport {
        let slo = &self.slo;
        SloReport {
            id: id.to_string(),
            service: slo.service.clone(),
            name: slo.name.clone(),
            labels: id.labels.clone(),
            description: slo.document.description.clone(),
            owner: slo.document.owner.clone(),
            period: slo.period.to_string(),
            path: slo.indicator.path().to_owned(),
            variants: self.variants,
        }
    }
}

/// By what counts are divided.
struct Rates<'n> {
    weeks: f64,
    nights: &'n Nights,
}

type Settled = Vec<(InstanceId, Arc<Slo>, Option<InstanceReport>)>;

impl Rates<'_> {
    /// The figures of all instances together, and each by itself.
    fn settle(
        &self,
        instances: BTreeMap<InstanceId, Instance>,
        source: &Figures,
    ) -> (Figures, Settled) {
        let mut total = Figures::default();
        let mut total_nights = vec![0; self.nights.count()];
        let mut reports = Vec::new();
        add(&mut total, source);
        for (id, mut instance) in instances {
            let mut nights = vec![0; self.nights.count()];
            for (night, pages) in &instance.night_pages {
                for nights in [&mut nights, &mut total_nights] {
                    if let Some(of_night) = nights.get_mut(*night) {
                        *of_night += pages;
                    }
                }
            }
            add(&mut total, &instance.figures);
            self.divide(&mut instance.figures, &nights);
            let slo = instance.slo.clone();
            reports.push((id, slo, instance.into_report()));
        }
        self.divide(&mut total, &total_nights);
        (total, reports)
    }

    fn divide(&self, figures: &mut Figures, nights: &[u64]) {
        let by = |count: u64, parts: f64| {
            if parts > 0.0 {
                count as f64 / parts
            } else {
                0.0
            }
        };
        figures.pages_per_week = by(figures.pages, self.weeks);
        figures.tickets_per_week = by(figures.tickets, self.weeks);
        figures.pages_per_night = by(figures.pages_at_night, self.nights.count() as f64);
        figures.worst_night = self.nights.worst(nights);
        let slots = figures.slots;
        figures.watched = by(slots.decided(), slots.all() as f64);
    }
}

impl SlotFigures {
    /// How many there are.
    pub const fn all(&self) -> u64 {
        self.decided() + self.no_data + self.failed
    }

    /// In how many of them something could be decided.
    pub const fn decided(&self) -> u64 {
        self.burning + self.quiet + self.no_traffic
    }
}

/// Adds everything that is counted; what is divided is not known yet.
fn add(total: &mut Figures, one: &Figures) {
    total.pages += one.pages;
    total.tickets += one.tickets;
    total.infos += one.infos;
    total.blinds += one.blinds;
    total.pages_untold += one.pages_untold;
    total.open_at_start += one.open_at_start;
    total.open_at_end += one.open_at_end;
    total.pages_at_night += one.pages_at_night;
    total.flaps += one.flaps;
    total.page_time = total.page_time + one.page_time;
    total.ticket_time = total.ticket_time + one.ticket_time;
    total.burning = total.burning + one.burning;
    total.burning_unalerted = total.burning_unalerted + one.burning_unalerted;
    total.over_objective = total.over_objective + one.over_objective;
    total.over_objective_unalerted = total.over_objective_unalerted + one.over_objective_unalerted;
    let (slots, of) = (&mut total.slots, one.slots);
    slots.burning += of.burning;
    slots.quiet += of.quiet;
    slots.no_traffic += of.no_traffic;
    slots.no_data += of.no_data;
    slots.failed += of.failed;
}
