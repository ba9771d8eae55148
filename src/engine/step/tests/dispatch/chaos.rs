//! Random scripts of failures, operators, reloads and restarts: whatever happens, restarts change
//! nothing, every beginning that lasts is told, and every thread that was begun is ended.

use super::*;

const NAMES: [&str; 5] = ["p1", "p2", "p3", "t1", "t2"];

#[derive(Clone, Debug)]
enum Act {
    Play(String),
    Silence(&'static str, &'static str),
    Acknowledge(String),
    Unacknowledge(String),
    /// The routes change; all of them lead everything to the pager and to the chat.
    Reload(usize),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let name = prop::sample::select(NAMES.to_vec());
    let share = prop::sample::select(vec!["0%", "0%", "100%", "100%", "3%"]);
    let play = (1_u32..9, prop::collection::vec((name.clone(), share), 1..4)).prop_map(
        |(slots, changes)| {
            let clause = |(name, share): (&str, &str)| format!("{name} 10/s {share}");
            let clauses: Vec<String> = changes.into_iter().map(clause).collect();
            Act::Play(format!("{}s {}", slots * 30, clauses.join(", ")))
        },
    );
    let who = prop::sample::select(vec!["p1", "p.*", "t.*", "p2|t1"]);
    let length = prop::sample::select(vec!["45s", "4m", "12m"]);
    let key = name.prop_map(|name| match name.starts_with('t') {
        true => format!("slofuse/{name}/availability/ticket"),
        false => format!("slofuse/{name}/availability/page"),
    });
    let threads = vec!["slofuse/storm:pager", "slofuse/group:all/chat"];
    let thread = prop::sample::select(threads).prop_map(str::to_owned);
    let key = prop_oneof![3 => key, 1 => thread];
    let act = prop_oneof![
        6 => play,
        1 => (who, length).prop_map(|(who, length)| Act::Silence(who, length)),
        1 => key.clone().prop_map(Act::Acknowledge),
        1 => key.prop_map(Act::Unacknowledge),
        1 => (0_usize..4).prop_map(Act::Reload),
    ];
    prop::collection::vec(act, 1..20)
}

/// Ways to lead everything to the pager and to the chat.
fn routes(which: usize) -> Routing {
    let both = || receivers(&["chat", "pager"]);
    let step = EscalationStep {
        after: Span::from_mins(2),
        receivers: receivers(&["lead"]),
    };
    let singly = Route {
        repeat_interval: Some(Span::from_mins(5)),
        escalation: vec![step.clone()],
        ..alone(&["chat", "pager"])
    };
    let grouped = Route {
        receivers: both(),
        repeat_interval: Some(Span::from_mins(7)),
        ..together()
    };
    let by_service = Route {
        name: "by-service".to_owned(),
        group_by: GroupBy::Labels(vec!["service".to_owned()]),
        escalation: vec![step],
        ..grouped.clone()
    };
    let mixed = Route {
        routes: vec![
            Route {
                name: "chat".to_owned(),
                continues: true,
                receivers: receivers(&["chat"]),
                ..grouped.clone()
            },
            Route {
                name: "pager".to_owned(),
                receivers: receivers(&["pager"]),
                ..singly.clone()
            },
        ],
        ..Route::default()
    };
    let mut routing = routing([singly, grouped, by_service, mixed][which].clone());
    let pager = storm(1, "3m");
    routing.receivers = BTreeMap::from([("pager".to_owned(), pager)]);
    routing
}

fn begin() -> Scene {
    let slos = NAMES.iter().map(|name| quick(name)).collect();
    let mut scene = Scene::new(slos, &NAMES);
    scene.recipients = routes(0);
    scene.configure();
    scene
}

fn act(scene: &mut Scene, number: usize, act: &Act) {
    match act {
        Act::Play(line) => scene.play(line),
        Act::Silence(who, length) => silence(scene, &number.to_string(), who, length),
        Act::Acknowledge(alert) => acknowledge(scene, alert),
        Act::Unacknowledge(alert) => unacknowledge(scene, alert),
        Act::Reload(which) => {
            scene.recipients = routes(*which);
            scene.configure();
        }
    }
}

