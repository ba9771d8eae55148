//! The words for traffic, clause by clause.

use crate::config::diagnostic::excerpt;
use crate::config::nearest::nearest;
use crate::engine::Span;

use super::{Piece, Stretch, Traffic};
use crate::config::trial::notation::Wrong;

/// Clauses of one text.
const CLAUSES_MAX: usize = 1000;
/// Events per second: more than any counter can tell apart over a year.
const RATE_MAX: f64 = 1e7;
/// How a clause changes things within its stretch.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Change {
    /// Events per second.
    Rate(f64),
    /// The share of bad events.
    Errors(f64),
}

/// Reads the words.
pub(super) fn traffic(text: &str) -> Result<Traffic, Wrong> {
    let mut reading = Reading::default();
    let clauses: Vec<&str> = text.split(',').collect();
    if clauses.len() > CLAUSES_MAX {
        let what = format!("there are more than {CLAUSES_MAX} clauses");
        return Err(Wrong::new(0, what, "write several streams"));
    }
    for clause in clauses {
        reading.clause(clause, offset(text, clause))?;
    }
    reading.finish()
}

/// When a source is down: `down from 1h for 10m`, several with commas.
pub(in crate::config) fn outages(text: &str) -> Result<Vec<Stretch>, Wrong> {
    let mut outages = Vec::new();
    for clause in text.split(',') {
        let at = offset(text, clause);
        let mut words = words(clause, at);
        if words.first().is_none_or(|(word, _)| *word != "down") {
            let fix = "write down from 1h for 10m";
            return Err(Wrong::new(
                at,
                "this does not say when the source is down",
                fix,
            ));
        }
        words.remove(0);
        outages.push(stretch(&words, at)?.unwrap_or(Stretch::ALWAYS));
    }
    Ok(outages)
}

/// Clauses so far.
#[derive(Default)]
struct Reading {
    /// A change without a stretch holds before the start, too.
    changes: Vec<(Option<Stretch>, Change)>,
    has_rate: bool,
    bursts: Vec<(Span, f64)>,
    gaps: Vec<Stretch>,
    restarts: Vec<Span>,
}

type Word<'a> = (&'a str, usize);

const CLAUSE_FIX: &str = "write clauses such as 100rps, 2% errors from 10m for 5m, 3 errors at 1h, \
                          stops from 3h for 20m, gone from 4h for 5m, restart at 1h";
/// What begins a clause.
const VERBS: [&str; 4] = ["stops", "gone", "restart", "no"];

impl Reading {
    fn clause(&mut self, clause: &str, at: usize) -> Result<(), Wrong> {
        let words = words(clause, at);
        let Some(((first, place), rest)) = words.split_first() else {
            return Err(Wrong::new(at, "a clause is empty", CLAUSE_FIX));
        };
        let end = at + clause.trim_end().len();
        match *first {
            "stops" => {
                let stretch = stretch(rest, end)?;
                self.has_rate = true;
                self.changes.push((stretch, Change::Rate(0.0)));
            }
            "gone" => {
                let stretch = stretch(rest, end)?;
                let fix = "write gone from 4h for 5m";
                let what = "this does not say when nothing is scraped";
                self.gaps
                    .push(stretch.ok_or_else(|| Wrong::new(end, what, fix))?);
            }
            "restart" => self.restarts.push(moment(rest, end)?),
            "no" => {
                let rest = errors(rest, end)?;
                let stretch = stretch(rest, end)?;
                self.changes.push((stretch, Change::Errors(0.0)));
            }
            first => return self.quantity(first, *place, rest, end),
        }
        Ok(())
    }

