//! A report as a month of a shop might give it, made up by arithmetic: the same each time.
//!
//! Included by the unit tests of the page and by those with a browser; the parent module says where
//! `engine` and `report` are.

use super::engine::{Labels, NotificationKind, Outcome, Severity, Span, Timestamp};
use super::report::{
    AlertKind, AlertReport, AlertTier, Asked, Band, BudgetFigures, BurnCurve, CoarseStretch,
    CurveReport, FORM, FalseAlertReport, Figures, GapReport, HistoryUsed, InstanceReport,
    Judgement, JudgementDetails, MessageReport, MissedReport, MissingStretch, MuteReport,
    NightHours, Quantiles, ReceiverFigures, Remark, Report, SentFigures, SeverityJudgement,
    SloReport, SlotFigures, TierLine, Variant, VariantJudgement,
};

/// 20 October 2026, 00:00 in Berlin: the clock changes five days later.
pub(crate) const FROM: Timestamp = Timestamp::from_secs(1_792_447_200);
const DAYS: i64 = 30;
const STEP: Span = Span::from_hours(1);
const STEPS: usize = 24 * 30;

/// Numbers that look like chance (Numerical Recipes' constants).
struct Chance(u64);

impl Chance {
    /// In 0..1.
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223) & 0xffff_ffff;
        self.0 as f64 / f64::from(u32::MAX)
    }
}

/// So many SLOs in variants of these names.
pub(crate) fn report(slos: usize, variants: &[&str]) -> Report {
    let until = FROM + Span::from_days(DAYS);
    let slos: Vec<SloReport> = (0..slos).map(|index| slo(index, variants.len())).collect();
    let variants: Vec<Variant> = variants
        .iter()
        .enumerate()
        .map(|(number, name)| variant(number, name, &slos))
        .collect();
    Report {
        form: FORM,
        asked: Asked {
            from: FROM,
            until,
            slot: Span::from_secs(30),
            weeks: 30.0 / 7.0,
            slos: vec![],
        },
        history: HistoryUsed {
            source: "http://prometheus:9090".to_owned(),
            coarse: vec![CoarseStretch {
                from: FROM,
                until: FROM + Span::from_days(6),
                step: Span::from_mins(5),
                of: String::new(),
            }],
            missing: vec![MissingStretch {
                from: FROM + Span::from_hours(370),
                until: FROM + Span::from_hours(376),
                of: "shop/search".to_owned(),
                why: "the server has no samples of these series".to_owned(),
            }],
            notes: vec![
                "Samples before 26 October come from a store that keeps 5 minutes.".to_owned(),
            ],
        },
        night: NightHours {
            zone: "Europe/Berlin".to_owned(),
            times: vec![(0, 420), (1320, 1440)],
            weekdays: vec![],
            nights: 31,
        },
        judgement: Some(judgement(variants.len())),
        variants,
        slos,
        slos_omitted: 0,
    }
}

const NAMES: [&str; 6] = [
    "availability",
    "latency",
    "search",
    "payments",
    "login",
    "freshness",
];

fn slo(index: usize, variants: usize) -> SloReport {
    let name = NAMES[index % NAMES.len()];
    let name = match index / NAMES.len() {
        0 => name.to_owned(),
        round => format!("{name}-{round}"),
    };
    SloReport {
        id: format!("shop/{name}"),
        service: "shop".to_owned(),
        labels: Labels::empty(),
        description: format!("Customers cannot use {name}: they see an error, or wait."),
        owner: Some("team-checkout".to_owned()),
        period: "30d".to_owned(),
        path: "exact".to_owned(),
        variants: (0..variants)
            .map(|variant| Some(instance(index, variant, &name)))
            .collect(),
        name,
    }
}

/// The hour in which trouble begins, how many hours it lasts, and how fast it burns.
fn troubles(index: usize) -> Vec<(usize, usize, f64)> {
    match index % NAMES.len() {
        0 => vec![(52, 2, 31.0), (229, 6, 4.0), (411, 1, 160.0), (640, 9, 2.2)],
        1 => vec![(100, 14, 9.0), (330, 30, 7.5), (500, 3, 45.0)],
        3 => vec![(265, 40, 1.6)],
        4 => vec![(600, 2, 400.0)],
        _ => vec![],
    }
}

