//! Telling threads: one notification about all that is new in one, when its time has come.

use std::collections::BTreeMap;

use super::alert::AlertRecord;
use super::dispatch::Pass;
use super::effect::Effect;
use super::notification::{
    AlertFacts, AlertKey, GROUP_MEMBERS_MAX, GroupFacts, Notification, NotificationKind, Reason,
};
use super::step::Engine;
use super::thread::{Member, ThreadKey, ThreadRecord};
use super::time::Timestamp;

impl Engine {
    /// Tells every thread whose time has come.
    pub(super) fn flush(&mut self, pass: &mut Pass<'_>) {
        if self.threads.is_empty() {
            return;
        }
        // What the step did not move may have been muted since it joined. Whoever is considered may
        // have reason to hurry another thread.
        loop {
            let mut unheard = self.unheard(&self.due_threads(pass));
            unheard.retain(|alert| !pass.considered.contains(alert));
            if unheard.is_empty() {
                break;
            }
            for alert in unheard {
                self.consider(&alert, None, pass);
            }
        }
        for key in self.due_threads(pass) {
            let reason = pass.reasons.remove(&key);
            if let Some(thread) = self.threads.remove(&key) {
                self.flush_thread(thread, reason, pass);
                pass.touched.insert(key);
            }
        }
    }

    fn due_threads(&self, pass: &Pass<'_>) -> Vec<ThreadKey> {
        let due = |thread: &&ThreadRecord| {
            pass.reasons.contains_key(&thread.key)
                || thread
                    .flush_at
                    .is_some_and(|flush_at| self.is_due(&thread.key, flush_at, pass.at))
        };
        let due = self.threads.values().filter(due);
        due.map(|thread| thread.key.clone()).collect()
    }

    /// Whether a time has come, or lies further off than a thread ever waits: the clock went back,
    /// or the routes changed.
    fn is_due(&self, key: &ThreadKey, flush_at: Timestamp, at: Timestamp) -> bool {
        let (first, later) = self.routing.waits(key);
        flush_at <= at || flush_at > at + first.max(later)
    }

    /// The alerts that are up in these threads and have something to tell.
    fn unheard(&self, threads: &[ThreadKey]) -> Vec<AlertKey> {
        let threads = threads.iter().filter_map(|key| self.threads.get(key));
        let members = threads.flat_map(|thread| thread.members.values());
        let unheard = members.filter(|member| member.is_up() && !member.told);
        unheard.map(|member| member.key.clone()).collect()
    }

    fn flush_thread(
        &mut self,
        mut thread: ThreadRecord,
        again: Option<Reason>,
        pass: &mut Pass<'_>,
    ) {
        thread.flush_at = None;
        let receiver = thread.key.receiver();
        let wants_resolve = self.routing.wants_resolve(receiver);
        let owes_resolve = self.routing.owes_resolve(receiver);
        let loud = |member: &Member| {
            let seat = (thread.key.clone(), member.key.clone());
            !member.told && pass.loud.contains(&seat)
        };
        let over = !thread.members.values().any(Member::is_up);
        let news = thread.members.values().any(|member| match member.is_up() {
            true => loud(member),
            false => wants_resolve,
        });
        let kind = match (over, thread.sequence) {
            (true, 0) => None,
            (true, _) => owes_resolve.then_some(NotificationKind::Resolve),
            (false, 0) => news.then_some(NotificationKind::Trigger),
            (false, _) => (news || again.is_some()).then_some(NotificationKind::Update),
        };
        if let Some(kind) = kind {
            self.tell_thread(&mut thread, kind, again, pass);
        }
        thread.members.retain(|_, member| member.is_up());
        if thread.members.is_empty() {
            (thread.sequence, thread.told_at) = (0, None);
        }
        self.threads.insert(thread.key.clone(), thread);
    }

    fn tell_thread(
        &mut self,
        thread: &mut ThreadRecord,
        kind: NotificationKind,
        again: Option<Reason>,
        pass: &mut Pass<'_>,
    ) {
        thread.sequence = thread.sequence.saturating_add(1);
        thread.told_at = Some(pass.at);
        let group = self.group_facts(thread);
        let Some(mut facts) = self.lead(thread) else {
            return;
        };
        if kind == NotificationKind::Update {
            facts.reason = again.unwrap_or(Reason::GroupChanged);
        }
        let notification = Notification {
            receiver: thread.key.receiver().to_owned(),
            kind,
            episode: thread.episode(),
            sequence: thread.sequence,
            facts,
            group: Some(Box::new(group)),
            route_labels: match &thread.key {
                ThreadKey::Storm { .. } => BTreeMap::new(),
                ThreadKey::Group { route, .. } => self
                    .routing
                    .route(route)
                    .map_or_else(BTreeMap::new, |route| route.labels.clone()),
            },
        };
        self.post(notification, pass);
        for member in thread.members.values_mut() {
            (member.told, member.announced) = (true, true);
            if let Some(record) = self.alerts.get_mut(&member.key)
                && member.is_up()
                && record.announced_at.is_none()
            {
                record.announced_at = Some(pass.at);
                pass.effects.push(Effect::Save(record.clone()));
            }
        }
    }

    /// What is known of a member: its record's facts while it is up.
    fn facts_of_member(&self, member: &Member) -> AlertFacts {
        let record: Option<&AlertRecord> = self.alerts.get(&member.key);
        match record.filter(|_| member.is_up()) {
            Some(record) => record.facts.clone(),
            None => member.facts.clone(),
        }
    }

    /// The loudest and oldest of those that are up, or of all when none is.
    fn lead(&self, thread: &ThreadRecord) -> Option<AlertFacts> {
        let members = thread.members.values();
        let first = members.min_by_key(|member| (!member.is_up(), rank(&member.facts)))?;
        Some(self.facts_of_member(first))
    }

    /// The members to spell out: when there are too many those of which the receiver has not heard
    /// come first, so that none goes by unseen.
    fn group_facts(&self, thread: &ThreadRecord) -> GroupFacts {
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let mut members: Vec<&Member> = thread.members.values().collect();
        let up = members.iter().filter(|member| member.is_up()).count();
        members.sort_by_key(|member| (member.told, rank(&member.facts)));
        let omitted = members.len().saturating_sub(GROUP_MEMBERS_MAX);
        members.truncate(GROUP_MEMBERS_MAX);
        members.sort_by_key(|member| rank(&member.facts));
        GroupFacts {
            key: thread.key.clone(),
            members: members
                .into_iter()
                .map(|member| self.facts_of_member(member))
                .collect(),
            omitted: count(omitted),
            firing: count(up),
        }
    }
}

/// Loudest and oldest first.
fn rank(facts: &AlertFacts) -> (super::policy::Severity, Timestamp, &AlertKey) {
    (facts.severity, facts.started_at, &facts.key)
}
