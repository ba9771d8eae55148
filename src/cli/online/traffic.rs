//! How many events to expect in each window, and what one failure among them weighs.
//!
//! With N events in a window, one failure is an error ratio of 1/N and a burn of 1/N over the ratio
//! that is allowed. Where fewer failures than a tier's minimum reach its factor, only the minimum
//! keeps it quiet, and the ratio says nothing.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::config::lint::Lint;
use crate::engine::{Labels, Severity, Slo, Span, Term, Tier};
use crate::prometheus::SourceError;

use super::Case;

/// How far back the present traffic is measured.
const HOUR: Span = Span::from_hours(1);

/// What a failure weighs in the quietest instance.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Traffic {
    /// The quietest instance.
    instance: Labels,
    /// Instances that have traffic.
    instances: usize,
    /// Its events per hour.
    events_per_hour: f64,
    /// Each tier of the policy.
    tiers: Vec<Weight>,
}

/// What one failure weighs in one tier.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Weight {
    severity: Severity,
    long: String,
    short: String,
    /// Events to expect in the long window.
    events: f64,
    /// The burn rate of the long window after one failure.
    burn_of_one: f64,
    /// Failures that reach the tier's factor, its minimum of events aside.
    failures: f64,
    minimum_events: f64,
    /// Whether so few failures reach the factor that only the minimum keeps the tier quiet.
    few: bool,
}

/// One event per slice, by definition.
pub(super) fn of_slices(slice: Span) -> Option<Rates> {
    let rate = HOUR.ratio(slice);
    Some(BTreeMap::from([(Labels::empty(), rate)]))
}

/// Events per hour of each instance.
pub(super) type Rates = BTreeMap<Labels, f64>;

impl Traffic {
    fn new(slo: &Slo, rates: &Rates) -> Option<Self> {
        let (instance, rate) = rates.iter().min_by(|(_, a), (_, b)| a.total_cmp(b))?;
        let tiers = slo
            .policy
            .tiers
            .iter()
            .map(|tier| Weight::new(slo, tier, *rate));
        Some(Self {
            instance: instance.clone(),
            instances: rates.len(),
            events_per_hour: *rate,
            tiers: tiers.collect(),
        })
    }

    /// For the table.
    pub(super) fn per_hour(&self) -> String {
        rounded(self.events_per_hour)
    }
}

impl Weight {
    fn new(slo: &Slo, tier: &Tier, events_per_hour: f64) -> Self {
        // The failure itself is an event.
        let events = (events_per_hour * tier.long.ratio(HOUR)).max(1.0);
        let budget = slo.objective.budget_ratio();
        let needed = tier.factor(slo.period.nominal()) * budget;
        // A tier burns above its factor, not at it.
        let failures = (needed * events + 1e-9).floor() + 1.0;
        Self {
            severity: tier.severity,
            long: tier.long.to_string(),
            short: tier.short.to_string(),
            events,
            burn_of_one: 1.0 / events / budget,
            failures,
            minimum_events: tier.minimum_events,
            // What needs more than all events to fail never fires, and is told as such.
            few: needed < 1.0 && failures < tier.minimum_events.max(2.0),
        }
    }

    /// `page 1h/5m (30 events, one failure is a burn of 33.3)`
    fn describe(&self) -> String {
        format!(
            "{} {}/{} ({} events in {}, one failure is a burn of {})",
            self.severity,
            self.long,
            self.short,
            rounded(self.events),
            self.long,
            rounded(self.burn_of_one),
        )
    }
}

impl Case {
    /// Events per hour of each instance, from what the last hour has.
    pub(super) async fn traffic(
        &self,
        slo: &Slo,
        total: &[Term],
    ) -> Result<Option<Rates>, SourceError> {
        let by = slo.group_by.join(", ");
        let mut events: BTreeMap<Labels, f64> = BTreeMap::new();
        let mut first: BTreeMap<Labels, f64> = BTreeMap::new();
        for Term {
            coefficient,
            selector,
        } in total
        {
            let query = format!("sum by ({by}) (increase({selector}[{HOUR}]))");
            for (labels, count) in self.asking.instant(&query).await? {
                *events.entry(labels).or_default() += coefficient * count;
            }
            // An hour that began ten minutes ago has ten minutes of events.
            let seen = format!("min_over_time(timestamp({selector})[{HOUR}:1m])");
            let query = format!("min by ({by}) ({seen})");
            for (labels, at) in self.asking.instant(&query).await? {
                let known = first.entry(labels).or_insert(at);
                *known = known.min(at);
            }
        }
        let now = self.asking.now.as_secs_f64();
        let scrape = self.asking.evaluation.scrape_interval.as_secs_f64();
        let rates = events.into_iter().filter_map(|(labels, events)| {
            let covered = (now - first.get(&labels)?).min(HOUR.as_secs_f64());
            let known = events.is_finite() && covered > 2.0 * scrape;
            known.then(|| (labels, events.max(0.0) * HOUR.as_secs_f64() / covered))
        });
        let rates: Rates = rates.collect();
        Ok((!rates.is_empty()).then_some(rates))
    }