    /// A clause that begins with a number.
    fn quantity(
        &mut self,
        first: &str,
        place: usize,
        rest: &[Word<'_>],
        end: usize,
    ) -> Result<(), Wrong> {
        let split = first.find(|c: char| !(c.is_ascii_digit() || c == '.'));
        let (digits, mut unit) = first.split_at(split.unwrap_or(first.len()));
        let number: Option<f64> = digits.parse().ok();
        let Some(number) = number.filter(|number| number.is_finite()) else {
            let meant = nearest(first, VERBS).map(|meant| format!("did you mean {meant:?}?"));
            let what = format!("{:?} begins no clause", excerpt(first));
            return Err(Wrong::new(
                place,
                what,
                meant.unwrap_or_else(|| CLAUSE_FIX.to_owned()),
            ));
        };
        let mut rest = rest;
        if unit.is_empty()
            && let [(word, _), more @ ..] = rest
            && (*word == "%" || per_second(word).is_some())
        {
            (unit, rest) = (word, more);
        }
        let wrong = |what: String, fix: &str| Err(Wrong::new(place, what, fix));
        match (unit, per_second(unit)) {
            ("", _) => {
                let rest = errors(rest, end)?;
                if number.fract() != 0.0 || number > RATE_MAX {
                    let what = format!("{digits} is not a number of events");
                    return wrong(what, "write a whole number up to 10000000");
                }
                self.bursts.push((moment(rest, end)?, number));
            }
            ("%", _) if number > 100.0 => {
                let what = format!("{digits}% is more than all");
                return wrong(what, "write a percentage from 0% to 100%");
            }
            ("%", _) => {
                let rest = errors(rest, end)?;
                let stretch = stretch(rest, end)?;
                self.changes.push((stretch, Change::Errors(number / 100.0)));
            }
            (_, Some(divisor)) if number / divisor > RATE_MAX => {
                let what = format!("{first} is more than 10000000 events a second");
                return wrong(what, "write a smaller rate");
            }
            (_, Some(divisor)) => {
                let stretch = stretch(rest, end)?;
                self.has_rate = true;
                self.changes.push((stretch, Change::Rate(number / divisor)));
            }
            _ => {
                let what = format!("{:?} is not a unit of traffic", excerpt(unit));
                return wrong(what, "write a rate such as 100rps, 6/m or 20/h");
            }
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Traffic, Wrong> {
        if !self.has_rate {
            return Err(Wrong::new(
                0,
                "the traffic has no rate",
                "begin with one such as 100rps",
            ));
        }
        let stretches = self.changes.iter().filter_map(|(stretch, _)| *stretch);
        let ends = stretches.flat_map(|stretch| [stretch.from, stretch.until]);
        let mut times: Vec<i64> = ends.map(Span::as_millis).collect();
        times.push(0);
        times.sort_unstable();
        times.dedup();
        let mut pieces = vec![self.piece(i64::MIN)];
        pieces.extend(times.into_iter().map(|from| self.piece(from)));
        self.restarts.sort_unstable();
        Ok(Traffic {
            pieces,
            bursts: self.bursts,
            gaps: self.gaps,
            restarts: self.restarts,
        })
    }

    fn piece(&self, from: i64) -> Piece {
        let holds = |stretch: Option<Stretch>| {
            stretch.is_none_or(|stretch| {
                stretch.from.as_millis() <= from && from < stretch.until.as_millis()
            })
        };
        let (mut rate, mut share) = (0.0, 0.0);
        for (_, change) in self.changes.iter().filter(|(stretch, _)| holds(*stretch)) {
            match change {
                Change::Rate(now) => rate = *now,
                Change::Errors(now) => share = *now,
            }
        }
        Piece {
            from,
            good: rate * (1.0 - share),
            bad: rate * share,
        }
    }
}

/// Over how many seconds a rate counts.
fn per_second(unit: &str) -> Option<f64> {
    Some(match unit {
        "rps" | "/s" => 1.0,
        "rpm" | "/m" => 60.0,
        "rph" | "/h" => 3_600.0,
        "/d" => 86_400.0,
        _ => return None,
    })
}

/// Passes over the word for what is bad.
fn errors<'w, 'a>(words: &'w [Word<'a>], end: usize) -> Result<&'w [Word<'a>], Wrong> {
    const KNOWN: [&str; 5] = ["errors", "error", "bad", "slow", "failures"];
    match words {
        [(word, _), rest @ ..] if KNOWN.contains(word) => Ok(rest),
        [(word, place), ..] => {
            let what = format!("{:?} is not something that can be bad", excerpt(word));
            Err(Wrong::new(
                *place,
                what,
                "write errors, bad, slow or failures",
            ))
        }
        [] => Err(Wrong::new(
            end,
            "this does not say of what",
            "write errors after it",
        )),
    }
}

/// `at T`
fn moment(words: &[Word<'_>], end: usize) -> Result<Span, Wrong> {
    match words {
        [("at", _), time] => span(*time),
        [] => Err(Wrong::new(end, "this does not say when", "add at 1h")),
        [(word, place), ..] => {
            let what = format!("{:?} stands where a time is expected", excerpt(word));
            Err(Wrong::new(*place, what, "write at 1h"))
        }
    }
}

/// `from T for D`, `from T until T`, `from T`, `until T`, or nothing.
fn stretch(words: &[Word<'_>], end: usize) -> Result<Option<Stretch>, Wrong> {
    let fix = "write from 10m for 5m, from 10m until 15m, or from 10m";
    let stretch = match words {
        [] => return Ok(None),
        [("from", _), from] => Stretch {
            from: span(*from)?,
            ..Stretch::ALWAYS
        },
        [("until" | "to", _), until] => Stretch {
            until: span(*until)?,
            ..Stretch::ALWAYS
        },
        [("from", _), from, ("for", _), length] => {
            let from = span(*from)?;
            let until = from + span(*length)?;
            Stretch { from, until }
        }
        [("from", _), from, ("until" | "to", _), until] => Stretch {
            from: span(*from)?,
            until: span(*until)?,
        },
        [(word, place), ..] => {
            let known = ["from", "for", "until"];
            let strange = words
                .iter()
                .step_by(2)
                .find(|(word, _)| !known.contains(word));
            let (word, place) = strange.copied().unwrap_or((word, *place));
            let what = match known.contains(&word) {
                true => "this is not a stretch of time".to_owned(),
                false => format!(
                    "{:?} stands where a stretch of time is expected",
                    excerpt(word)
                ),
            };
            return Err(Wrong::new(place, what, fix));
        }
    };
    if stretch.until <= stretch.from {
        let what = format!(
            "the stretch ends at {}, where it begins or before",
            stretch.until
        );
        return Err(Wrong::new(end, what, fix));
    }
    Ok(Some(stretch))
}

fn span((word, place): Word<'_>) -> Result<Span, Wrong> {
    Span::parse(word).map_err(|_| {
        let what = format!("{:?} is not a length of time", excerpt(word));
        Wrong::new(place, what, "write it like 30s, 5m or 1h30m")
    })
}

/// The words of a clause with their places in the whole text.
fn words(clause: &str, at: usize) -> Vec<Word<'_>> {
    let words = clause.split_whitespace();
    words
        .map(|word| (word, at + offset(clause, word)))
        .collect()
}

/// Where a part of a text begins.
fn offset(text: &str, part: &str) -> usize {
    part.as_ptr().addr() - text.as_ptr().addr()
}
