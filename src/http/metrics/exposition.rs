//! A writer of the Prometheus text format 0.0.4, for series that are computed at scrape time.
//!
//! Thousands of them change with every slot; written directly they cost a string and nothing
//! else.

use std::fmt::Write as _;

/// Text under construction.
pub(super) struct Exposition(String);

/// The type of a family.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Counter,
    Gauge,
}

/// The body of a label set, escaped: `service="shop",slo="checkout"`.
#[derive(Clone, Default)]
pub(super) struct LabelText(String);

/// The family that is being written.
pub(super) struct Family<'a> {
    text: &'a mut String,
    name: &'static str,
}

impl Exposition {
    /// Appends to complete families.
    pub(super) fn continuing(text: String) -> Self {
        Self(text)
    }

    pub(super) fn into_text(self) -> String {
        self.0
    }

    /// Writes a family; without a sample nothing is left of it.
    pub(super) fn family(
        &mut self,
        name: &'static str,
        kind: Kind,
        help: &str,
        samples: impl FnOnce(&mut Family<'_>),
    ) {
        let text = &mut self.0;
        let start = text.len();
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
        };
        let _infallible = write!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
        let header_end = text.len();
        samples(&mut Family { text, name });
        if text.len() == header_end {
            text.truncate(start);
        }
    }

    /// A gauge without labels.
    pub(super) fn gauge(&mut self, name: &'static str, help: &str, value: f64) {
        self.family(name, Kind::Gauge, help, |family| {
            family.sample(&LabelText::default(), &[], value);
        });
    }
}

impl Family<'_> {
    /// One sample: shared labels, then own ones, whose values need no escaping.
    pub(super) fn sample(&mut self, labels: &LabelText, own: &[(&str, &str)], value: f64) {
        self.text.push_str(self.name);
        if !labels.0.is_empty() || !own.is_empty() {
            self.text.push('{');
            self.text.push_str(&labels.0);
            for (at, (name, value)) in own.iter().enumerate() {
                let comma = if at > 0 || !labels.0.is_empty() {
                    ","
                } else {
                    ""
                };
                let _infallible = write!(self.text, "{comma}{name}=\"{value}\"");
            }
            self.text.push('}');
        }
        let _infallible = if value == f64::INFINITY {
            writeln!(self.text, " +Inf")
        } else if value == f64::NEG_INFINITY {
            writeln!(self.text, " -Inf")
        } else {
            writeln!(self.text, " {value}")
        };
    }
}

impl LabelText {
    /// Adds a label; the name must be legal, the value may be any text.
    pub(super) fn with(mut self, name: &str, value: &str) -> Self {
        let text = &mut self.0;
        if !text.is_empty() {
            text.push(',');
        }
        text.push_str(name);
        text.push_str("=\"");
        for c in value.chars() {
            match c {
                '\\' => text.push_str("\\\\"),
                '"' => text.push_str("\\\""),
                '\n' => text.push_str("\\n"),
                other => text.push(other),
            }
        }
        text.push('"');
        self
    }
}
