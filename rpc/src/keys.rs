//! Names for raw storage keys: which pallet, which item, whose entry.

pub(crate) mod contracts;

use std::{collections::HashMap, fmt::Write};

use basalt_primitives::{hashing::twox_128, ss58};
use frame_metadata::{
    RuntimeMetadata, RuntimeMetadataPrefixed,
    v14::{PalletMetadata, StorageEntryType, StorageHasher},
};
use parity_scale_codec::{Compact, Decode, DecodeAll};
use scale_info::{PortableRegistry, TypeDef, TypeDefPrimitive, form::PortableForm};

/// The version of the metadata that is read: the oldest that has all of this.
const METADATA_VERSION: u32 = 14;

/// Bytes of the two hashes that every pallet's key begins with.
const PREFIX_BYTES: usize = 32;

/// How deep types of map keys are followed: real ones are a newtype or a tuple of them.
const DEPTH_MAX: u32 = 8;

/// Characters of one part of a map's key: an address has 48, a hash 66.
const PART_CHARS_MAX: usize = 80;

/// The names of all storage items of a runtime, made once from its metadata.
#[derive(Debug, Default)]
pub struct KeyNames {
    items: HashMap<[u8; PREFIX_BYTES], Item>,
    types: Option<PortableRegistry>,
    /// Prefix of addresses.
    ss58_prefix: u16,
}

/// What is known of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ItemName<'a> {
    /// The pallet that owns it.
    pub pallet: &'a str,
    /// The storage item.
    pub item: &'a str,
}

#[derive(Debug)]
struct Item {
    pallet: String,
    name: String,
    /// The parts of a map's key, in order: how each is hashed, and its type. None for a single value.
    parts: Vec<(StorageHasher, u32)>,
}

impl KeyNames {
    /// The names in a runtime's metadata. None at all if it cannot be read: keys are then shown as they are.
    pub fn new(runtime: &dyn basalt_runtime_api::Runtime) -> Self {
        let metadata = runtime.metadata(METADATA_VERSION);
        match metadata.map(|bytes| RuntimeMetadataPrefixed::decode_all(&mut bytes.as_slice())) {
            Some(Ok(RuntimeMetadataPrefixed(_, RuntimeMetadata::V14(metadata)))) => {
                Self::of(&metadata.pallets, metadata.types)
            }
            // The node runs blocks all the same.
            _ => {
                tracing::debug!("the runtime has no metadata to name storage keys by");
                Self::default()
            }
        }
    }

    fn of(pallets: &[PalletMetadata<PortableForm>], types: PortableRegistry) -> Self {
        let constant = |pallet: &str, name: &str| {
            let pallet = pallets.iter().find(|found| found.name == pallet)?;
            pallet.constants.iter().find(|found| found.name == name)
        };
        let ss58_prefix = constant("System", "SS58Prefix")
            .and_then(|found| u16::decode(&mut found.value.as_slice()).ok())
            .unwrap_or(ss58::GENERIC_PREFIX);
        let mut items = HashMap::new();
        for pallet in pallets {
            let Some(storage) = &pallet.storage else { continue };
            for entry in &storage.entries {
                let mut prefix = [0; PREFIX_BYTES];
                let (of_pallet, of_item) = prefix.split_at_mut(PREFIX_BYTES / 2);
                of_pallet.copy_from_slice(&twox_128(storage.prefix.as_bytes()));
                of_item.copy_from_slice(&twox_128(entry.name.as_bytes()));
                let parts = match &entry.ty {
                    StorageEntryType::Plain(_) => Vec::new(),
                    StorageEntryType::Map { hashers, key, .. } => parts(&types, hashers, key.id),
                };
                let name = entry.name.clone();
                items.insert(prefix, Item { pallet: pallet.name.clone(), name, parts });
            }
        }
        Self { items, types: Some(types), ss58_prefix }
    }

