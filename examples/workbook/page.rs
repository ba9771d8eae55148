//! The page: tables, charts and what they show.

use slofuse::engine::Span;
use slofuse::replay::ReelError;

use super::chart::{Chart, Line};
use super::strategies::{self, PERIOD, SCRAPE, SLOT, Strategy};
use super::trials::{self, Outcome, RATE, RATIOS, RESET_AFTER, RESET_RATIOS, SIGNIFICANT};

/// Shares of the budget by which recall is told.
const COSTS: [f64; 3] = [SIGNIFICANT, 0.05, 0.1];
/// The text around the tables.
const TEMPLATE: &str = include_str!("page.template");

/// A strategy and what came of it.
pub(crate) type Played = (Strategy, Outcome);

/// Plays all strategies, side by side.
pub(crate) fn played() -> Result<Vec<Played>, String> {
    let world = trials::world();
    let run = |strategy: Strategy| {
        let outcome = trials::run(&strategy, &mut world.clone())?;
        Ok((strategy, outcome))
    };
    let results: Vec<Result<Played, ReelError>> = std::thread::scope(|scope| {
        let all = strategies::all()?;
        let threads: Vec<_> = all
            .into_iter()
            .map(|strategy| scope.spawn(|| run(strategy)))
            .collect();
        let joined = threads.into_iter().map(|thread| {
            let played = thread.join();
            played.map_err(|_| "a strategy was not played to its end".to_owned())
        });
        joined.collect::<Result<Vec<_>, String>>()
    })?;
    let played = results
        .into_iter()
        .map(|result| result.map_err(|e| e.to_string()));
    played.collect()
}

/// The files below `docs` that say what came of it, by name.
pub(crate) fn written(played: &[Played]) -> Vec<(String, String)> {
    let (significant, all) = (significant(), trials::events().len());
    let parts = [
        ("{strategies}", strategy_table(played)),
        ("{detection}", detection_table(played)),
        ("{reset}", reset_table(played)),
        ("{events}", event_table(played)),
        ("{statements}", statements(played)),
        ("{significant}", significant.to_string()),
        ("{all}", all.to_string()),
        ("{rate}", RATE.to_string()),
        ("{slot}", SLOT.to_string()),
        ("{scrape}", SCRAPE.to_string()),
        ("{reset_after}", RESET_AFTER.to_string()),
        ("{share}", percent(SIGNIFICANT)),
    ];
    let fill = |text: String, (place, part): &(&str, String)| text.replace(place, part);
    let page = parts.iter().fold(TEMPLATE.to_owned(), fill);
    vec![
        ("workbook.md".to_owned(), page),
        (
            "workbook/detection.svg".to_owned(),
            detection_chart(played).svg(),
        ),
        ("workbook/reset.svg".to_owned(), reset_chart(played).svg()),
    ]
}

fn significant() -> usize {
    let events = trials::events();
    let costs = events.iter().map(trials::cost);
    costs.filter(|cost| *cost >= SIGNIFICANT).count()
}

/// `| a | b |`
fn row(cells: impl IntoIterator<Item = String>) -> String {
    let cells: Vec<String> = cells.into_iter().collect();
    format!("| {} |\n", cells.join(" | "))
}

fn head(cells: Vec<String>) -> String {
    let line = vec!["---".to_owned(); cells.len()];
    row(cells) + &row(line)
}

/// A column for each strategy.
fn numbered(first: &str, played: &[Played]) -> Vec<String> {
    let numbers = played
        .iter()
        .map(|(strategy, _)| strategy.number.to_string());
    std::iter::once(first.to_owned()).chain(numbers).collect()
}

fn strategy_table(played: &[Played]) -> String {
    let head = head(
        ["", "strategy", "policy", "tiers"]
            .map(str::to_owned)
            .to_vec(),
    );
    let rows = played.iter().map(|(strategy, _)| {
        let policy = strategy.policy();
        let tier = |tier: &slofuse::engine::Tier| {
            let windows = match tier.long == tier.short {
                true => tier.long.to_string(),
                false => tier.windows(),
            };
            let pending = match tier.pending.is_zero() {
                true => String::new(),
                false => format!(" for {}", tier.pending),
            };
            let factor = (tier.factor(PERIOD) * 1000.0).round() / 1000.0;
            format!("{} {windows} above {factor}{pending}", tier.severity)
        };
        let tiers: Vec<String> = policy.tiers.iter().map(tier).collect();
        row([
            strategy.number.to_string(),
            strategy.title.to_owned(),
            format!("`{}`", policy.name),
            tiers.join("; "),
        ])
    });
    head + &rows.collect::<String>()
}

