//! kill -9: a process that commits in a loop is killed, and what it left is looked at.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use super::*;

/// Makes this test program play the process that is killed; names its state directory.
const VICTIM: &str = "SLOFUSE_TEST_VICTIM_DIRECTORY";

/// Begins the lines in which the victim acknowledges a commit.
const ACKNOWLEDGED: &str = "committed ";

const RECEIVERS: [&str; 3] = ["chat", "hook", "oncall"];

/// Commits per victim, so that an orphan ends by itself.
const COMMITS_MAX: i64 = 10_000;

/// Commit number n: alert n opens, alert n - 1 is forgotten.
fn effects(n: i64) -> Vec<Effect> {
    let alert = format!("alert-{n}");
    let mut effects = vec![
        Effect::Forget(key(&format!("alert-{}", n - 1))),
        transition(&alert, at(n), StateName::Inactive, StateName::Firing),
        Effect::Save(record(&alert, at(n))),
    ];
    effects.extend(RECEIVERS.map(|receiver| trigger(receiver, &alert)));
    effects
}

fn be_the_victim(directory: &str) {
    let store = Store::open(Path::new(directory)).unwrap();
    let last = count(&store, "SELECT coalesce(max(at), 0) FROM transitions");
    let first = if last == 0 { 1 } else { seconds(last) + 1 };
    for n in first..first + COMMITS_MAX {
        store.commit(at(n), &effects(n)).unwrap();
        println!("\n{ACKNOWLEDGED}{n}");
    }
}

#[test]
fn a_killed_process_leaves_whole_commits() {
    if let Ok(directory) = std::env::var(VICTIM) {
        return be_the_victim(&directory);
    }
    let directory = tempfile::tempdir().unwrap();
    let mut before = 0;
    for acknowledgements in [1, 2, 7, 20, 45] {
        let acknowledged = kill_after(directory.path(), acknowledgements);
        let store = Store::open(directory.path()).unwrap();
        let last = seconds(count(&store, "SELECT max(at) FROM transitions"));
        assert!(last >= acknowledged, "an acknowledged commit is there");
        assert!(
            last > before,
            "the victim went on where the last one was killed"
        );
        assert_whole(&store, last);
        before = last;
    }
}

/// Starts a victim, kills it after so many acknowledgements, returns the last of them.
fn kill_after(directory: &Path, acknowledgements: usize) -> i64 {
    let test = "store::tests::kill::a_killed_process_leaves_whole_commits";
    let mut victim = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(VICTIM, directory)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(victim.stdout.take().unwrap()).lines();
    let numbers = lines.filter_map(|line| line.unwrap().strip_prefix(ACKNOWLEDGED)?.parse().ok());
    let seen: Vec<i64> = numbers.take(acknowledgements).collect();
    victim.kill().unwrap();
    victim.wait().unwrap();
    assert_eq!(seen.len(), acknowledgements, "the victim ended by itself");
    seen.last().copied().unwrap()
}

/// Commits 1 to `last` are there with all their parts, and nothing else is.
fn assert_whole(store: &Store, last: i64) {
    assert_eq!(count(store, "SELECT count(*) FROM transitions"), last);
    let alerts = store.load().unwrap().alerts;
    assert_eq!(alerts, [record(&format!("alert-{last}"), at(last))]);
    let sql = "SELECT count(*) FROM (SELECT count(*) AS told FROM outbox
        GROUP BY dedup_key HAVING told = 3)";
    assert_eq!(count(store, sql), last);
    assert_eq!(count(store, "SELECT count(*) FROM outbox"), 3 * last);
    let check = "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check = 'ok'";
    assert_eq!(count(store, check), 1);
}

fn count(store: &Store, sql: &str) -> i64 {
    let query = |connection: &Connection| connection.query_row(sql, [], |row| row.get(0));
    store.read("count", query).unwrap()
}

/// The n for which `at(n)` is these milliseconds.
fn seconds(millis: i64) -> i64 {
    Timestamp::from_millis(millis).since(T0).as_millis() / 1000
}
