//! The receivers' side: what they do with a request, and what they remember.

use std::collections::BTreeMap;

use slofuse::engine::{NotificationKind, Span};
use slofuse::notify::{DeliveryError, ErrorClass, FailureReason};

use crate::chaos::PhoneMood;
use crate::world::{Call, Event, World};

/// How long a worker waits for an answer, in milliseconds: the default of a receiver.
const TIMEOUT: i64 = 15_000;

/// A message that a receiver took.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    /// The row of the outbox.
    pub(crate) id: i64,
    /// True time.
    pub(crate) at: i64,
    pub(crate) message: String,
    pub(crate) dedup_key: String,
    pub(crate) kind: NotificationKind,
    pub(crate) episode: u64,
    /// What it says is up, and what it says has ended, by dedup key.
    pub(crate) says: Vec<(String, bool)>,
}

/// What all receivers heard, in order.
#[derive(Debug, Default)]
pub(crate) struct Phones {
    pub(crate) heard: BTreeMap<String, Vec<Heard>>,
}

impl World {
    /// A request reaches its receiver; the answer goes to the process that asked, if it lives.
    pub(crate) fn arrive(&mut self, life: u32, call: Call) {
        let receiver = call.notification.receiver.clone();
        let mood = self.chaos.phone_at(&receiver, self.now);
        let latency = self.dice.within(5, 1_500);
        let (taken, after, result) = match mood {
            None => (true, latency, Ok(Some(format!("receipt {}", call.id)))),
            Some(PhoneMood::LosesAnswers) => (true, TIMEOUT, Err(timeout())),
            Some(PhoneMood::Hangs) => (false, TIMEOUT, Err(timeout())),
            Some(PhoneMood::Broken) => {
                let again = ErrorClass::Retry { after: None };
                (
                    false,
                    latency,
                    Err(error(again, FailureReason::ServerError, true)),
                )
            }
            Some(PhoneMood::Limited(after)) => {
                let after = Some(Span::from_millis(after));
                let later = ErrorClass::Retry { after };
                (
                    false,
                    latency,
                    Err(error(later, FailureReason::RateLimited, false)),
                )
            }
            Some(PhoneMood::Refused) => {
                let again = ErrorClass::Retry { after: None };
                (
                    false,
                    latency,
                    Err(error(again, FailureReason::Refused, false)),
                )
            }
            Some(PhoneMood::Rejects) => {
                let never = ErrorClass::Permanent;
                (
                    false,
                    latency,
                    Err(error(never, FailureReason::ClientError, false)),
                )
            }
        };
        if taken {
            self.hear(&call);
        }
        let id = call.id;
        self.after(
            after,
            Event::Landed {
                life,
                receiver,
                id,
                result,
            },
        );
    }

    fn hear(&mut self, call: &Call) {
        let told = &call.notification;
        let alone = std::slice::from_ref(&told.facts);
        let members = told.group.as_ref().map_or(alone, |group| &group.members);
        let says = members
            .iter()
            .map(|facts| (facts.key.dedup_key(), facts.resolved_at.is_none()));
        let heard = Heard {
            says: says.collect(),
            id: call.id,
            at: self.now,
            message: told.idempotency_key(),
            dedup_key: told.dedup_key(),
            kind: told.kind,
            episode: told.episode,
        };
        self.note(&format!("{} hears {}", told.receiver, heard.message));
        let heard_by = self.phones.heard.entry(told.receiver.clone()).or_default();
        heard_by.push(heard);
    }
}

fn timeout() -> DeliveryError {
    let again = ErrorClass::Retry { after: None };
    error(again, FailureReason::Timeout, true)
}

fn error(class: ErrorClass, reason: FailureReason, ambiguous: bool) -> DeliveryError {
    DeliveryError {
        class,
        ambiguous,
        reason,
        text: reason.as_str().to_owned(),
    }
}
