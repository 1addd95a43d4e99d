//! What clients are told of this pallet.

use basalt_support::{
    Pallet as _, RuntimeCall,
    metadata::{Constant, PalletMetadata},
};
use scale_info::meta_type;

use crate::{
    CODE_BYTES_MAX, CODE_INFO_OF, CONTRACT_INFO_OF, Call, Contracts, DEBUG_BUFFER_BYTES_MAX,
    DELEGATE_DEPENDENCIES_MAX, DELETION_QUEUE, DELETION_QUEUE_COUNTER, EVENT_TOPICS_MAX, Error, Event,
    MEMORY_PAGES_MAX, MIGRATION_IN_PROGRESS, NONCE, PAYLOAD_BYTES_MAX, PRISTINE_CODE, STORAGE_KEY_BYTES_MAX,
    SUBJECT_BYTES_MAX, TRANSIENT_STORAGE_BYTES_MAX, costs,
    schedule::{InstructionWeights, Limits, Schedule},
    types::{ApiVersion, Environment},
};

/// Version of the set of host functions that stable contracts may import.
pub const API_VERSION: ApiVersion = ApiVersion(4);

/// Limits and prices as clients see them.
pub const SCHEDULE: Schedule = Schedule {
    limits: Limits {
        event_topics: EVENT_TOPICS_MAX,
        memory_pages: MEMORY_PAGES_MAX,
        subject_len: SUBJECT_BYTES_MAX,
        payload_len: PAYLOAD_BYTES_MAX,
        runtime_memory: 128 * 1024 * 1024,
        validator_runtime_memory: 512 * 1024 * 1024,
        event_ref_time: costs::EVENT_BYTE,
    },
    instruction_weights: InstructionWeights { base: costs::INSTRUCTION as u32 },
};

/// What clients are told. Constants come in Substrate's order.
pub(crate) fn of<C: RuntimeCall>(contracts: &Contracts<C>) -> PalletMetadata {
    PalletMetadata {
        name: Contracts::<C>::NAME,
        index: contracts.index,
        storage: [
            PRISTINE_CODE.entry(&["Code as it was uploaded, by its hash."]),
            CODE_INFO_OF.entry(&["What is known of code, by its hash."]),
            NONCE.entry(&["How many contracts were created, ever."]),
            CONTRACT_INFO_OF.entry(&["The contracts."]),
            DELETION_QUEUE.entry(&["Storage of contracts that are no more, to be removed."]),
            DELETION_QUEUE_COUNTER.entry(&["Which part of the deletion queue is in use."]),
            MIGRATION_IN_PROGRESS.entry(&["Always absent: there is nothing to migrate."]),
        ]
        .into(),
        calls: Some(meta_type::<Call>()),
        event: Some(meta_type::<Event>()),
        error: Some(meta_type::<Error>()),
        constants: [
            Constant::new(
                "Schedule",
                &SCHEDULE,
                &["What contracts may not exceed, and what instructions cost."],
            ),
            Constant::new(
                "DepositPerByte",
                &contracts.deposits.per_byte,
                &["What is held for each byte that a contract stores."],
            ),
            Constant::new(
                "DefaultDepositLimit",
                &contracts.deposits.default_limit,
                &["The most that a call may be charged if its sender sets no limit."],
            ),
            Constant::new(
                "DepositPerItem",
                &contracts.deposits.per_item,
                &["What is held for each value that a contract stores."],
            ),
            Constant::new(
                "CodeHashLockupDepositPercent",
                &contracts.deposits.code_lockup,
                &["Which share of its code's deposit each contract pays, too."],
            ),
            Constant::new("MaxCodeLen", &CODE_BYTES_MAX, &["The most bytes of code."]),
            Constant::new(
                "MaxStorageKeyLen",
                &STORAGE_KEY_BYTES_MAX,
                &["The most bytes of a key in a contract's storage."],
            ),
            Constant::new(
                "MaxTransientStorageSize",
                &TRANSIENT_STORAGE_BYTES_MAX,
                &["The most bytes of transient storage in one call."],
            ),
            Constant::new(
                "MaxDelegateDependencies",
                &DELEGATE_DEPENDENCIES_MAX,
                &["The most dependencies of one contract."],
            ),
            Constant::new(
                "UnsafeUnstableInterface",
                &contracts.unstable,
                &["Whether unstable host functions may be imported."],
            ),
            Constant::new(
                "MaxDebugBufferLen",
                &DEBUG_BUFFER_BYTES_MAX,
                &["The most bytes that contracts may say in a dry run."],
            ),
            Constant::new("Environment", &Environment, &["The types that contracts share with this chain."]),
            Constant::new(
                "ApiVersion",
                &API_VERSION,
                &["Version of the set of host functions that contracts may import."],
            ),
        ]
        .into(),
        docs: ["Upload, instantiate and call Wasm contracts."].into(),
    }
}

#[cfg(test)]
mod tests;
