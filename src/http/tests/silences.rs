//! Silences over both APIs: what is made of a wish, and what is refused.

use serde_json::json;

use super::operators::{Staffed, silence, with_silences};
use super::*;
use crate::engine::{Operation, Silence, SilenceState};

fn shop_with(states: &[(&str, SilenceState)]) -> Staffed {
    let silences = states.iter().map(|(id, state)| silence(id, *state));
    Staffed::new(with_silences(shop(), silences.collect()))
}

/// What was set, and the ids of what was ended, in their order.
fn operations(staffed: &Staffed) -> (Vec<Silence>, Vec<String>) {
    let (mut set, mut ended) = (Vec::new(), Vec::new());
    for command in staffed.asked() {
        match command {
            Command::Operate(Operation::SetSilence(silence)) => set.push(silence),
            Command::Operate(Operation::ExpireSilence { id }) => ended.push(id),
            other => panic!("{other:?}"),
        }
    }
    (set, ended)
}

fn v2(id: Option<&str>, starts_at: &str, service: &str) -> String {
    let body = json!({
        "id": id,
        "matchers": [{"name": "service", "value": service, "isRegex": false}],
        "startsAt": starts_at,
        "endsAt": "2026-03-01T14:00:00+01:00",
        "createdBy": "bob",
        "comment": "longer",
    });
    body.to_string()
}

const SILENCES: &str = "/api/v2/silences";

#[tokio::test]
async fn alertmanagers_clients_make_silences_that_are_shown_as_they_are() {
    let staffed = shop_with(&[]);
    let body = v2(None, "2026-03-01T11:00:00.000Z", "shop");
    let made = staffed.send(Method::POST, SILENCES, &body).await;
    let id = made.json()["silenceID"].as_str().unwrap().to_owned();
    assert_eq!(made.status, 200);
    assert!(id.len() == 36 && id.as_bytes()[14] == b'4', "{id}");
    let shown = staffed.get(&format!("/api/v2/silence/{id}")).await.json();
    assert_eq!(
        shown,
        json!({
            "id": id,
            "status": {"state": "active"},
            "updatedAt": "2026-03-01T12:00:00.000Z",
            "matchers": [
                {"name": "service", "value": "shop", "isRegex": false, "isEqual": true},
            ],
            // A new one does not begin in the past.
            "startsAt": "2026-03-01T12:00:00.000Z",
            "endsAt": "2026-03-01T13:00:00.000Z",
            "createdBy": "bob",
            "comment": "longer",
        })
    );
    assert_eq!(staffed.get(SILENCES).await.json(), json!([shown]));
    let gone = staffed
        .send(Method::DELETE, &format!("/api/v2/silence/{id}"), "")
        .await;
    assert_eq!((gone.status, gone.body.as_str()), (200, ""));
    let again = staffed
        .send(Method::DELETE, &format!("/api/v2/silence/{id}"), "")
        .await;
    assert_eq!(again.status, 409);
    assert_eq!(again.json(), format!("silence {id} has expired already"));
    let done = [
        format!("silence.create {id}: done"),
        format!("silence.expire {id}: done"),
    ];
    assert_eq!(staffed.audit(), done);
}

