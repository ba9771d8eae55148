//! What an alert bears: its name, labels and annotations, from the definition, the severity and
//! the tier that burns fastest.
//!
//! Annotations may hold the two places of Prometheus' templates that need no language:
//! `{{ $labels.name }}` and `{{ $value }}`. Whatever else stands there stays as it is written.

use std::collections::BTreeMap;

use super::labels::Labels;
use super::notification::AlertKey;
use super::policy::{Severity, Tier};
use super::slo::{Document, Slo};

/// Longest annotation after its places are filled in, in bytes: label values come from outside.
const ANNOTATION_BYTES_MAX: usize = 16 << 10;

/// What is known of an alert when its texts are written.
pub(super) struct Subject<'a> {
    /// Which alert.
    pub(super) key: &'a AlertKey,
    /// How loud.
    pub(super) severity: Severity,
    /// Labels of the instance.
    pub(super) labels: &'a Labels,
    /// The tier that burns fastest, and its burn rate over the long window.
    pub(super) fastest: Option<(&'a Tier, f64)>,
}

/// The name of the alert, where the definition gives it one, and the definition's texts as this
/// alert bears them. Labels: the tier's over the severity's over the SLO's.
///
/// An alert about missing data has the labels of its severity, for they say where it belongs, but
/// not the name and annotations: those speak of a burn.
pub(super) fn document(slo: &Slo, subject: &Subject<'_>) -> (Option<String>, Document) {
    let mut document = slo.document.clone();
    let about_burn = matches!(subject.key, AlertKey::Burn { .. });
    let mut name = None;
    if let Some(text) = std::mem::take(&mut document.alerts).remove(&subject.severity) {
        document.labels.extend(text.labels);
        if about_burn {
            name = text.name;
            document.annotations.extend(text.annotations);
        }
    }
    if let Some((tier, _)) = subject.fastest {
        document.labels.extend(tier.labels.clone());
    }
    let own = own_labels(slo, subject.severity);
    let label = |name: &str| {
        let of_alert = || document.labels.get(name).map(String::as_str);
        subject
            .labels
            .get(name)
            .or_else(of_alert)
            .or_else(|| own.get(name).copied())
    };
    let value = subject.fastest.map(|(_, burn)| burn);
    for text in document.annotations.values_mut() {
        if text.contains("{{") {
            *text = fill(text, label, value);
        }
    }
    (name, document)
}

/// Names that templates may rely on, those of Sloth's rules among them.
fn own_labels(slo: &Slo, severity: Severity) -> BTreeMap<&'static str, &str> {
    BTreeMap::from([
        ("service", slo.service.as_str()),
        ("slo", slo.name.as_str()),
        ("severity", severity.as_str()),
        ("sloth_service", slo.service.as_str()),
        ("sloth_slo", slo.name.as_str()),
        ("sloth_severity", severity.as_str()),
    ])
}

/// Fills in the places that are known.
fn fill<'a>(text: &str, label: impl Fn(&str) -> Option<&'a str>, value: Option<f64>) -> String {
    let known = |place: &str| -> Option<String> {
        let place = place.trim();
        match place.strip_prefix("$labels.") {
            Some(name) => label(name).map(str::to_owned),
            None if place == "$value" => value.map(round),
            None => None,
        }
    };
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        filled.push_str(before);
        let place = after.split_once("}}");
        let found = place.and_then(|(place, after)| Some((known(place)?, after)));
        rest = match found {
            Some((known, after)) => {
                filled.push_str(&known);
                after
            }
            None => {
                filled.push_str("{{");
                after
            }
        };
    }
    filled.push_str(rest);
    filled.truncate(filled.floor_char_boundary(ANNOTATION_BYTES_MAX));
    filled
}

/// Two decimals are enough for people.
fn round(value: f64) -> String {
    const SCALE: f64 = 100.0;
    ((value * SCALE).round() / SCALE).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::feed::tests::slo;
    use crate::engine::policy::Policy;
    use crate::engine::slo::{AlertText, InstanceId};

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        pairs.iter().map(owned).collect()
    }

    fn shop() -> Slo {
        let mut slo = slo("shop", &["zone"]);
        slo.document.labels = map(&[("team", "slo"), ("tier", "slo"), ("only", "slo")]);
        slo.document.annotations = map(&[("summary", "slo"), ("kept", "{{ $labels.team }}")]);
        let page = AlertText {
            name: Some("ShopBurns".to_owned()),
            labels: map(&[("team", "alert"), ("tier", "alert")]),
            annotations: map(&[("summary", "{{$labels.zone}} of {{ $labels.sloth_slo }}")]),
        };
        slo.document.alerts = BTreeMap::from([(Severity::Page, page)]);
        slo
    }

    fn written(key: impl Fn(InstanceId) -> AlertKey, fast: bool) -> (Option<String>, Document) {
        let slo = shop();
        let labels = Labels::new([("zone", "eu")]);
        let mut tier = Policy::sre_workbook().tiers.swap_remove(0);
        tier.labels = map(&[("tier", "fast")]);
        let instance = InstanceId {
            slo: slo.id.clone(),
            labels: labels.clone(),
        };
        let subject = Subject {
            key: &key(instance),
            severity: Severity::Page,
            labels: &labels,
            fastest: fast.then_some((&tier, 15.972_22)),
        };
        document(&slo, &subject)
    }

    #[test]
    fn the_tier_is_nearer_than_the_severity_and_that_nearer_than_the_slo() {
        let severity = Severity::Page;
        let (name, document) = written(|instance| AlertKey::Burn { instance, severity }, true);
        assert_eq!(name.as_deref(), Some("ShopBurns"));
        let labels = [("team", "alert"), ("tier", "fast"), ("only", "slo")];
        assert_eq!(document.labels, map(&labels));
        let annotations = [("summary", "eu of availability"), ("kept", "alert")];
        assert_eq!(document.annotations, map(&annotations));
        assert_eq!(document.alerts, BTreeMap::new());
    }

    #[test]
    fn an_alert_about_missing_data_does_not_speak_of_a_burn() {
        let (name, document) = written(|instance| AlertKey::Blind { instance }, false);
        assert_eq!(name, None);
        let labels = [("team", "alert"), ("tier", "alert"), ("only", "slo")];
        assert_eq!(document.labels, map(&labels));
        assert_eq!(document.annotations["summary"], "slo");
    }

    #[test]
    fn what_is_no_known_place_stays_as_it_is_written() {
        let label = |name: &str| (name == "zone").then_some("{{ $value }}");
        let fill = |text| fill(text, label, Some(15.972_22));
        assert_eq!(fill("{{ $value }}x, {{$value}}x"), "15.97x, 15.97x");
        assert_eq!(
            fill("in {{$labels.zone}}"),
            "in {{ $value }}",
            "filled once"
        );
        for text in [
            "{{ $labels.none }}",
            "{{ $value | humanize }}",
            "{{",
            "}} {{ $value",
            "{{ .Labels.zone }}",
            "{{}}",
        ] {
            assert_eq!(fill(text), text);
        }
        assert_eq!(fill("{{ {{ $value }}"), "{{ 15.97");
        assert_eq!(super::fill("{{ $value }}", label, None), "{{ $value }}");
    }

    #[test]
    fn what_labels_can_do_to_an_annotation_is_bounded() {
        let long = "ü".repeat(10_000);
        let text = "{{ $labels.x }}".repeat(100);
        let filled = fill(&text, |_| Some(long.as_str()), None);
        assert_eq!(filled.len(), ANNOTATION_BYTES_MAX);
    }
}