fn curve(index: usize, objective: f64) -> CurveReport {
    let mut chance = Chance(17 + index as u64);
    let scale = (100.0 - 99.9) / (100.0 - objective);
    let troubles = troubles(index);
    let mut short = Vec::new();
    let mut daily = Vec::new();
    for hour in 0..STEPS {
        let day = (hour as f64 / 24.0 * std::f64::consts::TAU).sin();
        let base = 0.35 + 0.2 * day + 0.3 * chance.next();
        let burn = troubles
            .iter()
            .find(|(start, length, _)| (*start..start + length).contains(&hour));
        let burn = burn.map_or(base, |(_, _, burn)| burn * (0.8 + 0.4 * chance.next()));
        short.push(burn * scale);
    }
    for hour in 0..STEPS {
        let window = &short[hour.saturating_sub(24)..=hour];
        daily.push(window.iter().sum::<f64>() / window.len() as f64);
    }
    let mut spent = 0.45;
    let remaining: Vec<Option<f32>> = (0..STEPS)
        .map(|hour| {
            // Old errors leave the period as new ones enter.
            spent += (short[hour] - 0.42) / STEPS as f64;
            is_known(index, hour).then_some((1.0 - spent) as f32)
        })
        .collect();
    let band = |values: &[f64], low: f64, high: f64| Band {
        min: values
            .iter()
            .enumerate()
            .map(|(h, v)| is_known(index, h).then_some((v * low) as f32))
            .collect(),
        max: values
            .iter()
            .enumerate()
            .map(|(h, v)| is_known(index, h).then_some((v * high) as f32))
            .collect(),
        last: values
            .iter()
            .enumerate()
            .map(|(h, v)| is_known(index, h).then_some(*v as f32))
            .collect(),
    };
    CurveReport {
        from: FROM,
        step: STEP,
        remaining: Band {
            min: remaining.clone(),
            max: remaining.clone(),
            last: remaining,
        },
        burns: vec![
            BurnCurve {
                window: Span::from_mins(5),
                burn: band(&short, 0.4, 1.7),
            },
            BurnCurve {
                window: Span::from_hours(1),
                burn: band(&short, 0.8, 1.1),
            },
            BurnCurve {
                window: Span::from_days(3),
                burn: band(&daily, 0.97, 1.03),
            },
        ],
    }
}

/// The third SLO has a hole.
fn is_known(index: usize, hour: usize) -> bool {
    index % NAMES.len() != 2 || !(370..376).contains(&hour)
}

fn instance(index: usize, variant: usize, name: &str) -> InstanceReport {
    let objective = if variant == 2 { 99.95 } else { 99.9 };
    let curve = curve(index, objective);
    let left: Vec<f64> = curve
        .remaining
        .last
        .iter()
        .flatten()
        .map(|v| f64::from(*v))
        .collect();
    let at = |hour: usize| FROM + STEP.times(hour as i64);
    let lowest = left.iter().copied().fold(f64::INFINITY, f64::min);
    let exhausted = left.iter().position(|left| *left <= 0.0);
    let mut alerts = Vec::new();
    for (start, length, burn) in troubles(index) {
        if burn > 6.0 {
            alerts.push(alert(
                name,
                Severity::Page,
                at(start),
                length,
                burn,
                variant,
            ));
        }
        if burn > 1.0 && variant != 1 {
            alerts.push(alert(
                name,
                Severity::Ticket,
                at(start + 1),
                length + 4,
                burn,
                variant,
            ));
        }
    }
    if exhausted.is_some() {
        alerts.push(alert(name, Severity::Info, at(345), 80, 3.0, variant));
    }
    alerts.sort_by_key(|alert| alert.fired_at);
    let count = |severity| alerts.iter().filter(|a| a.severity == severity).count() as u64;
    let (pages, tickets) = (count(Severity::Page), count(Severity::Ticket));
    let night = alerts
        .iter()
        .filter(|a| a.at_night && a.severity == Severity::Page);
    let is_holed = index % NAMES.len() == 2;
    let gap = GapReport {
        from: at(370),
        until: at(376),
        outcome: Outcome::NoData,
        why: "no samples for 40 scrapes".to_owned(),
    };
    InstanceReport {
        objective_percent: objective,
        policy: if variant == 1 { "fast" } else { "sre-workbook" }.to_owned(),
        tiers: tiers(variant),
        seen_from: FROM,
        figures: Figures {
            pages,
            tickets,
            infos: count(Severity::Info),
            pages_per_week: pages as f64 * 7.0 / 30.0,
            tickets_per_week: tickets as f64 * 7.0 / 30.0,
            pages_at_night: night.count() as u64,
            page_time: Span::from_hours(3),
            over_objective: Span::from_hours(31),
            over_objective_unalerted: Span::from_mins(135),
            burning: Span::from_hours(9),
            slots: SlotFigures {
                burning: 1_080,
                quiet: 85_320,
                ..SlotFigures::default()
            },
            watched: if is_holed { 0.9917 } else { 1.0 },
            ..Figures::default()
        },
        budget: BudgetFigures {
            first: left.first().copied(),
            last: left.last().copied(),
            lowest: Some(lowest),
            lowest_at: Some(at(left.iter().position(|l| *l == lowest).unwrap_or(0))),
            exhausted_at: exhausted.map(at),
            exhausted: Span::ZERO,
        },
        alerts,
        alerts_omitted: 0,
        gaps: if is_holed { vec![gap] } else { vec![] },
        gaps_omitted: 0,
        curve,
    }
}

