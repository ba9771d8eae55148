//! From a [`Node`] to any type that derives `Deserialize`, reporting every mistake on the way.
//!
//! A decoder that stops at the first mistake makes people fix files one error at a time. This one
//! goes on: keys that a struct does not know are reported and passed over, and a
//! [`Field`](super::field::Field) swallows the mistake of its value after reporting it. What is left
//! for an error to travel is the way up to the nearest field. Messages never quote a value, for it
//! may be a secret, unless the type that refused it does so itself.

use serde::Deserialize;
use serde::de::value::StrDeserializer;
use serde::de::{
    self, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use super::diagnostic::Report;
use super::field::{Field, ValueOr};
use super::nearest::{nearest, suggestion};
use super::tree::{Key, Node, Value};

mod mistake;

use mistake::Mistake;

/// Decodes a node; mistakes go to the report.
pub(super) fn decode<T: for<'de> Deserialize<'de>>(node: &Node, report: &Report<'_>) -> Field<T> {
    Field::deserialize(Decoder { node, report }).unwrap_or_default()
}

#[derive(Clone, Copy)]
struct Decoder<'a> {
    node: &'a Node,
    report: &'a Report<'a>,
}

impl Decoder<'_> {
    fn expected(&self, what: &str, fix: &str) -> Mistake {
        let found = match &self.node.value {
            Value::Null => "nothing",
            Value::Scalar { .. } => "a single value",
            Value::Sequence(_) => "a list",
            Value::Mapping(_) => "a section of keys and values",
        };
        Mistake {
            mark: Some(self.node.mark),
            message: format!("expected {what}, found {found}"),
            fix: fix.to_owned(),
        }
    }

    /// The text of a scalar.
    fn text(&self, what: &str) -> Result<&str, Mistake> {
        match &self.node.value {
            Value::Scalar { text, .. } => Ok(text),
            Value::Null => Err(self.expected(what, "write a value or remove the key")),
            _ => Err(self.expected(what, "write one value here")),
        }
    }

    fn number<T: std::str::FromStr>(&self, what: &str, example: &str) -> Result<T, Mistake> {
        self.text(what)?.parse().map_err(|_| Mistake {
            mark: Some(self.node.mark),
            message: format!("this is not {what}"),
            fix: format!("write a number such as {example}"),
        })
    }
}