/// Everything that was decided, with restarts before some acts.
fn decisions(acts: &[Act], restarts: &[usize]) -> Vec<String> {
    let mut scene = begin();
    for (number, one) in acts.iter().enumerate() {
        if restarts.contains(&number) {
            scene.restart();
        }
        act(&mut scene, number, one);
    }
    let effects = scene.effects.into_iter();
    effects.map(|(at, effect)| decision(at, effect)).collect()
}

/// Follows one alert: since when it fires unmuted, and who has heard of its episode.
#[derive(Default)]
struct Watch {
    loud_since: Option<Timestamp>,
    heard: BTreeSet<String>,
}

/// Longer than anything waits: the wait of a group, its interval, the rest of a slot.
const PATIENCE: Span = Span::from_secs(6 * 60 + 30);

/// Reads the history once more, without the engine: order, mutes that hold, nothing that is lost.
fn judge(scene: &Scene) -> Result<(), TestCaseError> {
    let mut last: BTreeMap<(String, String), (u64, u32, NotificationKind)> = BTreeMap::new();
    let mut watches: BTreeMap<AlertKey, Watch> = BTreeMap::new();
    // Who takes which alert to be up: whoever was told so, until they are told of its end.
    let mut believed: BTreeSet<(AlertKey, String)> = BTreeSet::new();
    for (at, effect) in &scene.effects {
        match effect {
            Effect::Transitioned(moved) if moved.to == StateName::Firing => {
                let loud_since = moved.mutes.is_empty().then_some(*at);
                let heard = BTreeSet::new();
                watches.insert(moved.facts.key.clone(), Watch { loud_since, heard });
            }
            Effect::Transitioned(moved) if moved.to == StateName::Inactive => {
                watches.remove(&moved.facts.key);
            }
            Effect::Muted(change) => {
                let watch = watches.entry(change.key.clone()).or_default();
                watch.loud_since = change.mutes.is_empty().then_some(*at);
            }
            Effect::Notify(told) => {
                let this = (told.episode, told.sequence, told.kind);
                let before = last.insert((told.dedup_key(), told.receiver.clone()), this);
                match before {
                    None | Some((.., NotificationKind::Resolve)) => {
                        prop_assert_eq!((this.1, this.2), (1, NotificationKind::Trigger));
                    }
                    Some((episode, sequence, _)) => {
                        prop_assert_eq!((this.0, this.1), (episode, sequence + 1));
                        prop_assert_ne!(this.2, NotificationKind::Trigger);
                    }
                }
                let one = std::slice::from_ref(&told.facts);
                let members = told.group.as_ref().map_or(one, |group| &group.members);
                for facts in members {
                    let belief = (facts.key.clone(), told.receiver.clone());
                    if facts.resolved_at.is_some() {
                        believed.remove(&belief);
                        continue;
                    }
                    let watch = watches.get_mut(&facts.key).unwrap();
                    watch.heard.insert(told.receiver.clone());
                    let fresh = believed.insert(belief);
                    prop_assert!(!fresh || watch.loud_since.is_some(), "muted: {:?}", told);
                }
            }
            _ => {}
        }
        for (key, watch) in &watches {
            let long = watch
                .loud_since
                .is_some_and(|since| at.since(since) >= PATIENCE);
            for receiver in ["chat", "pager"] {
                let heard = watch.heard.contains(receiver);
                prop_assert!(!long || heard, "{} has not heard of {}", receiver, key);
            }
        }
    }
    for (key, (.., kind)) in last {
        prop_assert_eq!(kind, NotificationKind::Resolve, "{:?} stays open", key);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn restarts_change_nothing_for_anybody(
        acts in acts(),
        restarts in prop::collection::vec(0_usize..20, 1..6),
    ) {
        let (steady, restarted) = (decisions(&acts, &[]), decisions(&acts, &restarts));
        for (steady, restarted) in steady.iter().zip(&restarted) {
            prop_assert_eq!(steady, restarted);
        }
        prop_assert_eq!(steady.len(), restarted.len());
    }

    #[test]
    fn nothing_is_lost_and_nothing_stays_open(acts in acts()) {
        let mut scene = begin();
        for (number, one) in acts.iter().enumerate() {
            act(&mut scene, number, one);
        }
        scene.play("20m p1 10/s, p2 10/s, p3 10/s, t1 10/s, t2 10/s");
        prop_assert_eq!(scene.open(), [] as [&str; 0]);
        prop_assert_eq!(scene.engine.threads().count(), 0);
        judge(&scene)?;
    }
}
