//! What contracts may import: names, signatures and versions of `pallet-contracts` (`ApiVersion` 4).

/// A Wasm value that crosses the border.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueType {
    /// 32 bits.
    I32,
    /// 64 bits.
    I64,
}

/// Who may import a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stability {
    /// Everybody.
    Stable,
    /// Only chains that say so ([`Policy::unstable`](crate::Policy)).
    Unstable,
    /// Code that was uploaded when it was not deprecated, and only in messages: no upload, no constructor.
    Deprecated,
}

/// One function that contracts may import.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Import {
    /// `seal0`, `seal1` or `seal2`.
    pub module: &'static str,
    /// Without the prefix `seal_`, but for `seal_return`.
    pub name: &'static str,
    /// Whether `seal_` in front of the name means the same.
    pub alias: bool,
    /// What it takes.
    pub parameters: &'static [ValueType],
    /// What it returns.
    pub result: Option<ValueType>,
    /// Who may import it.
    pub stability: Stability,
    /// What it does.
    pub function: HostFunction,
}

/// A function of the host. `…V1` and `…V2` are later versions of a function with fewer or other parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each is described in `facts/contracts.md` §3 under its import's name")]
pub enum HostFunction {
    Input,
    Return,
    Caller,
    CallerIsOrigin,
    CallerIsRoot,
    Address,
    IsContract,
    CodeHash,
    OwnCodeHash,
    Balance,
    ValueTransferred,
    MinimumBalance,
    Now,
    BlockNumber,
    GasLeft,
    GasLeftV1,
    WeightToFee,
    WeightToFeeV1,
    InstantiationNonce,
    ReentranceCount,
    AccountReentranceCount,
    SetStorage,
    SetStorageV1,
    SetStorageV2,
    ClearStorage,
    ClearStorageV1,
    GetStorage,
    GetStorageV1,
    ContainsStorage,
    ContainsStorageV1,
    TakeStorage,
    SetTransientStorage,
    ClearTransientStorage,
    GetTransientStorage,
    ContainsTransientStorage,
    TakeTransientStorage,
    Transfer,
    Call,
    CallV1,
    CallV2,
    DelegateCall,
    Instantiate,
    InstantiateV1,
    InstantiateV2,
    Terminate,
    TerminateV1,
    SetCodeHash,
    LockDelegateDependency,
    UnlockDelegateDependency,
    CallRuntime,
    XcmExecute,
    XcmSend,
    CallChainExtension,
    DepositEvent,
    HashSha2256,
    HashKeccak256,
    HashBlake2256,
    HashBlake2128,
    EcdsaRecover,
    EcdsaToEthAddress,
    Sr25519Verify,
    DebugMessage,
    Random,
    RandomV1,
    TombstoneDeposit,
    RestoreTo,
    RestoreToV1,
    SetRentAllowance,
    SetRentAllowanceV1,
    RentAllowance,
}

use HostFunction as F;
use Stability::{Deprecated, Stable, Unstable};
use ValueType::{I32, I64};

/// As many `i32`.
const fn words(count: usize) -> &'static [ValueType] {
    const MOST: &[ValueType] = &[I32; 9];
    MOST.split_at(count).0
}

/// A stable function that is also known with the prefix `seal_`.
const fn a(
    module: &'static str,
    name: &'static str,
    parameters: &'static [ValueType],
    result: Option<ValueType>,
    function: F,
) -> Import {
    Import { module, name, alias: true, parameters, result, stability: Stable, function }
}

/// A stable function that has one name.
const fn n(
    module: &'static str,
    name: &'static str,
    parameters: &'static [ValueType],
    result: Option<ValueType>,
    function: F,
) -> Import {
    Import { alias: false, ..a(module, name, parameters, result, function) }
}

/// An unstable one.
const fn u(
    module: &'static str,
    name: &'static str,
    parameters: &'static [ValueType],
    result: Option<ValueType>,
    function: F,
) -> Import {
    Import { stability: Unstable, ..n(module, name, parameters, result, function) }
}

/// A deprecated one, known with the prefix too.
const fn d(
    module: &'static str,
    name: &'static str,
    parameters: &'static [ValueType],
    result: Option<ValueType>,
    function: F,
) -> Import {
    Import { stability: Deprecated, ..a(module, name, parameters, result, function) }
}

const NO: Option<ValueType> = None;
const W: Option<ValueType> = Some(I32);

