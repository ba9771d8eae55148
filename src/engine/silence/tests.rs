//! The life of a silence, by an engine and by those who ask for one.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::engine::input::{Input, Memories, Options};
use crate::engine::labels::MatchOp;

fn matcher(name: &str, op: &str, value: &str) -> Matcher {
    Matcher {
        name: name.to_owned(),
        op: MatchOp::new(op, value).unwrap(),
    }
}

fn minute(minute: i64) -> Timestamp {
    Timestamp::EPOCH + Span::from_mins(minute)
}

fn silence(id: &str, from: i64, until: i64) -> Silence {
    Silence {
        id: id.to_owned(),
        matchers: vec![matcher("service", "=", "shop")],
        starts_at: minute(from),
        ends_at: minute(until),
        created_by: "ann".to_owned(),
        comment: "deploying".to_owned(),
        updated_at: minute(from),
    }
}

fn engine(silences: Vec<Silence>) -> Engine {
    let options = Options::for_testing();
    let memories = Memories {
        silences,
        ..Memories::default()
    };
    Engine::new(options, memories)
}

fn set(engine: &mut Engine, at: Timestamp, silence: Silence) -> Vec<Effect> {
    engine.step(at, Input::Operated(Operation::SetSilence(silence)))
}

fn expire(engine: &mut Engine, at: Timestamp, id: &str) -> Vec<Effect> {
    let id = id.to_owned();
    engine.step(at, Input::Operated(Operation::ExpireSilence { id }))
}

#[test]
fn a_silence_stands_where_its_times_say() {
    let silence = silence("a", 10, 20);
    let states = [9, 10, 19, 20].map(|at| silence.state(minute(at)).as_str());
    assert_eq!(states, ["pending", "active", "active", "expired"]);
    // The clock is set back, and forward by ages.
    assert_eq!(silence.state(minute(5)), SilenceState::Pending);
    for millis in [i64::MIN, i64::MAX] {
        let _ = silence.state(Timestamp::from_millis(millis));
    }
}

#[test]
fn silences_are_set_replaced_and_ended() {
    let mut engine = engine(Vec::new());
    let first = silence("a", 10, 20);
    assert_eq!(
        set(&mut engine, minute(0), first.clone()),
        [Effect::SaveSilence(first.clone())]
    );
    let longer = Silence {
        ends_at: minute(40),
        ..first
    };
    set(&mut engine, minute(15), longer.clone());
    assert_eq!(engine.silences().collect::<Vec<_>>(), [&longer]);
    let ended = Silence {
        ends_at: minute(30),
        updated_at: minute(30),
        ..longer
    };
    assert_eq!(
        expire(&mut engine, minute(30), "a"),
        [Effect::SaveSilence(ended)]
    );
    assert_eq!(expire(&mut engine, minute(31), "a"), [], "it has ended");
    assert_eq!(expire(&mut engine, minute(31), "b"), [], "there is none");
    // One that has not begun is never active.
    set(&mut engine, minute(0), silence("c", 10, 20));
    expire(&mut engine, minute(5), "c");
    let ended = engine.silences().find(|silence| silence.id == "c").unwrap();
    for at in 0..30 {
        assert_ne!(ended.state(minute(at)), SilenceState::Active, "{at}");
    }
}

#[test]
fn what_cannot_be_a_silence_is_not_taken() {
    let good = silence("a", 10, 20);
    let many = |count: usize, value: &str| vec![matcher("service", "=", value); count];
    let with = |matchers: Vec<Matcher>| Silence {
        matchers,
        ..good.clone()
    };
    let said = |comment: String, created_by: &str| Silence {
        comment,
        created_by: created_by.to_owned(),
        ..good.clone()
    };
    let bad = [
        (with(Vec::new()), "at least one matcher"),
        (with(many(33, "shop")), "at most 32 matchers"),
        (with(many(32, &"x".repeat(600))), "at most 16384 bytes"),
        (with(vec![matcher("", "=", "x")]), "not the name of a label"),
        (
            with(vec![matcher("a\nb", "=", "x")]),
            "not the name of a label",
        ),
        (
            with(vec![matcher("a", "=~", ".*"), matcher("b", "!=", "x")]),
            "matches the empty string",
        ),
        (said(String::new(), "ann"), "needs the comment"),
        (said("x".repeat(4097), "ann"), "at most 4096 characters"),
        (said("why".to_owned(), " "), "needs the author"),
        (silence("a", 20, 20), "must end after it starts"),
        (silence("a", 20, 10), "must end after it starts"),
        (silence("", 10, 20), "the id"),
        (silence(&"x".repeat(65), 10, 20), "the id"),
    ];
    let mut engine = engine(Vec::new());
    for (silence, words) in bad {
        let problem = silence.check().unwrap_err();
        assert!(problem.contains(words), "{problem}");
        assert_eq!(set(&mut engine, minute(0), silence), [], "{words}");
    }
    assert_eq!(engine.silences().count(), 0);
    let most = Silence {
        matchers: many(32, "shop"),
        comment: "ü".repeat(4096),
        ..good
    };
    assert_eq!(most.check(), Ok(()));
}

