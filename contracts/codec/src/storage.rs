//! Storage: which cells a contract has, and what is in them.
//!
//! ink! keeps all packed fields in one cell under the root key 0. What is not packed, such as a `Mapping`, has a key of
//! its own: 4 bytes, little endian, and for an entry of a `Mapping` its key behind them.

use std::collections::BTreeMap;

use scale_info::PortableRegistry;
use serde::{Deserialize, Deserializer};

use crate::{
    decode::{DecodeError, Decoder, decode_all},
    metadata::Metadata,
    value::Value,
};

/// Bytes of a root key.
const ROOT_KEY_BYTES: usize = 4;
/// How deep layouts may be nested.
const LAYOUT_DEPTH_MAX: usize = 32;

/// The layout of the metadata, as far as this module needs it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Layout {
    Root(Root),
    Leaf(serde::de::IgnoredAny),
    Hash(serde::de::IgnoredAny),
    Array(Array),
    Struct(Struct),
    Enum(Enum),
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Root {
    #[serde(deserialize_with = "root_key")]
    root_key: [u8; ROOT_KEY_BYTES],
    layout: Box<Layout>,
    ty: u32,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Array {
    layout: Box<Layout>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Struct {
    fields: Vec<LayoutField>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct LayoutField {
    name: String,
    layout: Layout,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Enum {
    variants: BTreeMap<String, Struct>,
}

fn root_key<'de, D: Deserializer<'de>>(input: D) -> Result<[u8; ROOT_KEY_BYTES], D::Error> {
    const_hex::decode_to_array(String::deserialize(input)?).map_err(serde::de::Error::custom)
}

/// A part of a contract's storage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// The field, with the structs around it; empty for the root, which holds all that is packed.
    pub name: String,
    /// Its root key.
    pub key: [u8; 4],
    /// What is in it.
    pub content: Content,
}

/// What is in a part of storage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// Nothing was written.
    Empty,
    /// One value.
    Value(Value),
    /// The entries of a mapping, in the order of their keys' bytes.
    Entries(Vec<(Value, Value)>),
    /// The values of a list.
    List(Vec<Value>),
    /// Something is there, and this is why it cannot be read.
    Unreadable(DecodeError),
}

/// Storage, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// The parts that the metadata knows.
    pub cells: Vec<Cell>,
    /// Keys and values that belong to none of them.
    pub unknown: Vec<(Vec<u8>, Vec<u8>)>,
}

/// What a type keeps in cells of its own.
enum Kind {
    /// Key and value.
    Mapping(u32, u32),
    /// One value.
    Single(u32),
    /// A length, and so many values.
    List(u32),
}

impl Metadata {
    /// Reads storage: all pairs of a contract's own keys, without the hash before them, and values.
    pub fn view_storage(&self, pairs: &BTreeMap<Vec<u8>, Vec<u8>>) -> View {
        let mut roots = Vec::new();
        collect(&self.layout, "", 0, &mut roots);
        let mut unknown = pairs.clone();
        let cells = roots
            .into_iter()
            .map(|(name, root)| {
                let mut own = BTreeMap::new();
                unknown.retain(|key, value| {
                    let is_own = key.starts_with(&root.root_key);
                    if is_own {
                        own.insert(key[ROOT_KEY_BYTES..].to_vec(), std::mem::take(value));
                    }
                    !is_own
                });
                let content = content(&self.types, root.ty, &own).unwrap_or_else(Content::Unreadable);
                Cell { name, key: root.root_key, content }
            })
            .collect();
        View { cells, unknown: unknown.into_iter().collect() }
    }
}

/// All roots, the outer before the inner.
fn collect<'a>(layout: &'a Layout, name: &str, depth: usize, roots: &mut Vec<(String, &'a Root)>) {
    if depth > LAYOUT_DEPTH_MAX {
        return;
    }
    let mut of_struct = |name: &str, fields: &'a [LayoutField]| {
        for field in fields {
            let name = if name.is_empty() { field.name.clone() } else { format!("{name}.{}", field.name) };
            collect(&field.layout, &name, depth + 1, roots);
        }
    };
    match layout {
        Layout::Leaf(_) | Layout::Hash(_) => {}
        Layout::Array(array) => collect(&array.layout, name, depth + 1, roots),
        Layout::Struct(layout) => of_struct(name, &layout.fields),
        Layout::Enum(layout) => {
            for variant in layout.variants.values() {
                of_struct(name, &variant.fields);
            }
        }
        Layout::Root(root) => {
            roots.push((name.to_owned(), root));
            collect(&root.layout, name, depth + 1, roots);
        }
    }
}

fn kind(types: &PortableRegistry, id: u32) -> Kind {
    let Some(ty) = types.resolve(id) else { return Kind::Single(id) };
    let parameter = |name: &str| {
        let found = ty.type_params.iter().find(|parameter| parameter.name == name);
        found.and_then(|parameter| parameter.ty).map(|ty| ty.id)
    };
    let is_ink = ty.path.segments.first().is_some_and(|root| root == "ink_storage");
    match ty.path.segments.last().map(String::as_str) {
        Some("Mapping") if is_ink => match (parameter("K"), parameter("V")) {
            (Some(key), Some(value)) => Kind::Mapping(key, value),
            _ => Kind::Single(id),
        },
        Some("Lazy") if is_ink => parameter("V").map_or(Kind::Single(id), Kind::Single),
        Some("StorageVec") if is_ink => parameter("V").map_or(Kind::Single(id), Kind::List),
        _ => Kind::Single(id),
    }
}

fn content(
    types: &PortableRegistry,
    id: u32,
    own: &BTreeMap<Vec<u8>, Vec<u8>>,
) -> Result<Content, DecodeError> {
    Ok(match kind(types, id) {
        Kind::Single(ty) => match own.get(&[][..]) {
            None => Content::Empty,
            Some(bytes) => Content::Value(decode_all(types, ty, bytes)?),
        },
        Kind::Mapping(key, value) => Content::Entries(
            own.iter()
                .map(|(at, bytes)| Ok((decode_all(types, key, at)?, decode_all(types, value, bytes)?)))
                .collect::<Result<_, DecodeError>>()?,
        ),
        Kind::List(ty) => {
            // The cell without index holds the length.
            let mut values = BTreeMap::new();
            for (at, bytes) in own.iter().filter(|(at, _)| !at.is_empty()) {
                let index = Decoder::new(types, at).take(4, "the index of a list")?;
                let index = index.iter().rev().fold(0_u32, |index, byte| index << 8 | u32::from(*byte));
                values.insert(index, decode_all(types, ty, bytes)?);
            }
            Content::List(values.into_values().collect())
        }
    })
}
