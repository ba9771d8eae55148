//! Wishes, as arguments.

use clap::Args;

use crate::cli::{Failure, complain};
use crate::engine::{Objective, Span};
use crate::replay::tune::{BURSTS_MAX, Burst, Wishes};

/// What the proposal is to come to.
#[derive(Debug, Args)]
#[command(next_help_heading = "Wishes")]
pub(super) struct WishArgs {
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

impl WishArgs {
    pub(super) fn wishes(&self) -> Result<Wishes, Failure> {
        if self.detect.len() > BURSTS_MAX {
            let count = self.detect.len();
            complain(&format!(
                "these are {count} bursts: wish for at most {BURSTS_MAX}"
            ));
            return Err(Failure::Usage);
        }
        Ok(Wishes {
            pages_per_week: self.pages_per_week,
            night_pages_per_week: self.night_pages_per_week,
            tickets_per_week: self.tickets_per_week,
            bursts: self.detect.clone(),
            objective_at_least: self.objective_at_least,
            objective_at_most: self.objective_at_most,
        })
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

/// `10% within 5m`
fn burst(text: &str) -> Result<Burst, String> {
    let example = || "write a share of requests and a time: \"10% within 5m\"".to_owned();
    let (ratio, within) = text.split_once("within").ok_or_else(example)?;
    let ratio = ratio.trim();
    let ratio = match ratio.strip_suffix('%') {
        Some(percent) => percent.trim().parse().map(|percent: f64| percent / 100.0),
        None => ratio.parse(),
    };
    let ratio = ratio
        .ok()
        .filter(|ratio: &f64| *ratio > 0.0 && *ratio <= 1.0);
    let within = Span::parse(within.trim()).map_err(|error| error.to_string())?;
    if within <= Span::ZERO || within > Span::from_days(1) {
        return Err("the time lies between 1s and 1d".to_owned());
    }
    Ok(Burst {
        error_ratio: ratio.ok_or_else(example)?,
        within,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bursts_are_a_share_and_a_time() {
        let expected = Burst {
            error_ratio: 0.1,
            within: Span::from_mins(5),
        };
        for text in ["10% within 5m", "0.1 within 5m", " 10 %  within  300s "] {
            assert_eq!(burst(text), Ok(expected), "{text}");
        }
        for text in [
            "10%",
            "within 5m",
            "0% within 5m",
            "101% within 5m",
            "10% within 2d",
        ] {
            assert!(burst(text).is_err(), "{text}");
        }
        for text in ["-1", "NaN", "inf", "two"] {
            assert!(rate(text).is_err(), "{text}");
        }
    }
}
