//! Diagnostics for people: what is wrong, the line it stands in, and what to write instead.

use crate::config::{Diagnostic, Diagnostics, Level};

use super::paint::{Paint, harmless};
use super::snippet::Snippet;
use super::source::Sources;

/// All of them, one after the other with a blank line between; notes only if they are wanted.
pub(super) fn diagnostics(
    found: &Diagnostics,
    notes: bool,
    sources: &mut Sources<'_>,
    paint: Paint,
) -> Vec<String> {
    let is_shown = |level: Level| notes || level != Level::Note;
    let shown = found.iter().filter(|one| is_shown(one.severity));
    let mut parts: Vec<String> = shown.map(|one| diagnostic(one, sources, paint)).collect();
    for level in Level::ALL.into_iter().filter(|level| is_shown(*level)) {
        let omitted = found.omitted(level);
        if omitted > 0 {
            parts.push(format!("and {omitted} more {}s", level.as_str()));
        }
    }
    parts
}

fn diagnostic(one: &Diagnostic, sources: &mut Sources<'_>, paint: Paint) -> String {
    let title = format!("{}[{}]", one.severity.as_str(), one.rule.name());
    let title = paint.level(one.severity, &title);
    let message = paint.bold(&harmless(&one.message));
    let place = harmless(&one.place.to_string());
    let number = one.place.line.to_string();
    let margin = " ".repeat(number.len());
    let (arrow, bar, equals) = (paint.frame("-->"), paint.frame("|"), paint.frame("="));
    let mut text = format!("{title}: {message}\n{margin}{arrow} {place}\n");
    if let Some(line) = sources.line(&one.place) {
        let Snippet {
            text: line,
            indent,
            length,
        } = Snippet::new(line, one.place.column);
        let number = paint.frame(&number);
        let caret = paint.level(one.severity, &"^".repeat(length));
        let before = " ".repeat(indent);
        text += &format!("{margin} {bar}\n{number} {bar} {line}\n{margin} {bar} {before}{caret}\n");
    }
    text += &format!(
        "{margin} {equals} {}: {}",
        paint.bold("help"),
        harmless(&one.fix)
    );
    text
}
