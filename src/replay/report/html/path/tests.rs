//! Lines keep what matters of a curve, whatever its values.

use proptest::prelude::*;

use super::*;

fn grid(columns: u16) -> Grid {
    let at = Timestamp::from_secs;
    Grid {
        time: TimeScale::new(at(0), at(1000)),
        value: ValueScale::Linear {
            low: 0.0,
            high: 1.0,
        },
        columns,
    }
}

fn series(points: &[(i64, f64)]) -> Vec<(Timestamp, Option<f64>)> {
    let point = |(at, value): &(i64, f64)| (Timestamp::from_secs(*at), Some(*value));
    points.iter().map(point).collect()
}

/// Reads path data back: the places of every line.
fn read(data: &str) -> Vec<Vec<Place>> {
    let mut lines: Vec<Vec<Place>> = Vec::new();
    let mut rest = data;
    while let Some(command) = rest.chars().next() {
        let after = rest.split_at(command.len_utf8()).1;
        let end = after.find(|c: char| c.is_alphabetic());
        let (numbers, next) = after.split_at(end.unwrap_or(after.len()));
        rest = next;
        let spaced = numbers.replace('-', " -");
        let numbers: Vec<i32> = spaced
            .split_whitespace()
            .map(|number| number.parse().unwrap())
            .collect();
        let step = if matches!(command, 'M' | 'l') { 2 } else { 1 };
        assert_eq!(numbers.len() % step, 0, "{data}");
        for chunk in numbers.chunks(step) {
            let last = lines.last().and_then(|line| line.last()).copied();
            let next = match (command, chunk) {
                ('M', [x, y]) => {
                    lines.push(Vec::new());
                    (*x, *y)
                }
                ('l', [dx, dy]) => (last.unwrap().0 + dx, last.unwrap().1 + dy),
                ('h', [dx]) => (last.unwrap().0 + dx, last.unwrap().1),
                ('v', [dy]) => (last.unwrap().0, last.unwrap().1 + dy),
                _ => panic!("{command} in {data}"),
            };
            lines.last_mut().unwrap().push(next);
        }
    }
    lines
}

#[test]
fn lines_are_short() {
    let flat: Vec<(i64, f64)> = (0..=1000).map(|at| (at, 0.5)).collect();
    assert_eq!(grid(100).line(&series(&flat)), "M0 500h100");
    let rising: Vec<(i64, f64)> = (0..=10).map(|at| (at * 100, at as f64 / 10.0)).collect();
    assert_eq!(grid(100).line(&series(&rising)), "M0 1000l100-1000");
    let stairs = series(&[(0, 1.0), (500, 1.0), (500, 0.25), (1000, 0.25)]);
    assert_eq!(grid(100).line(&stairs), "M0 0h50v750h50");
    let zigzag = series(&[(0, 0.0), (100, 0.1), (200, 0.0), (300, 0.1)]);
    assert_eq!(grid(100).line(&zigzag), "M0 1000l10-100 10 100 10-100");
}

#[test]
fn nothing_and_one_point_and_gaps() {
    assert_eq!(grid(100).line(&[]), "");
    assert_eq!(grid(100).line(&series(&[(500, 0.5)])), "M50 500h1");
    let mut gap = series(&[(0, 1.0), (100, 1.0), (200, 0.0), (300, 0.5), (400, 0.5)]);
    gap[2].1 = None;
    assert_eq!(grid(100).line(&gap), "M0 0h10M30 500h10");
    let none: Vec<_> = gap.iter().map(|(at, _)| (*at, None)).collect();
    assert_eq!(grid(100).line(&none), "");
}

#[test]
fn what_is_no_number_is_a_gap_and_what_is_too_large_is_at_the_edge() {
    let odd = series(&[
        (0, f64::NAN),
        (100, f64::INFINITY),
        (200, f64::NEG_INFINITY),
        (300, -7.0),
        (400, f64::NAN),
        (500, 1e300),
    ]);
    assert_eq!(grid(100).line(&odd), "M10 0l10 1000h10M50 0h1");
}

#[test]
fn what_lies_outside_is_not_drawn() {
    let outside = series(&[(-100, 0.5), (0, 1.0), (1000, 1.0), (2000, 0.5)]);
    assert_eq!(grid(100).line(&outside), "M0 0h100");
}

proptest! {
    /// The naive oracle keeps every place: the line has the same ends, reaches the same extremes
    /// in every column, and touches nothing that the curve did not.
    #[test]
    fn no_extreme_is_lost(
        values in prop::collection::vec((0_i64..1000, prop::option::weighted(0.95, -0.2..1.2_f64)), 0..300),
        columns in 1_u16..200,
    ) {
        let mut values = values;
        values.sort_by_key(|(at, _)| *at);
        let grid = grid(columns);
        let series: Vec<_> = values.iter().map(|(at, v)| (Timestamp::from_secs(*at), *v)).collect();
        let lines = read(&grid.line(&series));
        let runs = grid.runs(&series);
        prop_assert_eq!(lines.len(), runs.len());
        for (line, run) in lines.iter().zip(&runs) {
            if run.iter().all(|place| place == &run[0]) {
                continue;
            }
            prop_assert_eq!(line.first(), run.first());
            prop_assert_eq!(line.last(), run.last());
            let rows = |places: &[Place]| {
                let rows = places.iter().map(|place| place.1);
                (rows.clone().min(), rows.max())
            };
            prop_assert_eq!(rows(line), rows(run));
            for place in line {
                prop_assert!(run.contains(place), "{:?} was never there", place);
            }
            prop_assert!(line.len() <= 4 * (usize::from(columns) + 1));
            prop_assert!(line.is_sorted_by_key(|place| place.0));
        }
    }

    #[test]
    fn no_number_breaks_it(values in prop::collection::vec(any::<f64>(), 0..50), low in any::<f64>()) {
        let series: Vec<_> = (0..).zip(&values).map(|(at, v)| (Timestamp::from_secs(at * 20), Some(*v))).collect();
        for value in [ValueScale::budget(low), ValueScale::burn(low)] {
            let grid = Grid { value, ..grid(60) };
            for line in read(&grid.line(&series)) {
                prop_assert!(line.iter().all(|(x, y)| (0..=61).contains(x) && (0..=ROWS).contains(y)));
            }
        }
    }
}
