//! Tables that fit into the terminal: no word of a heading and no figure is broken.

use comfy_table::{CellAlignment, ColumnConstraint, LineStyle, Table, Width, presets};

use super::text::Page;
use super::words::folded;
use crate::cli::check;

/// Columns are so far apart: padding, ...
pub(super) const GAP: usize = PADDING + SEPARATOR;
/// ... which a cell has on either side, ...
pub(super) const PADDING: usize = 2;
/// ... and one character where others draw a line.
pub(super) const SEPARATOR: usize = 1;
/// A column is no narrower than this, its padding included, whatever the terminal is.
const NAME_WIDTH_MIN: usize = 16;
/// Words beside the first column are broken beyond that where there is little room.
pub(super) const WORDS_WIDTH_MAX: usize = 14;

impl Page<'_> {
    /// An empty table without lines between its rows.
    pub(super) fn table(&self, header: &[&str]) -> Table {
        let line = LineStyle::none().fill('─').junction('─');
        let mut table = check::table();
        table.load_style(presets::NOTHING.header_separator(line));
        table.set_width(self.width);
        table.set_header(header);
        table
    }

    /// Whether there is room for everything.
    pub(super) const fn is_wide(&self) -> bool {
        const WIDE: u16 = 90;
        self.width >= WIDE
    }

    /// A table of rows that fits into the terminal: figures that can be spared go first, then the
    /// names of the first column are folded. The first `words` columns are words, which may be
    /// broken between two of them, the others are figures, which may not.
    pub(super) fn fitted(
        &self,
        header: &mut Vec<&str>,
        mut rows: Vec<Vec<String>>,
        words: usize,
        dispensable: &[&str],
    ) -> Table {
        if widths(header, &rows).iter().sum::<usize>() > usize::from(self.width) {
            for row in &mut rows {
                let others = row.iter_mut().take(words).skip(1);
                others.for_each(|cell| *cell = folded(cell, WORDS_WIDTH_MAX));
            }
        }
        let least = self.fit(header, &mut rows, dispensable);
        if let Some(width) = least {
            for name in rows.iter_mut().filter_map(|row| row.first_mut()) {
                *name = folded(name, usize::from(width) - PADDING);
            }
        }
        let mut table = self.table(header);
        table.add_rows(rows);
        for (number, column) in table.column_iter_mut().enumerate() {
            if number >= words {
                column.set_cell_alignment(CellAlignment::Right);
            }
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
        if let (Some(width), Some(names)) = (least, table.column_mut(0)) {
            names.set_constraint(ColumnConstraint::Absolute(Width::Fixed(width)));
        }
        table
    }

    /// Leaves out figures until the rest fits into the terminal; says how wide the names may be,
    /// their padding included, where they have to be broken.
    fn fit(
        &self,
        header: &mut Vec<&str>,
        rows: &mut [Vec<String>],
        dispensable: &[&str],
    ) -> Option<u16> {
        let room = usize::from(self.width);
        for less in dispensable {
            let place = header.iter().position(|title| title == less);
            let needed: usize = widths(header, rows).iter().sum();
            if let Some(at) = place.filter(|_| needed > room) {
                header.remove(at);
                for row in rows.iter_mut() {
                    row.remove(at);
                }
            }
        }
        let widths = widths(header, rows);
        let (needed, names) = (widths.iter().sum::<usize>(), *widths.first()?);
        let width = names
            .saturating_sub(needed.saturating_sub(room))
            .max(NAME_WIDTH_MIN);
        let width = u16::try_from(width - SEPARATOR).ok();
        width.filter(|_| needed > room)
    }
}

/// How wide columns are that break nothing, what is between them included.
fn widths(header: &[&str], rows: &[Vec<String>]) -> Vec<usize> {
    let widest = |(at, title): (usize, &&str)| {
        let cells = rows.iter().filter_map(|row| row.get(at));
        let widths = cells.flat_map(|cell| cell.lines().map(|line| line.chars().count()));
        widths.max().unwrap_or_default().max(title.len()) + GAP
    };
    header.iter().enumerate().map(widest).collect()
}