#[tokio::test]
async fn what_cannot_be_changed_is_made_anew_before_the_old_one_ends() {
    use SilenceState::{Active, Expired};
    // The silence, the wished start, the wished service: whether it keeps its id, what ends.
    let table = [
        (Active, "2026-03-01T11:00:00.000Z", "shop", true, false),
        (Active, "2026-03-01T11:00:00.000Z", "cart", false, true),
        (Active, "2026-03-01T11:30:00.000Z", "shop", false, true),
        (Expired, "2026-03-01T10:00:00.000Z", "shop", false, false),
    ];
    for (state, starts_at, service, keeps, ends) in table {
        let staffed = shop_with(&[("old", state)]);
        let body = v2(Some("old"), starts_at, service);
        let made = staffed.send(Method::POST, SILENCES, &body).await.json();
        let (set, ended) = operations(&staffed);
        let what = format!("{state:?} {starts_at} {service}");
        assert_eq!(made["silenceID"], set[0].id, "{what}");
        assert_eq!(set[0].id == "old", keeps, "{what}");
        assert_eq!(ended == ["old"], ends, "{what}");
    }
    let staffed = shop_with(&[]);
    let body = v2(Some("unknown"), "2026-03-01T11:00:00.000Z", "shop");
    let answer = staffed.send(Method::POST, SILENCES, &body).await;
    assert_eq!(answer.status, 404);
    assert_eq!(answer.json(), r#"there is no silence "unknown""#);
}

#[tokio::test]
async fn wishes_that_make_no_sense_are_refused_before_the_daemon_hears_of_them() {
    let staffed = shop_with(&[("live", SilenceState::Active)]);
    let wish = |changes: Value| {
        let mut wish = json!({
            "matchers": ["service=shop"],
            "duration": "2h",
            "created_by": "ann",
            "comment": "x",
        });
        for (key, value) in changes.as_object().unwrap() {
            wish[key] = value.clone();
        }
        wish.to_string()
    };
    let mut seen = Vec::new();
    for body in [
        wish(json!({"matchers": []})),
        wish(json!({"matchers": ["service=~\".*\""]})),
        wish(json!({"matchers": ["service=~["]})),
        wish(json!({"matchers": ["service"]})),
        wish(json!({"matchers": vec!["a=b"; 33]})),
        wish(json!({"comment": " "})),
        wish(json!({"comment": "x".repeat(5000)})),
        wish(json!({"duration": "soon"})),
        wish(json!({"duration": "0"})),
        wish(json!({"duration": null})),
        wish(json!({"ends_at": "2026-03-01T13:00:00Z"})),
        wish(json!({"duration": null, "ends_at": "tomorrow"})),
        wish(json!({"duration": null, "ends_at": "2026-03-01T11:59:59Z"})),
        wish(json!({"color": "red"})),
        "[]".to_owned(),
        "{".to_owned(),
        String::new(),
    ] {
        let answer = staffed.send(Method::POST, "/api/v1/silences", &body).await;
        let text = answer.json()["error"].as_str().unwrap().to_owned();
        let text: String = text.lines().next().unwrap().chars().take(90).collect();
        seen.push(format!("{} {text}", answer.status));
    }
    assert_eq!(staffed.asked(), []);
    assert_eq!(staffed.audit(), Vec::<String>::new());
    insta::assert_snapshot!(seen.join("\n"), @r#"
    400 a silence needs at least one matcher
    400 every matcher matches the empty string, so this would silence alerts that lack these label
    400 matcher "service=~[": "[" is not a regular expression: unclosed character class
    400 matcher "service": one of = != =~ !~ is expected after the name of a label
    400 a silence has at most 32 matchers
    400 a silence needs the comment
    400 the comment of a silence has at most 4096 characters
    400 duration: "soon" is not a duration such as 30s, 5m, 1h30m or 30d
    400 a silence must end after it starts
    400 a silence needs its end: say ends_at, or duration
    400 say ends_at or duration, not both
    400 ends_at is "tomorrow", not a time such as 2026-01-02T03:04:05Z
    400 a silence must end after it starts
    400 reading the body: unknown field `color`, expected one of `matchers`, `starts_at`, `ends_at
    400 reading the body: invalid length 0, expected struct NewSilence with 6 elements at line 1 c
    400 reading the body: EOF while parsing an object at line 1 column 1
    400 reading the body: missing field `matchers` at line 1 column 2
    "#);
}

#[tokio::test]
async fn only_json_is_taken() {
    let staffed = shop_with(&[]);
    let body = v2(None, "2026-03-01T11:00:00.000Z", "shop");
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "application/jsonx",
        "",
    ] {
        for target in [SILENCES, "/api/v1/silences", "/api/v1/dead-letters/1/retry"] {
            let headers = [("content-type", kind)];
            let answer = staffed
                .send_with(Method::POST, target, &headers, &body)
                .await;
            assert_eq!(answer.status, 415, "{kind} {target}");
        }
    }
    let headers = [("content-type", "Application/JSON; charset=utf-8")];
    let answer = staffed
        .send_with(Method::POST, SILENCES, &headers, &body)
        .await;
    assert_eq!(answer.status, 200, "{}", answer.body);
}

#[tokio::test]
async fn operators_extend_change_and_end() {
    let staffed = shop_with(&[
        ("live", SilenceState::Active),
        ("gone", SilenceState::Expired),
    ]);
    let extend = r#"{"duration": "3h"}"#;
    let live = "/api/v1/silences/live";
    let answer = staffed.send(Method::PUT, live, extend).await;
    assert_eq!(answer.json()["ends_at"], "2026-03-01T15:00:00.000Z");
    assert_eq!(answer.json()["id"], "live");
    let gone = staffed
        .send(Method::PUT, "/api/v1/silences/gone", extend)
        .await;
    assert_eq!(gone.status, 409);
    let none = staffed
        .send(Method::PUT, "/api/v1/silences/none", extend)
        .await;
    assert_eq!(none.status, 404);
    let ended = staffed.send(Method::DELETE, live, "").await;
    assert_eq!(ended.status, 204);
    let ended = staffed.send(Method::DELETE, live, "").await;
    assert_eq!(ended.status, 409);
    let listed = staffed.get("/api/v1/silences?state=expired&limit=1").await;
    let listed = listed.json();
    assert_eq!(listed["total"], 2);
    assert_eq!(listed["silences"][0]["id"], "live", "the last to end first");
    assert_eq!(
        listed["silences"][0]["matchers"],
        json!([r#"service="shop""#])
    );
}

#[tokio::test]
async fn a_refusal_of_the_daemon_is_passed_on_and_written_down() {
    let board = with_silences(shop(), vec![silence("live", SilenceState::Active)]);
    let staffed = Staffed::with(board, Err("the disk is full"));
    let answer = staffed
        .send(Method::DELETE, "/api/v1/silences/live", "")
        .await;
    assert_eq!(answer.status, 409);
    assert_eq!(answer.json()["error"], "the disk is full");
    assert_eq!(staffed.audit(), ["silence.expire live: the disk is full"]);
}

#[tokio::test]
async fn silences_are_listed_and_found_as_alertmanager_does() {
    let mut other = silence("other", SilenceState::Active);
    other.matchers = vec![operators::matcher("service", "=~", "cart|shop")];
    other.ends_at = NOON + Span::from_mins(1);
    let silences = vec![
        silence("gone", SilenceState::Expired),
        silence("next", SilenceState::Pending),
        silence("live", SilenceState::Active),
        other,
    ];
    let staffed = Staffed::new(with_silences(shop(), silences));
    for (query, wanted) in [
        ("", &["other", "live", "next", "gone"][..]),
        ("?filter=service%3Dshop", &["live", "next", "gone"]),
        ("?filter=service%3D~%22cart%7Cshop%22", &["other"]),
        ("?filter=service!%3Dshop", &[]),
        ("?creator=ann&unknown=1", &["other", "live", "next", "gone"]),
        ("?creator=bob", &[]),
    ] {
        let listed = staffed.get(&format!("{SILENCES}{query}")).await.json();
        let ids = listed.as_array().unwrap().iter();
        let ids: Vec<&str> = ids.map(|one| one["id"].as_str().unwrap()).collect();
        assert_eq!(ids, wanted, "{query}");
    }
}

#[tokio::test]
async fn more_matchers_than_a_silence_has_are_refused_unread() {
    let staffed = shop_with(&[]);
    let costly = format!("x=~\"{}\"", "(a{9}){9}".repeat(9));
    let ours = json!({
        "matchers": vec![costly; 1000],
        "duration": "1h",
        "comment": "x",
    });
    let theirs = json!({
        "matchers": vec![json!({"name": "x", "value": "(", "isRegex": true}); 1000],
        "startsAt": "2026-03-01T12:00:00Z",
        "endsAt": "2026-03-01T13:00:00Z",
        "createdBy": "ann",
        "comment": "x",
    });
    for (target, body) in [("/api/v1/silences", ours), (SILENCES, theirs)] {
        let answer = staffed.send(Method::POST, target, &body.to_string()).await;
        assert_eq!(answer.status, 400, "{target}");
        let text = "a silence has at most 32 matchers";
        assert!(answer.body.contains(text), "{}", answer.body);
    }
    assert_eq!(staffed.asked(), []);
}
