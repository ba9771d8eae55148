//! The page of reports: whole, hostile, empty and huge.

mod judged;
mod specimen;

use super::*;
use crate::engine::{Severity, Timestamp};
use crate::{engine, replay::report};

const TWO: &[&str] = &["as defined", "policy fast"];

/// What somebody might call a service to break the page.
const HOSTILE: &str = "</script></title></svg>--><img src=http://canary.test/x onerror=alert(1)>\"'&{{ 7*7 }}\u{202e}]]>";

/// The text between the first `from` and the next `to`.
fn between<'a>(page: &'a str, from: &str, to: &str) -> &'a str {
    let (_, rest) = page.split_once(from).unwrap();
    rest.split_once(to).unwrap().0
}

/// Puts the hostile text wherever a text comes from outside.
fn hostile() -> Report {
    let mut report = specimen::report(3, TWO);
    let text = || HOSTILE.to_owned();
    report.history.source = text();
    report.history.notes = vec![text()];
    report.history.coarse[0].of = text();
    report.history.missing[0].of = text();
    report.history.missing[0].why = text();
    report.night.zone = text();
    let judgement = report.judgement.as_mut().unwrap();
    (judgement.against, judgement.notes) = (text(), vec![text()]);
    let variants = judgement.variants.iter_mut();
    for judged in variants.flat_map(|variant| &mut variant.severities) {
        for missed in &mut judged.details.missed_list {
            missed.title = text();
        }
        for alert in &mut judged.details.false_list {
            alert.key = text();
        }
    }
    for variant in &mut report.variants {
        variant.name = text();
        for remark in &mut variant.remarks {
            (remark.slo, remark.message, remark.fix) = (text(), text(), text());
        }
        for receiver in &mut variant.receivers {
            receiver.receiver = text();
        }
    }
    for slo in &mut report.slos {
        (slo.id, slo.service, slo.name) = (text(), text(), text());
        (slo.description, slo.period, slo.path) = (text(), text(), text());
        slo.owner = Some(text());
        for instance in slo.variants.iter_mut().flatten() {
            instance.policy = text();
            for gap in &mut instance.gaps {
                gap.why = text();
            }
            for alert in &mut instance.alerts {
                (alert.key, alert.reason) = (text(), text());
                alert.end_reason = Some(text());
                for mute in &mut alert.mutes {
                    mute.why = vec![text()];
                }
                for message in &mut alert.messages {
                    (message.receiver, message.text) = (text(), text());
                }
            }
        }
    }
    report
}

#[test]
fn the_page_says_what_would_have_happened() {
    let page = write(&specimen::report(6, TWO)).unwrap();
    let headings: Vec<&str> = page
        .split("<h2>")
        .skip(1)
        .map(|rest| rest.split_once("</h2>").unwrap().0)
        .filter(|heading| !heading.contains("<svg"))
        .collect();
    assert_eq!(
        headings,
        [
            "Before you trust it",
            "SLOs",
            "Variants side by side",
            "When people would have been paged",
            "Judged against incidents",
            "Who would have been told",
            "shop&#x2f;availability",
            "shop&#x2f;latency",
            "shop&#x2f;search",
            "shop&#x2f;payments",
            "shop&#x2f;login",
            "shop&#x2f;freshness",
            "What the history lacked",
            "How to read this",
        ]
    );
    assert_eq!(
        between(&page, "<h1>", "</h1>"),
        "What would these definitions have done with 6 SLOs from 20 Oct 2026, 00:00 to 18 Nov \
         2026, 23:00 (30 days), decided every 30s, as defined and policy fast?"
    );
    assert_eq!(
        between(&page, "<p class=\"answer\">", "</p>"),
        "6 pages, 4 in the night, 2.1 tickets a week. 2 of 6 budgets would have ended; the first, \
         of shop&#x2f;latency, would have ended on 9 Nov 2026."
    );
    // Three plots for each SLO; one line where both variants agree.
    assert_eq!(page.matches("class=\"plot\"").count(), 12);
    assert_eq!(page.matches("class=\"plot timeline\"").count(), 6);
    assert_eq!(page.matches("data-name=\"budget left\"").count(), 6);
    for plot in page.split("<svg class=\"plot").skip(1) {
        assert!(plot.contains("<title id=") && plot.contains("<desc id="));
    }
}

#[test]
fn nothing_can_load() {
    let page = write(&specimen::report(2, TWO)).unwrap();
    let policy = between(&page, "Content-Security-Policy\" content=\"", "\"");
    let style = hash(between(&page, "<style>", "</style>"));
    let script = hash(between(&page, "<script>", "</script>"));
    assert_eq!(
        policy,
        format!(
            "default-src 'none'; style-src '{style}'; script-src '{script}'; \
             base-uri 'none'; form-action 'none'"
        )
    );
    assert_eq!(page.matches("<script").count(), 1);
    for banned in [
        " style=",
        " src=",
        "<link",
        "<iframe",
        "@import",
        "javascript:",
        " on",
        "innerHTML",
    ] {
        let html = page.replace(SCRIPT, "");
        let html = html.replace(STYLE, "");
        let found = match banned {
            // An attribute for an event, not the word.
            " on" => html.split('<').any(|tag| {
                let tag = tag.split('>').next().unwrap_or_default();
                tag.split(' ')
                    .any(|part| part.starts_with("on") && part.contains('='))
            }),
            "@import" => STYLE.contains(banned),
            "innerHTML" => SCRIPT.contains(banned),
            banned => html.contains(banned),
        };
        assert!(!found, "{banned}");
    }
    let addresses = page
        .match_indices("url(")
        .map(|(at, _)| page.split_at(at).1);
    assert!(
        addresses
            .into_iter()
            .all(|rest| rest.starts_with("url(#hatch)"))
    );
}

