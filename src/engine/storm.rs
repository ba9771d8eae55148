//! Storms: when a receiver is told of many pages one by one, those that follow come as one thread,
//! until all of them are over.

use super::alert::AlertRecord;
use super::dispatch::Pass;
use super::policy::Severity;
use super::step::Engine;
use super::thread::{ThreadKey, ThreadRecord};
use super::time::Span;

/// A storm is told at once when it begins, and then at most this often.
pub(super) const STORM_NEWS_INTERVAL: Span = Span::from_secs(30);

impl Engine {
    /// Whether a page of which a receiver is to hear for the first time goes into its storm. If it
    /// does not, it is counted as told by itself: as an alert, or as the first page of a group. A
    /// page that joins a group that was announced is no trigger, so it is neither.
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
            let is_page =
                |facts: &super::notification::AlertFacts| facts.severity == Severity::Page;
            group.sequence == 0 && !group.members.values().any(|m| is_page(&m.facts))
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
        if !thread.members.is_empty() {
            return true;
        }
        pass.touched.insert(key);
        thread.keep_pages(limit.within, pass);
        if thread.pages.len() >= limit.pages as usize {
            return true;
        }
        thread.pages.push(pass.at);
        false
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