fn span_or_never(span: Option<Span>) -> String {
    span.map_or_else(|| "never".to_owned(), |span| span.to_string())
}

fn detection_table(played: &[Played]) -> String {
    let rows = RATIOS.iter().enumerate().map(|(at, ratio)| {
        let cells = played
            .iter()
            .map(|(_, outcome)| span_or_never(outcome.detections[at]));
        let multiwindow = played
            .get(5)
            .and_then(|(strategy, _)| strategy.formula(*ratio));
        let seconds = |span: Span| Span::from_secs(span.as_millis().div_euclid(1000));
        let formula = span_or_never(multiwindow.map(seconds));
        row(std::iter::once(percent(*ratio))
            .chain(cells)
            .chain([formula]))
    });
    let mut columns = numbered("error ratio", played);
    columns.push("closed form of 6".to_owned());
    head(columns) + &rows.collect::<String>()
}

fn reset_table(played: &[Played]) -> String {
    let rows = RESET_RATIOS.iter().enumerate().map(|(at, ratio)| {
        let cells = played.iter().map(|(_, outcome)| {
            match (outcome.page_resets[at], outcome.ticket_resets[at]) {
                (Some(page), Some(ticket)) => format!("{page}, ticket {ticket}"),
                (Some(page), None) => page.to_string(),
                (None, Some(ticket)) => format!("ticket {ticket}"),
                (None, None) => "not told".to_owned(),
            }
        });
        row(std::iter::once(percent(*ratio)).chain(cells))
    });
    head(numbered("error ratio", played)) + &rows.collect::<String>()
}

fn event_table(played: &[Played]) -> String {
    let share = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), percent_whole);
    let of = |name: &str, cell: &dyn Fn(&Outcome) -> String| {
        let cells = played.iter().map(|(_, outcome)| cell(outcome));
        row(std::iter::once(name.to_owned()).chain(cells))
    };
    let mut table = head(numbered("", played));
    table += &of("alerts", &|o| o.judgement.alerts.to_string());
    table += &of("significant events told of", &|o| {
        o.judgement.detected.to_string()
    });
    table += &of("insignificant events told of", &|o| {
        o.judgement.insignificant.to_string()
    });
    table += &of("alerts repeated within an event", &|o| {
        o.judgement.repeats.to_string()
    });
    table += &of("precision", &|o| share(o.judgement.precision));
    for cost in COSTS {
        let name = format!("recall of events that cost {} or more", percent(cost));
        table += &of(&name, &|o| share(recall(o, cost)));
    }
    table += &of("recall, weighed by cost", &|o| {
        share(o.judgement.recall_by_cost)
    });
    let time = |o: &Outcome, pick: fn(slofuse::replay::judge::Quantiles) -> Span| {
        span_or_never(o.judgement.detection.map(pick))
    };
    table += &of("detection time, p50", &|o| time(o, |q| q.p50));
    table += &of("detection time, p95", &|o| time(o, |q| q.p95));
    table
}

/// The share of the events of this cost or a higher one that were told of.
fn recall(outcome: &Outcome, cost: f64) -> Option<f64> {
    let events = trials::events();
    let costly = outcome.judgement.verdicts.iter().filter(|verdict| {
        let event = events.get(verdict.event);
        event.is_some_and(|event| trials::cost(event) >= cost)
    });
    let (mut all, mut told) = (0.0, 0.0);
    for verdict in costly {
        all += 1.0;
        told += f64::from(u8::from(verdict.detection.is_some()));
    }
    (all > 0.0).then(|| told / all)
}

