//! Comparisons of rows of slots, worked out by hand.

use crate::exactness::intervals::Comparison;

/// `#` is a slot at which a rule holds.
fn row(text: &str) -> Vec<bool> {
    text.chars().map(|slot| slot == '#').collect()
}

fn compared(truth: &str, allowed: &str, found: &str) -> Comparison {
    let mut comparison = Comparison::default();
    comparison.add("it", &row(truth), &row(allowed), &row(found));
    comparison
}

fn check(truth: &str, allowed: &str, found: &str, starts: &[(i64, Option<i64>)]) -> Comparison {
    let compared = compared(truth, allowed, found);
    let got: Vec<_> = compared
        .starts
        .iter()
        .map(|s| (s.late, s.beyond()))
        .collect();
    assert_eq!(got, starts, "{compared:#?}");
    compared
}

#[test]
fn what_the_source_costs_is_told_apart_from_what_the_decider_costs() {
    check("..####..", "...####.", ".....##.", &[(90, Some(60))]);
    check("..####..", "..####..", "..####..", &[(0, Some(0))]);
    check("..####..", "...####.", "..####..", &[(0, Some(-30))]);
    check("..####..", ".#####..", "...###..", &[(30, Some(30))]);
    check("..#.....", "........", "..#.....", &[(0, None)]);
}

#[test]
fn a_mistake_is_of_the_samples_or_of_the_decider() {
    for (samples, is_of_samples) in [("...#....", true), ("........", false)] {
        let compared = check("........", samples, "...#....", &[]);
        assert_eq!(compared.extra.len(), 1);
        assert_eq!(compared.extra[0].is_of_samples, is_of_samples);
    }
    for (samples, is_of_samples) in [("........", true), ("...#....", false)] {
        let compared = check("...#....", samples, "........", &[]);
        assert_eq!(compared.missed.len(), 1);
        assert_eq!(compared.missed[0].is_of_samples, is_of_samples);
    }
}

#[test]
fn two_that_are_told_as_one_are_not_missed() {
    let (truth, told) = ("###...........###..", "####..........###..");
    let compared = check(truth, truth, truth, &[(0, Some(0)), (0, Some(0))]);
    assert!(compared.joined.is_empty());
    // A slot closer, and they are one: the second was told, with the first.
    let short = "####.........####..";
    let compared = check(truth, short, short, &[(0, Some(0)), (0, Some(0))]);
    assert!(compared.missed.is_empty() && compared.extra.is_empty());
    assert!(compared.joined[0].is_of_samples);
    // Here the second one was told late.
    let short = "#####........##.##.";
    let late = "#######........##..";
    let compared = check(truth, short, late, &[(0, Some(0)), (30, Some(30))]);
    assert!(compared.joined[0].is_of_samples && compared.ends == [120, 0]);
    let _same = check(truth, told, told, &[(0, Some(0)), (0, Some(0))]);
}

#[test]
fn one_that_goes_on_is_not_the_next() {
    let mut truth = vec![true; 3];
    truth.extend(vec![false; 12]);
    truth.extend(vec![true; 3]);
    let mut found = vec![true; 14];
    found.extend(vec![false; 4]);
    let mut comparison = Comparison::default();
    comparison.add("it", &truth, &truth, &found);
    assert_eq!((comparison.starts.len(), comparison.missed.len()), (1, 1));
}
