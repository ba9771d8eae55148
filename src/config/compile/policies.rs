//! All policies by name: the built-in one and those of files.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::config::diagnostic::{Place, Report, excerpt};
use crate::config::field::{Field, Section};
use crate::config::formats::{Format, Translated, Translation};
use crate::config::lint::Lint;
use crate::config::nearest::{nearest, suggestion};
use crate::config::tree::Mark;
use crate::config::value::Name;
use crate::engine::Policy;

use super::policy;

/// What definitions may refer to; `None` for a policy that has mistakes of its own.
pub(super) struct Policies {
    by_name: BTreeMap<String, (Option<Place>, Option<Arc<Policy>>)>,
    /// Whether a policy may stand in a part that could not be read.
    lost: bool,
    /// Names that some SLO or default chose.
    used: RefCell<BTreeSet<String>>,
}

impl Policies {
    pub(super) fn compile(documents: &Translated<'_>, lost: bool) -> Self {
        let built_in = Arc::new(Policy::sre_workbook());
        let mut policies = Self {
            by_name: BTreeMap::from([(built_in.name.clone(), (None, Some(built_in)))]),
            lost,
            used: RefCell::default(),
        };
        for Translation {
            report, document, ..
        } in &documents.policies
        {
            let mark = document.mark_or(report.start());
            let compiled = document
                .value()
                .map(|raw| policy::compile(raw, mark, report));
            match compiled {
                Some((Some(name), policy)) => policies.add(name, policy, mark, report),
                _ => policies.lost = true,
            }
        }
        policies
    }

    /// Those without mistakes, by name.
    pub(super) fn into_list(self) -> Vec<Arc<Policy>> {
        let policies = self.by_name.into_values();
        policies.filter_map(|(_, policy)| policy).collect()
    }

    /// The policy of this name; a name that is not known is reported where it stands.
    pub(super) fn find<T>(
        &self,
        section: &Section<'_>,
        field: &Field<T>,
        name: &str,
    ) -> Option<Arc<Policy>> {
        // A search for a similar name looks at so many.
        const NAMES_MAX: usize = 100;
        if let Some((_, policy)) = self.by_name.get(name) {
            if !self.used.borrow().contains(name) {
                self.used.borrow_mut().insert(name.to_owned());
            }
            return policy.clone();
        }
        let known = self.by_name.keys().map(String::as_str).take(NAMES_MAX);
        // It may stand in what could not be read, unless it looks like a typing error.
        if !self.lost || nearest(name, known.clone()).is_some() {
            let message = format!("the policy {:?} is not defined", excerpt(name));
            let fix = suggestion(name, known);
            let mark = field.mark_or(section.mark);
            section
                .report
                .lint(Lint::UnknownReference, mark, message, fix);
        }
        None
    }

    /// Reports policies that nobody chose. One beside SLOs is meant for one of them; a file of
    /// policies alone is a library.
    pub(super) fn report_unused(&self, documents: &Translated<'_>) {
        if self.lost {
            return;
        }
        let used = self.used.borrow();
        let of_slos: BTreeSet<u32> = documents.slos.iter().map(|slo| slo.report.file()).collect();
        for Translation {
            report,
            document,
            format,
            ..
        } in &documents.policies
        {
            let metadata = document.value().and_then(|raw| raw.metadata.value());
            let Some(Name(name)) = metadata.and_then(|metadata| metadata.name.value()) else {
                continue;
            };
            let beside = *format == Format::Native && of_slos.contains(&report.file());
            if beside && name != Policy::DEFAULT_NAME && !used.contains(name) {
                let mark = document.mark_or(report.start());
                let message = format!("no SLO uses the policy {name:?}");
                let fix = format!("choose it with policy: {name}, or remove it");
                report.lint(Lint::UnusedPolicy, mark, message, fix);
            }
        }
    }

    fn add(&mut self, name: String, policy: Option<Policy>, mark: Mark, report: &Report<'_>) {
        match self.by_name.get(&name) {
            None => {
                let entry = (Some(report.place(mark)), policy.map(Arc::new));
                self.by_name.insert(name, entry);
            }
            Some((Some(first), _)) => {
                let message = format!("the policy {name:?} is defined twice, first at {first}");
                let fix = "rename or remove one of the two";
                report.lint(Lint::Duplicate, mark, message, fix);
            }
            Some((None, built_in)) => {
                let differs = policy.is_some_and(|policy| built_in.as_deref() != Some(&policy));
                if differs {
                    let message = format!("the policy {name:?} is built in and cannot be changed");
                    let fix = "give this policy another name and choose it with spec.policy";
                    report.error(mark, message, fix);
                }
            }
        }
    }
}
