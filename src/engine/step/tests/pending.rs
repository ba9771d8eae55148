//! Every tier has a pending time of its own.

use proptest::prelude::*;

use super::*;
use crate::engine::alert::AlertRecord;
use crate::engine::slo::InstanceId;

/// Two page tiers that wait for different times, and a ticket that waits for none.
fn patient_policy() -> Policy {
    let mut policy = quick();
    for (tier, minutes) in policy.tiers.iter_mut().zip([4, 1, 0]) {
        tier.pending = Span::from_mins(minutes);
    }
    policy.page_mutes_ticket = false;
    policy
}

fn patient_scene() -> Scene {
    let mut scene = quick_scene();
    for slo in &mut scene.slos {
        slo.policy = Arc::new(patient_policy());
    }
    scene.configure();
    scene
}

#[test]
fn the_tier_that_is_ripe_first_fires_the_alert() {
    let mut scene = patient_scene();
    scene.play("10m shop 10/s 100%");
    let page = transitions(&scene, Severity::Page);
    // Both tiers of the page burn since 1m and 1m30s; the second asks for one minute only.
    assert_eq!(page, ["1m pending", "2m30s firing"]);
    assert_eq!(transitions(&scene, Severity::Ticket), ["1m30s firing"]);
}

#[test]
fn a_tier_that_pauses_begins_anew() {
    let mut scene = shop_with(|policy| {
        policy.tiers = vec![
            tier(Severity::Page, 10, 1, 10.0),
            tier(Severity::Page, 60, 30, 1.0),
        ];
        policy.tiers[0].pending = Span::from_mins(3);
        policy.tiers[1].pending = Span::from_mins(20);
    });
    // The second tier burns all the time; the first burns for two minutes and pauses for two.
    let burst = "2m shop 10/s 20%
         2m shop 10/s";
    for _ in 0..3 {
        scene.play(burst);
    }
    assert_eq!(transitions(&scene, Severity::Page), ["30s pending"]);
    scene.play("4m shop 10/s 20%");
    let paged = transitions(&scene, Severity::Page);
    assert_eq!(paged, ["30s pending", "15m30s firing"]);
}

#[test]
fn a_record_of_an_earlier_version_keeps_its_pending_time() {
    let mut scene = shop_with(|policy| {
        policy.tiers.truncate(1);
        policy.tiers[0].pending = Span::from_mins(3);
    });
    scene.play("3m shop 10/s 50%");
    assert_eq!(transitions(&scene, Severity::Page), ["2m pending"]);
    scene.change_records(|json| {
        let record = json.as_object_mut().unwrap();
        record.remove("tier_starts").unwrap();
        let facts = record["facts"].as_object_mut().unwrap();
        facts.remove("alert_name");
    });
    scene.restart();
    scene.play("3m shop 10/s 50%");
    let paged = transitions(&scene, Severity::Page);
    assert_eq!(paged, ["2m pending", "5m firing"]);
}

#[test]
fn tiers_of_the_same_windows_wait_by_themselves_and_bear_their_own_labels() {
    let speed = |speed: &str| BTreeMap::from([("speed".to_owned(), speed.to_owned())]);
    let mut scene = shop_with(|policy| {
        policy.tiers = vec![
            tier(Severity::Page, 10, 1, 10.0),
            tier(Severity::Page, 10, 1, 300.0),
        ];
        policy.tiers[0].pending = Span::from_mins(60);
        policy.tiers[0].labels = speed("slow");
        policy.tiers[1].pending = Span::from_mins(3);
        policy.tiers[1].labels = speed("fast");
    });
    scene.play("20m shop 10/s 5%");
    assert_eq!(transitions(&scene, Severity::Page), ["2m30s pending"]);
    scene.play("20m shop 10/s 100%");
    let paged = transitions(&scene, Severity::Page);
    // Above 300 times the budget from 23m on.
    assert_eq!(paged, ["2m30s pending", "26m firing"]);
    let (_, page) = scene.notifications().swap_remove(0);
    assert_eq!(page.facts.document.labels, speed("fast"));
    assert_eq!(page.facts.tiers.len(), 2);
}

#[test]
fn a_slot_without_samples_does_not_forget_what_an_earlier_version_remembered() {
    let mut scene = shop_with(|policy| policy.tiers[0].pending = Span::from_mins(3));
    scene.play("3m shop 10/s 50%");
    scene.change_records(|json| drop(json.as_object_mut().unwrap().remove("tier_starts")));
    scene.crash();
    scene.play("30s down");
    for record in scene.engine.alerts() {
        let is_burn = matches!(record.key, AlertKey::Burn { .. });
        assert!(is_burn && record.tier_starts.is_none(), "{record:?}");
    }
    assert!(scene.engine.alerts().count() > 0);
}

