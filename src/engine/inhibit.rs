//! Inhibition: an alert that keeps others quiet while it fires.

use std::collections::BTreeMap;

use super::alert::AlertRecord;
use super::labels::{Labels, Matcher};
use super::notification::{AlertFacts, AlertKey};
use super::time::Timestamp;

/// One rule. An alert that matches both sides is not kept quiet by one that does so too.
#[derive(Clone, Debug, PartialEq)]
pub struct InhibitRule {
    /// Its name, or its place in the settings.
    pub name: String,
    /// All must match the alert that keeps others quiet.
    pub source: Vec<Matcher>,
    /// All must match the alert that is kept quiet.
    pub target: Vec<Matcher>,
    /// Labels with the same value on both; a missing label equals an empty one.
    pub equal: Vec<String>,
}

impl InhibitRule {
    /// Whether the rule is about such an alert at all.
    pub(super) fn is_target(&self, target: &Labels) -> bool {
        self.target.iter().all(|matcher| matcher.matches(target))
    }
}

/// The alerts that keep others quiet by one rule, by the values of its `equal` labels: whoever asks
/// for each of many targets does not look at every source each time.
#[derive(Debug, Default)]
pub(super) struct Inhibitors(BTreeMap<Vec<String>, Sources>);

/// Of the sources with the same values those that count: the first to begin, and the first that is
/// not a target itself.
#[derive(Debug, Default)]
struct Sources {
    any: Option<(Timestamp, AlertKey)>,
    pure: Option<(Timestamp, AlertKey)>,
}

impl Inhibitors {
    /// Those of these alerts, all of which fire, that match the source side.
    pub(super) fn new<'a>(
        rule: &InhibitRule,
        firing: impl Iterator<Item = &'a AlertRecord>,
    ) -> Self {
        let mut found: BTreeMap<Vec<String>, Sources> = BTreeMap::new();
        for record in firing {
            let facts: &AlertFacts = &record.facts;
            let matches =
                |matcher: &Matcher| matcher.op.matches(facts.matching_label(&matcher.name));
            if !rule.source.iter().all(matches) {
                continue;
            }
            let equal = rule.equal.iter();
            let values = equal.map(|name| facts.matching_label(name).to_owned());
            let sources = found.entry(values.collect()).or_default();
            keep_first(&mut sources.any, record);
            if !rule.target.iter().all(matches) {
                keep_first(&mut sources.pure, record);
            }
        }
        Self(found)
    }

    /// The one that keeps a target of the rule quiet: of several the first to begin.
    pub(super) fn over(&self, rule: &InhibitRule, target: &Labels) -> Option<&AlertKey> {
        let value = |name: &String| target.get(name).unwrap_or_default().to_owned();
        let sources = self
            .0
            .get(&rule.equal.iter().map(value).collect::<Vec<_>>())?;
        let on_both_sides = rule.source.iter().all(|matcher| matcher.matches(target));
        let first = match on_both_sides {
            true => &sources.pure,
            false => &sources.any,
        };
        first.as_ref().map(|(_, key)| key)
    }
}

fn keep_first(first: &mut Option<(Timestamp, AlertKey)>, record: &AlertRecord) {
    let since = record.state.since();
    if first.as_ref().is_none_or(|(earlier, _)| since < *earlier) {
        *first = Some((since, record.key.clone()));
    }
}

#[cfg(test)]
mod tests;
