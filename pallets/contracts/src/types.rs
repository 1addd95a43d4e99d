//! What the storage items, events and runtime API of this pallet hold. Shapes and type paths are Substrate's.

mod environment;

use alloc::{collections::BTreeMap, vec, vec::Vec};

use basalt_contracts_vm as vm;
use basalt_primitives::{AccountId, Balance, H256, Weight};
use parity_scale_codec::{Decode, Encode};
use scale_info::{
    Path, Type, TypeInfo, TypeParameter,
    build::{Fields, Variants},
    meta_type,
};

pub use environment::{ApiVersion, BlakeTwo256, Environment, EnvironmentType};

/// Whether code may do what differs between machines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_contracts", "pallet_contracts"))]
#[scale_info(replace_segment("types", "wasm"))]
pub enum Determinism {
    /// No floating point: all code that runs on chain.
    #[codec(index = 0)]
    Enforced,
    /// Floating point is allowed: only in dry runs, by delegate call.
    #[codec(index = 1)]
    Relaxed,
}

impl From<Determinism> for vm::Determinism {
    fn from(determinism: Determinism) -> Self {
        match determinism {
            Determinism::Enforced => Self::Enforced,
            Determinism::Relaxed => Self::Relaxed,
        }
    }
}

impl From<vm::Determinism> for Determinism {
    fn from(determinism: vm::Determinism) -> Self {
        match determinism {
            vm::Determinism::Enforced => Self::Enforced,
            vm::Determinism::Relaxed => Self::Relaxed,
        }
    }
}

/// Who called a contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub enum Origin {
    /// The chain itself.
    #[codec(index = 0)]
    Root,
    /// An account, maybe another contract's.
    #[codec(index = 1)]
    Signed(AccountId),
}

/// Bytes whose number is limited. To clients a type of its own, as in Substrate; encoded as the bytes it wraps.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
pub struct BoundedBytes(pub Vec<u8>);

/// What is known of uploaded code.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_contracts", "pallet_contracts"))]
#[scale_info(replace_segment("types", "wasm"))]
pub struct CodeInfo {
    /// Who uploaded it: whose deposit is held, and who may remove it.
    pub owner: AccountId,
    /// What is held for it.
    #[codec(compact)]
    pub deposit: Balance,
    /// How many contracts use it, or depend on it.
    #[codec(compact)]
    pub refcount: u64,
    /// Whether it has no floating point.
    pub determinism: Determinism,
    /// How many bytes it has.
    pub code_len: u32,
}

/// Deposits that a contract pays for code that it runs by delegate call, by the code's hash.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
pub struct DelegateDependencies(pub BTreeMap<H256, Balance>);

/// A contract.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_contracts", "pallet_contracts"))]
#[scale_info(replace_segment("types", "storage"))]
pub struct ContractInfo {
    /// Where its storage is, see [`crate::storage`].
    pub trie_id: BoundedBytes,
    /// Its code.
    pub code_hash: H256,
    /// Bytes of all values it stores.
    pub storage_bytes: u32,
    /// Number of values it stores.
    pub storage_items: u32,
    /// What is held for the bytes.
    pub storage_byte_deposit: Balance,
    /// What is held for the items.
    pub storage_item_deposit: Balance,
    /// What is held for this record and the code.
    pub storage_base_deposit: Balance,
    /// Other code that must stay as long as this contract.
    pub delegate_dependencies: DelegateDependencies,
}

/// Which part of the deletion queue is in use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_contracts", "pallet_contracts"))]
#[scale_info(replace_segment("types", "storage"))]
pub struct DeletionQueueManager {
    /// The next free place.
    pub insert_counter: u32,
    /// The first place in use, if it is not the next free one.
    pub delete_counter: u32,
}

/// What an amount of an account is held for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_contracts", "pallet_contracts"))]
#[scale_info(replace_segment("types", "pallet"))]
pub enum HoldReason {
    /// For code that the account uploaded.
    #[codec(index = 0)]
    CodeUploadDepositReserve,
    /// For what the contract stores.
    #[codec(index = 1)]
    StorageDepositReserve,
}

/// How a contract ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Encode, Decode)]
pub struct ReturnFlags(pub u32);

impl ReturnFlags {
    /// All that the contract did is taken back.
    pub const REVERT: Self = Self(1);

    /// Whether all that the contract did is taken back.
    pub const fn is_revert(self) -> bool {
        self.0 & Self::REVERT.0 != 0
    }
}

/// What a contract returned.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_contracts", "pallet_contracts"))]
#[scale_info(replace_segment("types", "primitives"))]
pub struct ExecReturnValue {
    /// How it ended.
    pub flags: ReturnFlags,
    /// Its encoding of the result.
    pub data: Vec<u8>,
}

impl ExecReturnValue {
    /// Whether all that the contract did is taken back.
    pub const fn did_revert(&self) -> bool {
        self.flags.is_revert()
    }
}

/// What a constructor returned.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_contracts", "pallet_contracts"))]
#[scale_info(replace_segment("types", "primitives"))]
pub struct InstantiateReturnValue {
    /// What it returned.
    pub result: ExecReturnValue,
    /// The contract's account, if the constructor did not revert.
    pub account_id: AccountId,
}

