//! How grave each rule is: its own level, unless the command line says otherwise.

use clap::Args;

use crate::config::lint::Lint;
use crate::config::nearest::suggestion;
use crate::config::{Diagnostics, Level};

/// What `--deny` means by all warnings.
const WARNINGS: &str = "warnings";

/// Levels of rules that differ from their own.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct Levels {
    /// Count a rule, or all warnings, as an error; repeatable, `--list-rules` names the rules
    #[arg(long, value_name = "RULE|warnings", value_parser = subject)]
    deny: Vec<Subject>,
    /// Count a rule as a warning; repeatable, and stronger than `--deny warnings`
    #[arg(long, value_name = "RULE", value_parser = adjustable)]
    warn: Vec<Lint>,
    /// Leave a rule out of the report; repeatable
    #[arg(long, value_name = "RULE", value_parser = adjustable)]
    allow: Vec<Lint>,
}

/// What an option speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Subject {
    Warnings,
    Rule(Lint),
}

fn subject(text: &str) -> Result<Subject, String> {
    if text == WARNINGS {
        return Ok(Subject::Warnings);
    }
    rule(text, &[WARNINGS]).map(Subject::Rule)
}

fn adjustable(text: &str) -> Result<Lint, String> {
    let rule = rule(text, &[])?;
    if rule.is_fixed() {
        let name = rule.name();
        return Err(format!(
            "{name} is always an error: nothing is loaded that breaks it"
        ));
    }
    Ok(rule)
}

fn rule(text: &str, others: &[&'static str]) -> Result<Lint, String> {
    let names = Lint::ALL.map(Lint::name);
    let known = names.into_iter().chain(others.iter().copied());
    Lint::named(text).ok_or_else(|| format!("no rule has this name: {}", suggestion(text, known)))
}

impl Levels {
    /// The rule that two options speak of, if there is one.
    pub(super) fn conflict(&self) -> Option<Lint> {
        let denied = self.deny.iter().filter_map(|subject| match subject {
            Subject::Rule(rule) => Some(rule),
            Subject::Warnings => None,
        });
        let denied: Vec<&Lint> = denied.collect();
        let twice = |rule: &&Lint| {
            let places = [
                denied.contains(rule),
                self.warn.contains(rule),
                self.allow.contains(rule),
            ];
            places.iter().filter(|named| **named).count() > 1
        };
        Lint::ALL.iter().find(twice).copied()
    }

    /// How grave it is to break a rule; `None` when that is not reported.
    pub(super) fn of(&self, rule: Lint, level: Level) -> Option<Level> {
        if self.allow.contains(&rule) {
            None
        } else if self.deny.contains(&Subject::Rule(rule)) {
            Some(Level::Error)
        } else if self.warn.contains(&rule) {
            Some(Level::Warning)
        } else if level == Level::Warning && self.deny.contains(&Subject::Warnings) {
            Some(Level::Error)
        } else {
            Some(level)
        }
    }

    /// What was found, as grave as was asked for.
    pub(super) fn apply(&self, found: Diagnostics) -> Diagnostics {
        found.relevel(|rule, level| self.of(rule, level))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_stronger_than_all_warnings() {
        let levels = Levels {
            deny: vec![Subject::Warnings, Subject::Rule(Lint::LazySeries)],
            warn: vec![Lint::NoOwner, Lint::NoSeries],
            allow: vec![Lint::NoRunbook],
        };
        let level = |rule: Lint| levels.of(rule, rule.level());
        assert_eq!(level(Lint::DeadTier), Some(Level::Error));
        assert_eq!(level(Lint::LazySeries), Some(Level::Error));
        assert_eq!(level(Lint::ChangedMeaning), Some(Level::Note));
        assert_eq!(level(Lint::NoOwner), Some(Level::Warning));
        assert_eq!(level(Lint::NoSeries), Some(Level::Warning));
        assert_eq!(level(Lint::NoRunbook), None);
        assert_eq!(levels.conflict(), None);
    }

    #[test]
    fn unknown_and_fixed_rules_are_refused() {
        assert_eq!(
            subject("dead-teir").unwrap_err(),
            "no rule has this name: did you mean \"dead-tier\"?"
        );
        assert_eq!(
            subject("warning").unwrap_err(),
            "no rule has this name: did you mean \"warnings\"?"
        );
        assert!(adjustable("warnings").is_err());
        assert_eq!(subject("invalid"), Ok(Subject::Rule(Lint::Invalid)));
        assert_eq!(
            adjustable("invalid").unwrap_err(),
            "invalid is always an error: nothing is loaded that breaks it"
        );
    }

    #[test]
    fn one_rule_has_one_level() {
        let levels = Levels {
            deny: vec![Subject::Rule(Lint::NoOwner)],
            warn: Vec::new(),
            allow: vec![Lint::NoOwner],
        };
        assert_eq!(levels.conflict(), Some(Lint::NoOwner));
    }
}
