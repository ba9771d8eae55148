//! What asks for quiet about an alert: silences, inhibition, dependencies, maintenance, the page of
//! the same instance; and when a route rests.

use super::labels::Labels;
use super::mute::Mute;
use super::notification::AlertKey;
use super::routing::{Route, Routing};
use super::step::Engine;
use super::time::Timestamp;

impl Engine {
    /// What asks for quiet about a firing alert with these matching labels, whatever its routes;
    /// empty when somebody should be told.
    pub(super) fn mutes_of(&self, _key: &AlertKey, _labels: &Labels, _now: Timestamp) -> Vec<Mute> {
        Vec::new()
    }
}

impl Routing {
    /// Why a route tells nobody at this time, if it rests.
    pub(super) fn rest(&self, _route: &Route, _now: Timestamp) -> Option<Mute> {
        None
    }
}
