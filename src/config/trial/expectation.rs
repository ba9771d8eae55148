//! What a test expects: from its keys to claims about stretches of time.

use crate::config::diagnostic::excerpt;
use crate::config::field::{Field, Section, ValueOr};
use crate::config::raw::trial::{self as raw, FiredWanted, MessageWanted};
use crate::config::value::Duration;
use crate::engine::{NotificationKind, Severity, Span};

use super::input::{labels, slo};
use super::wanted::{Range, Refused, Wanted, Word, word};
use super::{AlertKind, Claim, Expectation, Located, MessageClaim};

/// Longest pattern for a message's text, compiled, in bytes.
const PATTERN_BYTES_MAX: usize = 1 << 20;

impl Word for NotificationKind {
    const ALL: &'static [Self] = &[Self::Trigger, Self::Update, Self::Resolve];

    fn word(self) -> &'static str {
        self.as_str()
    }
}

/// The last time that something is expected of.
pub(super) fn last(expectations: &[Field<raw::Expectation>]) -> Span {
    let times = expectations.iter().filter_map(Field::value);
    let times = times.flat_map(|raw| [&raw.at, &raw.from, &raw.to]);
    let times = times.filter_map(|field| field.value().map(|Duration(time)| *time));
    times.max().unwrap_or(Span::ZERO)
}

/// Whether some expectation, or the time of one, cannot be read.
pub(super) fn refused(expectations: &[Field<raw::Expectation>]) -> bool {
    let is_refused = |time: &Field<Duration>| !time.is_absent() && time.value().is_none();
    expectations.iter().any(|field| {
        let times = field.value().map(|raw| [&raw.at, &raw.from, &raw.to]);
        times.is_none_or(|times| times.into_iter().any(is_refused))
    })
}

/// One expectation of a test that lasts until `until`.
pub(super) fn compile(
    section: &Section<'_>,
    field: &Field<raw::Expectation>,
    until: Span,
) -> Option<Located<Expectation>> {
    let section = section.within(field, "the expectation");
    let raw = field.value()?;
    let times = times(&section, raw, until);
    let labels = match raw.labels.is_absent() {
        true => Some(None),
        false => labels(&section, &raw.labels).map(Some),
    };
    let mut claims = Claims {
        section: &section,
        claims: Some(Vec::new()),
    };
    claims.states(raw);
    claims.figures(raw);
    claims.message(&raw.message);
    claims.fired(&raw.fired);
    let claims = claims.claims;
    if claims.as_ref().is_some_and(Vec::is_empty) {
        let fix = "add page:, ticket:, outcome:, burn:, budget_consumed:, message: or fired:";
        section.refuse(field, "nothing is expected here", fix);
        return None;
    }
    let (from, to) = times?;
    Some(Located {
        place: section.report.place(section.mark),
        value: Expectation {
            from,
            to,
            slo: slo(&section, &raw.slo),
            labels: labels?,
            claims: claims?,
        },
    })
}

fn times(section: &Section<'_>, raw: &raw::Expectation, until: Span) -> Option<(Span, Span)> {
    let stretch = !(raw.from.is_absent() && raw.to.is_absent());
    if stretch && !raw.at.is_absent() {
        let fix = "keep at: for one time, or from: and to: for a stretch";
        section.refuse(&raw.at, "at excludes from and to", fix);
        return None;
    }
    let (from, to) = match raw.at.value() {
        Some(Duration(at)) => (*at, *at),
        None if raw.at.is_absent() => {
            let from = section.or(&raw.from, Duration(Span::ZERO))?.0;
            let to = section.or(&raw.to, Duration(until))?.0;
            (from, to)
        }
        None => return None,
    };
    if from > to {
        let message = format!("the stretch ends at {to}, before it begins");
        section.refuse(&raw.to, message, "write a later time");
        return None;
    }
    if to > until {
        let fix = format!("write a time up to {until}, or let the test last longer");
        section.refuse(&raw.to, format!("{to} is after the end of the test"), fix);
        return None;
    }
    Some((from, to))
}

struct Claims<'s, 'a> {
    section: &'s Section<'a>,
    /// `None` when one was refused.
    claims: Option<Vec<Located<Claim>>>,
}