impl<'de> Deserializer<'de> for Decoder<'_> {
    type Error = Mistake;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        match &self.node.value {
            Value::Null => visitor.visit_unit(),
            Value::Scalar { text, .. } => visitor.visit_str(text),
            Value::Sequence(_) => self.deserialize_seq(visitor),
            Value::Mapping(_) => self.deserialize_map(visitor),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        visitor.visit_str(self.text("a text")?)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        self.deserialize_string(visitor)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        match self.text("true or false")? {
            "true" => visitor.visit_bool(true),
            "false" => visitor.visit_bool(false),
            _ => Err(self.expected("true or false", "write true or false")),
        }
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        visitor.visit_u64(self.number("a whole number", "4")?)
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        visitor.visit_u32(self.number("a whole number below 4294967296", "4")?)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        let number: f64 = self.number("a number", "99.9")?;
        if number.is_finite() {
            visitor.visit_f64(number)
        } else {
            Err(self.expected("a finite number", "write a number such as 99.9"))
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        let items = match &self.node.value {
            Value::Sequence(items) => items.as_slice(),
            Value::Null => &[],
            _ => return Err(self.expected("a list", "write [a, b], or one \"- a\" per line")),
        };
        visitor.visit_seq(Items {
            rest: items.iter(),
            report: self.report,
        })
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        self.entries(None, visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mistake> {
        #[cfg(test)]
        seen::record(_name, fields, self.node);
        self.entries(Some(fields), visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Mistake> {
        if name == Field::<()>::NAME {
            visitor.visit_seq(Parts {
                decoder: self,
                next: 0,
            })
        } else {
            visitor.visit_newtype_struct(self)
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mistake> {
        if variants == ValueOr::<()>::SHAPES {
            return visitor.visit_enum(Shape(self));
        }
        let words = variants.join(", ");
        let text = self.text(&format!("one of {words}"))?;
        let access: StrDeserializer<'_, Mistake> = text.into_deserializer();
        visitor.visit_enum(access)
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 u8 u16 f32 char bytes byte_buf option unit unit_struct
        tuple tuple_struct identifier ignored_any
    }
}

impl<'a> Decoder<'a> {
    fn entries<'de, V: Visitor<'de>>(
        self,
        known: Option<&'static [&'static str]>,
        visitor: V,
    ) -> Result<V::Value, Mistake> {
        let entries = match &self.node.value {
            Value::Mapping(entries) => entries.as_slice(),
            Value::Null => &[],
            _ => {
                let fix = "write one \"key: value\" per line, indented";
                return Err(self.expected("a section of keys and values", fix));
            }
        };
        let (rest, report) = (entries.iter(), self.report);
        visitor.visit_map(Entries {
            rest,
            all: entries,
            taken: Vec::new(),
            known,
            value: None,
            report,
        })
    }
}

/// The parts of a field, in the order in which [`Field`] asks for them.
struct Parts<'a> {
    decoder: Decoder<'a>,
    next: u8,
}

impl<'de> SeqAccess<'de> for Parts<'_> {
    type Error = Mistake;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Mistake> {
        let Decoder { node, report } = self.decoder;
        let part = self.next;
        self.next += 1;
        let text_column = match &node.value {
            Value::Scalar { column, .. } => column.unwrap_or(0),
            _ => 0,
        };
        let number = match part {
            0 => node.mark.file,
            1 => node.mark.line,
            2 => node.mark.column,
            3 => text_column,
            _ => {
                return Ok(seed.deserialize(self.decoder).map_or_else(
                    |mistake| {
                        let mark = mistake.mark.unwrap_or(node.mark);
                        report.error(mark, mistake.message, mistake.fix);
                        None
                    },
                    Some,
                ));
            }
        };
        seed.deserialize(number.into_deserializer()).map(Some)
    }
}

/// The items of a list.
struct Items<'a> {
    rest: std::slice::Iter<'a, Node>,
    report: &'a Report<'a>,
}

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = Mistake;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Mistake> {
        let Some(node) = self.rest.next() else {
            return Ok(None);
        };
        let report = self.report;
        seed.deserialize(Decoder { node, report }).map(Some)
    }
}

/// The entries of a mapping; unknown keys are reported. One that is nearly a key which is not
/// written is read as that key, so that nobody misses it; any other is left out.
struct Entries<'a> {
    rest: std::slice::Iter<'a, (Key, Node)>,
    all: &'a [(Key, Node)],
    /// Known keys for which a misspelt one was read.
    taken: Vec<&'static str>,
    known: Option<&'static [&'static str]>,
    value: Option<&'a Node>,
    report: &'a Report<'a>,
}

impl Entries<'_> {
    fn is_written(&self, known: &str) -> bool {
        self.taken.contains(&known) || self.all.iter().any(|(key, _)| key.text == known)
    }
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = Mistake;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Mistake> {
        while let Some((key, value)) = self.rest.next() {
            match self.known {
                Some(known) if !known.contains(&key.text.as_str()) => {
                    let fix = suggestion(&key.text, known.iter().copied());
                    let refused = self.report.unknown_key(key.mark, &key.text, fix);
                    // What is only passed over must not take effect.
                    let meant = nearest(&key.text, known.iter().copied()).filter(|_| refused);
                    if let Some(meant) = meant.filter(|meant| !self.is_written(meant)) {
                        self.taken.push(meant);
                        self.value = Some(value);
                        return seed.deserialize(meant.into_deserializer()).map(Some);
                    }
                }
                _ => {
                    self.value = Some(value);
                    return seed
                        .deserialize(key.text.as_str().into_deserializer())
                        .map(Some);
                }
            }
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Mistake> {
        let node = self.value.take();
        let node = node.ok_or_else(|| de::Error::custom("a value was asked for before its key"))?;
        let report = self.report;
        seed.deserialize(Decoder { node, report })
    }
}

/// [`ValueOr`]: the variant follows from the shape of the node.
struct Shape<'a>(Decoder<'a>);

impl<'de, 'a> EnumAccess<'de> for Shape<'a> {
    type Error = Mistake;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Mistake> {
        let [value, section] = ValueOr::<()>::SHAPES;
        let shape = match &self.0.node.value {
            Value::Mapping(_) => section,
            _ => value,
        };
        let name: StrDeserializer<'_, Mistake> = shape.into_deserializer();
        Ok((seed.deserialize(name)?, self))
    }
}

impl<'de> VariantAccess<'de> for Shape<'_> {
    type Error = Mistake;

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Mistake> {
        seed.deserialize(self.0)
    }

    fn unit_variant(self) -> Result<(), Mistake> {
        Err(self.0.expected("a value", "write a value"))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Mistake> {
        Err(self.0.expected("a value", "write a value"))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Mistake> {
        Err(self.0.expected("a value", "write a value"))
    }
}

#[cfg(test)]
pub(super) mod seen;
