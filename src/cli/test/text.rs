//! The results for people: one line per test, and below a failing one what was expected, what
//! happened, and what happened around it.

use super::run::{Case, CaseOutcome, Results};
use super::{Paint, counted, harmless};
use crate::cli::harmless_lines;
use crate::config::Level;

/// The whole report.
pub(super) fn report(results: &Results, paint: Paint) -> String {
    let mut parts = Vec::new();
    for mistake in results.mistakes.iter() {
        parts.push(harmless_lines(&mistake.to_string()));
    }
    let omitted = results.mistakes.omitted(Level::Error);
    if omitted > 0 {
        parts.push(format!("and {omitted} more errors"));
    }
    for problem in &results.problems {
        let title = paint.level(Level::Error, "error");
        parts.push(format!("{title}: {}", harmless(problem)));
    }
    let mut file = "";
    for case in &results.cases {
        if case.file != file {
            file = &case.file;
            parts.push(paint.bold(&harmless(file)));
        }
        parts.push(self::case(case, paint));
    }
    parts.push(summary(results, paint));
    parts.join("\n")
}

fn case(case: &Case, paint: Paint) -> String {
    let name = harmless(&case.name);
    let verdict = match &case.outcome {
        CaseOutcome::Played(verdict) if verdict.failures.is_empty() => {
            return format!("  {} {name}", paint.good("ok  "));
        }
        CaseOutcome::Played(verdict) => verdict,
        CaseOutcome::Broken(why) => {
            let why = why
                .lines()
                .map(|line| format!("\n       {}", harmless(line)));
            let why: String = why.collect();
            return format!("  {} {name}{why}", paint.level(Level::Error, "FAIL"));
        }
    };
    let mut text = format!("  {} {name}", paint.level(Level::Error, "FAIL"));
    let mut told: Option<&[String]> = None;
    for failure in &verdict.failures {
        let place = paint.frame(&harmless(&failure.place.to_string()));
        let (expected, happened) = (harmless(&failure.expected), harmless(&failure.happened));
        text += &format!("\n       {place}");
        text += &format!("\n       expected {}", paint.bold(&expected));
        text += &format!("\n       but      {}", paint.bold(&happened));
        // What several failures have around them is told once.
        if told == Some(failure.timeline.as_slice()) {
            continue;
        }
        let first = told.replace(&failure.timeline).is_none();
        for remark in failure.remarks.iter().filter(|_| first) {
            text += &format!("\n       note     {}", harmless(remark));
        }
        for line in &failure.timeline {
            text += &format!("\n         {} {}", paint.frame("|"), harmless(line));
        }
    }
    text
}

fn summary(results: &Results, paint: Paint) -> String {
    let failed = results.failed();
    let passed = results.cases.len() - failed;
    let mut counts = vec![format!("{} passed", counted(passed, "test"))];
    if failed > 0 {
        counts.push(paint.level(Level::Error, &format!("{failed} failed")));
    }
    if results.left_out > 0 {
        counts.push(format!("{} left out by the filter", results.left_out));
    }
    let mistakes = results.mistakes.errors() + results.problems.len();
    if mistakes > 0 {
        counts.push(paint.level(Level::Error, &counted(mistakes, "mistake")));
    }
    counts.join(", ")
}
