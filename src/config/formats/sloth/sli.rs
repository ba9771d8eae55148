//! The section `sli`: events, a raw ratio, or a plugin.

use crate::config::field::Field;
use crate::config::lint::Lint;
use crate::config::raw::definition::{Events, Ratio, Sli};

use super::Translating;
use super::reader::Keys;
use super::sli_plugin;

/// What is measured. Whatever is refused is reported and written, so that nothing is missed.
pub(super) fn sli(
    slo: &mut Keys<'_, '_>,
    objective: Option<f64>,
    translation: &mut Translating<'_>,
) -> Field<Sli> {
    let mark = slo.mark;
    let Some(node) = slo.node("sli") else {
        let message = format!("{} does not say what is measured", slo.name);
        let fix = "add sli: with events:, raw: or plugin:";
        slo.report.error(mark, message, fix);
        return Field::refused(mark);
    };
    let mark = node.mark;
    let Some(mut keys) = slo.section("sli", "sli") else {
        return Field::refused(mark);
    };
    let raw_mark = keys.entry("raw").map(|(key, _)| key.mark);
    let events = keys.section("events", "events");
    let raw = keys.section("raw", "raw");
    let plugin = keys.section("plugin", "plugin");
    let written = ["events", "raw", "plugin"].map(|key| keys.node(key).is_some());
    let report = keys.report.clone();
    keys.finish();
    let sli = match written {
        [false, false, false] => {
            let message = "sli has none of the keys events, raw, plugin";
            report.error(mark, message, "write one of them: events is the most exact");
            None
        }
        [true, true, _] | [true, _, true] => {
            let message = "sli has events beside another kind, but they exclude each other";
            report.error(mark, message, "keep one of events, raw, plugin");
            None
        }
        [true, ..] => events.map(events_of),
        [_, true, false] => raw.map(ratio_of),
        [_, raw, true] => {
            if raw {
                let message = "the plugin's query replaces raw, so raw has no effect";
                let mark = raw_mark.unwrap_or(mark);
                report.lint(Lint::IgnoredKey, mark, message, "remove raw or the plugin");
            }
            plugin.and_then(|keys| sli_plugin::sli(keys, objective, translation))
        }
    };
    match sli {
        Some(sli) => Field::at(mark, sli),
        None => Field::refused(mark),
    }
}

fn events_of(mut keys: Keys<'_, '_>) -> Sli {
    let mark = keys.mark;
    let bad = query(&mut keys, "error_query");
    let total = query(&mut keys, "total_query");
    if let (Some(one), Some(other)) = (bad.value(), total.value())
        && one.trim() == other.trim()
    {
        let message = "both queries are the same, so every event would be an error";
        let fix = "let the first count the errors only, and the second all events";
        keys.report.error(bad.mark_or(mark), message, fix);
    }
    keys.finish();
    let events = Events {
        bad,
        total,
        ..Events::default()
    };
    Sli {
        events: Field::at(mark, events),
        ..Sli::default()
    }
}

fn ratio_of(mut keys: Keys<'_, '_>) -> Sli {
    let mark = keys.mark;
    let ratio = Ratio {
        error_ratio: query(&mut keys, "error_ratio_query"),
        ..Ratio::default()
    };
    keys.finish();
    Sli {
        ratio: Field::at(mark, ratio),
        ..Sli::default()
    }
}

/// A query that has a place for the window; refused, and reported, otherwise.
fn query(keys: &mut Keys<'_, '_>, key: &str) -> Field<String> {
    let Some(node) = keys.required(key) else {
        return Field::refused(keys.mark);
    };
    let query = keys.text(key);
    match query.value() {
        Some(text) if !has_window(text) => {
            let message = "the query has no place for the window, so it would measure the same for \
                           every alert";
            keys.report
                .error(node.mark, message, "write each range as [{{.window}}]");
            Field::refused(node.mark)
        }
        _ => query,
    }
}

/// Whether Sloth finds its window: `{{.window}}`, with any number of spaces inside.
fn has_window(text: &str) -> bool {
    let mut places = text.split("{{").skip(1);
    places.any(|rest| {
        let name = rest.trim_start_matches(' ').strip_prefix(".window");
        name.is_some_and(|rest| rest.trim_start_matches(' ').starts_with("}}"))
    })
}

#[cfg(test)]
mod tests {
    use super::has_window;

    #[test]
    fn the_window_is_found_as_sloth_finds_it() {
        for text in [
            "a[{{.window}}]",
            "a[{{ .window }}]",
            "{{{{  .window}}",
            "{{x}}{{.window }}",
        ] {
            assert!(has_window(text), "{text}");
        }
        for text in [
            "",
            "a[5m]",
            "{{.windows}}",
            "{{ window }}",
            "{{\t.window}}",
            "{{.window",
            "$window",
        ] {
            assert!(!has_window(text), "{text}");
        }
    }
}
