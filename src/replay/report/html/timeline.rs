//! Which alerts were up when: one lane for each severity of each variant.

use super::bands::{Band, blocks};
use super::curves::{Frame, looks};
use super::svg::{Caption, Svg, class, escaped, percent, shown};
use crate::engine::{Severity, Timestamp};

/// Height of a lane, in pixels.
const LANE: u32 = 16;
/// Height of a variant's name, in pixels.
const NAME: u32 = 18;
/// Longest name of a variant, in characters.
const NAME_CHARS_MAX: usize = 60;

/// What a lane is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Lane {
    /// Burns of a severity.
    Burn(Severity),
    /// Lack of data.
    Blind,
}

impl Lane {
    /// The word beside it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Burn(severity) => class(severity),
            Self::Blind => "blind",
        }
    }
}

/// The alerts of a variant.
#[derive(Clone, Debug)]
pub(super) struct Row {
    /// Its number.
    pub variant: usize,
    /// Its name.
    pub name: String,
    /// What was up, by lane, in the order of time.
    pub bands: Vec<(Lane, Band)>,
}

/// The timeline. `nights` are shaded; dates stand below.
pub(super) fn timeline(
    frame: &Frame<'_>,
    rows: &[Row],
    nights: &[(Timestamp, Timestamp)],
) -> String {
    let lanes = lanes(rows);
    let is_named = rows.len() > 1;
    let name = if is_named { NAME } else { 4 };
    let lanes_high = LANE * u32::try_from(lanes.len()).unwrap_or(0);
    let height = (name + lanes_high) * u32::try_from(rows.len()).unwrap_or(0) + 4;
    let id = format!("{}-alerts", frame.id);
    let caption = Caption {
        id: &id,
        title: &format!("Alerts over time: {}", shown(frame.name, 60)),
        description: &description(frame, rows),
    };
    let (from, to) = (frame.time.from.as_millis(), frame.time.to.as_millis());
    let data = format!(" data-kind=\"alerts\" data-from=\"{from}\" data-to=\"{to}\"");
    let mut svg = Svg::drawing("plot timeline", caption, height, &data);
    for (from, to) in nights {
        let from = frame.time.percent(*from);
        let breadth = percent(frame.time.percent(*to) - from);
        svg.put(format_args!(
            "<rect class=\"night\" x=\"{}\" width=\"{breadth}\" height=\"{height}\"/>",
            percent(from)
        ));
    }
    svg.dates(frame.time, frame.marks, height, true);
    let mut top = 0;
    for row in rows {
        svg.put(format_args!(
            "<g class=\"row {}\" data-variants=\"{}\">",
            looks(&[row.variant]),
            row.variant
        ));
        if is_named {
            let name = escaped(&shown(&row.name, NAME_CHARS_MAX));
            svg.put(format_args!(
                "<text class=\"name\" y=\"{}\">{name}</text>",
                top + NAME - 5
            ));
        }
        top += name;
        for lane in &lanes {
            draw_lane(&mut svg, frame, row, *lane, top);
            top += LANE;
        }
        svg.raw("</g>");
    }
    svg.finish()
}

fn draw_lane(svg: &mut Svg, frame: &Frame<'_>, row: &Row, lane: Lane, top: u32) {
    let middle = top + LANE / 2;
    let word = lane.word();
    svg.put(format_args!(
        "<line class=\"lane\" x2=\"100%\" y1=\"{middle}\" y2=\"{middle}\"/>\
         <text class=\"value\" x=\"-8\" y=\"{middle}\" dy=\".32em\">{word}</text>"
    ));
    let bands = row.bands.iter().filter(|(of, _)| *of == lane);
    for block in blocks(frame.time, bands.map(|(_, band)| band)) {
        let title = block.title(frame.clock);
        let from = frame.time.percent(block.from);
        let breadth = (frame.time.percent(block.to) - from).max(0.0);
        svg.put(format_args!(
            "<rect class=\"alert {word}\" x=\"{}\" width=\"{}\" y=\"{}\" height=\"{}\" rx=\"1\">\
             <title>{}</title></rect>",
            percent(from),
            percent(breadth),
            top + 3,
            LANE - 6,
            escaped(&shown(&title, 200)),
        ));
    }
}

/// Pages and tickets have a lane always; the rest where there is something in it.
fn lanes(rows: &[Row]) -> Vec<Lane> {
    let mut lanes = vec![Lane::Burn(Severity::Page), Lane::Burn(Severity::Ticket)];
    let used = rows.iter().flat_map(|row| row.bands.iter());
    lanes.extend(used.map(|(lane, _)| *lane));
    lanes.sort_unstable();
    lanes.dedup();
    lanes
}

fn description(frame: &Frame<'_>, rows: &[Row]) -> String {
    let told = rows.iter().map(|row| {
        let count = |lane| row.bands.iter().filter(|(l, _)| *l == lane).count();
        format!(
            "{}: {} pages, {} tickets, {} notices, {} about missing data.",
            shown(&row.name, NAME_CHARS_MAX),
            count(Lane::Burn(Severity::Page)),
            count(Lane::Burn(Severity::Ticket)),
            count(Lane::Burn(Severity::Info)),
            count(Lane::Blind),
        )
    });
    let told: Vec<String> = told.collect();
    format!(
        "{} to {}. {}",
        frame.clock.minute(frame.time.from),
        frame.clock.minute(frame.time.to),
        told.join(" ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::report::html::dates::Clock;
    use crate::replay::report::html::scale::TimeScale;

    fn band(from: i64, to: i64) -> Band {
        let at = Timestamp::from_secs;
        Band {
            variant: 0,
            severity: Severity::Page,
            from: at(from),
            to: Some(at(to)),
            peak: None,
        }
    }

    fn row(bands: &[(i64, i64)]) -> Row {
        let page = Lane::Burn(Severity::Page);
        Row {
            variant: 0,
            name: "as <defined>".to_owned(),
            bands: bands.iter().map(|(f, t)| (page, band(*f, *t))).collect(),
        }
    }

    #[test]
    fn lanes_are_named_and_hostile_names_are_text() {
        let clock = Clock::named("UTC");
        let frame = Frame {
            id: "s1",
            name: "a/b{c=\"</desc><script>\"}",
            time: TimeScale::new(Timestamp::EPOCH, Timestamp::from_secs(1000)),
            marks: &[],
            clock: &clock,
            columns: 10,
        };
        let mut other = row(&[]);
        other.variant = 1;
        other.bands.push((Lane::Blind, band(1, 2)));
        let svg = timeline(&frame, &[row(&[(100, 200)]), other], &[]);
        assert!(
            !svg.contains("<script>") && !svg.contains("<defined>"),
            "{svg}"
        );
        assert_eq!(svg.matches(">page</text>").count(), 2);
        assert_eq!(svg.matches(">blind</text>").count(), 2);
        assert_eq!(svg.matches("class=\"alert page\"").count(), 1);
        assert!(svg.contains("x=\"10%\" width=\"10%\""), "{svg}");
    }
}
