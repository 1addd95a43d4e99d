//! Stands for the execution core until it is there.
#![allow(dead_code, reason = "stands for what uses it")]

use alloc::vec::Vec;

use basalt_primitives::{AccountId, Balance, H256, Weight};
use basalt_support::{Context, Failure};

use crate::{
    Contracts, Error,
    types::{Determinism, ExecReturnValue, StorageDeposit},
};

pub(crate) enum Caller {
    Root,
    Signed(AccountId),
}

pub(crate) struct Terms {
    pub(crate) gas_limit: Weight,
    pub(crate) storage_deposit_limit: Option<Balance>,
    pub(crate) debug: bool,
    pub(crate) determinism: Determinism,
}

pub(crate) struct Outcome<T> {
    pub(crate) result: Result<T, Failure>,
    pub(crate) gas_consumed: Weight,
    pub(crate) gas_required: Weight,
    pub(crate) storage_deposit: StorageDeposit,
    pub(crate) debug_message: Vec<u8>,
}

impl<C> Contracts<C> {
    fn not_yet<T>(&self, error: Error) -> Outcome<T> {
        Outcome {
            result: Err(self.error(error).into()),
            gas_consumed: Weight::zero(),
            gas_required: Weight::zero(),
            storage_deposit: StorageDeposit::default(),
            debug_message: Vec::new(),
        }
    }

    pub(crate) fn bare_call(
        &self,
        _ctx: &mut Context<'_, '_>,
        _caller: Caller,
        _dest: AccountId,
        _value: Balance,
        _terms: Terms,
        _data: Vec<u8>,
    ) -> Outcome<ExecReturnValue> {
        self.not_yet(Error::ContractNotFound)
    }

    #[expect(clippy::too_many_arguments, reason = "stands for another function")]
    pub(crate) fn bare_instantiate(
        &self,
        _ctx: &mut Context<'_, '_>,
        _caller: AccountId,
        _code_hash: H256,
        _value: Balance,
        _terms: Terms,
        _data: Vec<u8>,
        _salt: Vec<u8>,
    ) -> Outcome<(AccountId, ExecReturnValue)> {
        self.not_yet(Error::CodeNotFound)
    }
}
