//! Reports of every kind of SLO: grouped ones, composites, time slices and direct queries.

use std::sync::Arc;

use super::world::{BEGIN, SETTINGS, SHOP, after, load, plan, shop};
use crate::config::Change;
use crate::engine::{Answer, Counts, InstanceId, Labels, RawSeries, Sample, Slo, Span, Timestamp};
use crate::prometheus::PolledFeed;
use crate::replay::report::{Report, backtest};
use crate::replay::{MemoryReel, Reel, ReelError};

const HOUR: i64 = 3_600;

/// A recording of everything: samples, slices of one minute, and answers to queries.
struct World {
    samples: MemoryReel,
    /// All is bad in it.
    bad: (Timestamp, Timestamp),
}

impl World {
    fn is_bad(&self, at: Timestamp) -> bool {
        self.bad.0 < at && at <= self.bad.1
    }
}

impl Reel for World {
    fn samples(
        &mut self,
        feed: &PolledFeed,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<RawSeries>, ReelError> {
        let Some(slice) = feed.slice() else {
            return self.samples.samples(feed, from, until);
        };
        let mut samples = Vec::new();
        let mut at = from.align_down(slice) + slice;
        while at <= until {
            let value = if self.is_bad(at) { 0.0 } else { 1.0 };
            samples.push(Sample { at, value });
            at = at + slice;
        }
        Ok(vec![RawSeries {
            labels: Labels::empty(),
            samples,
        }])
    }

    fn answer(
        &mut self,
        _feed: &PolledFeed,
        window: Span,
        at: Timestamp,
    ) -> Result<Vec<(Labels, Answer)>, ReelError> {
        let from = (at - window).max(self.bad.0);
        let ratio = at.min(self.bad.1).since(from).ratio(window);
        Ok(vec![(Labels::empty(), Answer::Ratio(ratio))])
    }

    fn hours(
        &mut self,
        slo: &Arc<Slo>,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<(InstanceId, Timestamp, Counts)>, ReelError> {
        self.samples.hours(slo, from, until)
    }
}

fn played(definitions: &str) -> Report {
    let loaded = load(SETTINGS, definitions);
    let mut world = World {
        samples: MemoryReel::new(shop(6 * HOUR, &[(HOUR, HOUR + 600, 1.0)], &[])),
        bad: (after(HOUR), after(HOUR + 600)),
    };
    backtest(&plan(&loaded, 6 * HOUR), &mut world, &mut |_| {}).unwrap()
}

/// The same policy for an SLI of another kind.
fn with_sli(name: &str, sli: &str) -> String {
    let (head, _) = SHOP.split_once("  sli:\n").unwrap();
    format!("{}  sli:\n{sli}", head.replace("checkout", name))
}

/// Pages when ten of a day's ten minutes are bad, within a few minutes of the outage.
fn assert_pages(report: &Report, row: usize) {
    let slo = &report.slos[row];
    let instance = slo.variants[0].as_ref().unwrap();
    assert_eq!(
        instance.figures.pages, 1,
        "{}: {:?}",
        slo.id, instance.alerts
    );
    let page = instance
        .alerts
        .iter()
        .find(|alert| alert.severity.as_str() == "page");
    let late = page.unwrap().fired_at.since(after(HOUR));
    assert!(late <= Span::from_mins(5), "{} paged after {late}", slo.id);
    assert!(instance.figures.watched > 0.99, "{:?}", instance.figures);
    assert!(instance.budget.last.unwrap() < 0.9, "{:?}", instance.budget);
}

#[test]
fn time_slices_and_direct_queries_are_reported() {
    let slices = with_sli(
        "fresh",
        "    time_slices: {condition: lag_seconds < 60, slice: 1m}\n",
    );
    let direct = with_sli(
        "direct",
        "    ratio:
      error_ratio: clamp_min(1 - sum(rate(a[$window])) / sum(rate(b[$window])), 0)
",
    );
    let report = played(&format!("{slices}---{direct}"));
    let paths: Vec<&str> = report.slos.iter().map(|slo| slo.path.as_str()).collect();
    assert_eq!(paths, ["direct", "slices"]);
    assert_pages(&report, 0);
    assert_pages(&report, 1);
}

#[test]
fn composites_are_reported_and_the_parts_that_alert_nobody_are_not() {
    let journey = with_sli(
        "order",
        "    journey:
      - slo: checkout
      - name: pay
        sli: {events: {bad: 'requests_total{code=\"500\"}', total: requests_total}}
",
    );
    let report = played(&format!("{SHOP}---{journey}"));
    let ids: Vec<&str> = report.slos.iter().map(|slo| slo.id.as_str()).collect();
    assert_eq!(ids, ["shop/checkout", "shop/order"]);
    assert_pages(&report, 0);
    assert_pages(&report, 1);
    assert_eq!(report.slos[1].path, "composite");
}

#[test]
fn a_composite_alone_keeps_what_it_is_made_of() {
    let journey = with_sli(
        "order",
        "    journey:
      - slo: checkout
      - name: pay
        sli: {events: {bad: 'requests_total{code=\"500\"}', total: requests_total}}
",
    );
    let loaded = load(SETTINGS, &format!("{SHOP}---{journey}"));
    let varied = Change::default().apply(&loaded.definitions, &|slo: &Slo| slo.name == "order");
    let mut hidden: Vec<&str> = varied.hidden.iter().map(|id| id.as_str()).collect();
    hidden.sort_unstable();
    assert_eq!(hidden, ["shop/checkout", "shop/order.pay"]);
    let mut plan = plan(&loaded, 6 * HOUR);
    plan.variants[0].slos = varied.slos;
    plan.variants[0].hidden = varied.hidden;
    let series = shop(6 * HOUR, &[(HOUR, HOUR + 600, 1.0)], &[]);
    let report = super::report(&plan, series);
    assert_eq!(report.slos.len(), 1);
    assert_pages(&report, 0);
}

#[test]
fn an_instance_that_appears_late_is_reported_from_then_on() {
    let grouped = SHOP.replace("  period: 1d", "  group_by: [region]\n  period: 1d");
    let loaded = load(SETTINGS, &grouped);
    let mut series = Vec::new();
    for (region, from) in [("eu", -2 * 86_400), ("us", 3 * HOUR)] {
        for one in shop(6 * HOUR, &[(5 * HOUR, 5 * HOUR + 600, 1.0)], &[]) {
            let labels = one
                .labels
                .iter()
                .map(|(name, value)| (name.to_owned(), value.to_owned()));
            let region = [("region".to_owned(), region.to_owned())];
            let labels = labels.chain(region);
            let samples = one
                .samples
                .into_iter()
                .filter(|sample| sample.at >= after(from));
            series.push(RawSeries {
                labels: Labels::new(labels),
                samples: samples.collect(),
            });
        }
    }
    let report = super::report(&plan(&loaded, 6 * HOUR), series);
    let ids: Vec<&str> = report.slos.iter().map(|slo| slo.id.as_str()).collect();
    assert_eq!(
        ids,
        [
            r#"shop/checkout{region="eu"}"#,
            r#"shop/checkout{region="us"}"#
        ]
    );
    let [eu, us] = [0, 1].map(|row| report.slos[row].variants[0].as_ref().unwrap());
    assert_eq!(eu.seen_from, BEGIN + Span::from_secs(30));
    assert_eq!(us.seen_from, after(3 * HOUR));
    assert_eq!(us.figures.slots.all(), 3 * 120 + 1);
    assert_eq!(us.curve.remaining.max.len(), eu.curve.remaining.max.len());
    assert!(us.curve.remaining.max[0].is_none() && eu.curve.remaining.max[0].is_some());
    assert_eq!(
        report.variants[0].total.pages,
        eu.figures.pages + us.figures.pages
    );
    let absent = super::report(&plan(&loaded, HOUR), Vec::new());
    assert_eq!(absent.slos.len(), 1);
    assert_eq!(absent.slos[0].id, "shop/checkout");
    let nobody = absent.slos[0].variants[0].as_ref().unwrap();
    assert_eq!((nobody.figures.watched, nobody.gaps.len()), (0.0, 1));
}
