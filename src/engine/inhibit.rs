//! Inhibition: an alert that keeps others quiet while it fires.

use super::labels::{Labels, Matcher};

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
    pub fn inhibits(&self, _source: &Labels, _target: &Labels) -> bool {
        false
    }
}
