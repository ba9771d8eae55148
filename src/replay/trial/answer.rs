//! Answers to the queries of SLOs that are asked for whole windows or slices.

use std::sync::Arc;

use crate::config::trial::notation::{Point, Values};
use crate::config::trial::traffic::Traffic;
use crate::engine::{Counts, Indicator, Labels, QueryTemplate, Slo, Span, Timestamp, WindowQuery};

use super::tape::Frame;

/// A slice is bad when so many of its events are.
const BAD_SHARE: f64 = 0.5;

/// Who answers the queries of an SLO, for one label set.
#[derive(Clone, Debug)]
pub(super) struct Answerer {
    pub(super) labels: Labels,
    pub(super) content: Answers,
}

/// What the answers are made of.
#[derive(Clone, Debug)]
pub(super) enum Answers {
    /// The events of a window or a slice.
    Traffic(Arc<Traffic>),
    /// Value by value: one per scrape, or per slice.
    Written {
        window: Option<Span>,
        values: Values,
    },
}

impl Answerer {
    /// The events of a window, if they are known by traffic.
    pub(super) fn counts(&self, frame: &Frame, window: Span, at: Timestamp) -> Option<Counts> {
        let Answers::Traffic(traffic) = &self.content else {
            return None;
        };
        let until = frame.since_start(at);
        if traffic.is_gone(until) {
            return None;
        }
        // From one beginning, so that parts of events are counted once.
        let begin = frame.begin();
        let from = until.saturating_sub(window.as_millis()).max(begin);
        let (before, now) = (traffic.events(begin, from), traffic.events(begin, until));
        let (good, bad) = (now.good - before.good, now.bad - before.bad);
        let total = good + bad;
        Some(Counts { bad, total })
    }

    /// What was written for a window.
    pub(super) fn written(&self, frame: &Frame, window: Span, at: Timestamp) -> Option<f64> {
        let Answers::Written {
            window: only,
            values,
        } = &self.content
        else {
            return None;
        };
        if only.is_some_and(|only| only != window) {
            return None;
        }
        point(values, frame.since_start(at), frame.scrape)
    }

    /// The value of a slice.
    pub(super) fn slice(
        &self,
        frame: &Frame,
        slice: Span,
        graded: bool,
        at: Timestamp,
    ) -> Option<f64> {
        if let Answers::Written { values, .. } = &self.content {
            return point(values, frame.since_start(at), slice);
        }
        let counts = self.counts(frame, slice, at)?;
        let bad = counts.error_ratio()?;
        Some(match graded {
            true => 1.0 - bad,
            false if bad >= BAD_SHARE => 0.0,
            false => 1.0,
        })
    }
}

/// The value at a time; before the start the first one.
fn point(values: &Values, millis: i64, step: Span) -> Option<f64> {
    let number = millis.div_euclid(step.as_millis().max(1));
    match values.at(u64::try_from(number).unwrap_or(0)) {
        Point::Value(value) => Some(value),
        Point::Blank | Point::Stale => None,
    }
}

/// What an SLO asks the source, each query with `$window` in it; empty if it reads samples.
pub(super) fn queries(slo: &Slo) -> Vec<String> {
    // No window of a policy is so long, so its text is nowhere else in a query.
    const WINDOW: Span = Span::from_millis(9_876_543_210_987);
    let text = |template: &QueryTemplate| {
        let text = template.render(WINDOW);
        text.replace(&WINDOW.to_string(), "$window")
    };
    match &slo.indicator {
        Indicator::Windows(WindowQuery::Ratio { error_ratio }) => vec![text(error_ratio)],
        Indicator::Windows(WindowQuery::Events { bad, total, .. }) => vec![text(bad), text(total)],
        Indicator::Slices { condition, .. } => vec![condition.clone()],
        Indicator::Counters { .. } | Indicator::Composite(_) => Vec::new(),
    }
}

/// Whether two queries are the same, white space outside of quotes, ways to write the window and the
/// word `bool` aside.
pub(super) fn is_same_query(one: &str, other: &str) -> bool {
    normal(one) == normal(other)
}

fn normal(query: &str) -> String {
    let query = query.replace("{{ .window }}", "$window");
    let query = query.replace("{{.window}}", "$window");
    let mut normal = String::new();
    let (mut quote, mut escaped, mut apart) = (None, false, false);
    for c in query.chars() {
        if quote.is_none() && c.is_whitespace() {
            apart = true;
            continue;
        }
        let between_words = apart && is_word(c) && normal.chars().next_back().is_some_and(is_word);
        if quote.is_none() && between_words {
            normal.push(' ');
        }
        apart = false;
        match quote {
            None if matches!(c, '"' | '\'' | '`') => quote = Some(c),
            Some(open) if c == open && !escaped => quote = None,
            _ => {}
        }
        escaped = quote.is_some() && c == '\\' && !escaped;
        normal.push(c);
    }
    // A comparison that is asked for slices says `bool`, whether or not the definition does.
    for end in [' ', '('] {
        for sign in ['<', '>', '='] {
            let plain = format!("{sign}{}", end.to_string().trim());
            normal = normal.replace(&format!("{sign}bool{end}"), &plain);
        }
    }
    normal
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | ':' | '.' | '$')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_does_not_matter_but_in_quotes() {
        assert!(is_same_query(
            "sum ( rate(a [$window]) )",
            "sum(rate(a[{{.window}}]))"
        ));
        assert!(is_same_query("a\n  / b", "a/b"));
        assert!(!is_same_query("a{b=\"c d\"}", "a{b=\"cd\"}"));
        assert!(!is_same_query("a or b", "aorb"));
        assert!(is_same_query("a <= 5", "a <= bool 5") && is_same_query("a > (b)", "a > bool (b)"));
        assert!(!is_same_query("a < 5", "a > bool 5"));
        assert!(!is_same_query("a{b=\"\\\" x\"}", "a{b=\"\\\"x\"}"));
    }
}
