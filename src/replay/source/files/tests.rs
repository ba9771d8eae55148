//! Files of every kind hold the same past as memory does; mistakes are told at their places.

use std::fmt::Write as _;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::engine::labels::METRIC_NAME;
use crate::engine::{Labels, RawSeries, Sample};
use crate::replay::source::tests::{AVAILABILITY, BEGIN, cut, options, played, shop, slos};
use crate::replay::{MemoryReel, Reel};

fn filing(files: &[&Path]) -> Filing {
    Filing {
        slos: slos(AVAILABILITY),
        options: options(),
        files: files.iter().map(|file| file.to_path_buf()).collect(),
        from: Some(BEGIN),
        until: None,
    }
}

fn file(dir: &TempDir, name: &str, text: &str) -> PathBuf {
    let path = dir.path().join(name);
    std::fs::write(&path, text).unwrap();
    path
}

/// Each sample as a line of its own.
fn lines(series: &[RawSeries], line: impl Fn(&Labels, &Sample) -> String) -> Vec<String> {
    let of = |one: &RawSeries| -> Vec<String> {
        one.samples
            .iter()
            .map(|sample| line(&one.labels, sample))
            .collect()
    };
    series.iter().flat_map(of).collect()
}

fn named(labels: &Labels) -> String {
    let others = labels.iter().filter(|(name, _)| *name != METRIC_NAME);
    let others = others.map(|(name, value)| format!("{name}={value:?}"));
    let name = labels.get(METRIC_NAME).unwrap();
    format!("{name}{{{}}}", others.collect::<Vec<_>>().join(","))
}

fn open_metrics(labels: &Labels, sample: &Sample) -> String {
    let at = sample.at.as_millis();
    format!(
        "{} {} {}.{:03}",
        named(labels),
        sample.value,
        at / 1000,
        at % 1000
    )
}

fn prometheus_text(labels: &Labels, sample: &Sample) -> String {
    format!(
        "{} {} {}",
        named(labels),
        sample.value,
        sample.at.as_millis()
    )
}

fn dump(labels: &Labels, sample: &Sample) -> String {
    let pairs = labels
        .iter()
        .map(|(name, value)| format!("{name}={value:?}"));
    let pairs = pairs.collect::<Vec<_>>().join(", ");
    format!("{{{pairs}}} {} {}", sample.value, sample.at.as_millis())
}

fn csv(labels: &Labels, sample: &Sample) -> String {
    let of = |name| labels.get(name).unwrap();
    let (metric, job, code) = (of(METRIC_NAME), of("job"), of("code"));
    let at = jiff::Timestamp::from_millisecond(sample.at.as_millis()).unwrap();
    format!("{},{at},{metric},{job},a,{code}", sample.value)
}

#[test]
fn every_kind_of_file_holds_the_same_past() {
    let dir = TempDir::new().unwrap();
    // Nothing before the windows: memory knows no hours.
    let series = shop(-73, 2);
    let mut scattered = lines(&series, dump);
    // Every line is somewhere else, none is lost.
    let count = scattered.len();
    scattered = (0..count)
        .map(|at| scattered[at * 7919 % count].clone())
        .collect();
    let messy: Vec<String> = lines(&series, open_metrics)
        .into_iter()
        .map(|line| format!("{line} # {{trace_id=\"a # b\"}} 1 1.5\r"))
        .collect();
    let kinds = [
        file(
            &dir,
            "a.om",
            &format!("{}\n# EOF\n", lines(&series, open_metrics).join("\n")),
        ),
        file(&dir, "b.prom", &lines(&series, prometheus_text).join("\n")),
        file(&dir, "c.dump", &scattered.join("\n")),
        file(
            &dir,
            "d.om",
            &format!(
                "\u{feff}# TYPE requests counter\r\n\r\n{}\nother 1 5\n{}\n",
                messy.join("\n"),
                "requests_total{job=\"shop\",instance=\"a\",code=\"200\"} NaN 1700006407"
            ),
        ),
        file(
            &dir,
            "e.csv",
            &format!(
                "value,time,metric,job,instance,code\n{}",
                lines(&series, csv).join("\n")
            ),
        ),
    ];
    for kind in &kinds {
        let mut history = from_files(&filing(&[kind])).unwrap();
        let until = BEGIN + Span::from_mins(120) - Span::from_secs(30);
        assert_eq!(
            (history.from, history.until),
            (BEGIN, until),
            "{}",
            kind.display()
        );
        let mut memory = MemoryReel::new(series.clone());
        let expected = played(&mut memory, BEGIN, until);
        let got = played(&mut *history.reel, BEGIN, until);
        assert_eq!(got, expected, "{}", kind.display());
        assert_eq!(history.remarks, Vec::<String>::new(), "{}", kind.display());
    }
}

