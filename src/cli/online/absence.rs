//! Why a selector matches nothing: no such metric, or one matcher too many.

use std::collections::BTreeSet;

use crate::config::lint::Lint;
use crate::config::nearest::nearest;
use crate::engine::labels::METRIC_NAME;
use crate::engine::{MatchOp, Matcher, Selector};
use crate::prometheus::SourceError;

use super::Case;

/// Values that are listed.
const SHOWN_MAX: usize = 12;
const BOUND: &str = "le";

impl Case {
    /// Reports a selector without series. One of bad events may only wait for the first of them.
    pub(super) async fn explain_absence(
        &mut self,
        selector: &Selector,
        may_be_absent: bool,
    ) -> Result<(), SourceError> {
        let (name, others): (Vec<_>, Vec<_>) = selector
            .matchers()
            .iter()
            .cloned()
            .partition(|matcher| matcher.name == METRIC_NAME);
        let now = self.asking.now;
        let metric = Selector::new(name);
        if metric.matchers().is_empty() || !self.asking.has_series(&metric, now).await? {
            return self.no_such_metric(selector).await;
        }
        for culprit in &others {
            let rest = others.iter().filter(|m| *m != culprit);
            let rest = Selector::new(rest.chain(metric.matchers()).cloned().collect());
            if self.asking.has_series(&rest, now).await? {
                let values = self.asking.values(&rest, &culprit.name).await?;
                self.accuse(selector, culprit, &values, may_be_absent);
                return Ok(());
            }
        }
        let message = format!("{selector} matches nothing, though the metric exists");
        let fix = "remove matchers one by one in the Prometheus UI until something matches";
        self.report(Lint::NoSeries, message, fix);
        Ok(())
    }

    async fn no_such_metric(&mut self, selector: &Selector) -> Result<(), SourceError> {
        let names = self.asking.metric_names().await?.iter();
        let near = selector
            .metric()
            .and_then(|name| nearest(name, names.map(String::as_str)));
        let fix = match near {
            Some(name) => format!("did you mean {name}?"),
            None => "correct the name, or let Prometheus scrape what exports it".to_owned(),
        };
        let message = format!("{selector} matches nothing: no series has this metric name");
        self.report(Lint::NoSeries, message, fix);
        Ok(())
    }

    /// Without `culprit` the selector would match series whose label has these values.
    fn accuse(
        &mut self,
        selector: &Selector,
        culprit: &Matcher,
        values: &BTreeSet<String>,
        may_be_absent: bool,
    ) {
        let label = &culprit.name;
        if label == BOUND {
            return self.accuse_bound(selector, culprit, values);
        }
        let (op, wanted) = culprit.op.parts();
        let because = format!("{selector} matches nothing because of {label}{op}{wanted:?}");
        if values.is_empty() {
            let message = format!("{because}: no series has the label {label:?}");
            self.report(Lint::NoSeries, message, "correct the name of the label");
            return;
        }
        let message = format!("{because}; the label has the values {}", listed(values));
        let near = match &culprit.op {
            MatchOp::Equal(value) => nearest(value, values.iter().map(String::as_str)),
            _ => None,
        };
        // 500 is near to 200, but nobody means the one by the other.
        let near = near.filter(|_| !wanted.chars().all(|c| c.is_ascii_digit()));
        match near {
            Some(value) => self.report(Lint::NoSeries, message, format!("did you mean {value:?}?")),
            None if may_be_absent => {
                let fix = "none, if the series appears with its first error: that error counts";
                self.report(Lint::LazySeries, message, fix);
            }
            None => self.report(Lint::NoSeries, message, "choose one of the values"),
        }
    }

    fn accuse_bound(&mut self, selector: &Selector, culprit: &Matcher, values: &BTreeSet<String>) {
        let (_, wanted) = culprit.op.parts();
        let number = |text: &str| text.parse().unwrap_or(f64::NAN);
        let wanted = number(wanted.split('|').next().unwrap_or_default());
        let mut bounds: Vec<&String> = values.iter().collect();
        bounds.sort_by(|a, b| number(a).total_cmp(&number(b)));
        let finite = || bounds.iter().filter(|bound| number(bound).is_finite());
        let below = finite().rev().find(|bound| number(bound) < wanted);
        let above = finite().find(|bound| number(bound) > wanted);
        let shown: Vec<&str> = bounds.iter().map(|bound| bound.as_str()).collect();
        let message = match shown.as_slice() {
            [] => format!("{selector} matches nothing: no series has the label \"le\""),
            some => format!(
                "{selector} matches nothing: the histogram has no such bound, only {}",
                some.join(", ")
            ),
        };
        let fix = match (below, above) {
            (Some(below), Some(above)) => {
                format!(
                    "choose the threshold {below}s or {above}s, or add the bound to the histogram"
                )
            }
            (Some(one), None) | (None, Some(one)) => {
                format!("choose the threshold {one}s, or add the bound to the histogram")
            }
            (None, None) => "name a histogram with buckets".to_owned(),
        };
        self.report(Lint::NoBucket, message, fix);
    }
}

/// `"200", "404" and 3 more`
fn listed(values: &BTreeSet<String>) -> String {
    let shown: Vec<String> = values
        .iter()
        .take(SHOWN_MAX)
        .map(|v| format!("{v:?}"))
        .collect();
    let shown = shown.join(", ");
    match values.len().saturating_sub(SHOWN_MAX) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
