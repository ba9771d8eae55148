//! `kind: AlertWindows`: Sloth's own policies, one per period.
//!
//! Sloth has one period per process, chosen by an option of its command line. Here the period is
//! chosen by what is loaded: the only one there is windows for, 30d among several, or what the
//! label `slofuse_period` of an SLO or of its file says. Without any windows it is 30d, with the
//! tiers of the built-in policy, which are those of Sloth.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::diagnostic::{Place, Report, excerpt};
use crate::config::field::Field;
use crate::config::formats::{Format, Translation};
use crate::config::lint::Lint;
use crate::config::raw::definition::{PolicyDocument, PolicyMetadata, PolicySpec, Tier};
use crate::config::tree::{Mark, Node};
use crate::config::value::{Duration, Fraction, Name};
use crate::engine::{Severity, Span};

use super::reader::{Keys, Spelling};

/// The label that chooses the period of an SLO, or of all SLOs of a file.
pub(super) const PERIOD_LABEL: &str = "slofuse_period";
/// Sloth's default.
const PERIOD_DEFAULT: Span = Span::from_days(30);
/// The periods for which Sloth has windows of its own, with the built-in tiers.
const PERIODS_BUILT_IN: [Span; 2] = [Span::from_days(28), PERIOD_DEFAULT];

/// All windows that are loaded.
#[derive(Default)]
pub(super) struct Catalogue {
    by_period: BTreeMap<Span, (Place, [Window; 4])>,
    /// Whether some document has mistakes, so that nobody knows its period.
    lost: bool,
}

/// One tier.
#[derive(Clone, Copy, PartialEq)]
struct Window {
    mark: Mark,
    severity: Severity,
    budget_fraction: f64,
    short: Span,
    long: Span,
}

/// What an SLO is measured by; what is `None` is left to the defaults.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Choice {
    pub(super) period: Option<Span>,
    pub(super) policy: Option<String>,
}

impl Catalogue {
    /// Takes one document and makes it a policy.
    pub(super) fn add<'a>(
        &mut self,
        report: &Report<'a>,
        node: &Node,
    ) -> Option<Translation<'a, PolicyDocument>> {
        let Some((period, windows)) = read(report, node) else {
            self.lost = true;
            return None;
        };
        let name = policy_name(period);
        let format = Format::Sloth;
        let mut translation = Translation::new(format, report.clone(), Field::default());
        if let Some((first, known)) = self.by_period.get(&period) {
            let same = |(one, other): (&Window, &Window)| {
                Window {
                    mark: other.mark,
                    ..*one
                } == *other
            };
            if windows.iter().zip(known).all(same) {
                let message = format!("the windows for {period} are defined again, as at {first}");
                translation.note(node.mark, message, "remove one of the two");
            } else {
                let message =
                    format!("the windows for {period} are defined differently at {first}");
                let fix = "remove one of the two: a period has one set of windows";
                report.lint(Lint::Duplicate, node.mark, message, fix);
            }
            return None;
        }
        self.by_period
            .insert(period, (report.place(node.mark), windows));
        let document = PolicyDocument {
            api_version: Field::at(node.mark, "slofuse/v1".to_owned()),
            kind: Field::at(node.mark, "Policy".to_owned()),
            metadata: Field::at(node.mark, metadata(node.mark, &name)),
            spec: Field::at(node.mark, spec(node.mark, &windows)),
        };
        translation.document = Field::at(node.mark, document);
        Some(translation)
    }

    /// What an SLO is measured by; `None` when that cannot be told, which is then reported.
    pub(super) fn choose(
        &self,
        wanted: Option<(Mark, &str)>,
        slo: Mark,
        report: &Report<'_>,
    ) -> Option<Choice> {
        let by_windows = |period: Span| Choice {
            period: Some(period),
            policy: Some(policy_name(period)),
        };
        let listed = |more: &[Span]| {
            let periods: BTreeSet<&Span> = self.by_period.keys().chain(more).collect();
            let periods: Vec<String> = periods.into_iter().map(Span::to_string).collect();
            periods.join(", ")
        };
        let Some((mark, text)) = wanted else {
            let mut periods = self.by_period.keys();
            return match (periods.next(), periods.next()) {
                (None, _) => Some(Choice::default()),
                (Some(only), None) => Some(by_windows(*only)),
                _ if self.by_period.contains_key(&PERIOD_DEFAULT) => {
                    Some(by_windows(PERIOD_DEFAULT))
                }
                (Some(first), Some(_)) => {
                    let message = format!(
                        "there are AlertWindows for {}, and nothing says which this SLO is for",
                        listed(&[])
                    );
                    let fix =
                        format!("add the label {PERIOD_LABEL}: {first} to the SLO or the file");
                    report.error(slo, message, fix);
                    None
                }
            };
        };
        let Ok(period) = Span::parse(text) else {
            let message = format!("{:?} is not a duration", excerpt(text));
            report.error(mark, message, "write it like 7d or 28d");
            return None;
        };
        if self.by_period.contains_key(&period) {
            return Some(by_windows(period));
        }
        if PERIODS_BUILT_IN.contains(&period) {
            return Some(Choice {
                period: Some(period),
                policy: None,
            });
        }
        if !self.lost {
            let message = format!("there are no AlertWindows for a period of {period}");
            let known = listed(&PERIODS_BUILT_IN);
            let fix = format!("load AlertWindows with this sloPeriod, or choose one of {known}");
            report.error(mark, message, fix);
        }
        None
    }
}

