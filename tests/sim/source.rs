//! What the source tells: the samples that it shows at the true time, if it is in the mood.

use std::sync::Arc;

use slofuse::engine::{Indicator, Labels, RawSeries, Sample, Slo, Timestamp};
use slofuse::prometheus::PolledFeed;

use crate::chaos::SourceMood;
use crate::world::World;

/// The deadline of a request, in milliseconds: the default of the settings.
const TIMEOUT: i64 = 10_000;

impl World {
    /// How long an answer that is asked for now takes, in milliseconds.
    pub(crate) fn latency(&mut self) -> i64 {
        match self.chaos.source_at(self.now) {
            Some(SourceMood::Slow(millis)) => millis,
            Some(SourceMood::Down) => self.dice.within(1, TIMEOUT),
            _ => self.dice.within(5, 800),
        }
    }

    /// The samples, or the values of slices, of `(from, until]`.
    pub(crate) fn ask(
        &mut self,
        feed: &Arc<PolledFeed>,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<RawSeries>, String> {
        match self.chaos.source_at(self.now) {
            Some(SourceMood::Down) => return Err("nobody answers".to_owned()),
            Some(SourceMood::Partial) => return Err("the answer is partial".to_owned()),
            Some(SourceMood::Flaky) if self.dice.chance(0.5) => {
                return Err("the source answered 503".to_owned());
            }
            // Each request of a poll may take its time, but not more than its deadline.
            Some(SourceMood::Slow(millis)) if millis > 4 * TIMEOUT => {
                return Err("no answer in time".to_owned());
            }
            _ => {}
        }
        let mut series = match feed.slos.first().map(|slo| (slo, &slo.indicator)) {
            Some((slo, Indicator::Slices { .. })) => self.slices(slo, from, until),
            _ => self.samples(feed, from, until),
        };
        if series.len() > 1 && self.dice.chance(0.2) {
            series.rotate_left(1);
        }
        Ok(series)
    }

    fn samples(&self, feed: &PolledFeed, from: Timestamp, until: Timestamp) -> Vec<RawSeries> {
        let mut found = Vec::new();
        for (labels, scraped) in &self.plant.series {
            if !feed
                .polls
                .iter()
                .any(|poll| poll.selector().matches(labels))
            {
                continue;
            }
            let begin = scraped.partition_point(|s| s.at <= from.as_millis());
            let rest = scraped[begin..].iter();
            let shown = rest.take_while(|s| s.at <= until.as_millis() && s.visible <= self.now);
            let samples: Vec<Sample> = shown
                .map(|scraped| Sample {
                    at: Timestamp::from_millis(scraped.at),
                    value: scraped.value,
                })
                .collect();
            if !samples.is_empty() {
                found.push(RawSeries {
                    labels: labels.clone(),
                    samples,
                });
            }
        }
        found
    }

    fn slices(&self, slo: &Slo, from: Timestamp, until: Timestamp) -> Vec<RawSeries> {
        let Indicator::Slices { slice, .. } = slo.indicator else {
            return Vec::new();
        };
        let mut at = from.align_down(slice) + slice;
        let mut samples = Vec::new();
        let past = Timestamp::from_millis(self.scenario.extent.past);
        while at <= until.align_down(slice) {
            // The source knows nothing of the future, whatever time it is asked for.
            if at >= past
                && at.as_millis() <= self.now
                && let Some(holds) = self.plant.condition(&slo.service, at.as_millis())
            {
                let value = f64::from(u8::from(holds));
                samples.push(Sample { at, value });
            }
            at = at + slice;
        }
        match samples.is_empty() {
            true => Vec::new(),
            false => vec![RawSeries {
                labels: Labels::empty(),
                samples,
            }],
        }
    }
}
