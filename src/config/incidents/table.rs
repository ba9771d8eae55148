//! Incidents as CSV (RFC 4180): a native table, or PagerDuty's export.
//!
//! PagerDuty's reports have two headers ("Download Reports to CSV" of its support pages): the basic
//! one with `Service`, `Opened On` and `Resolved On`, and the advanced one with `service_name`,
//! `created_on`, `resolved_on`, `description` and `urgency`.

use super::document::KEYS;
use super::{Cell, Draft, Drafts, End, severity, significance, urgency};
use crate::config::diagnostic::{Report, excerpt};
use crate::config::nearest::suggestion;
use crate::config::tree::Mark;
use crate::engine::parse_matchers;

/// Columns of a table.
const COLUMNS_MAX: usize = 200;
/// Rows of a table, the header among them: more are no incidents.
const ROWS_MAX: usize = 100_000;

/// What the rows of a file say.
pub(super) fn drafts(bytes: &[u8], report: &Report<'_>) -> Drafts {
    let mut rows = rows(bytes, report).into_iter();
    let Some(header) = rows.next() else {
        let fix = "begin with a header such as start,end,service,title";
        report.error(report.start(), "there are no incidents in this file", fix);
        return Drafts::default();
    };
    let names: Vec<String> = header.iter().map(|(_, name)| plain(name)).collect();
    let has = |name: &str| names.iter().any(|known| known == name);
    let form = match () {
        () if has("start") => Form::Native,
        () if has("created_on") || has("opened_on") || has("created_at") => Form::PagerDuty,
        () => {
            let message = "the header has neither start nor created_on";
            let fix = "begin with a header such as start,end,service,title";
            report.error(report.start(), message, fix);
            return Drafts::default();
        }
    };
    if matches!(form, Form::Native) {
        for ((mark, name), plain) in header.iter().zip(&names) {
            if !KEYS.contains(&plain.as_str()) {
                report.unknown_key(*mark, name, suggestion(plain, KEYS));
            }
        }
    }
    let lacks_end = matches!(form, Form::Native) && !has("end");
    if lacks_end {
        let fix = "add end, and write `open` where it has not ended";
        report.error(report.start(), "the header lacks end", fix);
    }
    let mut list = Vec::new();
    for row in rows {
        if row.len() != names.len() {
            let mark = row
                .first()
                .map_or_else(|| report.start(), |(mark, _)| *mark);
            let (has, wanted) = (row.len(), names.len());
            let message = format!("the row has {has} columns, the header has {wanted}");
            report.error(mark, message, "quote what holds a comma or a quote");
            continue;
        }
        let row = Row {
            names: &names,
            cells: &row,
        };
        let draft = match form {
            Form::Native => native(&row, report),
            Form::PagerDuty => exported(&row),
        };
        list.push(Draft {
            is_reported: lacks_end,
            ..draft
        });
    }
    Drafts { zone: None, list }
}

#[derive(Clone, Copy)]
enum Form {
    Native,
    PagerDuty,
}

/// `Resolved On` is `resolved_on`.
fn plain(name: &str) -> String {
    name.trim().to_lowercase().replace(' ', "_")
}

struct Row<'a> {
    names: &'a [String],
    cells: &'a [Cell],
}

impl Row<'_> {
    /// The first of these columns that is there and holds something.
    fn get(&self, columns: &[&str]) -> Option<Cell> {
        let find = |column: &&str| {
            let at = self.names.iter().position(|name| name == column)?;
            let (mark, text) = self.cells.get(at)?;
            let text = text.trim();
            (!text.is_empty()).then(|| (*mark, text.to_owned()))
        };
        columns.iter().find_map(find)
    }

    fn mark(&self) -> Mark {
        self.cells.first().map_or(Mark::start(0), |(mark, _)| *mark)
    }
}

