//! The README's five minutes, played on a real Prometheus: the files as they are printed there,
//! the commands in their order, and a page at the end.
//!
//! Needs `prometheus`; without it the test fails.

use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use super::readme::section;
use super::repository;
use super::running;

/// Killed when dropped.
struct Process(Child);

impl Process {
    fn start(command: &mut Command, advice: &str) -> Self {
        let child = command.stdin(Stdio::null()).spawn();
        Self(child.unwrap_or_else(|error| panic!("starting {command:?}: {error}; {advice}")))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// The blocks of a language in the tour.
fn blocks(tour: &str, language: &str) -> Vec<String> {
    let begin = format!("```{language}\n");
    let blocks = tour.split(&begin).skip(1);
    blocks
        .map(|block| block.split("```").next().unwrap_or_default().to_owned())
        .collect()
}

fn prometheus(folder: &Path, port: u16) -> Process {
    let settings = format!(
        "global: {{scrape_interval: 1s}}
scrape_configs: [{{job_name: prometheus, static_configs: [{{targets: ['127.0.0.1:{port}']}}]}}]
"
    );
    std::fs::write(folder.join("prometheus.yml"), settings).unwrap();
    let program = std::env::var_os("PROMETHEUS_BIN").unwrap_or_else(|| "prometheus".into());
    let mut command = Command::new(program);
    command
        .current_dir(folder)
        .arg("--config.file=prometheus.yml")
        .arg("--storage.tsdb.path=data")
        .arg(format!("--web.listen-address=127.0.0.1:{port}"))
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    Process::start(&mut command, "install it: apt-get install prometheus")
}

/// Asks until Prometheus has scraped itself.
fn wait_for_samples(address: &str) {
    const ATTEMPTS: usize = 300;
    const QUERY: &str = "/api/v1/query?query=prometheus_http_requests_total";
    for _attempt in 0..ATTEMPTS {
        let is_up = TcpStream::connect(address).is_ok();
        if is_up
            && running::request(address, "GET", QUERY)
                .1
                .contains("__name__")
        {
            return;
        }
        std::thread::park_timeout(Duration::from_millis(100));
    }
    panic!("Prometheus never scraped itself");
}

#[test]
fn the_tour_ends_with_a_page() {
    let readme = repository::read("README.md");
    let tour = section(&readme, "## Five minutes with your own Prometheus");
    let folder = tempfile::tempdir().unwrap();
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let address = format!("127.0.0.1:{port}");
    let _prometheus = prometheus(folder.path(), port);
    wait_for_samples(&address);

    let here = |text: &str| text.replace("127.0.0.1:9090", &address);
    let yaml = blocks(&tour, "yaml");
    std::fs::write(folder.path().join("api.slo.yaml"), &yaml[0]).unwrap();
    let settings = format!("{}server: {{listen: '127.0.0.1:0'}}\n", here(&yaml[1]));
    std::fs::write(folder.path().join("slofuse.yaml"), settings).unwrap();

    let commands = blocks(&tour, "sh");
    let slofuse = |prefix: &str| {
        let command = commands
            .iter()
            .find_map(|block| block.trim().strip_prefix(prefix));
        let arguments = here(command.unwrap());
        let mut command = Command::new(env!("CARGO_BIN_EXE_slofuse"));
        command
            .current_dir(folder.path())
            .args(prefix.split(' ').skip(1));
        command.args(arguments.split(' ').filter(|word| !word.is_empty()));
        command
    };
    let checked = slofuse("slofuse check").output().unwrap();
    let said = String::from_utf8_lossy(&checked.stdout);
    assert!(checked.status.success(), "{said}");
    assert!(
        said.contains("1 SLO checked, no errors, 1 warning"),
        "{said}"
    );

    let mut run = slofuse("slofuse run");
    let mut daemon = Process::start(run.stdout(Stdio::piped()), "cargo builds it");
    let lines = BufReader::new(daemon.0.stdout.take().unwrap()).lines();
    let (heard, page) = mpsc::channel();
    std::thread::spawn(move || {
        let pages = lines
            .map_while(Result::ok)
            .filter(|line| line.contains("[PAGE]"));
        // Nobody listens any more once the test has ended.
        pages
            .take(1)
            .for_each(|line| heard.send(line).unwrap_or_default());
    });
    // The loop that asks nonsense; the lines after it only look.
    let nonsense = commands
        .iter()
        .find(|block| block.starts_with("for "))
        .unwrap();
    let nonsense = here(nonsense.lines().next().unwrap());
    let asked = Command::new("bash")
        .args(["-c", &nonsense])
        .status()
        .unwrap();
    assert!(asked.success());
    let page = page.recv_timeout(Duration::from_secs(100)).expect("a page");
    assert!(
        page.contains("prometheus/api burns its error budget"),
        "{page}"
    );
}
