//! Alert policies as tiers.
//!
//! A condition has one window: burning at `threshold` over `lookbackWindow` is a tier whose two
//! windows are that one, after `alertAfter`. It fires as the condition says, from the first bad
//! event on, and a page does not keep a ticket quiet, for each policy has notification targets of
//! its own. These are names: the tier's alerts bear them as a label, and routes decide.
//!
//! An SLO without policies is alerted on by the built-in one. The format would alert nobody; but who
//! loads a file into an alerting daemon wants to be told, and a budget that nobody watches is the
//! worse surprise. A note says so.

use crate::config::field::{Field, ValueOr};
use crate::config::formats;
use crate::config::raw::definition::{SloPolicy, Tier};
use crate::config::tree::Mark;
use crate::engine::Span;

use super::condition;
use super::entry::{Entry, Notes};
use super::objects::{Kind, Objects};

/// When to tell whom.
#[derive(Default)]
pub(super) struct Alerting {
    pub(super) policy: Field<ValueOr<SloPolicy>>,
    /// The notification targets of all policies.
    pub(super) targets: Field<String>,
}

/// What the policies of one SLO come to.
struct Found {
    tiers: Vec<Field<Tier>>,
    targets: Vec<String>,
    no_data: bool,
    /// Whether a policy could not be read.
    broken: bool,
}

/// `period` is the usual length of the budget's period, if that could be read.
pub(super) fn of_spec(
    spec: Entry<'_>,
    period: Option<Span>,
    objects: &Objects<'_>,
    notes: &Notes,
) -> Alerting {
    let policies = spec.items("alertPolicies");
    let mark = spec.at("alertPolicies").unwrap_or(spec).mark();
    if policies.is_empty() {
        let message = "the SLO has no alertPolicies, so the built-in policy alerts on it";
        let fix = "add alertPolicies:, or silence it by routes, if that is not meant";
        notes.add(mark, message, fix);
        return Alerting::default();
    }
    let mut found = Found {
        tiers: Vec::new(),
        targets: Vec::new(),
        no_data: false,
        broken: false,
    };
    for item in policies {
        let policy = resolved(item, "alertPolicyRef", Kind::AlertPolicy, objects);
        match policy {
            Some(policy) => found.add(policy, period, objects, notes),
            None => found.broken = true,
        }
    }
    let targets = match found.targets.is_empty() {
        true => Field::default(),
        false => Field::at(mark, found.targets.join(",")),
    };
    Alerting {
        policy: found.policy(mark, notes),
        targets,
    }
}

/// Follows the references of a policy, whether or not an SLO refers to it.
pub(super) fn check(policy: Entry<'_>, objects: &Objects<'_>) {
    let Some(spec) = policy.section("spec") else {
        return;
    };
    let _checked = targets(spec, objects);
    for item in spec.items("conditions") {
        let _checked = resolved(item, "conditionRef", Kind::AlertCondition, objects);
    }
}

impl Found {
    fn add(
        &mut self,
        policy: Entry<'_>,
        period: Option<Span>,
        objects: &Objects<'_>,
        notes: &Notes,
    ) {
        let flag = |key: &str| policy.read::<bool>(key);
        let breaching = flag("alertWhenBreaching");
        let (no_data, resolving) = (flag("alertWhenNoData"), flag("alertWhenResolved"));
        self.broken |= breaching.value().is_none() && !breaching.is_absent();
        self.no_data |= no_data.value() == Some(&true);
        let targets = targets(policy, objects);
        for target in &targets {
            if !self.targets.contains(target) {
                self.targets.push(target.clone());
            }
        }
        let unsaid = breaching.is_absent() && no_data.is_absent() && resolving.is_absent();
        let off = breaching.value() == Some(&false) || (breaching.is_absent() && !unsaid);
        if unsaid {
            let fix = "add alertWhenBreaching: true to say so";
            let message = "the policy names nothing to alert on, so it is breaching";
            notes.add(policy.mark(), message, fix);
        }
        let conditions = policy.items("conditions");
        if conditions.is_empty() {
            let fix = "add conditions: with a conditionRef: or an AlertCondition";
            policy.error("the alert policy has no condition", fix);
            self.broken = true;
        }
        if off {
            let fix = "write alertWhenBreaching: true if somebody should be told";
            let message =
                "the policy does not alert on breaching, so its conditions have no effect";
            notes.add(policy.mark(), message, fix);
            return;
        }
        if resolving.value() == Some(&false) {
            let message = "whoever is told of an alert is also told of its end";
            let fix = "leave out the end in the receiver if it is not wanted";
            notes.add(policy.mark(), message, fix);
        }
        for item in conditions {
            let condition = resolved(item, "conditionRef", Kind::AlertCondition, objects);
            let tier = condition.and_then(|spec| condition::tier(spec, &targets, period));
            self.broken |= tier.is_none();
            self.tiers.extend(tier);
        }
    }

    fn policy(self, mark: Mark, notes: &Notes) -> Field<ValueOr<SloPolicy>> {
        if self.broken {
            return Field::refused(mark);
        }
        let mut policy = SloPolicy {
            page_mutes_ticket: Field::at(mark, false),
            ..SloPolicy::default()
        };
        if self.tiers.is_empty() {
            policy.vary = Field::at(mark, formats::no_tiers(mark));
        } else {
            policy.tiers = Field::at(mark, self.tiers);
        }
        if !self.no_data && !policy.tiers.is_absent() {
            let message = "lack of data is alerted on, though no policy asks for it";
            let fix = "write alertWhenNoData: true to say so";
            notes.add(mark, message, fix);
        }
        if !self.no_data && policy.tiers.is_absent() {
            policy.blind = Field::at(mark, ValueOr::Value("false".to_owned()));
        }
        Field::at(mark, ValueOr::Section(policy))
    }
}

/// The `spec` of an object that is referred to or written in place.
fn resolved<'n>(
    item: Entry<'n>,
    reference: &'static str,
    kind: Kind,
    objects: &'n Objects<'n>,
) -> Option<Entry<'n>> {
    let object = match item.only(&[reference, "spec"]) {
        Some(("spec", _)) => item,
        Some((_, entry)) => objects.resolve(entry, kind)?,
        None => {
            let name = kind.as_str();
            let fix = format!("add {reference}: with the name of an {name}, or its spec:");
            item.error(format!("this is no {name}"), fix);
            return None;
        }
    };
    let spec = object.section("spec");
    if object.at("spec").is_none() {
        let message = format!("the {} has no spec", kind.as_str());
        object.error(message, "add spec:");
    }
    spec
}

/// The names of whom a policy notifies.
fn targets(policy: Entry<'_>, objects: &Objects<'_>) -> Vec<String> {
    let mut names = Vec::new();
    for item in policy.items("notificationTargets") {
        let name = match item.only(&["targetRef", "metadata"]) {
            Some(("targetRef", reference)) => {
                let _known = objects.resolve(reference, Kind::AlertNotificationTarget);
                reference.value::<String>()
            }
            Some((_, metadata)) => metadata.read::<String>("name"),
            None => {
                let fix = "add targetRef: with the name of an AlertNotificationTarget";
                item.error("this is no notification target", fix);
                Field::default()
            }
        };
        names.extend(name.value().filter(|name| !names.contains(*name)).cloned());
    }
    names
}
