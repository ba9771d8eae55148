//! What a section draws, taken out of the report: lines, thresholds, and what was up when.

use super::bands::Band;
use super::curves::{Curve, Threshold, times};
use super::section::Stage;
use super::timeline::{Lane, Row};
use crate::engine::Timestamp;
use crate::replay::report::{self as given, AlertKind, AlertReport, InstanceReport, SloReport};

/// A curve's points.
type Points = Vec<(Timestamp, Option<f64>)>;

/// Curves, each with the variants that have it in common, so that it is drawn once.
pub(super) type Shared = Vec<(Vec<usize>, Drawn)>;

/// A curve of one variant.
#[derive(Debug, PartialEq)]
pub(super) struct Drawn {
    name: String,
    class: &'static str,
    points: Points,
}

/// The curves of all variants.
pub(super) fn shared(
    played: &[(usize, &InstanceReport)],
    curves: impl Fn(&InstanceReport) -> Vec<Drawn>,
) -> Shared {
    let mut shared: Shared = Vec::new();
    for (variant, instance) in played {
        for drawn in curves(instance) {
            match shared.iter_mut().find(|(_, other)| *other == drawn) {
                Some((variants, _)) => variants.push(*variant),
                None => shared.push((vec![*variant], drawn)),
            }
        }
    }
    shared
}

/// As they are drawn.
pub(super) fn curves_of(shared: &Shared) -> Vec<Curve<'_>> {
    let curves = shared.iter().map(|(variants, drawn)| Curve {
        variants: variants.clone(),
        name: drawn.name.clone(),
        class: drawn.class,
        series: &drawn.points,
    });
    curves.collect()
}

/// The share of the budget that is left.
pub(super) fn left(curve: &given::CurveReport) -> Vec<Drawn> {
    vec![Drawn {
        name: "budget left".to_owned(),
        class: "left",
        points: points(curve, None),
    }]
}

/// The burn rate over each window.
pub(super) fn burns(curve: &given::CurveReport) -> Vec<Drawn> {
    let count = curve.burns.len();
    let burns = curve.burns.iter().enumerate();
    burns
        .map(|(rank, burn)| Drawn {
            name: format!("burn over {}", burn.window),
            class: match rank {
                0 if count > 1 => "short",
                0 | 1 => "fast",
                _ => "long",
            },
            points: points(curve, Some(&burn.burn)),
        })
        .collect()
}

/// The points of a band, the budget's unless another is given: of each step the extremes, then
/// what it ended with.
pub(super) fn points(curve: &given::CurveReport, band: Option<&given::Band>) -> Points {
    let band = band.unwrap_or(&curve.remaining);
    let mut points = Vec::with_capacity(band.last.len() * 3);
    let value = |values: &[Option<f32>], at: usize| values.get(at).copied().flatten();
    for at in 0..band.last.len() {
        let steps = i64::try_from(at).unwrap_or(i64::MAX).saturating_add(1);
        let end = curve.from + curve.step.times(steps);
        let (low, high) = (value(&band.min, at), value(&band.max, at));
        let last = value(&band.last, at);
        // The extreme that is farther from the end came before the other.
        let falls = match (low, high, last) {
            (Some(low), Some(high), Some(last)) => last - low <= high - last,
            _ => false,
        };
        let order = if falls {
            [high, low, last]
        } else {
            [low, high, last]
        };
        match order.iter().flatten().next() {
            Some(_) => {
                let known = order.into_iter().flatten();
                points.extend(known.map(|value| (end, Some(f64::from(value)))));
            }
            None => points.push((end, None)),
        }
    }
    points
}

/// The tiers of all variants.
pub(super) fn thresholds(played: &[(usize, &InstanceReport)]) -> Vec<Threshold> {
    let mut thresholds: Vec<Threshold> = Vec::new();
    for (variant, instance) in played {
        for tier in &instance.tiers {
            let windows = format!("{}/{}", tier.long, tier.short);
            let same = thresholds.iter_mut().find(|threshold| {
                threshold.factor == tier.factor
                    && threshold.windows == windows
                    && threshold.severity == tier.severity
            });
            match same {
                Some(threshold) if threshold.variants.last() == Some(variant) => {}
                Some(threshold) => threshold.variants.push(*variant),
                None => thresholds.push(Threshold {
                    variants: vec![*variant],
                    severity: tier.severity,
                    factor: tier.factor,
                    windows,
                }),
            }
        }
    }
    thresholds
}

/// What was up when, by variant.
pub(super) fn lanes(stage: &Stage<'_>, slo: &SloReport) -> Vec<Row> {
    let variants = slo.variants.iter().enumerate();
    let row = |(variant, instance): (usize, &Option<InstanceReport>)| {
        let alerts = instance.iter().flat_map(|instance| &instance.alerts);
        let bands = alerts.map(|alert| {
            let lane = match alert.kind {
                AlertKind::Burn => Lane::Burn(alert.severity),
                AlertKind::Blind | AlertKind::SourceDown => Lane::Blind,
            };
            (lane, band(stage, variant, alert))
        });
        Row {
            variant,
            name: stage.name(variant),
            bands: bands.collect(),
        }
    };
    variants.map(row).collect()
}

fn band(stage: &Stage<'_>, variant: usize, alert: &AlertReport) -> Band {
    Band {
        variant,
        severity: alert.severity,
        from: alert.fired_at.max(stage.time.from),
        to: alert.ended_at,
        peak: alert.peak_burn.map(times),
    }
}

/// The burns among them, for the background of curves.
pub(super) fn bands(rows: &[Row]) -> Vec<Band> {
    let bands = rows.iter().flat_map(|row| &row.bands);
    let burns = bands.filter(|(lane, _)| matches!(lane, Lane::Burn(_)));
    burns.map(|(_, band)| band.clone()).collect()
}
