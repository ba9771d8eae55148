//! A value with its place: what the raw structs are made of.
//!
//! Decoding a [`Field`] cannot fail. A value that is wrong is reported where it stands and leaves
//! a field that is present but has no value, so that everything around it is still checked and
//! nobody complains a second time. A key that is not written leaves an absent field.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{Deserializer, SeqAccess, Visitor};

use super::diagnostic::Report;
use super::tree::Mark;
use super::value::Malformed;

/// A value as written in a file.
#[derive(Clone)]
pub(super) struct Field<T> {
    /// Where it stands; `None` when it is not written at all.
    written: Option<Written>,
    /// `None` when it is absent or was refused.
    value: Option<T>,
}

#[derive(Clone, Copy)]
struct Written {
    mark: Mark,
    /// The column in which the lines of a text begin, when they stand in the file as they are.
    column: Option<u32>,
}

impl<T> Field<T> {
    /// The name by which the decoder recognises a field.
    pub(super) const NAME: &'static str = "$slofuse::Field";

    pub(super) const fn value(&self) -> Option<&T> {
        self.value.as_ref()
    }

    pub(super) const fn is_absent(&self) -> bool {
        self.written.is_none()
    }

    /// Where it stands, or where it should.
    pub(super) fn mark_or(&self, section: Mark) -> Mark {
        self.written.map_or(section, |written| written.mark)
    }
}

impl<T> Field<T> {
    /// A value that stands, or follows from what stands, at a mark.
    pub(super) const fn at(mark: Mark, value: T) -> Self {
        Self {
            written: Some(Written { mark, column: None }),
            value: Some(value),
        }
    }

    /// A field whose value was refused, or that its format demands and did not find.
    pub(super) const fn refused(mark: Mark) -> Self {
        Self {
            written: Some(Written { mark, column: None }),
            value: None,
        }
    }

    /// Another value at the same place.
    pub(super) const fn with<U>(&self, value: U) -> Field<U> {
        Field {
            written: self.written,
            value: Some(value),
        }
    }

    /// Something else made of the value, at the same place; a refused or absent value stays so.
    pub(super) fn map<U>(self, make: impl FnOnce(T) -> U) -> Field<U> {
        Field {
            written: self.written,
            value: self.value.map(make),
        }
    }
}

impl Field<String> {
    /// The place of a byte of the text, as near as it can be told.
    pub(super) fn mark_at(&self, offset: usize, section: Mark) -> Mark {
        let start = self.mark_or(section);
        let column = self.written.and_then(|written| written.column);
        let (Some(column), Some(text)) = (column, &self.value) else {
            return start;
        };
        let mut mark = Mark { column, ..start };
        for (_, c) in text.char_indices().take_while(|(at, _)| *at < offset) {
            mark = match c {
                '\n' => Mark {
                    line: mark.line + 1,
                    column,
                    ..mark
                },
                _ => Mark {
                    column: mark.column + 1,
                    ..mark
                },
            };
        }
        mark
    }
}

impl<T> Default for Field<T> {
    fn default() -> Self {
        Self {
            written: None,
            value: None,
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Field<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Parts<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Parts<T> {
            type Value = Field<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value of the decoder in this room")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Field<T>, A::Error> {
                let file = parts.next_element()?.unwrap_or(0);
                let line = parts.next_element()?.unwrap_or(0);
                let column = parts.next_element()?.unwrap_or(0);
                let text: u32 = parts.next_element()?.unwrap_or(0);
                Ok(Field {
                    written: Some(Written {
                        mark: Mark { file, line, column },
                        column: (text > 0).then_some(text),
                    }),
                    value: parts.next_element()?,
                })
            }
        }

        deserializer.deserialize_newtype_struct(Self::NAME, Parts(PhantomData))
    }
}

/// Either one value or a section: `password: abc` and `password: {env: NAME}`.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum ValueOr<S> {
    Value(String),
    Section(S),
}

impl<S> ValueOr<S> {
    /// The names by which the decoder recognises this enum.
    pub(super) const SHAPES: [&'static str; 2] = ["value", "section"];
}

/// A mapping under compilation: it knows where it stands and what it is called, so that what it
/// lacks can be reported.
#[derive(Clone)]
pub(super) struct Section<'a> {
    pub(super) report: &'a Report<'a>,
    pub(super) mark: Mark,
    name: &'a str,
}

