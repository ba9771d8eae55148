//! The line of a curve as SVG path data: few bytes, no extreme lost.
//!
//! Of the points in one column the first, the lowest, the highest and the last are kept, in their
//! order: a line through them covers the same pixels as a line through all (M4 aggregation, Jugel
//! et al., "M4: A Visualization-Oriented Time Series Data Aggregation", VLDB 2014). Places are
//! whole numbers of a grid of [`COLUMNS_MAX`] x [`ROWS`], written as steps from one to the next.

use super::scale::{TimeScale, ValueScale};
use crate::engine::Timestamp;

/// Rows of the grid that curves are drawn in: a value is rounded to so many steps.
pub(super) const ROWS: i32 = 1000;
/// Most columns of the grid: more than a screen resolves in a plot of this breadth.
pub(super) const COLUMNS_MAX: u16 = 720;

/// A curve: what was known at which time. A `None` ends the line until there is a value again.
pub(super) type Series = [(Timestamp, Option<f64>)];

/// A place in the grid; rows count from the top, as SVG does.
type Place = (i32, i32);

/// Where a curve is drawn.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grid {
    /// Its breadth.
    pub time: TimeScale,
    /// Its height.
    pub value: ValueScale,
    /// How many columns it has.
    pub columns: u16,
}

impl Grid {
    fn place(&self, at: Timestamp, value: Option<f64>) -> Option<Place> {
        let share = self.value.share(value?)?;
        let row = ((1.0 - share) * f64::from(ROWS)).round() as i32;
        Some((self.column(at), row))
    }

    fn column(&self, at: Timestamp) -> i32 {
        (self.time.share(at) * f64::from(self.columns)).round() as i32
    }

    /// The line of a curve; empty when there is nothing to draw.
    pub(super) fn line(&self, series: &Series) -> String {
        let mut data = String::new();
        for run in self.runs(series) {
            data += &steps(&thinned(&run));
        }
        data
    }

    /// The stretches without a gap.
    fn runs(&self, series: &Series) -> Vec<Vec<Place>> {
        let inside = series
            .iter()
            .filter(|(at, _)| self.time.from <= *at && *at <= self.time.to);
        let places: Vec<Option<Place>> = inside.map(|(at, v)| self.place(*at, *v)).collect();
        let runs = places.split(Option::is_none);
        let runs = runs.map(|run| run.iter().copied().flatten().collect::<Vec<_>>());
        runs.filter(|run| !run.is_empty()).collect()
    }
}

/// First, lowest, highest and last of each column, in order; of a straight line its ends.
fn thinned(run: &[Place]) -> Vec<Place> {
    let mut kept: Vec<Place> = Vec::new();
    for column in run.chunk_by(|a, b| a.0 == b.0) {
        let indices = 0..column.len();
        let row = |at: &usize| column.get(*at).map_or(0, |place| place.1);
        let lowest = indices.clone().max_by_key(row).unwrap_or(0);
        let highest = indices.min_by_key(row).unwrap_or(0);
        let mut chosen = [0, lowest, highest, column.len() - 1];
        chosen.sort_unstable();
        for place in chosen.iter().filter_map(|at| column.get(*at)) {
            push(&mut kept, *place);
        }
    }
    kept
}

/// Adds a place, unless it is the last again; drops the last if it lies on the way.
fn push(kept: &mut Vec<Place>, next: Place) {
    match kept.as_slice() {
        [.., last] if *last == next => return,
        [.., before, last] if is_between(*before, *last, next) => {
            kept.pop();
        }
        _ => {}
    }
    kept.push(next);
}

/// Whether the way from `a` to `c` leads straight on through `b`.
fn is_between(a: Place, b: Place, c: Place) -> bool {
    let (first, second) = ((b.0 - a.0, b.1 - a.1), (c.0 - b.0, c.1 - b.1));
    let is_straight =
        i64::from(first.0) * i64::from(second.1) == i64::from(first.1) * i64::from(second.0);
    is_straight && first.1.signum() * second.1.signum() >= 0
}

/// `M0 500l1-3 2 7h5v9`: relative steps, as short as path data allow.
fn steps(places: &[Place]) -> String {
    let Some(((x, y), rest)) = places.split_first() else {
        return String::new();
    };
    let mut data = format!("M{x} {y}");
    let (mut at, mut command) = ((*x, *y), 'M');
    for place in rest {
        let (dx, dy) = (place.0 - at.0, place.1 - at.1);
        let (next, numbers) = match (dx, dy) {
            (dx, 0) => ('h', vec![dx]),
            (0, dy) => ('v', vec![dy]),
            (dx, dy) => ('l', vec![dx, dy]),
        };
        if next != command {
            data.push(next);
        }
        for (index, number) in numbers.iter().enumerate() {
            // A minus parts numbers as well as a space does.
            let is_parted = index == 0 && next != command || *number < 0;
            data += &format!("{}{number}", if is_parted { "" } else { " " });
        }
        (at, command) = (*place, next);
    }
    // A lonely point is a short dash.
    if rest.is_empty() {
        data += "h1";
    }
    data
}

#[cfg(test)]
mod tests;