#[test]
fn expired_silences_make_room_and_live_ones_do_not() {
    let kept = |count: usize, from: i64| -> Vec<Silence> {
        let each = |n| {
            silence(
                &format!("{n:05}"),
                from + n as i64 % 7,
                from + 100 + n as i64,
            )
        };
        (0..count).map(each).collect()
    };
    let mut engine = engine(kept(SILENCES_MAX, 0));
    assert_eq!(set(&mut engine, minute(50), silence("new", 50, 60)), []);
    let changed = silence("00001", 1, 300);
    assert_eq!(
        set(&mut engine, minute(50), changed).len(),
        1,
        "it is not one more"
    );
    let effects = set(&mut engine, minute(105), silence("new", 105, 120));
    assert_eq!(effects[0], Effect::ForgetSilence("00000".to_owned()));
    assert_eq!(effects.len(), 2);
    assert_eq!(engine.silences().count(), SILENCES_MAX);
}

#[test]
fn expired_silences_are_forgotten_after_five_days() {
    let mut engine = engine(vec![silence("a", 10, 20), silence("b", 10, 30)]);
    let end = minute(20) + Span::from_days(5);
    let almost = end - Span::from_millis(1);
    assert_eq!(engine.step(almost, Input::Tick), []);
    let forget = |id: &str| Effect::ForgetSilence(id.to_owned());
    assert_eq!(engine.step(end, Input::Tick), [forget("a")]);
    // The clock goes back and far ahead.
    assert_eq!(
        engine.step(Timestamp::from_millis(i64::MIN), Input::Tick),
        []
    );
    assert_eq!(
        engine.step(Timestamp::from_millis(i64::MAX), Input::Tick),
        [forget("b")]
    );
    assert_eq!(engine.silences().count(), 0);
}

#[test]
fn a_revision_does_what_alertmanager_does() {
    let live = silence("old", 10, 60);
    let wanted = |change: fn(&mut Silence)| {
        let mut wanted = silence("new", 10, 60);
        change(&mut wanted);
        wanted
    };
    let revised = |now: i64, change: fn(&mut Silence)| -> String {
        let revision = revise(Some(&live), wanted(change), minute(now)).unwrap();
        let (words, silence) = match &revision {
            Revision::Update(silence) => ("update".to_owned(), silence),
            Revision::Create(silence) => ("create".to_owned(), silence),
            Revision::Replace { ended, created } => (format!("end {ended}, create"), created),
        };
        assert_eq!(silence.updated_at, minute(now));
        assert_eq!(silence.check(), Ok(()));
        let minutes = |at: Timestamp| at.since(Timestamp::EPOCH).to_string();
        format!(
            "{words} {} {}-{}",
            silence.id,
            minutes(silence.starts_at),
            minutes(silence.ends_at)
        )
    };
    let other: fn(&mut Silence) = |silence| silence.matchers = vec![matcher("zone", "=", "eu")];
    let longer: fn(&mut Silence) = |silence| silence.ends_at = minute(90);
    let said: fn(&mut Silence) = |silence| silence.comment = "still deploying".to_owned();
    let later: fn(&mut Silence) = |silence| silence.starts_at = minute(30);
    let earlier: fn(&mut Silence) = |silence| silence.starts_at = minute(2);
    // Active at 20, pending at 5, expired at 70.
    assert_eq!(revised(20, |_| {}), "update old 10m-1h");
    assert_eq!(revised(20, longer), "update old 10m-1h30m");
    assert_eq!(revised(20, said), "update old 10m-1h");
    assert_eq!(revised(20, other), "end old, create new 20m-1h");
    assert_eq!(revised(20, later), "end old, create new 30m-1h");
    assert_eq!(revised(20, earlier), "end old, create new 20m-1h");
    assert_eq!(revised(5, longer), "update old 10m-1h30m");
    assert_eq!(revised(5, later), "update old 30m-1h");
    assert_eq!(revised(5, other), "end old, create new 10m-1h");
    assert_eq!(revised(5, earlier), "end old, create new 5m-1h");
    assert_eq!(revised(70, longer), "create new 1h10m-1h30m");
    // Half a second is lost on the way through a client that counts seconds.
    let exact = Silence {
        starts_at: minute(10) + Span::from_millis(512),
        ..live.clone()
    };
    let again = revise(Some(&exact), wanted(|_| {}), minute(20)).unwrap();
    assert!(matches!(again, Revision::Update(silence) if silence.starts_at == exact.starts_at));
}

