//! What an SLO inherits: a key that it leaves out is that of the nearest `kind: Defaults`.
//!
//! Defaults hold for the other documents of their file. A file of nothing else holds them for its
//! directory and everything below; whatever is nearer wins.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::config::diagnostic::Report;
use crate::config::field::{Field, Section};
use crate::config::lint::Lint;
use crate::config::raw::definition::{
    Alert, Alerts, DefaultMetadata, DefaultSpec, DefaultsDocument, Texts,
};
use crate::config::tree::Mark;
use crate::engine::Period;

use super::{Policies, document, fit, period, slo};

/// One document of kind `Defaults`.
pub(in crate::config) struct Placed<'a> {
    pub(in crate::config) report: Report<'a>,
    pub(in crate::config) document: Field<DefaultsDocument>,
}

/// All documents of kind `Defaults`, by where they hold.
pub(super) struct AllDefaults<'f> {
    /// By number of the file.
    files: BTreeMap<u32, &'f DefaultsDocument>,
    directories: BTreeMap<PathBuf, &'f DefaultsDocument>,
}

impl<'f> AllDefaults<'f> {
    /// Sorts them by place. `mixed` are the numbers of the files that hold something else.
    pub(super) fn new(all: &'f [Placed<'_>], mixed: &BTreeSet<u32>) -> Self {
        let mut sorted = Self {
            files: BTreeMap::new(),
            directories: BTreeMap::new(),
        };
        let mut first = BTreeMap::new();
        for Placed { report, document } in all {
            let mark = document.mark_or(report.start());
            let (home, scope) = if mixed.contains(&report.file()) {
                (Err(report.file()), "file")
            } else {
                (Ok(directory(report)), "directory")
            };
            let place = report.place(mark);
            if let Some(first) = first.get(&home) {
                let message =
                    format!("this {scope} has two sets of defaults, the first at {first}");
                report.lint(Lint::Duplicate, mark, message, "make one of the two");
                continue;
            }
            first.insert(home.clone(), place);
            let Some(document) = document.value() else {
                continue;
            };
            match home {
                Ok(directory) => sorted.directories.insert(directory, document),
                Err(file) => sorted.files.insert(file, document),
            };
        }
        sorted
    }

    /// Those that hold for the documents of a file, nearest first.
    pub(super) fn of(&self, report: &Report<'_>) -> Inherited<'f> {
        let of_file = self.files.get(&report.file()).copied();
        if self.directories.is_empty() {
            return Inherited(of_file.into_iter().collect());
        }
        let directory = directory(report);
        let above = directory.ancestors();
        let above = above.filter_map(|directory| self.directories.get(directory).copied());
        Inherited(of_file.into_iter().chain(above).collect())
    }
}

/// The directory of a file; `.` within a path does not count.
fn directory(report: &Report<'_>) -> PathBuf {
    let file = report.place(report.start()).file;
    let path = Path::new(&*file).components().as_path();
    let path = path.strip_prefix(".").unwrap_or(path);
    path.parent().unwrap_or(Path::new("")).to_owned()
}

/// Reports mistakes even in defaults that nobody uses.
pub(super) fn check(raw: &DefaultsDocument, mark: Mark, report: &Report<'_>, policies: &Policies) {
    let root = Section::new(report, mark, "the defaults");
    let nothing = Inherited::default();
    if let Some(metadata) = raw.metadata.value() {
        let section = root.within(&raw.metadata, "metadata");
        document::labels(&section, &metadata.labels);
    }
    if let Some(spec) = raw.spec.value() {
        let section = root.within(&raw.spec, "spec");
        let period: Option<Period> = period::compile(&section, &spec.period);
        let policy = slo::policy(&section, &spec.policy, policies);
        document::alerting(&section, &spec.alerts, &nothing);
        if let (Some(period), Some(policy)) = (&period, &policy) {
            let both = !spec.period.is_absent() && !spec.policy.is_absent();
            if both {
                fit::windows(&section, &spec.period, period, policy);
            }
        }
    }
}

/// The defaults that hold for one SLO, nearest first.
#[derive(Clone, Default)]
pub(super) struct Inherited<'f>(pub(super) Vec<&'f DefaultsDocument>);

impl<'f> Inherited<'f> {
    /// A field of the metadata.
    pub(super) fn metadata<T>(
        &self,
        own: &'f Field<T>,
        of: impl Fn(&'f DefaultMetadata) -> &'f Field<T>,
    ) -> &'f Field<T> {
        first(own, self.all_metadata().map(of))
    }

    /// A field of the spec.
    pub(super) fn spec<T>(
        &self,
        own: &'f Field<T>,
        of: impl Fn(&'f DefaultSpec) -> &'f Field<T>,
    ) -> &'f Field<T> {
        first(own, self.all_specs().map(of))
    }

    /// Labels or annotations, merged key by key.
    pub(super) fn texts(
        &self,
        own: &'f Field<Texts>,
        of: impl Fn(&'f DefaultMetadata) -> &'f Field<Texts>,
    ) -> Field<Texts> {
        merged(own, self.all_metadata().map(of))
    }

    /// What the alerts of one severity bear, merged key by key.
    pub(super) fn alert(
        &self,
        own: &'f Field<Alerts>,
        of: impl Fn(&'f Alerts) -> &'f Field<Alert>,
    ) -> Alert {
        let all = std::iter::once(own).chain(self.all_specs().map(|spec| &spec.alerts));
        let all: Vec<&Alert> = all
            .filter_map(|alerts| of(alerts.value()?).value())
            .collect();
        let defaults = || all.iter().skip(1);
        match all.first() {
            None => Alert::default(),
            Some(nearest) => Alert {
                disabled: first(&nearest.disabled, defaults().map(|alert| &alert.disabled)).clone(),
                name: first(&nearest.name, defaults().map(|alert| &alert.name)).clone(),
                labels: merged(&nearest.labels, defaults().map(|alert| &alert.labels)),
                annotations: merged(
                    &nearest.annotations,
                    defaults().map(|alert| &alert.annotations),
                ),
            },
        }
    }

    fn all_metadata(&self) -> impl Iterator<Item = &'f DefaultMetadata> {
        self.0.iter().filter_map(|one| one.metadata.value())
    }

    fn all_specs(&self) -> impl Iterator<Item = &'f DefaultSpec> {
        self.0.iter().filter_map(|one| one.spec.value())
    }
}

/// The first that is written.
fn first<'f, T: 'f>(
    own: &'f Field<T>,
    mut defaults: impl Iterator<Item = &'f Field<T>>,
) -> &'f Field<T> {
    if own.is_absent() {
        defaults.find(|field| !field.is_absent()).unwrap_or(own)
    } else {
        own
    }
}

/// The keys of all, each with its first value. What was refused stays refused.
fn merged<'f>(
    own: &'f Field<Texts>,
    defaults: impl Iterator<Item = &'f Field<Texts>>,
) -> Field<Texts> {
    let mut all = own.clone();
    for field in defaults {
        if all.is_absent() {
            all = field.clone();
        } else if !field.is_absent() {
            all = all.map(|mut texts| {
                for (name, text) in field.value().into_iter().flatten() {
                    texts.entry(name.clone()).or_insert_with(|| text.clone());
                }
                texts
            });
        }
    }
    all
}
