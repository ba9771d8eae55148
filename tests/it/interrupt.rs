//! Runs that are ended before they are done: what they keep, what they leave, what they end with.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

use super::backtest::{SLO, history};

/// A folder for everything that a run reads and leaves.
struct Bed(TempDir);

impl Bed {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let bed = Self(folder);
        for name in ["tmp", "cache"] {
            std::fs::create_dir(bed.path(name)).unwrap();
        }
        let (slo, policy) = SLO.split_once("---\n").unwrap();
        let slos = (0..SLOS).map(|n| slo.replace("name: checkout", &format!("name: checkout{n}")));
        let definitions: Vec<String> = slos.chain([policy.to_owned()]).collect();
        std::fs::write(bed.path("slo.yaml"), definitions.join("---\n")).unwrap();
        bed
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_slofuse"));
        command
            .args(["backtest", "slo.yaml"])
            .args(arguments)
            .current_dir(self.0.path())
            .env("TMPDIR", self.path("tmp"))
            .env("XDG_CACHE_HOME", self.path("cache"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Starts a run and ends it by a signal as soon as a finished file of samples is there.
    fn ended(&self, arguments: &[&str], place: &str, signal: &str) -> Output {
        let mut run = self.command(arguments).spawn().unwrap();
        self.wait(&mut run, place);
        let sent = Command::new("kill")
            .args([signal, &run.id().to_string()])
            .status();
        assert!(sent.unwrap().success());
        run.wait_with_output().unwrap()
    }

    fn wait(&self, run: &mut Child, place: &str) {
        const ATTEMPTS: usize = 3000;
        for _attempt in 0..ATTEMPTS {
            if files(&self.path(place))
                .iter()
                .any(|file| file.ends_with(".chunk"))
            {
                return;
            }
            let ended = run.try_wait().unwrap();
            assert!(ended.is_none(), "it ended by itself: {ended:?}");
            std::thread::park_timeout(Duration::from_millis(10));
        }
        panic!("nothing was ever written to {place}");
    }
}

/// All files below a directory, by name.
fn files(directory: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false => found.push(path.display().to_string()),
        }
    }
    found
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// So many SLOs that nobody has played them before the signal comes.
const SLOS: usize = 100;

#[test]
fn a_run_that_is_ended_while_it_plays_leaves_nothing() {
    let bed = Bed::new();
    std::fs::write(bed.path("history.om"), history()).unwrap();
    let arguments = ["--history", "history.om"];
    for (signal, code) in [("-INT", 130), ("-TERM", 143)] {
        let output = bed.ended(&arguments, "tmp", signal);
        assert_eq!(output.status.code(), Some(code), "{}", said(&output));
        assert_eq!(
            (said(&output).as_str(), output.stdout.len()),
            ("slofuse: stopped\n", 0)
        );
        assert_eq!(std::fs::read_dir(bed.path("tmp")).unwrap().count(), 0);
    }
}

#[test]
fn what_a_killed_run_left_is_removed_by_the_next_one() {
    let bed = Bed::new();
    std::fs::write(bed.path("history.om"), history()).unwrap();
    let arguments = ["--history", "history.om"];
    let killed = bed.ended(&arguments, "tmp", "-KILL");
    assert_eq!(killed.status.code(), None);
    assert!(!files(&bed.path("tmp")).is_empty());
    let next = [
        "--history",
        "history.om",
        "--quick",
        "--slo",
        "shop/checkout1",
    ];
    let next = bed.command(&next).output().unwrap();
    assert!(next.status.success(), "{}", said(&next));
    assert_eq!(std::fs::read_dir(bed.path("tmp")).unwrap().count(), 0);
}

/// Answers a few questions with nothing, and then not at all.
struct Tiring(AtomicUsize);

impl Respond for Tiring {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        const ANSWERED: usize = 8;
        let matrix = String::from_utf8_lossy(&request.body).contains("%5B");
        let kind = if matrix { "matrix" } else { "vector" };
        let body = json!({"status": "success", "data": {"resultType": kind, "result": []}});
        let answer = ResponseTemplate::new(200).set_body_json(body);
        match self.0.fetch_add(1, Ordering::SeqCst) < ANSWERED {
            true => answer,
            false => answer.set_delay(Duration::from_secs(3600)),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_fetched_outlives_a_run_that_is_ended() {
    let server = MockServer::start().await;
    let tiring = Tiring(AtomicUsize::new(0));
    Mock::given(any()).respond_with(tiring).mount(&server).await;
    let bed = Bed::new();
    let url = server.uri();
    let arguments = ["--prometheus", &url, "--from", "30d", "--concurrency", "1"];
    let output = tokio::task::block_in_place(|| bed.ended(&arguments, "cache", "-INT"));
    let said = said(&output);
    assert_eq!(output.status.code(), Some(130), "{said}");
    let last = said.lines().last().unwrap_or_default();
    let kept = "slofuse: stopped; what was fetched is kept, the same command goes on from there";
    assert_eq!(last, kept);
    let cached = files(&bed.path("cache"));
    assert!(
        cached.iter().any(|file| file.ends_with(".chunk")),
        "{cached:?}"
    );
    assert!(
        !cached.iter().any(|file| file.contains("partial")),
        "{cached:?}"
    );
    assert_eq!(std::fs::read_dir(bed.path("tmp")).unwrap().count(), 0);
}
