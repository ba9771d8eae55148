//! What a tree is made of: nodes that know their place.

/// A position in a file, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::config) struct Mark {
    /// The number under which [`crate::config::diagnostic::Diagnostics`] knows the file.
    pub(in crate::config) file: u32,
    pub(in crate::config) line: u32,
    pub(in crate::config) column: u32,
}

impl Mark {
    /// The first character: for mistakes about a file as a whole.
    pub(in crate::config) const fn start(file: u32) -> Self {
        Self {
            file,
            line: 1,
            column: 1,
        }
    }

    pub(super) fn of(file: u32, marker: &saphyr_parser::Marker) -> Self {
        Self {
            file,
            line: marker.line() as u32,
            column: marker.col() as u32 + 1,
        }
    }
}

/// One value and where it begins.
#[derive(Clone, Debug)]
pub(in crate::config) struct Node {
    pub(in crate::config) mark: Mark,
    pub(in crate::config) value: Value,
}

/// What a node is.
#[derive(Clone, Debug)]
pub(in crate::config) enum Value {
    /// Nothing: `key:`, `~` or `null`.
    Null,
    /// A text, however it was quoted.
    Scalar {
        text: String,
        /// Whether it stands without quotes, so that it may be more than a text to other readers.
        plain: bool,
        /// The column in which its lines begin, when they stand in the file exactly as they are.
        column: Option<u32>,
    },
    Sequence(Vec<Node>),
    /// Entries in the order of the file, each key once.
    Mapping(Vec<(Key, Node)>),
}

/// The key of an entry.
#[derive(Clone, Debug)]
pub(in crate::config) struct Key {
    pub(in crate::config) mark: Mark,
    pub(in crate::config) text: String,
}

impl Node {
    /// The value of an entry, if this is a mapping that has it.
    pub(in crate::config) fn get(&self, key: &str) -> Option<&Self> {
        let Value::Mapping(entries) = &self.value else {
            return None;
        };
        let entry = entries.iter().find(|(candidate, _)| candidate.text == key);
        entry.map(|(_, node)| node)
    }

    /// Memory that a copy takes, in bytes, roughly.
    pub(in crate::config) fn weight(&self) -> usize {
        const NODE: usize = 96;
        NODE + match &self.value {
            Value::Null => 0,
            Value::Scalar { text, .. } => text.len(),
            Value::Sequence(items) => items.iter().map(Self::weight).sum(),
            Value::Mapping(entries) => entries
                .iter()
                .map(|(key, node)| key.text.len() + node.weight())
                .sum(),
        }
    }
}
