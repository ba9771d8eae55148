//! Diagnostics as GitHub workflow commands, which become remarks on the lines of a change.
//!
//! Percent signs and line breaks are escaped in texts; in properties colons and commas, too.

use crate::config::{Diagnostic, Diagnostics, Level};

/// One command per line.
pub(super) fn report(found: &Diagnostics) -> String {
    let commands = found.iter().map(command);
    let omitted = Level::ALL.into_iter().filter_map(|level| {
        let omitted = found.omitted(level);
        let word = word(level);
        (omitted > 0).then(|| format!("::{word}::{omitted} more {}s", level.as_str()))
    });
    commands.chain(omitted).collect::<Vec<_>>().join("\n")
}

fn command(one: &Diagnostic) -> String {
    let place = &one.place;
    format!(
        "::{} file={},line={},col={},title={}::{}",
        word(one.severity),
        property(&place.file),
        place.line,
        place.column,
        property(one.rule.name()),
        data(&format!("{}\nhelp: {}", one.message, one.fix)),
    )
}

const fn word(level: Level) -> &'static str {
    match level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Note => "notice",
    }
}

fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use crate::config::Place;
    use crate::config::lint::Lint;

    use super::*;

    #[test]
    fn nothing_in_a_text_ends_its_command() {
        let one = Diagnostic {
            place: Place {
                file: "a,b:c%\n::error::.yaml".into(),
                line: 3,
                column: 5,
            },
            severity: Level::Warning,
            rule: Lint::DeadTier,
            message: "it needs 120%\r\n::error::x".to_owned(),
            fix: "write 99.9: less".to_owned(),
        };
        insta::assert_snapshot!(command(&one), @r#"::warning file=a%2Cb%3Ac%25%0A%3A%3Aerror%3A%3A.yaml,line=3,col=5,title=dead-tier::it needs 120%25%0D%0A::error::x%0Ahelp: write 99.9: less"#);
    }
}
