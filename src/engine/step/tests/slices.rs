//! Graded time slices through the one door, alone and as a part, against a recount of the slices.

use proptest::prelude::*;

use super::*;
use crate::engine::sample::{RawSeries, Sample};
use crate::engine::slo::{Combination, Composite, Part};

const SLICE: Span = Span::from_mins(1);

fn graded() -> Slo {
    let mut slo = slo("shop", &["zone"]);
    slo.indicator = Indicator::Slices {
        condition: "freshness".to_owned(),
        slice: SLICE,
        graded: true,
    };
    slo.policy = Arc::new(quick());
    slo.period = Period::Rolling(Span::from_hours(12));
    slo.reach = Reach::new(&slo.policy, &slo.period);
    slo
}

/// The mean of the zones, as one number.
fn mean() -> Slo {
    let part = Part {
        slo: graded().id,
        weight: 2.0,
    };
    Slo {
        indicator: Indicator::Composite(Composite {
            combination: Combination::Weighted,
            parts: vec![part],
        }),
        id: SloId::new("mean", "availability"),
        group_by: Vec::new(),
        ..graded()
    }
}

/// How bad the slice of a zone is: as bad as the worst of its series that has a value.
fn badness(values: &[Option<f64>; 2]) -> Option<f64> {
    let known = values.iter().flatten().filter(|value| !value.is_nan());
    let worst = known.copied().reduce(f64::min)?;
    Some((1.0 - worst).clamp(0.0, 1.0))
}

/// Per minute and zone, the values of two series.
type Minutes = Vec<[[Option<f64>; 2]; 2]>;

fn minutes() -> impl Strategy<Value = Minutes> {
    let values = [1.0, 1.0, 0.5, 0.875, 0.0, -2.0, f64::INFINITY, f64::NAN];
    let value = prop::option::weighted(0.8, prop::sample::select(values.to_vec()));
    let pair = prop::array::uniform2(value);
    prop::collection::vec(prop::array::uniform2(pair), 15..80)
}

fn polled(
    minutes: &Minutes,
    origin: Timestamp,
    from: Timestamp,
    until: Timestamp,
) -> Vec<RawSeries> {
    let mut series = Vec::new();
    for (zone, name) in ["eu", "us"].into_iter().enumerate() {
        for pod in 0..2 {
            let sample = |(minute, zones): (usize, &[[Option<f64>; 2]; 2])| {
                let at = origin + SLICE.times(minute as i64);
                let value = zones[zone][pod]?;
                (at > from && at <= until).then_some(Sample { at, value })
            };
            let samples = minutes.iter().enumerate().filter_map(sample).collect();
            let pod = pod.to_string();
            let labels = Labels::new([("zone", name), ("pod", pod.as_str())]);
            series.push(RawSeries { labels, samples });
        }
    }
    series
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn graded_slices_are_what_their_values_say(
        minutes in minutes(),
        restarts in prop::collection::btree_set(0_usize..160, 0..4),
    ) {
        let mut scene = Scene::cold(vec![mean(), graded()]);
        let origin = scene.now;
        for slot in 1..=minutes.len() * 2 {
            if restarts.contains(&slot) {
                scene.restart();
            }
            scene.now = origin + Span::from_secs(30).times(slot as i64);
            let from = scene.now - Span::from_mins(4);
            let series = polled(&minutes, origin, from, scene.now);
            let evidence = Ok(Evidence::Samples { from, series });
            scene.step(Input::Slot { feed: "shop".to_owned(), evidence });
            let count = |zones: &[usize], window: Span| {
                let mut counts = Counts::ZERO;
                for (minute, values) in minutes.iter().enumerate() {
                    let at = origin + SLICE.times(minute as i64);
                    if at > scene.now - window && at <= scene.now {
                        for bad in zones.iter().filter_map(|zone| badness(&values[*zone])) {
                            counts += Counts { bad, total: 1.0 };
                        }
                    }
                }
                counts
            };
            for evaluation in scene.engine.evaluations("shop").unwrap().1 {
                let zone = match evaluation.id.labels.get("zone") {
                    Some("eu") => 0,
                    Some(_) => 1,
                    None => continue,
                };
                for reading in evaluation.readings.iter().filter(|r| r.burn.is_some()) {
                    let counts = count(&[zone], reading.window);
                    prop_assert_eq!(reading.counts, Some(counts));
                }
            }
            let whole = scene.engine.evaluations("composite:mean/availability").unwrap().1;
            for reading in whole[0].readings.iter().filter(|r| r.burn.is_some()) {
                let counts = count(&[0, 1], reading.window);
                prop_assert_eq!(reading.counts, Some(counts));
            }
        }
    }
}
