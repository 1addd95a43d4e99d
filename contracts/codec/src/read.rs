//! Text to SCALE, by type.
//!
//! The grammar is that of Rust's literals where there is one: `true`, `1_000`, `-5`, `'c'`, `"text"`, `[1, 2]`,
//! `(1, true)`, `Some(1)`, `Color::Red`, `Point { x: 1, y: 2 }`. Besides: addresses, `0x` bytes, `{key: value}` for maps,
//! structs without their name. An argument that is one text, and nothing else, needs no quotes.

use basalt_primitives::{
    keys::{Pair, Scheme},
    ss58,
};
use parity_scale_codec::{Compact, Encode};
use scale_info::{Field, PortableRegistry, form::PortableForm};

use crate::{
    error::ReadError,
    shape::{DEPTH_MAX, Shape, expected, shape},
};

/// How much of a wrong text an error repeats.
const FOUND_CHARS_MAX: usize = 60;

/// Reads amounts such as `1.5UNIT` into the smallest unit, or says why that is none.
pub type ReadAmount<'a> = dyn Fn(&str) -> Result<u128, String> + 'a;

/// What the meaning of a text depends on besides its type.
#[derive(Clone, Copy, Default)]
pub struct Settings<'a> {
    /// The prefix of the chain's addresses; none takes those of all networks.
    pub prefix: Option<u16>,
    /// Reads what is written for a `u128` and is no whole number; none refuses it.
    pub amount: Option<&'a ReadAmount<'a>>,
}

/// Reads all of `text` as one value of type `id`, and encodes it.
pub(crate) fn read(
    types: &PortableRegistry,
    id: u32,
    text: &str,
    settings: &Settings<'_>,
) -> Result<Vec<u8>, ReadError> {
    let text = text.trim();
    let mut reader =
        Reader { types, settings, rest: text, out: Vec::new(), depth: 0, path: Vec::new(), is_whole: true };
    reader.value(id)?;
    reader.space();
    if reader.rest.is_empty() {
        return Ok(reader.out);
    }
    let left = format!("`{}` is left over behind the value", shorten(reader.rest));
    Err(reader.wrong(id, text, Some(left)))
}

struct Reader<'a> {
    types: &'a PortableRegistry,
    settings: &'a Settings<'a>,
    rest: &'a str,
    out: Vec<u8>,
    depth: usize,
    path: Vec<String>,
    /// Nothing surrounds the value, so that a text needs no quotes.
    is_whole: bool,
}

