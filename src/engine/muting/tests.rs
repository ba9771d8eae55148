//! What asks for quiet, as tables over a few open alerts.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::engine::alert::{AlertRecord, AlertState};
use crate::engine::burn_alert::facts_of;
use crate::engine::effect::Effect;
use crate::engine::feed::Feed;
use crate::engine::feed::tests::slo;
use crate::engine::inhibit::InhibitRule;
use crate::engine::input::{Input, Memories, Options};
use crate::engine::interval::TimeInterval;
use crate::engine::labels::{MatchOp, Matcher};
use crate::engine::maintenance::{Maintenance, MaintenanceTime};
use crate::engine::notification::Reason;
use crate::engine::period::Zone;
use crate::engine::policy::Severity;
use crate::engine::routing::DependencyPolicy;
use crate::engine::slo::{InstanceId, Slo, SloId};
use crate::engine::time::Span;

fn minute(minute: i64) -> Timestamp {
    Timestamp::EPOCH + Span::from_mins(minute)
}

fn matcher(name: &str, value: &str) -> Matcher {
    Matcher {
        name: name.to_owned(),
        op: MatchOp::Equal(value.to_owned()),
    }
}

/// `shop/page`, `shop.eu/ticket`, `shop/blind`
fn key(text: &str) -> AlertKey {
    let (subject, kind) = text.split_once('/').unwrap();
    let (service, zone) = subject.split_once('.').unwrap_or((subject, ""));
    let instance = InstanceId {
        slo: SloId::new(service, "availability"),
        labels: Labels::new([("zone", zone)]),
    };
    let severity = match kind {
        "blind" => return AlertKey::Blind { instance },
        "page" => Severity::Page,
        "ticket" => Severity::Ticket,
        _ => Severity::Info,
    };
    AlertKey::Burn { instance, severity }
}

/// A record: `shop/page 10` fires since minute 10, `shop/page 10?` is pending.
fn record(text: &str) -> AlertRecord {
    let (alert, since) = text.split_once(' ').unwrap();
    let key = key(alert);
    let firing = since.strip_suffix('?').is_none();
    let since = minute(since.trim_end_matches('?').parse().unwrap());
    let instance = key.instance().unwrap();
    let service = instance.slo.as_str().split('/').next().unwrap();
    let severity = match &key {
        AlertKey::Burn { severity, .. } => *severity,
        _ => Severity::Ticket,
    };
    let (labels, slo) = (instance.labels.clone(), slo(service, &[]));
    let facts = facts_of(
        &slo,
        labels,
        key.clone(),
        severity,
        None,
        Reason::Burning,
        since,
    );
    let state = match firing {
        true => AlertState::Firing {
            since,
            quiet_since: None,
        },
        false => AlertState::Pending { since },
    };
    serde_json::from_value(serde_json::json!({
        "key": key, "state": state, "facts": facts, "burning": [], "costs_from": since, "told": {},
    }))
    .unwrap()
}

struct World {
    slos: Vec<Slo>,
    routing: Routing,
    alerts: Vec<AlertRecord>,
    silences: Vec<Silence>,
}

impl World {
    /// SLOs as `shop`, or as `shop: db, cache` for those it depends on; and open alerts.
    fn new(slos: &[&str], alerts: &[&str]) -> Self {
        let define = |text: &&str| {
            let (name, below) = text.split_once(": ").unwrap_or((text, ""));
            let mut slo = slo(name, &[]);
            let below = below.split(", ").filter(|name| !name.is_empty());
            let ids = below.map(|name| SloId::new(name, "availability"));
            slo.document.depends_on = ids.collect();
            slo
        };
        Self {
            slos: slos.iter().map(define).collect(),
            routing: Routing::default(),
            alerts: alerts.iter().map(|text| record(text)).collect(),
            silences: Vec::new(),
        }
    }

