//! Wishes, as arguments and from a file.

use std::path::PathBuf;

use clap::Args;

use crate::cli::{Failure, complain};
use crate::config::wishes::{WishList, burst};
use crate::engine::{Objective, Slo};
use crate::replay::tune::{BURSTS_MAX, Burst, Wishes};

/// What the proposal is to come to.
#[derive(Debug, Args)]
#[command(next_help_heading = "Wishes")]
pub(super) struct WishArgs {
    /// Read wishes from this YAML file, also such as are for some SLOs only; those given as options
    /// hold instead of the same ones in it
    #[arg(long, value_name = "FILE")]
    wishes: Option<PathBuf>,
    /// At most so many pages a week
    #[arg(long, value_name = "NUMBER", value_parser = rate)]
    pages_per_week: Option<f64>,
    /// At most so many pages a week at night, by `night` of the settings
    #[arg(long, value_name = "NUMBER", value_parser = rate)]
    night_pages_per_week: Option<f64>,
    /// At most so many tickets a week
    #[arg(long, value_name = "NUMBER", value_parser = rate)]
    tickets_per_week: Option<f64>,
    /// When so many requests fail, page within this time: "10% within 5m"; may be repeated
    #[arg(long, value_name = "BURST", value_parser = burst)]
    detect: Vec<Burst>,
    /// The weakest objective that may be proposed, in percent
    #[arg(long, value_name = "PERCENT", value_parser = objective)]
    objective_at_least: Option<Objective>,
    /// The strictest one
    #[arg(long, value_name = "PERCENT", value_parser = objective)]
    objective_at_most: Option<Objective>,
}

/// What is wished of which SLO.
pub(super) struct Wished {
    /// As options, for every SLO.
    options: Wishes,
    file: Option<WishList>,
}

impl WishArgs {
    /// Everything that is wished.
    ///
    /// # Errors
    ///
    /// Mistakes, which have been reported.
    pub(super) fn wished(&self) -> Result<Wished, Failure> {
        if self.detect.len() > BURSTS_MAX {
            let count = self.detect.len();
            complain(&format!(
                "these are {count} bursts: wish for at most {BURSTS_MAX}"
            ));
            return Err(Failure::Usage);
        }
        let file = self.wishes.as_deref().map(WishList::load).transpose();
        let file = file.map_err(|mistakes| {
            complain(&format!("the wishes have mistakes\n{mistakes}"));
            Failure::Usage
        })?;
        Ok(Wished {
            options: Wishes {
                pages_per_week: self.pages_per_week,
                night_pages_per_week: self.night_pages_per_week,
                tickets_per_week: self.tickets_per_week,
                bursts: self.detect.clone(),
                objective_at_least: self.objective_at_least,
                objective_at_most: self.objective_at_most,
            },
            file,
        })
    }
}

impl Wished {
    /// What is wished of one SLO.
    pub(super) fn of(&self, slo: &Slo) -> Wishes {
        let file = self.file.as_ref().map(|file| file.of(&slo.id));
        self.options.clone().or(&file.unwrap_or_default())
    }

    /// Says which items of the file are for none of these SLOs.
    pub(super) fn remark<'s>(&self, slos: impl Iterator<Item = &'s Slo>) {
        let ids: Vec<_> = slos.map(|slo| slo.id.clone()).collect();
        for pattern in self.file.iter().flat_map(|file| file.unused(&ids)) {
            complain(&format!("the wishes for {pattern} fit no SLO"));
        }
    }
}

fn rate(text: &str) -> Result<f64, String> {
    let rate = text.parse().ok();
    rate.filter(|rate: &f64| *rate >= 0.0 && rate.is_finite())
        .ok_or_else(|| "write a number such as 2 or 0.5".to_owned())
}

fn objective(text: &str) -> Result<Objective, String> {
    let percent: f64 = text
        .parse()
        .map_err(|_| "write percent of good events such as 99.9".to_owned())?;
    Objective::from_percent(percent).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_numbers() {
        assert_eq!(rate("0.5"), Ok(0.5));
        for text in ["-1", "NaN", "inf", "two"] {
            assert!(rate(text).is_err(), "{text}");
        }
    }
}
