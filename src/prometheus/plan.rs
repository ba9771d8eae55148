//! From SLOs to the fewest queries that bring their samples. Pure.
//!
//! Asking for a metric once costs Prometheus a third of asking per SLO, and both sides of a ratio
//! come from the same scrape. So exact-path SLOs that share a metric form one [`Feed`], and the
//! selectors of a feed are merged: what another selector includes is dropped, what differs only in
//! the values of `=` matchers is joined with `=~"a|b"`. A merged selector may select more series
//! than asked for, never fewer; the engine matches labels itself.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use crate::engine::labels::METRIC_NAME;
use crate::engine::{Indicator, MatchOp, Matcher, Pattern, Selector, Slo, SloId, Span};

/// Longest text of a merged selector, in bytes: with its range it stays below 16 KiB, which every
/// server and proxy accepts. A longer selector of a definition is sent as it is.
const SELECTOR_BYTES_MAX: usize = 16_000;
/// Most values joined in one merged selector.
const ALTERNATIVES_MAX: usize = 400;

/// SLOs that are fed by the same answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Feed {
    /// Identifies the feed as long as its SLOs share the same metrics: path and smallest metric
    /// name for the exact path, path and SLO otherwise.
    pub key: String,
    /// Who is fed, sorted.
    pub slos: Vec<SloId>,
    /// What to poll; empty for SLOs that are asked per window or slice, and for composites, which
    /// ask for nothing.
    pub polls: Vec<PollSelector>,
}

/// A selector whose raw samples are polled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PollSelector(Selector);

impl PollSelector {
    /// The query for the samples of the last `range`.
    pub fn query(&self, range: Span) -> String {
        format!("{}[{range}]", self.0)
    }

    /// The series that are polled.
    pub fn selector(&self) -> &Selector {
        &self.0
    }
}

impl fmt::Display for PollSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Groups SLOs into feeds, sorted by key. The order of the SLOs does not matter.
pub fn feeds(slos: &[Arc<Slo>]) -> Vec<Feed> {
    let mut components = Components::default();
    let mut feeds = Vec::new();
    for slo in slos {
        match &slo.indicator {
            Indicator::Counters { bad, total } => {
                let selectors = bad.iter().chain(total).map(|term| &term.selector);
                components.insert(&slo.id, selectors);
            }
            Indicator::Windows(_) | Indicator::Slices { .. } | Indicator::Composite(_) => feeds
                .push(Feed {
                    key: format!("{}:{}", slo.indicator.path(), slo.id),
                    slos: vec![slo.id.clone()],
                    polls: Vec::new(),
                }),
        }
    }
    feeds.extend(components.feeds());
    feeds.sort_by(|a, b| a.key.cmp(&b.key));
    feeds
}

/// Exact-path SLOs, connected by the metrics they read.
#[derive(Default)]
struct Components<'a> {
    /// Selectors by metric, or by the text of the name matchers without a fixed name.
    metrics: BTreeMap<String, Vec<&'a Selector>>,
    /// The metrics of each SLO.
    readers: BTreeMap<&'a SloId, BTreeSet<String>>,
}

impl<'a> Components<'a> {
    fn insert(&mut self, slo: &'a SloId, selectors: impl Iterator<Item = &'a Selector>) {
        for selector in selectors {
            let metric = metric_key(selector);
            self.readers.entry(slo).or_default().insert(metric.clone());
            self.metrics.entry(metric).or_default().push(selector);
        }
    }

    fn feeds(mut self) -> Vec<Feed> {
        self.connect_patterns();
        let mut unions = Unions::default();
        for metrics in self.readers.values() {
            let mut metrics = metrics.iter();
            if let Some(first) = metrics.next() {
                unions.join(first, first);
                metrics.for_each(|other| unions.join(first, other));
            }
        }
        let mut slos: BTreeMap<String, Vec<SloId>> = BTreeMap::new();
        for (slo, metrics) in &self.readers {
            if let Some(metric) = metrics.first() {
                let feed = slos.entry(unions.smallest(metric)).or_default();
                feed.push((*slo).clone());
            }
        }
        let mut selectors: BTreeMap<String, Vec<&Selector>> = BTreeMap::new();
        for (metric, more) in self.metrics {
            selectors
                .entry(unions.smallest(&metric))
                .or_default()
                .extend(more);
        }
        let feed = |(smallest, slos): (String, Vec<SloId>)| Feed {
            key: format!("exact:{smallest}"),
            slos,
            polls: merge(selectors.remove(&smallest).unwrap_or_default()),
        };
        slos.into_iter().map(feed).collect()
    }

