//! How long `slofuse check` takes for a large company's definitions: the real program, a directory
//! of generated files, every format of the report.
//!
//! `cargo bench --bench check`; a number as its argument changes how many files there are.

#![expect(clippy::print_stdout, reason = "the table is the purpose")]

use std::path::Path;
use std::process::Command;
use std::time::Instant;

const FILES: usize = 2_000;
/// What a person waits for without wondering, in seconds.
const AIM: f64 = 2.0;

fn main() {
    let files = std::env::args()
        .skip(1)
        .find_map(|argument| argument.parse().ok());
    let files = files.unwrap_or(FILES);
    let directory = tempfile::tempdir().expect("a temp dir");
    generate(directory.path(), files);
    for format in ["text", "json", "sarif", "github"] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_slofuse"));
        command
            .arg("check")
            .arg(directory.path())
            .args(["--format", format]);
        let start = now();
        let output = command.output().expect("the program runs");
        let seconds = start.elapsed().as_secs_f64();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let verdict = if seconds < AIM { "within" } else { "ABOVE" };
        let bytes = output.stdout.len();
        println!("{files} files as {format:6}: {seconds:.2} s, {verdict} {AIM} s ({bytes} bytes)");
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a bench measures, it decides nothing"
)]
fn now() -> Instant {
    Instant::now()
}

/// Every kind of SLI, in directories of a hundred; each tenth has no runbook.
fn generate(directory: &Path, files: usize) {
    for index in 0..files {
        let folder = directory.join(format!("team-{:02}", index / 100));
        std::fs::create_dir_all(&folder).expect("a directory is made");
        let file = folder.join(format!("slo-{index:04}.yaml"));
        std::fs::write(file, definition(index)).expect("a file is written");
    }
}

fn definition(index: usize) -> String {
    let sli = match index % 4 {
        0 => {
            "    events:
      bad: sum by (region) (rate(http_requests_total{job=\"shop\",code=~\"5..\"}[$window]))
      total: sum by (region) (rate(http_requests_total{job=\"shop\"}[$window]))
"
        }
        1 => {
            "    latency:
      histogram: http_request_duration_seconds{job=\"shop\"}
      threshold: 300ms
"
        }
        2 => {
            "    time_slices:
      condition: time() - max(export_finished_timestamp_seconds) < 3600
"
        }
        _ => {
            "    ratio:
      error_ratio: >-
        sum(rate(lost_total[$window])) / (sum(rate(kept_total[$window])) * 2)
"
        }
    };
    let runbook = match index % 10 {
        0 => "",
        _ => "  runbook: https://example.com/runbooks/shop\n",
    };
    format!(
        "apiVersion: slofuse/v1
kind: SLO
metadata:
  service: service-{}
  name: slo-{index}
  owner: team-{}
  description: Whoever buys can pay.
{runbook}spec:
  objective: 99.{}
  period: 30d
  sli:
{sli}",
        index / 10,
        index / 100,
        index % 9 + 1,
    )
}
