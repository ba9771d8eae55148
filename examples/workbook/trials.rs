//! Playing a strategy: how soon it tells of an error ratio, how late it lets go, and which of many
//! events it tells of.

use slofuse::engine::labels::METRIC_NAME;
use slofuse::engine::{Labels, RawSeries, Sample, Severity, Span, Timestamp};
use slofuse::replay::inject::{InjectedReel, Injection, Plan, PlanWish};
use slofuse::replay::judge::{Alert, Event, Judgement, Subject, Terms, alerts, judge};
use slofuse::replay::{Journal, MemoryReel, Player, ReelError};

use super::strategies::{PERIOD, SCRAPE, SLOT, Strategy};

/// Requests per second, day and night.
pub(crate) const RATE: f64 = 100.0;
/// Every event begins here, on a slot; what lies before is without errors.
const BEGIN: Timestamp = Timestamp::from_secs(1_700_006_400);
/// As far back as the longest window of any strategy looks, and a little more.
const PAST: Span = Span::from_hours(73);
/// Events and what follows them take at most so long.
const FUTURE: Span = Span::from_hours(150);
/// So long before an event scrapes come at their own pace; before that, with each slot, for nothing
/// happens there and windows shall hold no more than their length.
const CLOSE: Span = Span::from_mins(30);
/// Scrapes are so much later than slots, as scrapes are.
const PHASE: Span = Span::from_secs(7);
/// How far a play goes before somebody looks.
const LOOK_EVERY: Span = Span::from_mins(5);
/// Resets are measured of events that last at least so long.
pub(crate) const RESET_AFTER: Span = Span::from_hours(1);
/// What may still fire after an event.
const TAIL: Span = Span::from_mins(5);

/// Error ratios for which detection is measured.
pub(crate) const RATIOS: [f64; 16] = [
    0.001, 0.0012, 0.002, 0.003, 0.005, 0.007, 0.01, 0.0145, 0.02, 0.03, 0.037, 0.05, 0.1, 0.2,
    0.5, 1.0,
];
/// Error ratios for which reset is measured.
pub(crate) const RESET_RATIOS: [f64; 5] = [0.002, 0.01, 0.05, 0.2, 1.0];
/// What figure 5-6 of the chapter shows: the error ratio and the length of an event.
pub(crate) const BURST: (f64, Span) = (0.15, Span::from_mins(10));
/// How many events are told apart by significance.
pub(crate) const EVENTS: usize = 60;
/// An event is significant that consumes so much of the budget: the smallest share that the
/// recommended parameters page for (table 5-8).
pub(crate) const SIGNIFICANT: f64 = 0.02;

/// What came of a strategy.
pub(crate) struct Outcome {
    /// For each of [`RATIOS`]: from the start of an endless event to its alert.
    pub(crate) detections: Vec<Option<Span>>,
    /// For each of [`RESET_RATIOS`]: from the end of the event to that of its last page.
    pub(crate) page_resets: Vec<Option<Span>>,
    /// The same for tickets.
    pub(crate) ticket_resets: Vec<Option<Span>>,
    /// From the start of [`BURST`] to its page, and from its end to that of the page.
    pub(crate) burst: Option<(Span, Span)>,
    /// How it did with [`EVENTS`] events.
    pub(crate) judgement: Judgement,
}

/// The events that strategies are judged by.
pub(crate) fn events() -> Vec<Injection> {
    let plan = Plan::seeded(&PlanWish {
        seed: 5,
        from: BEGIN,
        until: BEGIN + Span::from_days(1_000),
        lull: PAST,
    });
    // Each happens in a world of its own.
    let alone = plan.injections().iter().take(EVENTS).map(|injection| {
        let length = injection.end.since(injection.start);
        event(injection.error_ratio, length)
    });
    alone.collect()
}

/// The fraction of the budget that an event of constant traffic consumes.
pub(crate) fn cost(event: &Injection) -> f64 {
    let burn = event.error_ratio / 0.001;
    burn * event.end.since(event.start).ratio(PERIOD)
}

fn event(error_ratio: f64, length: Span) -> Injection {
    Injection {
        start: BEGIN,
        end: BEGIN + length,
        error_ratio,
    }
}

/// Constant traffic without an error.
pub(crate) fn world() -> MemoryReel {
    let mut samples = Vec::new();
    let begin = BEGIN - PAST;
    let (mut at, end) = (begin, BEGIN + FUTURE);
    while at < end {
        let value = RATE * at.since(begin).as_secs_f64();
        samples.push(Sample { at, value });
        at = match at + CLOSE {
            later if later < BEGIN => at + SLOT,
            later if later == BEGIN => at + PHASE,
            _ => at + SCRAPE,
        };
    }
    let labels = [
        (METRIC_NAME, "requests_total"),
        ("job", "workbook"),
        ("instance", "a"),
        ("code", "200"),
    ];
    let labels = Labels::new(labels);
    MemoryReel::new(vec![RawSeries { labels, samples }])
}

