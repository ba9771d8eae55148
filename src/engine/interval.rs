//! Recurring stretches of civil time, with the semantics of Alertmanager's `time_intervals`.
//!
//! Within a field the ranges are alternatives, the fields must all agree, and an empty field says
//! nothing. Whether an instant is inside is asked of its civil time in the interval's zone, so
//! daylight saving needs no rule of its own.

use super::period::Zone;
use super::time::Timestamp;

/// One recurring stretch of time.
#[derive(Clone, Debug, PartialEq)]
pub struct TimeInterval {
    /// Minutes of the day, the end excluded; 24:00 is 1440. `(start, end)`, start < end.
    pub times: Vec<(u16, u16)>,
    /// Days of the week, both ends included; 0 is Sunday.
    pub weekdays: Vec<(u8, u8)>,
    /// Days of the month, both ends included; -1 is the last day. Clamped to the month's days.
    pub days_of_month: Vec<(i8, i8)>,
    /// Months, both ends included; 1 is January.
    pub months: Vec<(u8, u8)>,
    /// Years, both ends included.
    pub years: Vec<(i16, i16)>,
    /// The zone of all of it.
    pub zone: Zone,
}

impl TimeInterval {
    /// Whether the instant is inside.
    pub fn contains(&self, _at: Timestamp) -> bool {
        false
    }
}
