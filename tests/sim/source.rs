//! What the source tells: the samples that it shows at the true time, if it is in the mood.

use std::sync::Arc;

use slofuse::engine::{
    Answer, Indicator, Labels, RawSeries, Sample, Slo, Span, Timestamp, WindowAnswers,
};
use slofuse::prometheus::PolledFeed;

use crate::chaos::SourceMood;
use crate::world::World;

/// The deadline of a request, in milliseconds: the default of the settings.
const TIMEOUT: i64 = 10_000;
/// Whole windows are computed from so much of their end, in milliseconds: before that all was well
/// in every world, and the ratio of a day to an hour matters to nobody here.
const LOOKED_AT: i64 = 2 * 3_600_000;

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
        self.refuse()?;
        let mut series = match feed.slos.first().map(|slo| (slo, &slo.indicator)) {
            Some((slo, Indicator::Slices { .. })) => self.slices(slo, from, until),
            _ => self.samples(feed, from, until),
        };
        if series.len() > 1 && self.dice.chance(0.2) {
            series.rotate_left(1);
        }
        Ok(series)
    }

    /// Error ratios of whole windows, each of `(at - window, at]`: NaN where nothing was measured,
    /// nothing at all where the last minutes lack.
    pub(crate) fn ask_windows(
        &mut self,
        feed: &Arc<PolledFeed>,
        windows: &[Span],
        at: Timestamp,
    ) -> Result<WindowAnswers, String> {
        self.refuse()?;
        let job = feed.slos.first().map_or("", |slo| &slo.service);
        let at = at.as_millis();
        let dark = (0..10).all(|n| self.plant.condition(job, at - n * 30_000).is_none());
        let answer = |window: &Span| {
            let times = (0..).map(|n| at - n * 30_000);
            let times = times.take_while(|time| at - time < window.as_millis().min(LOOKED_AT));
            let seen: Vec<bool> = times
                .filter_map(|time| self.plant.condition(job, time))
                .collect();
            let bad = seen.iter().filter(|holds| !**holds).count();
            let ratio = bad as f64 / seen.len() as f64;
            let series = match dark {
                true => Vec::new(),
                false => vec![(Labels::empty(), Answer::Ratio(ratio))],
            };
            (*window, series)
        };
        Ok(windows.iter().map(answer).collect())
    }

    /// Whether the source gives no answer at present.
    fn refuse(&mut self) -> Result<(), String> {
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
        Ok(())
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