    fn engine(&self) -> Engine {
        let options = Options::for_testing();
        let memories = Memories {
            alerts: self.alerts.clone(),
            silences: self.silences.clone(),
            ..Memories::default()
        };
        let mut engine = Engine::new(options, memories);
        let slos = self.slos.iter().cloned().map(Arc::new);
        let feeds = vec![Feed::new("feed", slos.collect())];
        let routing = self.routing.clone();
        let effects = engine.step(minute(0), Input::Configured { feeds, routing });
        let ended = |effect: &Effect| matches!(effect, Effect::Forget(_));
        assert!(!effects.iter().any(ended), "every alert has its definition");
        engine
    }

    /// What keeps each alert quiet, as `word cause`.
    fn mutes(&self, alert: &str, now: i64) -> Vec<String> {
        let record = record(&format!("{alert} 0"));
        let labels = record.facts.matching_labels();
        let engine = self.engine();
        let mut quiet = engine.quiet(minute(now));
        let mutes = engine.mutes_of(&record.key, &labels, &mut quiet);
        let cause = |mute: &Mute| match mute {
            Mute::Page { by } | Mute::Inhibited { by, .. } | Mute::Dependency { by, .. } => {
                by.to_string().replace("/availability", "")
            }
            Mute::Silence { id, .. } => id.clone(),
            Mute::Maintenance { name } => name.clone(),
            Mute::Interval { interval, .. } => interval.clone(),
        };
        let words = mutes.iter();
        words
            .map(|mute| format!("{} {}", mute.as_str(), cause(mute)))
            .collect()
    }
}

const NOBODY: [&str; 0] = [];

#[test]
fn the_page_of_an_instance_mutes_its_ticket_and_nothing_else() {
    let mut world = World::new(&["shop", "cart"], &["shop.eu/page 10", "cart/page 10?"]);
    assert_eq!(
        world.mutes("shop.eu/ticket", 20),
        ["page shop{zone=\"eu\"}/page"]
    );
    for other in [
        "shop.eu/page",
        "shop.eu/info",
        "shop.eu/blind",
        "shop.us/ticket",
        "cart/ticket",
    ] {
        assert_eq!(world.mutes(other, 20), NOBODY, "{other}");
    }
    Arc::make_mut(&mut world.slos[0].policy).page_mutes_ticket = false;
    assert_eq!(world.mutes("shop.eu/ticket", 20), NOBODY);
}

#[test]
fn active_silences_that_match_mute() {
    let mut world = World::new(&["shop"], &[]);
    let silence = |id: &str, value: &str, from, until| Silence {
        id: id.to_owned(),
        matchers: vec![matcher("service", "shop"), matcher("zone", value)],
        starts_at: minute(from),
        ends_at: minute(until),
        created_by: "ann".to_owned(),
        comment: "deploying".to_owned(),
        updated_at: minute(from),
    };
    world.silences = vec![
        silence("eu", "eu", 10, 20),
        silence("us", "us", 10, 20),
        silence("none", "", 15, 30),
    ];
    assert_eq!(world.mutes("shop.eu/page", 9), NOBODY);
    assert_eq!(world.mutes("shop.eu/page", 10), ["silence eu"]);
    assert_eq!(world.mutes("shop.eu/blind", 19), ["silence eu"]);
    assert_eq!(world.mutes("shop.eu/page", 20), NOBODY);
    assert_eq!(world.mutes("shop/page", 20), ["silence none"]);
    let many = |n| silence(&format!("{n:03}"), "eu", 10, 20);
    world.silences = (0..100).map(many).collect();
    assert_eq!(world.mutes("shop.eu/page", 10).len(), SILENCES_NAMED_MAX);
}

