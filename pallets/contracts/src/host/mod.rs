//! What contracts may ask of the chain: the host functions of `pallet-contracts`, one by one.
//!
//! Each of them pays before it acts, reads what it needs from the contract's memory, and either answers or ends the run.
//! Whatever numbers and bytes a contract passes, the worst that happens is that its own frame ends in an error.

mod calls;
mod chain;
mod crypto;
pub mod extension;
mod memory;
mod recent;
mod storage;
#[cfg(test)]
mod tests;
mod transient;

use alloc::{string::String, vec::Vec};
use core::cell::RefCell;

use basalt_contracts_vm::{Halt, Host, HostFunction as F};
use basalt_primitives::{AccountId, AccountId32, Balance, DispatchError, H256, Weight};
use basalt_state::StateError;
use basalt_support::{Context, RuntimeCall};
use parity_scale_codec::Encode;

use crate::{
    CONTRACT_INFO_OF, Contracts, DEBUG_BUFFER_BYTES_MAX, EVENT_TOPICS_MAX, Error, PAYLOAD_BYTES_MAX,
    SUBJECT_BYTES_MAX, costs,
    exec::{End, Fault, Stack},
    types::Origin,
};
use recent::Recent;
use storage::KeyKind;

/// What a host function returns that has nothing to say.
const SUCCESS: u32 = 0;
/// Codes of failures that a contract can handle.
mod code {
    pub(super) const CALLEE_TRAPPED: u32 = 1;
    pub(super) const CALLEE_REVERTED: u32 = 2;
    pub(super) const KEY_NOT_FOUND: u32 = 3;
    pub(super) const TRANSFER_FAILED: u32 = 5;
    pub(super) const CODE_NOT_FOUND: u32 = 7;
    pub(super) const NOT_CALLABLE: u32 = 8;
    pub(super) const CALL_RUNTIME_FAILED: u32 = 10;
    pub(super) const ECDSA_RECOVERY_FAILED: u32 = 11;
    pub(super) const SR25519_VERIFY_FAILED: u32 = 12;
    pub(super) const XCM_EXECUTION_FAILED: u32 = 13;
    pub(super) const XCM_SEND_FAILED: u32 = 14;
}

/// "None" where a number is expected; as a pointer, "not wanted" or "not given".
const SENTINEL: u32 = u32::MAX;

/// Stack and state, of which one host call at a time takes hold.
pub(crate) type Shared<'x, 'a, 'c, 's, C> = RefCell<(&'x mut Stack<'a, C>, &'x mut Context<'c, 's>)>;

/// The host of one run.
pub(crate) struct Running<'w, 'x, 'a, 'c, 's, C> {
    world: &'w Shared<'x, 'a, 'c, 's, C>,
    recent: Recent,
    end: Option<End>,
}

impl<'w, 'x, 'a, 'c, 's, C> Running<'w, 'x, 'a, 'c, 's, C> {
    pub(crate) fn new(world: &'w Shared<'x, 'a, 'c, 's, C>) -> Self {
        Self { world, recent: Recent::default(), end: None }
    }

    /// Why the host ended the run, if it did.
    pub(crate) fn into_end(self) -> Option<End> {
        self.end
    }
}

impl<C: RuntimeCall> Host for Running<'_, '_, '_, '_, '_, C> {
    fn call(
        &mut self,
        function: F,
        arguments: &[u64],
        memory: &mut [u8],
        fuel: &mut u64,
    ) -> Result<u64, Halt> {
        let result = match self.world.try_borrow_mut() {
            Ok(mut world) => {
                let (stack, ctx) = &mut *world;
                HostCall { stack, ctx, memory, arguments, recent: &mut self.recent }.run(function, fuel)
            }
            Err(_) => Err(StateError::Machine(String::from("a host call began inside of another")).into()),
        };
        result.map_err(|end| {
            self.end = Some(end);
            Halt
        })
    }
}

/// One call of a host function.
struct HostCall<'h, 'a, 'c, 's, C> {
    stack: &'h mut Stack<'a, C>,
    ctx: &'h mut Context<'c, 's>,
    memory: &'h mut [u8],
    arguments: &'h [u64],
    recent: &'h mut Recent,
}

