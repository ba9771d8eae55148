//! What a world is made of: services, the definitions about them, who is told, and how it is run.
//!
//! Definitions and settings are texts that the real configuration compiles, so that a reload is
//! what it is in life.

use std::fmt::Write as _;

use slofuse::config::{self, Loaded};

use crate::dice::Dice;
use crate::plant::{Extent, Service, Shape, Style};
use crate::switches::{Fault, Switches};

/// 2023-11-15T00:00:00Z: an hour, a day, and the middle of a calendar week.
pub(crate) const EPOCH: i64 = 1_700_006_400_000;
const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
/// One world of so many lasts for more than half a day.
const LONG_EVERY: u64 = 256;

/// One SLO of the world.
#[derive(Clone, Debug)]
pub(crate) struct Promise {
    pub(crate) service: &'static str,
    pub(crate) name: &'static str,
    /// `sli`, as YAML in one line.
    sli: String,
    objective: f64,
    period: &'static str,
    policy: usize,
    grouped: bool,
}

/// How alerts are led to receivers.
#[derive(Clone, Debug)]
pub(crate) struct Routes {
    pub(crate) tickets_grouped: bool,
    pub(crate) pages_grouped: bool,
    pub(crate) storm: Option<(u32, i64)>,
    pub(crate) escalates: bool,
    pub(crate) repeats: bool,
    pub(crate) inhibits: bool,
    pub(crate) fallback: bool,
    /// Stretch in true milliseconds, and whether it is left out of budgets.
    pub(crate) maintenance: Option<(i64, i64, bool)>,
    pub(crate) chat_wants_ends: bool,
}

/// Everything about a world but its faults.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    pub(crate) extent: Extent,
    pub(crate) services: Vec<Service>,
    pub(crate) promises: Vec<Promise>,
    pub(crate) policies: Vec<String>,
    pub(crate) routes: Routes,
    /// How often the engine is told that time passes, in milliseconds.
    pub(crate) tick: i64,
    /// How often the cache is saved, in milliseconds.
    pub(crate) save: i64,
    pub(crate) age_max: &'static str,
}

impl Scenario {
    /// The world of a seed; one of many is a long one.
    pub(crate) fn new(seed: u64, switches: &Switches) -> Self {
        let mut dice = Dice::new(seed, "scenario");
        let long = seed % LONG_EVERY == LONG_EVERY - 1;
        let trouble = match long {
            true => dice.within(16 * HOUR, 30 * HOUR),
            false => dice.within(35 * MINUTE, 90 * MINUTE),
        };
        let past = dice.pick(&[10 * MINUTE, 70 * MINUTE, 150 * MINUTE, 26 * HOUR]);
        let past = if long { past } else { past.min(150 * MINUTE) };
        let begin = EPOCH + dice.within(0, 30) * MINUTE + dice.within(0, 29_999);
        let extent = Extent {
            past: begin - past,
            begin,
            peace: begin + trouble,
            end: begin + trouble + 35 * MINUTE,
        };
        let shape = |dice: &mut Dice| {
            dice.pick(&[
                Shape::Steady,
                Shape::Steady,
                Shape::Diurnal(2 * HOUR),
                Shape::Bursts,
                Shape::Lulls,
            ])
        };
        let rates: &[f64] = &[0.02, 0.3, 3.0, 20.0];
        let service = |job, style, dice: &mut Dice| Service {
            job,
            style,
            zones: match dice.below(3) {
                0 => vec!["eu"],
                1 => vec!["eu", "us"],
                _ => vec!["eu", "eu", "us"],
            },
            rate: dice.pick(rates),
            shape: shape(dice),
        };
        let mut services = vec![
            service("shop", Style::Codes, &mut dice),
            service("pay", Style::Pair, &mut dice),
        ];
        for service in &mut services {
            service.zones.dedup();
        }
        let policies = (0..2).map(|n| policy(&mut dice, n)).collect();
        let promises = promises(&mut dice);
        let routes = Routes::new(&mut dice, extent, switches);
        Self {
            extent,
            services,
            promises,
            policies,
            routes,
            tick: if long {
                30_000
            } else {
                dice.pick(&[5_000, 10_000, 15_000])
            },
            save: if long { 10 * MINUTE } else { 2 * MINUTE },
            age_max: dice.pick(&["24h", "24h", "10m"]),
        }
    }