#[test]
fn a_tier_of_severity_info_is_told() {
    let mut scene = shop_with(|policy| {
        policy.tiers = vec![tier(Severity::Info, 10, 1, 10.0)];
        policy.budget = BudgetPolicy::default();
    });
    scene.recipients = recipients(&["pager"], &["tracker"], &["chat"]);
    scene.configure();
    scene.play(
        "5m shop 10/s 50%
         30m shop 10/s",
    );
    scene.expect(
        "30s chat trigger shop/availability/info: Burning 10m/1m
         7m30s chat resolve shop/availability/info: Recovered 10m/1m",
    );
}

/// What one slot said of the tiers of an instance; `None` if nobody saw anything.
type Seen = Vec<(Timestamp, Option<Vec<Verdict>>)>;

/// Whether this tier has burned for so long, by the whole history.
fn has_burned_for(history: &Seen, tier: usize, pending: Span) -> bool {
    let mut start = None;
    for (at, verdicts) in history.iter().rev() {
        match verdicts.as_ref().map(|verdicts| verdicts[tier]) {
            None | Some(Verdict::Unknown) => {}
            Some(Verdict::Burning) => start = Some(*at),
            Some(Verdict::Quiet | Verdict::TooFewEvents) => break,
        }
    }
    let now = history.last().unwrap().0;
    start.is_some_and(|start| now.since(start) >= pending)
}

/// The state an alert should be in, after one more slot; a held one knows since when.
fn expected(
    state: Option<(StateName, Option<Timestamp>)>,
    history: &Seen,
    severity: Severity,
) -> Option<(StateName, Option<Timestamp>)> {
    let policy = patient_policy();
    let (now, Some(verdicts)) = history.last().unwrap() else {
        return state;
    };
    let of_severity = || {
        let tiers = policy.tiers.iter().enumerate();
        tiers.filter(|(_, tier)| tier.severity == severity)
    };
    let says = |verdict| of_severity().any(|(at, _)| verdicts[at] == verdict);
    if says(Verdict::Burning) {
        let ripe = |(at, tier): (usize, &Tier)| {
            verdicts[at] == Verdict::Burning && has_burned_for(history, at, tier.pending)
        };
        let firing = matches!(state, Some((StateName::Firing, _))) || of_severity().any(ripe);
        let name = if firing {
            StateName::Firing
        } else {
            StateName::Pending
        };
        return Some((name, None));
    }
    match state {
        _ if says(Verdict::Unknown) => state,
        Some((StateName::Firing, quiet)) => {
            let quiet = quiet.unwrap_or(*now);
            (now.since(quiet) < policy.hold).then_some((StateName::Firing, Some(quiet)))
        }
        _ => None,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Against the whole history of verdicts, whatever fails and wherever the process restarts.
    #[test]
    fn each_tier_waits_for_its_own_time(
        script in scripts(),
        restarts in prop::collection::btree_set(0_usize..400, 0..8),
    ) {
        let mut scene = patient_scene();
        let mut histories: BTreeMap<InstanceId, Seen> = BTreeMap::new();
        let mut states = BTreeMap::new();
        let slots = script.iter().flat_map(|line| {
            let (length, rest) = line.split_once(' ').unwrap();
            let slots = Span::parse(length).unwrap().ratio(Span::from_secs(30)) as usize;
            std::iter::repeat_n(format!("30s {rest}"), slots)
        });
        for (slot, line) in slots.enumerate() {
            if restarts.contains(&slot) {
                scene.restart();
            }
            scene.play(&line);
            for feed in ["cart", "shop"] {
                for evaluation in scene.engine.evaluations(feed).unwrap().1 {
                    let verdicts = || evaluation.tiers.iter().map(|tier| tier.verdict).collect();
                    let seen = evaluation.is_evidence().then(verdicts);
                    let history = histories.entry(evaluation.id.clone()).or_default();
                    history.push((scene.now, seen));
                    for severity in [Severity::Page, Severity::Ticket] {
                        let instance = evaluation.id.clone();
                        let key = AlertKey::Burn { instance, severity };
                        let state = states.remove(&key).flatten();
                        let state = expected(state, history, severity);
                        let mut open = scene.engine.alerts();
                        let record = open.find(|record: &&AlertRecord| record.key == key);
                        let got = record.map(|record| record.state.name());
                        prop_assert_eq!(got, state.map(|state| state.0), "{} {}", key, scene.now.as_millis());
                        states.insert(key, state);
                    }
                }
            }
        }
    }
}
