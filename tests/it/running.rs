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
    /// Starts it on a free port and waits until it says where it listens.
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
        Self {
            child,
            address: address.expect("the demo ended before it listened"),
        }
    }

    /// Status and body of a request without a body.
    pub(crate) fn request(&self, method: &str, path: &str) -> (u16, String) {
        const DEADLINE: Duration = Duration::from_secs(30);
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            self.address
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        (status, body.to_owned())
    }

    /// The names of all metrics, histograms without their suffixes.
    pub(crate) fn metric_names(&self) -> Vec<String> {
        let (status, text) = self.request("GET", "/metrics");
        assert_eq!(status, 200, "{text}");
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

/// Every word of a text that has the form of a metric of slofuse.
pub(crate) fn metrics_in(text: &str) -> Vec<String> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    let metrics = words.filter(|word| word.starts_with("slofuse_"));
    let base = |word: &str| {
        let suffix = ["_bucket", "_sum", "_count"];
        let found = suffix.iter().find_map(|suffix| word.strip_suffix(suffix));
        found.unwrap_or(word).to_owned()
    };
    metrics.map(base).collect()
}
