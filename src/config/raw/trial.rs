//! `*.test.yaml`: tests of definitions, beside them.
//!
//! ```yaml
//! tests:
//!   - name: a total outage pages within two minutes
//!     traffic: 100rps, 100% errors from 10m for 5m
//!     expect:
//!       - {at: 10m, page: inactive}
//!       - {at: 12m, page: firing, tiers: [1h], burn: {5m: "> 14.4"}}
//!       - {from: 12m, to: 14m, page: always firing}
//!       - {at: 30m, page: inactive, budget_consumed: 0.1% .. 0.2%}
//!       - {fired: {page: 1}, message: {to: page, kind: resolve, contains: checkout}}
//! ```
//!
//! All times are lengths since the start of the test. What happens at a time is seen by the first
//! scrape after it, and decided in the slot after that.

use std::fmt;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::value::SeqAccessDeserializer;
use serde::de::{Deserializer, SeqAccess, Visitor};

use crate::config::field::{Field, ValueOr};
use crate::config::raw::definition::Texts;
use crate::config::value::{Duration, Instant, Name, SloRef};

/// One text, or several of something.
pub(crate) enum OneOrMany<T> {
    /// `key: text`
    One(String),
    /// `key: [..]`
    Many(Vec<Field<T>>),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Shapes<T>(std::marker::PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Shapes<T> {
            type Value = OneOrMany<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("one text, or a list")
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(OneOrMany::One(text.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Self::Value, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(items)).map(OneOrMany::Many)
            }
        }

        deserializer.deserialize_any(Shapes(std::marker::PhantomData))
    }
}

/// Tests of the definitions that stand beside this file.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct TestFile {
    /// Files, directories or patterns with what the tests need, seen from this file: the
    /// definitions under test first, then policies and the SLOs they refer to. Default: the file
    /// of the same name that ends in `.slo.yaml` (or `.slo.yml`, `.yaml`, `.yml`).
    pub(crate) definitions: Field<OneOrMany<String>>,
    /// The daemon's settings file, seen from this file, for its receivers and routes, its mutes and
    /// its evaluation; its definitions are not used. Without it a receiver `page` is told of pages, `ticket` of tickets and `info`
    /// of budgets.
    pub(crate) config: Field<String>,
    /// How often is looked.
    pub(crate) evaluation: Field<TestEvaluation>,
    /// When every test begins. Default 2026-03-02T00:00:00Z, a Monday.
    pub(crate) start: Field<Instant>,
    /// The SLO that is meant where a test names none. Default: the only one of the first file.
    pub(crate) slo: Field<SloRef>,
    /// Required. The tests.
    pub(crate) tests: Field<Vec<Field<Test>>>,
}

/// How often is looked.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct TestEvaluation {
    /// Time between two decisions. Default 30s, or what `config` says; 1s to 5m.
    pub(crate) interval: Field<Duration>,
    /// Time between two samples. Default 15s, or what `config` says; 1s to 5m.
    pub(crate) scrape_interval: Field<Duration>,
}

/// What happens, and what should come of it.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Test {
    /// Required. What it shows, in words; unique in the file.
    pub(crate) name: Field<String>,
    /// The SLO that is meant: `service/name`, or `name` alone where that is clear.
    pub(crate) slo: Field<SloRef>,
    /// When it begins: it matters for calendar periods, nights and maintenance.
    pub(crate) start: Field<Instant>,
    /// When it ends. Default: at the last time that is expected something of.
    pub(crate) until: Field<Duration>,
    /// What was before the start: `steady traffic` (default: what has no time of its own, and
    /// written series as they begin, as far back as windows and budget reach), `no traffic` (the
    /// series stand still) or `nothing` (there are no series yet).
    pub(crate) warm_up: Field<String>,
    /// Traffic in words, such as `100rps, 2% errors from 10m for 5m`; a list for several kinds of
    /// it or for several SLOs. See `Stream`.
    pub(crate) traffic: Field<OneOrMany<ValueOr<Stream>>>,
    /// Series sample by sample, and answers to queries.
    pub(crate) series: Field<Vec<Field<Series>>>,
    /// When the source does not answer: `down from 1h for 10m`, several with commas.
    pub(crate) source: Field<String>,
    /// What operators do.
    pub(crate) operators: Field<Vec<Field<Operator>>>,
    /// Required. What should come of it.
    pub(crate) expect: Field<Vec<Field<Expectation>>>,
}

/// Traffic in words, and what counts it. Without `good`, `bad`, `histogram` or `queries` the series
/// are invented from the definition's own selectors: then a wrong selector is not noticed.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Stream {
    /// Required. Clauses with commas between: a rate (`100rps`, `6/m`, `20/h`), `2% errors`,
    /// `3 errors at 1h`, `stops`, `gone` (the target is not scraped), `restart at 2h` (counters
    /// begin anew). A clause holds always, or `from 10m`, `from 10m for 5m`, `from 10m until 15m`;
    /// of two that overlap the later one holds.
    pub(crate) traffic: Field<String>,
    /// The SLO whose traffic it is; for parts of a composite. Default: the SLO of the test.
    pub(crate) slo: Field<SloRef>,
    /// Labels of the series that are invented, such as those that a grouped SLO is grouped by.
    pub(crate) labels: Field<Texts>,
    /// The series that count good events, such as `requests_total{code="200"}`.
    pub(crate) good: Field<OneOrMany<String>>,
    /// The series that count bad events.
    pub(crate) bad: Field<OneOrMany<String>>,
    /// The series that count all events.
    pub(crate) total: Field<OneOrMany<String>>,
    /// A classic histogram that sees all events, such as `request_duration_seconds{job="shop"}`.
    pub(crate) histogram: Field<String>,
    /// With `histogram`: the bounds of its buckets in seconds, without `+Inf`.
    pub(crate) buckets: Field<Vec<Field<f64>>>,
    /// With `histogram`: how long a good event takes.
    pub(crate) good_takes: Field<Duration>,
    /// With `histogram`: how long a bad event takes.
    pub(crate) bad_takes: Field<Duration>,
    /// The queries that this traffic answers: the test fails if the SLO asks anything else. For SLOs
    /// that are asked for whole windows or slices.
    pub(crate) queries: Field<OneOrMany<String>>,
}

