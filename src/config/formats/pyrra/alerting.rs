//! Pyrra's alerts as a policy and as texts of alerts.

use super::Made;
use super::raw::{Alerting, Severities, Switch};
use super::tiers::{self, Burn};
use crate::config::diagnostic::excerpt;
use crate::config::field::{Field, Section, ValueOr};
use crate::config::formats::no_tiers;
use crate::config::raw::definition::{Alert, Alerts, Blind, Budget, SloPolicy, Texts, Tier};
use crate::config::tree::Mark;
use crate::config::value::{Duration, DurationOrNever, Fraction};
use crate::engine::{Severity, Span};

/// What alerts follow from, besides `alerting`.
pub(super) struct Promise {
    /// In percent; `None` when it was refused.
    pub(super) target: Option<f64>,
    /// `None` when it was refused.
    pub(super) window: Option<Span>,
    /// Where the window stands.
    pub(super) window_at: Mark,
    pub(super) of_native_histogram: bool,
}

/// What goes into the `spec`.
pub(super) struct Translated {
    pub(super) policy: Field<ValueOr<SloPolicy>>,
    pub(super) alerts: Field<Alerts>,
}

const NAME_DEFAULT: &str = "ErrorBudgetBurn";
const ABSENT_NAME_DEFAULT: &str = "SLOMetricAbsent";
/// The usual time between two slots, by which Pyrra's delay is counted in slots.
const SLOT: Span = Span::from_secs(30);
/// Slots that a policy may wait for at most.
const SLOTS_MAX: f64 = 10_000.0;

impl Promise {
    pub(super) fn translate(
        &self,
        made: &mut Made<'_>,
        section: &Section<'_>,
        raw: &Alerting,
    ) -> Translated {
        let on = |field: &Field<Switch>, default| field.value().map_or(default, |on| on.0);
        let wanted = Wanted {
            burning: on(&raw.burnrates, true) && !on(&raw.disabled, false),
            absent: on(&raw.absent, true),
        };
        note_absent_name(made, section, raw, wanted);
        let alerts = alerts(section.mark, raw, wanted);
        let unwritten = Severities::default();
        let severities = raw.severities.value().unwrap_or(&unwritten);
        let blind = self.blind(made, section.mark, &severities.absent, wanted);
        let policy = if wanted.only_absence() {
            blind.map(|blind| only_blind(section.mark, blind))
        } else {
            let tiers = self.tiers(made, severities);
            tiers.zip(blind).map(|(tiers, blind)| SloPolicy {
                tiers: Field::at(self.window_at, tiers),
                blind: Field::at(section.mark, blind),
                ..SloPolicy::default()
            })
        };
        let policy = policy.map_or_else(
            || Field::refused(self.window_at),
            |policy| Field::at(self.window_at, ValueOr::Section(policy)),
        );
        Translated { policy, alerts }
    }

    fn tiers(&self, made: &mut Made<'_>, severities: &Severities) -> Option<Vec<Field<Tier>>> {
        const PERIODS: (Span, Span) = (Span::from_days(1), Span::from_days(400));
        // A window that no period can have is reported where periods are.
        let window = self
            .window
            .filter(|at| PERIODS.0 <= *at && *at <= PERIODS.1)?;
        let written = [
            ("fast", &severities.fast_burn),
            ("medium", &severities.medium_burn),
            ("slow", &severities.slow_burn),
            ("long-term", &severities.long_term_burn),
        ];
        let mut tiers = Vec::new();
        for (burn, (name, field)) in tiers::burns(window).into_iter().zip(written) {
            let default = (burn.severity, self.window_at);
            let told = Told::of(made, field, default, &format!("{name} burn"));
            if burn.short.is_zero() {
                let message = format!(
                    "the {name} burn alert is left out: with a window of {window} it would look \
                     back 0s, and in Pyrra it can never fire"
                );
                let fix = "choose a window of at least 2d19h12m to have it";
                made.note(self.window_at, message, fix);
                continue;
            }
            tiers.push(Field::at(
                self.window_at,
                tier(&burn, window, self.window_at, told),
            ));
        }
        Some(tiers)
    }

    /// The alert for an absent metric as the one for a lack of evidence.
    fn blind(
        &self,
        made: &mut Made<'_>,
        mark: Mark,
        severity: &Field<String>,
        wanted: Wanted,
    ) -> Option<ValueOr<Blind>> {
        let told = Told::of(made, severity, ("critical", mark), "absent");
        if !wanted.absent {
            return Some(ValueOr::Value("false".to_owned()));
        }
        if self.of_native_histogram {
            let message = "Pyrra has no alert for an absent native histogram; slofuse has one";
            let fix = "write alerting: {absent: false} to have none here either";
            made.note(mark, message, fix);
        }
        let slots = tiers::absent_after(self.window?, self.target?).ratio(SLOT);
        let blind = Blind {
            after_slots: Field::at(self.window_at, slots.clamp(1.0, SLOTS_MAX) as u32),
            severity: Field::at(told.mark, told.severity),
        };
        Some(ValueOr::Section(blind))
    }
}