/// What an upload did.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_contracts", "pallet_contracts"))]
#[scale_info(replace_segment("types", "primitives"))]
pub struct CodeUploadReturnValue {
    /// Blake2b-256 of the code.
    pub code_hash: H256,
    /// What is now held for it; zero if it was there already.
    pub deposit: Balance,
}

/// What storage cost or gave back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_contracts", "pallet_contracts"))]
#[scale_info(replace_segment("types", "primitives"))]
pub enum StorageDeposit {
    /// It gave back.
    #[codec(index = 0)]
    Refund(Balance),
    /// It cost.
    #[codec(index = 1)]
    Charge(Balance),
}

impl Default for StorageDeposit {
    fn default() -> Self {
        Self::Charge(0)
    }
}

impl StorageDeposit {
    /// What was charged; zero for a refund.
    pub const fn charge_or_zero(self) -> Balance {
        match self {
            Self::Charge(amount) => amount,
            Self::Refund(_) => 0,
        }
    }

    /// Both together.
    pub const fn saturating_add(self, other: Self) -> Self {
        match (self, other) {
            (Self::Charge(a), Self::Charge(b)) => Self::Charge(a.saturating_add(b)),
            (Self::Refund(a), Self::Refund(b)) => Self::Refund(a.saturating_add(b)),
            (Self::Charge(charge), Self::Refund(refund)) | (Self::Refund(refund), Self::Charge(charge)) => {
                if charge >= refund {
                    Self::Charge(charge - refund)
                } else {
                    Self::Refund(refund - charge)
                }
            }
        }
    }
}

/// What a dry run says.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_contracts", "pallet_contracts"))]
#[scale_info(replace_segment("types", "primitives"))]
pub struct ContractResult<R, E> {
    /// What was used in the end.
    pub gas_consumed: Weight,
    /// The limit that the same call needs: at times more than is used in the end.
    pub gas_required: Weight,
    /// What storage would cost.
    pub storage_deposit: StorageDeposit,
    /// What the contract said, in UTF-8; or why code was refused.
    pub debug_message: Vec<u8>,
    /// The result.
    pub result: R,
    /// Events of the dry run.
    pub events: Option<Vec<E>>,
}

/// The code to instantiate.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_contracts", "pallet_contracts"))]
#[scale_info(replace_segment("types", "primitives"))]
pub enum Code {
    /// A module that is uploaded first.
    #[codec(index = 0)]
    Upload(Vec<u8>),
    /// The hash of one that was.
    #[codec(index = 1)]
    Existing(H256),
}

/// Why a contract's storage cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_contracts", "pallet_contracts"))]
#[scale_info(replace_segment("types", "primitives"))]
pub enum ContractAccessError {
    /// There is no contract.
    #[codec(index = 0)]
    DoesntExist,
    /// The key is too long.
    #[codec(index = 1)]
    KeyDecodingFailed,
    /// The storage of this pallet is being migrated.
    #[codec(index = 2)]
    MigrationInProgress,
}

// ---- What clients are told of types whose paths no module layout of ours can yield ------------------------------

/// The type path made of these segments.
fn path<const N: usize>(segments: [&'static str; N]) -> Path {
    Path::from_segments(segments)
        .expect("every caller passes Rust identifiers, and at least one; tests call all")
}

impl TypeInfo for Origin {
    type Identity = Self;

    fn type_info() -> Type {
        Type::builder().path(path(["pallet_contracts", "Origin"])).variant(
            Variants::new().variant_unit("Root", 0).variant("Signed", |v| {
                v.index(1).fields(Fields::unnamed().field(|f| f.ty::<AccountId>().type_name("T::AccountId")))
            }),
        )
    }
}

impl TypeInfo for BoundedBytes {
    type Identity = Self;

    fn type_info() -> Type {
        Type::builder()
            .path(path(["bounded_collections", "bounded_vec", "BoundedVec"]))
            .type_params(vec![
                TypeParameter::new("T", Some(meta_type::<u8>())),
                TypeParameter::new("S", None),
            ])
            .composite(Fields::unnamed().field(|f| f.ty::<Vec<u8>>().type_name("Vec<T>")))
    }
}

impl TypeInfo for DelegateDependencies {
    type Identity = Self;

    fn type_info() -> Type {
        Type::builder()
            .path(path(["bounded_collections", "bounded_btree_map", "BoundedBTreeMap"]))
            .type_params(vec![
                TypeParameter::new("K", Some(meta_type::<H256>())),
                TypeParameter::new("V", Some(meta_type::<Balance>())),
                TypeParameter::new("S", None),
            ])
            .composite(
                Fields::unnamed().field(|f| f.ty::<BTreeMap<H256, Balance>>().type_name("BTreeMap<K, V>")),
            )
    }
}

impl TypeInfo for ReturnFlags {
    type Identity = Self;

    fn type_info() -> Type {
        Type::builder()
            .path(path(["pallet_contracts_uapi", "flags", "ReturnFlags"]))
            .composite(Fields::named().field(|f| f.ty::<u32>().name("bits").type_name("u32")))
    }
}