/// Everything about one strategy.
pub(crate) fn run(strategy: &Strategy, world: &mut MemoryReel) -> Result<Outcome, ReelError> {
    let mut detections = Vec::new();
    for ratio in RATIOS {
        detections.push(detection(strategy, ratio, world)?);
    }
    let (mut page_resets, mut ticket_resets) = (Vec::new(), Vec::new());
    for ratio in RESET_RATIOS {
        let measured = RATIOS.iter().zip(&detections);
        let told = measured.filter(|(known, _)| **known == ratio);
        let told = told.filter_map(|(_, detection)| *detection).next();
        let (page, ticket) = match told {
            Some(told) => reset(strategy, ratio, told, world)?,
            None => (None, None),
        };
        page_resets.push(page);
        ticket_resets.push(ticket);
    }
    Ok(Outcome {
        detections,
        page_resets,
        ticket_resets,
        burst: burst(strategy, world)?,
        judgement: verdicts(strategy, world)?,
    })
}

/// How soon somebody is told of an event that does not end.
fn detection(
    strategy: &Strategy,
    error_ratio: f64,
    world: &mut MemoryReel,
) -> Result<Option<Span>, ReelError> {
    // Once the windows hold nothing else, and waiting times are over, nothing changes any more.
    let tiers = strategy.policy().tiers.iter();
    let settled = tiers.map(|tier| tier.long + tier.pending).max();
    let until = BEGIN + settled.unwrap_or_default() + LOOK_EVERY;
    let told = |alerts: &[Alert]| !alerts.is_empty();
    let fired = play(strategy, event(error_ratio, FUTURE), until, world, told)?;
    Ok(fired.first().map(|alert| alert.told_at.since(BEGIN)))
}

/// How long pages and tickets outlive an event that ends when it is told of, but lasts for an hour
/// at least.
fn reset(
    strategy: &Strategy,
    error_ratio: f64,
    told: Span,
    world: &mut MemoryReel,
) -> Result<(Option<Span>, Option<Span>), ReelError> {
    let length = told.max(RESET_AFTER);
    let end = BEGIN + length;
    let is_over = |alerts: &[Alert]| {
        !alerts.is_empty()
            && alerts
                .iter()
                .all(|a| a.until.is_some_and(|until| until > end))
    };
    let until = BEGIN + FUTURE - LOOK_EVERY;
    let fired = play(strategy, event(error_ratio, length), until, world, is_over)?;
    let last = |severity| {
        let ends = fired.iter().filter(|alert| alert.severity == severity);
        let last = ends.filter_map(|alert| alert.until).max();
        last.map(|last| last.since(end))
    };
    Ok((last(Severity::Page), last(Severity::Ticket)))
}

/// How soon the page tells of [`BURST`], and how late it lets go.
fn burst(strategy: &Strategy, world: &mut MemoryReel) -> Result<Option<(Span, Span)>, ReelError> {
    let event = event(BURST.0, BURST.1);
    let page = |alerts: &[Alert]| {
        let page = alerts.iter().find(|a| a.severity == Severity::Page)?;
        Some((
            page.told_at.since(event.start),
            page.until?.since(event.end),
        ))
    };
    let until = event.end + RESET_AFTER;
    let fired = play(strategy, event, until, world, |alerts| {
        page(alerts).is_some()
    })?;
    Ok(page(&fired))
}

/// Judges by many events, each in a world of its own; they are laid one after another.
fn verdicts(strategy: &Strategy, world: &mut MemoryReel) -> Result<Judgement, ReelError> {
    let apart = Span::from_hours(24);
    let (mut all, mut told) = (Vec::new(), Vec::new());
    for (number, injection) in (0_i64..).zip(events()) {
        let shift = apart.times(number);
        let until = injection.end + TAIL;
        let fired = play(strategy, injection, until, world, |_| false)?;
        told.extend(fired.into_iter().map(|alert| Alert {
            told_at: alert.told_at + shift,
            until: Some(alert.until.unwrap_or(until).min(until) + shift),
            ..alert
        }));
        let cost = cost(&injection);
        all.push(Event {
            start: injection.start + shift,
            end: Some(injection.end + shift),
            subject: Subject::default(),
            severity: None,
            significant: cost >= SIGNIFICANT,
            cost: Some(cost),
            title: String::new(),
        });
    }
    let terms = Terms {
        from: BEGIN,
        until: BEGIN + apart.times(EVENTS as i64),
        severity: Severity::Ticket,
        grace: TAIL,
    };
    Ok(judge(&all, &told, &terms))
}

/// Plays one event until a time, or until somebody has seen enough; the alerts by then.
fn play(
    strategy: &Strategy,
    event: Injection,
    until: Timestamp,
    world: &mut MemoryReel,
    enough: impl Fn(&[Alert]) -> bool,
) -> Result<Vec<Alert>, ReelError> {
    let script = &strategy.script;
    let plan = Plan::new(vec![event]);
    let reading = &script.options.reading;
    let mut reel = InjectedReel::new(world, strategy.slo(), plan, reading)?;
    let mut player = Player::begin(script, &mut reel, BEGIN)?;
    let mut journal = Journal::default();
    while player.now() < until {
        let next = (player.now() + LOOK_EVERY).min(until + SLOT);
        player.play(&mut reel, next, &mut journal)?;
        let fired = alerts(&journal);
        if enough(&fired) {
            return Ok(fired);
        }
    }
    Ok(alerts(&journal))
}