fn tiers(variant: usize) -> Vec<TierLine> {
    let tier = |severity, long, short, factor, budget_fraction| TierLine {
        severity,
        long,
        short,
        factor,
        budget_fraction,
        minimum_events: 5.0,
    };
    let (page, ticket) = (Severity::Page, Severity::Ticket);
    let (min, hour, day) = (Span::from_mins, Span::from_hours, Span::from_days);
    if variant == 1 {
        return vec![
            tier(page, hour(1), min(5), 14.4, 0.02),
            tier(page, hour(2), min(10), 9.0, 0.025),
        ];
    }
    vec![
        tier(page, hour(1), min(5), 14.4, 0.02),
        tier(page, hour(6), min(30), 6.0, 0.05),
        tier(ticket, day(1), hour(2), 3.0, 0.1),
        tier(ticket, day(3), hour(6), 1.0, 0.1),
    ]
}

fn alert(
    name: &str,
    severity: Severity,
    start: Timestamp,
    hours: usize,
    burn: f64,
    variant: usize,
) -> AlertReport {
    let fired_at = start + Span::from_secs(150);
    let duration = Span::from_hours(hours as i64);
    let hour = (start.as_millis() / 3_600_000 + 1).rem_euclid(24);
    let receiver = match severity {
        Severity::Page => "oncall",
        Severity::Ticket | Severity::Info => "team-channel",
    };
    let message = |at, kind, text: &str| MessageReport {
        at,
        receiver: receiver.to_owned(),
        kind,
        text: format!("{text}: shop/{name} burns its budget"),
        alerts: 1,
    };
    let is_muted = severity == Severity::Ticket && burn > 6.0;
    let mute = MuteReport {
        from: fired_at,
        until: Some(fired_at + Span::from_hours(1)),
        kinds: vec!["page".to_owned()],
        why: vec!["the page of the same SLO fires".to_owned()],
    };
    let is_notice = severity == Severity::Info;
    let tier = AlertTier {
        long: Span::from_hours(if burn > 14.4 { 1 } else { 6 }),
        short: Span::from_mins(if burn > 14.4 { 5 } else { 30 }),
        factor: if burn > 14.4 { 14.4 } else { 6.0 },
        long_burn: burn,
        short_burn: burn * 1.2,
    };
    AlertReport {
        key: format!("shop/{name}/{severity}"),
        kind: AlertKind::Burn,
        severity,
        reason: if is_notice {
            "75% of the budget is consumed"
        } else {
            "burning"
        }
        .to_owned(),
        burning_from: start,
        fired_at,
        ended_at: (variant != 2 || hours < 20).then(|| fired_at + duration),
        duration,
        end_reason: Some("every tier is quiet again".to_owned()),
        open_at_start: false,
        at_night: !(7..22).contains(&hour),
        is_flap: burn > 300.0,
        tiers: if is_notice { vec![] } else { vec![tier] },
        peak_burn: (!is_notice).then_some(burn * 1.1),
        budget_before: Some(0.6),
        budget_consumed: Some(burn * hours as f64 / 720.0),
        budget_after: Some(0.6 - burn * hours as f64 / 720.0),
        mutes: if is_muted { vec![mute] } else { vec![] },
        mutes_omitted: 0,
        messages: match is_muted {
            true => vec![],
            false => vec![
                message(fired_at, NotificationKind::Trigger, "FIRING"),
                message(fired_at + duration, NotificationKind::Resolve, "RESOLVED"),
            ],
        },
        messages_omitted: 0,
    }
}

