//! Templates: the usual ones say the built-in words, wrong ones are refused at their line, and
//! none can do harm at night.

use proptest::prelude::*;

use super::*;
use crate::engine::{Notification, Reason, Span};
use crate::message::{Writer, sample};

fn set(slot: Slot, source: &str) -> Result<Templates, TemplateError> {
    let mut templates = Templates::default();
    templates.set(slot, source)?;
    Ok(templates)
}

fn writer(slot: Slot, source: &str) -> Writer {
    Writer::new(Some(sample::external())).with(&set(slot, source).unwrap())
}

fn refusal(slot: Slot, source: &str) -> String {
    let error = set(slot, source).unwrap_err();
    match error.line {
        Some(line) => format!("{line}: {error}"),
        None => error.to_string(),
    }
}

/// A writer whose templates were never tried, as if the samples were kinder than the night.
fn untried(slot: Slot, source: &str) -> Writer {
    let template = Template::new(slot, source).unwrap();
    let slots = BTreeMap::from([(slot, Arc::new(template))]);
    Writer::default().with(&Templates { slots })
}

/// Every reason with every sample that could have it, and more.
fn every_case() -> Vec<Notification> {
    let reasons = [
        Reason::Burning,
        Reason::MoreTiers,
        Reason::BudgetConsumed { threshold: 1.0 },
        Reason::ExhaustionAhead {
            within: Span::from_hours(52),
        },
        Reason::SourceFailed {
            slots: 3,
            detail: "refused.".to_owned(),
        },
        Reason::Unmuted,
        Reason::Repeated,
        Reason::Acknowledged {
            by: "bob".to_owned(),
        },
        Reason::Unacknowledged {
            after: Span::from_mins(15),
        },
        Reason::GroupChanged,
        Reason::Recovered,
        Reason::NoTraffic,
        Reason::PeriodEnded,
        Reason::DataReturned,
        Reason::DefinitionRemoved,
        Reason::DefinitionChanged,
        Reason::InstanceGone,
    ];
    let mut cases = Vec::new();
    for (_, notification) in sample::all() {
        cases.push(notification.clone());
        for reason in &reasons {
            let mut notification = notification.clone();
            notification.facts.reason = reason.clone();
            cases.push(notification.clone());
            notification.facts.budget = None;
            cases.push(notification.clone());
            notification.facts.tiers.clear();
            notification.facts.period = None;
            cases.push(notification);
        }
    }
    cases
}

#[test]
fn the_usual_templates_say_the_built_in_words() {
    let built_in = Writer::new(Some(sample::external()));
    let mut templates = Templates::default();
    for slot in Slot::ALL {
        templates.set(slot, slot.usual()).unwrap();
    }
    let templated = built_in.with(&templates);
    for notification in every_case() {
        let (said, usual) = (
            templated.message(&notification),
            built_in.message(&notification),
        );
        assert_eq!(said, usual, "{notification:?}");
        let subject = templated.subject(&notification);
        assert_eq!(subject, built_in.subject(&notification));
    }
}

#[test]
fn the_example_of_a_body_is_json_for_hostile_text_too() {
    let writer = writer(Slot::Body, Slot::Body.usual());
    for (name, notification) in sample::all() {
        let body = writer.body(&notification).unwrap().unwrap();
        let body: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(body["key"], notification.dedup_key(), "{name}");
        let members = notification.group.map_or(0, |group| group.members.len());
        assert_eq!(body["members"].as_array().unwrap().len(), members);
    }
    assert!(Writer::default().body(&sample::burning()).is_none());
}