#[test]
fn a_new_silence_starts_now_or_later_and_must_make_sense() {
    let new = |from, until, now| revise(None, silence("new", from, until), minute(now));
    let starts = |revision: Result<Revision, String>| match revision {
        Ok(Revision::Create(silence)) => silence.starts_at,
        other => panic!("{other:?}"),
    };
    assert_eq!(starts(new(10, 20, 15)), minute(15));
    assert_eq!(starts(new(10, 20, 5)), minute(10));
    let refused = |revision: Result<Revision, String>| revision.unwrap_err();
    assert!(refused(new(10, 20, 20)).contains("end in the past"));
    assert!(refused(new(20, 10, 5)).contains("end after it starts"));
    let empty = Silence {
        matchers: Vec::new(),
        ..silence("new", 10, 20)
    };
    assert!(refused(revise(None, empty, minute(5))).contains("at least one matcher"));
}

/// Whether a matcher agrees, by looking at every pair of labels.
fn naive(op: &str, wanted: &str, name: &str, labels: &[(String, String)]) -> bool {
    let values: BTreeSet<&str> = labels
        .iter()
        .filter(|(label, value)| label == name && !value.is_empty())
        .map(|(_, value)| value.as_str())
        .collect();
    let value = values.into_iter().next().unwrap_or("");
    // The patterns below are alternatives of plain words.
    let is_one = || wanted.split('|').any(|word| word == value);
    match op {
        "=" => value == wanted,
        "!=" => value != wanted,
        "=~" => is_one(),
        _ => !is_one(),
    }
}

proptest! {
    #[test]
    fn a_silence_matches_when_each_of_its_matchers_does(
        matchers in prop::collection::vec(("[ab]", "(=|!=|=~|!~)", "(|x|y|x[|]y|[|]x)"), 1..4),
        labels in prop::collection::btree_map("[abc]", "(|x|y|xy)", 0..4),
    ) {
        let labels: Vec<(String, String)> = labels.into_iter().collect();
        let silence = Silence {
            matchers: matchers.iter().map(|(name, op, value)| matcher(name, op, value)).collect(),
            ..silence("a", 10, 20)
        };
        let mut each = matchers.iter();
        let expect = each.all(|(name, op, value)| naive(op, value, name, &labels));
        prop_assert_eq!(silence.matches(&Labels::new(labels)), expect);
    }

    /// Whatever happens when, what is kept is what was saved, and what was ended is over.
    #[test]
    fn the_store_has_what_the_engine_has(
        script in prop::collection::vec((0_i64..20_000, 0_usize..4, 0_i64..300, any::<bool>()), 1..40),
    ) {
        let mut engine = engine(Vec::new());
        let mut stored = std::collections::BTreeMap::new();
        for (now, which, length, sets) in script {
            let id = format!("s{which}");
            let effects = match (sets, length) {
                (_, 0) => engine.step(minute(now), Input::Tick),
                (true, _) => set(&mut engine, minute(now), silence(&id, now, now + length)),
                (false, _) => expire(&mut engine, minute(now), &id),
            };
            for effect in effects {
                match effect {
                    Effect::SaveSilence(silence) => {
                        stored.insert(silence.id.clone(), silence);
                    }
                    Effect::ForgetSilence(id) => prop_assert!(stored.remove(&id).is_some()),
                    other => prop_assert!(false, "{:?}", other),
                }
            }
            let kept: Vec<&Silence> = engine.silences().collect();
            prop_assert_eq!(kept, stored.values().collect::<Vec<_>>());
            if !sets && let Some(ended) = stored.get(&id) {
                prop_assert!(length == 0 || ended.state(minute(now)) == SilenceState::Expired);
            }
        }
    }
}