/// Which alerts the author wants.
#[derive(Clone, Copy)]
struct Wanted {
    burning: bool,
    absent: bool,
}

impl Wanted {
    /// No alert of burns, only of metrics that are absent.
    const fn only_absence(self) -> bool {
        self.absent && !self.burning
    }
}

/// Whom an alert reaches, and the label that says so.
struct Told {
    severity: Severity,
    label: String,
    mark: Mark,
}

impl Told {
    fn of(
        made: &mut Made<'_>,
        field: &Field<String>,
        (default, default_at): (&'static str, Mark),
        name: &str,
    ) -> Self {
        let written = field.value().filter(|text| !text.is_empty());
        let label = written.map_or(default, String::as_str);
        let mark = field.mark_or(default_at);
        let severity = known_severity(label).unwrap_or_else(|| {
            let severity = known_severity(default).unwrap_or(Severity::Page);
            let message = format!(
                "the severity {:?} does not say whom to tell, so the {name} alert stays a {severity}",
                excerpt(label),
            );
            let fix = "write critical, warning or info; the label severity is kept as it is";
            made.note(mark, message, fix);
            severity
        });
        Self {
            severity,
            label: label.to_owned(),
            mark,
        }
    }
}

fn known_severity(label: &str) -> Option<Severity> {
    match label {
        "critical" | "page" => Some(Severity::Page),
        "warning" | "ticket" => Some(Severity::Ticket),
        "info" => Some(Severity::Info),
        _ => None,
    }
}

fn tier(burn: &Burn, window: Span, mark: Mark, told: Told) -> Tier {
    let labels = [
        ("severity", told.label),
        ("short", tiers::notation(burn.short)),
        ("long", tiers::notation(burn.long)),
        ("exhaustion", tiers::notation(burn.exhaustion(window))),
    ];
    let labels = labels.map(|(name, text)| (name.to_owned(), Field::at(mark, text)));
    Tier {
        severity: Field::at(told.mark, told.severity),
        budget: Field::at(mark, Fraction(burn.budget_fraction(window))),
        long: Field::at(mark, Duration(burn.long)),
        short: Field::at(mark, Duration(burn.short)),
        // As in the built-in policy: Pyrra fires on a single failure at night.
        minimum_events: Field::default(),
        pending: Field::at(mark, Duration(burn.pending)),
        labels: Field::at(mark, Texts::from(labels)),
    }
}

/// The policy of an SLO that alerts on a lack of evidence alone: nothing is told about its budget.
fn only_blind(mark: Mark, blind: ValueOr<Blind>) -> SloPolicy {
    let budget = Budget {
        thresholds: Field::at(mark, Vec::new()),
        exhaustion_within: Field::at(mark, DurationOrNever(None)),
    };
    SloPolicy {
        vary: Field::at(mark, no_tiers(mark)),
        budget: Field::at(mark, budget),
        blind: Field::at(mark, blind),
        ..SloPolicy::default()
    }
}

fn alerts(mark: Mark, raw: &Alerting, wanted: Wanted) -> Field<Alerts> {
    let named = |field: &Field<String>, default: &str| {
        let written = field.value().filter(|name| !name.is_empty());
        let name = written.map_or(default, String::as_str);
        Field::at(field.mark_or(mark), name.to_owned())
    };
    let name = if wanted.only_absence() {
        named(&raw.absent_name, ABSENT_NAME_DEFAULT)
    } else {
        named(&raw.name, NAME_DEFAULT)
    };
    let alert = || {
        let mut alert = Alert::default();
        if wanted.burning || wanted.absent {
            alert.name = name.clone();
        } else {
            alert.disabled = Field::at(mark, true);
        }
        Field::at(mark, alert)
    };
    let alerts = Alerts {
        page: alert(),
        ticket: alert(),
        info: alert(),
    };
    Field::at(mark, alerts)
}

/// Says where a name comes to something else.
fn note_absent_name(made: &mut Made<'_>, section: &Section<'_>, raw: &Alerting, wanted: Wanted) {
    let written = raw.absent_name.value().is_some_and(|name| !name.is_empty());
    if written && wanted.burning && wanted.absent {
        let message = "absentName has no meaning here: the alert for a lack of evidence bears the \
                       name of the alerts of its severity";
        let fix = "tell it by its reason, or route it by its severity";
        made.note(raw.absent_name.mark_or(section.mark), message, fix);
    }
}