#[test]
fn what_is_wrong_is_said_with_its_line() {
    let cases = [
        (Slot::Title, "{{ title }"),
        (Slot::Title, "one\n{% if %}x{% endif %}"),
        (Slot::Title, "{{ titel }}"),
        (Slot::Title, "fine\n{{ budget.remaining|percent }} left"),
        (Slot::Title, "{{ title|shout }}"),
        (Slot::Title, "{% include 'other' %}"),
        (Slot::Title, "{# nothing #}"),
        (
            Slot::Title,
            "{% for i in range(200) %}{{ title }}{% endfor %}",
        ),
        (Slot::Why, "{{ title|date }}"),
        (Slot::Why, "{{ started_at|date(zone='Mars/Base') }}"),
        (Slot::Notes, "{% for i in range(30) %}\nline\n{% endfor %}"),
        (Slot::Body, "{ \"title\": \"{{ title }}\" }"),
        (Slot::Body, "{{ title }},"),
        (Slot::Subject, "{% for i in range(99999) %}{% endfor %}x"),
        (
            Slot::Subject,
            "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        ),
        (
            Slot::Body,
            "{% set x = '0123456789' * 10000 %}[{% for i in range(99) %}{{ x }},{% endfor %}0]",
        ),
    ];
    let refusals: Vec<String> = cases
        .into_iter()
        .map(|(slot, source)| refusal(slot, source))
        .collect();
    insta::assert_snapshot!(refusals.join("\n"), @r#"
    1: syntax error: unexpected `}`, expected end of variable block (in })
    2: syntax error: unexpected end of block (in %})
    1: for the sample page: undefined value: `titel` is undefined (in titel)
    2: for the sample blind: invalid operation: cannot convert undefined to f64 (`budget.remaining` is undefined) (in percent)
    1: for the sample page: unknown filter: filter shout is unknown (in shout)
    1: for the sample page: template not found: tried to include non-existing template 'other' (in include 'other')
    for the sample page: it says nothing
    for the sample page: it is longer than 400 characters
    1: for the sample page: invalid operation: date: "shop/checkout{region=\"eu\"} burns its error budget at 32.15x, 61.2% left, gone in 13h 43m" is not a time in RFC 3339 (in date)
    1: for the sample page: invalid operation: date: there is no time zone "Mars/Base" (in date(zone='Mars/Base'))
    for the sample page: it has more than 20 lines
    for the sample page: it gives no JSON: expected `,` or `}` at line 1 column 14 (what stands in braces is JSON by itself, without quotes around it)
    for the sample page: it gives no JSON: trailing characters at line 1 column 93 (what stands in braces is JSON by itself, without quotes around it)
    1: for the sample page: engine ran out of fuel
    1: for the sample page: invalid operation: recursion limit exceeded (in m())
    for the sample page: it writes more than 262144 bytes
    "#);
}