/// Whether a function changes what outlives the call, which a frame that may only read must not.
pub(crate) const fn changes_state(function: F) -> bool {
    matches!(
        function,
        F::SetStorage
            | F::SetStorageV1
            | F::SetStorageV2
            | F::ClearStorage
            | F::ClearStorageV1
            | F::TakeStorage
            | F::Transfer
            | F::Instantiate
            | F::InstantiateV1
            | F::InstantiateV2
            | F::Terminate
            | F::TerminateV1
            | F::SetCodeHash
            | F::LockDelegateDependency
            | F::UnlockDelegateDependency
            | F::CallRuntime
            | F::XcmExecute
            | F::XcmSend
            | F::DepositEvent
    )
}

impl<C: RuntimeCall> HostCall<'_, '_, '_, '_, C> {
    /// Brings gas and fuel together, and calls the function in between.
    fn run(&mut self, function: F, fuel: &mut u64) -> Result<u64, End> {
        let frame = self.stack.top();
        let burnt = frame.gas.burn(frame.fuel.saturating_sub(*fuel)).map_err(End::from);
        let result = burnt.and_then(|()| self.guarded(function));
        let frame = self.stack.top();
        frame.fuel = frame.gas.fuel();
        *fuel = frame.fuel;
        result
    }

    fn guarded(&mut self, function: F) -> Result<u64, End> {
        self.charge(costs::HOST_CALL)?;
        if changes_state(function) && self.stack.top().read_only {
            return Err(Error::StateChangeDenied.into());
        }
        if !recent::keeps(function) {
            self.recent.clear();
        }
        self.dispatch(function)
    }

    fn dispatch(&mut self, function: F) -> Result<u64, End> {
        let answer = match function {
            F::InstantiationNonce => return self.instantiation_nonce(),
            F::Input => self.input()?,
            F::Return => return self.seal_return(),
            F::Caller => self.caller()?,
            F::CallerIsOrigin => self.caller_is_origin()?,
            F::CallerIsRoot => self.caller_is_root()?,
            F::Address => self.address()?,
            F::IsContract => self.is_contract()?,
            F::CodeHash => self.code_hash()?,
            F::OwnCodeHash => self.own_code_hash()?,
            F::Balance => self.balance()?,
            F::ValueTransferred => self.value_transferred()?,
            F::MinimumBalance => self.minimum_balance()?,
            F::Now => self.now()?,
            F::BlockNumber => self.block_number()?,
            F::GasLeft => self.gas_left()?,
            F::GasLeftV1 => self.gas_left_v1()?,
            F::WeightToFee => self.weight_to_fee(Weight::new(self.word64(0), 0), 1)?,
            F::WeightToFeeV1 => self.weight_to_fee(Weight::new(self.word64(0), self.word64(1)), 2)?,
            F::ReentranceCount => self.reentrance_count()?,
            F::AccountReentranceCount => self.account_reentrance_count()?,
            F::SetStorage => self.set_storage(KeyKind::Fixed, 1).map(|_| SUCCESS)?,
            F::SetStorageV1 => self.set_storage(KeyKind::Fixed, 1)?,
            F::SetStorageV2 => self.set_storage(KeyKind::Variable, 2)?,
            F::ClearStorage => self.clear_storage(KeyKind::Fixed).map(|_| SUCCESS)?,
            F::ClearStorageV1 => self.clear_storage(KeyKind::Variable)?,
            F::GetStorage => self.get_storage(KeyKind::Fixed, 1)?,
            F::GetStorageV1 => self.get_storage(KeyKind::Variable, 2)?,
            F::ContainsStorage => self.contains_storage(KeyKind::Fixed)?,
            F::ContainsStorageV1 => self.contains_storage(KeyKind::Variable)?,
            F::TakeStorage => self.take_storage()?,
            F::SetTransientStorage => self.set_transient()?,
            F::ClearTransientStorage => self.clear_transient()?,
            F::GetTransientStorage => self.get_transient()?,
            F::ContainsTransientStorage => self.contains_transient()?,
            F::TakeTransientStorage => self.take_transient()?,
            F::Transfer => self.transfer()?,
            F::Call => self.call_v0()?,
            F::CallV1 => self.call_v1()?,
            F::CallV2 => self.call_v2()?,
            F::DelegateCall => self.delegate_call()?,
            F::Instantiate => self.instantiate_v0()?,
            F::InstantiateV1 => self.instantiate_v1()?,
            F::InstantiateV2 => self.instantiate_v2()?,
            F::Terminate | F::TerminateV1 => return self.terminate(),
            F::SetCodeHash => self.set_code_hash()?,
            F::LockDelegateDependency => self.lock_dependency()?,
            F::UnlockDelegateDependency => self.unlock_dependency()?,
            F::CallRuntime => self.call_runtime()?,
            F::XcmExecute => self.xcm_execute()?,
            F::XcmSend => self.xcm_send()?,
            F::CallChainExtension => self.call_chain_extension()?,
            F::DepositEvent => self.deposit_event()?,
            F::HashSha2256 => self.hash(costs::sha2_256, crypto::sha2_256)?,
            F::HashKeccak256 => self.hash(costs::keccak_256, crypto::keccak_256)?,
            F::HashBlake2256 => self.hash(costs::blake2, basalt_primitives::hashing::blake2_256)?,
            F::HashBlake2128 => self.hash(costs::blake2, basalt_primitives::hashing::blake2_128)?,
            F::EcdsaRecover => self.ecdsa_recover()?,
            F::EcdsaToEthAddress => self.ecdsa_to_eth_address()?,
            F::Sr25519Verify => self.sr25519_verify()?,
            F::DebugMessage => self.debug_message()?,
            F::Random => self.random(false)?,
            F::RandomV1 => self.random(true)?,
            F::TombstoneDeposit => self.answer(0, costs::ENVIRONMENT, &0u128.to_le_bytes())?,
            F::RentAllowance => self.answer(0, costs::ENVIRONMENT, &Balance::MAX.to_le_bytes())?,
            F::RestoreTo | F::RestoreToV1 | F::SetRentAllowance | F::SetRentAllowanceV1 => SUCCESS,
        };
        Ok(answer.into())
    }

