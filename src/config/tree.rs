//! YAML as a tree in which every node knows its line and column.
//!
//! Reading is total and bounded: any bytes end in documents, in mistakes, or in both. A mistake
//! of syntax or a broken bound ends the file, with one clear mistake; what stood before it is
//! still returned. Scalars stay text; what they mean is decided by whoever reads them, so
//! `country: no` and `version: 1.10` are what they look like.

mod node;

use std::collections::{BTreeMap, BTreeSet};

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span as SourceSpan};

use super::diagnostic::{Report, excerpt};

pub(super) use node::{Key, Mark, Node, Value};

/// Levels of nesting.
const DEPTH_MAX: usize = 64;
/// Keys and values in one file: enough for 50 000 definitions.
const NODES_MAX: usize = 4_000_000;
/// Bytes that anchors and aliases of one file may copy.
pub(super) const COPIED_BYTES_MAX: usize = 4 << 20;

/// What a file holds.
pub(super) struct Tree {
    /// Its documents, without the empty ones.
    pub(super) documents: Vec<Node>,
    /// Whether the file was read to its end.
    pub(super) complete: bool,
}

/// Reads all documents of a file.
pub(super) fn parse(bytes: &[u8], report: &Report<'_>) -> Tree {
    let mut documents = Vec::new();
    let read = read(bytes, report, &mut documents);
    let complete = read.is_ok();
    if let Err(stop) = read {
        let mark = Mark {
            file: report.file(),
            ..stop.mark
        };
        report.error(mark, stop.message, stop.fix);
    }
    Tree {
        documents,
        complete,
    }
}

/// A mistake after which the rest of the file cannot be read; its mark knows no file yet.
struct Stop {
    mark: Mark,
    message: String,
    fix: String,
}

impl Stop {
    fn new(mark: Mark, message: impl Into<String>, fix: impl Into<String>) -> Self {
        Self {
            mark,
            message: message.into(),
            fix: fix.into(),
        }
    }
}

fn read(bytes: &[u8], report: &Report<'_>, documents: &mut Vec<Node>) -> Result<(), Stop> {
    let text = printable(bytes)?;
    let mut builder = Builder {
        report,
        documents,
        open: Vec::new(),
        anchors: BTreeMap::new(),
        nodes: 0,
        copied_bytes: 0,
    };
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| not_yaml(&error))?;
        builder.take(event, &span)?;
    }
    Ok(())
}

fn not_yaml(error: &ScanError) -> Stop {
    let mark = Mark::of(0, error.marker());
    // The parser has a bound of its own for brackets, and looks ahead.
    if error.info() == "recursion limit exceeded" {
        return too_deep(mark);
    }
    let fix = "check the indentation, quotes and brackets before this place";
    Stop::new(mark, format!("this is not YAML: {}", error.info()), fix)
}

fn too_deep(mark: Mark) -> Stop {
    let message = format!("this is nested deeper than {DEPTH_MAX} levels");
    Stop::new(mark, message, "nest less")
}

