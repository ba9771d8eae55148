//! The real `slofuse` binary: `slofuse run --config FILE` in its own directory.

use std::path::Path;
use std::process::{Command, ExitStatus, Output};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::api::Api;
use super::certificate::Certificate;
use super::port::free_port;
use super::process::Process;
use super::prometheus::Prometheus;
use super::receivers::Receiver;
use super::wait;

const READY_LIMIT: Duration = Duration::from_secs(30);
const EXIT_LIMIT: Duration = Duration::from_secs(15);

/// The files of a daemon. Listen address, state directory and the places of definitions and
/// policies are filled in.
#[derive(Debug, Default)]
pub(crate) struct DaemonConfig {
    /// Settings as in `config::settings`: `prometheus`, `evaluation`, `receivers`, `routes`.
    pub(crate) settings: Value,
    /// SLO definitions, one document each.
    pub(crate) definitions: Vec<Value>,
    /// Policies, one document each.
    pub(crate) policies: Vec<Value>,
}

/// Settings of a daemon that looks each second, and tells one PagerDuty.
pub(crate) fn paging_settings(prometheus: &Prometheus, pager: &Receiver) -> Value {
    let routing_key = "0123456789abcdef0123456789abcdef";
    json!({
        "prometheus": {"url": prometheus.url()},
        "evaluation": {"interval": "1s", "scrape_interval": "1s"},
        "receivers": [{"name": "pager",
            "pagerduty": {"routing_key": routing_key, "url": pager.url("/v2/enqueue")}}],
        "routes": {"default": ["pager"]},
    })
}

/// A running daemon; killed when dropped.
#[derive(Debug)]
pub(crate) struct Daemon {
    process: Process,
    api: Api,
    dir: TempDir,
    // Its files are read again by a restart.
    _certificate: Option<Certificate>,
}

impl DaemonConfig {
    /// Starts the daemon and waits until it evaluates.
    pub(crate) async fn start(self) -> Daemon {
        self.start_with(None).await
    }

    /// The same; with a certificate its server speaks TLS.
    pub(crate) async fn start_with(self, certificate: Option<Certificate>) -> Daemon {
        let dir = tempfile::tempdir().expect("a temp dir");
        let port = free_port();
        let mut settings = self.settings;
        settings["server"]["listen"] = json!(format!("127.0.0.1:{port}"));
        if let Some(certificate) = &certificate {
            let (chain, key) = (certificate.chain(), certificate.key());
            settings["server"]["tls"] = json!({"cert_file": chain, "key_file": key});
        }
        settings["state"] = json!({"directory": "state"});
        settings["definitions"] = json!(["slos"]);
        settings["policies"] = json!(["policies"]);
        write(&dir, "slofuse.yaml", &settings);
        for (folder, documents) in [("slos", self.definitions), ("policies", self.policies)] {
            std::fs::create_dir(dir.path().join(folder)).expect("a folder is made");
            for (at, document) in documents.iter().enumerate() {
                write(&dir, &format!("{folder}/{at}.yaml"), document);
            }
        }
        let mut daemon = Daemon {
            process: spawn(&dir),
            api: match &certificate {
                Some(certificate) => Api::secure(port, certificate),
                None => Api::new(port),
            },
            dir,
            _certificate: certificate,
        };
        daemon.ready().await;
        daemon
    }
}

impl Daemon {
    /// SIGKILL.
    pub(crate) fn kill9(&mut self) {
        self.process.kill();
    }

    /// SIGTERM, and waits for the exit.
    pub(crate) async fn terminate(&mut self) -> ExitStatus {
        self.process.terminate(EXIT_LIMIT).await
    }

    /// Starts again (after killing it, if it runs) with the same files and state.
    pub(crate) async fn restart(&mut self) {
        self.process.kill();
        self.process = spawn(&self.dir);
        self.ready().await;
    }

    /// The body of a GET.
    pub(crate) async fn get_json(&self, path: &str) -> Value {
        self.api.get_json(path).await
    }

    /// Its HTTP server.
    pub(crate) fn api(&self) -> &Api {
        &self.api
    }

    /// Where its files are: `slofuse.yaml`, and what it keeps in `state`.
    pub(crate) fn directory(&self) -> &Path {
        self.dir.path()
    }

    /// Writes a definition file anew; a reload makes it known.
    pub(crate) fn define(&self, at: usize, content: &Value) {
        write(&self.dir, &format!("slos/{at}.yaml"), content);
    }

    /// SIGHUP.
    pub(crate) fn hang_up(&self) {
        self.process.signal("HUP");
    }

    /// What it logged.
    pub(crate) fn log(&self) -> String {
        self.process.output()
    }

    /// Runs another command of the same binary in the daemon's directory.
    pub(crate) fn command(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_slofuse"));
        command.current_dir(self.dir.path()).args(arguments);
        command.output().expect("cargo builds it")
    }

    async fn ready(&mut self) {
        wait::until("slofuse to be ready", READY_LIMIT, async || {
            if let Some(status) = self.process.exited() {
                let said = self.process.output();
                panic!("slofuse ended at its start with {status}:\n{said}");
            }
            (self.api.status("/readyz").await == Some(200)).then_some(())
        })
        .await;
    }
}

fn spawn(dir: &TempDir) -> Process {
    let mut command = Command::new(env!("CARGO_BIN_EXE_slofuse"));
    command.current_dir(dir.path());
    command.args(["run", "--config", "slofuse.yaml"]);
    Process::spawn(command, &dir.path().join("slofuse.log"), "cargo builds it")
}

fn write(dir: &TempDir, name: &str, content: &Value) {
    let text = serde_yaml::to_string(content).expect("YAML can be written");
    std::fs::write(dir.path().join(name), text).expect("the file is written");
}
