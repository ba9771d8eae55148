//! The results as JUnit's XML, as Jenkins, GitLab and others read it: a suite per file, a case per
//! test. Times are left out: a test takes virtual time only.

use std::fmt::Write;

use super::run::{Case, CaseOutcome, Results};

/// The whole document.
pub(super) fn report(results: &Results) -> String {
    let mut suites: Vec<(&str, Vec<&Case>)> = Vec::new();
    for case in &results.cases {
        match suites.last_mut() {
            Some((file, cases)) if *file == case.file => cases.push(case),
            _ => suites.push((&case.file, vec![case])),
        }
    }
    let mistakes: Vec<String> = results
        .mistakes
        .iter()
        .map(ToString::to_string)
        .chain(results.problems.iter().cloned())
        .collect();
    let tests = results.cases.len() + mistakes.len();
    let mut xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned();
    let mut line = |text: String| {
        xml += &text;
        xml.push('\n');
    };
    let (failed, errors) = (
        results.cases.iter().filter(|case| is_failed(case)).count(),
        mistakes.len(),
    );
    let broken = results.failed() - failed;
    let errors = errors + broken;
    line(format!(
        "<testsuites name=\"slofuse\" tests=\"{tests}\" failures=\"{failed}\" errors=\"{errors}\">"
    ));
    for (file, cases) in suites {
        let name = escaped(file);
        let failed = cases.iter().filter(|case| is_failed(case)).count();
        let broken = cases.iter().filter(|case| !case.is_good()).count() - failed;
        let tests = cases.len();
        line(format!(
            "  <testsuite name=\"{name}\" tests=\"{tests}\" failures=\"{failed}\" errors=\"{broken}\">"
        ));
        for case in cases {
            line(self::case(case));
        }
        line("  </testsuite>".to_owned());
    }
    if !mistakes.is_empty() {
        let count = mistakes.len();
        line(format!(
            "  <testsuite name=\"mistakes\" tests=\"{count}\" failures=\"0\" errors=\"{count}\">"
        ));
        for mistake in &mistakes {
            let first = escaped(mistake.lines().next().unwrap_or_default());
            let all = escaped(mistake);
            line(format!(
                "    <testcase classname=\"mistakes\" name=\"{first}\">\n      \
                 <error message=\"{first}\">{all}</error>\n    </testcase>"
            ));
        }
        line("  </testsuite>".to_owned());
    }
    line("</testsuites>".to_owned());
    xml
}

fn is_failed(case: &Case) -> bool {
    matches!(case.outcome, CaseOutcome::Played(_)) && !case.is_good()
}

fn case(case: &Case) -> String {
    let (file, name) = (escaped(&case.file), escaped(&case.name));
    let open = format!("    <testcase classname=\"{file}\" name=\"{name}\"");
    match &case.outcome {
        CaseOutcome::Broken(why) => {
            let first = escaped(why.lines().next().unwrap_or_default());
            let why = escaped(why);
            format!("{open}>\n      <error message=\"{first}\">{why}</error>\n    </testcase>")
        }
        CaseOutcome::Played(verdict) if verdict.failures.is_empty() => format!("{open}/>"),
        CaseOutcome::Played(verdict) => {
            let mut text = format!("{open}>");
            for failure in &verdict.failures {
                let message = format!("expected {}, but {}", failure.expected, failure.happened);
                let mut body = failure.place.to_string();
                for line in failure.remarks.iter().chain(&failure.timeline) {
                    body.push('\n');
                    body += line;
                }
                let (message, body) = (escaped(&message), escaped(&body));
                // Writing to a text cannot fail.
                let _infallible = write!(
                    text,
                    "\n      <failure message=\"{message}\">{body}</failure>"
                );
            }
            text + "\n    </testcase>"
        }
    }
}

/// Text for XML 1.0, in content or in quotes: what XML cannot hold becomes U+FFFD.
fn escaped(text: &str) -> String {
    let mut safe = String::new();
    for c in text.chars() {
        match c {
            '&' => safe += "&amp;",
            '<' => safe += "&lt;",
            '>' => safe += "&gt;",
            '"' => safe += "&quot;",
            '\'' => safe += "&apos;",
            '\n' | '\t' => safe.push(c),
            '\u{fffe}' | '\u{ffff}' => safe.push('\u{fffd}'),
            c if c.is_control() => safe.push('\u{fffd}'),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_stays_text() {
        assert_eq!(
            escaped("</failure><x a=\"b\" c='d'>&\u{0}\u{1b}[31m\u{ffff}\n]]>"),
            "&lt;/failure&gt;&lt;x a=&quot;b&quot; c=&apos;d&apos;&gt;&amp;\
             \u{fffd}\u{fffd}[31m\u{fffd}\n]]&gt;"
        );
    }
}
