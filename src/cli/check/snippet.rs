//! One line of a file with a caret under one of its columns, within the width of a terminal.

use unicode_width::UnicodeWidthChar;

use super::paint::is_obeyed;

/// Columns of the terminal that a line may take.
const WIDTH_MAX: usize = 84;
/// Columns before the caret that stay visible when a line is cut.
const BEFORE_MAX: usize = 40;
/// Spaces for a tab.
const TAB: usize = 4;
const CUT: char = '…';

/// A line that fits, and where its caret goes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Snippet {
    /// What is shown of the line.
    pub(super) text: String,
    /// Columns of the terminal before the caret.
    pub(super) indent: usize,
    /// Columns that are underlined, at least 1.
    pub(super) length: usize,
}

impl Snippet {
    /// `column` counts characters from 1.
    pub(super) fn new(line: &str, column: u32) -> Self {
        let at = usize::try_from(column)
            .unwrap_or(usize::MAX)
            .saturating_sub(1);
        let cells: Vec<Cell> = line.trim_end().chars().map(Cell::new).collect();
        let marked = marked(line, at);
        let width = |cells: &[Cell]| cells.iter().map(|cell| cell.width).sum::<usize>();
        let at = at.min(cells.len());
        let mut from = 0;
        if width(&cells) > WIDTH_MAX {
            while width(&cells[from..at]) > BEFORE_MAX {
                from += 1;
            }
        }
        let mut text: String = if from > 0 {
            CUT.to_string()
        } else {
            String::new()
        };
        let indent = text.chars().count() + width(&cells[from..at]);
        let mut used = text.chars().count();
        let mut end = from;
        while let Some(cell) = cells.get(end) {
            let is_last = end + 1 == cells.len();
            if used + cell.width + usize::from(!is_last) > WIDTH_MAX {
                text.push(CUT);
                break;
            }
            cell.show(&mut text);
            used += cell.width;
            end += 1;
        }
        let until = (at + marked).min(end).max(at);
        let length = width(&cells[at..until]).max(1);
        Self {
            text,
            indent,
            length,
        }
    }
}

/// One character and the columns it takes.
struct Cell {
    shown: char,
    width: usize,
    repeated: usize,
}

impl Cell {
    fn new(c: char) -> Self {
        let (shown, width, repeated) = match c {
            '\t' => (' ', TAB, TAB),
            c if is_obeyed(c) => ('\u{fffd}', 1, 1),
            c => (c, c.width().unwrap_or(1), 1),
        };
        Self {
            shown,
            width,
            repeated,
        }
    }

    fn show(&self, text: &mut String) {
        text.extend(std::iter::repeat_n(self.shown, self.repeated));
    }
}

/// How many characters belong together from there: a quoted text, or a word.
fn marked(line: &str, at: usize) -> usize {
    let mut rest = line.chars().skip(at);
    match rest.next() {
        Some(quote @ ('"' | '\'')) => {
            let inside = rest.clone().take_while(|c| *c != quote).count();
            let closed = rest.nth(inside).is_some();
            if closed { inside + 2 } else { 1 }
        }
        Some(first) if is_word(first) => 1 + rest.take_while(|c| is_word(*c)).count(),
        _ => 1,
    }
}

fn is_word(c: char) -> bool {
    !c.is_whitespace()
        && !matches!(
            c,
            ',' | ':' | '{' | '}' | '[' | ']' | '(' | ')' | '"' | '\''
        )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn drawn(line: &str, column: u32) -> String {
        let Snippet {
            text,
            indent,
            length,
        } = Snippet::new(line, column);
        format!("{text}\n{}{}", " ".repeat(indent), "^".repeat(length))
    }

    #[test]
    fn the_caret_stands_under_its_word() {
        insta::assert_snapshot!(drawn("  objective: 100", 14), @r"
          objective: 100
                     ^^^
        ");
        insta::assert_snapshot!(drawn("routes: {page: [pgaer, 'b c']}", 24), @r"
        routes: {page: [pgaer, 'b c']}
                               ^^^^^
        ");
        insta::assert_snapshot!(drawn("a: 'open", 4), @r"
        a: 'open
           ^
        ");
        insta::assert_snapshot!(drawn("a:", 3), @r"
        a:
          ^
        ");
    }

    #[test]
    fn tabs_and_wide_characters_move_the_caret() {
        insta::assert_snapshot!(drawn("\tkey: 漢字 x", 10), @r"
            key: 漢字 x
                      ^
        ");
        // A combining accent takes no column of its own.
        assert_eq!(Snippet::new("e\u{301}: x", 5).indent, 3);
        assert_eq!(drawn("a\x1b[31m: b", 8), "a\u{fffd}[31m: b\n       ^");
    }

    #[test]
    fn long_lines_are_cut_around_the_caret() {
        let line = format!("total: {}WRONG{}", "x + ".repeat(100), " + y".repeat(100));
        insta::assert_snapshot!(drawn(&line, 408), @r#"
        …x + x + x + x + x + x + x + x + x + x + WRONG + y + y + y + y + y + y + y + y + y …
                                                 ^^^^^
        "#);
        let end = "abc ".repeat(100);
        insta::assert_snapshot!(drawn(&end, 397), @r"
        …abc abc abc abc abc abc abc abc abc abc abc
                                                 ^^^
        ");
        insta::assert_snapshot!(drawn(&end, 1), @r"
        abc abc abc abc abc abc abc abc abc abc abc abc abc abc abc abc abc abc abc abc abc…
        ^^^
        ");
    }

    proptest! {
        #[test]
        fn any_line_fits_and_the_caret_is_within(line in "\\PC{0,300}|[\\x00-\\x7f]{0,300}", column in 0u32..400) {
            let snippet = Snippet::new(&line, column);
            let width: usize = snippet.text.chars().map(|c| c.width().unwrap_or(99)).sum();
            prop_assert!(width <= WIDTH_MAX + 1, "{width}: {snippet:?}");
            prop_assert!(snippet.length >= 1);
            prop_assert!(snippet.indent + snippet.length <= WIDTH_MAX + 2, "{snippet:?}");
        }
    }
}