fn policy_name(period: Span) -> String {
    format!("sloth-{period}")
}

fn metadata(mark: Mark, name: &str) -> PolicyMetadata {
    // The text of a duration is a name.
    let name = Name::try_from(name.to_owned());
    PolicyMetadata {
        name: name.map_or_else(|_| Field::refused(mark), |name| Field::at(mark, name)),
    }
}

fn spec(mark: Mark, windows: &[Window]) -> PolicySpec {
    let tiers = windows.iter().map(|window| {
        let mark = window.mark;
        let tier = Tier {
            severity: Field::at(mark, window.severity),
            budget: Field::at(mark, Fraction(window.budget_fraction)),
            long: Field::at(mark, Duration(window.long)),
            short: Field::at(mark, Duration(window.short)),
            ..Tier::default()
        };
        Field::at(mark, tier)
    });
    PolicySpec {
        tiers: Field::at(mark, tiers.collect()),
        ..PolicySpec::default()
    }
}

fn read(report: &Report<'_>, node: &Node) -> Option<(Span, [Window; 4])> {
    let mut root = Keys::open(node, "the document", Spelling::Camel, report)?;
    let _ = (root.entry("api_version"), root.entry("kind"));
    let spec = root.required("spec");
    root.finish();
    let mut spec = Keys::open(spec?, "spec", Spelling::Camel, report)?;
    let period = duration(&mut spec, "slo_period");
    let page = pair(&mut spec, "page", Severity::Page);
    let ticket = pair(&mut spec, "ticket", Severity::Ticket);
    spec.finish();
    let ([page_quick, page_slow], [ticket_quick, ticket_slow]) = (page?, ticket?);
    Some((period?, [page_quick, page_slow, ticket_quick, ticket_slow]))
}

fn pair(spec: &mut Keys<'_, '_>, key: &'static str, severity: Severity) -> Option<[Window; 2]> {
    let node = spec.required(key)?;
    let mut keys = Keys::open(node, key, Spelling::Camel, &spec.report)?;
    let quick = window(&mut keys, "quick", severity);
    let slow = window(&mut keys, "slow", severity);
    keys.finish();
    Some([quick?, slow?])
}

fn window(keys: &mut Keys<'_, '_>, key: &'static str, severity: Severity) -> Option<Window> {
    let node = keys.required(key)?;
    let mut keys = Keys::open(node, key, Spelling::Camel, &keys.report)?;
    let percent = percent(&mut keys);
    let short = duration(&mut keys, "short_window");
    let long = duration(&mut keys, "long_window");
    let mark = keys.mark;
    keys.finish();
    Some(Window {
        mark,
        severity,
        budget_fraction: percent? / 100.0,
        short: short?,
        long: long?,
    })
}

fn percent(keys: &mut Keys<'_, '_>) -> Option<f64> {
    let mark = keys.required("error_budget_percent")?.mark;
    let field = keys.parsed::<f64>(
        "error_budget_percent",
        "a number",
        "write a percentage such as 2",
    );
    let percent = *field.value()?;
    if percent > 0.0 && percent <= 100.0 {
        return Some(percent);
    }
    let message = "errorBudgetPercent does not lie between 0 and 100";
    keys.report
        .error(mark, message, "write a percentage such as 2");
    None
}

fn duration(keys: &mut Keys<'_, '_>, key: &str) -> Option<Span> {
    let mark = keys.required(key)?.mark;
    let text = keys.text(key);
    let text = text.value()?;
    let (message, fix) = match Span::parse(text) {
        Ok(span) if !span.is_zero() => return Some(span),
        Ok(_) => (
            "the duration is zero".to_owned(),
            "write it like 5m, 6h or 30d",
        ),
        Err(_) => (
            format!("{:?} is not a duration", excerpt(text)),
            "write it like 5m, 6h or 30d",
        ),
    };
    keys.report.error(mark, message, fix);
    None
}
