//! Dates as the reader's wall clock shows them, and where the marks of a time axis stand: at
//! midnights, full hours and Mondays of the report's zone.

use jiff::civil::{Date, DateTime, Weekday};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{ToSpan, Zoned};

use super::scale::TimeScale;
use crate::engine::{Span, Timestamp};
use crate::replay::report::NightHours;

/// Nights are shaded in stretches up to this length.
const SHADED_MAX: Span = Span::from_days(62);
/// Most marks on an axis.
const MARKS_MAX: usize = 12;
/// Most steps in the search for marks: a bound for stretches that no axis can show.
const STEPS_MAX: usize = 4 * MARKS_MAX;

/// The wall clock of the report.
#[derive(Clone, Debug)]
pub(super) struct Clock {
    zone: TimeZone,
}

/// A mark of a time axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    /// Where.
    pub at: Timestamp,
    /// What is written there.
    pub text: String,
}

/// How far apart marks are.
#[derive(Clone, Copy, Debug)]
enum Step {
    Minutes(i32),
    Days(i32),
    Weeks(i32),
    Months(i32),
}

/// From the narrowest to the widest, with their approximate lengths in minutes.
const STEPS: &[(Step, i64)] = &[
    (Step::Minutes(1), 1),
    (Step::Minutes(5), 5),
    (Step::Minutes(15), 15),
    (Step::Minutes(30), 30),
    (Step::Minutes(60), 60),
    (Step::Minutes(180), 180),
    (Step::Minutes(360), 360),
    (Step::Minutes(720), 720),
    (Step::Days(1), 1_440),
    (Step::Days(2), 2_880),
    (Step::Days(3), 4_320),
    (Step::Weeks(1), 10_080),
    (Step::Weeks(2), 20_160),
    (Step::Months(1), 44_640),
    (Step::Months(3), 133_920),
    (Step::Months(12), 527_040),
    (Step::Months(60), 2_635_200),
    (Step::Months(120), 5_270_400),
];

impl Clock {
    /// The clock of an IANA zone; UTC when there is no such zone.
    pub(super) fn named(name: &str) -> Self {
        let zone = TimeZoneDatabase::bundled().get(name);
        Self {
            zone: zone.unwrap_or(TimeZone::UTC),
        }
    }

    /// `Tue 3 Nov 02:14`
    pub(super) fn minute(&self, at: Timestamp) -> String {
        self.zoned(at).strftime("%a %-d %b %H:%M").to_string()
    }

    /// `02:14`
    pub(super) fn time(&self, at: Timestamp) -> String {
        self.zoned(at).strftime("%H:%M").to_string()
    }

    /// `3 Nov 2026`
    pub(super) fn day(&self, at: Timestamp) -> String {
        self.zoned(at).strftime("%-d %b %Y").to_string()
    }

    /// `3 Nov 2026, 02:14`
    pub(super) fn full(&self, at: Timestamp) -> String {
        self.zoned(at).strftime("%-d %b %Y, %H:%M").to_string()
    }

    /// `2026-11-03T02:14:00+01:00`, for programs.
    pub(super) fn machine(&self, at: Timestamp) -> String {
        self.zoned(at).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
    }

    /// Day of the week, 0 is Monday, and hour of the day.
    pub(super) fn weekday_and_hour(&self, at: Timestamp) -> (usize, usize) {
        let zoned = self.zoned(at);
        let day = zoned.weekday().to_monday_zero_offset();
        (
            usize::try_from(day).unwrap_or(0),
            usize::try_from(zoned.hour()).unwrap_or(0),
        )
    }

    /// The marks of an axis, in order: at most [`MARKS_MAX`], at the narrowest step that allows it.
    pub(super) fn marks(&self, scale: TimeScale) -> Vec<Mark> {
        let minutes = scale.to.since(scale.from).as_millis() / 60_000;
        let fits = |length: i64| minutes / length < MARKS_MAX as i64;
        let step = STEPS.iter().find(|(_, length)| fits(*length));
        let (step, length) = step.map_or((Step::Months(1200), 0), |found| *found);
        let mut marks: Vec<Mark> = Vec::new();
        let mut civil = step.at_or_before(self.zoned(scale.from).datetime());
        for _ in 0..STEPS_MAX {
            // A time that the clock skips is read as the first that comes after it.
            let at = civil.to_zoned(self.zone.clone());
            let at = at.map(|at| Timestamp::from_millis(at.timestamp().as_millisecond()));
            let Ok(at) = at else { break };
            if at > scale.to {
                break;
            }
            let is_next = marks.last().is_none_or(|last| last.at < at);
            if at >= scale.from && is_next && marks.len() < MARKS_MAX {
                let text = step.text(civil);
                marks.push(Mark { at, text });
            }
            let Some(next) = step.after(civil) else { break };
            civil = next;
        }
        spaced(marks, Span::from_mins(length))
    }