#[test]
fn the_days_before_are_summed_up_by_the_hour() {
    let dir = TempDir::new().unwrap();
    let path = file(&dir, "a.om", &lines(&shop(-80, 2), open_metrics).join("\n"));
    let mut history = from_files(&filing(&[&path])).unwrap();
    let slo = &slos(AVAILABILITY)[0];
    let (from, until) = (BEGIN - Span::from_days(7), BEGIN + Span::from_hours(1));
    let hours = history.reel.hours(slo, from, until).unwrap();
    let sums: Vec<(i64, f64, f64)> = hours
        .iter()
        .map(|(_, at, counts)| {
            (
                at.since(from).as_millis() / 3_600_000,
                counts.bad,
                counts.total,
            )
        })
        .collect();
    // Of the first sample nobody knows what it counted; the last hour has the outage.
    let first = 7 * 24 - 80;
    let mut expected = vec![(first + 1, 0.0, 36_000.0)];
    expected.extend((2..=80).map(|n| (first + n, 0.0, 36_000.0)));
    expected.push((7 * 24 + 1, 6_000.0, 36_000.0));
    assert_eq!(sums, expected);
}

#[test]
fn several_files_are_one_past() {
    let dir = TempDir::new().unwrap();
    // Nothing before the windows: memory knows no hours.
    let series = shop(-73, 2);
    let half = BEGIN - Span::from_hours(30);
    let always = Timestamp::from_millis(i64::MAX);
    // The later half first; an hour is in both.
    let later = cut(&series, half - Span::from_hours(1), always);
    let earlier = cut(&series, Timestamp::EPOCH, half);
    let one = file(&dir, "1.om", &lines(&later, open_metrics).join("\n"));
    let two = file(&dir, "2.prom", &lines(&earlier, prometheus_text).join("\n"));
    let mut history = from_files(&filing(&[&one, &two])).unwrap();
    let mut memory = MemoryReel::new(series);
    let expected = played(&mut memory, BEGIN, history.until);
    assert_eq!(played(&mut *history.reel, BEGIN, history.until), expected);
    insta::assert_snapshot!(history.remarks.join("\n"), @"480 samples came twice: the first of each counts");
}

#[test]
fn counts_of_events_become_counters() {
    let dir = TempDir::new().unwrap();
    let minute = |n: i64| {
        let at = BEGIN.as_millis() / 1000 + n * 60;
        let (good, bad) = if (31..41).contains(&n) {
            (0, 600)
        } else {
            (600, 0)
        };
        (at, good, bad)
    };
    let rows = |row: &dyn Fn((i64, u64, u64)) -> String| {
        let rows = (-6 * 60..120).map(|n| row(minute(n)));
        rows.collect::<Vec<_>>().join("\n")
    };
    let kinds = [
        format!(
            "time,service,slo,good,bad\n{}",
            rows(&|(at, good, bad)| format!("{at},shop,availability,{good},{bad}"))
        ),
        format!(
            "time,total,bad\n{}",
            rows(&|(at, good, bad)| format!("{at},{},{bad}", good + bad))
        ),
        format!(
            "total,good,time\r\n{}\r\n",
            rows(&|(at, good, bad)| format!("{},{good},{at}000", good + bad))
        ),
        format!(
            "time,service,outcome,zone\n{}",
            rows(&|(at, good, _)| {
                let word = if good > 0 { "good" } else { "bad" };
                let row = format!("{at},shop,{word},eu\n");
                row.repeat(5).trim_end().to_owned()
            })
        ),
    ];
    let mut all = Vec::new();
    for text in kinds {
        let path = file(&dir, "counts.csv", &text);
        let mut history = from_files(&filing(&[&path])).unwrap();
        assert_eq!(history.from, BEGIN);
        let happened = played(&mut *history.reel, BEGIN, history.until);
        all.push(happened.matches("to: Firing").count());
        assert!(happened.contains("to: Firing"), "{happened}");
    }
    // Twelve times fewer events are still enough for the page.
    assert_eq!(all[..3], [all[0]; 3]);
}

