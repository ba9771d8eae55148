//! Which SLOs are meant, and which play because of them.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use crate::config::Definition;
use crate::config::nearest::nearest;
use crate::config::trial::{Located, SloName, Test, TestFile};
use crate::engine::{Indicator, Slo, SloId};

use super::super::shown;
use super::Casting;

/// The SLOs that the tests of a file can mean without naming them: those of its first path, parts
/// that are written in place aside.
pub fn slos_under_test<'d>(file: &TestFile, definitions: &'d [Definition]) -> Vec<&'d Definition> {
    let first = file.definitions.first();
    let own = |definition: &&Definition| {
        let stands_in = Path::new(&*definition.place.file);
        first.is_some_and(|first| stands_in.starts_with(first))
    };
    let is_part = |definition: &&Definition| {
        let mut wholes = definitions.iter();
        wholes.any(|whole| {
            let prefix = format!("{}.", whole.slo.id);
            matches!(&whole.slo.indicator, Indicator::Composite(composite)
                if composite.parts.iter().any(|part| part.slo == definition.slo.id)
                    && definition.slo.id.as_str().starts_with(&prefix))
        })
    };
    let own = definitions.iter().filter(own);
    own.filter(|definition| !is_part(definition)).collect()
}

impl Casting<'_> {
    /// The SLO that the test is about.
    pub(super) fn subject(&mut self, test: &Test) -> Option<SloId> {
        if let Some(name) = &test.slo {
            return self.named(name);
        }
        let own = slos_under_test(self.stage.file, self.stage.definitions);
        if let [only] = own.as_slice() {
            return Some(only.slo.id.clone());
        }
        let names: Vec<&str> = own.iter().map(|own| own.slo.id.as_str()).collect();
        let (message, fix) = match names.as_slice() {
            [] => (
                "the first of the definitions defines no SLO".to_owned(),
                "name the file under test first, or add slo:".to_owned(),
            ),
            some => (
                format!("there are {} SLOs under test", some.len()),
                format!("add slo: with one of {}", some.join(", ")),
            ),
        };
        self.refuse(&test.place, message, fix);
        None
    }

    pub(super) fn meant(
        &mut self,
        name: Option<&Located<SloName>>,
        subject: Option<&SloId>,
    ) -> Option<SloId> {
        match name {
            Some(name) => self.named(name),
            None => subject.cloned(),
        }
    }

    /// An SLO by name: of the service it names, else the only one that is called so.
    pub(super) fn named(&mut self, name: &Located<SloName>) -> Option<SloId> {
        let all = self.stage.definitions;
        let fits = |definition: &&Definition| {
            let (slo, value) = (&definition.slo, &name.value);
            let service = value.service.as_ref();
            slo.name == value.name && service.is_none_or(|service| slo.service == *service)
        };
        let found: Vec<&Definition> = all.iter().filter(fits).collect();
        let written = shown(&name.value);
        let own = slos_under_test(self.stage.file, all);
        let nearer = |found: &&&Definition| own.iter().any(|own| own.slo.id == found.slo.id);
        let near: Vec<&&Definition> = found.iter().filter(nearer).collect();
        match (found.as_slice(), near.as_slice()) {
            ([only], _) => return Some(only.slo.id.clone()),
            (_, [only]) => return Some(only.slo.id.clone()),
            ([], _) => {
                let ids = all.iter().map(|definition| definition.slo.id.as_str());
                let names = all.iter().map(|definition| definition.slo.name.as_str());
                let known: Vec<&str> = match name.value.service {
                    Some(_) => ids.collect(),
                    None => names.collect(),
                };
                let fix = match nearest(&written, known.iter().copied()) {
                    Some(meant) => format!("did you mean {meant:?}?"),
                    None => "add the file that defines it to definitions:".to_owned(),
                };
                self.refuse(
                    &name.place,
                    format!("the SLO {written} is not defined"),
                    fix,
                );
            }
            _ => {
                let message = format!("there are several SLOs called {written}");
                self.refuse(&name.place, message, "write service/name");
            }
        }
        None
    }

    /// The SLOs that are named, and all that they are made of or depend on.
    pub(super) fn company(&self, named: BTreeSet<SloId>) -> Vec<Arc<Slo>> {
        let mut wanted = named.clone();
        let mut open: Vec<SloId> = named.into_iter().collect();
        while let Some(id) = open.pop() {
            let found = self.stage.definitions.iter().find(|one| one.slo.id == id);
            let Some(Definition { slo, .. }) = found else {
                continue;
            };
            let parts = match &slo.indicator {
                Indicator::Composite(composite) => composite.parts.as_slice(),
                _ => &[],
            };
            let parts = parts.iter().map(|part| &part.slo);
            for next in parts.chain(&slo.document.depends_on) {
                if wanted.insert(next.clone()) {
                    open.push(next.clone());
                }
            }
        }
        let all = self.stage.definitions.iter();
        let playing = all.filter(|definition| wanted.contains(&definition.slo.id));
        playing.map(|definition| definition.slo.clone()).collect()
    }
}
