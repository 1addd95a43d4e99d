//! SCALE to values.

use parity_scale_codec::{Compact, Decode};
use scale_info::{Field, PortableRegistry, form::PortableForm};

use crate::{
    shape::{DEPTH_MAX, NoType, Shape, shape},
    value::{Fields, Value},
};

/// The most values in one result. Contracts return at most 16 KiB, but lists of nothing need no bytes.
const VALUES_MAX: u32 = 1 << 17;

/// Why bytes are no value of a type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// They end too early.
    #[error("the data ends in the middle of {0}")]
    Truncated(&'static str),
    /// They go on.
    #[error("{0} bytes are left over behind the value")]
    TrailingBytes(usize),
    /// A byte that does not exist in its type.
    #[error("{byte} is no {what}")]
    BadByte {
        /// The byte.
        byte: u8,
        /// What it should be.
        what: &'static str,
    },
    /// Not Unicode.
    #[error("a text is not UTF-8")]
    NotUtf8,
    /// Too much.
    #[error("there are more than {VALUES_MAX} values, or they are nested more than {DEPTH_MAX} deep")]
    TooLarge,
    /// The type is unknown.
    #[error(transparent)]
    NoType(#[from] NoType),
    /// The type is known, but nothing that ink! has.
    #[error("{0} is nothing that this program can read")]
    Unsupported(&'static str),
}

/// Reads all of `bytes` as one value of type `id`.
pub(crate) fn decode_all(types: &PortableRegistry, id: u32, bytes: &[u8]) -> Result<Value, DecodeError> {
    let mut decoder = Decoder::new(types, bytes);
    let value = decoder.value(id)?;
    decoder.end()?;
    Ok(value)
}

/// Reads one value after the other.
pub(crate) struct Decoder<'a> {
    types: &'a PortableRegistry,
    rest: &'a [u8],
    depth: usize,
    values: u32,
}

impl<'a> Decoder<'a> {
    pub(crate) fn new(types: &'a PortableRegistry, bytes: &'a [u8]) -> Self {
        Self { types, rest: bytes, depth: 0, values: 0 }
    }

    /// What is not read yet.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(crate) fn end(&self) -> Result<(), DecodeError> {
        if self.rest.is_empty() { Ok(()) } else { Err(DecodeError::TrailingBytes(self.rest.len())) }
    }

    pub(crate) fn take(&mut self, len: usize, what: &'static str) -> Result<&'a [u8], DecodeError> {
        let (head, tail) = self.rest.split_at_checked(len).ok_or(DecodeError::Truncated(what))?;
        self.rest = tail;
        Ok(head)
    }

    fn byte(&mut self, what: &'static str) -> Result<u8, DecodeError> {
        self.take(1, what).map(|bytes| bytes[0])
    }

    fn scale<T: Decode>(&mut self, what: &'static str) -> Result<T, DecodeError> {
        T::decode(&mut self.rest).map_err(|_| DecodeError::Truncated(what))
    }

    fn length(&mut self) -> Result<usize, DecodeError> {
        let Compact(length) = self.scale::<Compact<u32>>("the length of a list")?;
        usize::try_from(length).map_err(|_| DecodeError::TooLarge)
    }

    /// The next value.
    pub(crate) fn value(&mut self, id: u32) -> Result<Value, DecodeError> {
        self.depth += 1;
        self.values += 1;
        if self.depth > DEPTH_MAX || self.values > VALUES_MAX {
            return Err(DecodeError::TooLarge);
        }
        let types = self.types;
        let value = match shape(types, id)? {
            Shape::Bool => match self.byte("a bool")? {
                0 => Value::Bool(false),
                1 => Value::Bool(true),
                byte => return Err(DecodeError::BadByte { byte, what: "bool" }),
            },
            Shape::Char => {
                let code = self.scale::<u32>("a character")?;
                Value::Char(char::from_u32(code).ok_or(DecodeError::NotUtf8)?)
            }
            Shape::Text => {
                let length = self.length()?;
                let bytes = self.take(length, "a text")?;
                Value::Text(String::from_utf8(bytes.to_vec()).map_err(|_| DecodeError::NotUtf8)?)
            }
            Shape::Unsigned(bits) => Value::Unsigned(self.integer(bits)?, bits),
            Shape::Signed(bits) => {
                // Moves the sign to where i128 has it, and back.
                let unused = 128 - u32::from(bits);
                Value::Signed((self.integer(bits)? << unused).cast_signed() >> unused, bits)
            }
            Shape::Account => Value::Account(self.scale("an account")?),
            Shape::BytesOf(len) => {
                let len = usize::try_from(len).map_err(|_| DecodeError::TooLarge)?;
                Value::Bytes(self.take(len, "bytes")?.to_vec())
            }
            Shape::Bytes => {
                let length = self.length()?;
                Value::Bytes(self.take(length, "bytes")?.to_vec())
            }
            Shape::Array(inner, len) => {
                let len = usize::try_from(len).map_err(|_| DecodeError::TooLarge)?;
                Value::List(self.values(inner, len)?)
            }
            Shape::List(inner) => {
                let length = self.length()?;
                Value::List(self.values(inner, length)?)
            }
            Shape::Map(key, value) => {
                let mut entries = Vec::new();
                for _ in 0..self.length()? {
                    entries.push((self.value(key)?, self.value(value)?));
                }
                Value::Map(entries)
            }
            Shape::Tuple(fields) => {
                Value::Tuple(fields.iter().map(|field| self.value(field.id)).collect::<Result<_, _>>()?)
            }
            Shape::Struct(name, fields) => Value::Struct(name.to_owned(), self.fields(fields)?),
            Shape::Enum(variants) => {
                let byte = self.byte("the variant of an enum")?;
                let variant = variants.iter().find(|variant| variant.index == byte);
                let variant = variant.ok_or(DecodeError::BadByte { byte, what: "variant of the enum" })?;
                Value::Variant(variant.name.clone(), self.fields(&variant.fields)?)
            }
            Shape::Compact(inner) => match shape(types, inner)? {
                Shape::Unsigned(bits) => {
                    let Compact(value) = self.scale::<Compact<u128>>("a compact integer")?;
                    Value::Unsigned(value, bits)
                }
                Shape::Tuple([]) => Value::Tuple(Vec::new()),
                _ => return Err(DecodeError::Unsupported("a compact of something else than an integer")),
            },
            Shape::Elsewhere => Value::Elsewhere,
            Shape::Unsupported(what) => return Err(DecodeError::Unsupported(what)),
        };
        self.depth -= 1;
        Ok(value)
    }

    fn values(&mut self, id: u32, count: usize) -> Result<Vec<Value>, DecodeError> {
        // Not reserved: `count` is only what the data claims.
        let mut values = Vec::new();
        for _ in 0..count {
            values.push(self.value(id)?);
        }
        Ok(values)
    }

    /// Fields, without those that have no bytes here.
    fn fields(&mut self, fields: &[Field<PortableForm>]) -> Result<Fields, DecodeError> {
        let mut values = Vec::new();
        for field in fields {
            let value = self.value(field.ty.id)?;
            if value != Value::Elsewhere {
                values.push((field.name.clone(), value));
            }
        }
        if fields.first().is_some_and(|field| field.name.is_some()) {
            let named = values.into_iter().map(|(name, value)| (name.unwrap_or_default(), value)).collect();
            return Ok(Fields::Named(named));
        }
        Ok(Fields::Unnamed(values.into_iter().map(|(_, value)| value).collect()))
    }

    fn integer(&mut self, bits: u16) -> Result<u128, DecodeError> {
        let bytes = self.take(usize::from(bits / 8), "an integer")?;
        let mut all = [0; 16];
        all[..bytes.len()].copy_from_slice(bytes);
        Ok(u128::from_le_bytes(all))
    }
}