#[test]
fn mistakes_are_told_at_their_places() {
    let dir = TempDir::new().unwrap();
    let text = "\
requests_total{code=\"200\"} 1 1700006400
requests_total{code=\"200\"} 1
requests_total{code=200} 1 1700006400
requests_total one 1700006400
requests_total 1 yesterday
requests_total 1 1700006400 more
requests_total{code=\"200\" 1 1700006400
nonsense
{__name__=\"requests\"} {count:1, sum:2} 1700006400
{job=\"shop\"} 1 1700006400
";
    let path = file(&dir, "wrong.om", text);
    let error = from_files(&filing(&[&path])).err().expect("mistakes");
    let text = error
        .to_string()
        .replace(&dir.path().display().to_string(), "");
    insta::assert_snapshot!(text, @r#"
    the history has mistakes
    /wrong.om:2: "requests_total{code=\"200\"} 1" has no timestamp: a past needs times
    /wrong.om:3: "requests_total{code=200}" has a label without a quoted value
    /wrong.om:4: "one" is no value
    /wrong.om:5: "yesterday" is no timestamp
    /wrong.om:6: "more" follows the timestamp
    /wrong.om:7: "requests_total{code=\"200\" 1 1700006400" is no sample: write name{label="value"} value time
    /wrong.om:8: "nonsense" is no sample: write name{label="value"} value time
    /wrong.om:9: "{__name__=\"requests\"}" is a native histogram: only its classic series can be read
    /wrong.om:10: "{job=\"shop\"}" has no metric name
    "#);

    let text = "\
time,service,good,bad
2026-03-01T09:00:00Z,shop,1,2
2026-03-01T08:00:00Z,shop,1,2
yesterday,shop,1,2
2026-03-01T10:00:00Z,nobody,1,2
2026-03-01T10:00:00Z,shop,-1,2
2026-03-01T10:00:00Z,shop,1
\"2026
";
    let path = file(&dir, "wrong.csv", text);
    let error = from_files(&filing(&[&path])).err().expect("mistakes");
    let text = error
        .to_string()
        .replace(&dir.path().display().to_string(), "");
    insta::assert_snapshot!(text, @r#"
    the history has mistakes
    /wrong.csv:3: this row is older than the one before: sort the file by time
    /wrong.csv:4: "yesterday" is no time: write 2026-03-01T09:00:00Z or unix seconds
    /wrong.csv:5: no SLO of nobody is made of counters: correct the columns service and slo, or leave these rows out
    /wrong.csv:6: "-1" is no number of events
    /wrong.csv:7: the row has 3 columns, and the header 4
    /wrong.csv:8: a quoted text has no end
    "#);
}

#[test]
fn mistakes_are_bounded() {
    let dir = TempDir::new().unwrap();
    let path = file(&dir, "wrong.om", &"nonsense\n".repeat(1000));
    let error = from_files(&filing(&[&path]))
        .err()
        .expect("mistakes")
        .to_string();
    assert_eq!(error.lines().count(), 22, "{error}");
    assert!(error.ends_with("reading ended here"), "{error}");
    let path = file(
        &dir,
        "long.om",
        &format!("x{}\nx 1 1700006400", "y".repeat(3 << 20)),
    );
    let error = from_files(&filing(&[&path]))
        .err()
        .expect("mistakes")
        .to_string();
    assert!(
        error.contains("long.om:1: the line is longer than 1 MiB"),
        "{error}"
    );
    assert_eq!(error.lines().count(), 2, "{error}");
    let path = file(&dir, "packed.gz", "");
    std::fs::write(&path, [0x1f, 0x8b, 8, 0]).unwrap();
    let error = from_files(&filing(&[&path]))
        .err()
        .expect("a mistake")
        .to_string();
    assert!(error.contains("gunzip"), "{error}");
    let error = from_files(&filing(&[Path::new("/nowhere/x")]))
        .err()
        .expect("no file");
    assert!(error.to_string().contains("reading /nowhere/x"), "{error}");
}

#[test]
fn queries_need_a_server() {
    let dir = TempDir::new().unwrap();
    let path = file(&dir, "a.om", &lines(&shop(-1, 1), open_metrics).join("\n"));
    let mut filing = filing(&[&path]);
    filing.slos.extend(slos(
        r#"
apiVersion: slofuse/v1
kind: SLO
metadata: {service: desk, name: queue}
spec:
  objective: 99
  period: 7d
  sli:
    ratio: {error_ratio: "1 - avg_over_time(free[$window])"}
"#,
    ));
    let history = from_files(&filing).unwrap();
    let refused: Vec<String> = history
        .refused
        .iter()
        .map(|(slo, why)| format!("{slo}: {why}"))
        .collect();
    insta::assert_snapshot!(refused.join("\n"), @"desk/queue: it is measured by queries for whole windows, which only a server answers: name one with --prometheus instead of --history");
}

#[test]
fn files_without_such_samples_are_empty() {
    let dir = TempDir::new().unwrap();
    let path = file(&dir, "other.om", "other_total 1 1700006400\n");
    let error = from_files(&filing(&[&path]))
        .err()
        .expect("nothing")
        .to_string();
    let wanted = "other.om has no samples of these SLOs after 2023-11-15T00:00:00Z";
    assert!(error.ends_with(wanted), "{error}");
}

#[test]
fn the_end_of_a_table_is_written_down_bit_by_bit() {
    let begin = BEGIN.as_millis() / 1000;
    let mut table = "time,good,bad,zone\n".to_owned();
    for zone in 0..20 {
        let _infallible = writeln!(table, "{begin},1,0,z{zone}");
    }
    // The others stand still until here.
    let _infallible = writeln!(table, "{},1,0,z0", begin + 7200);
    let slos = slos(AVAILABILITY);
    let feeds = PolledFeed::plan(&slos);
    let selectors = feeds[0].polls.iter();
    let selectors = selectors.map(|poll| poll.selector().clone()).collect();
    let scratch = Arc::new(Scratch::new().unwrap());
    let mut ingest = Ingest::new(selectors, scratch).with_buffer(100);
    let lines = Lines::new("a.csv".to_owned(), table.as_bytes());
    csv::read(lines, &slos, &mut ingest).unwrap();
    assert!(ingest.mistakes.is_empty());
    assert!(ingest.buffered() < 100, "{} wait", ingest.buffered());
    let read = ingest.finish().unwrap();
    assert_eq!(read.newest, Some(BEGIN + Span::from_hours(2)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn samples_in_any_order_come_out_in_order(
        samples in prop::collection::vec((0..30_000_000_i64, 0..50_u32, 0..3_usize), 1..300),
        buffer in 1..100_usize,
    ) {
        let selectors = vec![PolledFeed::plan(&slos(AVAILABILITY))[0].polls[0].selector().clone()];
        let scratch = Arc::new(Scratch::new().unwrap());
        let mut ingest = Ingest::new(selectors, scratch.clone()).with_buffer(buffer);
        let mut expected: BTreeMap<usize, BTreeMap<i64, f64>> = BTreeMap::new();
        let mut text = String::new();
        for (at, value, series) in &samples {
            writeln!(text, "requests_total{{code=\"{series}\"}} {value} {}.{:03}", at / 1000, at % 1000)
                .unwrap();
            let of = expected.entry(*series).or_default();
            of.entry(*at).or_insert(f64::from(*value));
        }
        exposition::read(Lines::new("x".to_owned(), text.as_bytes()), &mut ingest).unwrap();
        prop_assert!(ingest.mistakes.is_empty());
        let read = ingest.finish().unwrap();
        let start = Timestamp::from_millis(-1);
        let end = Timestamp::from_millis(30_000_000);
        let always = Timestamp::from_millis(i64::MIN);
        let mut reel = DiskReel::new((always, end), read.tapes, Some(scratch));
        let feeds = PolledFeed::plan(&slos(AVAILABILITY));
        let mut got: BTreeMap<usize, BTreeMap<i64, f64>> = BTreeMap::new();
        for one in reel.samples(&feeds[0], start, end).unwrap() {
            prop_assert!(one.samples.is_sorted_by(|a, b| a.at < b.at));
            let series = one.labels.get("code").unwrap().parse().unwrap();
            let samples = one.samples.iter().map(|s| (s.at.as_millis(), s.value));
            got.insert(series, samples.collect());
        }
        prop_assert_eq!(got, expected);
    }
}
