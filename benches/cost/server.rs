//! A real Prometheus that logs what each query reads.

use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::bed::api::Api;
use crate::bed::port::free_port;
use crate::bed::process::Process;
use crate::bed::{Exporter, prometheus, wait};

use super::fleet::{Fleet, INSTANCE};
use super::slots::{self, INTERVAL, SCRAPE};

const READY_LIMIT: Duration = Duration::from_secs(60);

/// A running server; killed when dropped.
pub(crate) struct Server {
    process: Process,
    base: String,
    dir: TempDir,
}

/// What a server has done up to now, or did in between.
#[derive(Clone, Copy, Default)]
pub(crate) struct Work {
    /// CPU time.
    pub(crate) cpu: Duration,
    /// Queries, of rules and of clients.
    pub(crate) queries: f64,
    /// Samples that they read (`totalQueryableSamples`).
    pub(crate) samples: f64,
    /// Bytes of answers to clients, as sent.
    pub(crate) bytes: f64,
}

impl Server {
    /// Starts it with the fleet's history, scraping its exporter, without rules.
    pub(crate) async fn start(fleet: &Fleet, exporter: &Exporter) -> Self {
        let dir = tempfile::tempdir().expect("a temp dir");
        fleet.import(&dir.path().join("data"));
        let target = exporter.target(INSTANCE);
        let settings = json!({
            "global": {
                "scrape_interval": SCRAPE.to_string(),
                "evaluation_interval": INTERVAL.to_string(),
                "query_log_file": "queries.log",
            },
            "rule_files": ["rules.yml"],
            "scrape_configs": [{
                "job_name": prometheus::JOB,
                "static_configs": [{"targets": [target.address], "labels": {"instance": INSTANCE}}],
            }],
        });
        let port = free_port();
        let text = settings.to_string();
        std::fs::write(dir.path().join("prometheus.yml"), text).expect("the file is written");
        let mut command = Command::new(prometheus::binary());
        command
            .current_dir(dir.path())
            .arg("--config.file=prometheus.yml")
            .arg("--storage.tsdb.path=data")
            .arg("--storage.tsdb.retention.time=60d")
            .arg("--web.enable-lifecycle")
            .arg(format!("--web.listen-address=127.0.0.1:{port}"));
        let process = Process::spawn(command, &dir.path().join("log"), prometheus::ADVICE);
        let api = Api::new(port);
        wait::until("Prometheus to be ready", READY_LIMIT, async || {
            (api.status("/-/ready").await == Some(200)).then_some(())
        })
        .await;
        let base = api.base().to_owned();
        Self { process, base, dir }
    }

    /// Its base URL.
    pub(crate) fn url(&self) -> &str {
        &self.base
    }

    /// Evaluates these rule groups from now on.
    pub(crate) async fn load(&self, rules: &Value) {
        let path = self.dir.path().join("rules.yml");
        std::fs::write(path, rules.to_string()).expect("the file is written");
        let reload = reqwest::Client::new().post(format!("{}/-/reload", self.base));
        let answer = reload.send().await.expect("Prometheus answers");
        assert!(answer.status().is_success(), "Prometheus takes the rules");
    }

    /// What it does during so many whole slots.
    pub(crate) async fn during(&self, count: u32) -> Work {
        slots::cut().await;
        let before = self.work().await;
        slots::pass(count).await;
        let after = self.work().await;
        Work {
            cpu: after.cpu.saturating_sub(before.cpu),
            queries: after.queries - before.queries,
            samples: after.samples - before.samples,
            bytes: after.bytes - before.bytes,
        }
    }

    async fn work(&self) -> Work {
        let cpu = self.process.cpu_time();
        let log = std::fs::read_to_string(self.dir.path().join("queries.log"));
        let mut work = Work {
            cpu,
            bytes: metric(
                &self.base,
                "prometheus_http_response_size_bytes_sum{handler=\"/api/v1/query",
            )
            .await,
            ..Work::default()
        };
        for line in log.unwrap_or_default().lines() {
            let entry: Value = serde_json::from_str(line).expect("the query log is JSON");
            let samples = &entry["stats"]["samples"]["totalQueryableSamples"];
            work.samples += samples
                .as_f64()
                .expect("Prometheus 2.40 or later counts samples");
            work.queries += 1.0;
        }
        work
    }
}

/// The sum of all series of `base`/metrics that begin with `prefix`.
pub(crate) async fn metric(base: &str, prefix: &str) -> f64 {
    let answer = reqwest::get(format!("{base}/metrics")).await;
    let text = answer.expect("it answers").text().await.expect("a text");
    let lines = text.lines().filter(|line| line.starts_with(prefix));
    let values = lines.filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok());
    values.sum()
}
