//! Functions that a chain adds for its contracts.

use alloc::vec::Vec;

use basalt_primitives::{AccountId, DispatchError, Weight};
use basalt_support::{Context, Failure};

use super::memory;
use crate::{
    Error, costs,
    exec::{Fault, Frame},
    types::{Origin, ReturnFlags},
};

/// Functions of a chain's own, which contracts reach through `call_chain_extension`.
///
/// An extension is part of the protocol: what it does and what it charges must be the same on every node.
pub trait ChainExtension: Sync {
    /// Its id: the upper half of what contracts pass.
    fn id(&self) -> u16;

    /// Does what a contract asks for. Charge before acting ([`Environment::charge`]).
    ///
    /// # Errors
    ///
    /// The contract fails with it.
    fn call(&self, environment: &mut Environment<'_, '_, '_>) -> Result<Answer, ExtensionError>;
}

/// What an extension answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The call returns this; ink! takes 0 for success.
    Word(u32),
    /// The contract that called ends and returns this.
    End {
        /// How it ends.
        flags: ReturnFlags,
        /// What it returns.
        data: Vec<u8>,
    },
}

/// Why a contract fails that called an extension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtensionError(pub(super) Fault);

impl From<Error> for ExtensionError {
    fn from(error: Error) -> Self {
        Self(error.into())
    }
}

impl From<DispatchError> for ExtensionError {
    fn from(error: DispatchError) -> Self {
        Self(error.into())
    }
}

impl From<Failure> for ExtensionError {
    fn from(failure: Failure) -> Self {
        Self(failure.into())
    }
}

impl From<basalt_state::StateError> for ExtensionError {
    fn from(error: basalt_state::StateError) -> Self {
        Self(error.into())
    }
}

/// What an extension sees of the contract that calls it, and of the chain.
///
/// The contract passes four words. An extension may take them as numbers, or as two buffers: input at the first with the
/// length in the second, output at the third with the capacity where the fourth points.
pub struct Environment<'h, 'c, 's> {
    pub(super) function: u16,
    pub(super) words: [u32; 4],
    pub(super) caller: Origin,
    pub(super) frame: &'h mut Frame,
    pub(super) ctx: &'h mut Context<'c, 's>,
    pub(super) memory: &'h mut [u8],
}

impl<'c, 's> Environment<'_, 'c, 's> {
    /// Which function is called: the lower half of what the contract passed.
    pub const fn function(&self) -> u16 {
        self.function
    }

    /// The contract.
    pub const fn contract(&self) -> AccountId {
        self.frame.account
    }

    /// Who called the contract.
    pub const fn caller(&self) -> Origin {
        self.caller
    }

    /// Whether the contract may only read. Refuse what changes state with [`Error::StateChangeDenied`].
    pub const fn is_read_only(&self) -> bool {
        self.frame.read_only
    }

    /// The four words as numbers.
    pub const fn words(&self) -> [u32; 4] {
        self.words
    }

    /// State, block and events.
    pub const fn context(&mut self) -> &mut Context<'c, 's> {
        self.ctx
    }

    /// Takes gas for what is about to happen.
    ///
    /// # Errors
    ///
    /// [`Error::OutOfGas`].
    pub fn charge(&mut self, amount: Weight) -> Result<(), ExtensionError> {
        Ok(self.frame.gas.charge(amount)?)
    }

    /// Gives back what `charged` was more than `actual`.
    pub fn adjust(&mut self, charged: Weight, actual: Weight) {
        self.frame.gas.adjust(charged, actual);
    }

    /// How many bytes the contract passes.
    pub const fn input_length(&self) -> u32 {
        self.words[1]
    }

    /// What the contract passes, after paying for its length.
    ///
    /// # Errors
    ///
    /// [`Error::OutOfGas`]; [`Error::OutOfBounds`] if it is not in the contract's memory.
    pub fn input(&mut self) -> Result<&[u8], ExtensionError> {
        self.charge(costs::copy(self.input_length()))?;
        Ok(memory::read(self.memory, self.words[0], self.words[1])?)
    }

    /// Hands output to the contract, after paying for its length. With `skippable`, a contract may say that it wants none.
    ///
    /// # Errors
    ///
    /// [`Error::OutOfGas`]; [`Error::OutputBufferTooSmall`] or [`Error::OutOfBounds`] if it does not fit where the contract
    /// wants it.
    pub fn output(&mut self, output: &[u8], skippable: bool) -> Result<(), ExtensionError> {
        if skippable && !memory::wanted(self.words[2]) {
            return Ok(());
        }
        self.charge(costs::copy(super::length_of(output)))?;
        Ok(memory::answer(self.memory, self.words[2], self.words[3], output)?)
    }
}

/// An example: the hash of the block below, or an account's free balance.
///
/// | function | input     | output                      |
/// |----------|-----------|-----------------------------|
/// | 0        | none      | hash of the parent block    |
/// | 1        | 32 bytes  | the account's balance, u128 |
#[derive(Debug, Clone, Copy)]
pub struct ChainInfo;

impl ChainExtension for ChainInfo {
    fn id(&self) -> u16 {
        1
    }

    fn call(&self, environment: &mut Environment<'_, '_, '_>) -> Result<Answer, ExtensionError> {
        match environment.function() {
            0 => {
                environment.charge(costs::ENVIRONMENT)?;
                let hash = environment.context().env().parent_hash;
                environment.output(&hash.0, false)?;
            }
            1 => {
                environment.charge(costs::LOOK_UP)?;
                let input = environment.input()?;
                let who = AccountId::from(<[u8; 32]>::try_from(input).map_err(|_| Error::DecodingFailed)?);
                let info = basalt_pallet_system::ACCOUNT.get_or_default(environment.context(), &who)?;
                environment.output(&info.data.free.to_le_bytes(), false)?;
            }
            _ => return Err(Error::NoChainExtension.into()),
        }
        Ok(Answer::Word(0))
    }
}