fn variant(number: usize, name: &str, slos: &[SloReport]) -> Variant {
    let all = || {
        slos.iter()
            .filter_map(move |slo| slo.variants[number].as_ref())
    };
    let sum = |read: fn(&Figures) -> u64| all().map(|i| read(&i.figures)).sum::<u64>();
    let (pages, tickets) = (sum(|f| f.pages), sum(|f| f.tickets));
    let watched = all().map(|i| i.figures.watched).sum::<f64>() / all().count().max(1) as f64;
    let sent = |pages, messages| SentFigures {
        messages,
        triggers: messages / 2,
        resolves: messages / 2,
        pages,
        pages_at_night: sum(|f| f.pages_at_night).min(pages),
        ..SentFigures::default()
    };
    let receiver = |name: &str, sent| ReceiverFigures {
        receiver: name.to_owned(),
        sent,
        unquieted: Some(SentFigures {
            messages: sent.messages * 2,
            ..sent
        }),
    };
    Variant {
        name: name.to_owned(),
        policy: (number == 1).then(|| "fast".to_owned()),
        objective_percent: (number == 2).then_some(99.95),
        remarks: match number {
            1 => vec![Remark {
                slo: "shop/availability".to_owned(),
                rule: "no-tickets".to_owned(),
                refused: false,
                message: "a slow burn spends the whole budget without anybody being told"
                    .to_owned(),
                fix: "add a tier of severity ticket".to_owned(),
            }],
            _ => vec![],
        },
        total: Figures {
            pages,
            tickets,
            infos: sum(|f| f.infos),
            pages_per_week: pages as f64 * 7.0 / 30.0,
            tickets_per_week: tickets as f64 * 7.0 / 30.0,
            pages_at_night: sum(|f| f.pages_at_night),
            pages_per_night: sum(|f| f.pages_at_night) as f64 / 31.0,
            page_time: Span::from_hours(19),
            ticket_time: Span::from_hours(120),
            over_objective: Span::from_hours(93),
            over_objective_unalerted: Span::from_mins(405),
            burning: Span::from_hours(40),
            burning_unalerted: Span::from_mins(12),
            flaps: 1,
            slots: SlotFigures {
                burning: 4_320,
                quiet: 425_880,
                no_traffic: 1_080,
                no_data: 720,
                failed: 0,
            },
            watched,
            ..Figures::default()
        },
        receivers: vec![
            receiver("oncall", sent(pages, pages * 2)),
            receiver("team-channel", sent(0, tickets * 2)),
        ],
        source_alerts: vec![],
    }
}

fn judgement(variants: usize) -> Judgement {
    let quantiles = |secs: i64| {
        Some(Quantiles {
            p50: Span::from_secs(secs),
            p95: Span::from_secs(secs * 4),
            max: Span::from_secs(secs * 6),
        })
    };
    let judged = |severity, alerts: u64, missed: u64| SeverityJudgement {
        severity,
        alerts,
        detected: alerts - 1,
        missed,
        repeats: 0,
        false_alerts: 1,
        precision: Some((alerts - 1) as f64 / alerts as f64),
        recall: Some((alerts - 1) as f64 / (alerts - 1 + missed) as f64),
        detection: quantiles(95),
        reset: quantiles(310),
        details: details(alerts, missed),
    };
    let variant = |number: usize| VariantJudgement {
        severities: vec![
            judged(Severity::Page, 6 + number as u64, 1),
            judged(Severity::Ticket, 9, number as u64),
        ],
    };
    Judgement {
        against: "9 incidents of incidents.csv".to_owned(),
        incidents: 9,
        notes: vec!["1 incident did not begin in this stretch".to_owned()],
        variants: (0..variants).map(variant).collect(),
    }
}

fn details(alerts: u64, missed: u64) -> JudgementDetails {
    let day = |day: u64| FROM + Span::from_days(1).times(day.cast_signed());
    let missed_one = |number: u64| MissedReport {
        title: format!("checkout slow in region {number}"),
        start: day(number + 3),
        end: (number > 0).then(|| day(number + 3) + Span::from_mins(20)),
        masked: number == 0,
    };
    JudgementDetails {
        masked: missed.min(1),
        insignificant: 2,
        louder: 1,
        false_per_week: 7.0 / 30.0,
        recall_by_cost: Some(0.93),
        unreset: 1,
        unalerted: Span::from_secs(alerts.cast_signed() * 95),
        false_list: vec![FalseAlertReport {
            key: "shop/login/page".to_owned(),
            told_at: day(12) + Span::from_hours(2),
            until: Some(day(12) + Span::from_mins(140)),
        }],
        missed_list: (0..missed).map(missed_one).collect(),
        ratios: Vec::new(),
    }
}
