//! The poll of a slot: from where the feed stands to now, however long ago that was.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::event::{Answer, Event, News};
use crate::engine::{Book, Span, Timestamp};
use crate::prometheus::{Client, PolledFeed, SourceError};

/// The longest stretch one poll reaches back; what lies before is read in pieces.
const STRETCH_MAX: Span = Span::from_hours(2);

/// A poll that may have to bridge a long absence.
pub(super) struct CatchUp<'a> {
    pub(super) feed: &'a PolledFeed,
    pub(super) client: &'a Arc<Client>,
    pub(super) events: &'a mpsc::Sender<Event>,
    pub(super) generation: u64,
}

impl CatchUp<'_> {
    /// Reads from where the feed stands up to the slot; long stretches in pieces, oldest first.
    pub(super) async fn up_to(
        &self,
        from: Timestamp,
        slot: Timestamp,
        overlap: Span,
    ) -> Result<Answer, SourceError> {
        let mut from = from;
        while slot.since(from) > STRETCH_MAX {
            let until = from + STRETCH_MAX;
            let series = self.feed.read(self.client, from - overlap, until).await?;
            let read = Event {
                generation: self.generation,
                feed: self.feed.key.clone(),
                news: News::Read {
                    into: Book::Live,
                    from,
                    until,
                    series,
                },
                taken: None,
            };
            if self.events.send(read).await.is_err() {
                break;
            }
            from = until;
        }
        let series = self.feed.read(self.client, from - overlap, slot).await?;
        Ok(Answer::Samples { from, series })
    }
}
