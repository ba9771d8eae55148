//! The watcher that a report is made of. It keeps figures and bounded lists, never every step: a
//! year of a hundred SLOs fits into memory as well as a day of one.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::instance::{Instance, Stretch, count};
use super::log::{AlertLog, kind};
use super::night::Nights;
use super::{
    ALERTS_MAX, ALERTS_TOTAL_MAX, AlertKind, Figures, INSTANCES_MAX, MESSAGES_MAX,
    MESSAGES_TOTAL_MAX, MessageReport, SentFigures,
};
use crate::engine::{
    AlertFacts, AlertKey, AlertRecord, Effect, Engine, InstanceId, Notification, NotificationKind,
    Severity, Slo, SloId, StateName, Timestamp, Transition,
};
use crate::message::Writer;
use crate::replay::Watcher;

/// What has happened so far in one variant.
pub(super) struct Recorder<'a> {
    stretch: Stretch,
    nights: &'a Nights,
    writers: &'a Writers,
    /// Those that are reported; what happens to others is not looked at.
    slos: BTreeMap<SloId, Arc<Slo>>,
    pub(super) instances: BTreeMap<InstanceId, Instance>,
    /// Of the source.
    pub(super) source: AlertLog,
    pub(super) source_figures: Figures,
    pub(super) sent: Tally<'a>,
    listed: usize,
    alerts: usize,
    messages: usize,
}

/// Who puts messages into words: for everybody, and for receivers with words of their own.
#[derive(Clone, Debug, Default)]
pub struct Writers {
    /// For all others.
    pub usual: Writer,
    /// By receiver.
    pub own: BTreeMap<String, Writer>,
}

impl Writers {
    fn of(&self, receiver: &str) -> &Writer {
        self.own.get(receiver).unwrap_or(&self.usual)
    }
}

impl<'a> Recorder<'a> {
    pub(super) fn new(
        stretch: Stretch,
        nights: &'a Nights,
        writers: &'a Writers,
        slos: &[Arc<Slo>],
    ) -> Self {
        Self {
            stretch,
            nights,
            writers,
            slos: slos
                .iter()
                .map(|slo| (slo.id.clone(), slo.clone()))
                .collect(),
            instances: BTreeMap::new(),
            source: AlertLog::default(),
            source_figures: Figures::default(),
            sent: Tally::new(stretch, nights),
            listed: 0,
            alerts: 0,
            messages: 0,
        }
    }

    fn instance(&mut self, id: &InstanceId, at: Timestamp) -> Option<&mut Instance> {
        if !self.instances.contains_key(id) {
            let slo = self.slos.get(&id.slo)?.clone();
            let is_listed = self.listed < INSTANCES_MAX;
            self.listed += usize::from(is_listed);
            let instance = Instance::new(slo, at, &self.stretch, is_listed);
            self.instances.insert(id.clone(), instance);
        }
        self.instances.get_mut(id)
    }

    /// The alerts to which this one belongs; `None` if it is not looked at.
    fn log(&mut self, key: &AlertKey) -> Option<&mut AlertLog> {
        match key.instance() {
            Some(id) => self
                .instances
                .get_mut(id)
                .map(|instance| &mut instance.alerts),
            None => Some(&mut self.source),
        }
    }

    fn move_alert(&mut self, transition: &Transition) {
        if let Some(id) = transition.facts.key.instance()
            && self.instance(id, transition.at).is_none()
        {
            return;
        }
        match (transition.from, transition.to) {
            (_, StateName::Firing) => self.fire(transition),
            (StateName::Firing, _) => self.end(transition),
            (StateName::Inactive | StateName::Pending, _) => {}
        }
    }

    fn fire(&mut self, transition: &Transition) {
        let (key, at) = (&transition.facts.key, transition.at);
        let open_at_start = at <= self.stretch.start;
        let (night, at_night) = (self.nights.number(at), self.nights.contains(at));
        let Some(log) = self.log(key) else {
            return;
        };
        let is_flap = log.fire(transition, open_at_start, at_night);
        let (figures, nights) = match key.instance().and_then(|id| self.instances.get_mut(id)) {
            Some(instance) => (&mut instance.figures, Some(&mut instance.night_pages)),
            None => (&mut self.source_figures, None),
        };
        if open_at_start {
            return;
        }
        match (kind(key), transition.facts.severity) {
            (AlertKind::Blind | AlertKind::SourceDown, _) => figures.blinds += 1,
            (AlertKind::Burn, Severity::Info) => figures.infos += 1,
            (AlertKind::Burn, severity) => {
                figures.flaps += u64::from(is_flap);
                if severity == Severity::Ticket {
                    figures.tickets += 1;
                    return;
                }
                figures.pages += 1;
                if let (Some(night), Some(pages)) = (night, nights) {
                    figures.pages_at_night += 1;
                    match pages.last_mut() {
                        Some((last, count)) if *last == night => *count += 1,
                        _ => pages.push((night, 1)),
                    }
                }
            }
        }
    }

    fn end(&mut self, transition: &Transition) {
        let (key, from) = (&transition.facts.key, self.stretch.from);
        let is_listed = match key.instance() {
            Some(id) => self.instances.get(id).is_some_and(Instance::is_listed),
            None => true,
        };
        let room = match is_listed {
            true => ALERTS_TOTAL_MAX.saturating_sub(self.alerts),
            false => 0,
        };
        let Some(log) = self.log(key) else {
            return;
        };
        let before = log.len();
        let closed = log.end(transition, from);
        log.trim(ALERTS_MAX.min(before + room));
        let grown = log.len().saturating_sub(before);
        self.alerts += grown;
        let Some(closed) = closed else {
            return;
        };
        match key.instance().and_then(|id| self.instances.get_mut(id)) {
            Some(instance) => instance.count(&closed),
            None => count(&mut self.source_figures, &closed),
        }
    }

