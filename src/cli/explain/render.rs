//! An explanation for people: sections, aligned, in 80 columns. Only what is meant to be pasted is
//! longer.

use serde_json::Value;

use crate::cli::check::Paint;
use crate::cli::operate::{text as plain, time};
use crate::config::Level;

/// Widest line, in characters.
const WIDTH: usize = 80;
/// Most other instances that are named.
const OTHERS_MAX: usize = 10;

/// The whole answer.
pub(super) fn text(answer: &Value, paint: Paint) -> String {
    let mut page = Page {
        text: String::new(),
        paint,
    };
    for instance in list(&answer["instances"]) {
        page.instance(answer, instance);
    }
    page.timeline(answer);
    page.queries(answer);
    page.others(answer);
    page.origin(answer);
    page.text
}

struct Page {
    text: String,
    paint: Paint,
}

impl Page {
    fn instance(&mut self, answer: &Value, instance: &Value) {
        let name = plain(&instance["instance"]);
        self.line(&self.paint.bold(&name));
        let objective = answer["objective"].as_f64().unwrap_or_default();
        let objective = (objective * 100.0 * 1e9).round() / 1e9;
        let about = format!(
            "{objective}% over {}, policy {}, {} path",
            plain(&answer["period"]),
            plain(&answer["policy"]),
            plain(&answer["path"]),
        );
        self.wrapped("", &about);
        let outcome = match &instance["outcome"] {
            Value::Null => "not evaluated yet".to_owned(),
            outcome => format!(
                "slot of {} UTC: {}",
                time(&instance["at"]),
                self.coloured(&plain(outcome))
            ),
        };
        self.line(&outcome);
        self.line("");
        let summary = plain(&instance["summary"]);
        self.wrapped("", &summary);
        self.alerts(instance);
        self.tiers(instance);
        self.section("Budget", &instance["budget"]["says"]);
        self.section("Sight", &instance["sight"]["says"]);
        self.recent(instance);
    }

    fn alerts(&mut self, instance: &Value) {
        self.heading("Alerts");
        for alert in list(&instance["alerts"]) {
            let held = !alert["quiet_since"].is_null();
            let state = match (plain(&alert["state"]).as_str(), held) {
                ("firing", true) => "held",
                ("firing", false) => "firing",
                ("pending", _) => "pending",
                _ => "not up",
            };
            let kind = match plain(&alert["kind"]).as_str() {
                "burn" => "",
                "blind" => " (data)",
                _ => " (source)",
            };
            let severity = format!("{}{kind}", plain(&alert["severity"]));
            let state = format!("{state:<8}");
            let state = self.coloured(&state);
            self.line(&format!("  {severity:<14} {state}"));
            self.sentences(&alert["says"]);
        }
    }

    fn tiers(&mut self, instance: &Value) {
        self.heading("Tiers");
        for tier in list(&instance["tiers"]) {
            let name = format!("{} {}", plain(&tier["severity"]), plain(&tier["tier"]));
            let verdict = plain(&tier["verdict"]).replace('_', " ");
            let verdict = self.coloured(&verdict);
            self.line(&format!("  {name:<14} {verdict}"));
            self.sentences(&tier["says"]);
        }
    }

    /// One letter per slot, and what the letters count.
    fn recent(&mut self, instance: &Value) {
        let slots = list(&instance["recent"]["slots"]);
        if slots.is_empty() {
            return;
        }
        self.heading("Last slots");
        let letters = slots
            .iter()
            .map(|slot| match plain(&slot["outcome"]).as_str() {
                "burning" => self.coloured("B"),
                "quiet" => ".".to_owned(),
                "no_traffic" => "_".to_owned(),
                "no_data" => self.coloured("?"),
                _ => self.coloured("!"),
            });
        let letters: String = letters.collect();
        self.line(&format!("    {letters}"));
        self.sentences(&instance["recent"]["says"]);
    }

