//! What clients are told of a pallet, derived from the code that runs.

mod encode;

use alloc::vec::Vec;

use frame_metadata::v14::StorageEntryMetadata;
use parity_scale_codec::Encode;
use scale_info::{MetaType, TypeInfo, meta_type};

pub use encode::{Api, Extension, Extrinsic, Method, RuntimeMetadata};

/// What clients are told of one pallet.
#[derive(Debug, Clone)]
pub struct PalletMetadata {
    /// Name, which is the storage prefix too.
    pub name: &'static str,
    /// Index in calls, events and errors.
    pub index: u8,
    /// Storage items, from the constants the code uses.
    pub storage: Vec<StorageEntryMetadata>,
    /// The type of its calls.
    pub calls: Option<MetaType>,
    /// The type of its events.
    pub event: Option<MetaType>,
    /// The type of its errors.
    pub error: Option<MetaType>,
    /// Constants, from the values the code uses.
    pub constants: Vec<Constant>,
    /// What it is for.
    pub docs: Vec<&'static str>,
}

/// One constant of a pallet.
#[derive(Debug, Clone)]
pub struct Constant {
    /// Name in camel case with a capital, as in Substrate.
    pub name: &'static str,
    /// Its type.
    pub ty: MetaType,
    /// Its SCALE bytes.
    pub value: Vec<u8>,
    /// What it means, with units.
    pub docs: Vec<&'static str>,
}

impl Constant {
    /// A constant from the value the code uses.
    pub fn new<T: Encode + TypeInfo + 'static>(name: &'static str, value: &T, docs: &[&'static str]) -> Self {
        Self { name, ty: meta_type::<T>(), value: value.encode(), docs: docs.to_vec() }
    }
}