    /// The settings, as YAML.
    fn settings(&self) -> String {
        let routes = &self.routes;
        let mut text = String::from("definitions: [none]\nreceivers:\n");
        for name in ["pager", "chat", "backup", "lead"] {
            let storm = match routes.storm.filter(|_| name == "pager") {
                Some((pages, minutes)) => format!("{{pages: {pages}, within: {minutes}m}}"),
                None => "off".to_owned(),
            };
            let ends = name != "chat" || routes.chat_wants_ends;
            let fallback = match routes.fallback && name == "pager" {
                true => ", fallback: backup",
                false => "",
            };
            writeln!(
                text,
                "  - {{name: {name}, storm: {storm}, send_resolved: {ends}{fallback}, \
                 webhook: {{url: 'http://{name}.example'}}}}"
            )
            .unwrap();
        }
        let all = "group_by: [], group_wait: 30s, group_interval: 2m";
        let repeat = if routes.repeats {
            "repeat_interval: 7m, "
        } else {
            ""
        };
        let escalate = match routes.escalates {
            true => ", escalate: [{after: 4m, receivers: [lead]}]",
            false => "",
        };
        let pages = if routes.pages_grouped {
            all
        } else {
            "group_by: ['...'], group_interval: 2m"
        };
        let others = if routes.tickets_grouped {
            all
        } else {
            "group_by: ['...'], group_interval: 2m"
        };
        write!(
            text,
            "route:\n  receivers: [chat]\n  routes:\n    \
             - {{name: pages, matchers: ['slofuse_severity=\"page\"'], receivers: [pager, chat], \
             {repeat}{pages}{escalate}}}\n    \
             - {{name: others, receivers: [chat], {repeat}{others}}}\n"
        )
        .unwrap();
        if routes.inhibits {
            text.push_str(
                "inhibit_rules:\n  - {name: shop, source_matchers: ['service=\"shop\"', \
                 'slofuse_severity=\"page\"'], target_matchers: ['service=\"pay\"', \
                 'slofuse_severity=\"ticket\"']}\n",
            );
        }
        if let Some((from, until, exclude)) = routes.maintenance {
            let time = |at: i64| jiff::Timestamp::from_millisecond(at).unwrap();
            writeln!(
                text,
                "maintenance:\n  - {{name: works, matchers: ['service=\"pay\"'], from: {}, \
                 until: {}, exclude_from_budget: {exclude}}}",
                time(from),
                time(until)
            )
            .unwrap();
        }
        writeln!(text, "delivery: {{age_max: {}}}", self.age_max).unwrap();
        text
    }

    fn definitions(&self) -> String {
        let mut text = self.policies.join("---\n");
        for promise in &self.promises {
            let Promise {
                service,
                name,
                sli,
                objective,
                period,
                policy,
                grouped,
            } = promise;
            let group = if *grouped { "\n  group_by: [zone]" } else { "" };
            write!(
                text,
                "---\napiVersion: slofuse/v1\nkind: SLO\nmetadata: {{service: {service}, \
                 name: {name}, owner: us, runbook: 'https://runbooks.example/{name}'}}\nspec:\n  \
                 objective: {objective}\n  period: {period}\n  policy: policy{policy}{group}\n  \
                 sli: {sli}\n"
            )
            .unwrap();
        }
        text
    }

    /// What the real configuration makes of it.
    pub(crate) fn load(&self) -> Result<Loaded, String> {
        let (settings, definitions) = (self.settings(), self.definitions());
        config::embedded(&settings, &definitions)
            .map_err(|errors| format!("{errors:?}\n{settings}\n{definitions}"))
    }

    /// The same world after a change of its files; some of them are mistakes.
    pub(crate) fn changed(&self, dice: &mut Dice) -> Self {
        let mut next = self.clone();
        match dice.below(7) {
            0 => next.routes.pages_grouped ^= true,
            1 => next.routes.tickets_grouped ^= true,
            2 => next.routes.storm = dice.pick(&[None, Some((1, 3)), Some((2, 5))]),
            3 if next.promises.len() > 1 => {
                // A journey needs its parts.
                if let Some(place) = next.promises.iter().rposition(|p| p.name != "api") {
                    next.promises.remove(place);
                    next.promises.retain(|promise| promise.name != "journey");
                }
            }
            4 => next.promises[0].objective = dice.pick(&[95.0, 99.0, 99.5]),
            5 => next.policies[0] = policy(dice, 0),
            _ => next.promises[0].objective = 101.0,
        }
        next
    }
}

impl Routes {
    fn new(dice: &mut Dice, extent: Extent, switches: &Switches) -> Self {
        let from = dice.within(extent.begin, extent.peace);
        let until = from + dice.within(MINUTE, 20 * MINUTE);
        let window = (
            from / 1000 * 1000,
            until.min(extent.peace) / 1000 * 1000,
            dice.chance(0.5),
        );
        let maintains = dice.chance(0.3) && window.0 < window.1;
        Self {
            tickets_grouped: dice.chance(0.5),
            pages_grouped: dice.chance(0.3),
            storm: dice.pick(&[None, Some((1, 5)), Some((2, 3))]),
            escalates: dice.chance(0.4),
            repeats: dice.chance(0.4),
            inhibits: dice.chance(0.3),
            fallback: dice.chance(0.6),
            maintenance: (maintains && switches.on(Fault::Operate)).then_some(window),
            chat_wants_ends: dice.chance(0.8),
        }
    }
}

