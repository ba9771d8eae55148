//! SLO plugins: what the steps of Sloth's rule generation mean where no rules are generated.
//!
//! A chain replaces or follows the one of its file, and that one Sloth's own. Their order does not
//! matter here, so priorities have no effect.

use crate::config::diagnostic::{Report, excerpt};
use crate::config::field::Field;
use crate::config::lint::Lint;
use crate::config::nearest::nearest;
use crate::config::raw::definition::{Alert, Budget};
use crate::config::tree::{Mark, Node};
use crate::config::value::{DurationOrNever, Fraction};
use crate::engine::Mode;

use super::Translating;
use super::reader::Keys;

/// What a chain asks for, besides what is done anyway.
#[derive(Default)]
pub(super) struct Effects {
    /// Whether bursts are weighed by the events of the period.
    pub(super) mode: Field<Mode>,
    /// Budget notices instead of the usual ones.
    pub(super) budget: Field<Budget>,
    /// What these notices bear.
    pub(super) info: Field<Alert>,
    /// Where a chain replaces Sloth's and makes no alerts.
    pub(super) no_alerts: Option<Mark>,
}

/// A chain as it is written.
#[derive(Default)]
pub(super) struct Chain<'n> {
    /// Where it says that it replaces what was before.
    replaces: Option<Mark>,
    links: Vec<Link<'n>>,
}

#[derive(Clone, Copy)]
struct Link<'n> {
    mark: Mark,
    id: Known,
    config: Option<&'n Node>,
}

/// What a plugin is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    /// Nothing that is left to do.
    Done,
    SliRules,
    AlertRules,
    /// Lets queries be MetricsQL; those that are no PromQL are refused where they stand.
    MetricsQl,
    /// Shapes the generated rules, of which there are none.
    RulesOnly,
    Exhausted,
    DenominatorCorrected,
}

const IDS: [(&str, Known); 12] = [
    ("sloth.dev/core/validate/v1", Known::Done),
    ("sloth.dev/core/sli_rules/v1", Known::SliRules),
    ("sloth.dev/core/metadata_rules/v1", Known::Done),
    ("sloth.dev/core/alert_rules/v1", Known::AlertRules),
    ("sloth.dev/core/debug/v1", Known::Done),
    ("sloth.dev/core/noop/v1", Known::Done),
    (
        "sloth.dev/contrib/validate_victoria_metrics/v1",
        Known::MetricsQl,
    ),
    ("sloth.dev/contrib/info_labels/v1", Known::RulesOnly),
    ("sloth.dev/contrib/remove_labels/v1", Known::RulesOnly),
    ("sloth.dev/contrib/rule_intervals/v1", Known::RulesOnly),
    (
        "sloth.dev/contrib/error_budget_exhausted_alert/v1",
        Known::Exhausted,
    ),
    (
        "sloth.dev/contrib/denominator_corrected_rules/v1",
        Known::DenominatorCorrected,
    ),
];

/// Plugins of one chain.
const LINKS_MAX: usize = 64;

/// Reads a chain; what it says is told when it is applied.
pub(super) fn chain<'n>(owner: &mut Keys<'n, '_>, key: &'static str) -> Chain<'n> {
    let Some(mut keys) = owner.section(key, key) else {
        return Chain::default();
    };
    let replaces = match keys.switch("overridePrevious") {
        Some((mark, true)) => Some(mark),
        _ => None,
    };
    let items = keys.list("chain");
    let (mark, report) = (keys.mark, keys.report.clone());
    if replaces.is_some() && items.is_empty() {
        let message = "the chain replaces all plugins by none";
        report.error(
            mark,
            message,
            "list plugins in chain:, or remove overridePrevious",
        );
    }
    if items.len() > LINKS_MAX {
        let message = format!("the chain has more than {LINKS_MAX} plugins");
        report.error(mark, message, "remove some");
    }
    let links = items.iter().take(LINKS_MAX);
    let links = links.filter_map(|item| link(item, &keys)).collect();
    keys.finish();
    Chain { replaces, links }
}

fn link<'n>(item: &'n Node, chain: &Keys<'n, '_>) -> Option<Link<'n>> {
    let mut keys = chain.open_alike(item, "the plugin")?;
    let id = keys.required("id");
    let text = keys.text("id");
    let config = keys.node("config");
    let _ = keys.parsed::<i64>("priority", "a whole number", "write one such as 10");
    let report = keys.report.clone();
    keys.finish();
    let (mark, id) = (id?.mark, text.value()?);
    let known = IDS.iter().find(|(known, _)| known == id);
    let Some((_, known)) = known else {
        unknown(id, mark, &report);
        return None;
    };
    Some(Link {
        mark,
        id: *known,
        config,
    })
}

fn unknown(id: &str, mark: Mark, report: &Report<'_>) {
    let message = format!(
        "the SLO plugin {:?} is a program of Sloth's, and slofuse runs none",
        excerpt(id)
    );
    let fix = match nearest(id, IDS.iter().map(|(id, _)| *id)) {
        Some(near) => format!("did you mean {near:?}?"),
        None => "remove it, and say what it does with a policy or an SLO of apiVersion slofuse/v1"
            .to_owned(),
    };
    report.lint(Lint::Unsupported, mark, message, fix);
}

