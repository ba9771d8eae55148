//! A child process with its output in a file.
//!
//! It is killed when dropped, and its output is printed when the test that owns it fails.

use std::fs::{File, OpenOptions};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use super::wait;

/// A running (or killed) child process.
#[derive(Debug)]
pub(crate) struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts the command; its output is appended to `log`.
    ///
    /// # Panics
    ///
    /// With `advice` when the program does not exist.
    pub(crate) fn spawn(mut command: Command, log: &Path, advice: &str) -> Self {
        let name = command.get_program().to_string_lossy().into_owned();
        let output = open(log);
        let errors = output.try_clone().expect("the log file can be shared");
        command.stdin(Stdio::null()).stdout(output).stderr(errors);
        let child = command.spawn().unwrap_or_else(|error| match error.kind() {
            ErrorKind::NotFound => panic!("there is no {name}: {advice}"),
            _ => panic!("starting {name}: {error}"),
        });
        Self {
            name,
            child,
            log: log.to_owned(),
        }
    }

    /// SIGKILL, and waits until the process is gone.
    pub(crate) fn kill(&mut self) {
        // Both fail only when the process has already been waited for.
        self.child.kill().ok();
        self.child.wait().ok();
    }

    /// SIGTERM, and waits for the exit.
    pub(crate) async fn terminate(&mut self, limit: Duration) -> ExitStatus {
        self.signal("TERM");
        let what = format!("{} to exit after SIGTERM", self.name);
        wait::until(&what, limit, async || self.exited()).await
    }

    /// Sends a signal, such as `HUP`.
    pub(crate) fn signal(&self, name: &str) {
        let arguments = [format!("-{name}"), self.child.id().to_string()];
        let status = Command::new("kill").args(arguments).status();
        assert!(status.is_ok_and(|s| s.success()), "sending SIG{name}");
    }

    /// How the process ended, if it did.
    pub(crate) fn exited(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("a child can be waited for")
    }

    /// User and system time the process has used, read from `/proc`.
    pub(crate) fn cpu_time(&self) -> Duration {
        // Linux reports to user space in ticks of 10 ms on every architecture (USER_HZ).
        const TICK: Duration = Duration::from_millis(10);
        let path = format!("/proc/{}/stat", self.child.id());
        let stat = std::fs::read_to_string(&path).expect("the process runs");
        // The name, in parentheses, may hold spaces: fields are counted after it.
        let (_, fields) = stat.rsplit_once(')').expect("stat names the program");
        let field = |at: usize| -> u32 {
            let text = fields.split_whitespace().nth(at).expect("the field exists");
            text.parse().expect("ticks are a number")
        };
        const UTIME: usize = 11;
        const STIME: usize = 12;
        TICK * (field(UTIME) + field(STIME))
    }

    /// Everything the process has printed.
    pub(crate) fn output(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Process {
    #[expect(clippy::print_stdout, reason = "the test harness captures it")]
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            println!("--- output of {}\n{}", self.name, self.output());
        }
    }
}

fn open(log: &Path) -> File {
    let mut options = OpenOptions::new();
    let file = options.create(true).append(true).open(log);
    file.unwrap_or_else(|error| panic!("opening {}: {error}", log.display()))
}
