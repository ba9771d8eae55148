//! The direct path from first principles: what the source last said of each window, as long as
//! that may be used.

use std::collections::BTreeMap;

use slofuse::engine::{Answer, Evaluation, Slo, Span, Timestamp, WindowAnswers};

/// A window is asked anew after this share of its length ...
const ASKED_SHARE: i64 = 180;
/// ... but no later than this.
const ASKED_AFTER: Span = Span::from_mins(5);
/// So many times an answer may lack before nothing is known of its window.
const LACKS: i64 = 3;

/// The newest answer to each window, by feed. One is said of the SLO as a whole in all worlds.
#[derive(Debug, Default)]
pub(crate) struct Answers(BTreeMap<(String, Span), (Timestamp, f64)>);

impl Answers {
    /// A process remembers no answer of the one before.
    pub(crate) fn begin_life(&mut self) {
        self.0.clear();
    }

    /// What the source said.
    pub(crate) fn take(&mut self, feed: &str, at: Timestamp, answers: &WindowAnswers) {
        for (window, series) in answers {
            for (_, answer) in series {
                let Answer::Ratio(ratio) = answer else {
                    unreachable!("no such promise");
                };
                let place = (feed.to_owned(), *window);
                self.0.insert(place, (at, *ratio));
            }
        }
    }

    /// Every burn is that of the newest answer, or unknown when that is too old; a slot without an
    /// answer decides nothing all the same.
    pub(crate) fn judge(
        &self,
        feed: &str,
        has_answered: bool,
        interval: Span,
        slo: &Slo,
        evaluation: &Evaluation,
    ) {
        let mut known = false;
        for reading in &evaluation.readings {
            let share = Span::from_millis(reading.window.as_millis() / ASKED_SHARE);
            let usable = share.min(ASKED_AFTER).max(interval).times(LACKS);
            let newest = self.0.get(&(feed.to_owned(), reading.window));
            let newest = newest.filter(|(at, _)| evaluation.at.since(*at) <= usable);
            // Of 0/0 nothing is bad.
            let ratio = newest.map(|(_, ratio)| if ratio.is_nan() { 0.0 } else { *ratio });
            let burn = ratio.map(|ratio| ratio / slo.objective.budget_ratio());
            known |= burn.is_some();
            let same = match (burn, reading.burn) {
                (Some(burn), Some(told)) => (burn - told).abs() <= 1e-9 * (1.0 + burn),
                (None, None) => true,
                _ => false,
            };
            assert!(
                same,
                "{reading:?} of {} at {:?}, but the source said {newest:?}",
                evaluation.id, evaluation.at
            );
        }
        assert_eq!(
            evaluation.is_evidence(),
            known && has_answered,
            "whether {} is seen at {:?}",
            evaluation.id,
            evaluation.at
        );
    }
}