    /// Pallet and item of a key; `None` for keys that no pallet owns. What contracts store is `Contracts.Storage`.
    pub fn name(&self, key: &[u8]) -> Option<ItemName<'_>> {
        if contracts::split(key).is_some() {
            return Some(contracts::NAME);
        }
        self.item(key).map(|(item, _)| ItemName { pallet: &item.pallet, item: &item.name })
    }

    /// The parts of a map's key as text: addresses, numbers, hex. Empty for a single value, for a key of no pallet,
    /// and for keys that only their hash is left of. What contracts store has the id of the contract's storage and the
    /// contract's own key; see [`Self::contracts`] for its account.
    pub fn map_key(&self, key: &[u8]) -> Vec<String> {
        if let Some((id, hashed)) = contracts::split(key) {
            return contracts::parts(&id, hashed).into_iter().map(shortened).collect();
        }
        let Some((item, mut rest)) = self.item(key) else { return Vec::new() };
        let Some(types) = &self.types else { return Vec::new() };
        let mut texts = Vec::new();
        for (hasher, ty) in &item.parts {
            let hash_bytes = match hasher {
                StorageHasher::Blake2_128Concat => 16,
                StorageHasher::Twox64Concat => 8,
                StorageHasher::Identity => 0,
                // One cannot go back, nor know where the next part begins.
                StorageHasher::Blake2_128
                | StorageHasher::Blake2_256
                | StorageHasher::Twox128
                | StorageHasher::Twox256 => break,
            };
            // A key may end before its last part: the walk over all entries that begin so.
            let Some(mut plain) = rest.get(hash_bytes..).filter(|plain| !plain.is_empty()) else { break };
            let before = plain;
            let Some(text) = self.text(types, *ty, &mut plain, DEPTH_MAX) else {
                texts.push(shortened(const_hex::encode_prefixed(before)));
                break;
            };
            texts.push(shortened(text));
            rest = plain;
        }
        texts
    }

    fn item<'a, 'k>(&'a self, key: &'k [u8]) -> Option<(&'a Item, &'k [u8])> {
        let (prefix, rest) = key.split_first_chunk::<PREFIX_BYTES>()?;
        Some((self.items.get(prefix)?, rest))
    }

    /// One value of this type, taken from the front of `input`. `None` if it is of no kind that keys are made of.
    fn text(&self, types: &PortableRegistry, ty: u32, input: &mut &[u8], depth: u32) -> Option<String> {
        let depth = depth.checked_sub(1)?;
        let ty = types.resolve(ty)?;
        let last_name = ty.path.segments.last().map(String::as_str);
        match (&ty.type_def, last_name) {
            (_, Some("AccountId32")) => {
                let account = <[u8; 32]>::decode(input).ok()?;
                Some(ss58::encode(self.ss58_prefix, &account))
            }
            (TypeDef::Primitive(primitive), _) => number(primitive, input),
            (TypeDef::Compact(_), _) => Some(Compact::<u128>::decode(input).ok()?.0.to_string()),
            (TypeDef::Array(array), _) if is_byte(types, array.type_param.id) => {
                let (bytes, rest) = input.split_at_checked(usize::try_from(array.len).ok()?)?;
                *input = rest;
                Some(const_hex::encode_prefixed(bytes))
            }
            (TypeDef::Sequence(sequence), _) if is_byte(types, sequence.type_param.id) => {
                Some(const_hex::encode_prefixed(Vec::<u8>::decode(input).ok()?))
            }
            (TypeDef::Tuple(tuple), _) => {
                let mut texts = String::from("(");
                for (index, field) in tuple.fields.iter().enumerate() {
                    let separator = if index == 0 { "" } else { ", " };
                    write!(texts, "{separator}{}", self.text(types, field.id, input, depth)?).ok()?;
                }
                Some(texts + ")")
            }
            (TypeDef::Composite(composite), _) => match composite.fields.as_slice() {
                [only] => self.text(types, only.ty.id, input, depth),
                _ => None,
            },
            _ => None,
        }
    }
}

/// Each hasher with the type that it hashes.
fn parts(types: &PortableRegistry, hashers: &[StorageHasher], key: u32) -> Vec<(StorageHasher, u32)> {
    let of_tuple = types.resolve(key).and_then(|ty| match &ty.type_def {
        TypeDef::Tuple(tuple) if tuple.fields.len() == hashers.len() => Some(&tuple.fields),
        _ => None,
    });
    match (hashers, of_tuple) {
        ([hasher], _) => vec![(hasher.clone(), key)],
        (_, Some(fields)) => hashers.iter().cloned().zip(fields.iter().map(|field| field.id)).collect(),
        // Metadata that contradicts itself: name the item, and leave its keys alone.
        (_, None) => Vec::new(),
    }
}

fn is_byte(types: &PortableRegistry, ty: u32) -> bool {
    types.resolve(ty).is_some_and(|ty| matches!(ty.type_def, TypeDef::Primitive(TypeDefPrimitive::U8)))
}

fn number(primitive: &TypeDefPrimitive, input: &mut &[u8]) -> Option<String> {
    Some(match primitive {
        TypeDefPrimitive::Bool => bool::decode(input).ok()?.to_string(),
        TypeDefPrimitive::U8 => u8::decode(input).ok()?.to_string(),
        TypeDefPrimitive::U16 => u16::decode(input).ok()?.to_string(),
        TypeDefPrimitive::U32 => u32::decode(input).ok()?.to_string(),
        TypeDefPrimitive::U64 => u64::decode(input).ok()?.to_string(),
        TypeDefPrimitive::U128 => u128::decode(input).ok()?.to_string(),
        TypeDefPrimitive::I8 => i8::decode(input).ok()?.to_string(),
        TypeDefPrimitive::I16 => i16::decode(input).ok()?.to_string(),
        TypeDefPrimitive::I32 => i32::decode(input).ok()?.to_string(),
        TypeDefPrimitive::I64 => i64::decode(input).ok()?.to_string(),
        TypeDefPrimitive::I128 => i128::decode(input).ok()?.to_string(),
        // No storage key here is made of these.
        TypeDefPrimitive::Char | TypeDefPrimitive::Str | TypeDefPrimitive::U256 | TypeDefPrimitive::I256 => {
            return None;
        }
    })
}

/// A contract's storage may have keys of any length; a report stays readable.
fn shortened(text: String) -> String {
    if text.chars().count() <= PART_CHARS_MAX {
        return text;
    }
    text.chars().take(PART_CHARS_MAX - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests;