/// All of them.
pub const IMPORTS: &[Import] = &[
    a("seal0", "input", words(2), NO, F::Input),
    n("seal0", "seal_return", words(3), NO, F::Return),
    a("seal0", "caller", words(2), NO, F::Caller),
    a("seal0", "caller_is_origin", words(0), W, F::CallerIsOrigin),
    n("seal0", "caller_is_root", words(0), W, F::CallerIsRoot),
    a("seal0", "address", words(2), NO, F::Address),
    a("seal0", "is_contract", words(1), W, F::IsContract),
    a("seal0", "code_hash", words(3), W, F::CodeHash),
    a("seal0", "own_code_hash", words(2), NO, F::OwnCodeHash),
    a("seal0", "balance", words(2), NO, F::Balance),
    a("seal0", "value_transferred", words(2), NO, F::ValueTransferred),
    a("seal0", "minimum_balance", words(2), NO, F::MinimumBalance),
    a("seal0", "now", words(2), NO, F::Now),
    a("seal0", "block_number", words(2), NO, F::BlockNumber),
    a("seal0", "gas_left", words(2), NO, F::GasLeft),
    u("seal1", "gas_left", words(2), NO, F::GasLeftV1),
    a("seal0", "weight_to_fee", &[I64, I32, I32], NO, F::WeightToFee),
    u("seal1", "weight_to_fee", &[I64, I64, I32, I32], NO, F::WeightToFeeV1),
    n("seal0", "instantiation_nonce", words(0), Some(I64), F::InstantiationNonce),
    u("seal0", "reentrance_count", words(0), W, F::ReentranceCount),
    u("seal0", "account_reentrance_count", words(1), W, F::AccountReentranceCount),
    a("seal0", "set_storage", words(3), NO, F::SetStorage),
    a("seal1", "set_storage", words(3), W, F::SetStorageV1),
    a("seal2", "set_storage", words(4), W, F::SetStorageV2),
    a("seal0", "clear_storage", words(1), NO, F::ClearStorage),
    a("seal1", "clear_storage", words(2), W, F::ClearStorageV1),
    a("seal0", "get_storage", words(3), W, F::GetStorage),
    a("seal1", "get_storage", words(4), W, F::GetStorageV1),
    a("seal0", "contains_storage", words(1), W, F::ContainsStorage),
    a("seal1", "contains_storage", words(2), W, F::ContainsStorageV1),
    a("seal0", "take_storage", words(4), W, F::TakeStorage),
    u("seal0", "set_transient_storage", words(4), W, F::SetTransientStorage),
    u("seal0", "clear_transient_storage", words(2), W, F::ClearTransientStorage),
    u("seal0", "get_transient_storage", words(4), W, F::GetTransientStorage),
    u("seal0", "contains_transient_storage", words(2), W, F::ContainsTransientStorage),
    u("seal0", "take_transient_storage", words(4), W, F::TakeTransientStorage),
    a("seal0", "transfer", words(4), W, F::Transfer),
    a("seal0", "call", &[I32, I32, I64, I32, I32, I32, I32, I32, I32], W, F::Call),
    a("seal1", "call", &[I32, I32, I64, I32, I32, I32, I32, I32], W, F::CallV1),
    n("seal2", "call", &[I32, I32, I64, I64, I32, I32, I32, I32, I32, I32], W, F::CallV2),
    a("seal0", "delegate_call", words(6), W, F::DelegateCall),
    a(
        "seal0",
        "instantiate",
        &[I32, I32, I64, I32, I32, I32, I32, I32, I32, I32, I32, I32, I32],
        W,
        F::Instantiate,
    ),
    a("seal1", "instantiate", &[I32, I64, I32, I32, I32, I32, I32, I32, I32, I32, I32], W, F::InstantiateV1),
    n(
        "seal2",
        "instantiate",
        &[I32, I64, I64, I32, I32, I32, I32, I32, I32, I32, I32, I32, I32],
        W,
        F::InstantiateV2,
    ),
    a("seal0", "terminate", words(2), NO, F::Terminate),
    a("seal1", "terminate", words(1), NO, F::TerminateV1),
    a("seal0", "set_code_hash", words(1), W, F::SetCodeHash),
    n("seal0", "lock_delegate_dependency", words(1), NO, F::LockDelegateDependency),
    n("seal0", "unlock_delegate_dependency", words(1), NO, F::UnlockDelegateDependency),
    n("seal0", "call_runtime", words(2), W, F::CallRuntime),
    n("seal0", "xcm_execute", words(2), W, F::XcmExecute),
    n("seal0", "xcm_send", words(4), W, F::XcmSend),
    a("seal0", "call_chain_extension", words(5), W, F::CallChainExtension),
    a("seal0", "deposit_event", words(4), NO, F::DepositEvent),
    a("seal0", "hash_sha2_256", words(3), NO, F::HashSha2256),
    a("seal0", "hash_keccak_256", words(3), NO, F::HashKeccak256),
    a("seal0", "hash_blake2_256", words(3), NO, F::HashBlake2256),
    a("seal0", "hash_blake2_128", words(3), NO, F::HashBlake2128),
    a("seal0", "ecdsa_recover", words(3), W, F::EcdsaRecover),
    a("seal0", "ecdsa_to_eth_address", words(2), W, F::EcdsaToEthAddress),
    n("seal0", "sr25519_verify", words(4), W, F::Sr25519Verify),
    a("seal0", "debug_message", words(2), W, F::DebugMessage),
    d("seal0", "random", words(4), NO, F::Random),
    d("seal1", "random", words(4), NO, F::RandomV1),
    d("seal0", "tombstone_deposit", words(2), NO, F::TombstoneDeposit),
    d("seal0", "restore_to", words(8), NO, F::RestoreTo),
    d("seal1", "restore_to", words(5), NO, F::RestoreToV1),
    d("seal0", "set_rent_allowance", words(2), NO, F::SetRentAllowance),
    d("seal1", "set_rent_allowance", words(1), NO, F::SetRentAllowanceV1),
    d("seal0", "rent_allowance", words(2), NO, F::RentAllowance),
];

/// The import of this name, or of the name that it is an alias of.
pub fn find_import(module: &str, name: &str) -> Option<&'static Import> {
    IMPORTS.iter().find(|import| {
        let plain = import.alias.then(|| name.strip_prefix("seal_")).flatten();
        import.module == module && (import.name == name || plain == Some(import.name))
    })
}