#[test]
fn firing_alerts_inhibit_others_even_when_muted_themselves() {
    let mut world = World::new(
        &["db", "shop", "cart"],
        &["db.eu/page 12", "db.us/page 10", "cart/page 5?"],
    );
    let rule = |name: &str, service: &str, equal: &[&str]| InhibitRule {
        name: name.to_owned(),
        source: vec![matcher("service", service), matcher("severity", "page")],
        target: vec![matcher("sloth_severity", "page")],
        equal: equal.iter().map(|name| (*name).to_owned()).collect(),
    };
    world.routing.inhibit = vec![rule("db", "db", &["zone"]), rule("cart", "cart", &[])];
    assert_eq!(
        world.mutes("shop.eu/page", 20),
        ["inhibition db{zone=\"eu\"}/page"]
    );
    assert_eq!(world.mutes("shop/page", 20), NOBODY, "another zone");
    assert_eq!(world.mutes("shop.eu/ticket", 20), NOBODY, "not the target");
    // Neither by itself nor by another on both sides; the cart is only pending.
    assert_eq!(world.mutes("db.eu/page", 20), NOBODY);
    world.routing.inhibit[0].equal.clear();
    assert_eq!(world.mutes("db.eu/page", 20), NOBODY);
    // Of several the one that began first is named.
    assert_eq!(
        world.mutes("shop/page", 20),
        ["inhibition db{zone=\"us\"}/page"]
    );
    // A silenced source still inhibits.
    world.silences = vec![Silence {
        id: "db".to_owned(),
        matchers: vec![matcher("service", "db")],
        starts_at: minute(0),
        ends_at: minute(60),
        created_by: "ann".to_owned(),
        comment: "known".to_owned(),
        updated_at: minute(0),
    }];
    assert_eq!(world.mutes("db.us/page", 20), ["silence db"]);
    assert_eq!(
        world.mutes("shop/page", 20),
        ["inhibition db{zone=\"us\"}/page"]
    );
}

#[test]
fn maintenance_mutes_while_it_lasts() {
    let mut world = World::new(&["shop"], &[]);
    let window = |name: &str, when: MaintenanceTime| Maintenance {
        name: name.to_owned(),
        matchers: vec![matcher("zone", "eu")],
        when,
        exclude_from_budget: false,
    };
    let nightly = TimeInterval {
        times: vec![(60, 90)],
        ..TimeInterval::always(Zone::utc())
    };
    world.routing.maintenance = vec![
        window(
            "upgrade",
            MaintenanceTime::Once {
                from: minute(10),
                until: minute(20),
            },
        ),
        window("backup", MaintenanceTime::Recurring(vec![nightly])),
        window("never", MaintenanceTime::Recurring(Vec::new())),
    ];
    assert_eq!(world.mutes("shop.eu/page", 9), NOBODY);
    assert_eq!(world.mutes("shop.eu/page", 10), ["maintenance upgrade"]);
    assert_eq!(world.mutes("shop.us/page", 10), NOBODY);
    assert_eq!(world.mutes("shop.eu/page", 20), NOBODY);
    assert_eq!(world.mutes("shop.eu/page", 60), ["maintenance backup"]);
    assert_eq!(
        world.mutes("shop.eu/page", 24 * 60 + 89),
        ["maintenance backup"]
    );
    assert_eq!(world.mutes("shop.eu/page", 24 * 60 + 90), NOBODY);
}

#[test]
fn pages_of_dependencies_are_named_and_mute_if_the_policy_says_so() {
    let slos = ["shop: cart", "cart: db, cache", "db", "cache", "mail"];
    let alerts = [
        "db.eu/page 20",
        "db.us/page 10",
        "cache/ticket 5",
        "mail/page 5",
    ];
    let mut world = World::new(&slos, &alerts);
    let named = |world: &World, service: &str| -> Vec<String> {
        let id = SloId::new(service, "availability");
        let facts = world.engine().burning_dependencies(&id).into_iter();
        let line = |facts: crate::engine::notification::DependencyFacts| {
            format!("{} {}", facts.slo, facts.since.since(Timestamp::EPOCH))
        };
        facts.map(line).collect()
    };
    assert_eq!(named(&world, "shop"), ["db/availability 10m"]);
    assert_eq!(named(&world, "db"), NOBODY);
    assert_eq!(world.mutes("shop/page", 30), NOBODY, "only annotated");
    world.routing.dependencies = DependencyPolicy::Mute;
    let by = "dependency db{zone=\"us\"}/page";
    for muted in [
        "shop/page",
        "shop/ticket",
        "shop.eu/info",
        "shop/blind",
        "cart/page",
    ] {
        assert_eq!(world.mutes(muted, 30), [by], "{muted}");
    }
    for loud in ["db.eu/page", "db.us/page", "db/ticket", "mail/page"] {
        assert!(
            !world
                .mutes(loud, 30)
                .iter()
                .any(|mute| mute.starts_with("dependency")),
            "{loud}"
        );
    }
}

