//! Inhibition: an alert that keeps others quiet while it fires.

use super::labels::{Labels, Matcher};
use super::notification::AlertFacts;

/// One rule.
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
    /// Whether an alert with the labels of `source`, which fires, keeps `target` quiet. An alert
    /// that matches both sides is not kept quiet by one that does so too.
    pub fn inhibits(&self, source: &Labels, target: &Labels) -> bool {
        self.is_target(target)
            && self.is_inhibited(target, |name| source.get(name).unwrap_or_default())
    }

    /// Whether the rule is about such an alert at all.
    pub(super) fn is_target(&self, target: &Labels) -> bool {
        self.target.iter().all(|matcher| matcher.matches(target))
    }

    /// Whether an alert with these facts, which fires, keeps a target quiet; as
    /// [`InhibitRule::inhibits`] without making the labels of each source.
    pub(super) fn is_inhibited_by(&self, source: &AlertFacts, target: &Labels) -> bool {
        self.is_inhibited(target, |name| source.matching_label(name))
    }

    fn is_inhibited<'a>(&self, target: &Labels, source: impl Fn(&str) -> &'a str) -> bool {
        let of_source = |matcher: &Matcher| matcher.op.matches(source(&matcher.name));
        let of_target = |matcher: &Matcher| matcher.matches(target);
        let value = |name: &str| target.get(name).unwrap_or_default();
        let both_sides = || self.source.iter().all(of_target) && self.target.iter().all(of_source);
        self.source.iter().all(of_source)
            && self.equal.iter().all(|name| source(name) == value(name))
            && !both_sides()
    }
}

#[cfg(test)]
mod tests;
