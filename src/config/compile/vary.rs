//! Definitions as they would be with another policy or objective, and some of them alone.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Definition, fit};
use crate::config::diagnostic::{Diagnostic, Diagnostics, Level, Report};
use crate::config::field::{Field, Section};
use crate::config::lint::Lint;
use crate::config::tree::Mark;
use crate::engine::{BudgetPolicy, Indicator, Objective, Policy, Reach, Severity, Slo, SloId};

/// What is to be other than it is written.
#[derive(Clone, Debug, Default)]
pub struct Change {
    /// The policy of all SLOs; `None` leaves each its own.
    pub policy: Option<Arc<Policy>>,
    /// The objective of all SLOs; `None` leaves each its own.
    pub objective: Option<Objective>,
}

/// Definitions after a change.
#[derive(Clone, Debug, Default)]
pub struct Varied {
    /// Everything that is evaluated, in the order of the files.
    pub slos: Vec<Arc<Slo>>,
    /// Those among them that are there for composites only: they alert nobody.
    pub hidden: Vec<SloId>,
    /// What is wrong, or probably not meant, with an SLO after the change. One with an error is
    /// not evaluated.
    pub found: Vec<(SloId, Diagnostic)>,
}

impl Change {
    /// The selected definitions after the change, with everything that they are made of.
    ///
    /// What was wrong or remarkable before is not told again. An SLO that switches alerts off does
    /// so with every policy. What composites are made of is asked for as far back as they look.
    pub fn apply(&self, definitions: &[Definition], selected: &dyn Fn(&Slo) -> bool) -> Varied {
        let mut varied = Varied::default();
        let mut shown: BTreeMap<&SloId, Slo> = BTreeMap::new();
        for definition in definitions {
            let slo = &*definition.slo;
            if *slo.policy == Policy::silent() || !selected(slo) {
                continue;
            }
            let changed = self.changed(slo);
            let known: BTreeSet<Diagnostic> = misfits(definition, slo).iter().cloned().collect();
            let found = misfits(definition, &changed);
            let found: Vec<&Diagnostic> = found.iter().filter(|f| !known.contains(f)).collect();
            if found.iter().all(|one| one.severity != Level::Error) {
                shown.insert(&slo.id, changed);
            }
            let found = found.into_iter().cloned();
            varied.found.extend(found.map(|one| (slo.id.clone(), one)));
        }
        let reaches = reaches(shown.values());
        for Definition { slo, .. } in definitions {
            let asked = reaches.get(&slo.id);
            let mut one = match (shown.remove(&slo.id), asked) {
                (Some(changed), _) => changed,
                (None, Some(_)) => {
                    varied.hidden.push(slo.id.clone());
                    unheard(slo)
                }
                (None, None) => continue,
            };
            for reach in asked.into_iter().flatten() {
                one.reach = one.reach.join(reach);
            }
            varied.slos.push(Arc::new(one));
        }
        varied
    }

    fn changed(&self, slo: &Slo) -> Slo {
        let policy = match &self.policy {
            Some(policy) => Arc::new(without_alerts_of(&slo.policy, (**policy).clone())),
            None => slo.policy.clone(),
        };
        Slo {
            objective: self.objective.unwrap_or(slo.objective),
            reach: Reach::new(&policy, &slo.period),
            policy,
            ..slo.clone()
        }
    }
}

/// The policy without the tiers of severities that the other one has switched off.
fn without_alerts_of(own: &Policy, mut policy: Policy) -> Policy {
    let off: BTreeSet<Severity> = own.switched_off.iter().map(|tier| tier.severity).collect();
    if off.is_empty() {
        return policy;
    }
    let tiers = std::mem::take(&mut policy.tiers).into_iter();
    (policy.switched_off, policy.tiers) = tiers.partition(|tier| off.contains(&tier.severity));
    policy.blind.clone_from(&own.blind);
    if own.budget == BudgetPolicy::default() {
        policy.budget = BudgetPolicy::default();
    }
    policy
}

/// The same SLO, of which nobody hears.
fn unheard(slo: &Slo) -> Slo {
    let silent = Policy::silent();
    Slo {
        reach: Reach::new(&silent, &slo.period),
        policy: Arc::new(silent),
        ..slo.clone()
    }
}

/// What composites among these ask of their parts.
fn reaches<'s>(slos: impl Iterator<Item = &'s Slo>) -> BTreeMap<SloId, Vec<Reach>> {
    let mut reaches: BTreeMap<SloId, Vec<Reach>> = BTreeMap::new();
    for slo in slos {
        if let Indicator::Composite(composite) = &slo.indicator {
            for part in &composite.parts {
                let asked = reaches.entry(part.slo.clone()).or_default();
                asked.push(slo.reach.clone());
            }
        }
    }
    reaches
}

/// What does not go together in an SLO.
fn misfits(definition: &Definition, slo: &Slo) -> Vec<Diagnostic> {
    let found = RefCell::new(Diagnostics::default());
    let report = Report::new(definition.place.file.clone(), &found);
    let mark = Mark {
        line: definition.place.line,
        column: definition.place.column,
        ..report.start()
    };
    let section = Section::new(&report, mark, "the SLO");
    let (period, policy, nowhere) = (&slo.period, &*slo.policy, Field::<()>::default());
    fit::windows(&section, &nowhere, period, policy);
    fit::dead_tiers(&section, mark, slo.objective, period.nominal(), policy);
    fit::slow_tiers(&section, mark, period.nominal(), policy);
    fit::policy_counts(&section, &nowhere, policy, &slo.indicator);
    if let Some(sla) = slo.sla.filter(|sla| slo.objective < *sla) {
        let (objective, sla) = (slo.objective.percent(), sla.percent());
        let message = format!("the objective {objective} is weaker than the SLA {sla}");
        let fix = "promise more than the contract does, so that there is time to act";
        report.lint(Lint::WeakerThanSla, mark, message, fix);
    }
    found.into_inner().iter().cloned().collect()
}
