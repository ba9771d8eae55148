//! Who is told in which company and when: groups, storms, repeats, escalation, mutes that end,
//! routes that change.

use crate::engine::mute::Mute;
use crate::engine::operation::{Acknowledgement, Operation};
use crate::engine::routing::{EscalationStep, GroupBy, Recipient, Route, Routing, StormLimit};
use crate::engine::silence::Silence;

use super::scene::Scene;
use super::*;

mod chaos;
mod escalation;
mod groups;
mod news;
mod storms;

/// An SLO whose one alert fires with the first slot of failures and ends two slots after the last:
/// a ticket when its name begins with `t`, else a page.
pub(super) fn quick(name: &str) -> Slo {
    let mut definition = slo(name, &[]);
    let policy = Arc::make_mut(&mut definition.policy);
    let severity = match name.starts_with('t') {
        true => Severity::Ticket,
        false => Severity::Page,
    };
    policy.tiers = vec![tier(severity, 4, 1, 10.0)];
    policy.hold = Span::ZERO;
    policy.budget = BudgetPolicy::default();
    definition.reach = Reach::new(&definition.policy, &definition.period);
    definition
}

/// Such SLOs, and one route for all their alerts.
pub(super) fn scene(names: &[&str], root: Route) -> Scene {
    let slos = names.iter().map(|name| quick(name)).collect();
    let mut scene = Scene::new(slos, names);
    scene.recipients = routing(root);
    scene.configure();
    scene
}

pub(super) fn routing(root: Route) -> Routing {
    Routing {
        root,
        ..Routing::default()
    }
}

pub(super) fn receivers(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// One group for everything: a minute's wait, then five.
pub(super) fn together() -> Route {
    Route {
        name: "all".to_owned(),
        receivers: receivers(&["chat"]),
        group_by: GroupBy::Labels(Vec::new()),
        group_wait: Span::from_mins(1),
        group_interval: Span::from_mins(5),
        ..Route::default()
    }
}

/// Everybody by themselves.
pub(super) fn alone(names: &[&str]) -> Route {
    Route {
        name: "all".to_owned(),
        receivers: receivers(names),
        ..Route::default()
    }
}

pub(super) fn storm(pages: u32, within: &str) -> Recipient {
    Recipient {
        name: "pager".to_owned(),
        send_resolved: true,
        storm: Some(StormLimit {
            pages,
            within: Span::parse(within).unwrap(),
        }),
    }
}

pub(super) fn silence(scene: &mut Scene, id: &str, service: &str, length: &str) {
    let silence = Silence {
        id: id.to_owned(),
        matchers: vec![crate::engine::labels::Matcher {
            name: "service".to_owned(),
            op: crate::engine::labels::MatchOp::new("=~", service).unwrap(),
        }],
        starts_at: scene.now,
        ends_at: scene.now + Span::parse(length).unwrap(),
        created_by: "ann".to_owned(),
        comment: "deploying".to_owned(),
        updated_at: scene.now,
    };
    scene.step(Input::Operated(Operation::SetSilence(silence)));
}

pub(super) fn acknowledge(scene: &mut Scene, alert: &str) {
    let acknowledgement = Acknowledgement {
        by: "ann".to_owned(),
        at: scene.now,
        via: "api".to_owned(),
        note: String::new(),
    };
    let alert = alert.to_owned();
    scene.step(Input::Operated(Operation::Acknowledge {
        alert,
        acknowledgement,
    }));
}

pub(super) fn unacknowledge(scene: &mut Scene, alert: &str) {
    let alert = alert.to_owned();
    scene.step(Input::Operated(Operation::Unacknowledge { alert }));
}

/// When which mutes changed, as words.
pub(super) fn mutes(scene: &Scene) -> Vec<String> {
    let changes = scene
        .effects
        .iter()
        .filter_map(|(at, effect)| match effect {
            Effect::Muted(change) => {
                let words: Vec<&str> = change.mutes.iter().map(Mute::as_str).collect();
                let (at, key) = (scene.elapsed(*at), &change.key);
                Some(format!("{at} {key} [{}]", words.join(" ")))
            }
            _ => None,
        });
    changes.collect()
}