/// A policy whose windows are short enough for a world of an hour.
fn policy(dice: &mut Dice, number: u64) -> String {
    let minimum = dice.pick(&[1, 3, 5, 20]);
    let pending = dice.pick(&["0s", "0s", "1m", "4m", "4m"]);
    // When each tier of a severity waits, it matters since when each burns.
    let slow = dice.pick(&["0s", "0s", "1m", "1m", "2m"]);
    let more = dice.chance(0.5);
    let hold = dice.pick(&["0s", "1m", "3m", "9m"]);
    let mode = dice.pick(&["ratio", "ratio", "budget"]);
    // A composite has no mode of its own; the policies of composites are even.
    let mode = if number == 0 { "ratio" } else { mode };
    let blind = dice.pick(&[4, 10]);
    let severity = dice.pick(&["page", "ticket"]);
    let thresholds = dice.pick(&["[]", "[50%, 100%]"]);
    let mutes = dice.chance(0.7);
    let ticket = match more {
        true => format!(
            "    - {{severity: ticket, budget: 3%, long: 20m, short: 5m, \
             minimum_events: {minimum}, pending: {slow}}}\n"
        ),
        false => String::new(),
    };
    format!(
        "apiVersion: slofuse/v1\nkind: Policy\nmetadata: {{name: policy{number}}}\nspec:\n  \
         mode: {mode}\n  tiers:\n    \
         - {{severity: page, budget: 5%, long: 20m, short: 2m, minimum_events: {minimum}, pending: {pending}}}\n    \
         - {{severity: page, budget: 8%, long: 1h, short: 5m, minimum_events: {minimum}, pending: {slow}}}\n{ticket}    \
         - {{severity: ticket, budget: 6%, long: 1h, short: 10m, minimum_events: {minimum}, pending: {pending}}}\n  \
         hold: {hold}\n  recover: 0.9\n  page_mutes_ticket: {mutes}\n  \
         budget: {{thresholds: {thresholds}}}\n  blind: {{after_slots: {blind}, severity: {severity}}}\n"
    )
}

fn promises(dice: &mut Dice) -> Vec<Promise> {
    let period = |dice: &mut Dice| dice.pick(&["1d", "1d", "2d", "{calendar: week, zone: UTC}"]);
    let one = |dice: &mut Dice, service, name, sli: &str| Promise {
        service,
        name,
        sli: sli.to_owned(),
        objective: dice.pick(&[95.0, 99.0, 99.5]),
        period: period(dice),
        policy: usize::try_from(dice.below(2)).unwrap(),
        grouped: false,
    };
    let shop = "{events: {bad: 'requests_total{job=\"shop\",code=~\"5..\"}', \
                total: 'requests_total{job=\"shop\"}'}}";
    let pay = "{events: {bad: 'pay_failed_total{job=\"pay\"}', total: 'pay_total{job=\"pay\"}'}}";
    let mut promises = vec![
        one(dice, "shop", "api", shop),
        one(dice, "pay", "card", pay),
    ];
    promises[1].grouped = dice.chance(0.3);
    let events = [
        "{events: 40, within: 1d}",
        "{events: 1000, within: 1d}",
        "{events: 30000, within: 2d}",
    ];
    for promise in &mut promises {
        if dice.chance(0.25) {
            promise.period = dice.pick(&events);
        }
    }
    if dice.chance(0.5) {
        promises.push(Promise {
            grouped: true,
            ..one(dice, "shop", "zones", shop)
        });
    }
    if dice.chance(0.4) {
        let queue = "{time_slices: {condition: 'queue_age_seconds{job=\"pay\"} < 60', slice: 1m}}";
        promises.push(one(dice, "pay", "queue", queue));
    }
    if dice.chance(0.4) {
        let lag = "{ratio: {error_ratio: 'avg_over_time((lag_seconds{job=\"shop\"} > bool 60)[$window:])'}}";
        // Without events there is nothing that mode budget could weigh.
        promises.push(Promise {
            policy: 0,
            ..one(dice, "shop", "lag", lag)
        });
    }
    if dice.chance(0.4) {
        let journey = "{journey: [{slo: shop/api}, {slo: pay/card}]}";
        promises.push(Promise {
            policy: 0,
            period: "1d",
            ..one(dice, "shop", "journey", journey)
        });
    }
    promises
}