/// What the chapter says of each strategy, and what came of it here.
fn statements(played: &[Played]) -> String {
    let outcome = |number: usize| played.get(number - 1).map(|(_, outcome)| outcome);
    let detection = |number: usize, ratio: f64| {
        let at = RATIOS.iter().position(|known| *known == ratio);
        let found = at.and_then(|at| outcome(number)?.detections[at]);
        span_or_never(found)
    };
    let reset = |number: usize, ratio: f64, resets: fn(&Outcome) -> &[Option<Span>]| {
        let at = RESET_RATIOS.iter().position(|known| *known == ratio);
        span_or_never(at.and_then(|at| resets(outcome(number)?)[at]))
    };
    let judged = |number: usize, figure: fn(&Outcome) -> Option<f64>| {
        let share = outcome(number).and_then(figure);
        share.map_or_else(|| "-".to_owned(), percent_whole)
    };
    let precision = |number| judged(number, |o| o.judgement.precision);
    let recall = |number| judged(number, |o| o.judgement.recall);
    let burst = |number| match outcome(number).and_then(|outcome| outcome.burst) {
        Some((told, over)) => format!("{told} and {over}"),
        None => "never".to_owned(),
    };
    let rows: [(&str, &str, &str, String); 11] = [
        (
            "1",
            "5-1",
            "a total outage is detected after 0.6 s",
            detection(1, 1.0),
        ),
        (
            "1",
            "5-1",
            "low precision: 0.1 % over 10 min costs 0.02 % of the budget",
            precision(1),
        ),
        (
            "2",
            "5-2",
            "a total outage is detected after 2 min 10 s",
            detection(2, 1.0),
        ),
        (
            "2",
            "5-2",
            "and stays up for the next 36 h",
            reset(2, 1.0, |o| &o.page_resets),
        ),
        (
            "3",
            "5-3",
            "a total outage is detected after 1 h, as 0.2 % is; by then it costs 140 %",
            format!("{} and {}", detection(3, 1.0), detection(3, 0.002)),
        ),
        (
            "4",
            "5-5",
            "a burn of 35 (3.5 %) never alerts; 3 % here",
            detection(4, 0.03),
        ),
        (
            "4",
            "5-5",
            "reset takes 58 min",
            reset(4, 1.0, |o| &o.page_resets),
        ),
        (
            "5",
            "5-7",
            "good recall, for the window of 3 d sees slow burns: 0.12 % here",
            detection(5, 0.0012),
        ),
        (
            "5",
            "5-7",
            "an even longer reset, for the window of 3 d",
            reset(5, 1.0, |o| &o.ticket_resets),
        ),
        (
            "6",
            "5-9",
            "good precision, good recall",
            format!("{} and {}", precision(6), recall(6)),
        ),
        (
            "6",
            "figure 5-6",
            "15 % errors for 10 min: it tells after 5 min, and is over 5 min after they stop",
            burst(6),
        ),
    ];
    let head = head(
        ["", "table", "the chapter", "here"]
            .map(str::to_owned)
            .to_vec(),
    );
    let rows = rows.into_iter().map(|(number, table, says, here)| {
        row([number.to_owned(), table.to_owned(), says.to_owned(), here])
    });
    head + &rows.collect::<String>()
}

const X_MARKS: [(f64, &str); 7] = [
    (0.001, "0.1%"),
    (0.003, "0.3%"),
    (0.01, "1%"),
    (0.03, "3%"),
    (0.1, "10%"),
    (0.3, "30%"),
    (1.0, "100%"),
];
const Y_MARKS: [(f64, &str); 9] = [
    (15.0, "15s"),
    (60.0, "1m"),
    (300.0, "5m"),
    (900.0, "15m"),
    (3_600.0, "1h"),
    (21_600.0, "6h"),
    (86_400.0, "1d"),
    (259_200.0, "3d"),
    (345_600.0, ""),
];

fn chart(
    title: &str,
    y_title: &str,
    played: &[Played],
    ratios: &[f64],
    times: impl Fn(&Outcome) -> &[Option<Span>],
) -> Chart {
    let lines = played.iter().map(|(strategy, outcome)| {
        let points = ratios.iter().zip(times(outcome));
        let point = |(ratio, time): (&f64, &Option<Span>)| {
            (*ratio, time.map(|time| time.as_secs_f64().max(15.0)))
        };
        Line {
            name: format!("{} {}", strategy.number, strategy.short),
            points: points.map(point).collect(),
        }
    });
    Chart {
        title: title.to_owned(),
        x_title: "error ratio of the event".to_owned(),
        y_title: y_title.to_owned(),
        x_marks: X_MARKS.to_vec(),
        y_marks: Y_MARKS.to_vec(),
        lines: lines.collect(),
    }
}

fn detection_chart(played: &[Played]) -> Chart {
    let title = "How soon somebody is told of a constant error ratio (99.9% over 30d)";
    chart(title, "detection time", played, &RATIOS, |o| &o.detections)
}

fn reset_chart(played: &[Played]) -> Chart {
    let title = "How long pages outlive the event (99.9% over 30d)";
    chart(title, "reset time of pages", played, &RESET_RATIOS, |o| {
        &o.page_resets
    })
}

/// `0.1%`, `3.7%`, `100%`
fn percent(ratio: f64) -> String {
    let percent = (ratio * 100_000.0).round() / 1000.0;
    format!("{percent}%")
}

fn percent_whole(ratio: f64) -> String {
    format!("{:.0}%", ratio * 100.0)
}