impl<'a> Reader<'a> {
    fn value(&mut self, id: u32) -> Result<(), ReadError> {
        self.depth += 1;
        self.space();
        let start = self.rest;
        if self.depth > DEPTH_MAX {
            return Err(self.wrong(id, start, Some(format!("it is nested more than {DEPTH_MAX} deep"))));
        }
        let known = shape(self.types, id).map_err(|error| self.wrong(id, start, Some(error.to_string())))?;
        let is_whole = std::mem::replace(&mut self.is_whole, false);
        match known {
            Shape::Bool => match self.word() {
                "true" => self.out.push(1),
                "false" => self.out.push(0),
                other => return Err(self.wrong(id, other, None)),
            },
            Shape::Char => {
                let value = self.char().ok_or_else(|| self.wrong(id, start, None))?;
                u32::from(value).encode_to(&mut self.out);
            }
            Shape::Text => {
                let text = match self.quoted() {
                    Some(text) => text.map_err(|why| self.wrong(id, start, Some(why)))?,
                    None if is_whole => std::mem::take(&mut self.rest).to_owned(),
                    None => self.word().to_owned(),
                };
                text.encode_to(&mut self.out);
            }
            Shape::Unsigned(bits) => {
                let value = self.unsigned(id, bits)?;
                self.out.extend_from_slice(&value.to_le_bytes()[..usize::from(bits / 8)]);
            }
            Shape::Signed(bits) => {
                let word = self.word();
                let value = signed(word, bits).map_err(|why| self.wrong(id, word, why))?;
                self.out.extend_from_slice(&value.to_le_bytes()[..usize::from(bits / 8)]);
            }
            Shape::Account => {
                let word = self.word();
                if word.is_empty() {
                    return Err(self.wrong(id, word, None));
                }
                let account = self.account(word).map_err(|why| self.wrong(id, word, Some(why)))?;
                self.out.extend_from_slice(&account);
            }
            Shape::Bytes => {
                let bytes = self.bytes(id)?;
                bytes.encode_to(&mut self.out);
            }
            Shape::BytesOf(len) => {
                let bytes = self.bytes(id)?;
                if bytes.len() as u64 != u64::from(len) {
                    return Err(self.wrong(id, start, Some(format!("that is {} bytes", bytes.len()))));
                }
                self.out.extend_from_slice(&bytes);
            }
            Shape::Array(inner, len) => {
                let (count, encoded) = self.list(id, inner)?;
                if count != len {
                    return Err(self.wrong(id, start, Some(format!("it has {count} values"))));
                }
                self.out.extend_from_slice(&encoded);
            }
            Shape::List(inner) => {
                let (count, encoded) = self.list(id, inner)?;
                Compact(count).encode_to(&mut self.out);
                self.out.extend_from_slice(&encoded);
            }
            Shape::Map(key, value) => self.map(id, key, value)?,
            Shape::Tuple(fields) => {
                if !self.eat('(') {
                    return Err(self.wrong(id, start, None));
                }
                for (place, field) in fields.iter().enumerate() {
                    self.separator(place, id, start)?;
                    self.inside(format!("value {}", place + 1), field.id)?;
                }
                self.close(')', id, start)?;
            }
            Shape::Struct(name, fields) => {
                self.name_of_struct(name);
                self.fields(fields, id, start)?;
            }
            Shape::Enum(variants) => {
                let name = self.identifier();
                let last = name.rsplit("::").next().unwrap_or_default();
                let Some(variant) = variants.iter().find(|variant| variant.name == last) else {
                    return Err(self.wrong(id, start, None));
                };
                self.out.push(variant.index);
                if !variant.fields.is_empty() {
                    self.fields(&variant.fields, id, start)?;
                }
            }
            Shape::Compact(inner) => match shape(self.types, inner) {
                Ok(Shape::Unsigned(bits)) => {
                    let value = self.unsigned(inner, bits)?;
                    Compact(value).encode_to(&mut self.out);
                }
                _ => return Err(self.wrong(id, start, None)),
            },
            Shape::Elsewhere | Shape::Unsupported(_) => return Err(self.wrong(id, start, None)),
        }
        self.depth -= 1;
        Ok(())
    }

    /// A value inside of another; errors say where.
    fn inside(&mut self, place: String, id: u32) -> Result<(), ReadError> {
        self.path.push(place);
        self.value(id)?;
        self.path.pop();
        Ok(())
    }

    fn unsigned(&mut self, id: u32, bits: u16) -> Result<u128, ReadError> {
        let word = self.word();
        match unsigned(word) {
            Some(Ok(value)) if bits == 128 || value >> bits == 0 => Ok(value),
            Some(_) => Err(self.wrong(id, word, Some("that is too much".to_owned()))),
            None => match self.settings.amount {
                // An amount in tokens says which: `1.5` alone could be meant in any.
                Some(amount) if bits == 128 && word.ends_with(|c: char| c.is_ascii_alphabetic()) => {
                    amount(word).map_err(|why| self.wrong(id, word, Some(why)))
                }
                _ => Err(self.wrong(id, word, None)),
            },
        }
    }

