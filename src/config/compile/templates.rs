//! Templates: read, tried on every sample, and refused with the place of their own mistakes.

use crate::config::field::{Field, Section, ValueOr};
use crate::config::raw::settings as raw;
use crate::message::{Slot, Templates};

use super::secret::Outside;

/// The templates of a section; none when it is absent.
pub(super) fn templates(
    section: &Section<'_>,
    field: &Field<raw::Templates>,
    outside: &Outside<'_>,
) -> Option<Templates> {
    let mut templates = Templates::default();
    if field.is_absent() {
        return Some(templates);
    }
    let (section, raw) = (section.within(field, "templates"), field.value()?);
    let mut sound = true;
    for slot in Slot::ALL {
        let field = match slot {
            Slot::Title => &raw.title,
            Slot::Why => &raw.why,
            Slot::Notes => &raw.notes,
            Slot::Body => &raw.body,
            Slot::Subject => &raw.subject,
        };
        if !field.is_absent() {
            sound &= template(&section, slot, field, &mut templates, outside).is_some();
        }
    }
    sound.then_some(templates)
}

fn template(
    section: &Section<'_>,
    slot: Slot,
    field: &Field<raw::Template>,
    templates: &mut Templates,
    outside: &Outside<'_>,
) -> Option<()> {
    let fix = "correct the template; slofuse template render shows what it gives";
    match field.value()? {
        ValueOr::Value(text) => {
            let Err(error) = templates.set(slot, text) else {
                return Some(());
            };
            let start = error.line.map_or(0, |line| line_start(text, line));
            let mark = field.with(text.clone()).mark_at(start, section.mark);
            section.report.error(mark, error.text, fix);
        }
        ValueOr::Section(source) => {
            let section = section.within(field, "the template");
            section.required(&source.file, "file");
            let path = outside.file(&section, &source.file)?;
            let text = match (outside.read)(&path) {
                Ok(text) => text,
                Err(why) => {
                    let message = format!("the file {} cannot be used: {why}", path.display());
                    section.refuse(&source.file, message, "correct the file");
                    return None;
                }
            };
            let Err(error) = templates.set(slot, &text) else {
                return Some(());
            };
            let line = error.line.map(|line| format!(" line {line}"));
            let place = format!("{}{}", path.display(), line.unwrap_or_default());
            let message = format!("{place}: {}", error.text);
            section.refuse(&source.file, message, fix);
        }
    }
    None
}

/// The first byte of a line, counted from 1.
fn line_start(text: &str, line: usize) -> usize {
    let before = text.split_inclusive('\n').take(line.saturating_sub(1));
    before.map(str::len).sum()
}
