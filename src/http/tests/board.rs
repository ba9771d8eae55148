//! What publications replace and keep.

use super::*;

#[test]
fn new_definitions_keep_the_evaluations_that_still_mean_something() {
    let board = shop();
    let before = board.read();
    let checkout = slo("shop", "checkout", &["region"]);
    let instances = |board: &Board| -> Vec<usize> {
        let published = board.read();
        let rows = published.slos();
        rows.iter().map(|row| row.evaluations.len()).collect()
    };
    board.replace_feeds(vec![feed("direct", &[&checkout])]);
    assert_eq!(instances(&board), [3]);
    let regrouped = slo("shop", "checkout", &["zone"]);
    board.replace_feeds(vec![feed("direct", &[&regrouped])]);
    assert_eq!(instances(&board), [0]);
    board.publish_slot("gone", NOON + INTERVAL, Vec::new());
    board.set_coverage("gone", 1.0);
    assert_eq!(
        board.read().decided_at,
        Some(NOON),
        "an unknown feed is ignored"
    );
    assert_eq!(before.slos().len(), 2, "a snapshot does not change");
}

#[test]
fn a_long_report_is_cut() {
    let board = board();
    board.reload_failed(NOON, "ü".repeat(1 << 20));
    let published = board.read();
    let (_, report) = published.reloads.failure.as_ref().unwrap();
    assert_eq!(report.len(), 64 << 10);
}