/// One series, or one query's answers.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Series {
    /// Its labels, such as `requests_total{code="500"}`.
    pub(crate) series: Field<String>,
    /// Instead of `series`: the query that is answered, as the definition has it.
    pub(crate) query: Field<String>,
    /// With `query`: only for windows of this length. Default: for all.
    pub(crate) window: Field<Duration>,
    /// With `query`: labels of the answer. Default: none.
    pub(crate) labels: Field<Texts>,
    /// Required. Its values in promtool's notation, one for each scrape (of a time slice: for each
    /// slice) from the start on: `0+10x60 _x5 stale 5x10`.
    pub(crate) values: Field<String>,
}

/// What an operator does; exactly one of its keys but `at` and `labels`.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Operator {
    /// Required. When.
    pub(crate) at: Field<Duration>,
    /// Silences alerts.
    pub(crate) silence: Field<SilenceWanted>,
    /// Ends the silence of this name.
    pub(crate) expire: Field<Name>,
    /// Looks after the `page` or `ticket` of the SLO.
    pub(crate) acknowledge: Field<String>,
    /// Takes an acknowledgement back.
    pub(crate) unacknowledge: Field<String>,
    /// With `acknowledge`: which instance of a grouped SLO.
    pub(crate) labels: Field<Texts>,
}

/// A silence.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct SilenceWanted {
    /// A name for `expire`. Default `silence`.
    pub(crate) name: Field<Name>,
    /// Required. Whom, such as `service="checkout", severity="page"`.
    pub(crate) matchers: Field<String>,
    /// Required. For how long.
    #[serde(rename = "for")]
    pub(crate) length: Field<Duration>,
}

/// What should be: at a time, or from one time to another.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Expectation {
    /// At this time.
    pub(crate) at: Field<Duration>,
    /// Instead of `at`: from this time on. Default: the start.
    pub(crate) from: Field<Duration>,
    /// Instead of `at`: until this time, both ends included. Default: the end of the test.
    pub(crate) to: Field<Duration>,
    /// Another SLO than that of the test.
    pub(crate) slo: Field<SloRef>,
    /// Which instance of a grouped SLO. Default: any of them.
    pub(crate) labels: Field<Texts>,
    /// `firing`, `pending` or `inactive`; over a stretch `always`, `never` or `once` before it.
    pub(crate) page: Field<String>,
    /// As `page`.
    pub(crate) ticket: Field<String>,
    /// As `page`, of the notices about the budget.
    pub(crate) info: Field<String>,
    /// As `page`, of the alert that nothing can be decided about the SLO.
    pub(crate) blind: Field<String>,
    /// As `page`, of the alert that the source is down.
    pub(crate) source_down: Field<String>,
    /// How slots end: `burning`, `quiet`, `no_traffic`, `no_data` or `failed`; over a stretch
    /// `always`, `never` or `once` before it.
    pub(crate) outcome: Field<String>,
    /// The long windows of the tiers that burn, all of them: `[1h, 6h]`; `[]` for none.
    pub(crate) tiers: Field<Vec<Field<Duration>>>,
    /// Burn rate over a window of the policy: `14.4` (as many digits as are written), `14.4 +- 1`,
    /// `> 14`, `2 .. 3`, or `unknown`.
    pub(crate) burn: Field<Texts>,
    /// Percent of the budget consumed, such as `2%`, `> 2%`, `2% .. 3%`.
    pub(crate) budget_consumed: Field<String>,
    /// Percent of the budget that is left.
    pub(crate) budget_remaining: Field<String>,
    /// A message that is sent in the stretch, or `none`: nothing is. Messages about the SLO and about
    /// the source count, not those about others.
    pub(crate) message: Field<ValueOr<MessageWanted>>,
    /// How many alerts begin to fire in the stretch.
    pub(crate) fired: Field<FiredWanted>,
}

/// A message to somebody. What is not written may be anything.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct MessageWanted {
    /// The receiver.
    pub(crate) to: Field<String>,
    /// `trigger`, `update` or `resolve`.
    pub(crate) kind: Field<String>,
    /// `page`, `ticket` or `info`.
    pub(crate) severity: Field<String>,
    /// Text that it holds.
    pub(crate) contains: Field<String>,
    /// A regular expression that some of its text matches.
    pub(crate) matches: Field<String>,
    /// How many such messages, 0 for none. Default: at least one.
    pub(crate) count: Field<u32>,
}

/// How many alerts begin to fire.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct FiredWanted {
    /// Pages.
    pub(crate) page: Field<u32>,
    /// Tickets.
    pub(crate) ticket: Field<u32>,
    /// Notices about the budget.
    pub(crate) info: Field<u32>,
}