    /// The nights of a stretch; none of a long one, where they would be a hatching, and none when
    /// it is always night.
    pub(super) fn nights(
        &self,
        scale: TimeScale,
        night: &NightHours,
    ) -> Vec<(Timestamp, Timestamp)> {
        let mut nights: Vec<(Timestamp, Timestamp)> = Vec::new();
        if scale.to.since(scale.from) > SHADED_MAX || night.times.is_empty() {
            return nights;
        }
        let last = self.zoned(scale.to).date();
        let mut day = self.zoned(scale.from).date();
        while day <= last {
            for (from, until) in self.night_of(day, night) {
                let (from, until) = (from.max(scale.from), until.min(scale.to));
                match nights.last_mut() {
                    Some(before) if before.1 == from => before.1 = until,
                    _ if from < until => nights.push((from, until)),
                    _ => {}
                }
            }
            let Ok(next) = day.tomorrow() else { break };
            day = next;
        }
        nights
    }

    fn night_of(&self, day: Date, night: &NightHours) -> Vec<(Timestamp, Timestamp)> {
        let weekday = u8::try_from(day.weekday().to_sunday_zero_offset()).unwrap_or(0);
        let mut days = night.weekdays.iter();
        if !night.weekdays.is_empty() && !days.any(|(f, l)| (*f..=*l).contains(&weekday)) {
            return Vec::new();
        }
        let instant = |minute: u16| {
            let civil = midnight(day)
                .checked_add(i32::from(minute).minutes())
                .ok()?;
            let zoned = civil.to_zoned(self.zone.clone()).ok()?;
            Some(Timestamp::from_millis(zoned.timestamp().as_millisecond()))
        };
        let times = night.times.iter();
        let mut times: Vec<_> = times
            .filter_map(|(from, until)| Some((instant(*from)?, instant(*until)?)))
            .collect();
        times.sort_unstable();
        times
    }

    fn zoned(&self, at: Timestamp) -> Zoned {
        let beyond = match at < Timestamp::EPOCH {
            true => jiff::Timestamp::MIN,
            false => jiff::Timestamp::MAX,
        };
        let at = jiff::Timestamp::from_millisecond(at.as_millis());
        at.unwrap_or(beyond).to_zoned(self.zone.clone())
    }
}

impl Step {
    /// The last round time that is not after `civil`.
    fn at_or_before(self, civil: DateTime) -> DateTime {
        let date = civil.date();
        match self {
            Self::Minutes(step) => {
                let minute = i32::from(civil.hour()) * 60 + i32::from(civil.minute());
                let minute = minute - minute % step;
                let midnight = midnight(date);
                midnight.checked_add(minute.minutes()).unwrap_or(midnight)
            }
            // Days are counted from the first of the month, so that reports of the same month
            // have the same marks.
            Self::Days(_) => midnight(date.first_of_month()),
            Self::Weeks(_) => {
                let back = date.weekday().since(Weekday::Monday);
                midnight(date.checked_sub(i64::from(back).days()).unwrap_or(date))
            }
            Self::Months(step) => {
                let first = match step >= 12 {
                    true => date.first_of_year(),
                    false => date.first_of_month(),
                };
                let months = i32::from(first.month()) - 1 + i32::from(first.year()) * 12;
                let back = months.rem_euclid(step);
                midnight(first.checked_sub(back.months()).unwrap_or(first))
            }
        }
    }

    fn after(self, civil: DateTime) -> Option<DateTime> {
        let span = match self {
            Self::Minutes(step) => step.minutes(),
            Self::Days(step) => {
                let next = civil.checked_add(step.days()).ok()?;
                // The 31st and the 1st would crowd each other.
                let first = next.date().first_of_month();
                let is_new_month = first != civil.date().first_of_month();
                return Some(if is_new_month { midnight(first) } else { next });
            }
            Self::Weeks(step) => step.weeks(),
            Self::Months(step) => step.months(),
        };
        civil.checked_add(span).ok()
    }

    fn text(self, civil: DateTime) -> String {
        let is_midnight = civil.hour() == 0 && civil.minute() == 0;
        let form = match self {
            Self::Minutes(_) if !is_midnight => "%H:%M",
            Self::Months(step) if step >= 12 => "%Y",
            Self::Months(_) => "%b %Y",
            Self::Minutes(_) | Self::Days(_) | Self::Weeks(_) => "%-d %b",
        };
        civil.strftime(form).to_string()
    }
}

/// Without the marks that stand right before the next: the last days of a month before its end.
fn spaced(marks: Vec<Mark>, step: Span) -> Vec<Mark> {
    let least = step.scale(0.6);
    let nexts = marks.iter().skip(1).map(|mark| mark.at);
    let nexts: Vec<Option<Timestamp>> = nexts.map(Some).chain([None]).collect();
    let pairs = marks.into_iter().zip(nexts);
    let apart = pairs.filter(|(mark, next)| next.is_none_or(|next| next.since(mark.at) >= least));
    apart.map(|(mark, _)| mark).collect()
}

fn midnight(date: Date) -> DateTime {
    date.at(0, 0, 0, 0)
}

#[cfg(test)]
mod tests;