    fn account(&self, word: &str) -> Result<[u8; 32], String> {
        if word.starts_with("//") {
            let pair = Pair::from_suri(Scheme::Sr25519, word).map_err(|error| error.to_string())?;
            return Ok(pair.account_id().0);
        }
        if let Some(digits) = word.strip_prefix("0x") {
            let bytes = const_hex::decode(digits).map_err(|error| error.to_string())?;
            return bytes.try_into().map_err(|bytes: Vec<u8>| format!("that is {} bytes", bytes.len()));
        }
        let (prefix, payload) = ss58::decode(word).map_err(|error| error.to_string())?;
        let account: [u8; 32] = payload
            .try_into()
            .map_err(|bytes: Vec<u8>| format!("the address holds {} bytes", bytes.len()))?;
        match self.settings.prefix {
            Some(expected) if prefix != expected && prefix != ss58::GENERIC_PREFIX => Err(format!(
                "the address belongs to network {prefix}, but this chain's addresses have prefix {expected}; the same \
                 account is {} here",
                ss58::encode(expected, &account)
            )),
            _ => Ok(account),
        }
    }

    /// Bytes in hex, as a list of numbers, or those of a text in quotes.
    fn bytes(&mut self, id: u32) -> Result<Vec<u8>, ReadError> {
        let start = self.rest;
        if let Some(text) = self.quoted() {
            return text.map(String::into_bytes).map_err(|why| self.wrong(id, start, Some(why)));
        }
        if self.eat('[') {
            let mut bytes = Vec::new();
            while !self.at(']') {
                self.separator(bytes.len(), id, start)?;
                if self.at(']') {
                    break;
                }
                let word = self.word();
                let byte = unsigned(word).and_then(Result::ok).and_then(|value| u8::try_from(value).ok());
                bytes.push(
                    byte.ok_or_else(|| self.wrong(id, word, Some("no byte from 0 to 255".to_owned())))?,
                );
            }
            self.close(']', id, start)?;
            return Ok(bytes);
        }
        let word = self.word();
        let digits = word.strip_prefix("0x").ok_or_else(|| self.wrong(id, word, None))?;
        const_hex::decode(digits).map_err(|error| self.wrong(id, word, Some(error.to_string())))
    }

    /// How many values, and their bytes.
    fn list(&mut self, id: u32, inner: u32) -> Result<(u32, Vec<u8>), ReadError> {
        let start = self.rest;
        if !self.eat('[') {
            return Err(self.wrong(id, start, None));
        }
        let before = std::mem::take(&mut self.out);
        let mut count = 0_u32;
        while !self.at(']') {
            self.separator(usize::from(count > 0), id, start)?;
            if self.at(']') {
                break;
            }
            count += 1;
            self.inside(format!("value {count}"), inner)?;
        }
        self.close(']', id, start)?;
        Ok((count, std::mem::replace(&mut self.out, before)))
    }

    /// `{key: value}`, or the list of pairs that it is.
    fn map(&mut self, id: u32, key: u32, value: u32) -> Result<(), ReadError> {
        let start = self.rest;
        let (close, is_list) = match (self.eat('{'), self.at('[')) {
            (true, _) => ('}', false),
            (false, true) => (']', self.eat('[')),
            (false, false) => return Err(self.wrong(id, start, None)),
        };
        let before = std::mem::take(&mut self.out);
        let mut count = 0_u32;
        while !self.at(close) {
            self.separator(usize::from(count > 0), id, start)?;
            if self.at(close) {
                break;
            }
            count += 1;
            if is_list && !self.eat('(') {
                return Err(self.wrong(id, start, Some(format!("entry {count} is no pair (key, value)"))));
            }
            self.inside(format!("key {count}"), key)?;
            let between = if is_list { ',' } else { ':' };
            if !self.eat(between) {
                return Err(self.wrong(
                    id,
                    start,
                    Some(format!("key {count} is not followed by `{between}`")),
                ));
            }
            self.inside(format!("value {count}"), value)?;
            if is_list {
                self.close(')', id, start)?;
            }
        }
        self.close(close, id, start)?;
        let entries = std::mem::replace(&mut self.out, before);
        Compact(count).encode_to(&mut self.out);
        self.out.extend_from_slice(&entries);
        Ok(())
    }

