//! Which variants of definitions are played.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use glob::Pattern;

use crate::cli::{Failure, complain};
use crate::config::nearest::nearest;
use crate::config::{self, Change, Definition, Diagnostic, Level, Varied};
use crate::engine::{Objective, Policy, Slo, SloId};
use crate::replay::report::{PlannedVariant, Remark};

/// Most variants that are played: more cannot be compared side by side.
const VARIANTS_MAX: usize = 9;
/// What the first variant is called.
const AS_DEFINED: &str = "as defined";

/// What was asked for.
pub(super) struct Wishes<'a> {
    /// Patterns of SLOs; none is all.
    pub(super) slos: &'a [String],
    /// Names or files.
    pub(super) policies: &'a [String],
    /// In percent.
    pub(super) objectives: &'a [f64],
}

impl Wishes<'_> {
    /// The definitions as they are, and then one variant for each policy and objective; what was
    /// wrong with the wishes has been reported.
    pub(super) fn variants(
        &self,
        definitions: &[Definition],
        policies: &[PathBuf],
    ) -> Result<Vec<PlannedVariant>, Failure> {
        let patterns = self.patterns(definitions)?;
        let selected = |slo: &Slo| {
            patterns.is_empty()
                || patterns
                    .iter()
                    .any(|pattern| pattern.matches(slo.id.as_str()))
        };
        let changes = self.changes(policies)?;
        if changes.len() > VARIANTS_MAX {
            let count = changes.len();
            complain(&format!(
                "these are {count} variants: compare at most {VARIANTS_MAX} at a time"
            ));
            return Err(Failure::Usage);
        }
        let variants = changes.iter().map(|change| {
            let varied = change.apply(definitions, &selected);
            planned(change, varied)
        });
        Ok(variants.collect())
    }

    fn patterns(&self, definitions: &[Definition]) -> Result<Vec<Pattern>, Failure> {
        let mut patterns = Vec::new();
        for text in self.slos {
            let pattern = Pattern::new(text).map_err(|error| {
                complain(&format!("--slo {text:?} is no pattern: {error}"));
                Failure::Usage
            })?;
            let ids = definitions
                .iter()
                .map(|definition| definition.slo.id.as_str());
            if !ids.clone().any(|id| pattern.matches(id)) {
                let hint = match nearest(text, ids) {
                    Some(near) => format!("did you mean {near}?"),
                    None => "write service/name, or a pattern such as 'shop/*'".to_owned(),
                };
                complain(&format!("no SLO is called {text}: {hint}"));
                return Err(Failure::Usage);
            }
            patterns.push(pattern);
        }
        Ok(patterns)
    }

    fn changes(&self, policies: &[PathBuf]) -> Result<Vec<Change>, Failure> {
        let mut objectives = vec![None];
        if !self.objectives.is_empty() {
            objectives.clear();
        }
        for percent in self.objectives {
            // Nobody promises so little; a share is meant.
            if (0.0..1.0).contains(percent) {
                let meant = (percent * 1e9).round() / 1e7;
                complain(&format!(
                    "--objective {percent}: percent are read: write {meant}"
                ));
                return Err(Failure::Usage);
            }
            let objective = Objective::from_percent(*percent).map_err(|error| {
                complain(&format!("--objective {percent}: {error}"));
                Failure::Usage
            })?;
            objectives.push(Some(objective));
        }
        let mut chosen = self.chosen(policies)?;
        if chosen.is_empty() {
            chosen.push(None);
        }
        let mut changes = vec![Change::default()];
        for policy in &chosen {
            for objective in &objectives {
                if policy.is_some() || objective.is_some() {
                    changes.push(Change {
                        policy: policy.clone(),
                        objective: *objective,
                    });
                }
            }
        }
        Ok(changes)
    }

    /// The policies that were asked for.
    fn chosen(&self, paths: &[PathBuf]) -> Result<Vec<Option<Arc<Policy>>>, Failure> {
        let mut chosen = Vec::new();
        for wish in self.policies {
            if is_file(wish) {
                let own = load(&[PathBuf::from(wish)])?.into_iter();
                let own: Vec<_> = own.filter(|p| p.name != Policy::DEFAULT_NAME).collect();
                if own.is_empty() {
                    complain(&format!(
                        "{wish} holds no policy: add a document of kind: Policy"
                    ));
                    return Err(Failure::Problems);
                }
                chosen.extend(own.into_iter().map(Some));
                continue;
            }
            let known = load(paths)?;
            let Some(policy) = known.iter().find(|policy| policy.name == *wish) else {
                let names = known.iter().map(|policy| policy.name.as_str());
                let hint = match nearest(wish, names.clone()) {
                    Some(near) => format!("did you mean {near}?"),
                    None => {
                        let names: Vec<&str> = names.collect();
                        format!("there are {}; or name a file", names.join(", "))
                    }
                };
                complain(&format!("no policy is called {wish}: {hint}"));
                return Err(Failure::Usage);
            };
            chosen.push(Some(policy.clone()));
        }
        Ok(chosen)
    }
}

/// Whether a wish names a file rather than a policy.
fn is_file(wish: &str) -> bool {
    let has_end = [".yaml", ".yml"].iter().any(|end| wish.ends_with(end));
    has_end || wish.contains('/') || Path::new(wish).is_file()
}

fn load(paths: &[PathBuf]) -> Result<Vec<Arc<Policy>>, Failure> {
    config::load_policies(paths).map_err(|mistakes| {
        complain(&format!("the policies have mistakes\n{mistakes}"));
        Failure::Problems
    })
}

fn planned(change: &Change, varied: Varied) -> PlannedVariant {
    let policy = change.policy.as_ref().map(|policy| policy.name.clone());
    let objective_percent = change.objective.map(Objective::percent);
    let words: Vec<String> = [
        policy.as_ref().map(|name| format!("policy {name}")),
        objective_percent.map(|percent| format!("objective {percent}")),
    ]
    .into_iter()
    .flatten()
    .collect();
    PlannedVariant {
        name: match words.is_empty() {
            true => AS_DEFINED.to_owned(),
            false => words.join(", "),
        },
        policy,
        objective_percent,
        remarks: varied.found.into_iter().map(remark).collect(),
        slos: varied.slos,
        hidden: varied.hidden,
    }
}

fn remark((slo, found): (SloId, Diagnostic)) -> Remark {
    Remark {
        slo: slo.to_string(),
        rule: found.rule.name().to_owned(),
        refused: found.severity == Level::Error,
        message: found.message,
        fix: found.fix,
    }
}
