//! What clients see of this pallet: names, indices and fields are Substrate's.

use alloc::vec::Vec;

use basalt_primitives::{AccountId, Balance, H256, MultiAddress, Weight};
use parity_scale_codec::{Compact, Decode, Encode};
use scale_info::TypeInfo;

use crate::types::{Determinism, Origin};

/// What an account may ask of this pallet.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_contracts", "pallet_contracts"))]
#[expect(non_camel_case_types, reason = "variants are the names that clients call")]
pub enum Call {
    /// [`Call::call`] for clients that know one part of a weight only.
    #[codec(index = 0)]
    call_old_weight {
        /// The contract.
        dest: MultiAddress,
        /// What it gets from the sender.
        #[codec(compact)]
        value: Balance,
        /// The most that it may use, in picoseconds.
        #[codec(compact)]
        gas_limit: u64,
        /// The most that the sender may be charged for storage.
        storage_deposit_limit: Option<Compact<Balance>>,
        /// What is called, and with what.
        data: Vec<u8>,
    },
    /// [`Call::instantiate_with_code`] for clients that know one part of a weight only.
    #[codec(index = 1)]
    instantiate_with_code_old_weight {
        /// What the contract gets from the sender.
        #[codec(compact)]
        value: Balance,
        /// The most that its constructor may use, in picoseconds.
        #[codec(compact)]
        gas_limit: u64,
        /// The most that the sender may be charged for storage, the code's included.
        storage_deposit_limit: Option<Compact<Balance>>,
        /// A Wasm module.
        code: Vec<u8>,
        /// Which constructor is called, and with what.
        data: Vec<u8>,
        /// Makes the address another one.
        salt: Vec<u8>,
    },
    /// [`Call::instantiate`] for clients that know one part of a weight only.
    #[codec(index = 2)]
    instantiate_old_weight {
        /// What the contract gets from the sender.
        #[codec(compact)]
        value: Balance,
        /// The most that its constructor may use, in picoseconds.
        #[codec(compact)]
        gas_limit: u64,
        /// The most that the sender may be charged for storage.
        storage_deposit_limit: Option<Compact<Balance>>,
        /// Blake2b-256 of uploaded code.
        code_hash: H256,
        /// Which constructor is called, and with what.
        data: Vec<u8>,
        /// Makes the address another one.
        salt: Vec<u8>,
    },
    /// Checks code and stores it, for a deposit of the sender's that comes back when it is removed. Does nothing if it is
    /// there already.
    #[codec(index = 3)]
    upload_code {
        /// A Wasm module.
        code: Vec<u8>,
        /// The most that the sender may be charged.
        storage_deposit_limit: Option<Compact<Balance>>,
        /// Whether floating point is refused. Code that uses it cannot be instantiated.
        determinism: Determinism,
    },
    /// Removes code that the sender uploaded and that no contract uses, and gives the deposit back. Free of charge.
    #[codec(index = 4)]
    remove_code {
        /// Its Blake2b-256.
        code_hash: H256,
    },
    /// Gives a contract other code. Only root.
    #[codec(index = 5)]
    set_code {
        /// The contract.
        dest: MultiAddress,
        /// Blake2b-256 of uploaded code.
        code_hash: H256,
    },
    /// Calls a contract.
    #[codec(index = 6)]
    call {
        /// The contract.
        dest: MultiAddress,
        /// What it gets from the sender.
        #[codec(compact)]
        value: Balance,
        /// The most that it may use. What it does not use is not paid for.
        gas_limit: Weight,
        /// The most that the sender may be charged for storage.
        storage_deposit_limit: Option<Compact<Balance>>,
        /// What is called, and with what.
        data: Vec<u8>,
    },
    /// Uploads code and instantiates it, see [`Call::upload_code`] and [`Call::instantiate`].
    #[codec(index = 7)]
    instantiate_with_code {
        /// What the contract gets from the sender.
        #[codec(compact)]
        value: Balance,
        /// The most that its constructor may use. What it does not use is not paid for.
        gas_limit: Weight,
        /// The most that the sender may be charged for storage, the code's included.
        storage_deposit_limit: Option<Compact<Balance>>,
        /// A Wasm module.
        code: Vec<u8>,
        /// Which constructor is called, and with what.
        data: Vec<u8>,
        /// Makes the address another one.
        salt: Vec<u8>,
    },
    /// Creates a contract from uploaded code and runs its constructor. Its address follows from sender, code, data and salt.
    #[codec(index = 8)]
    instantiate {
        /// What the contract gets from the sender.
        #[codec(compact)]
        value: Balance,
        /// The most that its constructor may use. What it does not use is not paid for.
        gas_limit: Weight,
        /// The most that the sender may be charged for storage.
        storage_deposit_limit: Option<Compact<Balance>>,
        /// Blake2b-256 of uploaded code.
        code_hash: H256,
        /// Which constructor is called, and with what.
        data: Vec<u8>,
        /// Makes the address another one.
        salt: Vec<u8>,
    },
    /// Goes on with a migration of this pallet's storage. There is none to do.
    #[codec(index = 9)]
    migrate {
        /// The most that it may use.
        weight_limit: Weight,
    },
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_contracts", "pallet_contracts"))]
pub enum Event {
    /// A contract came to be.
    #[codec(index = 0)]
    Instantiated {
        /// Who created it: an account, maybe another contract's.
        deployer: AccountId,
        /// Its account.
        contract: AccountId,
    },
    /// A contract removed itself.
    #[codec(index = 1)]
    Terminated {
        /// The contract.
        contract: AccountId,
        /// Who gets what it owned.
        beneficiary: AccountId,
    },
    /// Code was uploaded.
    #[codec(index = 2)]
    CodeStored {
        /// Its Blake2b-256.
        code_hash: H256,
        /// What is held for it.
        deposit_held: Balance,
        /// Of whom.
        uploader: AccountId,
    },
    /// An event of a contract's own. Its topics are this event's.
    #[codec(index = 3)]
    ContractEmitted {
        /// The contract.
        contract: AccountId,
        /// Its encoding of the event; the contract's metadata describes it.
        data: Vec<u8>,
    },
    /// Code was removed.
    #[codec(index = 4)]
    CodeRemoved {
        /// Its Blake2b-256.
        code_hash: H256,
        /// What is no longer held for it.
        deposit_released: Balance,
        /// Who removed it and gets the deposit back.
        remover: AccountId,
    },
    /// A contract has other code.
    #[codec(index = 5)]
    ContractCodeUpdated {
        /// The contract.
        contract: AccountId,
        /// Blake2b-256 of the code it has now.
        new_code_hash: H256,
        /// Blake2b-256 of the code it had.
        old_code_hash: H256,
    },
    /// A contract was called, by an account or another contract, and did not fail.
    #[codec(index = 6)]
    Called {
        /// By whom.
        caller: Origin,
        /// The contract.
        contract: AccountId,
    },
    /// A contract ran other code as its own.
    #[codec(index = 7)]
    DelegateCalled {
        /// The contract.
        contract: AccountId,
        /// Blake2b-256 of the code.
        code_hash: H256,
    },
    /// A deposit for storage went to a contract and is held there.
    #[codec(index = 8)]
    StorageDepositTransferredAndHeld {
        /// Who paid.
        from: AccountId,
        /// The contract.
        to: AccountId,
        /// How much.
        amount: Balance,
    },
    /// A deposit for storage came back.
    #[codec(index = 9)]
    StorageDepositTransferredAndReleased {
        /// The contract.
        from: AccountId,
        /// Who got it.
        to: AccountId,
        /// How much.
        amount: Balance,
    },
}

/// Why a call of this pallet failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_contracts", "pallet_contracts"))]
pub enum Error {
    /// The schedule is older than the one in use.
    #[codec(index = 0)]
    InvalidSchedule,
    /// A flag of a call or of a return is not known, or not allowed here.
    #[codec(index = 1)]
    InvalidCallFlags,
    /// The gas limit was reached.
    #[codec(index = 2)]
    OutOfGas,
    /// What a host function returns does not fit into the contract's buffer.
    #[codec(index = 3)]
    OutputBufferTooSmall,
    /// A transfer failed: the sender owns too little.
    #[codec(index = 4)]
    TransferFailed,
    /// Contracts called each other too deeply.
    #[codec(index = 5)]
    MaxCallDepthReached,
    /// There is no contract at this address.
    #[codec(index = 6)]
    ContractNotFound,
    /// The code has more than `MaxCodeLen` bytes.
    #[codec(index = 7)]
    CodeTooLarge,
    /// No code with this hash was uploaded.
    #[codec(index = 8)]
    CodeNotFound,
    /// Nothing is known of the code with this hash.
    #[codec(index = 9)]
    CodeInfoNotFound,
    /// A pointer of the contract's points outside of its memory.
    #[codec(index = 10)]
    OutOfBounds,
    /// Something the contract passed to a host function does not decode.
    #[codec(index = 11)]
    DecodingFailed,
    /// The contract trapped: it panicked, divided by zero, read outside of its memory, or the like.
    #[codec(index = 12)]
    ContractTrapped,
    /// A value or an event is larger than `Schedule.limits.payload_len`.
    #[codec(index = 13)]
    ValueTooLarge,
    /// A contract that is called right now cannot be removed.
    #[codec(index = 14)]
    TerminatedWhileReentrant,
    /// The input was passed on and is no longer there.
    #[codec(index = 15)]
    InputForwarded,
    /// The subject of a random number is too long.
    #[codec(index = 16)]
    RandomSubjectTooLong,
    /// An event has more topics than `Schedule.limits.event_topics`.
    #[codec(index = 17)]
    TooManyTopics,
    /// The chain has no extension.
    #[codec(index = 18)]
    NoChainExtension,
    /// An XCM message does not decode.
    #[codec(index = 19)]
    XCMDecodeFailed,
    /// There is a contract at this address already: use another salt.
    #[codec(index = 20)]
    DuplicateContract,
    /// A contract may not remove itself in its constructor.
    #[codec(index = 21)]
    TerminatedInConstructor,
    /// The contract is called right now and did not allow to be called again.
    #[codec(index = 22)]
    ReentranceDenied,
    /// The call may only read.
    #[codec(index = 23)]
    StateChangeDenied,
    /// The origin cannot pay the deposit.
    #[codec(index = 24)]
    StorageDepositNotEnoughFunds,
    /// The deposit would be higher than the limit.
    #[codec(index = 25)]
    StorageDepositLimitExhausted,
    /// A contract uses the code.
    #[codec(index = 26)]
    CodeInUse,
    /// The contract ended with an error of its own, and all it did was taken back.
    #[codec(index = 27)]
    ContractReverted,
    /// The code is not a Wasm module that this chain runs: `ContractsApi_upload_code` in a dry run of an instantiation, or
    /// the node's log, say what is wrong.
    #[codec(index = 28)]
    CodeRejected,
    /// Code with floating point cannot run on chain.
    #[codec(index = 29)]
    Indeterministic,
    /// The storage of this pallet is being migrated.
    #[codec(index = 30)]
    MigrationInProgress,
    /// There is nothing to migrate.
    #[codec(index = 31)]
    NoMigrationPerformed,
    /// The contract has `MaxDelegateDependencies` dependencies already.
    #[codec(index = 32)]
    MaxDelegateDependenciesReached,
    /// The contract has no such dependency.
    #[codec(index = 33)]
    DelegateDependencyNotFound,
    /// The contract has this dependency already.
    #[codec(index = 34)]
    DelegateDependencyAlreadyExists,
    /// A contract's own code cannot be its dependency.
    #[codec(index = 35)]
    CannotAddSelfAsDelegateDependency,
    /// The call keeps more in transient storage than `MaxTransientStorageSize`.
    #[codec(index = 36)]
    OutOfTransientStorage,
}
