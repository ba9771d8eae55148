//! The page about the SRE workbook says what the engine does, and the engine does what the
//! workbook's closed form says.

use std::sync::LazyLock;

#[path = "../../examples/workbook/chart.rs"]
mod chart;
#[path = "../../examples/workbook/page.rs"]
mod page;
#[path = "../../examples/workbook/strategies.rs"]
mod strategies;
#[path = "../../examples/workbook/trials.rs"]
mod trials;

use slofuse::engine::Span;

use super::repository::read;
use page::Played;
use strategies::{SCRAPE, SLOT};
use trials::RATIOS;

/// Played once for all tests.
static PLAYED: LazyLock<Vec<Played>> = LazyLock::new(|| page::played().unwrap());

#[test]
fn the_page_says_what_is_played() {
    for (name, text) in page::written(&PLAYED) {
        let path = format!("docs/{name}");
        assert!(
            read(&path) == text,
            "{path} is out of date: cargo run --release --example workbook"
        );
    }
}

/// SRE workbook, chapter 5: a tier tells after (1 - objective) / ratio x window x factor.
#[test]
fn detection_follows_the_closed_form() {
    let mut compared = 0;
    for (strategy, outcome) in PLAYED.iter() {
        for (ratio, told) in RATIOS.iter().zip(&outcome.detections) {
            let place = format!("{}, {ratio}", strategy.title);
            let Some(formula) = strategy.formula(*ratio) else {
                assert_eq!(*told, None, "{place}");
                continue;
            };
            let told = told.unwrap_or_else(|| panic!("{place}: nobody was told"));
            let late = SLOT + SCRAPE;
            assert!(
                formula <= told && told <= formula + late,
                "{place}: {told}, {formula}"
            );
            compared += 1;
        }
    }
    assert!(compared > 90, "{compared}");
}

/// The parts of the chapter's argument that are orders, not numbers.
#[test]
fn the_strategies_differ_as_the_chapter_says() {
    let judged = |number: usize| &PLAYED[number - 1].1.judgement;
    let precision = |number: usize| judged(number).precision.unwrap();
    let recall = |number: usize| judged(number).recall.unwrap();
    assert!(
        recall(1) > 0.99 && precision(1) < 0.7,
        "tells of everything"
    );
    assert!(
        precision(2) > precision(1),
        "a longer window is more precise"
    );
    assert!(recall(3) < recall(1), "a duration loses events");
    assert!(recall(4) < recall(5), "one burn rate misses slow burns");
    assert!(precision(5) > 0.99 && precision(6) > 0.99);
    let outage = RATIOS.len() - 1;
    let detected = |number: usize| PLAYED[number - 1].1.detections[outage].unwrap();
    assert!(
        detected(3) >= Span::from_hours(1),
        "an outage waits as long as anything"
    );
    let all = |number: usize| &PLAYED[number - 1].1.detections;
    assert!(
        all(5) == all(6) && all(6) == all(7),
        "short windows delay nothing"
    );
    let last = |number: usize| PLAYED[number - 1].1.page_resets.last().unwrap().unwrap();
    assert!(
        last(2) > Span::from_hours(35),
        "36 hours of a page that is over"
    );
    assert!(last(6) <= Span::from_mins(31) && last(5) > Span::from_hours(5));
}
