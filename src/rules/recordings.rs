//! The recording rules of an SLO: its error ratio over every window, and what dashboards show.

use std::collections::BTreeMap;

use crate::engine::{Indicator, Span};

use super::series::{errors_name, events_name, number, ratio_name};
use super::{PeriodRatio, Plan, Purpose, Rule};

impl Plan<'_> {
    /// The error ratio over every window and over the period.
    pub(super) fn sli_recordings(&self) -> Vec<Rule> {
        let windows = self.reach.windows.iter();
        let mut rules: Vec<Rule> = windows
            .map(|&window| self.over(window, ratio_name(window), self.window_ratio(window)))
            .collect();
        let periods = self.reach.periods.difference(&self.reach.windows);
        let periods: Vec<Span> = periods.copied().collect();
        if self.options.period == PeriodRatio::Counts && !periods.is_empty() {
            rules.extend(self.event_recordings());
        }
        for period in periods {
            rules.push(self.over(period, ratio_name(period), self.period_ratio(period)));
        }
        rules
    }

    /// The error ratio of a window. One that is a period too is never without a value while there
    /// are counters: nothing bad and nothing at all have spent nothing.
    fn window_ratio(&self, window: Span) -> String {
        let is_period = self.reach.periods.contains(&window);
        match self.events(window) {
            Some((bad, total)) if is_period && self.options.period == PeriodRatio::Counts => {
                format!("{bad}\n/\n({total} > 0)\nor\n0 * {total}")
            }
            _ => self.ratio(window),
        }
    }

    /// Rates of bad and of all events over the shortest window. A counter of errors that does not
    /// exist yet counts none.
    fn event_recordings(&self) -> Vec<Rule> {
        let window = self.present();
        let Some((bad, total)) = self.events(window) else {
            return Vec::new();
        };
        // What is not taken apart may yield NaN, which would stay in every sum for a period.
        let guard = match self.slo.indicator {
            Indicator::Counters { .. } => "",
            _ => " >= 0",
        };
        let errors = format!("{bad}{guard}\nor\n0 * {total}{guard}");
        vec![
            self.over(window, errors_name(window), errors),
            self.over(window, events_name(window), format!("{total}{guard}")),
        ]
    }

    /// The error ratio of the period, from what is recorded over the shortest window.
    fn period_ratio(&self, period: Span) -> String {
        let present = self.present();
        let (ratio, text) = (
            self.series.ratio(present),
            super::series::window_text(period),
        );
        let counted = self.events(present).is_some();
        match (&self.slo.indicator, self.options.period) {
            (Indicator::Composite(_), _) | (_, PeriodRatio::Query) => self.ratio(period),
            (_, PeriodRatio::Mean) => format!(
                "sum_over_time({ratio}[{text}])\n\
                 / ignoring (sloth_window)\n\
                 count_over_time({ratio}[{text}])"
            ),
            (_, PeriodRatio::Counts) if counted => {
                let errors = self.series.select(&errors_name(present));
                let events = self.series.select(&events_name(present));
                format!(
                    "sum_over_time({errors}[{text}])\n\
                     /\n\
                     (sum_over_time({events}[{text}]) > 0)\n\
                     or\n\
                     0 * sum_over_time({events}[{text}])"
                )
            }
            // The step keeps what is not a number out of the mean.
            (_, PeriodRatio::Counts) => {
                format!("avg_over_time(({ratio} >= 0)[{text}:{present}])")
            }
        }
    }

    fn over(&self, window: Span, name: String, expr: String) -> Rule {
        Rule {
            purpose: Purpose::Record(name),
            expr,
            labels: self.series.window_labels(window),
            annotations: BTreeMap::new(),
        }
    }

    /// Objective, budget, burn rates and what is left.
    pub(super) fn meta_recordings(&self) -> Vec<Rule> {
        const BUDGET: &str = "slo:error_budget:ratio";
        const PERIOD_BURN: &str = "slo:period_burn_rate:ratio";
        let period = self.slo.period.nominal();
        let objective = self.slo.objective;
        let budget = self.series.select(BUDGET);
        let burn = |window: Span| {
            let ratio = self.series.ratio(window);
            format!("{ratio}\n/ on (sloth_id, sloth_slo, sloth_service) group_left\n{budget}")
        };
        let days = number(period.ratio(Span::from_days(1)));
        let promised = number(objective.percent() / 100.0);
        let allowed = number(objective.budget_ratio());
        let remaining = format!("1 - {}", self.series.select(PERIOD_BURN));
        let rules = [
            ("slo:objective:ratio", format!("vector({promised})")),
            (BUDGET, format!("vector({allowed})")),
            ("slo:time_period:days", format!("vector({days})")),
            ("slo:current_burn_rate:ratio", burn(self.present())),
            (PERIOD_BURN, burn(period)),
            ("slo:period_error_budget_remaining:ratio", remaining),
            ("sloth_slo_info", "vector(1)".to_owned()),
        ];
        let mut rules: Vec<Rule> = rules
            .into_iter()
            .map(|(name, expr)| Rule {
                purpose: Purpose::Record(name.to_owned()),
                expr,
                labels: self.series.labels(),
                annotations: BTreeMap::new(),
            })
            .collect();
        if let Some(info) = rules.last_mut() {
            let facts = [
                ("sloth_mode", "slofuse".to_owned()),
                ("sloth_objective", number(objective.percent())),
                ("sloth_spec", "slofuse/v1".to_owned()),
                ("sloth_version", env!("CARGO_PKG_VERSION").to_owned()),
            ];
            let facts = facts.map(|(name, value)| (name.to_owned(), value));
            info.labels.extend(facts);
        }
        rules
    }
}
