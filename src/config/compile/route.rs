//! Who is told what: receivers by severity, the tree of [`super::route_tree`], and owners.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::diagnostic::excerpt;
use crate::config::field::{Field, Section};
use crate::config::raw::settings as raw;
use crate::config::settings::ReceiverSettings;
use crate::engine::{OwnerReceivers, Recipient, Routing, Severity, TimeInterval};

use super::receiver::{Compiled, Names};
use super::route_lint;
use super::route_tree::tree;

/// Owners with receivers.
const OWNERS_MAX: usize = 10_000;

/// What routes refer to.
pub(super) struct Context<'a> {
    pub(super) names: Names<'a>,
    /// `None` when one was refused.
    pub(super) intervals: Option<&'a BTreeMap<String, Vec<TimeInterval>>>,
    /// `None` when one was refused.
    pub(super) receivers: Option<&'a [Compiled]>,
    /// Whether owners have receivers.
    pub(super) owners: bool,
}

/// Everything about who is told, apart from what mutes.
pub(super) fn routing(
    section: &Section<'_>,
    raw: &raw::Settings,
    context: &Context<'_>,
) -> Option<Routing> {
    let owners = owners(section, &raw.owners, context);
    let kinds = [
        ("route", raw.route.is_absent()),
        ("routes", raw.routes.is_absent()),
    ];
    let mut routing = match section.one_of(kinds) {
        Some("route") => Routing {
            root: tree(&section.within(&raw.route, "route"), &raw.route, context)?,
            ..Routing::default()
        },
        Some(_) => Routing::by_severity(flat(section, &raw.routes, context)?),
        None => return None,
    };
    routing.owners = owners?;
    for receiver in context.receivers? {
        let recipient = receiver.recipient();
        routing.receivers.insert(recipient.name.clone(), recipient);
    }
    routing.ends_for_fallbacks = ends_for_fallbacks(context.receivers?);
    route_lint::unused(section, raw, &routing, context.receivers?);
    Some(routing)
}

/// Receivers that want no resolve but whose fallback, or that one's, does.
fn ends_for_fallbacks(receivers: &[Compiled]) -> BTreeSet<String> {
    let settings = || receivers.iter().map(|receiver| &receiver.settings);
    let fallback = |of: &ReceiverSettings| {
        let name = of.fallback.as_ref()?;
        settings().find(|receiver| receiver.name == *name)
    };
    let wants = |first: &ReceiverSettings| {
        // As many steps as there are receivers, for circles are a mistake of their own.
        let chain = std::iter::successors(fallback(first), |of| fallback(of));
        chain.take(receivers.len()).any(|of| of.send_resolved)
    };
    let silent = settings().filter(|receiver| !receiver.send_resolved && wants(receiver));
    silent.map(|receiver| receiver.name.clone()).collect()
}

/// Receivers by severity, at least one for each.
fn flat(
    section: &Section<'_>,
    field: &Field<raw::Routes>,
    context: &Context<'_>,
) -> Option<BTreeMap<Severity, Vec<Recipient>>> {
    let (section, raw) = (section.within(field, "routes"), field.value()?);
    let mut routes = BTreeMap::new();
    let mut default_used = false;
    for (severity, field) in [
        (Severity::Page, &raw.page),
        (Severity::Ticket, &raw.ticket),
        (Severity::Info, &raw.info),
    ] {
        if !field.is_absent() {
            let own = some(&section, field, &format!("severity {severity}"), context);
            routes.extend(own.map(|own| (severity, own)));
        } else if raw.default.is_absent() || raw.default.value().is_some_and(Vec::is_empty) {
            let message = format!("severity {severity} reaches nobody");
            let fix = format!("add {severity}: or default: with at least one receiver");
            section.report.error(section.mark, message, fix);
        } else {
            default_used = true;
        }
    }
    let default = context
        .names
        .known(&section, &section.or(&raw.default, Vec::new())?)?;
    if default_used {
        for severity in Severity::ALL {
            routes.entry(severity).or_insert_with(|| default.clone());
        }
    }
    let recipients = |names: Vec<String>| -> Option<Vec<Recipient>> {
        let receivers = context.receivers?;
        let find = |name: &String| receivers.iter().find(|one| one.settings.name == *name);
        Some(
            names
                .iter()
                .filter_map(find)
                .map(Compiled::recipient)
                .collect(),
        )
    };
    routes
        .into_iter()
        .map(|(severity, names)| Some((severity, recipients(names)?)))
        .collect()
}

/// The receivers of a list that is not empty.
fn some(
    section: &Section<'_>,
    field: &Field<Vec<Field<String>>>,
    who: &str,
    context: &Context<'_>,
) -> Option<Vec<String>> {
    let list = field.value()?;
    if list.is_empty() {
        let fix = "name a receiver, or remove the key so that the default is used";
        section.refuse(field, format!("{who} reaches nobody"), fix);
        return None;
    }
    context.names.known(section, list)
}

fn owners(
    section: &Section<'_>,
    field: &Field<BTreeMap<String, Field<raw::OwnerReceivers>>>,
    context: &Context<'_>,
) -> Option<BTreeMap<String, OwnerReceivers>> {
    if field.is_absent() {
        return Some(BTreeMap::new());
    }
    let written = field.value()?;
    if written.len() > OWNERS_MAX {
        let message = format!("there are {} owners", written.len());
        section.refuse(field, message, format!("write at most {OWNERS_MAX}"));
        return None;
    }
    let one = |(name, item): (&String, &Field<raw::OwnerReceivers>)| {
        let (section, raw) = (section.within(item, "the owner"), item.value()?);
        let mut owner = OwnerReceivers::default();
        let mut sound = true;
        for (severity, field) in [
            (None, &raw.default),
            (Some(Severity::Page), &raw.page),
            (Some(Severity::Ticket), &raw.ticket),
            (Some(Severity::Info), &raw.info),
        ] {
            if field.is_absent() {
                continue;
            }
            let who = format!("the owner {:?}", excerpt(name));
            match (some(&section, field, &who, context), severity) {
                (None, _) => sound = false,
                (Some(list), None) => owner.default = list,
                (Some(list), Some(severity)) => {
                    owner.by_severity.insert(severity, list);
                }
            }
        }
        if sound && owner == OwnerReceivers::default() {
            let message = format!("the owner {:?} has no receivers", excerpt(name));
            section.report.error(
                section.mark,
                message,
                "add default: or page: with receivers",
            );
            sound = false;
        }
        sound.then(|| (name.clone(), owner))
    };
    let compiled: Vec<Option<(String, OwnerReceivers)>> = written.iter().map(one).collect();
    compiled.into_iter().collect()
}