    /// Reports tiers that few failures of the quietest instance would fire.
    pub(super) fn weigh(&mut self, slo: &Slo, rates: Option<Rates>) {
        let Some(traffic) = rates.and_then(|rates| Traffic::new(slo, &rates)) else {
            return;
        };
        let few: Vec<&Weight> = traffic.tiers.iter().filter(|weight| weight.few).collect();
        if !few.is_empty() {
            let who = if traffic.instances > 1 {
                format!(
                    "the quietest of {} instances, {}, has",
                    traffic.instances, traffic.instance
                )
            } else {
                "there are".to_owned()
            };
            let rate = rounded(traffic.events_per_hour);
            let alone = few.iter().all(|weight| weight.minimum_events >= 2.0);
            let verdict = if alone {
                "only the minimum of events keeps a few failures from firing"
            } else {
                "a single failure fires"
            };
            let tiers: Vec<String> = few.iter().map(|weight| weight.describe()).collect();
            let message = format!(
                "{who} {rate} events per hour: {verdict} {}",
                tiers.join(", ")
            );
            let fix = "raise minimum_events of these tiers, weigh by budget (mode: budget), \
                       or measure more traffic in one SLO";
            self.report(Lint::FewEvents, message, fix);
        }
        self.finding.traffic = Some(traffic);
    }
}

/// Three significant digits, as far as people care.
fn rounded(number: f64) -> String {
    if !number.is_finite() || number == 0.0 || number.abs() >= 100.0 {
        return format!("{number:.0}");
    }
    let digits = 2 - number.abs().log10().floor().max(-4.0) as i32;
    let scale = 10f64.powi(digits);
    ((number * scale).round() / scale).to_string()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::config;

    fn slo(minimum_events: &str) -> Arc<Slo> {
        let policy = format!(
            "{{apiVersion: slofuse/v1, kind: Policy, metadata: {{name: p}}, spec: {{tiers: [\
             {{severity: page, budget: 2%, long: 1h, short: 5m, minimum_events: {minimum_events}}}]}}}}"
        );
        let text = format!(
            "{policy}\n---\n{{apiVersion: slofuse/v1, kind: SLO, metadata: {{service: a, name: b}}, \
             spec: {{objective: 99.9, policy: p, sli: {{events: {{bad: b_total, total: t_total}}}}}}}}"
        );
        let settings =
            "{definitions: [a], receivers: [{name: c, console: {}}], routes: {default: [c]}}";
        let loaded = config::embedded(settings, &text).unwrap();
        Arc::clone(&loaded.definitions[0].slo)
    }

    fn weight(minimum_events: &str, per_hour: f64) -> Weight {
        let slo = slo(minimum_events);
        Weight::new(&slo, &slo.policy.tiers[0], per_hour)
    }

    #[test]
    fn one_failure_of_few_events_is_a_fast_burn() {
        // slo-tools, 5.2: at 99.9 % one error fires 14.4 with up to 69 requests per hour.
        let quiet = weight("1", 69.0);
        assert!(quiet.few && quiet.failures == 1.0, "{quiet:?}");
        let busy = weight("1", 70.0);
        assert!(!busy.few && busy.failures == 2.0, "{busy:?}");
        assert!((weight("1", 50.0).burn_of_one - 20.0).abs() < 1e-9);
    }

    #[test]
    fn a_minimum_is_the_only_guard_below_its_own_traffic() {
        // Five failures reach 14.4 x 0.1 % from 277.8 events on.
        assert!(weight("5", 277.0).few);
        assert!(!weight("5", 278.0).few);
    }

    #[test]
    fn no_traffic_weighs_like_one_event() {
        let none = weight("5", 0.0);
        assert_eq!((none.events, none.failures), (1.0, 1.0));
        assert!((none.burn_of_one - 1000.0).abs() < 1e-6);
    }

    #[test]
    fn numbers_read_well() {
        let cases = [0.0, 0.01234, 1.0, 33.333, 99.96, 36_000.4, f64::INFINITY];
        let texts = cases.map(rounded);
        assert_eq!(texts, ["0", "0.0123", "1", "33.3", "100", "36000", "inf"]);
    }
}
