//! One instance over time, drawn with characters: what was left of the budget, how it burned, and
//! which alerts were up.

use crate::cli::check::Paint;
use crate::config::Level;
use crate::engine::{Severity, Timestamp};
use crate::replay::report::{AlertKind, CurveReport, InstanceReport};

const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// Nothing is left of the budget.
const SPENT: char = '×';
/// Nothing is known, or nothing is up.
const NOTHING: char = '·';
/// Burn rates are drawn on a logarithmic scale between these two.
pub(super) const BURN_MIN: f64 = 0.1;
pub(super) const BURN_MAX: f64 = 100.0;

/// The lines of a chart: budget, burn, alerts.
pub(super) fn lines(
    instance: &InstanceReport,
    until: Timestamp,
    width: usize,
    paint: Paint,
) -> [String; 3] {
    let curve = &instance.curve;
    let steps = curve.remaining.min.len();
    let columns = Columns { steps, width };
    [
        columns.draw(
            |from, to| budget(lowest(&curve.remaining.min, from, to)),
            paint,
        ),
        columns.draw(|from, to| burn(highest(curve, from, to)), paint),
        columns.draw(|from, to| alert(instance, until, from, to), paint),
    ]
}

/// Steps of a curve spread over columns of a terminal.
struct Columns {
    steps: usize,
    width: usize,
}

impl Columns {
    /// One character per column, of the steps in `from..to`.
    fn draw(
        &self,
        character: impl Fn(usize, usize) -> (char, Option<Level>),
        paint: Paint,
    ) -> String {
        let mut line = String::new();
        let mut run = (String::new(), None);
        for column in 0..self.width.max(1) {
            let from = column * self.steps / self.width.max(1);
            let to = ((column + 1) * self.steps / self.width.max(1)).max(from + 1);
            let (character, level) = character(from, to);
            if level != run.1 {
                line.push_str(&painted(&run, paint));
                run = (String::new(), level);
            }
            run.0.push(character);
        }
        line.push_str(&painted(&run, paint));
        line
    }
}

fn painted((text, level): &(String, Option<Level>), paint: Paint) -> String {
    match level {
        Some(level) => paint.level(*level, text),
        None => text.clone(),
    }
}

fn lowest(values: &[Option<f32>], from: usize, to: usize) -> Option<f64> {
    let values = values.get(from..to).unwrap_or_default().iter().flatten();
    values.copied().reduce(f32::min).map(f64::from)
}

/// Of the shortest window.
fn highest(curve: &CurveReport, from: usize, to: usize) -> Option<f64> {
    let values = &curve.burns.first()?.burn.max;
    let values = values.get(from..to).unwrap_or_default().iter().flatten();
    values.copied().reduce(f32::max).map(f64::from)
}

fn budget(remaining: Option<f64>) -> (char, Option<Level>) {
    match remaining {
        None => (NOTHING, None),
        Some(left) if left <= 0.0 => (SPENT, Some(Level::Error)),
        Some(left) => (block(left), (left < 0.25).then_some(Level::Warning)),
    }
}

fn burn(rate: Option<f64>) -> (char, Option<Level>) {
    match rate {
        None => (NOTHING, None),
        Some(rate) => {
            let share = (rate / BURN_MIN).ln() / (BURN_MAX / BURN_MIN).ln();
            (block(share), (rate > 1.0).then_some(Level::Warning))
        }
    }
}

/// The block for a share of the whole.
fn block(share: f64) -> char {
    let eighths = (share.clamp(0.0, 1.0) * 8.0).ceil() as usize;
    BLOCKS[eighths.clamp(1, 8) - 1]
}

/// The loudest alert that was up during these steps.
fn alert(
    instance: &InstanceReport,
    until: Timestamp,
    from: usize,
    to: usize,
) -> (char, Option<Level>) {
    let curve = &instance.curve;
    let at = |step: usize| curve.from + curve.step.times(i64::try_from(step).unwrap_or(i64::MAX));
    let (start, end) = (at(from), at(to));
    let up = instance
        .alerts
        .iter()
        .filter(|alert| alert.fired_at <= end && alert.ended_at.unwrap_or(until) > start);
    let loudest = up
        .map(|alert| match (alert.kind, alert.severity) {
            (AlertKind::Burn, Severity::Page) => (0, 'P', Level::Error),
            (AlertKind::Burn, Severity::Ticket) => (1, 't', Level::Warning),
            (AlertKind::Blind | AlertKind::SourceDown, _) => (2, 'b', Level::Note),
            (AlertKind::Burn, Severity::Info) => (3, 'i', Level::Note),
        })
        .min_by_key(|(rank, ..)| *rank);
    match loudest {
        Some((_, character, level)) => (character, Some(level)),
        None => {
            let mut gaps = instance.gaps.iter();
            let is_unseen = gaps.any(|gap| gap.from <= start && gap.until >= end);
            (if is_unseen { '?' } else { NOTHING }, None)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_end_where_they_say() {
        assert_eq!(budget(Some(1.0)).0, '█');
        assert_eq!(budget(Some(0.01)).0, '▁');
        assert_eq!(budget(Some(0.0)).0, SPENT);
        assert_eq!(budget(Some(-3.0)).0, SPENT);
        assert_eq!(budget(None).0, NOTHING);
        assert_eq!(burn(Some(0.0)).0, '▁');
        assert_eq!(burn(Some(BURN_MAX)).0, '█');
        assert_eq!(burn(Some(f64::INFINITY)).0, '█');
        assert_eq!(burn(Some(1.1)), ('▃', Some(Level::Warning)));
    }

    #[test]
    fn few_steps_fill_the_width_and_many_keep_their_extremes() {
        let paint = Paint::plain();
        let wide = Columns { steps: 2, width: 6 };
        let mark = |from: usize, _| (if from == 0 { 'a' } else { 'b' }, None);
        assert_eq!(wide.draw(mark, paint), "aaabbb");
        let values: Vec<Option<f32>> = (0..360)
            .map(|n| Some(if n == 100 { -1.0 } else { 1.0 }))
            .collect();
        let narrow = Columns {
            steps: 360,
            width: 40,
        };
        let line = narrow.draw(|from, to| budget(lowest(&values, from, to)), paint);
        assert_eq!(line.chars().count(), 40);
        assert_eq!(line.chars().filter(|c| *c == SPENT).count(), 1);
        let none = Columns { steps: 0, width: 3 };
        assert_eq!(
            none.draw(|from, to| budget(lowest(&[], from, to)), paint),
            "···"
        );
    }
}
