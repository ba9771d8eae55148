//! The results for programs.

use serde_json::{Value, json};

use super::run::{Case, CaseOutcome, Results};
use crate::replay::trial::Failure;

/// `{"passed": 1, "failed": 0, .., "tests": [..], "mistakes": {..}, "problems": [..]}`
pub(super) fn report(results: &Results) -> Value {
    let failed = results.failed();
    json!({
        "passed": results.cases.len() - failed,
        "failed": failed,
        "left_out": results.left_out,
        "tests": results.cases.iter().map(case).collect::<Vec<_>>(),
        "mistakes": results.mistakes,
        "problems": results.problems,
    })
}

fn case(case: &Case) -> Value {
    let (slots, claims, failures, broken) = match &case.outcome {
        CaseOutcome::Played(verdict) => {
            let failures: Vec<Value> = verdict.failures.iter().map(failure).collect();
            (verdict.slots, verdict.claims, failures, None)
        }
        CaseOutcome::Broken(why) => (0, 0, Vec::new(), Some(why)),
    };
    json!({
        "file": case.file,
        "name": case.name,
        "passed": case.is_good(),
        "slots": slots,
        "expectations": claims,
        "failures": failures,
        "error": broken,
    })
}

fn failure(failure: &Failure) -> Value {
    json!({
        "place": failure.place,
        "expected": failure.expected,
        "happened": failure.happened,
        "remarks": failure.remarks,
        "timeline": failure.timeline,
    })
}
