//! The runtime APIs behind `state_call`, and the metadata that describes them.
//!
//! One table says which there are ([`APIS`]); [`call`] answers them; [`metadata`] describes them. A test calls every
//! method that the metadata names.

use alloc::{format, string::ToString, sync::Arc, vec, vec::Vec};

use basalt_contracts_vm::Machine;
use basalt_pallet_contracts::types::{
    Code, CodeUploadReturnValue, ContractAccessError, Determinism, ExecReturnValue, InstantiateReturnValue,
};
use basalt_pallet_session::{AuthorityId, KeyTypeId, SessionKeys};
use basalt_pallet_system::ACCOUNT;
use basalt_pallet_transaction_payment::{FeeDetails, RuntimeDispatchInfo};
use basalt_primitives::{
    AccountId, Balance, Digest, DispatchError, H256, Header, MultiAddress, MultiSignature, Nonce,
    OpaqueExtrinsic, RuntimeVersion, TransactionSource, TransactionValidityError, ValidTransaction, Weight,
    extrinsic, signature,
};
use basalt_runtime_api::{BlockEnv, CallError, Fatal, Head, Position, Transaction, ValidateError, Verified};
use basalt_state::Overlay;
use basalt_support::{
    Pallet, RuntimeCall as _,
    metadata::{Api, Extension, Extrinsic, Method, RuntimeMetadata},
};
use parity_scale_codec::{Compact, Decode, DecodeAll, Encode};
use scale_info::{MetaType, Path, Type, TypeInfo, build::Fields, meta_type};

use crate::{
    AUTHORSHIP, BALANCES, CONTRACTS, GRANDPA, OFFENCES, RANDOMNESS, RuntimeCall, RuntimeError, RuntimeEvent,
    RuntimeHoldReason, SESSION, STAKING, SUDO, SYSTEM, TIMESTAMP, TRANSACTION_PAYMENT, UTILITY, block,
    contracts, offences, transaction, version,
};

/// Name and version of each runtime API.
pub(crate) const APIS: [(&str, u32); 11] = [
    ("Core", 5),
    ("Metadata", 2),
    ("BlockBuilder", 6),
    ("TaggedTransactionQueue", 3),
    ("AccountNonceApi", 1),
    ("TransactionPaymentApi", 4),
    ("TransactionPaymentCallApi", 3),
    ("SessionKeys", 1),
    ("GrandpaApi", 3),
    ("ContractsApi", 2),
    ("StakingApi", 1),
];

/// An encoded transaction with its length prefix, as clients pass it; its type parameters tell them how to make one.
struct UncheckedExtrinsic;

impl TypeInfo for UncheckedExtrinsic {
    type Identity = Self;

    fn type_info() -> Type {
        Type::builder()
            .path(Path::from_segments_unchecked([
                "sp_runtime",
                "generic",
                "unchecked_extrinsic",
                "UncheckedExtrinsic",
            ]))
            .type_params(vec![
                scale_info::TypeParameter::new("Address", Some(meta_type::<MultiAddress>())),
                scale_info::TypeParameter::new("Call", Some(meta_type::<RuntimeCall>())),
                scale_info::TypeParameter::new("Signature", Some(meta_type::<MultiSignature>())),
                scale_info::TypeParameter::new("Extra", Some(meta_type::<Extra>())),
            ])
            .docs(&["An encoded transaction with its length prefix."])
            .composite(Fields::unnamed().field(|field| field.ty::<Vec<u8>>()))
    }
}

