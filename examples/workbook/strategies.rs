//! What is compared: the strategies as policies, and the SLO that they guard.

use std::sync::Arc;

use slofuse::config;
use slofuse::engine::{Drops, Options, Policy, Reach, ReadingOptions, Routing, Slo, Span, Tier};
use slofuse::replay::Script;

/// The policies as they are written.
pub(crate) const POLICIES: &str = include_str!("strategies.yaml");
/// The time between slots, as in the daemon by default.
pub(crate) const SLOT: Span = Span::from_secs(30);
/// The time between scrapes, likewise.
pub(crate) const SCRAPE: Span = Span::from_secs(15);
/// The period of the chapter.
pub(crate) const PERIOD: Span = Span::from_days(30);

/// The SLO of the chapter: 99.9 % over 30 days.
const SLO: &str = r#"
apiVersion: slofuse/v1
kind: SLO
metadata: {service: workbook, name: NAME, owner: nobody, runbook: https://example.com}
spec:
  objective: 99.9
  policy: POLICY
  sli:
    events:
      bad: requests_total{code="500"}
      total: requests_total
"#;
const SETTINGS: &str = "
definitions: [none]
receivers: [{name: nobody, console: {}}]
routes: {default: [nobody]}
";

/// One way to alert.
pub(crate) struct Strategy {
    /// As the chapter counts; 7 is ours.
    pub(crate) number: usize,
    /// What the chapter calls it.
    pub(crate) title: &'static str,
    /// In a chart.
    pub(crate) short: &'static str,
    /// An engine's worth of it.
    pub(crate) script: Script,
}

impl Strategy {
    pub(crate) fn slo(&self) -> &Arc<Slo> {
        &self.script.slos[0]
    }

    pub(crate) fn policy(&self) -> &Policy {
        &self.slo().policy
    }

    /// When the closed form says that a constant error ratio is told of: each tier after
    /// `(1 - objective) / ratio x long window x factor` (chapter 5, "4: Alert on Burn Rate"),
    /// unless that is longer than the window, and after its waiting time.
    pub(crate) fn formula(&self, error_ratio: f64) -> Option<Span> {
        let budget = self.slo().objective.budget_ratio();
        let told = |tier: &Tier| {
            let share = budget * tier.factor(PERIOD) / error_ratio;
            (share < 1.0).then(|| tier.long.scale(share) + tier.pending)
        };
        self.policy().tiers.iter().filter_map(told).min()
    }
}

/// All of them, in the order of the chapter, and the built-in policy.
pub(crate) fn all() -> Result<Vec<Strategy>, String> {
    let named = [
        (
            "target-error-rate",
            "Target error rate >= SLO threshold",
            "target error rate",
        ),
        ("longer-window", "Increased alert window", "36h window"),
        ("duration", "Incrementing alert duration", "for 1h"),
        ("burn-rate", "Alert on burn rate", "burn rate 36"),
        (
            "multiple-burn-rates",
            "Multiple burn rate alerts",
            "multiple burn rates",
        ),
        (
            "multiwindow",
            "Multiwindow, multi-burn-rate alerts",
            "multiwindow",
        ),
        (
            Policy::DEFAULT_NAME,
            "The built-in policy of slofuse",
            "sre-workbook",
        ),
    ];
    let numbered = named.into_iter().enumerate();
    let strategy = |(at, (policy, title, short)): (usize, (&str, &'static str, &'static str))| {
        let slo = SLO.replace("NAME", policy).replace("POLICY", policy);
        let definitions = format!("{POLICIES}---{slo}");
        let loaded = config::embedded(SETTINGS, &definitions).map_err(|found| found.to_string())?;
        let slos = loaded.definitions.iter().map(|d| d.slo.clone());
        Ok(Strategy {
            number: at + 1,
            title,
            short,
            script: script(slos.collect(), loaded.settings.routing),
        })
    };
    numbered.map(strategy).collect()
}

fn script(slos: Vec<Arc<Slo>>, routing: Routing) -> Script {
    debug_assert!(
        slos.iter()
            .all(|slo| slo.reach == Reach::new(&slo.policy, &slo.period))
    );
    Script {
        slos,
        routing,
        options: Options {
            source: "prometheus".to_owned(),
            reading: ReadingOptions {
                interval: SLOT,
                scrape_interval: SCRAPE,
                target_labels: vec!["job".to_owned(), "instance".to_owned()],
                forget_after: Span::from_days(30),
                instances_max: 10,
                drops: Drops::AreResets,
            },
        },
        tick: SLOT,
    }
}