    /// A selector with a pattern for a name reads every known metric that fits.
    fn connect_patterns(&mut self) {
        let patterns: Vec<(String, &Selector)> = self
            .metrics
            .iter()
            .flat_map(|(key, selectors)| selectors.iter().map(|s| (key.clone(), *s)))
            .filter(|(_, selector)| selector.metric().is_none())
            .collect();
        for (key, pattern) in patterns {
            let fits: Vec<String> = self
                .metrics
                .values()
                .filter_map(|selectors| selectors.first()?.metric())
                .filter(|name| name_matchers(pattern).all(|m| m.op.matches(name)))
                .map(str::to_owned)
                .collect();
            for metrics in self.readers.values_mut().filter(|m| m.contains(&key)) {
                metrics.extend(fits.iter().cloned());
            }
        }
    }
}

fn name_matchers(selector: &Selector) -> impl Iterator<Item = &Matcher> {
    selector.matchers().iter().filter(|m| m.name == METRIC_NAME)
}

fn metric_key(selector: &Selector) -> String {
    match selector.metric() {
        Some(name) => name.to_owned(),
        None => Selector::new(name_matchers(selector).cloned().collect()).to_string(),
    }
}

/// Sets of metrics that are polled together; each knows its smallest name.
#[derive(Default)]
struct Unions {
    parents: BTreeMap<String, String>,
}

impl Unions {
    fn smallest(&self, metric: &str) -> String {
        let mut metric = metric;
        while let Some(parent) = self.parents.get(metric).filter(|parent| *parent != metric) {
            metric = parent;
        }
        metric.to_owned()
    }

    fn join(&mut self, one: &str, two: &str) {
        let (one, two) = (self.smallest(one), self.smallest(two));
        let (small, large) = if one <= two { (one, two) } else { (two, one) };
        self.parents.insert(large, small);
    }
}

/// Few selectors that select at least what these do.
fn merge(mut selectors: Vec<&Selector>) -> Vec<PollSelector> {
    selectors.sort_by_cached_key(|s| (s.matchers().len(), s.to_string()));
    selectors.dedup();
    let mut groups: BTreeMap<Mold<'_>, Vec<&Selector>> = BTreeMap::new();
    for selector in widest(selectors) {
        groups.entry(mold(selector)).or_default().push(selector);
    }
    let merged = groups
        .into_iter()
        .flat_map(|(mold, group)| join(&mold.0, &group));
    merged.map(PollSelector).collect()
}

/// Drops the selectors that another one includes.
fn widest(selectors: Vec<&Selector>) -> Vec<&Selector> {
    // A wide selector with some `a="1"` includes only what has `a="1"` as well. Filed under one
    // such pair, it is compared with few others: definitions may come in tens of thousands.
    let mut files: BTreeMap<Option<(&str, &str)>, Vec<&Selector>> = BTreeMap::new();
    let mut kept = Vec::new();
    for selector in selectors {
        let pairs = || equalities(selector).map(Some).chain([None]);
        let mut wider = pairs().filter_map(|pair| files.get(&pair)).flatten();
        if !wider.any(|wide| includes(wide, selector)) {
            let last = equalities(selector).last();
            files.entry(last).or_default().push(selector);
            kept.push(selector);
        }
    }
    kept
}

/// The labels and values under `=`.
fn equalities(selector: &Selector) -> impl Iterator<Item = (&str, &str)> {
    selector
        .matchers()
        .iter()
        .filter_map(|matcher| match &matcher.op {
            MatchOp::Equal(value) => Some((matcher.name.as_str(), value.as_str())),
            _ => None,
        })
}

