//! Blindness: slots in a row without anything to decide on.
//!
//! The silence of metrics is not health. A feed counts its failed slots, an SLO (and an instance
//! whose alert is open) its slots without evidence; past the policy's limit that is an alert. When
//! every feed fails it is the source that is down, which is one alert and not one per SLO.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::labels::Labels;
use super::slo::InstanceId;

/// The counters of one feed.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Blindness {
    /// Failed slots in a row; `None` before the first slot.
    failed_slots: Option<u32>,
    last_failure: String,
    /// Slots in a row without evidence.
    dark_slots: BTreeMap<InstanceId, u32>,
}

impl Blindness {
    /// The source gave an answer.
    pub(super) fn answered(&mut self) {
        self.failed_slots = Some(0);
    }

    /// The source failed.
    pub(super) fn failed(&mut self, detail: String) {
        self.failed_slots = Some(self.failed_slots.unwrap_or(0).saturating_add(1));
        self.last_failure = detail;
    }

    /// Failed slots in a row; `None` before the first slot.
    pub(super) fn failed_slots(&self) -> Option<u32> {
        self.failed_slots
    }

    /// The last error of the source, while it lasts.
    pub(super) fn failure(&self) -> Option<&str> {
        self.failed_slots
            .is_some_and(|slots| slots > 0)
            .then_some(&*self.last_failure)
    }

    /// Counts a slot of an instance; returns how many in a row were dark.
    pub(super) fn count(&mut self, id: &InstanceId, dark: bool) -> u32 {
        if !dark {
            self.dark_slots.remove(id);
            return 0;
        }
        let slots = self.dark_slots.entry(id.clone()).or_default();
        *slots = slots.saturating_add(1);
        *slots
    }

    /// Slots in a row in which nothing was seen of an instance, be it the instance's fault, that of
    /// all of its SLO's or that of the source.
    pub(super) fn dark_slots(&self, id: &InstanceId) -> u32 {
        let failed = self.failed_slots.unwrap_or(0);
        if self.dark_slots.is_empty() {
            return failed;
        }
        let whole = InstanceId {
            slo: id.slo.clone(),
            labels: Labels::empty(),
        };
        let count = |id: &InstanceId| self.dark_slots.get(id).copied().unwrap_or(0);
        failed.max(count(id)).max(count(&whole))
    }

    /// Drops the counters of whatever is not watched any more.
    pub(super) fn retain(&mut self, watched: impl Fn(&InstanceId) -> bool) {
        self.dark_slots.retain(|id, _| watched(id));
    }
}
