//! The alerting rules of an SLO: one per severity, of as many tiers as share timing and labels.

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::{AlertText, Severity, Tier};

use super::annotations::templates;
use super::series::number;
use super::{Plan, Purpose, Rule, SloRules};

impl Plan<'_> {
    /// Alerts, loudest first.
    pub(super) fn alerts(&self) -> Vec<Rule> {
        let mut rules = Vec::new();
        for severity in Severity::ALL {
            // Tiers that differ in what a rule says once are rules of their own.
            let mut sets: Vec<Vec<&Tier>> = Vec::new();
            for tier in self
                .slo
                .policy
                .tiers
                .iter()
                .filter(|tier| tier.severity == severity)
            {
                let alike = |set: &&mut Vec<&Tier>| {
                    let first = set.first();
                    first.is_some_and(|first| {
                        first.pending == tier.pending && first.labels == tier.labels
                    })
                };
                match sets.iter_mut().find(alike) {
                    Some(set) => set.push(tier),
                    None => sets.push(vec![tier]),
                }
            }
            for tiers in &sets {
                let mut rule = self.alert(severity, tiers);
                if sets.len() > 1 {
                    let names: Vec<String> = tiers.iter().map(|tier| tier.windows()).collect();
                    let names = names.join(" ");
                    rule.labels
                        .entry("slofuse_tier".to_owned())
                        .or_insert(names);
                }
                rules.push(rule);
            }
        }
        rules
    }

    fn alert(&self, severity: Severity, tiers: &[&Tier]) -> Rule {
        let texts: Vec<String> = tiers.iter().map(|tier| self.burns(tier)).collect();
        let none = AlertText::default();
        let text = self.slo.document.alerts.get(&severity).unwrap_or(&none);
        let (pending, tier_labels) = match tiers.first() {
            Some(tier) => (tier.pending, tier.labels.clone()),
            None => Default::default(),
        };
        let mut labels = BTreeMap::from([("sloth_severity".to_owned(), severity.to_string())]);
        labels.extend(templates(&text.labels));
        labels.extend(tier_labels);
        Rule {
            purpose: Purpose::Alert {
                name: text.name.clone().unwrap_or_else(|| self.default_name()),
                pending,
            },
            expr: texts.join("\nor\n"),
            labels,
            annotations: self.annotations(severity, text),
        }
    }

    /// `CheckoutAvailabilityErrorBudgetBurn`
    fn default_name(&self) -> String {
        let words = [&self.slo.service, &self.slo.name];
        let words = words
            .into_iter()
            .flat_map(|name| name.split(['-', '_', '.']));
        let mut name = String::new();
        for word in words {
            let (first, rest) = word.split_at_checked(1).unwrap_or_default();
            name.push_str(&first.to_ascii_uppercase());
            name.push_str(rest);
        }
        match name.starts_with(|c: char| c.is_ascii_digit()) {
            true => format!("Slo{name}ErrorBudgetBurn"),
            false => format!("{name}ErrorBudgetBurn"),
        }
    }

    /// True while both windows of a tier burn faster than its factor.
    fn burns(&self, tier: &Tier) -> String {
        let factor = number(tier.factor(self.slo.period.nominal()));
        let budget = number(self.slo.objective.budget_ratio());
        let burns = |window| {
            let ratio = self.series.ratio(window);
            format!("    max({ratio} > ({factor} * {budget})) without (sloth_window)\n")
        };
        let mut text = format!("(\n{}    and\n{}", burns(tier.short), burns(tier.long));
        if self.options.minimum_events
            && let Some(enough) = self.at_least(tier.long, tier.minimum_events)
        {
            text.push_str(&format!("    and {enough}\n"));
        }
        text + ")"
    }
}

/// Gives alerts that have the name and labels of another their `sloth_id`, which they have anyway
/// when they fire: checkers take equal rules for a mistake.
pub(super) fn tell_apart(slos: &mut [SloRules]) {
    let mut seen: BTreeSet<(String, BTreeMap<String, String>)> = BTreeSet::new();
    for slo in slos {
        let sloth_id = slo.sloth_id.clone();
        for rule in slo.groups.iter_mut().flat_map(|group| &mut group.rules) {
            if let Purpose::Alert { name, .. } = &rule.purpose
                && !seen.insert((name.clone(), rule.labels.clone()))
            {
                rule.labels.insert("sloth_id".to_owned(), sloth_id.clone());
            }
        }
    }
}
