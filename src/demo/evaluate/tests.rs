//! Answers against the closed form of the simulated traffic.

use super::*;

const START: Timestamp = Timestamp::from_secs(1_767_225_600);

fn world() -> World {
    World::new(START, 7)
}

fn parse(text: &str) -> Query {
    Query::parse(text).unwrap()
}

fn ask(text: &str, at: Timestamp) -> Result<Answer, Refusal> {
    instant(&world(), &parse(text), at)
}

fn vector_of(text: &str, at: Timestamp) -> Vec<(Labels, f64)> {
    match ask(text, at).unwrap() {
        Answer::Vector(vector) => vector,
        other @ Answer::Matrix(_) => panic!("{text}: {other:?}"),
    }
}

fn matrix_of(text: &str, at: Timestamp) -> Vec<(Labels, Points)> {
    match ask(text, at).unwrap() {
        Answer::Matrix(matrix) => matrix,
        other @ Answer::Vector(_) => panic!("{text}: {other:?}"),
    }
}

#[test]
fn ranges_end_at_the_time_of_the_query() {
    let matrix = matrix_of("http_requests_total[75s]", START);
    assert_eq!(matrix.len(), 4);
    for (labels, points) in &matrix {
        assert_eq!(labels.get(METRIC_NAME), Some("http_requests_total"));
        assert!((4..=5).contains(&points.len()), "{points:?}");
        let in_range = |at: Timestamp| at > START - Span::from_secs(75) && at <= START;
        assert!(points.iter().all(|(at, _)| in_range(*at)));
    }
}

#[test]
fn instants_are_the_last_sample() {
    let values = vector_of("http_requests_total", START);
    let matrix = matrix_of("http_requests_total[1m]", START);
    let lasts = matrix
        .into_iter()
        .map(|(labels, points)| (labels, points.last().unwrap().1));
    assert_eq!(values, lasts.collect::<Vec<_>>());
}

#[test]
fn nothing_is_known_before_the_beginning() {
    let before = world().begin() - Span::from_secs(1);
    assert_eq!(
        ask("http_requests_total", before),
        Ok(Answer::Vector(vec![]))
    );
    assert_eq!(ask("{pod!=\"\"}[1h]", before), Ok(Answer::Matrix(vec![])));
    assert_eq!(
        ask("sum(increase({pod!=\"\"}[1h]))", before),
        Ok(Answer::Vector(vec![]))
    );
    assert_eq!(
        ask("time() - max(x) < bool 5", before),
        Ok(Answer::Vector(vec![]))
    );
    assert_eq!(ask("no_such_metric[5m]", START), Ok(Answer::Matrix(vec![])));
}

#[test]
fn increases_are_near_the_closed_form_and_grouped() {
    let by_code = vector_of(
        "sum by (code, __name__) (increase(http_requests_total[1h]))",
        START,
    );
    let total = vector_of("sum(increase(http_requests_total[1h]))", START);
    let sum: f64 = by_code.iter().map(|(_, value)| value).sum();
    assert!((sum - total[0].1).abs() < 1e-6);
    let labels: Vec<String> = by_code
        .iter()
        .map(|(labels, _)| labels.to_string())
        .collect();
    assert_eq!(labels.len(), 2);
    assert!(labels.contains(&r#"{code="200"}"#.to_owned()), "{labels:?}");
    // Integral of the traffic, taken from samples at both edges of the hour.
    let at = |edge| -> f64 {
        vector_of("http_requests_total", edge)
            .iter()
            .map(|v| v.1)
            .sum()
    };
    let exact = at(START) - at(START - Span::from_hours(1));
    assert!(
        (total[0].1 / exact - 1.0).abs() < 0.01,
        "{total:?} is not {exact}"
    );
}

#[test]
fn increases_follow_prometheus() {
    let at = |secs: i64| START + Span::from_secs(secs);
    let check = |points: &[(i64, f64)], expected: Option<f64>| {
        let points: Points = points
            .iter()
            .map(|(secs, value)| (at(*secs), *value))
            .collect();
        assert_eq!(increase(&points, START, at(60)), expected, "{points:?}");
    };
    check(&[], None);
    check(&[(30, 5.0)], None);
    // Samples near both edges: extrapolated to them.
    check(&[(15, 100.0), (30, 110.0), (45, 120.0)], Some(40.0));
    // Far from an edge: half an interval.
    check(
        &[(30, 100.0), (40, 110.0), (50, 120.0)],
        Some(20.0 * 35.0 / 20.0),
    );
    // Not below zero before the first sample.
    check(
        &[(15, 1.0), (30, 11.0), (45, 21.0)],
        Some(20.0 * 46.5 / 30.0),
    );
    // A reset counts from zero.
    check(&[(15, 100.0), (30, 10.0), (45, 20.0)], Some(40.0));
    // Flat at one: the errors that no rate sees.
    check(&[(15, 1.0), (30, 1.0), (45, 1.0)], Some(0.0));
}

#[test]
fn reports_are_fresh_but_for_one_night() {
    let text = "time() - max(report_last_success_timestamp_seconds) < bool 93600";
    assert_eq!(vector_of(text, START), [(Labels::empty(), 1.0)]);
    let start = START - Span::from_days(30);
    let step = Span::from_mins(5);
    let matrix = range(&world(), &parse(text), (start, START), step).unwrap();
    let [(_, points)] = matrix.as_slice() else {
        panic!("{matrix:?}");
    };
    assert_eq!(points.len(), 30 * 288 + 1);
    let stale = points.iter().filter(|(_, value)| *value == 0.0).count();
    assert!((8..=16).contains(&stale), "{stale} slices of 5 minutes");
}

#[test]
fn ranges_are_many_instants() {
    let (start, step) = (START - Span::from_hours(5), Span::from_mins(47));
    for text in [
        "http_requests_total",
        "sum by (pod) (increase(http_requests_total[1h]))",
        "time() - max(report_last_success_timestamp_seconds) < bool 80000",
    ] {
        let matrix = range(&world(), &parse(text), (start, START), step).unwrap();
        let mut expected: BTreeMap<Labels, Points> = BTreeMap::new();
        for at in (0..=6).map(|n| start + step.times(n)) {
            for (labels, value) in vector_of(text, at) {
                expected.entry(labels).or_default().push((at, value));
            }
        }
        assert_eq!(matrix, expected.into_iter().collect::<Vec<_>>(), "{text}");
        assert!(!matrix.is_empty());
    }
}

#[test]
fn what_costs_too_much_is_refused() {
    let too_many = Err(Refusal::TooManySamples);
    let far = Timestamp::from_secs(250_000_000_000);
    assert_eq!(ask("{pod!=\"\"}[9000y]", far), too_many);
    let step = Span::from_secs(30);
    let query = parse("sum(increase({pod!=\"\"}[30d]))");
    let day = (START - Span::from_days(1), START);
    assert_eq!(
        range(&world(), &query, day, step),
        Err(Refusal::TooManySamples)
    );
    for (times, step) in [
        ((START, START - step), step),
        ((START, START), Span::ZERO),
        ((START - Span::from_days(30), START), Span::from_secs(1)),
    ] {
        let refused = range(&world(), &query, times, step);
        assert!(matches!(refused, Err(Refusal::BadData(_))), "{refused:?}");
    }
    let matrix = range(&world(), &parse("up[5m]"), day, Span::from_hours(1));
    assert!(matches!(matrix, Err(Refusal::BadData(_))), "{matrix:?}");
}
