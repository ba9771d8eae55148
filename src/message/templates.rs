//! The user's words: templates in place of the built-in texts.
//!
//! A template is tried on every sample before it is taken, so that what can fail fails when the
//! settings are read. At night nothing is lost: a text whose template fails keeps its built-in
//! words. Templates come from the settings and are trusted to that extent; still a slip of one
//! costs no more than [`FUEL`] instructions and [`OUTPUT_BYTES_MAX`].
//!
//! The files in `templates/` say the built-in words in this language, to start from.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, Value};
use minijinja::{AutoEscape, Environment, Error, UndefinedBehavior};
use reqwest::Url;

use super::context::Context;
use super::words::Message;
use super::{filters, sample, text};

/// Most lines of the notes.
pub const NOTES_LINES_MAX: usize = 20;
/// Longest line of the notes, in characters.
const NOTE_CHARS_MAX: usize = 500;
/// Longest title or subject, in characters.
const TITLE_CHARS_MAX: usize = 400;
/// Longest sentence that says why, in characters.
const WHY_CHARS_MAX: usize = 1000;
/// Most that a template may write, in bytes.
const OUTPUT_BYTES_MAX: usize = 256 * 1024;
/// Most instructions that rendering a template may take.
const FUEL: u64 = 200_000;
/// Deepest nesting of a template's macros.
const RECURSION_MAX: usize = 50;
/// Longest explanation of what is wrong, in characters.
const PROBLEM_CHARS_MAX: usize = 300;

/// Which text a template replaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Slot {
    /// What happened, to whom: one line.
    Title,
    /// Why somebody is told now: one line.
    Why,
    /// Further lines below the facts.
    Notes,
    /// The whole body of a generic webhook's request: JSON.
    Body,
    /// The subject of an e-mail: one line.
    Subject,
}

impl Slot {
    /// Every slot.
    pub const ALL: [Self; 5] = [
        Self::Title,
        Self::Why,
        Self::Notes,
        Self::Body,
        Self::Subject,
    ];

    /// The key in the settings.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Title => "title",
            Self::Why => "why",
            Self::Notes => "notes",
            Self::Body => "body",
            Self::Subject => "subject",
        }
    }

    /// A template that says what is said without one; of the body, an example.
    pub const fn usual(self) -> &'static str {
        match self {
            Self::Title => include_str!("templates/title.j2"),
            Self::Why => include_str!("templates/why.j2"),
            Self::Notes => include_str!("templates/notes.j2"),
            Self::Body => include_str!("templates/body.j2"),
            Self::Subject => include_str!("templates/subject.j2"),
        }
    }
}

/// Templates by the text that they replace; an empty set leaves the built-in words. Cheap to
/// clone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Templates {
    slots: BTreeMap<Slot, Arc<Template>>,
}

/// A template that has been tried.
struct Template {
    source: String,
    environment: Environment<'static>,
}

/// Templates are what their sources say.
impl PartialEq for Template {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Eq for Template {}

impl std::fmt::Debug for Template {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.source.fmt(f)
    }
}

/// What is wrong with a template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct TemplateError {
    /// The line of the template, from 1, where it is known.
    pub line: Option<usize>,
    /// What is wrong.
    pub text: String,
}

impl Templates {
    /// Adds a template after trying it on every sample.
    ///
    /// # Errors
    ///
    /// When it does not parse, or fails or gives something unusable for one of the samples.
    pub fn set(&mut self, slot: Slot, source: &str) -> Result<(), TemplateError> {
        let template = Template::new(slot, source)?;
        let external = Url::parse("https://slofuse.example/").ok();
        for (name, notification) in sample::all() {
            let message = Message::new(&notification, external.as_ref());
            let context = Context::new(&notification, &message, external.as_ref());
            let tried = template.write(slot, &context).and_then(|raw| {
                let shaped = shape(slot, &raw)?;
                shaped.cut.map_or(Ok(()), |bound| Err(problem(bound)))
            });
            tried.map_err(|error| TemplateError {
                text: format!("for the sample {name}: {}", error.text),
                ..error
            })?;
        }
        self.slots.insert(slot, Arc::new(template));
        Ok(())
    }