/// The bytes as text, if YAML allows every character; the parser would take a NUL for the end.
fn printable(bytes: &[u8]) -> Result<&str, Stop> {
    let (text, valid) = match std::str::from_utf8(bytes) {
        Ok(text) => (text, true),
        Err(error) => {
            let valid = bytes.get(..error.valid_up_to()).unwrap_or_default();
            (std::str::from_utf8(valid).unwrap_or_default(), false)
        }
    };
    let allowed = |c: char| matches!(c, '\t' | '\n' | '\r') || !c.is_control() || c == '\u{85}';
    if let Some(at) = text.find(|c| !allowed(c)) {
        let message = "a control character is not allowed here";
        return Err(Stop::new(end_of(text, at), message, "remove it"));
    }
    if !valid {
        let fix = "save the file as UTF-8";
        return Err(Stop::new(
            end_of(text, text.len()),
            "this is not UTF-8",
            fix,
        ));
    }
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

/// The mark of the character at this byte.
fn end_of(text: &str, at: usize) -> Mark {
    let before = text.get(..at).unwrap_or_default();
    let last = before.rsplit('\n').next().unwrap_or_default();
    Mark {
        file: 0,
        line: before.matches('\n').count() as u32 + 1,
        column: last.chars().count() as u32 + 1,
    }
}

/// Turns parser events into nodes without recursion.
struct Builder<'a, 'r> {
    report: &'a Report<'r>,
    documents: &'a mut Vec<Node>,
    /// Sequences and mappings that are not closed yet, outermost first.
    open: Vec<Open>,
    /// Closed nodes that an alias may copy.
    anchors: BTreeMap<usize, Node>,
    nodes: usize,
    copied_bytes: usize,
}

struct Open {
    mark: Mark,
    /// The parser's number of the anchor; 0 for none.
    anchor: usize,
    content: Content,
}

enum Content {
    Sequence(Vec<Node>),
    Mapping {
        entries: Vec<(Key, Node)>,
        /// A key that waits for its value.
        key: Option<Key>,
    },
}

impl Builder<'_, '_> {
    fn take(&mut self, event: Event<'_>, span: &SourceSpan) -> Result<(), Stop> {
        let mark = Mark::of(self.report.file(), &span.start);
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.refuse_tag(mark, tag.is_some());
                let value = scalar(text.into_owned(), style, span);
                self.close(Node { mark, value }, anchor)
            }
            Event::SequenceStart(anchor, tag) => {
                self.refuse_tag(mark, tag.is_some());
                self.open(mark, anchor, Content::Sequence(Vec::new()))
            }
            Event::MappingStart(anchor, tag) => {
                self.refuse_tag(mark, tag.is_some());
                let (entries, key) = (Vec::new(), None);
                self.open(mark, anchor, Content::Mapping { entries, key })
            }
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(open) => {
                    let value = match open.content {
                        Content::Sequence(items) => Value::Sequence(items),
                        Content::Mapping { entries, .. } => Value::Mapping(self.unique(entries)),
                    };
                    let mark = open.mark;
                    self.close(Node { mark, value }, open.anchor)
                }
                None => Ok(()),
            },
            Event::Alias(anchor) => self.copy(mark, anchor),
            Event::DocumentStart(_) => {
                self.anchors.clear();
                Ok(())
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
        }
    }

    fn refuse_tag(&self, mark: Mark, tagged: bool) {
        if tagged {
            let fix = "remove it, and quote the value if it should be text";
            self.report
                .error(mark, "a YAML tag is not understood here", fix);
        }
    }

    fn open(&mut self, mark: Mark, anchor: usize, content: Content) -> Result<(), Stop> {
        if self.open.len() >= DEPTH_MAX {
            return Err(too_deep(mark));
        }
        if let Some(Open {
            content: Content::Mapping { key: None, .. },
            ..
        }) = self.open.last()
        {
            let fix = "write a word before the colon; quote text that begins with a bracket";
            return Err(Stop::new(mark, "a key must be plain text", fix));
        }
        self.open.push(Open {
            mark,
            anchor,
            content,
        });
        Ok(())
    }

    /// Puts a finished node where it belongs.
    fn close(&mut self, mut node: Node, anchor: usize) -> Result<(), Stop> {
        self.nodes += 1;
        if self.nodes > NODES_MAX {
            let message = format!("the file has more than {NODES_MAX} keys and values");
            return Err(Stop::new(node.mark, message, "split the file"));
        }
        if anchor != 0 {
            self.charge(&node)?;
            self.anchors.insert(anchor, node.clone());
        }
        let Some(parent) = self.open.last_mut() else {
            if !matches!(node.value, Value::Null) {
                self.documents.push(node);
            }
            return Ok(());
        };
        match &mut parent.content {
            Content::Sequence(items) => items.push(node),
            Content::Mapping { entries, key } => match key.take() {
                Some(key) => {
                    if matches!(node.value, Value::Null) {
                        node.mark = key.mark;
                    }
                    entries.push((key, node));
                }
                None => *key = Some(into_key(node)?),
            },
        }
        Ok(())
    }

    fn copy(&mut self, mark: Mark, anchor: usize) -> Result<(), Stop> {
        let Some(node) = self.anchors.get(&anchor).cloned() else {
            let message = "this alias names an anchor that is not complete before it";
            let fix = "define the anchor earlier in the same document, outside of this value";
            return Err(Stop::new(mark, message, fix));
        };
        self.charge(&node)?;
        self.close(node, 0)
    }

    /// Bounds what anchors and aliases copy, and with it what a few lines can grow to.
    fn charge(&mut self, node: &Node) -> Result<(), Stop> {
        self.copied_bytes += node.weight();
        if self.copied_bytes > COPIED_BYTES_MAX {
            let message = "anchors and aliases copy more than 4 MiB";
            let fix = "write the values out, or use fewer aliases";
            return Err(Stop::new(node.mark, message, fix));
        }
        Ok(())
    }

    fn unique(&self, mut entries: Vec<(Key, Node)>) -> Vec<(Key, Node)> {
        let mut seen = BTreeSet::new();
        entries.retain(|(key, _)| {
            let first = seen.insert(key.text.clone());
            if !first {
                let message = format!("the key {:?} is given twice", excerpt(&key.text));
                let fix = "keep one of the two";
                self.report.error(key.mark, message, fix);
            }
            first
        });
        entries
    }
}

fn scalar(text: String, style: ScalarStyle, span: &SourceSpan) -> Value {
    let plain = style == ScalarStyle::Plain;
    if plain && matches!(text.as_str(), "" | "~" | "null") {
        return Value::Null;
    }
    let start = Mark::of(0, &span.start).column;
    // A source exactly as long as the text has neither escapes nor folded lines.
    let width = span.end.col().saturating_sub(span.start.col());
    let one_line = span.start.line() == span.end.line();
    let exact = |quotes: usize| one_line && width == text.chars().count() + 2 * quotes;
    let column = match style {
        ScalarStyle::Plain => exact(0).then_some(start),
        ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => exact(1).then_some(start + 1),
        ScalarStyle::Literal => (!text.starts_with([' ', '\t', '\n'])).then_some(start),
        ScalarStyle::Folded => None,
    };
    Value::Scalar {
        text,
        plain,
        column,
    }
}

fn into_key(node: Node) -> Result<Key, Stop> {
    match node.value {
        Value::Scalar { text, .. } => Ok(Key {
            mark: node.mark,
            text,
        }),
        _ => {
            let fix = "write a word before the colon";
            Err(Stop::new(node.mark, "a key must be plain text", fix))
        }
    }
}

#[cfg(test)]
mod tests;