impl Claims<'_, '_> {
    /// Adds what a field says, if it is written.
    fn add<T>(&mut self, field: &Field<T>, parse: impl FnOnce(&T) -> Result<Claim, Refused>) {
        if field.is_absent() {
            return;
        }
        let claim = field.value().and_then(|value| {
            let parsed = parse(value);
            let refused = |(what, fix): Refused| self.section.refuse(field, what, fix);
            parsed.map_err(refused).ok()
        });
        let place = self.section.report.place(field.mark_or(self.section.mark));
        match (claim, &mut self.claims) {
            (Some(value), Some(claims)) => claims.push(Located { place, value }),
            _ => self.claims = None,
        }
    }

    fn states(&mut self, raw: &raw::Expectation) {
        let alerts = [
            (&raw.page, AlertKind::Burn(Severity::Page)),
            (&raw.ticket, AlertKind::Burn(Severity::Ticket)),
            (&raw.info, AlertKind::Burn(Severity::Info)),
            (&raw.blind, AlertKind::Blind),
            (&raw.source_down, AlertKind::SourceDown),
        ];
        for (field, alert) in alerts {
            self.add(field, |text| Ok(Claim::State(alert, Wanted::parse(text)?)));
        }
        self.add(&raw.outcome, |text| {
            Ok(Claim::Outcome(Wanted::parse(text)?))
        });
    }

    fn figures(&mut self, raw: &raw::Expectation) {
        self.add(&raw.tiers, |windows| {
            let windows = windows.iter().filter_map(Field::value);
            let mut windows: Vec<Span> = windows.map(|Duration(window)| *window).collect();
            windows.sort_unstable();
            windows.dedup();
            Ok(Claim::Tiers(windows))
        });
        for (window, field) in raw.burn.value().into_iter().flatten() {
            self.add(field, |text| {
                let window = Span::parse(window).map_err(|_| {
                    let what = format!("{:?} is not a window", excerpt(window));
                    (what, "write a window of the policy, such as 1h".to_owned())
                })?;
                Ok(Claim::Burn(window, Range::parse(text, false)?))
            });
        }
        if !raw.burn.is_absent() && raw.burn.value().is_none() {
            self.claims = None;
        }
        let percent = |text: &String| Range::parse(text, true);
        self.add(&raw.budget_consumed, |text| {
            Ok(Claim::Consumed(percent(text)?))
        });
        self.add(&raw.budget_remaining, |text| {
            Ok(Claim::Remaining(percent(text)?))
        });
    }

    fn message(&mut self, field: &Field<ValueOr<MessageWanted>>) {
        self.add(field, |wanted| {
            let claim = match wanted {
                ValueOr::Value(text) if text == "none" => MessageClaim {
                    count: Some(0),
                    ..MessageClaim::default()
                },
                ValueOr::Value(text) => {
                    let what = format!("{:?} is no message", excerpt(text));
                    let fix = "write none, or a section such as {to: page, kind: trigger}";
                    return Err((what, fix.to_owned()));
                }
                ValueOr::Section(raw) => message(raw)?,
            };
            Ok(Claim::Message(Box::new(claim)))
        });
    }

    fn fired(&mut self, field: &Field<FiredWanted>) {
        let Some(raw) = field.value() else {
            return;
        };
        let counts = [
            (&raw.page, Severity::Page),
            (&raw.ticket, Severity::Ticket),
            (&raw.info, Severity::Info),
        ];
        if counts.iter().all(|(count, _)| count.is_absent()) {
            let fix = "write how many, such as {page: 1, ticket: 0}";
            self.section.refuse(field, "nothing is counted here", fix);
            self.claims = None;
        }
        for (field, severity) in counts {
            self.add(field, |count| Ok(Claim::Fired(severity, *count)));
        }
    }
}

fn message(raw: &MessageWanted) -> Result<MessageClaim, Refused> {
    let matches = raw.matches.value().map(|pattern| {
        let built = regex::RegexBuilder::new(pattern)
            .size_limit(PATTERN_BYTES_MAX)
            .build();
        built.map_err(|_| {
            let what = format!("{:?} is not a regular expression", excerpt(pattern));
            (
                what,
                "correct it, or use contains: for plain text".to_owned(),
            )
        })
    });
    let kind = raw.kind.value().map(|text| word(text));
    let severity = raw.severity.value().map(|text| word(text));
    Ok(MessageClaim {
        to: raw.to.value().cloned(),
        kind: kind.transpose()?,
        severity: severity.transpose()?,
        contains: raw.contains.value().cloned(),
        matches: matches.transpose()?,
        count: raw.count.value().copied(),
    })
}