    fn fields(&mut self, fields: &[Field<PortableForm>], id: u32, start: &str) -> Result<(), ReadError> {
        let Some(first) = fields.first() else {
            // A struct without fields may be written with or without brackets.
            if self.eat('{') {
                self.close('}', id, start)?;
            } else if self.eat('(') {
                self.close(')', id, start)?;
            }
            return Ok(());
        };
        if first.name.is_some() {
            return self.named_fields(fields, id, start);
        }
        if !self.eat('(') {
            return Err(self.wrong(id, start, None));
        }
        for (place, field) in fields.iter().enumerate() {
            self.separator(place, id, start)?;
            self.inside(format!("field {}", place + 1), field.ty.id)?;
        }
        self.close(')', id, start)
    }

    /// In any order, as in Rust.
    fn named_fields(
        &mut self,
        fields: &[Field<PortableForm>],
        id: u32,
        start: &str,
    ) -> Result<(), ReadError> {
        if !self.eat('{') {
            return Err(self.wrong(id, start, None));
        }
        let before = std::mem::take(&mut self.out);
        let mut read: Vec<Option<Vec<u8>>> = vec![None; fields.len()];
        let mut count = 0;
        while !self.at('}') {
            self.separator(count, id, start)?;
            if self.at('}') {
                break;
            }
            count += 1;
            let name = self.identifier();
            let place = fields.iter().position(|field| field.name.as_deref() == Some(name));
            let Some(place) = place else {
                return Err(self.wrong(id, start, Some(format!("there is no field `{name}`"))));
            };
            if read[place].is_some() {
                return Err(self.wrong(id, start, Some(format!("the field `{name}` is given twice"))));
            }
            if !self.eat(':') {
                return Err(self.wrong(id, start, Some(format!("`{name}` is not followed by `:`"))));
            }
            self.inside(format!("field `{name}`"), fields[place].ty.id)?;
            read[place] = Some(std::mem::take(&mut self.out));
        }
        self.close('}', id, start)?;
        self.out = before;
        for (field, bytes) in fields.iter().zip(read) {
            let Some(bytes) = bytes else {
                let name = field.name.as_deref().unwrap_or_default();
                return Err(self.wrong(id, start, Some(format!("the field `{name}` is missing"))));
            };
            self.out.extend_from_slice(&bytes);
        }
        Ok(())
    }

    /// The name of a struct may be left out.
    fn name_of_struct(&mut self, name: &str) {
        let rest = self.rest;
        if self.identifier().rsplit("::").next() != Some(name) {
            self.rest = rest;
        }
    }

    // ---- Characters ----------------------------------------------------------------------------------------------

    fn space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn at(&mut self, c: char) -> bool {
        self.space();
        self.rest.starts_with(c)
    }

    fn eat(&mut self, c: char) -> bool {
        self.space();
        let rest = self.rest.strip_prefix(c);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// A comma before all values but the first.
    fn separator(&mut self, place: usize, id: u32, start: &str) -> Result<(), ReadError> {
        if place == 0 || self.eat(',') {
            return Ok(());
        }
        let why = format!("a comma or a closing bracket is missing {}", self.here());
        Err(self.wrong(id, start, Some(why)))
    }

    /// The closing bracket; a comma may stand before it.
    fn close(&mut self, c: char, id: u32, start: &str) -> Result<(), ReadError> {
        self.eat(',');
        if self.eat(c) {
            return Ok(());
        }
        let why = format!("`{c}` is missing {}", self.here());
        Err(self.wrong(id, start, Some(why)))
    }

    /// Where the reader is, for people.
    fn here(&self) -> String {
        if self.rest.is_empty() {
            "at the end".to_owned()
        } else {
            format!("before `{}`", shorten(self.rest))
        }
    }

    /// Up to what separates values.
    fn word(&mut self) -> &'a str {
        self.space();
        let end = self.rest.find([',', ':', ')', ']', '}']).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word.trim_end()
    }

