//! Names, labels and texts of recorded series, as Sloth writes them.

use std::collections::BTreeMap;

use crate::engine::{Slo, Span};

/// Labels by which rules find the series of an SLO, and its windows.
pub(super) const OWN_LABELS: [&str; 4] = ["sloth_id", "sloth_service", "sloth_slo", "sloth_window"];

/// How Sloth identifies an SLO.
pub(super) fn sloth_id(slo: &Slo) -> String {
    format!("{}-{}", slo.service, slo.name)
}

/// The recorded series of one SLO.
pub(super) struct Series {
    pub(super) sloth_id: String,
    /// `{sloth_id="..", sloth_service="..", sloth_slo=".."}`
    matchers: String,
    /// Labels of every recording.
    labels: BTreeMap<String, String>,
}

impl Series {
    pub(super) fn new(slo: &Slo) -> Self {
        let sloth_id = sloth_id(slo);
        let own = [
            ("sloth_id", sloth_id.clone()),
            ("sloth_service", slo.service.clone()),
            ("sloth_slo", slo.name.clone()),
        ];
        let matchers = own
            .each_ref()
            .map(|(name, value)| format!("{name}={}", quoted(value)));
        let mut labels = slo.document.labels.clone();
        labels.retain(|name, _| !OWN_LABELS.contains(&name.as_str()));
        labels.extend(own.map(|(name, value)| (name.to_owned(), value)));
        Self {
            sloth_id,
            matchers: format!("{{{}}}", matchers.join(", ")),
            labels,
        }
    }

    /// Labels of a recording about the SLO.
    pub(super) fn labels(&self) -> BTreeMap<String, String> {
        self.labels.clone()
    }

    /// Labels of a recording over a window.
    pub(super) fn window_labels(&self, window: Span) -> BTreeMap<String, String> {
        let mut labels = self.labels();
        labels.insert("sloth_window".to_owned(), window_text(window));
        labels
    }

    /// A selector of this SLO's series of a name.
    pub(super) fn select(&self, name: &str) -> String {
        format!("{name}{}", self.matchers)
    }

    /// A selector of the error ratio over a window.
    pub(super) fn ratio(&self, window: Span) -> String {
        self.select(&ratio_name(window))
    }
}

/// `slo:sli_error:ratio_rate5m`
pub(super) fn ratio_name(window: Span) -> String {
    format!("slo:sli_error:ratio_rate{}", window_text(window))
}

/// `slo:sli_errors:rate5m`: bad events per second, where a window has any events at all.
pub(super) fn errors_name(window: Span) -> String {
    format!("slo:sli_errors:rate{}", window_text(window))
}

/// `slo:sli_events:rate5m`: all events per second.
pub(super) fn events_name(window: Span) -> String {
    format!("slo:sli_events:rate{}", window_text(window))
}

/// A length of time as Prometheus prints it: weeks and years only where nothing is left over
/// (`1w`, `4w`, but `30d` and `1d12h`).
pub(super) fn window_text(window: Span) -> String {
    for (unit, days) in [("y", 365), ("w", 7)] {
        let length = Span::from_days(days).as_millis();
        if !window.is_zero() && window.as_millis() % length == 0 {
            return format!("{}{unit}", window.as_millis() / length);
        }
    }
    window.to_string()
}

/// A PromQL string.
pub(super) fn quoted(text: &str) -> String {
    let escaped = text
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n");
    format!("\"{escaped}\"")
}

/// A number without the dust of binary fractions: `0.05 x 28` is 1.4, not 1.4000000000000001.
pub(super) fn number(value: f64) -> String {
    const SIGNIFICANT: i32 = 12;
    if value == 0.0 || !value.is_finite() {
        return value.to_string();
    }
    let scale = 10_f64.powi(SIGNIFICANT - 1 - value.abs().log10().floor() as i32);
    let rounded = (value * scale).round() / scale;
    match rounded.is_finite() {
        true => rounded.to_string(),
        false => value.to_string(),
    }
}

/// PromQL in brackets; a line break ends a comment that its author may have left at the end.
pub(super) fn bracketed(text: &str) -> String {
    let text = text.trim();
    match text.contains(['\n', '#']) {
        true => format!("(\n{text}\n)"),
        false => format!("({text})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_printed_as_prometheus_prints_them() {
        for (text, expected) in [
            ("5m", "5m"),
            ("7d", "1w"),
            ("28d", "4w"),
            ("30d", "30d"),
            ("36h", "1d12h"),
            ("365d", "1y"),
            ("90d", "90d"),
            ("1500ms", "1s500ms"),
            ("0", "0s"),
        ] {
            assert_eq!(window_text(Span::parse(text).unwrap()), expected);
        }
    }

    #[test]
    fn numbers_have_no_dust() {
        for (value, expected) in [
            (0.1 * 3.0, "0.3"),
            (0.02 * 720.0, "14.4"),
            (28.0 / 30.0, "0.933333333333"),
            (1e-9, "0.000000001"),
            (-2.5, "-2.5"),
            (0.0, "0"),
        ] {
            assert_eq!(number(value), expected);
        }
        assert_eq!(number(f64::NAN), "NaN");
    }

    #[test]
    fn comments_at_the_end_do_not_swallow_the_bracket() {
        assert_eq!(bracketed(" a # b"), "(\na # b\n)");
        assert_eq!(bracketed("a\n"), "(a)");
    }
}