    fn timeline(&mut self, answer: &Value) {
        let events = list(&answer["timeline"]);
        if answer["timeline"].is_null() {
            return;
        }
        self.heading(&format!("Since {} UTC", time(&answer["played_from"])));
        if events.is_empty() {
            self.line("    No alert changed its state.");
        }
        for event in events {
            let (at, severity) = (time(&event["at"]), plain(&event["severity"]));
            let says = format!("{at} {severity} {}", plain(&event["says"]));
            self.wrapped("    ", &says);
        }
    }

    fn queries(&mut self, answer: &Value) {
        let queries = list(&answer["queries"]);
        if queries.is_empty() {
            return;
        }
        self.heading("Asked of the source");
        for query in queries {
            self.line(&format!("    {}", whole(&query["promql"])));
            if !query["curl"].is_null() {
                // Not indented: it is copied.
                self.line(&whole(&query["curl"]));
            }
        }
    }

    fn others(&mut self, answer: &Value) {
        let total = answer["total"].as_u64().unwrap_or_default();
        let shown = list(&answer["instances"]).len() as u64;
        let more = total.saturating_sub(shown);
        if more == 0 {
            return;
        }
        self.heading("Other instances (--label chooses one)");
        let others = list(&answer["others"]);
        for other in others.iter().take(OTHERS_MAX) {
            let alert = &other["alert"];
            let note = match alert.is_null() {
                true => plain(&other["outcome"]).replace('_', " "),
                false => format!("{} {}", plain(&alert["severity"]), plain(&alert["state"])),
            };
            let note = self.coloured(&note);
            self.line(&format!("    {}  {note}", plain(&other["instance"])));
        }
        let named = others.len().min(OTHERS_MAX) as u64;
        if more > named {
            self.line(&format!("    and {} more", more - named));
        }
    }

    fn origin(&mut self, answer: &Value) {
        if answer["origin"].is_null() {
            return;
        }
        self.heading("Played here");
        let from = time(&answer["played_from"]);
        let origin = plain(&answer["origin"]);
        let played = format!(
            "By the samples of {origin}, from {from} UTC on: what was up before seems to begin \
             then. Silences and acknowledgements of that time are not known."
        );
        self.wrapped("    ", &played);
        for remark in list(&answer["remarks"]) {
            self.wrapped("    ", &plain(remark));
        }
    }

    fn section(&mut self, heading: &str, says: &Value) {
        if !list(says).is_empty() {
            self.heading(heading);
            self.sentences(says);
        }
    }

    fn heading(&mut self, heading: &str) {
        self.line("");
        self.line(&self.paint.bold(heading));
    }

    fn sentences(&mut self, says: &Value) {
        for sentence in list(says) {
            self.wrapped("    ", &plain(sentence));
        }
    }

    /// Words on lines of at most [`WIDTH`] characters; a longer word has a line of its own.
    fn wrapped(&mut self, indent: &str, text: &str) {
        let mut line = String::new();
        for word in text.split(' ') {
            let length = indent.len() + line.chars().count() + 1 + word.chars().count();
            if !line.is_empty() && length > WIDTH {
                self.line(&format!("{indent}{line}"));
                // What goes on is told from what begins.
                line = format!("  {word}");
            } else {
                if !line.is_empty() {
                    line.push(' ');
                }
                line.push_str(word);
            }
        }
        self.line(&format!("{indent}{line}"));
    }

    /// In the colour of how bad it is.
    fn coloured(&self, state: &str) -> String {
        let level = match state.trim() {
            "firing" | "burning" | "failed" | "B" | "!" | "page firing" => Level::Error,
            "held" | "pending" | "no_data" | "unknown" | "too few events" | "?"
            | "ticket firing" | "page pending" | "no data" => Level::Warning,
            _ => return state.to_owned(),
        };
        self.paint.level(level, state)
    }

    fn line(&mut self, line: &str) {
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// All of a text on one line, free of what a terminal would obey.
fn whole(value: &Value) -> String {
    let text = value.as_str().unwrap_or_default();
    crate::message::text::line(text, usize::MAX)
}

#[cfg(test)]
mod tests;