#[test]
fn hostile_names_stay_text() {
    let usual = write(&specimen::report(3, TWO)).unwrap();
    let page = write(&hostile()).unwrap();
    assert!(page.matches("canary.test").count() > 50);
    assert!(!page.contains("<img") && !page.contains("]]>") && !page.contains("--><"));
    assert!(
        !page.contains("49") || usual.contains("49"),
        "the template is not filled twice"
    );
    assert!(!page.contains('\u{202e}'));
    for tag in [
        "<script", "</script", "</title", "<svg", "</svg", "<table", "</table", "<section",
    ] {
        assert_eq!(
            page.matches(tag).count(),
            usual.matches(tag).count(),
            "{tag}"
        );
    }
    // Every quote of an attribute is ours: no tag has a stray one.
    for tag in page.split('<').skip(1) {
        let tag = tag.split('>').next().unwrap_or_default();
        if !tag.starts_with("script") && !tag.starts_with("style") {
            assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
        }
    }
}

#[test]
fn the_same_report_gives_the_same_bytes() {
    let page = || write(&specimen::report(2, TWO)).unwrap();
    assert!(page() == page());
}

#[test]
fn a_hundred_slos_of_a_month_stay_small() {
    let page = write(&specimen::report(100, TWO)).unwrap();
    assert!(page.len() < 10 << 20, "{} bytes", page.len());
    assert_eq!(page.matches("<section class=\"slo\"").count(), 100);
}

/// Restless curves and alerts all the time are the worst there is.
fn restless(slos: usize) -> Report {
    let mut report = specimen::report(1, &["as defined"]);
    let slo = report.slos.pop().unwrap();
    for number in 0..slos {
        let mut slo = slo.clone();
        slo.id = format!("shop/{number}");
        let instance = slo.variants[0].as_mut().unwrap();
        let alert = instance.alerts[0].clone();
        let alerts = (0..300).map(|at| {
            let fired_at = specimen::FROM + engine::Span::from_mins(at * 140);
            let messages = vec![alert.messages[0].clone(); report::MESSAGES_MAX];
            report::AlertReport {
                fired_at,
                ended_at: Some(fired_at + engine::Span::from_mins(5)),
                messages,
                ..alert.clone()
            }
        });
        instance.alerts = alerts.collect();
        let band = |burn: &mut Vec<Option<f32>>, factor: usize| {
            let value = |at| Some((at * factor % 997) as f32 / 9.0);
            *burn = (0..burn.len()).map(value).collect();
        };
        for burn in &mut instance.curve.burns {
            band(&mut burn.burn.min, 7919);
            band(&mut burn.burn.max, 6133);
        }
        report.slos.push(slo);
    }
    report
}

#[test]
fn there_is_a_bound_to_everything() {
    let page = write(&restless(SECTIONS_MAX + 50)).unwrap();
    assert!(page.len() < 64 << 20, "{} bytes", page.len());
    assert_eq!(page.matches("<section class=\"slo\"").count(), SECTIONS_MAX);
    assert!(page.contains("Charts are drawn of 200 SLOs; 50 more stand in the list only."));
    assert!(page.contains("more alerts are left out here"));
}

#[test]
fn an_empty_report_is_a_page() {
    let mut report = specimen::report(0, &["as defined"]);
    report.judgement = None;
    report.history.missing.clear();
    report.history.coarse.clear();
    let page = write(&report).unwrap();
    assert!(page.contains("No SLO was seen."));
    assert!(page.contains("There were samples for all of it, as they were scraped."));
    assert!(!page.contains("Judged against"));
    report.variants.clear();
    assert!(write(&report).is_ok());
    report.asked.until = report.asked.from;
    assert!(write(&report).is_ok());
}

#[test]
fn odd_numbers_do_not_break_it() {
    let mut report = specimen::report(2, TWO);
    for instance in report
        .slos
        .iter_mut()
        .flat_map(|s| s.variants.iter_mut())
        .flatten()
    {
        let odd = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, -0.0];
        let odd: Vec<Option<f32>> = odd.into_iter().cycle().take(200).map(Some).collect();
        for band in instance.curve.burns.iter_mut().map(|burn| &mut burn.burn) {
            (band.min, band.max, band.last) = (odd.clone(), odd.clone(), odd.clone());
        }
        let remaining = &mut instance.curve.remaining;
        (remaining.min, remaining.last) = (vec![], odd);
        instance.budget.last = Some(f64::NEG_INFINITY);
        instance.budget.lowest = Some(f64::NAN);
        instance.figures.pages_per_week = f64::INFINITY;
        for alert in &mut instance.alerts {
            alert.peak_burn = Some(f64::INFINITY);
            alert.budget_consumed = Some(f64::NAN);
            alert.ended_at = Some(Timestamp::EPOCH);
            alert.severity = Severity::Info;
        }
        for tier in &mut instance.tiers {
            tier.factor = f64::NAN;
        }
    }
    let page = write(&report).unwrap();
    for data in page.split(" d=\"").skip(1) {
        let data = data.split('"').next().unwrap_or_default();
        assert!(
            data.chars()
                .all(|c| c.is_ascii_digit() || "Mlhv -".contains(c)),
            "{data}"
        );
    }
    for (attribute, text) in [("x", "x=\""), ("width", "width=\""), ("y", "y=\"")] {
        for value in page.split(&format!(" {text}")).skip(1) {
            let value = value.split('"').next().unwrap_or_default();
            assert!(
                !value.contains("NaN") && !value.contains("inf"),
                "{attribute}: {value}"
            );
        }
    }
}
