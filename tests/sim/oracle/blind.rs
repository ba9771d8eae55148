//! Blindness from first principles: so many slots in a row without evidence are an alert of the SLO,
//! or of the source when nothing at all answers, and the first evidence ends it.
//!
//! How many slots were dark is saved with the cache, so that after a kill the count may be a little
//! older: what must not happen has that much slack.

use std::collections::BTreeMap;
use std::sync::Arc;

use slofuse::engine::{AlertKey, Engine, Evaluation, InstanceId, Labels, Slo, SloId};

use super::Sight;

/// Slots by which a restart may misjudge how long it has been dark: a little more than a save.
const SLACK: u32 = 24;

/// Slots in a row without evidence.
#[derive(Debug, Default)]
struct Dark {
    /// In this life, and ever.
    here: u32,
    ever: u32,
    lit: bool,
}

/// Everything that may be dark.
#[derive(Debug, Default)]
pub(crate) struct Blind {
    slos: BTreeMap<SloId, Dark>,
    feeds: BTreeMap<String, u32>,
    /// The evidence of the slot at hand, by SLO.
    now: BTreeMap<SloId, bool>,
}

impl Blind {
    pub(crate) fn begin_life(&mut self) {
        for dark in self.slos.values_mut() {
            dark.here = 0;
        }
        self.feeds.clear();
    }

    pub(crate) fn retain_slos(&mut self, slos: &BTreeMap<SloId, Arc<Slo>>) {
        self.slos.retain(|id, _| slos.contains_key(id));
        // Feeds may have other names.
        self.feeds.clear();
    }

    /// An evaluation of the slot at hand.
    pub(crate) fn see(&mut self, _feed: &str, evaluation: &Evaluation) {
        let lit = self.now.entry(evaluation.id.slo.clone()).or_default();
        *lit |= evaluation.is_evidence();
    }

    /// The slot is complete.
    pub(crate) fn judge(
        &mut self,
        engine: &Engine,
        sights: &BTreeMap<String, Sight>,
        slos: &BTreeMap<SloId, Arc<Slo>>,
    ) {
        let silent = !sights.is_empty() && sights.values().all(|sight| sight.asked.is_none());
        let fires = |key: &AlertKey| engine.alerts().any(|record| record.key == *key);
        for (id, lit) in std::mem::take(&mut self.now) {
            let dark = self.slos.entry(id.clone()).or_default();
            let Some(policy) = slos.get(&id).and_then(|slo| slo.policy.blind.as_ref()) else {
                continue;
            };
            let instance = InstanceId {
                slo: id.clone(),
                labels: Labels::empty(),
            };
            let key = AlertKey::Blind { instance };
            dark.lit = lit;
            if lit {
                (dark.here, dark.ever) = (0, 0);
                assert!(!fires(&key), "{key} fires though there is evidence");
                continue;
            }
            dark.ever += 1;
            // While the source is silent that is one alert, and nobody counts.
            dark.here = if silent { dark.here } else { dark.here + 1 };
            let must = dark.here >= policy.after_slots && !silent;
            assert!(
                fires(&key) || !must,
                "{key}: dark for {} slots, sights {sights:?}, alerts {:?}",
                dark.here,
                engine
                    .alerts()
                    .map(|a| (a.key.dedup_key(), a.state))
                    .collect::<Vec<_>>()
            );
            let may = dark.ever + SLACK >= policy.after_slots;
            assert!(
                may || !fires(&key),
                "{key} fires after {} dark slots",
                dark.ever
            );
        }
        let source = engine
            .alerts()
            .any(|r| matches!(r.key, AlertKey::SourceDown { .. }));
        assert!(
            silent || !source || sights.is_empty(),
            "the source is said to be down: {sights:?}"
        );
    }
}
