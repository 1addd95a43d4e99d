//! What bytes mean: a tree that can be shown as text, as Rust would write it, or as JSON.

use std::fmt;

use basalt_primitives::ss58;
use serde_json::{Map, Value as Json, json};

/// What bytes mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// `true` or `false`.
    Bool(bool),
    /// One character.
    Char(char),
    /// A text.
    Text(String),
    /// Without sign, of so many bits.
    Unsigned(u128, u16),
    /// With sign, of so many bits.
    Signed(i128, u16),
    /// An account.
    Account([u8; 32]),
    /// Bytes.
    Bytes(Vec<u8>),
    /// Of one type.
    List(Vec<Value>),
    /// Of several types; nothing if empty.
    Tuple(Vec<Value>),
    /// Pairs, in the order of the data.
    Map(Vec<(Value, Value)>),
    /// With name.
    Struct(String, Fields),
    /// The variant of an enum.
    Variant(String, Fields),
    /// What has cells of its own, and no bytes here.
    Elsewhere,
}

/// The fields of a struct or of a variant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fields {
    /// With names.
    Named(Vec<(String, Value)>),
    /// Without.
    Unnamed(Vec<Value>),
}

/// Integers of more bits are text in JSON: JavaScript's numbers are too short for them.
const JSON_BITS_MAX: u16 = 32;

impl Value {
    /// As Rust would write it, with addresses of the network with this prefix. The reader takes it back.
    pub fn display(&self, prefix: u16) -> impl fmt::Display + '_ {
        Shown { value: self, prefix }
    }

    /// As JSON: structs are objects, variants are their name or `{name: fields}`, integers of 64 bits and more, bytes
    /// and accounts are text.
    pub fn json(&self, prefix: u16) -> Json {
        let all = |values: &[Self]| Json::Array(values.iter().map(|value| value.json(prefix)).collect());
        match self {
            Self::Bool(value) => json!(value),
            Self::Char(value) => json!(value),
            Self::Text(value) => json!(value),
            Self::Unsigned(value, bits) if *bits <= JSON_BITS_MAX => {
                u64::try_from(*value).map_or_else(|_| json!(value.to_string()), |value| json!(value))
            }
            Self::Signed(value, bits) if *bits <= JSON_BITS_MAX => {
                i64::try_from(*value).map_or_else(|_| json!(value.to_string()), |value| json!(value))
            }
            Self::Unsigned(value, _) => json!(value.to_string()),
            Self::Signed(value, _) => json!(value.to_string()),
            Self::Account(account) => json!(ss58::encode(prefix, account)),
            Self::Bytes(bytes) => json!(const_hex::encode_prefixed(bytes)),
            Self::List(values) => all(values),
            Self::Tuple(values) if values.is_empty() => Json::Null,
            Self::Tuple(values) => all(values),
            Self::Map(entries) => Json::Array(
                entries.iter().map(|(key, value)| json!([key.json(prefix), value.json(prefix)])).collect(),
            ),
            Self::Struct(_, fields) => fields.json(prefix),
            Self::Variant(name, fields) if fields.is_empty() => json!(name),
            Self::Variant(name, fields) => json!({ name: fields.json(prefix) }),
            Self::Elsewhere => Json::Null,
        }
    }
}

impl Fields {
    /// Whether there are none that have bytes.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Named(fields) => fields.is_empty(),
            Self::Unnamed(fields) => fields.is_empty(),
        }
    }

    fn json(&self, prefix: u16) -> Json {
        match self {
            Self::Named(fields) => {
                let members: Map<String, Json> =
                    fields.iter().map(|(name, value)| (name.clone(), value.json(prefix))).collect();
                Json::Object(members)
            }
            Self::Unnamed(fields) => match fields.as_slice() {
                [only] => only.json(prefix),
                fields => Json::Array(fields.iter().map(|value| value.json(prefix)).collect()),
            },
        }
    }
}

struct Shown<'a> {
    value: &'a Value,
    prefix: u16,
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { value, prefix } = *self;
        match value {
            Value::Bool(value) => write!(f, "{value}"),
            Value::Char(value) => write!(f, "{value:?}"),
            Value::Text(value) => write!(f, "{value:?}"),
            Value::Unsigned(value, _) => write!(f, "{value}"),
            Value::Signed(value, _) => write!(f, "{value}"),
            Value::Account(account) => f.write_str(&ss58::encode(prefix, account)),
            Value::Bytes(bytes) => f.write_str(&const_hex::encode_prefixed(bytes)),
            Value::List(values) => all(f, ["[", "]"], values, prefix),
            Value::Tuple(values) => match values.as_slice() {
                // As in Rust: a tuple of one has a comma.
                [only] => write!(f, "({},)", only.display(prefix)),
                values => all(f, ["(", ")"], values, prefix),
            },
            Value::Map(entries) => {
                f.write_str("{")?;
                for (place, (key, value)) in entries.iter().enumerate() {
                    let comma = if place == 0 { "" } else { ", " };
                    write!(f, "{comma}{}: {}", key.display(prefix), value.display(prefix))?;
                }
                f.write_str("}")
            }
            Value::Struct(name, fields) | Value::Variant(name, fields) => {
                f.write_str(name)?;
                match fields {
                    Fields::Named(fields) if fields.is_empty() => {
                        f.write_str(if name.is_empty() { "{}" } else { "" })
                    }
                    Fields::Unnamed(fields) if fields.is_empty() => {
                        f.write_str(if name.is_empty() { "()" } else { "" })
                    }
                    Fields::Unnamed(values) => all(f, ["(", ")"], values, prefix),
                    Fields::Named(fields) => {
                        f.write_str(if name.is_empty() { "{ " } else { " { " })?;
                        for (place, (name, value)) in fields.iter().enumerate() {
                            let comma = if place == 0 { "" } else { ", " };
                            write!(f, "{comma}{name}: {}", value.display(prefix))?;
                        }
                        f.write_str(" }")
                    }
                }
            }
            Value::Elsewhere => f.write_str("(in cells of its own)"),
        }
    }
}

fn all(f: &mut fmt::Formatter<'_>, [open, close]: [&str; 2], values: &[Value], prefix: u16) -> fmt::Result {
    f.write_str(open)?;
    for (place, value) in values.iter().enumerate() {
        if place > 0 {
            f.write_str(", ")?;
        }
        write!(f, "{}", value.display(prefix))?;
    }
    f.write_str(close)
}