    /// An argument of 32 bits; zero if the machine passed too few.
    fn word(&self, at: usize) -> u32 {
        self.word64(at) as u32
    }

    /// An argument of 64 bits.
    fn word64(&self, at: usize) -> u64 {
        self.arguments.get(at).copied().unwrap_or(0)
    }

    fn charge(&mut self, amount: Weight) -> Result<(), Error> {
        self.stack.top().gas.charge(amount)
    }

    /// So many bytes of the contract's memory, by the arguments that say where and how many.
    fn bytes(&self, pointer: usize, length: usize) -> Result<&[u8], Error> {
        memory::read(self.memory, self.word(pointer), self.word(length))
    }

    /// The account that an argument points to.
    fn account_at(&self, pointer: usize) -> Result<AccountId, Error> {
        memory::fixed(self.memory, self.word(pointer)).map(AccountId32)
    }

    /// The hash that an argument points to.
    fn hash_at(&self, pointer: usize) -> Result<H256, Error> {
        memory::fixed(self.memory, self.word(pointer)).map(H256)
    }

    /// The amount that an argument points to.
    fn balance_at(&self, pointer: usize) -> Result<Balance, Error> {
        memory::fixed(self.memory, self.word(pointer)).map(Balance::from_le_bytes)
    }

    /// Writes an answer into the buffer that the arguments `at` and `at + 1` describe, after paying for it.
    fn answer(&mut self, at: usize, cost: Weight, answer: &[u8]) -> Result<u32, End> {
        self.charge(cost)?;
        memory::answer(self.memory, self.word(at), self.word(at + 1), answer)?;
        Ok(SUCCESS)
    }

    // ---- Input and environment ----------------------------------------------------------------------------------

    fn input(&mut self) -> Result<u32, End> {
        let (out, length) = (self.word(0), self.word(1));
        let frame = self.stack.top();
        let input = frame.input.as_deref().ok_or(Error::InputForwarded)?;
        memory::check_answer(self.memory, length, input)?;
        frame.gas.charge(costs::copy(length_of(input)))?;
        memory::answer(self.memory, out, length, input)?;
        Ok(SUCCESS)
    }

