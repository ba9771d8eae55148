//! A real Prometheus server in its own directory, 2.42 or 3.x.
//!
//! The binary is `PROMETHEUS_BIN`, or `prometheus` on the path.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use slofuse::engine::Timestamp;
use tempfile::TempDir;

use super::api::Api;
use super::clock;
use super::history::History;
use super::port::free_port;
use super::process::Process;
use super::promql::{self, Series};
use super::wait;

/// What to do about a missing server.
pub(crate) const ADVICE: &str = "install it: apt-get install prometheus";

/// The `job` label of every target.
pub(crate) const JOB: &str = "shop";

const READY_LIMIT: Duration = Duration::from_secs(60);
const SCRAPES_LIMIT: Duration = Duration::from_secs(60);

/// The program to start.
pub(crate) fn binary() -> PathBuf {
    std::env::var_os("PROMETHEUS_BIN").map_or_else(|| PathBuf::from("prometheus"), PathBuf::from)
}

/// What a server scrapes, evaluates and already knows.
#[derive(Debug)]
pub(crate) struct PrometheusConfig {
    /// Time between scrapes, also their timeout.
    pub(crate) scrape_interval: Duration,
    /// Who is scraped.
    pub(crate) targets: Vec<Target>,
    /// A rule file, evaluated each scrape interval.
    pub(crate) rules: Option<Value>,
    /// Samples from before the start.
    pub(crate) history: Option<History>,
    /// Whether native histograms are scraped; an experiment until Prometheus 3.8.
    pub(crate) native_histograms: bool,
}

/// A scrape target.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// `host:port`.
    pub(crate) address: String,
    /// Its `instance` label, so that history can continue.
    pub(crate) instance: String,
}

impl Default for PrometheusConfig {
    fn default() -> Self {
        Self {
            scrape_interval: Duration::from_secs(1),
            targets: Vec::new(),
            rules: None,
            history: None,
            native_histograms: false,
        }
    }
}

/// A running server; killed when dropped.
#[derive(Debug)]
pub(crate) struct Prometheus {
    process: Process,
    api: Api,
    port: u16,
    dir: TempDir,
    native_histograms: bool,
}

impl Prometheus {
    /// One that goes on where a history ends at `end`, after it has scraped the target twice.
    pub(crate) async fn that_remembers(history: History, end: Timestamp, target: Target) -> Self {
        let config = PrometheusConfig {
            targets: vec![target],
            history: Some(history),
            ..PrometheusConfig::default()
        };
        let prometheus = config.start().await;
        prometheus.scraped(2, end).await;
        prometheus
    }
}

impl PrometheusConfig {
    /// Starts a server and waits until it is ready.
    pub(crate) async fn start(self) -> Prometheus {
        let dir = tempfile::tempdir().expect("a temp dir");
        let write = |name: &str, content: Value| {
            let text = serde_yaml::to_string(&content).expect("YAML can be written");
            std::fs::write(dir.path().join(name), text).expect("the file is written");
        };
        write("prometheus.yml", self.settings());
        if let Some(rules) = self.rules {
            write("rules.yml", rules);
        }
        let native_histograms = self.native_histograms;
        if let Some(history) = self.history {
            history.import(&dir.path().join("data"));
        }
        let port = free_port();
        let mut server = Prometheus {
            process: spawn(&dir, port, native_histograms),
            api: Api::new(port),
            port,
            dir,
            native_histograms,
        };
        server.ready().await;
        server
    }

    fn settings(&self) -> Value {
        let interval = format!("{}ms", self.scrape_interval.as_millis());
        let targets: Vec<Value> = self.targets.iter().map(static_config).collect();
        let rules: &[&str] = if self.rules.is_some() {
            &["rules.yml"]
        } else {
            &[]
        };
        json!({
            "global": {
                "scrape_interval": interval,
                "scrape_timeout": interval,
                "evaluation_interval": interval,
            },
            "rule_files": rules,
            "scrape_configs": [{"job_name": JOB, "static_configs": targets}],
        })
    }
}

fn static_config(target: &Target) -> Value {
    json!({"targets": [target.address], "labels": {"instance": target.instance}})
}

fn spawn(dir: &TempDir, port: u16, native_histograms: bool) -> Process {
    let mut command = Command::new(binary());
    command
        .current_dir(dir.path())
        .arg("--config.file=prometheus.yml")
        .arg("--storage.tsdb.path=data")
        .arg("--storage.tsdb.retention.time=60d")
        .arg(format!("--web.listen-address=127.0.0.1:{port}"));
    if native_histograms {
        command.arg("--enable-feature=native-histograms");
    }
    Process::spawn(command, &dir.path().join("prometheus.log"), ADVICE)
}

impl Prometheus {
    /// Base URL.
    pub(crate) fn url(&self) -> &str {
        self.api.base()
    }

    /// Where it keeps its samples.
    pub(crate) fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// SIGKILL: the server loses what is not on disk, its clients see refused connections.
    pub(crate) fn kill(&mut self) {
        self.process.kill();
    }

    /// Starts again (after killing it, if it runs) on the same port and data.
    pub(crate) async fn restart(&mut self) {
        self.process.kill();
        self.process = spawn(&self.dir, self.port, self.native_histograms);
        self.ready().await;
    }

    /// CPU time the running process has used.
    pub(crate) fn cpu_time(&self) -> Duration {
        self.process.cpu_time()
    }

    /// The answer of an instant query.
    pub(crate) async fn query(&self, expression: &str, at: Timestamp) -> Vec<Series> {
        promql::query(&self.api, expression, at).await
    }

    /// Waits until so many scrapes were made after `since`: time has really passed.
    pub(crate) async fn scraped(&self, count: usize, since: Timestamp) {
        let what = format!("{count} scrapes");
        wait::until(&what, SCRAPES_LIMIT, async || {
            let up = self.query("up[1m]", clock::now()).await;
            let later = |series: &Series| {
                let after = series.samples.iter().filter(|(at, _)| *at > since);
                after.count() >= count
            };
            up.iter().any(later).then_some(())
        })
        .await;
    }

    /// For everything else.
    pub(crate) fn api(&self) -> &Api {
        &self.api
    }

    async fn ready(&mut self) {
        wait::until("Prometheus to be ready", READY_LIMIT, async || {
            if let Some(status) = self.process.exited() {
                panic!("Prometheus ended at its start with {status}");
            }
            (self.api.status("/-/ready").await == Some(200)).then_some(())
        })
        .await;
    }
}