/// Whether every series that `narrow` selects is surely selected by `wide`.
fn includes(wide: &Selector, narrow: &Selector) -> bool {
    wide.matchers().iter().all(|matcher| {
        let fixed = narrow.equality(&matcher.name);
        fixed.is_some_and(|value| matcher.op.matches(value)) || narrow.matchers().contains(matcher)
    })
}

/// What selectors must share to be joined: the labels under `=`, and all other matchers.
type Mold<'a> = (Vec<&'a str>, Vec<(&'a str, &'static str, &'a str)>);

fn mold(selector: &Selector) -> Mold<'_> {
    let mut equal = Vec::new();
    let mut others = Vec::new();
    for matcher in selector.matchers() {
        let (op, text) = matcher.op.parts();
        match &matcher.op {
            MatchOp::Equal(_) if matcher.name != METRIC_NAME => equal.push(matcher.name.as_str()),
            _ => others.push((matcher.name.as_str(), op, text)),
        }
    }
    (equal, others)
}

/// Joins selectors of one mold, as many per selector as the bounds allow.
fn join(labels: &[&str], group: &[&Selector]) -> Vec<Selector> {
    let mut joined = Vec::new();
    let mut batch = Batch::default();
    for selector in group {
        if !batch.add(labels, selector) {
            joined.extend(std::mem::take(&mut batch).close());
            batch.add(labels, selector);
        }
    }
    joined.extend(batch.close());
    joined
}

/// Selectors of one mold that fit into one text.
#[derive(Default)]
struct Batch<'a> {
    selectors: Vec<&'a Selector>,
    values: BTreeMap<&'a str, BTreeSet<&'a str>>,
    alternatives: usize,
    bytes: usize,
}

impl<'a> Batch<'a> {
    /// Takes the selector, unless that would exceed a bound; the first one always fits.
    fn add(&mut self, labels: &[&'a str], selector: &'a Selector) -> bool {
        let new = |label: &&'a str| {
            let value = selector.equality(label)?;
            let known = self
                .values
                .get(label)
                .is_some_and(|set| set.contains(value));
            (!known).then_some((*label, value))
        };
        let new: Vec<(&str, &str)> = labels.iter().filter_map(new).collect();
        // Each escaped character may be escaped once more as part of a string literal.
        let text = |(_, value): &(&str, &str)| 2 * regex::escape(value).len() + 1;
        let mut bytes = self.bytes + new.iter().map(text).sum::<usize>();
        let alternatives = self.alternatives + new.len();
        if self.selectors.is_empty() {
            bytes += selector.to_string().len();
        } else if alternatives > ALTERNATIVES_MAX || bytes > SELECTOR_BYTES_MAX {
            return false;
        }
        for (label, value) in new {
            self.values.entry(label).or_default().insert(value);
        }
        (self.alternatives, self.bytes) = (alternatives, bytes);
        self.selectors.push(selector);
        true
    }

    /// One selector for all of them, or all of them when their pattern is too large to compile.
    fn close(self) -> Vec<Selector> {
        let Some(first) = self.selectors.first() else {
            return Vec::new();
        };
        let merge = |matcher: &Matcher| match self.values.get(matcher.name.as_str()) {
            Some(set) if set.len() > 1 && matches!(matcher.op, MatchOp::Equal(_)) => {
                let escaped: Vec<String> = set.iter().map(|value| regex::escape(value)).collect();
                let pattern = Pattern::new(&escaped.join("|")).ok()?;
                let (name, op) = (matcher.name.clone(), MatchOp::Regex(pattern));
                Some(Matcher { name, op })
            }
            _ => Some(matcher.clone()),
        };
        let matchers: Option<Vec<Matcher>> = first.matchers().iter().map(merge).collect();
        match matchers {
            Some(matchers) => vec![Selector::new(matchers)],
            None => self.selectors.into_iter().cloned().collect(),
        }
    }
}