    fn seal_return(&mut self) -> Result<u64, End> {
        self.charge(costs::copy(self.word(2)))?;
        let data = self.bytes(1, 2)?.to_vec();
        Err(End::Returned { flags: self.word(0), data })
    }

    fn caller(&mut self) -> Result<u32, End> {
        self.charge(costs::ENVIRONMENT)?;
        match self.stack.caller() {
            Origin::Root => Err(DispatchError::RootNotAllowed.into()),
            Origin::Signed(account) => self.answer(0, Weight::zero(), &account.0),
        }
    }

    fn caller_is_origin(&mut self) -> Result<u32, End> {
        self.charge(costs::ENVIRONMENT)?;
        Ok((self.stack.caller() == self.stack.origin).into())
    }

    fn caller_is_root(&mut self) -> Result<u32, End> {
        self.charge(costs::ENVIRONMENT)?;
        Ok((self.stack.caller() == Origin::Root).into())
    }

    fn address(&mut self) -> Result<u32, End> {
        let account = self.stack.top().account;
        self.answer(0, costs::ENVIRONMENT, &account.0)
    }

    fn is_contract(&mut self) -> Result<u32, End> {
        self.charge(costs::LOOK_UP)?;
        let account = self.account_at(0)?;
        Ok(CONTRACT_INFO_OF.contains(self.ctx, &account)?.into())
    }

    fn code_hash(&mut self) -> Result<u32, End> {
        self.charge(costs::LOOK_UP)?;
        let account = self.account_at(0)?;
        match CONTRACT_INFO_OF.get(self.ctx, &account)? {
            Some(info) => self.answer(1, Weight::zero(), &info.code_hash.0),
            None => Ok(code::KEY_NOT_FOUND),
        }
    }

    fn own_code_hash(&mut self) -> Result<u32, End> {
        let hash = self.stack.record(self.ctx)?.code_hash;
        self.answer(0, costs::ENVIRONMENT, &hash.0)
    }

    fn balance(&mut self) -> Result<u32, End> {
        self.charge(costs::LOOK_UP)?;
        let account = self.stack.top().account;
        let balance = self.stack.contracts.balances.reducible_balance(self.ctx, &account, true)?;
        self.answer(0, Weight::zero(), &balance.to_le_bytes())
    }

    fn value_transferred(&mut self) -> Result<u32, End> {
        let value = self.stack.top().value;
        self.answer(0, costs::ENVIRONMENT, &value.to_le_bytes())
    }

    fn minimum_balance(&mut self) -> Result<u32, End> {
        let minimum = self.stack.contracts.balances.existential_deposit;
        self.answer(0, costs::ENVIRONMENT, &minimum.to_le_bytes())
    }

    fn now(&mut self) -> Result<u32, End> {
        self.charge(costs::LOOK_UP)?;
        let now = self.stack.now(self.ctx)?;
        self.answer(0, Weight::zero(), &now.to_le_bytes())
    }

    fn block_number(&mut self) -> Result<u32, End> {
        let number = self.ctx.block_number();
        self.answer(0, costs::ENVIRONMENT, &number.to_le_bytes())
    }

    fn gas_left(&mut self) -> Result<u32, End> {
        self.charge(costs::ENVIRONMENT)?;
        let left = self.stack.top().gas.left().ref_time;
        self.answer(0, Weight::zero(), &left.to_le_bytes())
    }

    fn gas_left_v1(&mut self) -> Result<u32, End> {
        self.charge(costs::ENVIRONMENT)?;
        let left = self.stack.top().gas.left().encode();
        self.answer(0, Weight::zero(), &left)
    }

    fn weight_to_fee(&mut self, weight: Weight, out: usize) -> Result<u32, End> {
        let fee = (self.stack.contracts.weight_to_fee)(weight);
        self.answer(out, costs::ENVIRONMENT, &fee.to_le_bytes())
    }

    fn instantiation_nonce(&mut self) -> Result<u64, End> {
        self.charge(costs::LOOK_UP)?;
        Ok(self.stack.nonce(self.ctx)?)
    }

