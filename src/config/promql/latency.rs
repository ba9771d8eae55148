//! Latency thresholds on classic and on native histograms.

use promql_parser::parser::Expr;

use crate::engine::labels::METRIC_NAME;
use crate::engine::{Indicator, MatchOp, Matcher, QueryTemplate, Selector, Term, WindowQuery};

use super::exclude::remainder;
use super::selector::{bucket_bound, selector};
use super::text::Text;
use super::{Classified, Exclusion, Grouping, PromqlError, WHY_EXACT, direct, summed};

/// A latency threshold on a classic histogram: events slower than the threshold are bad.
///
/// `histogram` is a selector of the histogram, with or without `_bucket` or `_count`. The bound is
/// matched as Prometheus 2 stores it (`5`) and as Prometheus 3 does (`5.0`).
///
/// # Errors
///
/// When the text is not a bare selector with a literal name, or the threshold not a positive number.
pub fn latency(histogram: &str, threshold_seconds: f64) -> Result<Classified, PromqlError> {
    let (text, selector) = histogram_selector(histogram, threshold_seconds)?;
    let name = selector.metric().unwrap_or_default();
    let base = ["_bucket", "_count"]
        .iter()
        .find_map(|suffix| name.strip_suffix(suffix));
    let base = base.unwrap_or(name);
    let part = |suffix: &str, extra: Option<Matcher>| {
        let rest = selector.matchers().iter().filter(|m| m.name != METRIC_NAME);
        let name = Matcher {
            name: METRIC_NAME.to_owned(),
            op: MatchOp::Equal(format!("{base}{suffix}")),
        };
        Selector::new(rest.cloned().chain([name]).chain(extra).collect())
    };
    let all = Term {
        coefficient: 1.0,
        selector: part("_count", None),
    };
    let bound = bucket_bound(threshold_seconds).map_err(|error| text.error(error.to_string()))?;
    let fast = Term {
        coefficient: -1.0,
        selector: part("_bucket", Some(bound)),
    };
    Ok(Classified {
        indicator: Indicator::Counters {
            bad: vec![all.clone(), fast],
            total: vec![all],
        },
        why: WHY_EXACT.to_owned(),
        grouping: Grouping::Unstated,
    })
}

/// The matcher on `le` for a bucket's bound, in all the ways in which servers store it.
pub(in crate::config) fn bucket_matcher(bound: f64) -> Option<String> {
    let matcher = bucket_bound(bound).ok()?;
    let text = Selector::new(vec![matcher]).to_string();
    Some(text.trim_matches(['{', '}']).to_owned())
}

/// A latency threshold on a native histogram: events slower than the threshold are bad.
///
/// Prometheus counts them per window, by interpolation within the bucket that holds the threshold.
/// `histogram_fraction` of an empty histogram is NaN, which the comparison drops: no bad events.
/// All observations below the threshold are good, hence the infinite lower bound; with 0, half of a
/// zero bucket would be bad. `group_by` are the labels that the definition names.
///
/// # Errors
///
/// When the text is not a bare selector with a literal name, or the threshold not a positive number.
pub fn native_latency(
    histogram: &str,
    threshold_seconds: f64,
    group_by: &[String],
    exclude: &[Exclusion],
) -> Result<Classified, PromqlError> {
    let (text, selector) = histogram_selector(histogram, threshold_seconds)?;
    let rest = remainder(&selector, exclude).map_err(|reason| text.error(reason))?;
    if rest.is_empty() {
        return Err(text.error("everything is excluded"));
    }
    let increases: Vec<String> = rest
        .iter()
        .map(|selector| format!("increase({selector}[$window])"))
        .collect();
    let all = summed(group_by, &increases.join(" or "));
    let total = format!("histogram_count({all})");
    let bad = format!("{total} * (1 - histogram_fraction(-Inf, {threshold_seconds}, {all})) >= 0");
    let (Some(bad), Some(total)) = (QueryTemplate::new(&bad), QueryTemplate::new(&total)) else {
        return Err(text.error("the query has no place for the window"));
    };
    let query = WindowQuery::Events {
        bad,
        total,
        counted: true,
    };
    Ok(direct(
        query,
        "the samples of a native histogram are not counters",
    ))
}

/// The selector of a histogram, and its text for further mistakes.
fn histogram_selector(
    histogram: &str,
    threshold_seconds: f64,
) -> Result<(Text<'_>, Selector), PromqlError> {
    let text = Text::new("histogram", histogram)?;
    if !(threshold_seconds.is_finite() && threshold_seconds > 0.0) {
        let message = format!("the threshold {threshold_seconds}s is not a positive number");
        return Err(text.error(message));
    }
    let Expr::VectorSelector(parsed) = text.parse()? else {
        return Err(text.error(
            "a histogram is named by a bare selector such as request_duration_seconds{job=\"x\"}",
        ));
    };
    let selector = selector(&parsed).map_err(|reason| text.error(reason))?;
    if selector.metric().is_none() {
        return Err(text.error("a histogram needs a literal metric name"));
    }
    if selector.matchers().iter().any(|m| m.name == "le") {
        return Err(text.error("the bound comes from the threshold: remove the matcher on `le`"));
    }
    Ok((text, selector))
}
