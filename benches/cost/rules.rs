//! slofuse and burn-rate rules, one after the other on the same Prometheus.
//!
//! The rules are what Sloth generates, less its metadata: per SLO seven recorded error ratios, a
//! page and a ticket. What Prometheus does anyway (scraping) is measured first and subtracted.

use serde_json::{Value, json};

use super::daemon::{Daemon, definition};
use super::fleet::{Fleet, METRIC};
use super::server::{Server, Work};
use super::slots::{self, millis_per_slot};

const SLOS: usize = 100;
const IDLE_SLOTS: u32 = 6;
const SLOFUSE_SLOTS: u32 = 8;
const RULES_SLOTS: u32 = 4;
const WINDOWS: [&str; 7] = ["5m", "30m", "1h", "2h", "6h", "1d", "3d"];

/// Measures and prints.
pub(crate) async fn run() {
    let fleet = Fleet::new(SLOS);
    let exporter = fleet.exporter().await;
    let server = Server::start(&fleet, &exporter).await;
    slots::pass(2).await;
    let idle = server.during(IDLE_SLOTS).await;

    let definitions: Vec<Value> = fleet.services().iter().map(|s| slo(s)).collect();
    let daemon = Daemon::start(server.url(), &definitions).await;
    // The hours of the rest of the period are asked for now; there are none.
    slots::pass(2).await;
    slots::cut().await;
    let own_before = daemon.cpu_time();
    let polled = server.during(SLOFUSE_SLOTS).await;
    let own = daemon.cpu_time() - own_before;
    let memory = daemon.resident_megabytes().await;
    drop(daemon);

    let groups: Vec<Value> = fleet.services().iter().flat_map(|s| groups(s)).collect();
    server.load(&json!({"groups": groups})).await;
    slots::pass(2).await;
    let ruled = server.during(RULES_SLOTS).await;

    let series = SLOS * Fleet::series_per_service();
    println!("\n{SLOS} SLOs, {series} series, per slot of 30 s; scraping subtracted from CPU\n");
    println!("| | slofuse | rules | rules / slofuse |\n|---|---|---|---|");
    let idle = millis_per_slot(idle.cpu, IDLE_SLOTS);
    let row = |name: &str, of: &dyn Fn(&Work, u32) -> f64| {
        let (ours, theirs) = (of(&polled, SLOFUSE_SLOTS), of(&ruled, RULES_SLOTS));
        println!(
            "| {name} | {ours:.1} | {theirs:.1} | {:.0} |",
            theirs / ours
        );
    };
    row("Prometheus CPU, ms", &|work, slots| {
        millis_per_slot(work.cpu, slots) - idle
    });
    row("samples read", &|work, slots| {
        work.samples / f64::from(slots)
    });
    row("queries", &|work, slots| work.queries / f64::from(slots));
    row("bytes answered", &|work, slots| {
        work.bytes / f64::from(slots)
    });
    println!("\nPrometheus that only scrapes: {idle:.1} ms CPU per slot");
    let own = millis_per_slot(own, SLOFUSE_SLOTS);
    println!("slofuse itself: {own:.1} ms CPU per slot, {memory:.0} MB resident");
}

fn bad(service: &str) -> String {
    format!(r#"{METRIC}{{service="{service}",code=~"5.."}}"#)
}

fn total(service: &str) -> String {
    format!(r#"{METRIC}{{service="{service}"}}"#)
}

fn slo(service: &str) -> Value {
    definition(service, &bad(service), &total(service), &[])
}

fn groups(service: &str) -> [Value; 2] {
    let (bad, total) = (bad(service), total(service));
    let record = |window: &&str| {
        json!({
            "record": format!("slo:sli_error:ratio_rate{window}"),
            "expr": format!("sum(rate({bad}[{window}])) / sum(rate({total}[{window}]))"),
            "labels": {"sloth_service": service, "sloth_window": window},
        })
    };
    let over = |window: &str, factor: &str| {
        format!(
            r#"(max(slo:sli_error:ratio_rate{window}{{sloth_service="{service}"}} > ({factor} * 0.001)) without (sloth_window))"#
        )
    };
    let alert = |severity: &str, tiers: [(&str, &str, &str); 2]| {
        let [one, other] = tiers.map(|(short, long, factor)| {
            format!("({} and {})", over(short, factor), over(long, factor))
        });
        json!({
            "alert": format!("HighErrorRate-{service}"),
            "expr": format!("{one} or {other}"),
            "labels": {"sloth_severity": severity},
        })
    };
    [
        json!({"name": format!("sli-{service}"), "rules": WINDOWS.iter().map(record).collect::<Vec<_>>()}),
        json!({"name": format!("alerts-{service}"), "rules": [
            alert("page", [("5m", "1h", "14.4"), ("30m", "6h", "6")]),
            alert("ticket", [("2h", "1d", "3"), ("6h", "3d", "1")]),
        ]}),
    ]
}