/// What the chain of a file and that of one of its SLOs come to. `events` tells whether the SLO
/// is measured by two queries.
pub(super) fn apply(
    file: &Chain<'_>,
    slo: &Chain<'_>,
    events: bool,
    translation: &mut Translating<'_>,
) -> Effects {
    let of_file = if slo.replaces.is_some() {
        &[][..]
    } else {
        file.links.as_slice()
    };
    let links: Vec<Link<'_>> = of_file.iter().chain(&slo.links).copied().collect();
    let mut effects = Effects::default();
    let replaces = slo.replaces.or(file.replaces);
    if let Some(mark) = replaces
        && !links.is_empty()
        && links.iter().all(|link| link.id != Known::AlertRules)
    {
        let message = "the chain replaces Sloth's and makes no alerts, so there are no pages and \
                       tickets here either";
        let fix = "add sloth.dev/core/alert_rules/v1 to the chain to have them";
        translation.note(mark, message, fix);
        effects.no_alerts = Some(mark);
    }
    let mut exhausted = Vec::new();
    for link in links {
        match link.id {
            Known::Done | Known::AlertRules => {}
            Known::SliRules => optimized(&link, translation),
            Known::MetricsQl => {
                let message = "queries may be MetricsQL for Sloth, but are read as PromQL here";
                let fix = "write what is refused in PromQL, which VictoriaMetrics understands too";
                translation.note(link.mark, message, fix);
            }
            Known::RulesOnly => {
                let message = "the plugin shapes recording rules, and slofuse has none";
                translation.note(link.mark, message, "remove it once Sloth is gone");
            }
            Known::Exhausted => exhausted.extend(notice(&link, translation)),
            Known::DenominatorCorrected => {
                optimized(&link, translation);
                effects.mode = corrected(&link, events, translation);
            }
        }
    }
    join(exhausted, &mut effects);
    effects
}

fn optimized(link: &Link<'_>, translation: &mut Translating<'_>) {
    let report = translation.report.clone();
    let Some(mut keys) = link
        .config
        .and_then(|node| Keys::verbatim(node, "config", &report))
    else {
        return;
    };
    if let Some((mark, true)) = keys.switch("disableOptimized") {
        let message = "disableOptimized has no effect: the period is always exact here";
        translation.note(mark, message, "remove it once Sloth is gone");
    }
    keys.finish();
}

fn corrected(link: &Link<'_>, events: bool, translation: &mut Translating<'_>) -> Field<Mode> {
    let mark = link.mark;
    if !events {
        let message = "this plugin weighs by events, so it needs an SLI of kind events";
        translation.report.error(
            mark,
            message,
            "write the SLI as events, or remove the plugin",
        );
        return Field::refused(mark);
    }
    let message = "bursts are weighed by the average traffic of the period, in every window alike";
    translation.note(
        mark,
        message,
        "this is policy.mode: budget in an SLO of slofuse/v1",
    );
    Field::at(mark, Mode::Budget)
}

/// A notice of the budget.
struct Notice {
    mark: Mark,
    /// The part of the budget, 0 to 1, that is consumed by then.
    consumed: f64,
    alert: Alert,
}

fn notice(link: &Link<'_>, translation: &mut Translating<'_>) -> Option<Notice> {
    const NAME: &str = "ErrorBudgetExhausted";
    let report = translation.report.clone();
    let config = link
        .config
        .and_then(|node| Keys::verbatim(node, "config", &report));
    let mut threshold = Field::at(link.mark, 0.0);
    let mut alert = Alert {
        name: Field::at(link.mark, NAME.to_owned()),
        ..Alert::default()
    };
    if let Some(mut keys) = config {
        let written = keys.parsed::<f64>("threshold", "a number", "write a ratio such as 0.05");
        if !written.is_absent() {
            threshold = written;
        }
        let name = keys.text("alert_name");
        if name.value().is_some_and(|name| !name.is_empty()) {
            alert.name = name;
        }
        alert.labels = Field::at(link.mark, keys.texts("alert_labels", "label"));
        alert.annotations = Field::at(link.mark, keys.texts("annotations", "annotation"));
        ignored(&mut keys, "for", "a notice of the budget does not wait");
        ignored(
            &mut keys,
            "selector_labels",
            "every instance has its own budget",
        );
        keys.finish();
    }
    let mark = threshold.mark_or(link.mark);
    let left = *threshold.value()?;
    if !(0.0..1.0).contains(&left) {
        let message = "the threshold is not a part of the budget";
        report.error(mark, message, "write the ratio that is left, such as 0.05");
        return None;
    }
    let consumed = ((1.0 - left) * 1e9).round() / 1e9;
    let message = format!(
        "the alert becomes an info notice when {}% of the budget are consumed, instead of the \
         usual notices",
        consumed * 100.0
    );
    translation.note(
        link.mark,
        message,
        "remove the plugin to have the usual notices",
    );
    Some(Notice {
        mark,
        consumed,
        alert,
    })
}

fn ignored(keys: &mut Keys<'_, '_>, key: &str, why: &str) {
    if let Some((key, _)) = keys.entry(key) {
        let message = format!("{} has no effect: {why}", key.text);
        keys.report.lint(
            Lint::IgnoredKey,
            key.mark,
            message,
            "remove it once Sloth is gone",
        );
    }
}

/// Several notices are steps of one, which bears what the one of the most consumed budget bears.
fn join(mut notices: Vec<Notice>, effects: &mut Effects) {
    let Some(mark) = notices.first().map(|notice| notice.mark) else {
        return;
    };
    notices.sort_by(|one, other| one.consumed.total_cmp(&other.consumed));
    notices.dedup_by(|one, other| one.consumed.total_cmp(&other.consumed).is_eq());
    let steps = notices.iter();
    let thresholds = steps.map(|notice| Field::at(notice.mark, Fraction(notice.consumed)));
    let budget = Budget {
        thresholds: Field::at(mark, thresholds.collect()),
        exhaustion_within: Field::at(mark, DurationOrNever(None)),
    };
    effects.budget = Field::at(mark, budget);
    let last = notices.pop();
    effects.info = last.map_or_else(Field::default, |notice| Field::at(mark, notice.alert));
}