    fn save(&mut self, record: &AlertRecord) {
        if !record.is_firing() {
            return;
        }
        if let Some(log) = self.log(&record.key) {
            log.learn(&record.facts);
            if record.announced_at.is_some() {
                log.announce(&record.key);
            }
        }
    }

    /// Lists a message with every alert that it is about.
    fn send(&mut self, at: Timestamp, notification: &Notification) {
        if at <= self.stretch.start {
            return;
        }
        let group = notification.group.as_ref();
        let members: Vec<&AlertFacts> = match group {
            Some(group) => group.members.iter().collect(),
            None => vec![&notification.facts],
        };
        let mut text: Option<String> = None;
        for facts in members {
            let (has_room, writers) = (self.messages < MESSAGES_TOTAL_MAX, self.writers);
            let log = self.log(&facts.key);
            let Some(report) = log.and_then(|log| log.find(&facts.key, facts.started_at)) else {
                continue;
            };
            if !has_room || report.messages.len() >= MESSAGES_MAX {
                report.messages_omitted += 1;
                continue;
            }
            let text = text.get_or_insert_with(|| {
                let writer = writers.of(&notification.receiver);
                writer.message(notification).headline()
            });
            report.messages.push(MessageReport {
                at,
                receiver: notification.receiver.clone(),
                kind: notification.kind,
                text: text.clone(),
                alerts: group.map_or(1, |group| {
                    let members = u32::try_from(group.members.len()).unwrap_or(u32::MAX);
                    members.saturating_add(group.omitted)
                }),
            });
            self.messages += 1;
        }
    }

    fn observe(&mut self, engine: &Engine) {
        for (feed, at) in engine.decided() {
            if *at <= self.stretch.from {
                continue;
            }
            let Some((_, evaluations)) = engine.evaluations(feed) else {
                continue;
            };
            let slot = self.stretch.slot;
            for evaluation in evaluations.iter().filter(|one| one.at == *at) {
                if let Some(instance) = self.instance(&evaluation.id, *at) {
                    instance.take(evaluation, slot);
                }
            }
        }
    }

    /// Ends the stretch: what is up stays so.
    pub(super) fn finish(&mut self, engine: &Engine) {
        for record in engine.alerts() {
            self.save(record);
        }
        for instance in self.instances.values_mut() {
            instance.finish(&self.stretch);
        }
        for closed in self.source.finish(self.stretch.from, self.stretch.until) {
            self.source_figures.open_at_end += 1;
            count(&mut self.source_figures, &closed);
        }
    }
}

impl Watcher for Recorder<'_> {
    fn see(&mut self, now: Timestamp, effects: &[Effect], engine: &Engine) {
        self.sent.see(now, effects, engine);
        for effect in effects {
            match effect {
                Effect::Transitioned(transition) => self.move_alert(transition),
                Effect::Notify(notification) => self.send(now, notification),
                Effect::Save(record) => self.save(record),
                Effect::Muted(change) => {
                    if let Some(log) = self.log(&change.key) {
                        log.mute(&change.key, change.at, &change.mutes);
                    }
                }
                Effect::Forget(_)
                | Effect::SaveThread(_)
                | Effect::ForgetThread(_)
                | Effect::SaveSilence(_)
                | Effect::ForgetSilence(_) => {}
            }
        }
        self.observe(engine);
    }
}

/// Counts messages by receiver.
pub(super) struct Tally<'a> {
    stretch: Stretch,
    nights: &'a Nights,
    pub(super) receivers: BTreeMap<String, SentFigures>,
    /// Whether something kept an alert quiet, or told it with others.
    pub(super) quieted: bool,
}

impl<'a> Tally<'a> {
    pub(super) const fn new(stretch: Stretch, nights: &'a Nights) -> Self {
        Self {
            stretch,
            nights,
            receivers: BTreeMap::new(),
            quieted: false,
        }
    }

    fn count(&mut self, now: Timestamp, notification: &Notification) {
        let sent = self.receivers.entry(notification.receiver.clone());
        let sent = sent.or_default();
        sent.messages += 1;
        let is_page = notification.facts.severity == Severity::Page;
        match notification.kind {
            NotificationKind::Trigger => {
                sent.triggers += 1;
                sent.pages += u64::from(is_page);
            }
            NotificationKind::Update => sent.updates += 1,
            NotificationKind::Resolve => sent.resolves += 1,
        }
        let wakes = is_page && notification.kind != NotificationKind::Resolve;
        let at_night = self.nights.number(now).is_some();
        sent.pages_at_night += u64::from(wakes && at_night);
    }
}

impl Watcher for Tally<'_> {
    fn see(&mut self, now: Timestamp, effects: &[Effect], _engine: &Engine) {
        for effect in effects {
            match effect {
                Effect::Notify(notification) if now > self.stretch.start => {
                    self.count(now, notification);
                }
                Effect::Muted(change) => self.quieted |= !change.mutes.is_empty(),
                Effect::SaveThread(_) => self.quieted = true,
                _ => {}
            }
        }
    }
}
