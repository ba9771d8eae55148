//! What was decided, in the log and in the metrics: one line per change of an alert, per mute, per
//! notification and per silence.

use tracing::{info, warn};

use super::poller::Poller;
use crate::engine::{
    Effect, Mute, MuteChange, Notification, NotificationKind, Severity, Silence, StateName,
    Transition,
};

impl Poller {
    /// Reports the effects of a step that have been committed.
    pub(super) fn report(&self, effects: &[Effect]) {
        for effect in effects {
            match effect {
                Effect::Transitioned(transition) => self.report_transition(transition),
                Effect::Muted(change) => self.report_mutes(change),
                Effect::Notify(notification) => self.report_notification(notification),
                Effect::SaveSilence(silence) => report_silence(silence),
                Effect::Save(_)
                | Effect::Forget(_)
                | Effect::SaveThread(_)
                | Effect::ForgetThread(_)
                | Effect::ForgetSilence(_) => {}
            }
        }
    }

    fn report_transition(&self, transition: &Transition) {
        let facts = &transition.facts;
        self.around
            .metrics
            .transition(facts.severity, transition.to);
        info!(
            alert = %facts.key,
            from = transition.from.as_str(),
            to = transition.to.as_str(),
            severity = facts.severity.as_str(),
            reason = %facts.reason,
            peak_burn = facts.peak_burn,
            muted_by = words(&transition.mutes),
            "Alert changed state"
        );
        let fires = transition.to == StateName::Firing;
        let routing = self.engine.routing();
        if fires && !routing.reaches_somebody(&facts.matching_labels()) {
            warn!(alert = %facts.key, "No route leads to a receiver, nobody is told");
        }
    }

    fn report_mutes(&self, change: &MuteChange) {
        for mute in &change.mutes {
            self.around.metrics.muted(mute.as_str());
        }
        info!(
            alert = %change.key,
            severity = change.severity.as_str(),
            muted_by = words(&change.mutes),
            "{}",
            if change.mutes.is_empty() { "Alert unmuted" } else { "Alert muted" }
        );
    }

    fn report_notification(&self, notification: &Notification) {
        let facts = &notification.facts;
        let wakes = facts.severity == Severity::Page;
        if wakes && notification.kind == NotificationKind::Trigger {
            let night = self.night.0.contains(facts.decided_at);
            self.around.metrics.page(&notification.receiver, night);
        }
        info!(
            alert = %facts.key,
            receiver = notification.receiver,
            kind = notification.kind.as_str(),
            reason = %facts.reason,
            group = notification.group.as_ref().map(|group| group.key.to_string()),
            "Notification queued"
        );
    }
}

fn report_silence(silence: &Silence) {
    let matchers: Vec<String> = silence.matchers.iter().map(ToString::to_string).collect();
    info!(
        silence = silence.id,
        matchers = matchers.join(","),
        created_by = silence.created_by,
        "Silence set"
    );
}

/// Every mute in words; nothing when there is none.
fn words(mutes: &[Mute]) -> Option<String> {
    let words: Vec<String> = mutes.iter().map(ToString::to_string).collect();
    (!words.is_empty()).then(|| words.join("; "))
}
