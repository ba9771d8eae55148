//! What Sloth generates, said anew: its fixed expressions, filled in from a short description.
//!
//! Written after reading the rules that Sloth makes of its own examples; it shares no code with the
//! export that it judges.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Kind, Rule};

/// What of an SLO's rules is its own.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expected {
    service: String,
    slo: String,
    /// Percent.
    objective: f64,
    /// As Sloth prints it.
    period: String,
    days: f64,
    /// Of every recording.
    #[serde(default)]
    labels: BTreeMap<String, String>,
    /// Recorded besides the period, shortest first.
    windows: Vec<String>,
    /// The error ratio over `{{.window}}`.
    sli: String,
    /// The error ratio of the period, where it is not Sloth's own.
    period_sli: Option<String>,
    #[serde(default)]
    alerts: Vec<ExpectedAlert>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpectedAlert {
    name: String,
    labels: BTreeMap<String, String>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
    #[serde(rename = "for")]
    pending: Option<String>,
    /// Short window, long window, factor.
    tiers: Vec<(String, String, f64)>,
}

impl Expected {
    /// All rules, group by group.
    pub(crate) fn groups(&self) -> Vec<(String, Vec<Rule>)> {
        let id = format!("{}-{}", self.service, self.slo);
        let mut groups = vec![
            (
                format!("sloth-slo-sli-recordings-{id}"),
                self.sli_recordings(),
            ),
            (
                format!("sloth-slo-meta-recordings-{id}"),
                self.meta_recordings(),
            ),
        ];
        if !self.alerts.is_empty() {
            let alerts = self.alerts.iter().map(|alert| self.alert(alert)).collect();
            groups.push((format!("sloth-slo-alerts-{id}"), alerts));
        }
        groups
    }

    fn filter(&self) -> String {
        let (service, slo) = (&self.service, &self.slo);
        format!(
            "{{sloth_id=\"{service}-{slo}\", sloth_service=\"{service}\", sloth_slo=\"{slo}\"}}"
        )
    }

    fn sli_recordings(&self) -> Vec<Rule> {
        let record = |window: &String, expr: String| {
            let mut rule = self.record(&format!("slo:sli_error:ratio_rate{window}"), &expr);
            rule.labels
                .insert("sloth_window".to_owned(), window.clone());
            rule
        };
        let windows = self.windows.iter();
        let mut rules: Vec<Rule> = windows
            .map(|window| record(window, self.sli.replace("{{.window}}", window)))
            .collect();
        let (present, filter, period) = (&self.windows[0], self.filter(), &self.period);
        let mean = format!(
            "sum_over_time(slo:sli_error:ratio_rate{present}{filter}[{period}]) \
             / ignoring (sloth_window) \
             count_over_time(slo:sli_error:ratio_rate{present}{filter}[{period}])"
        );
        rules.push(record(period, self.period_sli.clone().unwrap_or(mean)));
        rules
    }

    fn meta_recordings(&self) -> Vec<Rule> {
        let (filter, present, period) = (self.filter(), &self.windows[0], &self.period);
        let objective = self.objective / 100.0;
        let burn = |window: &str| {
            format!(
                "slo:sli_error:ratio_rate{window}{filter} \
                 / on(sloth_id, sloth_slo, sloth_service) group_left \
                 slo:error_budget:ratio{filter}"
            )
        };
        let remaining = format!("1 - slo:period_burn_rate:ratio{filter}");
        let mut rules = vec![
            self.record("slo:objective:ratio", &format!("vector({objective})")),
            self.record("slo:error_budget:ratio", &format!("vector(1-{objective})")),
            self.record("slo:time_period:days", &format!("vector({})", self.days)),
            self.record("slo:current_burn_rate:ratio", &burn(present)),
            self.record("slo:period_burn_rate:ratio", &burn(period)),
            self.record("slo:period_error_budget_remaining:ratio", &remaining),
            self.record("sloth_slo_info", "vector(1)"),
        ];
        let percent = self.objective.to_string();
        rules[6]
            .labels
            .insert("sloth_objective".to_owned(), percent);
        rules
    }

    fn record(&self, name: &str, expr: &str) -> Rule {
        let id = format!("{}-{}", self.service, self.slo);
        let own = [
            ("sloth_id", &id),
            ("sloth_service", &self.service),
            ("sloth_slo", &self.slo),
        ];
        let own = own.map(|(name, value)| (name.to_owned(), value.clone()));
        Rule {
            kind: Kind::Record(name.to_owned()),
            expr: expr.to_owned(),
            labels: self.labels.clone().into_iter().chain(own).collect(),
            annotations: BTreeMap::new(),
            pending: None,
        }
    }

    fn alert(&self, alert: &ExpectedAlert) -> Rule {
        let budget = (100.0 - self.objective) / 100.0;
        let filter = self.filter();
        let burns = |window: &str, factor: f64| {
            format!(
                "max(slo:sli_error:ratio_rate{window}{filter} > ({factor} * {budget})) \
                 without (sloth_window)"
            )
        };
        let tiers = alert.tiers.iter().map(|(short, long, factor)| {
            format!("({} and {})", burns(short, *factor), burns(long, *factor))
        });
        Rule {
            kind: Kind::Alert(alert.name.clone()),
            expr: tiers.collect::<Vec<_>>().join(" or "),
            labels: alert.labels.clone(),
            annotations: alert.annotations.clone(),
            pending: alert.pending.clone(),
        }
    }
}