impl<'a> Section<'a> {
    pub(super) const fn new(report: &'a Report<'a>, mark: Mark, name: &'a str) -> Self {
        Self { report, mark, name }
    }

    /// A value that must be there.
    pub(super) fn required<'f, T>(&self, field: &'f Field<T>, key: &str) -> Option<&'f T> {
        if field.is_absent() {
            let message = format!("{} lacks the key {key:?}", self.name);
            self.report.error(self.mark, message, format!("add {key}:"));
        }
        field.value()
    }

    /// A section that must be there.
    pub(super) fn section<'f, T>(
        &self,
        field: &'f Field<T>,
        key: &'a str,
    ) -> Option<(Self, &'f T)> {
        let value = self.required(field, key)?;
        Some((self.within(field, key), value))
    }

    /// The section of a field, whether or not it is written.
    pub(super) fn within<T>(&self, field: &Field<T>, name: &'a str) -> Self {
        Self {
            mark: field.mark_or(self.mark),
            name,
            ..self.clone()
        }
    }

    /// A value that may be left out: the outer `None` says that it was refused.
    pub(super) fn maybe<T: Clone>(&self, field: &Field<T>) -> Option<Option<T>> {
        if field.is_absent() {
            Some(None)
        } else {
            field.value().cloned().map(Some)
        }
    }

    /// A value, or its default when it is not written; `None` when it was refused.
    pub(super) fn or<T: Clone>(&self, field: &Field<T>, default: T) -> Option<T> {
        Some(self.maybe(field)?.unwrap_or(default))
    }

    /// Reports a mistake about this field, or about the section if the field is absent.
    pub(super) fn refuse<T>(
        &self,
        field: &Field<T>,
        message: impl Into<String>,
        fix: impl Into<String>,
    ) {
        self.report.error(field.mark_or(self.mark), message, fix);
    }

    /// A value between two bounds, or its default.
    pub(super) fn bounded<T>(&self, field: &Field<T>, default: T, min: T, max: T) -> Option<T>
    where
        T: Clone + PartialOrd + fmt::Display,
    {
        let value = self.or(field, default)?;
        if min <= value && value <= max {
            return Some(value);
        }
        let message = format!("{value} is out of bounds");
        let fix = format!("choose a value from {min} to {max}");
        self.refuse(field, message, fix);
        None
    }

    /// What a text means that stands where a section might.
    pub(super) fn parsed<F, T>(&self, field: &Field<F>, text: &str) -> Option<T>
    where
        T: TryFrom<String, Error = Malformed>,
    {
        let parsed = T::try_from(text.to_owned());
        parsed
            .map_err(|malformed| {
                let (what, fix) = malformed.parts();
                self.refuse(field, what, fix);
            })
            .ok()
    }

    /// Refuses what only makes sense beside another key.
    pub(super) fn needs<T>(&self, field: &Field<T>, key: &str, other: &str) -> Option<()> {
        if field.is_absent() {
            return Some(());
        }
        let message = format!("{key} has no meaning without {other}");
        self.refuse(field, message, format!("remove {key}, or add {other}:"));
        None
    }

    /// The only one of these keys that is written; each comes with whether it is absent.
    pub(super) fn one_of<const N: usize>(
        &self,
        keys: [(&'static str, bool); N],
    ) -> Option<&'static str> {
        let names = keys.map(|(key, _)| key).join(", ");
        let mut written = keys.iter().filter(|(_, absent)| !absent);
        let (name, first, second) = (self.name, written.next(), written.next());
        let (message, fix) = match (first, second) {
            (Some((key, _)), None) => return Some(key),
            (None, _) => (
                format!("{name} has none of the keys {names}"),
                format!("add one of {names}"),
            ),
            (Some((one, _)), Some((other, _))) => (
                format!("{name} has both {one} and {other}, but they exclude each other"),
                format!("keep one of {names}"),
            ),
        };
        self.report.error(self.mark, message, fix);
        None
    }
}
