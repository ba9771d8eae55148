//! A real Alertmanager that stands alone and tells nobody.
//!
//! The binary is `ALERTMANAGER_BIN`, or `prometheus-alertmanager` on the path.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use slofuse::engine::Span;
use slofuse::message::figures::rfc3339;
use tempfile::TempDir;

use super::api::Api;
use super::clock;
use super::port::free_port;
use super::process::Process;
use super::wait;

const ADVICE: &str = "install it: apt-get install prometheus-alertmanager";
const READY_LIMIT: Duration = Duration::from_secs(60);
const CONFIG: &str = "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n";

/// A running server; killed when dropped. It keeps alerts in memory only.
#[derive(Debug)]
pub(crate) struct Alertmanager {
    process: Process,
    api: Api,
    port: u16,
    dir: TempDir,
}

impl Alertmanager {
    /// Starts a server and waits until it is ready.
    pub(crate) async fn start() -> Self {
        let dir = tempfile::tempdir().expect("a temp dir");
        let config = dir.path().join("alertmanager.yml");
        std::fs::write(config, CONFIG).expect("the file is written");
        let port = free_port();
        let mut server = Self {
            process: spawn(&dir, port),
            api: Api::new(port),
            port,
            dir,
        };
        server.ready().await;
        server
    }

    /// Base URL.
    pub(crate) fn url(&self) -> &str {
        self.api.base()
    }

    /// SIGKILL: it forgets every alert.
    pub(crate) fn kill(&mut self) {
        self.process.kill();
    }

    /// Starts again on the same port.
    pub(crate) async fn restart(&mut self) {
        self.process.kill();
        self.process = spawn(&self.dir, self.port);
        self.ready().await;
    }

    /// What fires there.
    pub(crate) async fn alerts(&self) -> Vec<Value> {
        let alerts = self.api.get_json("/api/v2/alerts").await;
        alerts.as_array().expect("a list of alerts").clone()
    }

    /// Silences alerts with this label for an hour; the silence's id.
    pub(crate) async fn silence(&self, name: &str, value: &str) -> String {
        let now = clock::now();
        let silence = json!({
            "matchers": [{"name": name, "value": value, "isRegex": false}],
            "startsAt": rfc3339(now),
            "endsAt": rfc3339(now + Span::from_hours(1)),
            "createdBy": "ann",
            "comment": "a test",
        });
        let made = self.api.post_json("/api/v2/silences", &silence).await;
        made["silenceID"].as_str().expect("an id").to_owned()
    }

    async fn ready(&mut self) {
        wait::until("Alertmanager to be ready", READY_LIMIT, async || {
            if let Some(status) = self.process.exited() {
                panic!("Alertmanager ended at its start with {status}");
            }
            (self.api.status("/-/ready").await == Some(200)).then_some(())
        })
        .await;
    }
}

fn spawn(dir: &TempDir, port: u16) -> Process {
    let binary = std::env::var_os("ALERTMANAGER_BIN");
    let binary = binary.map_or_else(|| PathBuf::from("prometheus-alertmanager"), PathBuf::from);
    let mut command = Command::new(binary);
    command
        .current_dir(dir.path())
        .arg("--config.file=alertmanager.yml")
        .arg("--storage.path=data")
        .arg("--cluster.listen-address=")
        .arg(format!("--web.listen-address=127.0.0.1:{port}"));
    Process::spawn(command, &dir.path().join("alertmanager.log"), ADVICE)
}
