//! Tests of definitions: traffic in words or series value by value through the engine, and whether
//! what came of it is what was expected.
//!
//! ```text
//! config::trial::Test ──► cast (which SLOs, what counts the traffic) ──► TrialReel
//!                                                                          │ Player, slot by slot
//!      Verdict ◄── judge (claims) ◄── Record (slots, alerts, messages) ◄───┘
//! ```
//!
//! Nothing in here decides whether an alert fires: each test is a [`Player`] of its
//! own, and the slots are the daemon's.

mod answer;
mod cast;
mod judge;
mod record;
mod tape;
mod timeline;

use crate::config::trial::{Act, Deed, Located, SloName, Test, TestFile};
use crate::config::{Definition, Diagnostics, Place, settings::Settings};
use crate::engine::routing::SEVERITY_LABEL;
use crate::engine::{
    Acknowledgement, AlertKey, InstanceId, Labels, MatchOp, Matcher, Operation, Options, Recipient,
    Route, Routing, Severity, Silence, SloId, Span, Timestamp,
};
use crate::message::Writer;

use super::{Player, ReelError, Script};
use cast::Cast;
use record::Record;

pub use cast::slos_under_test;

/// Time passes in steps of this while something is open, as in the daemon ...
const TICK: Span = Span::from_secs(1);
/// ... but from slot to slot in tests that are longer: messages that wait for a time may then be
/// late by less than a slot.
const TICKS_UNTIL: Span = Span::from_days(2);

/// What the tests of a file have in common.
#[derive(Debug)]
pub struct Stage<'a> {
    file: &'a TestFile,
    definitions: &'a [Definition],
    options: Options,
    routing: Routing,
    writer: Writer,
}

/// What came of a test.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    /// What was not as expected, in the order of the file; none: the test passes.
    pub failures: Vec<Failure>,
    /// How many slots were decided, of all instances.
    pub slots: u64,
    /// How many claims were judged.
    pub claims: usize,
}

/// One thing that was not as expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Where it was expected.
    pub place: Place,
    /// What was expected, and when.
    pub expected: String,
    /// What happened.
    pub happened: String,
    /// What else may help to understand it, line by line.
    pub remarks: Vec<String>,
    /// What happened around that time, line by line.
    pub timeline: Vec<String>,
}

/// A test could not be run to its end.
#[derive(Debug, thiserror::Error)]
pub enum TrialError {
    /// It does not fit its definitions.
    #[error("the test does not fit its definitions")]
    Mistakes(Diagnostics),
    /// The source could not be read.
    #[error(transparent)]
    Reel(#[from] ReelError),
}

impl<'a> Stage<'a> {
    /// A stage for the tests of a file. Settings bring receivers, routes, mutes and the rhythm of
    /// evaluation, which the file may change; without them there is one receiver per severity,
    /// named after it.
    pub fn new(
        file: &'a TestFile,
        definitions: &'a [Definition],
        settings: Option<&Settings>,
        mut options: Options,
    ) -> Self {
        let reading = &mut options.reading;
        reading.interval = file.interval.unwrap_or(reading.interval);
        reading.scrape_interval = file.scrape_interval.unwrap_or(reading.scrape_interval);
        let writer = Writer::default();
        Self {
            file,
            definitions,
            options,
            routing: settings.map_or_else(by_severity, |settings| settings.routing.clone()),
            writer: match settings {
                Some(settings) => writer.with(&settings.templates),
                None => writer,
            },
        }
    }

    /// The file.
    pub fn file(&self) -> &TestFile {
        self.file
    }

