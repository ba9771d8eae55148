//! Storms: of many pages in a short time a receiver is told the first one by one, those that follow
//! come as one thread, which ends with the last of them.
//!
//! A page that comes when the storm has passed is told by itself again, though alerts of the storm
//! may still be up: to join the thread would not ring, and somebody must hear of it.

use super::alert::AlertRecord;
use super::dispatch::Pass;
use super::policy::Severity;
use super::step::Engine;
use super::thread::{Member, ThreadKey, ThreadRecord};
use super::time::Span;

/// A storm is told at once when it begins, and then at most this often.
pub(super) const STORM_NEWS_INTERVAL: Span = Span::from_secs(30);

impl Engine {
    /// Whether a page of which a receiver is to hear for the first time goes into its storm: it does
    /// when as many as the limit allows have come before it within the limit's time, in the storm
    /// or by themselves, as an alert or as the first page of a group. A page that joins a group
    /// that was announced is no trigger, so it is neither taken nor counted.
    pub(super) fn storm_takes(
        &mut self,
        receiver: &str,
        record: &AlertRecord,
        group: Option<&ThreadKey>,
        pass: &mut Pass<'_>,
    ) -> bool {
        let limit = self.routing.receivers.get(receiver).and_then(|r| r.storm);
        let (Severity::Page, Some(limit)) = (record.facts.severity, limit) else {
            return false;
        };
        let group = group.and_then(|key| self.threads.get(key));
        let opens = group.is_none_or(|group| {
            let is_page = |member: &Member| member.facts.severity == Severity::Page;
            group.sequence == 0 && !group.members.values().any(is_page)
        });
        if !opens {
            return false;
        }
        let key = ThreadKey::Storm {
            receiver: receiver.to_owned(),
        };
        let thread = self
            .threads
            .entry(key.clone())
            .or_insert_with(|| ThreadRecord::new(key.clone(), pass.at));
        pass.touched.insert(key);
        thread.keep_pages(limit.within, pass);
        let over = thread.pages.len() >= limit.pages as usize;
        thread.pages.push(pass.at);
        let excess = thread.pages.len().saturating_sub(limit.pages as usize);
        thread.pages.drain(..excess);
        over
    }

    /// Forgets pages that no limit looks back to.
    pub(super) fn settle_storms(&mut self, pass: &mut Pass<'_>) {
        for (key, thread) in &mut self.threads {
            let ThreadKey::Storm { receiver } = key else {
                continue;
            };
            let limit = self.routing.receivers.get(receiver).and_then(|r| r.storm);
            let before = thread.pages.len();
            thread.keep_pages(limit.map_or(Span::ZERO, |limit| limit.within), pass);
            if thread.pages.len() != before {
                pass.touched.insert(key.clone());
            }
        }
    }
}

impl ThreadRecord {
    /// Keeps what was told within the last `within`, and not in the future of a clock that has
    /// gone back since.
    fn keep_pages(&mut self, within: Span, pass: &Pass<'_>) {
        let (at, pages) = (pass.at, &mut self.pages);
        pages.retain(|told| *told <= at && at.since(*told) < within);
    }
}
