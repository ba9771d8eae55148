//! slofuse as it is deployed: the release binary, its own directory, default settings.

use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::bed::port::free_port;
use crate::bed::process::Process;
use crate::bed::wait;

use super::server::metric;
use super::slots::{INTERVAL, SCRAPE};

/// Three days of many series take a while.
const HISTORY_LIMIT: Duration = Duration::from_secs(900);

/// A running daemon; killed when dropped.
pub(crate) struct Daemon {
    process: Process,
    base: String,
    _dir: TempDir,
}

impl Daemon {
    /// Starts it on these definitions and waits until it has read all history.
    pub(crate) async fn start(prometheus: &str, definitions: &[Value]) -> Self {
        let dir = tempfile::tempdir().expect("a temp dir");
        let port = free_port();
        let settings = json!({
            "prometheus": {"url": prometheus},
            "evaluation": {
                "interval": INTERVAL.to_string(),
                "scrape_interval": SCRAPE.to_string(),
            },
            "definitions": ["slos.yaml"],
            "receivers": [{"name": "console", "console": {}}],
            "routes": {"default": ["console"]},
            "server": {"listen": format!("127.0.0.1:{port}")},
            "state": {"directory": "state"},
        });
        let write = |name: &str, text: String| {
            std::fs::write(dir.path().join(name), text).expect("the file is written");
        };
        write("slofuse.yaml", settings.to_string());
        let documents = definitions.iter().map(Value::to_string);
        write("slos.yaml", documents.collect::<Vec<_>>().join("\n---\n"));
        let mut command = Command::new(env!("CARGO_BIN_EXE_slofuse"));
        command.current_dir(dir.path());
        command.args(["run", "--config", "slofuse.yaml"]);
        let mut process = Process::spawn(command, &dir.path().join("log"), "cargo builds it");
        wait::until("slofuse to read all history", HISTORY_LIMIT, async || {
            let ended = process.exited();
            assert!(ended.is_none(), "slofuse ended: {}", process.output());
            process.output().contains("reach=3d").then_some(())
        })
        .await;
        let base = format!("http://127.0.0.1:{port}");
        Self {
            process,
            base,
            _dir: dir,
        }
    }

    /// CPU time used so far.
    pub(crate) fn cpu_time(&self) -> Duration {
        self.process.cpu_time()
    }

    /// Memory now, in MB.
    pub(crate) async fn resident_megabytes(&self) -> f64 {
        metric(&self.base, "process_resident_memory_bytes").await / 1e6
    }

    /// The sum of a metric of its own.
    pub(crate) async fn metric(&self, prefix: &str) -> f64 {
        metric(&self.base, prefix).await
    }
}

/// The definition of an availability SLO with the built-in policy.
pub(crate) fn definition(service: &str, bad: &str, total: &str, group_by: &[&str]) -> Value {
    json!({
        "apiVersion": "slofuse/v1",
        "kind": "SLO",
        "metadata": {
            "service": service,
            "name": "availability",
            "owner": "team-shop",
            "runbook": "https://runbooks.example.com/shop",
        },
        "spec": {
            "objective": 99.9,
            "group_by": group_by,
            "sli": {"events": {"bad": bad, "total": total}},
        },
    })
}
