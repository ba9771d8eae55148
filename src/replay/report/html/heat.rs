//! When people are paged: a week of hours, with the night shaded.

use super::dates::Clock;
use super::svg::{Caption, Svg, percent};
use crate::engine::Timestamp;
use crate::replay::report::NightHours;

/// Height of a day, in pixels.
const DAY: u32 = 20;
/// Shades between none and most.
const SHADES: u64 = 4;
const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// How many times something happened in each hour of the week, Monday first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Week([[u64; 24]; 7]);

impl Week {
    /// Counts these times by the hours of a wall clock.
    pub(super) fn count(clock: &Clock, times: impl Iterator<Item = Timestamp>) -> Self {
        let mut week = Self::default();
        for at in times {
            let (day, hour) = clock.weekday_and_hour(at);
            if let Some(count) = week.0.get_mut(day).and_then(|day| day.get_mut(hour)) {
                *count += 1;
            }
        }
        week
    }

    /// Whether there is nothing to show.
    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().flatten().all(|count| *count == 0)
    }

    fn cells(&self) -> impl Iterator<Item = (usize, usize, u64)> + '_ {
        let days = self.0.iter().enumerate();
        days.flat_map(|(day, hours)| {
            let hours = hours.iter().enumerate();
            hours.map(move |(hour, count)| (day, hour, *count))
        })
    }

    fn most(&self) -> u64 {
        self.cells().map(|(_, _, count)| count).max().unwrap_or(0)
    }
}

/// Whether any of the hour belongs to the night; `day` 0 is Monday.
fn is_night(night: &NightHours, day: usize, hour: usize) -> bool {
    // The settings begin the week on Sunday.
    let weekday = u8::try_from((day + 1) % 7).unwrap_or(0);
    let minute = u16::try_from(hour * 60).unwrap_or(0);
    let mut days = night.weekdays.iter();
    let mut times = night.times.iter();
    (night.weekdays.is_empty() || days.any(|(first, last)| (*first..=*last).contains(&weekday)))
        && (night.times.is_empty()
            || times.any(|(from, until)| *from < minute + 60 && minute < *until))
}

/// The week as a drawing.
pub(super) fn heat(id: &str, title: &str, week: &Week, night: &NightHours) -> String {
    let height = DAY * 7;
    let caption = Caption {
        id,
        title,
        description: &description(week),
    };
    let mut svg = Svg::drawing("heat", caption, height, "");
    let hour_breadth = 100.0 / 24.0;
    for (day, name) in DAYS.iter().enumerate() {
        let top = DAY * u32::try_from(day).unwrap_or(0);
        let middle = top + DAY / 2;
        svg.put(format_args!(
            "<text class=\"value\" x=\"-8\" y=\"{middle}\" dy=\".32em\">{name}</text>\
             <rect class=\"day\" width=\"100%\" y=\"{top}\" height=\"{}\"/>",
            DAY - 2
        ));
        for (from, until) in runs(|hour| is_night(night, day, hour)) {
            svg.put(format_args!(
                "<rect class=\"night\" x=\"{}\" width=\"{}\" y=\"{top}\" height=\"{}\"/>",
                percent(from as f64 * hour_breadth),
                percent((until - from) as f64 * hour_breadth),
                DAY - 2
            ));
        }
    }
    let most = week.most().max(1);
    for (day, hour, count) in week.cells().filter(|(_, _, count)| *count > 0) {
        let top = DAY * u32::try_from(day).unwrap_or(0);
        let shade = (count * SHADES).div_ceil(most);
        let left = hour as f64 * hour_breadth;
        svg.put(format_args!(
            "<rect class=\"cell c{shade}\" x=\"{}\" width=\"{}\" y=\"{top}\" height=\"{}\"/>\
             <text class=\"count c{shade}\" x=\"{}\" y=\"{}\" dy=\".35em\">{count}</text>",
            percent(left),
            percent(hour_breadth),
            DAY - 2,
            percent(left + hour_breadth / 2.0),
            top + DAY / 2 - 1,
        ));
    }
    for hour in [0_u32, 3, 6, 9, 12, 15, 18, 21, 24] {
        let class = if hour % 6 == 0 { "date" } else { "date roomy" };
        let x = percent(f64::from(hour) * hour_breadth);
        svg.put(format_args!(
            "<text class=\"{class}\" x=\"{x}\" y=\"{}\">{hour:02}</text>",
            height + 12
        ));
    }
    svg.finish()
}

/// Stretches of hours that have something in common.
fn runs(is_in: impl Fn(usize) -> bool) -> Vec<(usize, usize)> {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for hour in (0..24).filter(|hour| is_in(*hour)) {
        match runs.last_mut() {
            Some((_, until)) if *until == hour => *until += 1,
            _ => runs.push((hour, hour + 1)),
        }
    }
    runs
}

fn description(week: &Week) -> String {
    let mut busiest: Vec<(usize, usize, u64)> = Vec::new();
    busiest.extend(week.cells().filter(|(_, _, count)| *count > 0));
    busiest.sort_by_key(|(_, _, count)| std::cmp::Reverse(*count));
    let named = busiest.iter().take(12).map(|(day, hour, count)| {
        let day = DAYS.get(*day).copied().unwrap_or_default();
        format!("{day} {hour:02}:00: {count}")
    });
    let named: Vec<String> = named.collect();
    match named.is_empty() {
        true => "Not one.".to_owned(),
        false => format!("By hour, the most first: {}.", named.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn night() -> NightHours {
        NightHours {
            zone: "Europe/Berlin".to_owned(),
            times: vec![(0, 420), (1320, 1440)],
            weekdays: vec![],
            nights: 0,
        }
    }

    #[test]
    fn hours_are_those_of_the_zone() {
        let clock = Clock::named("Europe/Berlin");
        // Monday 2 November 2026, 23:30 UTC, is Tuesday half past midnight.
        let at = Timestamp::from_secs(1_793_662_200);
        let week = Week::count(&clock, [at, at].into_iter());
        assert_eq!(week.0[1][0], 2);
        assert_eq!(week.most(), 2);
        assert_eq!(description(&week), "By hour, the most first: Tue 00:00: 2.");
        let svg = heat("h", "Pages", &week, &night());
        assert_eq!(svg.matches("class=\"cell c4\"").count(), 1);
        assert_eq!(svg.matches("class=\"night\"").count(), 14);
    }

    #[test]
    fn nights_may_be_of_some_days_or_all_day() {
        let mut night = night();
        assert!(is_night(&night, 0, 6) && !is_night(&night, 0, 7) && is_night(&night, 0, 22));
        // Saturday and Sunday only.
        night.weekdays = vec![(6, 6), (0, 0)];
        assert!(is_night(&night, 5, 6) && is_night(&night, 6, 6) && !is_night(&night, 0, 6));
        night.times.clear();
        assert!(is_night(&night, 5, 12));
        night.times = vec![(390, 400)];
        assert!(is_night(&night, 5, 6) && !is_night(&night, 5, 7));
    }

    #[test]
    fn nothing_is_an_empty_week() {
        let week = Week::default();
        assert!(week.is_empty());
        let svg = heat("h", "Pages", &week, &night());
        assert!(
            svg.contains("Not one.") && !svg.contains("class=\"cell"),
            "{svg}"
        );
    }
}