#[test]
fn a_template_can_say_anything_that_is_known() {
    let said = |source: &str| {
        writer(Slot::Title, source)
            .message(&sample::burning())
            .title
    };
    insta::assert_snapshot!(said(
        "{{ subject }}: {{ tiers[0].long_burn|burn if tiers else '-' }} \
         in {{ labels.region or 'all' }}, {{ labels.nowhere }}{{ annotations.sla }}"
    ), @r#"shop/checkout{region="eu"}: 32.15x in eu, 99.5%"#);
    insta::assert_snapshot!(said(
        "{{ started_at|date('%H:%M', zone='Europe/Berlin') }}, {{ started_at|date }}, \
         {{ lasted|duration }}, {{ 1234.5|count }}, {{ 'a\nb'|line(2) }}"
    ), @"04:04, 2026-01-02 03:04:00 UTC, 6m 30s, 1,234, a…");
}

#[test]
fn the_words_in_force_are_seen_by_the_other_texts() {
    let mut templates = set(Slot::Title, "OUCH {{ subject }}").unwrap();
    templates
        .set(Slot::Subject, "[{{ badge }}] {{ title }}")
        .unwrap();
    templates
        .set(Slot::Notes, "{{ title }}\n\n  and\u{202e} more  ")
        .unwrap();
    let writer = Writer::default().with(&templates);
    let message = writer.message(&sample::burning());
    assert_eq!(message.title, r#"OUCH shop/checkout{region="eu"}"#);
    assert_eq!(writer.subject(&sample::burning()), message.headline());
    let notes = "OUCH shop/checkout{region=\"eu\"}\n\nand\u{fffd} more";
    assert_eq!(message.notes.as_deref(), Some(notes));
}

#[test]
fn a_template_that_fails_at_night_loses_nothing() {
    let usual = Writer::default().message(&sample::burning());
    let broken = untried(Slot::Title, "{{ nothing.at.all }}").message(&sample::burning());
    assert_eq!(broken.title, usual.title);
    insta::assert_snapshot!(broken.notes.unwrap(), @"template title failed: undefined value: `nothing` is undefined (in nothing.at)");
    let broken = untried(Slot::Subject, "{{ 1 / 0 }}");
    assert_eq!(broken.subject(&sample::burning()), usual.headline());
    let broken = untried(Slot::Body, "{{ title }}x");
    assert!(broken.body(&sample::burning()).unwrap().is_err());
    assert_eq!(broken.message(&sample::burning()), usual);
}

#[test]
fn numbers_that_are_none_stay_json() {
    let mut notification = sample::burning();
    notification.facts.peak_burn = f64::NAN;
    notification.facts.tiers[0].long_burn = f64::INFINITY;
    let body = untried(
        Slot::Body,
        "[{{ peak_burn }}, {{ tiers }}, {{ peak_burn|burn }}]",
    );
    let body = body.body(&notification).unwrap().unwrap();
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(
        (&body[0], &body[2]),
        (&serde_json::Value::Null, &"unknown".into())
    );
}

#[test]
fn a_receivers_own_templates_come_first() {
    let shared = set(Slot::Title, "shared").unwrap();
    let mut own = set(Slot::Why, "own").unwrap();
    own = own.over(&shared);
    assert_eq!(own.slots.len(), 2);
    let shared = set(Slot::Why, "shared").unwrap();
    let message = Writer::default()
        .with(&shared)
        .with(&own)
        .message(&sample::burning());
    assert_eq!(
        (message.title.as_str(), message.why.as_str()),
        ("shared", "own")
    );
    assert_ne!(own, shared);
    assert_eq!(shared, set(Slot::Why, "shared").unwrap());
}

fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("{{ title }}".to_owned()),
        Just("{{ facts|tojson }}".to_owned()),
        Just("{% for f in facts %}".to_owned()),
        Just("{% for l in links recursive %}{{ loop(links) }}".to_owned()),
        Just("{% endfor %}".to_owned()),
        Just("{% if budget %}".to_owned()),
        Just("{% endif %}".to_owned()),
        Just("{{ started_at|date('%Q%Z%:') }}".to_owned()),
        Just("{{ lasted|duration }}".to_owned()),
        Just("{{ -1e300|duration }}".to_owned()),
        Just("{{ title|line(0) }}".to_owned()),
        Just("{{ labels.x.y }}".to_owned()),
        Just("\u{202e}\r\n\0".to_owned()),
        "[{}%#|.()\\[\\]a-z0-9 ]{0,12}",
    ];
    proptest::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn no_template_does_harm(source in pieces(), which in 0..Slot::ALL.len()) {
        let slot = Slot::ALL[which];
        let Ok(templates) = set(slot, &source) else { return Ok(()) };
        let writer = Writer::default().with(&templates);
        for (_, notification) in sample::all() {
            let message = writer.message(&notification);
            prop_assert!(!message.title.is_empty() && !message.why.is_empty());
            prop_assert!(message.title.chars().count() <= TITLE_CHARS_MAX);
            prop_assert!(message.why.chars().count() <= WHY_CHARS_MAX);
            let subject = writer.subject(&notification);
            prop_assert!(!subject.contains(char::is_control));
            if let Some(Ok(body)) = writer.body(&notification) {
                prop_assert!(serde_json::from_str::<serde_json::Value>(&body).is_ok());
            }
        }
    }
}