fn native(row: &Row<'_>, report: &Report<'_>) -> Draft {
    let mut draft = Draft::new(row.mark(), ("start", "end"));
    draft.start = row.get(&["start"]);
    draft.end = match row.get(&["end"]) {
        Some((_, text)) if text == "open" => End::Open,
        Some(cell) => End::At(cell),
        None => End::Missing,
    };
    draft.slo = row.get(&["slo"]);
    draft.service = row.get(&["service"]);
    if let Some((mark, text)) = row.get(&["labels"]) {
        draft.labels = parse_matchers(&text).unwrap_or_else(|error| {
            let message = format!("{:?} are no labels: {error}", excerpt(&text));
            report.error(mark, message, r#"write them as zone="eu""#);
            Vec::new()
        });
    }
    draft.severity = row
        .get(&["severity"])
        .and_then(|cell| severity(&cell, report));
    let significant = row.get(&["significant"]);
    draft.significant = significant.is_none_or(|cell| significance(&cell, report));
    draft.title = row
        .get(&["title"])
        .map(|(_, title)| title)
        .unwrap_or_default();
    draft
}

fn exported(row: &Row<'_>) -> Draft {
    let mut draft = Draft::new(row.mark(), ("created_on", "resolved_on"));
    draft.start = row.get(&["created_on", "opened_on", "created_at"]);
    draft.end = match row.get(&["resolved_on", "resolved_at"]) {
        Some(cell) => End::At(cell),
        None => End::Open,
    };
    draft.service = row.get(&["service_name", "service"]);
    let word = row.get(&["urgency"]);
    draft.severity = word.and_then(|(_, word)| urgency(&word));
    let title = row.get(&["description", "title"]);
    draft.title = title.map(|(_, title)| title).unwrap_or_default();
    draft
}

/// The rows of a table, empty lines left out. A mistake of syntax ends it.
fn rows(bytes: &[u8], report: &Report<'_>) -> Vec<Vec<Cell>> {
    let Ok(text) = std::str::from_utf8(bytes) else {
        report.error(
            report.start(),
            "this is not UTF-8",
            "save the file as UTF-8",
        );
        return Vec::new();
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Reader {
        chars: text.chars().peekable(),
        mark: report.start(),
    };
    let mut rows = Vec::new();
    while reader.chars.peek().is_some() {
        match reader.row() {
            Ok(row) if row.iter().all(|(_, text)| text.is_empty()) => {}
            Ok(row) => rows.push(row),
            Err((mark, message, fix)) => {
                report.error(mark, message, fix);
                break;
            }
        }
        if rows.len() > ROWS_MAX {
            let message = format!("the table has more than {ROWS_MAX} rows");
            report.error(reader.mark, message, "split the file");
            break;
        }
    }
    rows
}

/// Takes a text apart, knowing the place.
struct Reader<'a> {
    chars: std::iter::Peekable<std::str::Chars<'a>>,
    mark: Mark,
}

/// Where, what, and what to do.
type Mistake = (Mark, &'static str, &'static str);

impl Reader<'_> {
    fn next(&mut self) -> Option<char> {
        let c = self.chars.next()?;
        if c == '\n' {
            self.mark.line += 1;
            self.mark.column = 1;
        } else {
            self.mark.column += 1;
        }
        Some(c)
    }

    fn row(&mut self) -> Result<Vec<Cell>, Mistake> {
        let mut row = Vec::new();
        loop {
            let mark = self.mark;
            let cell = match self.chars.peek() {
                Some('"') => self.quoted()?,
                _ => self.bare(),
            };
            row.push((mark, cell));
            if row.len() > COLUMNS_MAX {
                return Err((mark, "the row has more than 200 columns", "is this CSV?"));
            }
            match self.next() {
                Some(',') => {}
                Some('\r') => {
                    let _line_end = self.chars.next_if_eq(&'\n');
                    self.mark.line += 1;
                    self.mark.column = 1;
                    return Ok(row);
                }
                Some('\n') | None => return Ok(row),
                Some(_) => {
                    let fix = "double the quotes inside of a quoted text";
                    return Err((mark, "text follows the closing quote", fix));
                }
            }
        }
    }

    fn bare(&mut self) -> String {
        let mut text = String::new();
        while let Some(c) = self.chars.peek() {
            if matches!(c, ',' | '\n' | '\r') {
                break;
            }
            text.extend(self.next());
        }
        text
    }

    fn quoted(&mut self) -> Result<String, Mistake> {
        let begin = self.mark;
        self.next();
        let mut text = String::new();
        loop {
            match self.next() {
                Some('"') if self.chars.peek() == Some(&'"') => text.extend(self.next()),
                Some('"') => return Ok(text),
                Some(c) => text.push(c),
                None => return Err((begin, "this quote is not closed", "close it")),
            }
        }
    }
}