#[test]
fn of_a_circle_the_one_that_began_first_stays_loud() {
    let slos = ["a: b", "b: c", "c: a, c", "outside: a"];
    let mut world = World::new(&slos, &["a/page 20", "b/page 10", "c/page 30"]);
    world.routing.dependencies = DependencyPolicy::Mute;
    assert_eq!(world.mutes("b/page", 40), NOBODY);
    assert_eq!(world.mutes("a/page", 40), ["dependency b/page"]);
    assert_eq!(
        world.mutes("c/page", 40),
        ["dependency b/page", "dependency a/page"]
    );
    assert_eq!(world.mutes("c/ticket", 40)[0], "page c/page");
    let all = [
        "dependency b/page",
        "dependency a/page",
        "dependency c/page",
    ];
    assert_eq!(world.mutes("outside/page", 40), all);
    // At the same time one of them is loud, too.
    world.alerts = ["a/page 10", "b/page 10"].map(record).to_vec();
    let loud = ["a/page", "b/page"].map(|alert| world.mutes(alert, 40).is_empty());
    assert_eq!(loud, [true, false]);
    // A ticket keeps nobody quiet, so the page of the other does not have to wait for it.
    world.alerts = ["a/ticket 5", "b/page 10"].map(record).to_vec();
    assert_eq!(world.mutes("a/ticket", 40), ["dependency b/page"]);
    assert_eq!(world.mutes("b/page", 40), NOBODY);
}

#[test]
fn many_dependencies_are_named_only_so_far() {
    let names: Vec<String> = (0..50).map(|n| format!("s{n:02}")).collect();
    let root = format!("root: {}", names.join(", "));
    let mut slos: Vec<&str> = names.iter().map(String::as_str).collect();
    slos.push(&root);
    let alerts: Vec<String> = names.iter().map(|name| format!("{name}/page 10")).collect();
    let alerts: Vec<&str> = alerts.iter().map(String::as_str).collect();
    let mut world = World::new(&slos, &alerts);
    world.routing.dependencies = DependencyPolicy::Mute;
    assert_eq!(world.mutes("root/page", 20).len(), 16);
    assert_eq!(world.mutes("root/page", 20)[0], "dependency s00/page");
}

#[test]
fn routes_rest_outside_active_and_inside_mute_intervals() {
    let hours = |start: u16, end: u16| TimeInterval {
        times: vec![(start * 60, end * 60)],
        ..TimeInterval::always(Zone::utc())
    };
    let routing = Routing {
        intervals: BTreeMap::from([
            ("morning".to_owned(), vec![hours(6, 9), hours(10, 12)]),
            ("evening".to_owned(), vec![hours(18, 22)]),
            ("lunch".to_owned(), vec![hours(11, 13)]),
        ]),
        ..Routing::default()
    };
    let rest = |active: &[&str], mute: &[&str], hour: i64| -> String {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let route = Route {
            name: "office".to_owned(),
            active_intervals: owned(active),
            mute_intervals: owned(mute),
            ..Route::default()
        };
        let rest = routing.rest(&route, minute(hour * 60));
        rest.map_or_else(|| "awake".to_owned(), |mute| mute.to_string())
    };
    let day = ["morning", "evening"];
    let outside = "route \"office\" rests outside \"morning, evening\"";
    let within = "route \"office\" rests within \"lunch\"";
    assert_eq!(rest(&[], &[], 3), "awake");
    assert_eq!(rest(&day, &[], 6), "awake");
    assert_eq!(rest(&day, &[], 9), outside);
    assert_eq!(rest(&day, &[], 10), "awake");
    assert_eq!(rest(&day, &[], 21), "awake");
    assert_eq!(rest(&day, &[], 22), outside);
    assert_eq!(rest(&[], &["lunch"], 12), within);
    assert_eq!(rest(&[], &["lunch"], 13), "awake");
    assert_eq!(rest(&day, &["lunch"], 11), within);
    assert_eq!(rest(&day, &["lunch"], 12), outside);
    assert_eq!(rest(&[], &["unknown"], 12), "awake");
    assert_eq!(rest(&["unknown", "lunch"], &[], 12), "awake");
}