macro_rules! extensions {
    ($($(#[$doc:meta])* $name:ident($path:literal, $($content:ty)?) => $implicit:ty,)*) => {
        $(
            $(#[$doc])*
            struct $name;
            impl TypeInfo for $name {
                type Identity = Self;
                fn type_info() -> Type {
                    let path: Vec<&'static str> = $path.split("::").collect();
                    Type::builder()
                        .path(Path::from_segments_unchecked(path))
                        .composite(Fields::unnamed()$(.field(|field| field.ty::<$content>()))?)
                }
            }
        )*
        /// All extensions' bytes in the extrinsic.
        type Extra = ($($name,)*);

        fn extensions() -> Vec<Extension> {
            vec![$(Extension {
                identifier: stringify!($name),
                ty: meta_type::<$name>(),
                implicit: meta_type::<$implicit>(),
            },)*]
        }
    };
}

extensions! {
    /// Refuses the zero account.
    CheckNonZeroSender("frame_system::extensions::check_non_zero_sender::CheckNonZeroSender",) => (),
    /// Signs the specification's version.
    CheckSpecVersion("frame_system::extensions::check_spec_version::CheckSpecVersion",) => u32,
    /// Signs the encoding's version.
    CheckTxVersion("frame_system::extensions::check_tx_version::CheckTxVersion",) => u32,
    /// Signs the chain.
    CheckGenesis("frame_system::extensions::check_genesis::CheckGenesis",) => H256,
    /// For which blocks it is valid.
    CheckMortality("frame_system::extensions::check_mortality::CheckMortality", basalt_primitives::Era) => H256,
    /// Place in the sender's sequence.
    CheckNonce("frame_system::extensions::check_nonce::CheckNonce", Compact<Nonce>) => (),
    /// Refuses what no block can hold.
    CheckWeight("frame_system::extensions::check_weight::CheckWeight",) => (),
    /// The tip.
    ChargeTransactionPayment("pallet_transaction_payment::ChargeTransactionPayment", Compact<Balance>) => (),
    /// Whether the metadata's digest is signed.
    CheckMetadataHash("frame_metadata_hash_extension::CheckMetadataHash", Mode) => Option<[u8; 32]>,
}

/// Whether the metadata's digest is signed.
#[derive(TypeInfo)]
#[scale_info(replace_segment("basalt_runtime", "frame_metadata_hash_extension"))]
#[expect(dead_code, reason = "only its description is used")]
enum Mode {
    Disabled,
    Enabled,
}

/// The runtime itself: V14 and V15 name a type for it.
struct Runtime;

impl TypeInfo for Runtime {
    type Identity = Self;

    fn type_info() -> Type {
        Type::builder()
            .path(Path::from_segments_unchecked(["basalt_runtime", "Runtime"]))
            .composite(Fields::unit())
    }
}

/// What clients are told of this runtime, derived from the code that runs.
pub fn metadata() -> RuntimeMetadata {
    RuntimeMetadata {
        pallets: vec![
            SYSTEM.metadata_with::<RuntimeEvent>(),
            TIMESTAMP.metadata(),
            BALANCES.metadata_with::<RuntimeHoldReason>(),
            TRANSACTION_PAYMENT.metadata(),
            UTILITY.metadata(),
            SUDO.metadata(),
            SESSION.metadata(),
            offences::grandpa_metadata(),
            CONTRACTS.metadata(),
            AUTHORSHIP.metadata(),
            STAKING.metadata(),
            OFFENCES.metadata(),
            RANDOMNESS.metadata(),
        ],
        extrinsic: Extrinsic {
            ty: meta_type::<UncheckedExtrinsic>(),
            version: extrinsic::VERSION,
            address: meta_type::<MultiAddress>(),
            signature: meta_type::<MultiSignature>(),
            extra: meta_type::<Extra>(),
            extensions: extensions(),
        },
        apis: apis(),
        runtime: meta_type::<Runtime>(),
        call: meta_type::<RuntimeCall>(),
        event: meta_type::<RuntimeEvent>(),
        error: meta_type::<RuntimeError>(),
    }
}

fn method(
    name: &'static str,
    inputs: Vec<(&'static str, MetaType)>,
    output: MetaType,
    docs: &'static str,
) -> Method {
    Method { name, inputs, output, docs: vec![docs] }
}

type ApplyExtrinsicResult = Result<Result<(), DispatchError>, TransactionValidityError>;
type TransactionValidity = Result<ValidTransaction, TransactionValidityError>;
/// Keys with their types, if the bytes are keys.
type DecodedSessionKeys = Option<Vec<(Vec<u8>, KeyTypeId)>>;
/// SCALE bytes of a metadata, as one opaque value.
type OpaqueMetadata = Vec<u8>;

fn apis() -> Vec<Api> {
    let methods = |name: &str| match name {
        "Core" => vec![method("version", vec![], meta_type::<RuntimeVersion>(), "Name and versions.")],
        "Metadata" => vec![
            method("metadata", vec![], meta_type::<OpaqueMetadata>(), "The metadata, version 14."),
            method(
                "metadata_at_version",
                vec![("version", meta_type::<u32>())],
                meta_type::<Option<OpaqueMetadata>>(),
                "The metadata in this version, if it can be had.",
            ),
            method("metadata_versions", vec![], meta_type::<Vec<u32>>(), "The versions to be had."),
        ],
        "BlockBuilder" => vec![method(
            "apply_extrinsic",
            vec![("extrinsic", meta_type::<UncheckedExtrinsic>())],
            meta_type::<ApplyExtrinsicResult>(),
            "Runs a transaction on top of this block, without keeping anything.",
        )],
        "TaggedTransactionQueue" => vec![method(
            "validate_transaction",
            vec![
                ("source", meta_type::<TransactionSource>()),
                ("tx", meta_type::<UncheckedExtrinsic>()),
                ("block_hash", meta_type::<H256>()),
            ],
            meta_type::<TransactionValidity>(),
            "Whether a transaction may enter the pool on top of this block.",
        )],
        "AccountNonceApi" => vec![method(
            "account_nonce",
            vec![("account", meta_type::<AccountId>())],
            meta_type::<Nonce>(),
            "The account's next nonce.",
        )],
        "TransactionPaymentApi" => {
            fee_methods("query_info", "query_fee_details", || ("uxt", meta_type::<UncheckedExtrinsic>()))
        }
        "TransactionPaymentCallApi" => {
            fee_methods("query_call_info", "query_call_fee_details", || ("call", meta_type::<RuntimeCall>()))
        }
        "SessionKeys" => vec![method(
            "decode_session_keys",
            vec![("encoded", meta_type::<Vec<u8>>())],
            meta_type::<DecodedSessionKeys>(),
            "A validator's public keys, each with its type.",
        )],
        "GrandpaApi" => vec![
            method(
                "grandpa_authorities",
                vec![],
                meta_type::<Vec<(AuthorityId, u64)>>(),
                "Whose votes prove finality, with their weight.",
            ),
            method("current_set_id", vec![], meta_type::<u64>(), "The id that their votes sign."),
            method(
                "generate_key_ownership_proof",
                vec![("set_id", meta_type::<u64>()), ("authority_id", meta_type::<AuthorityId>())],
                meta_type::<Option<Vec<u8>>>(),
                "Where a vote key belongs, for a report that it signed twice.",
            ),
        ],
        "ContractsApi" => contract_methods(),
        "StakingApi" => staking_methods(),
        _ => vec![],
    };
    APIS.iter()
        .map(|(name, version)| Api { name, version: *version, methods: methods(name), docs: vec![] })
        .collect()
}

fn fee_methods(
    info: &'static str,
    details: &'static str,
    subject: impl Fn() -> (&'static str, MetaType),
) -> Vec<Method> {
    vec![
        method(
            info,
            vec![subject(), ("len", meta_type::<u32>())],
            meta_type::<RuntimeDispatchInfo>(),
            "Weight, class and fee without tip.",
        ),
        method(
            details,
            vec![subject(), ("len", meta_type::<u32>())],
            meta_type::<FeeDetails>(),
            "The parts of the fee.",
        ),
        method(
            "query_weight_to_fee",
            vec![("weight", meta_type::<Weight>())],
            meta_type::<Balance>(),
            "The fee for this weight.",
        ),
        method(
            "query_length_to_fee",
            vec![("length", meta_type::<u32>())],
            meta_type::<Balance>(),
            "The fee for this many bytes.",
        ),
    ]
}

fn staking_methods() -> Vec<Method> {
    let of_era = || vec![("era", meta_type::<u32>()), ("account", meta_type::<AccountId>())];
    vec![
        method(
            "nominations_quota",
            vec![("balance", meta_type::<Balance>())],
            meta_type::<u32>(),
            "How many validators an account with this balance may nominate.",
        ),
        method(
            "eras_stakers_page_count",
            of_era(),
            meta_type::<u32>(),
            "How many pages a validator's exposure has in an era.",
        ),
        method(
            "pending_rewards",
            of_era(),
            meta_type::<bool>(),
            "Whether pages of a validator's rewards of an era are not paid yet.",
        ),
    ]
}

fn contract_methods() -> Vec<Method> {
    // What both dry runs have, between who asks and what is run.
    let allowance = || {
        [
            ("value", meta_type::<Balance>()),
            ("gas_limit", meta_type::<Option<Weight>>()),
            ("storage_deposit_limit", meta_type::<Option<Balance>>()),
        ]
    };
    let inputs = |who: &[(&'static str, MetaType)], what: &[(&'static str, MetaType)]| {
        [who, &allowance(), what].concat()
    };
    vec![
        method(
            "call",
            inputs(
                &[("origin", meta_type::<AccountId>()), ("dest", meta_type::<AccountId>())],
                &[("input_data", meta_type::<Vec<u8>>())],
            ),
            meta_type::<contracts::DryRunResult<ExecReturnValue>>(),
            "Calls a contract, without keeping anything.",
        ),
        method(
            "instantiate",
            inputs(
                &[("origin", meta_type::<AccountId>())],
                &[
                    ("code", meta_type::<Code>()),
                    ("data", meta_type::<Vec<u8>>()),
                    ("salt", meta_type::<Vec<u8>>()),
                ],
            ),
            meta_type::<contracts::DryRunResult<InstantiateReturnValue>>(),
            "Instantiates a contract, without keeping anything.",
        ),
        method(
            "upload_code",
            vec![
                ("origin", meta_type::<AccountId>()),
                ("code", meta_type::<Vec<u8>>()),
                ("storage_deposit_limit", meta_type::<Option<Balance>>()),
                ("determinism", meta_type::<Determinism>()),
            ],
            meta_type::<Result<CodeUploadReturnValue, DispatchError>>(),
            "Uploads code, without keeping anything.",
        ),
        method(
            "get_storage",
            vec![("address", meta_type::<AccountId>()), ("key", meta_type::<Vec<u8>>())],
            meta_type::<Result<Option<Vec<u8>>, ContractAccessError>>(),
            "A value that a contract stores, by the contract's own key.",
        ),
    ]
}

/// Arguments of a runtime API call, decoded one after the other.
pub(crate) struct Arguments<'a> {
    function: &'a str,
    bytes: &'a [u8],
}

impl<'a> Arguments<'a> {
    /// Which function is called.
    pub(crate) fn function(&self) -> &'a str {
        self.function
    }

    pub(crate) fn next<T: Decode>(&mut self) -> Result<T, CallError> {
        T::decode(&mut self.bytes).map_err(|error| self.wrong(&error.to_string()))
    }

    fn end(&self) -> Result<(), CallError> {
        if self.bytes.is_empty() {
            Ok(())
        } else {
            Err(self.wrong(&format!("{} bytes are left over", self.bytes.len())))
        }
    }

    fn wrong(&self, what: &str) -> CallError {
        CallError::Arguments { function: self.function.to_string(), what: what.to_string() }
    }

    fn transaction(&mut self) -> Result<Transaction, CallError> {
        let OpaqueExtrinsic(bytes) = self.next()?;
        transaction::inspect(bytes).map_err(|refusal| self.wrong(&refusal.detail))
    }

    fn call(&mut self) -> Result<RuntimeCall, CallError> {
        use parity_scale_codec::DecodeLimit;
        RuntimeCall::decode_with_depth_limit(transaction::CALL_DECODE_DEPTH_MAX, &mut self.bytes)
            .map_err(|error| self.wrong(&error.to_string()))
    }
}

/// Answers one runtime API call on top of `header`'s state. Writes into `state` are the caller's to drop.
pub(crate) fn call(
    function: &str,
    arguments: &[u8],
    header: &Header,
    state: &mut Overlay<'_>,
    machine: Option<&dyn Machine>,
) -> Result<Vec<u8>, CallError> {
    let mut arguments = Arguments { function, bytes: arguments };
    let encoded = match function {
        "Core_version" => version().encode(),
        "Metadata_metadata" => metadata().encode(14).unwrap_or_default().encode(),
        "Metadata_metadata_at_version" => metadata().encode(arguments.next()?).encode(),
        "Metadata_metadata_versions" => RuntimeMetadata::VERSIONS.encode_as_list(),
        "AccountNonceApi_account_nonce" => {
            let account: AccountId = arguments.next()?;
            ACCOUNT.get_or_default(state, &account)?.nonce.encode()
        }
        "BlockBuilder_apply_extrinsic" => {
            let OpaqueExtrinsic(bytes) = arguments.next()?;
            apply_extrinsic(bytes, header, state, machine)?.encode()
        }
        "TaggedTransactionQueue_validate_transaction" => {
            let _source: TransactionSource = arguments.next()?;
            let OpaqueExtrinsic(bytes) = arguments.next()?;
            let _at: H256 = arguments.next()?;
            validate_transaction(bytes, header, state)?.encode()
        }
        "TransactionPaymentApi_query_info" => {
            let transaction = arguments.transaction()?;
            let bytes: u32 = arguments.next()?;
            TRANSACTION_PAYMENT.query_info(state, &transaction.info, bytes)?.encode()
        }
        "TransactionPaymentApi_query_fee_details" => {
            let transaction = arguments.transaction()?;
            let bytes: u32 = arguments.next()?;
            let tip = transaction.signed.as_ref().map_or(0, |signed| signed.tip);
            TRANSACTION_PAYMENT.fee(state, &transaction.info, bytes, tip)?.encode()
        }
        "TransactionPaymentCallApi_query_call_info" => {
            let info = arguments.call()?.info();
            let bytes: u32 = arguments.next()?;
            TRANSACTION_PAYMENT.query_info(state, &info, bytes)?.encode()
        }
        "TransactionPaymentCallApi_query_call_fee_details" => {
            let info = arguments.call()?.info();
            let bytes: u32 = arguments.next()?;
            TRANSACTION_PAYMENT.fee(state, &info, bytes, 0)?.encode()
        }
        "TransactionPaymentApi_query_weight_to_fee" | "TransactionPaymentCallApi_query_weight_to_fee" => {
            TRANSACTION_PAYMENT.weight_to_fee(arguments.next()?).encode()
        }
        "TransactionPaymentApi_query_length_to_fee" | "TransactionPaymentCallApi_query_length_to_fee" => {
            TRANSACTION_PAYMENT.length_to_fee(arguments.next()?).encode()
        }
        "SessionKeys_decode_session_keys" => {
            let encoded: Vec<u8> = arguments.next()?;
            let keys: DecodedSessionKeys =
                SessionKeys::decode_all(&mut encoded.as_slice()).ok().map(|keys| keys.raw().to_vec());
            keys.encode()
        }
        "GrandpaApi_grandpa_authorities" => GRANDPA.authorities(state)?.encode(),
        "GrandpaApi_current_set_id" => GRANDPA.current_set_id(state)?.encode(),
        "StakingApi_nominations_quota" => STAKING.nominations_quota(arguments.next()?).encode(),
        "StakingApi_eras_stakers_page_count" => {
            let (era, account): (u32, AccountId) = arguments.next()?;
            STAKING.eras_stakers_page_count(state, era, &account)?.encode()
        }
        "StakingApi_pending_rewards" => {
            let (era, account): (u32, AccountId) = arguments.next()?;
            STAKING.pending_rewards(state, era, &account)?.encode()
        }
        "GrandpaApi_generate_key_ownership_proof" => {
            let set_id: u64 = arguments.next()?;
            let AuthorityId(vote_key) = arguments.next()?;
            offences::key_ownership_proof(state, set_id, &vote_key)?.encode()
        }
        _ => match function.strip_prefix("ContractsApi_") {
            Some(method) => contracts::call(method, &mut arguments, header, state, machine)?,
            None => return Err(CallError::Unknown(function.to_string())),
        },
    };
    arguments.end()?;
    Ok(encoded)
}

fn validate_transaction(
    bytes: Vec<u8>,
    header: &Header,
    state: &Overlay<'_>,
) -> Result<TransactionValidity, CallError> {
    let transaction = match transaction::inspect(bytes) {
        Ok(transaction) => transaction,
        Err(refusal) => return Ok(Err(refusal.error)),
    };
    let head = Head { number: header.number, hash: header.hash(), state };
    let checked = match transaction::proof(&transaction, &head) {
        Ok(Some(check)) if !signature::verify(&check.signature, &check.message, &check.signer) => {
            return Ok(Err(TransactionValidityError::Invalid(
                basalt_primitives::InvalidTransaction::BadProof,
            )));
        }
        Ok(_) => transaction::validate(&transaction, &head),
        Err(error) => Err(error),
    };
    match checked {
        Ok(valid) => Ok(Ok(valid)),
        Err(ValidateError::Refused(refusal)) => Ok(Err(refusal.error)),
        Err(ValidateError::State(error)) => Err(error.into()),
    }
}

/// Runs a transaction in a block that would follow `header`, as a dry run.
fn apply_extrinsic(
    bytes: Vec<u8>,
    header: &Header,
    state: &mut Overlay<'_>,
    machine: Option<&dyn Machine>,
) -> Result<ApplyExtrinsicResult, CallError> {
    let transaction = match transaction::inspect(bytes) {
        Ok(transaction) => transaction,
        Err(refusal) => return Ok(Err(refusal.error)),
    };
    let hash = header.hash();
    let birth_hash = {
        let head = Head { number: header.number, hash, state };
        match transaction::proof(&transaction, &head) {
            Ok(None) => H256::zero(),
            Ok(Some(check)) if signature::verify(&check.signature, &check.message, &check.signer) => {
                check.birth_hash
            }
            Ok(Some(_)) => {
                return Ok(Err(TransactionValidityError::Invalid(
                    basalt_primitives::InvalidTransaction::BadProof,
                )));
            }
            Err(ValidateError::Refused(refusal)) => return Ok(Err(refusal.error)),
            Err(ValidateError::State(error)) => return Err(error.into()),
        }
    };
    let env = BlockEnv {
        number: header.number.saturating_add(1),
        parent_hash: hash,
        digest: Digest::default(),
        author: None,
    };
    block::begin(&env, state).map_err(|error| match error {
        Fatal::State(error) => CallError::State(error),
        broken @ Fatal::Broken { .. } => CallError::Failed(broken.to_string()),
    })?;
    let verified = Verified::assume(Arc::new(transaction), birth_hash);
    Ok(transaction::outcome(transaction::apply(&verified, &Position::new(0), &env, state, machine))?)
}

/// Encoding an array as the list that clients expect.
trait EncodeAsList {
    fn encode_as_list(&self) -> Vec<u8>;
}

impl<const N: usize> EncodeAsList for [u32; N] {
    fn encode_as_list(&self) -> Vec<u8> {
        self.as_slice().encode()
    }
}
