//! The port of `rate` against a real Prometheus: some services as a block, and the same sums asked
//! at random times over random windows.

use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use slofuse::engine::Timestamp;

use super::exactness::promql::Counted;
use super::exactness::traffic::{METRIC, Service, draw};
use super::exactness::world::{BEGIN, World, scenarios};

const PORT: u16 = 19_741;
const QUESTIONS: usize = 400;
/// The services whose samples are awkward: resets, crashes, churn, holes, lazy series.
const SERVICES: [usize; 7] = [5, 6, 7, 9, 10, 12, 17];

/// Asks, compares and says how it went.
pub(crate) fn run() {
    let world = World {
        seed: 11,
        days: 7,
        scrape: 15.0,
    };
    let scenarios = scenarios();
    let services = SERVICES.map(|number| draw(&world, number, &scenarios[number]));
    let directory = tempfile::tempdir().unwrap_or_else(|error| panic!("a directory: {error}"));
    write_block(&services, directory.path());
    let _server = Server::start(directory.path());
    let mut rng = SmallRng::seed_from_u64(5);
    let (mut worst, mut answered) = (0.0_f64, 0);
    for _ in 0..QUESTIONS {
        let service = &services[rng.random_range(0..services.len())];
        let window = rng
            .random_range(20..260_000)
            .min(rng.random_range(20..260_000));
        let at = Timestamp::from_millis(
            BEGIN * 1_000 + rng.random_range(3_600_000..world.seconds() * 1_000),
        );
        let bad = rng.random_bool(0.5);
        let theirs = ask(service, bad, window, at);
        let ours = sum(service, bad, window, at);
        let apart = match (theirs, ours) {
            (Some(theirs), Some(ours)) => {
                answered += 1;
                (theirs - ours).abs() / theirs.abs().max(1e-9)
            }
            (None, None) => 0.0,
            (theirs, ours) => panic!(
                "{} [{window}s] at {at:?}: Prometheus says {theirs:?}, the port {ours:?}",
                service.name
            ),
        };
        worst = worst.max(apart);
    }
    println!(
        "{QUESTIONS} questions, {answered} with an answer; worst relative difference {worst:.1e}"
    );
    assert!(worst < 1e-9, "the port is not what Prometheus does");
}

fn sum(service: &Service, bad: bool, window: i64, at: Timestamp) -> Option<f64> {
    let wanted = |code: Option<&str>| !bad || code == Some("500");
    let series = service.series.iter();
    let series = series.filter(|series| wanted(series.labels.get("code")));
    let rates = series.filter_map(|series| Counted::new(series).rate(window, at));
    rates.reduce(|sum, rate| sum + rate)
}

fn ask(service: &Service, bad: bool, window: i64, at: Timestamp) -> Option<f64> {
    let code = if bad { ",code=~\"5..\"" } else { "" };
    let query = format!(
        "sum(rate({METRIC}{{service=\"{}\"{code}}}[{window}s]))",
        service.name
    );
    let at = format!("{:.3}", at.as_secs_f64());
    let mut command = Command::new("promtool");
    command.args(["query", "instant", "--time", &at]);
    command.args([&format!("http://127.0.0.1:{PORT}"), &query]);
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("run promtool: {error}"));
    assert!(output.status.success(), "promtool: {output:?}");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let value = text.split("=> ").nth(1)?.split(' ').next()?.to_owned();
    value.parse().ok()
}

/// As OpenMetrics text, made a block.
fn write_block(services: &[Service], directory: &Path) {
    let mut text = format!("# TYPE {} counter\n", METRIC.trim_end_matches("_total"));
    for series in services.iter().flat_map(|service| &service.series) {
        let label = |name| series.labels.get(name).unwrap_or_default();
        let (service, pod, code) = (label("service"), label("pod"), label("code"));
        for sample in &series.samples {
            let at = sample.at.as_secs_f64();
            text += &format!(
                "{METRIC}{{job=\"app\",service=\"{service}\",pod=\"{pod}\",code=\"{code}\"}} {} {at:.3}\n",
                sample.value
            );
        }
    }
    text += "# EOF\n";
    let path = directory.join("world.txt");
    let written = std::fs::File::create(&path).and_then(|mut file| file.write_all(text.as_bytes()));
    written.unwrap_or_else(|error| panic!("write the samples: {error}"));
    let mut command = Command::new("promtool");
    command.args(["tsdb", "create-blocks-from", "openmetrics"]);
    let made = command
        .arg(&path)
        .arg(directory.join("data"))
        .stdout(Stdio::null())
        .status();
    assert!(
        made.is_ok_and(|status| status.success()),
        "promtool made no block"
    );
}

struct Server(Child);

impl Server {
    fn start(directory: &Path) -> Self {
        let config = directory.join("prometheus.yml");
        let written = std::fs::write(&config, "global: {}\n");
        written.unwrap_or_else(|error| panic!("write the configuration: {error}"));
        let child = Command::new("prometheus")
            .arg(format!("--config.file={}", config.display()))
            .arg(format!(
                "--storage.tsdb.path={}",
                directory.join("data").display()
            ))
            .arg("--storage.tsdb.retention.time=100y")
            .arg(format!("--web.listen-address=127.0.0.1:{PORT}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let server = Self(child.unwrap_or_else(|error| panic!("start prometheus: {error}")));
        let address = format!("http://127.0.0.1:{PORT}");
        let mut tries = 0..600;
        let ready = || {
            let mut command = Command::new("promtool");
            let status = command.args(["query", "instant", &address, "1"]).output();
            status.is_ok_and(|output| output.status.success())
        };
        assert!(tries.any(|_| ready()), "prometheus does not answer");
        server
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}