#[test]
fn of_the_many_alerts_of_a_dependency_the_first_page_counts() {
    let alerts = [
        "db.eu/page 12",
        "db.us/page 10",
        "db.us/ticket 3",
        "db/page 2?",
        "dba/page 1",
        "cart/page 1",
    ];
    let mut world = World::new(&["cart", "db", "dba", "shop: db"], &alerts);
    world.routing.dependencies = DependencyPolicy::Mute;
    let by_the_first = ["dependency db{zone=\"us\"}/page"];
    assert_eq!(world.mutes("shop/page", 20), by_the_first);
    assert_eq!(world.mutes("shop.eu/ticket", 20), by_the_first);
    assert_eq!(world.mutes("db/page", 20), NOBODY);
}

fn texts() -> impl Strategy<Value = Vec<String>> {
    let one = (
        prop::sample::select(vec!["db", "shop"]),
        prop::sample::select(vec!["", ".eu", ".us"]),
        prop::sample::select(vec!["page", "ticket", "info"]),
        0..4,
        prop::sample::select(vec!["", "", "?"]),
    );
    let text = one.prop_map(|(service, zone, severity, since, pending)| {
        let key = format!("{service}{zone}/{severity}");
        (key, format!("{since}{pending}"))
    });
    let texts = prop::collection::btree_map(text.clone().prop_map(|(key, _)| key), text, 1..12);
    texts.prop_map(|texts| {
        let line = |(key, (_, since)): (String, (String, String))| format!("{key} {since}");
        texts.into_iter().map(line).collect()
    })
}

fn matchers() -> impl Strategy<Value = Vec<Matcher>> {
    let pairs = vec![
        ("service", "db"),
        ("service", "shop"),
        ("zone", "eu"),
        ("zone", ""),
        ("severity", "page"),
        ("severity", "ticket"),
    ];
    let one = prop::sample::select(pairs).prop_map(|(name, value)| matcher(name, value));
    prop::collection::vec(one, 0..3)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// All at once is the same as one source and one target at a time.
    #[test]
    fn inhibition_is_by_the_rule_as_it_is_written(
        texts in texts(),
        source in matchers(),
        target in matchers(),
        equal in prop::sample::subsequence(vec!["service", "zone", "nothing"], 0..3),
    ) {
        let equal = equal.into_iter().map(str::to_owned).collect();
        let rule = InhibitRule { name: "rule".to_owned(), source, target, equal };
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let mut world = World::new(&["db", "shop"], &texts);
        world.alerts.sort_by(|a, b| a.key.cmp(&b.key));
        world.routing.inhibit = vec![rule.clone()];
        for text in texts {
            let (alert, _) = text.split_once(' ').unwrap();
            let quiet = key(alert);
            let labels = record(text).facts.matching_labels();
            let by = world.alerts.iter().filter(|record| {
                record.is_firing()
                    && record.key != quiet
                    && rule.inhibits(&record.facts.matching_labels(), &labels)
            });
            let by = by.min_by_key(|record| record.state.since());
            let expect = by.map(|by| format!("inhibition {}", by.key).replace("/availability", ""));
            let mut mutes = world.mutes(alert, 20);
            mutes.retain(|mute| mute.starts_with("inhibition"));
            prop_assert_eq!(mutes, Vec::from_iter(expect), "{}", text);
        }
    }
}