    /// These templates, and those of `base` where these have none.
    pub fn over(mut self, base: &Self) -> Self {
        for (slot, template) in &base.slots {
            let template = || Arc::clone(template);
            self.slots.entry(*slot).or_insert_with(template);
        }
        self
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// The text of a slot; `None` without a template.
    pub(super) fn render(
        &self,
        slot: Slot,
        context: &Context,
    ) -> Option<Result<String, TemplateError>> {
        let template = self.slots.get(&slot)?;
        let raw = template.write(slot, context);
        Some(raw.and_then(|raw| Ok(shape(slot, &raw)?.text)))
    }
}

impl Template {
    fn new(slot: Slot, source: &str) -> Result<Self, TemplateError> {
        let mut environment = Environment::new();
        environment.set_debug(true);
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_fuel(Some(FUEL));
        environment.set_recursion_limit(RECURSION_MAX);
        // Texts are escaped by each receiver as it must; JSON cannot be left to the user's care.
        environment.set_auto_escape_callback(|name| {
            if name == Slot::Body.as_str() {
                AutoEscape::Json
            } else {
                AutoEscape::None
            }
        });
        let syntax = SyntaxConfig::builder()
            .trim_blocks(true)
            .lstrip_blocks(true)
            .build();
        environment.set_syntax(syntax.map_err(|error| explain(&error))?);
        filters::add(&mut environment);
        let added = environment.add_template_owned(slot.as_str(), source.to_owned());
        added.map_err(|error| explain(&error))?;
        Ok(Self {
            source: source.to_owned(),
            environment,
        })
    }

    /// What it says, as it says it.
    fn write(&self, slot: Slot, context: &Context) -> Result<String, TemplateError> {
        let template = self.environment.get_template(slot.as_str());
        let template = template.map_err(|error| explain(&error))?;
        let mut paper = Paper::default();
        let written = template.render_captured_to(Value::from(Serde(context)), &mut paper);
        let written = written.map(|_state| ());
        if paper.is_full {
            let text = format!("it writes more than {OUTPUT_BYTES_MAX} bytes");
            return Err(problem(&text));
        }
        written.map_err(|error| explain(&error))?;
        String::from_utf8(paper.bytes).map_err(|_| problem("it writes no text"))
    }
}

/// What a template writes on.
#[derive(Default)]
struct Paper {
    bytes: Vec<u8>,
    is_full: bool,
}

impl io::Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > OUTPUT_BYTES_MAX {
            self.is_full = true;
            return Err(io::Error::other("the output is full"));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A text in the shape of its slot.
struct Shaped {
    text: String,
    /// The bound by which it was cut, if it was.
    cut: Option<&'static str>,
}

fn shape(slot: Slot, raw: &str) -> Result<Shaped, TemplateError> {
    let (chars_max, bound) = match slot {
        Slot::Title | Slot::Subject => (TITLE_CHARS_MAX, "it is longer than 400 characters"),
        Slot::Why => (WHY_CHARS_MAX, "it is longer than 1000 characters"),
        Slot::Notes => return Ok(notes(raw)),
        Slot::Body => return json(raw),
    };
    let words: Vec<&str> = raw.split_whitespace().collect();
    let words = words.join(" ");
    if words.is_empty() {
        return Err(problem("it says nothing"));
    }
    let is_cut = words.chars().count() > chars_max;
    Ok(Shaped {
        text: text::line(&words, chars_max),
        cut: is_cut.then_some(bound),
    })
}

fn notes(raw: &str) -> Shaped {
    let mut cut = None;
    let mut lines: Vec<String> = Vec::new();
    for line in raw.trim().lines() {
        if lines.len() == NOTES_LINES_MAX {
            cut = Some("it has more than 20 lines");
            break;
        }
        if line.trim().chars().count() > NOTE_CHARS_MAX {
            cut = Some("a line is longer than 500 characters");
        }
        lines.push(text::line(line, NOTE_CHARS_MAX));
    }
    Shaped {
        text: lines.join("\n"),
        cut,
    }
}

fn json(raw: &str) -> Result<Shaped, TemplateError> {
    let text = raw.trim().to_owned();
    match serde_json::from_str::<serde::de::IgnoredAny>(&text) {
        Ok(_) => Ok(Shaped { text, cut: None }),
        Err(error) => Err(problem(&format!(
            "it gives no JSON: {error} (what stands in braces is JSON by itself, without quotes \
             around it)"
        ))),
    }
}

fn problem(text: &str) -> TemplateError {
    TemplateError {
        line: None,
        text: text.to_owned(),
    }
}

/// An error in plain words and at its line.
fn explain(error: &Error) -> TemplateError {
    let words = match error.detail() {
        Some(detail) => format!("{}: {detail}", error.kind()),
        None => error.kind().to_string(),
    };
    // Where the engine knows it, the expression that failed.
    let failed = error.template_source().zip(error.range());
    let failed = failed.and_then(|(source, range)| source.get(range));
    let words = match failed {
        Some(failed) if !failed.trim().is_empty() => format!("{words} (in {})", failed.trim()),
        _ => words,
    };
    TemplateError {
        line: error.line(),
        text: text::line(&words, PROBLEM_CHARS_MAX),
    }
}

#[cfg(test)]
mod tests;
