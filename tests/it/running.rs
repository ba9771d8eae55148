//! A running `slofuse demo`, for everything that is said about its server.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Killed when dropped.
pub(crate) struct Demo {
    child: Child,
    address: String,
}

impl Demo {
    /// Starts it on a free port and waits until it evaluates.
    pub(crate) fn start() -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_slofuse"));
        command.args(["demo", "--speed", "60", "--listen", "127.0.0.1:0"]);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = lines.find_map(|line| {
            let line = line.unwrap();
            let (_, url) = line.split_once("http://")?;
            Some(url.split('/').next()?.to_owned())
        });
        // Further lines would fill the pipe and stop it.
        std::thread::spawn(move || lines.for_each(drop));
        let demo = Self {
            child,
            address: address.expect("the demo ended before it listened"),
        };
        demo.wait_for("/readyz", "ready");
        demo
    }

    /// Asks until the answer contains the text.
    fn wait_for(&self, path: &str, text: &str) -> String {
        // Slots are half a second apart here, history is a matter of seconds.
        const ATTEMPTS: usize = 300;
        for _attempt in 0..ATTEMPTS {
            let (status, body) = self.request("GET", path);
            if status == 200 && body.contains(text) {
                return body;
            }
            std::thread::park_timeout(Duration::from_millis(100));
        }
        panic!("{path} never said {text:?}");
    }

    /// Status and body of a request without a body.
    pub(crate) fn request(&self, method: &str, path: &str) -> (u16, String) {
        request(&self.address, method, path)
    }

    /// The names of all metrics, histograms without their suffixes.
    pub(crate) fn metric_names(&self) -> Vec<String> {
        // The first slots know the budget and not yet the windows, or the other way round.
        self.wait_for("/metrics", "slofuse_slo_burn_rate{");
        let text = self.wait_for("/metrics", "slofuse_slo_sla_budget_remaining_ratio{");
        let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
        types
            .filter_map(|line| Some(line.split(' ').next()?.to_owned()))
            .collect()
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Status and body of a request without a body.
pub(crate) fn request(address: &str, method: &str, path: &str) -> (u16, String) {
    const DEADLINE: Duration = Duration::from_secs(30);
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    // HTTP/1.0, so that the body comes in one piece and the connection ends with it.
    let head = format!("{method} {path} HTTP/1.0\r\nHost: {address}\r\nContent-Length: 0\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    (status, body.to_owned())
}

/// Labels and annotations, which have the form of metrics.
const LABELS: [&str; 4] = [
    "slofuse_period",
    "slofuse_severity",
    "slofuse_summary",
    "slofuse_tier",
];

/// Every word of a text that has the form of a metric of slofuse.
pub(crate) fn metrics_in(text: &str) -> Vec<String> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    let metrics = words.filter(|word| word.starts_with("slofuse_") && !LABELS.contains(word));
    let base = |word: &str| {
        let suffix = ["_bucket", "_sum", "_count"];
        let found = suffix.iter().find_map(|suffix| word.strip_suffix(suffix));
        found.unwrap_or(word).to_owned()
    };
    metrics.map(base).collect()
}
