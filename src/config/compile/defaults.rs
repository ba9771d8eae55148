//! What an SLO inherits: a key that it leaves out is that of the nearest `kind: Defaults`.

use crate::config::field::Field;
use crate::config::raw::definition::{
    Alert, Alerts, DefaultMetadata, DefaultSpec, DefaultsDocument, Texts,
};

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