    /// A name, with the path before it.
    fn identifier(&mut self) -> &'a str {
        self.space();
        let is_part = |c: char| c.is_alphanumeric() || c == '_';
        let mut end = 0;
        loop {
            let tail = &self.rest[end..];
            end += tail.find(|c| !is_part(c)).unwrap_or(tail.len());
            if !self.rest[end..].starts_with("::") {
                break;
            }
            end += 2;
        }
        let (name, rest) = self.rest.split_at(end);
        self.rest = rest;
        name
    }

    /// `'c'`, or the character alone.
    fn char(&mut self) -> Option<char> {
        if let Some(inside) = self.rest.strip_prefix('\'') {
            let (c, after) = match inside.strip_prefix('\\') {
                Some(escape) => unescape(escape)?,
                None => (inside.chars().next()?, &inside[inside.chars().next()?.len_utf8()..]),
            };
            self.rest = after.strip_prefix('\'')?;
            return Some(c);
        }
        let word = self.word();
        let mut chars = word.chars();
        chars.next().filter(|_| chars.next().is_none())
    }

    /// A text in double quotes; none if there is none.
    fn quoted(&mut self) -> Option<Result<String, String>> {
        let mut rest = self.rest.strip_prefix('"')?;
        let mut text = String::new();
        loop {
            let Some(c) = rest.chars().next() else {
                return Some(Err("the closing quote is missing".to_owned()));
            };
            rest = &rest[c.len_utf8()..];
            match c {
                '"' => break,
                '\\' => match unescape(rest) {
                    Some((c, after)) => {
                        text.push(c);
                        rest = after;
                    }
                    None => {
                        return Some(Err(format!("`\\{}` is no escape", rest.chars().next().unwrap_or(' '))));
                    }
                },
                c => text.push(c),
            }
        }
        self.rest = rest;
        Some(Ok(text))
    }

    fn wrong(&self, id: u32, found: &str, why: Option<String>) -> ReadError {
        let found = match found {
            "" => "nothing".to_owned(),
            text => format!("`{}`", shorten(text)),
        };
        ReadError { path: self.path.clone(), expected: expected(self.types, id), found, why }
    }
}

/// The character of an escape as Rust's `Debug` writes it, and what follows.
fn unescape(text: &str) -> Option<(char, &str)> {
    let c = text.chars().next()?;
    let after = &text[c.len_utf8()..];
    let plain = match c {
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        '0' => '\0',
        '\\' | '"' | '\'' => c,
        'u' => {
            let (digits, after) = after.strip_prefix('{')?.split_once('}')?;
            return Some((char::from_u32(u32::from_str_radix(digits, 16).ok()?)?, after));
        }
        _ => return None,
    };
    Some((plain, after))
}

/// A whole number, decimal with `_` or hex; none if it is no number, an error if it is too large.
fn unsigned(word: &str) -> Option<Result<u128, ()>> {
    let (digits, radix) = match word.strip_prefix("0x") {
        Some(digits) => (digits, 16),
        None => (word, 10),
    };
    let is_number = digits.starts_with(|c: char| c.is_digit(radix))
        && digits.chars().all(|c| c == '_' || c.is_digit(radix));
    is_number.then(|| u128::from_str_radix(&digits.replace('_', ""), radix).map_err(drop))
}

/// An integer with sign, or why it is none.
fn signed(word: &str, bits: u16) -> Result<i128, Option<String>> {
    let (is_negative, digits) = match word.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, word),
    };
    let too_much = || Some("that is too much".to_owned());
    let value = unsigned(digits).ok_or(None)?.map_err(|()| too_much())?;
    // Between the smallest and the largest there is one more below zero.
    let limit = (1_u128 << (bits - 1)) - u128::from(!is_negative);
    if value > limit {
        return Err(too_much());
    }
    Ok(if is_negative { value.wrapping_neg().cast_signed() } else { value.cast_signed() })
}

fn shorten(text: &str) -> String {
    match text.char_indices().nth(FOUND_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