    fn reentrance_count(&mut self) -> Result<u32, End> {
        self.charge(costs::ENVIRONMENT)?;
        let account = self.stack.top().account;
        Ok(self.occurrences(&account).saturating_sub(1))
    }

    fn account_reentrance_count(&mut self) -> Result<u32, End> {
        self.charge(costs::ENVIRONMENT)?;
        let account = self.account_at(0)?;
        Ok(self.occurrences(&account))
    }

    /// How often an account is on the stack; code that runs as its own does not count.
    fn occurrences(&self, account: &AccountId) -> u32 {
        let own = |frame: &&crate::exec::Frame| frame.delegate.is_none() && frame.account == *account;
        // A few dozen frames at most.
        self.stack.frames().iter().filter(own).count() as u32
    }

    // ---- Events, debugging, what is no longer used ---------------------------------------------------------------

    fn deposit_event(&mut self) -> Result<u32, End> {
        let (topics_length, length) = (self.word(1), self.word(3));
        self.charge(costs::event(topics_length / 32, length))?;
        if length > PAYLOAD_BYTES_MAX {
            return Err(Error::ValueTooLarge.into());
        }
        let topics = match topics_length {
            0 => Vec::new(),
            _ => memory::hashes(self.bytes(0, 1)?, EVENT_TOPICS_MAX)?,
        };
        let contract = self.stack.top().account;
        let index = self.stack.contracts.index;
        // As `Event::ContractEmitted`, without copying the data into it first.
        let data = memory::read(self.memory, self.word(2), length)?;
        self.ctx.emit_with_topics(index, &(EMITTED, contract, data), topics);
        Ok(SUCCESS)
    }

    fn debug_message(&mut self) -> Result<u32, End> {
        let (pointer, length) = (self.word(0), self.word(1).min(DEBUG_BUFFER_BYTES_MAX));
        self.charge(costs::debug_message(length))?;
        if let Some(buffer) = &mut self.stack.debug {
            append_message(buffer, memory::read(self.memory, pointer, length)?);
        }
        Ok(SUCCESS)
    }

    /// Not random at all: whoever makes the parent block knows it beforehand.
    fn random(&mut self, with_block: bool) -> Result<u32, End> {
        let length = self.word(1);
        if length > SUBJECT_BYTES_MAX {
            return Err(Error::RandomSubjectTooLong.into());
        }
        self.charge(costs::blake2(length))?;
        let seed = (self.ctx.env().parent_hash, self.bytes(0, 1)?).encode();
        let hash = basalt_primitives::hashing::blake2_256(&seed);
        if with_block {
            let answer = (hash, self.ctx.block_number()).encode();
            return self.answer(2, Weight::zero(), &answer);
        }
        self.answer(2, Weight::zero(), &hash)
    }
}

/// The index of `Event::ContractEmitted`.
const EMITTED: u8 = 3;

/// Adds a message to the debug buffer, if it is text and fits.
fn append_message(buffer: &mut Vec<u8>, message: &[u8]) {
    let fits = buffer.len().saturating_add(message.len()) <= DEBUG_BUFFER_BYTES_MAX as usize;
    if fits && core::str::from_utf8(message).is_ok() {
        buffer.extend_from_slice(message);
    }
}

/// The length of something that a contract can hold, or that is far below 4 GiB anyway.
fn length_of(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}

impl<C> Contracts<C> {
    /// What a contract sees of a call that failed; a fault if it has to fail itself.
    fn code_of(error: crate::exec::ExecError) -> Result<u32, Fault> {
        match error {
            error if error.fault.is_of_node() => Err(error.fault),
            error if error.in_code => Ok(code::CALLEE_TRAPPED),
            error => match error.fault {
                Fault::Error(Error::TransferFailed) => Ok(code::TRANSFER_FAILED),
                Fault::Error(Error::CodeNotFound) => Ok(code::CODE_NOT_FOUND),
                Fault::Error(Error::ContractNotFound) => Ok(code::NOT_CALLABLE),
                fault => Err(fault),
            },
        }
    }
}