    /// Runs one test of the file.
    ///
    /// # Errors
    ///
    /// When it does not fit the definitions (all mistakes at once), or the source cannot be read.
    pub fn run(&self, test: &Test) -> Result<Verdict, TrialError> {
        let cast = Cast::new(self, test).map_err(TrialError::Mistakes)?;
        let mut reel = cast.reel.clone();
        let start = reel.frame.start;
        let script = Script {
            slos: cast.slos.clone(),
            routing: self.routing.clone(),
            options: self.options.clone(),
            tick: match test.until > TICKS_UNTIL {
                true => self.options.reading.interval,
                false => TICK,
            },
        };
        let mut record = Record::new(self.writer.clone());
        let mut player = Player::begin(&script, &mut reel, start)?;
        let mut misdeeds = Vec::new();
        for act in &test.operators {
            player.play(&mut reel, start + act.value.at, &mut record)?;
            if let Some(failure) = operate(&mut player, &mut record, &cast, act) {
                misdeeds.push(failure);
            }
        }
        player.play(&mut reel, start + test.until, &mut record)?;
        let mut verdict = judge::judge(test, &cast, &record);
        verdict.failures.splice(0..0, misdeeds);
        Ok(verdict)
    }
}

/// An operator's deed; a failure if there was nothing to do it to.
fn operate(
    player: &mut Player,
    record: &mut Record,
    cast: &Cast,
    act: &Located<Act>,
) -> Option<Failure> {
    let now = player.now();
    let operation = match &act.value.deed {
        Deed::Silence {
            name,
            matchers,
            length,
        } => Operation::SetSilence(Silence {
            id: name.clone(),
            matchers: matchers.clone(),
            starts_at: now,
            ends_at: now + *length,
            created_by: "test".to_owned(),
            comment: name.clone(),
            updated_at: now,
        }),
        Deed::Expire { name } => Operation::ExpireSilence { id: name.clone() },
        Deed::Acknowledge {
            severity,
            labels,
            undo,
        } => {
            let key = burn_key(&cast.subject, labels, *severity);
            let fires = player
                .engine()
                .alerts()
                .any(|alert| alert.key == key && alert.is_firing());
            if !fires {
                let at = act.value.at;
                return Some(Failure {
                    place: act.place.clone(),
                    expected: format!("{key} fires at {at}, so that somebody can look after it"),
                    happened: "it did not fire".to_owned(),
                    remarks: Vec::new(),
                    timeline: timeline::around(record, cast, at, at),
                });
            }
            let alert = key.dedup_key();
            match undo {
                true => Operation::Unacknowledge { alert },
                false => Operation::Acknowledge {
                    alert,
                    acknowledgement: acknowledgement(now),
                },
            }
        }
    };
    player.operate(operation, record);
    None
}

fn burn_key(slo: &SloId, labels: &Labels, severity: Severity) -> AlertKey {
    AlertKey::Burn {
        instance: InstanceId {
            slo: slo.clone(),
            labels: labels.clone(),
        },
        severity,
    }
}

fn acknowledgement(at: Timestamp) -> Acknowledgement {
    Acknowledgement {
        by: "test".to_owned(),
        at,
        via: "api".to_owned(),
        note: String::new(),
    }
}

/// A receiver for each severity, named after it.
fn by_severity() -> Routing {
    let recipient = |severity: Severity| {
        let name = severity.as_str().to_owned();
        let recipient = Recipient {
            name: name.clone(),
            send_resolved: true,
            storm: None,
        };
        (name, recipient)
    };
    let route = |severity: Severity| Route {
        name: severity.as_str().to_owned(),
        matchers: vec![Matcher {
            name: SEVERITY_LABEL.to_owned(),
            op: MatchOp::Equal(severity.as_str().to_owned()),
        }],
        receivers: vec![severity.as_str().to_owned()],
        ..Route::default()
    };
    Routing {
        root: Route {
            name: "route".to_owned(),
            receivers: vec![Severity::Page.as_str().to_owned()],
            routes: Severity::ALL.map(route).to_vec(),
            ..Route::default()
        },
        receivers: Severity::ALL.map(recipient).into(),
        ..Routing::default()
    }
}

/// `service/name`, or what was written of it.
fn shown(name: &SloName) -> String {
    match &name.service {
        Some(service) => format!("{service}/{}", name.name),
        None => name.name.clone(),
    }
}

#[cfg(test)]
mod tests;
