//! Conditions under which a backtest fails, for pipelines: `pages>2/week`.

use std::fmt;

use crate::cli::{Failure, Outcome, complain};
use crate::replay::report::{Figures, Report};

/// One condition on the figures of the definitions as they are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Gate {
    figure: Figure,
    comparison: Comparison,
    limit: f64,
    rate: Rate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Figure {
    Pages,
    Tickets,
    Infos,
    Blinds,
    Flaps,
    NightPages,
    Budget,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Above,
    AtLeast,
    Below,
    AtMost,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rate {
    InAll,
    PerWeek,
    PerNight,
}

const FIGURES: [(&str, Figure); 7] = [
    ("pages", Figure::Pages),
    ("tickets", Figure::Tickets),
    ("infos", Figure::Infos),
    ("blinds", Figure::Blinds),
    ("flaps", Figure::Flaps),
    ("night-pages", Figure::NightPages),
    ("budget", Figure::Budget),
];

/// The longer ones first, for they begin with the shorter ones.
const COMPARISONS: [(&str, Comparison); 4] = [
    (">=", Comparison::AtLeast),
    ("<=", Comparison::AtMost),
    (">", Comparison::Above),
    ("<", Comparison::Below),
];

impl Gate {
    /// Reads a condition.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let compact: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        let example = || "write it like pages>2/week, night-pages>0 or budget<10".to_owned();
        let (at, sign, comparison) = COMPARISONS
            .iter()
            .find_map(|(sign, comparison)| Some((compact.find(sign)?, *sign, *comparison)))
            .ok_or_else(example)?;
        let (name, rest) = compact.split_at(at);
        let figure = FIGURES.iter().find(|(known, _)| *known == name);
        let Some((_, figure)) = figure.copied() else {
            let names: Vec<&str> = FIGURES.iter().map(|(name, _)| *name).collect();
            return Err(format!("{name:?} is none of {}", names.join(", ")));
        };
        let rest = rest.strip_prefix(sign).unwrap_or(rest);
        let (number, rate) = match rest.split_once('/') {
            None => (rest, Rate::InAll),
            Some((number, "week")) => (number, Rate::PerWeek),
            Some((number, "night")) => (number, Rate::PerNight),
            Some((_, other)) => return Err(format!("{other:?} is neither week nor night")),
        };
        let number = number.strip_suffix('%').unwrap_or(number);
        let limit: f64 = number.parse().map_err(|_| example())?;
        if !limit.is_finite() {
            return Err(example());
        }
        if figure == Figure::Budget && rate != Rate::InAll {
            return Err("a budget has no rate: write it like budget<10".to_owned());
        }
        Ok(Self {
            figure,
            comparison,
            limit,
            rate,
        })
    }

    /// What the report says, where it says anything; and of which SLO.
    fn value(&self, report: &Report) -> Option<(f64, String)> {
        if self.figure == Figure::Budget {
            return self.budget(report);
        }
        let total = &report.variants.first()?.total;
        let count = self.figure.count(total) as f64;
        let parts = match self.rate {
            Rate::InAll => 1.0,
            Rate::PerWeek => report.asked.weeks,
            Rate::PerNight => report.night.nights as f64,
        };
        let value = if parts > 0.0 { count / parts } else { 0.0 };
        Some((value, String::new()))
    }

    /// The budget that fails first.
    fn budget(&self, report: &Report) -> Option<(f64, String)> {
        let budgets = report.slos.iter().filter_map(|slo| {
            let instance = slo.variants.first()?.as_ref()?;
            Some((instance.budget.last? * 100.0, slo.id.clone()))
        });
        let is_low = matches!(self.comparison, Comparison::Below | Comparison::AtMost);
        budgets.min_by(|(a, _), (b, _)| match is_low {
            true => a.total_cmp(b),
            false => b.total_cmp(a),
        })
    }

    fn holds(&self, value: f64) -> bool {
        match self.comparison {
            Comparison::Above => value > self.limit,
            Comparison::AtLeast => value >= self.limit,
            Comparison::Below => value < self.limit,
            Comparison::AtMost => value <= self.limit,
        }
    }
}

impl Figure {
    const fn count(self, figures: &Figures) -> u64 {
        match self {
            Self::Pages => figures.pages,
            Self::Tickets => figures.tickets,
            Self::Infos => figures.infos,
            Self::Blinds => figures.blinds,
            Self::Flaps => figures.flaps,
            Self::NightPages => figures.pages_at_night,
            Self::Budget => 0,
        }
    }
}

/// As it is written.
impl fmt::Display for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut figures = FIGURES.iter().filter(|(_, figure)| *figure == self.figure);
        let mut signs = COMPARISONS.iter().filter(|(_, c)| *c == self.comparison);
        let name = figures.next().map_or("", |(name, _)| name);
        let sign = signs.next().map_or("", |(sign, _)| sign);
        let rate = match self.rate {
            Rate::InAll => "",
            Rate::PerWeek => "/week",
            Rate::PerNight => "/night",
        };
        write!(f, "{name}{sign}{}{rate}", self.limit)
    }
}

/// Fails if some condition holds, or cannot be judged, and says which.
pub(super) fn judge(gates: &[Gate], report: &Report) -> Outcome {
    let mut outcome = Ok(());
    for gate in gates {
        let Some((value, of)) = gate.value(report) else {
            complain(&format!(
                "--fail-on {gate} cannot be judged: no budget is known"
            ));
            outcome = outcome.and(Err(Failure::Failed));
            continue;
        };
        if !gate.holds(value) {
            continue;
        }
        let value = (value * 100.0).round() / 100.0;
        let of = if of.is_empty() {
            of
        } else {
            format!(", of {of}")
        };
        complain(&format!(
            "--fail-on {gate} holds: it would have been {value}{of}"
        ));
        outcome = Err(Failure::Problems);
    }
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_read_as_they_are_written() {
        for text in [
            "pages>2/week",
            "tickets>=5",
            "night-pages>0.5/night",
            "budget<10",
            "flaps<=3",
        ] {
            assert_eq!(Gate::parse(text).unwrap().to_string(), text);
        }
        let spaced = Gate::parse(" budget < 12.5 % ").unwrap();
        assert_eq!(spaced.to_string(), "budget<12.5");
    }

    #[test]
    fn what_is_no_condition_is_refused() {
        let refused = |text: &str| Gate::parse(text).unwrap_err();
        insta::assert_snapshot!(refused("pages"), @"write it like pages>2/week, night-pages>0 or budget<10");
        insta::assert_snapshot!(refused("pages>many"), @"write it like pages>2/week, night-pages>0 or budget<10");
        insta::assert_snapshot!(refused("pages>NaN"), @"write it like pages>2/week, night-pages>0 or budget<10");
        insta::assert_snapshot!(refused("wakes>1"), @r#""wakes" is none of pages, tickets, infos, blinds, flaps, night-pages, budget"#);
        insta::assert_snapshot!(refused("pages>1/month"), @r#""month" is neither week nor night"#);
        insta::assert_snapshot!(refused("budget<1/week"), @"a budget has no rate: write it like budget<10");
    }
}
