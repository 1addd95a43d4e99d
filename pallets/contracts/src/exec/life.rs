//! How contracts come to be, change their code, depend on other code, and end.

use alloc::vec::Vec;

use basalt_contracts_vm::Entry;
use basalt_primitives::{AccountId, Balance, H256, Weight};
use basalt_support::{Context, RuntimeCall};
use parity_scale_codec::Encode;

use super::{
    ExecError, Fault, Stack,
    stack::{Push, Record},
};
use crate::{
    CODE_INFO_OF, CONTRACT_INFO_OF, Contracts, DELEGATE_DEPENDENCIES_MAX, Error, Event,
    address::contract_address,
    deletion,
    storage::trie_id,
    types::{CodeInfo, ContractInfo, DelegateDependencies, Determinism, ExecReturnValue, StorageDeposit},
};

/// A nested instantiation, as a contract asks for it.
pub(crate) struct NestedInstantiate<'s> {
    pub(crate) code_hash: H256,
    pub(crate) value: Balance,
    pub(crate) input: Vec<u8>,
    pub(crate) salt: &'s [u8],
    pub(crate) gas_limit: Weight,
    pub(crate) deposit_limit: Balance,
}

impl<C: RuntimeCall> Stack<'_, C> {
    /// The first frame of an instantiation.
    pub(super) fn instantiate_first(
        &mut self,
        ctx: &mut Context<'_, '_>,
        deployer: AccountId,
        code_hash: H256,
        value: Balance,
        input: Vec<u8>,
        salt: &[u8],
    ) -> Result<(AccountId, ExecReturnValue), ExecError> {
        let (gas_limit, deposit_limit) = (Weight::zero(), 0);
        let request = NestedInstantiate { code_hash, value, input, salt, gas_limit, deposit_limit };
        self.push_and_instantiate(ctx, deployer, request, false)
    }

    /// A contract makes another.
    pub(crate) fn instantiate(
        &mut self,
        ctx: &mut Context<'_, '_>,
        request: NestedInstantiate<'_>,
    ) -> Result<(AccountId, ExecReturnValue), ExecError> {
        let (deployer, read_only) = (self.top().account, self.top().read_only);
        self.push_and_instantiate(ctx, deployer, request, read_only)
    }

    fn push_and_instantiate(
        &mut self,
        ctx: &mut Context<'_, '_>,
        deployer: AccountId,
        request: NestedInstantiate<'_>,
        read_only: bool,
    ) -> Result<(AccountId, ExecReturnValue), ExecError> {
        let NestedInstantiate { code_hash, value, input, salt, gas_limit, deposit_limit } = request;
        let code = self.load_code(ctx, &code_hash)?;
        let nonce = self.nonce(ctx)?.wrapping_add(1);
        self.set_nonce(nonce);
        self.check_depth()?;
        let account = contract_address(&deployer, &code_hash, &input, salt);
        // An account that a contract left in this same call is emptied when all has ended: nobody moves in before.
        let taken = self.frames().iter().any(|frame| {
            frame.deposit.has_terminated(&account) || frame.constructing && frame.account == account
        });
        if taken || CONTRACT_INFO_OF.contains(ctx, &account)? {
            return Err(Error::DuplicateContract.into());
        }
        let info = ContractInfo {
            trie_id: trie_id(&account, nonce),
            code_hash,
            storage_bytes: 0,
            storage_items: 0,
            storage_byte_deposit: 0,
            storage_item_deposit: 0,
            storage_base_deposit: 0,
            delegate_dependencies: DelegateDependencies::default(),
        };
        let push = Push {
            account,
            record: Record::Known { info, changed: true },
            entry: Entry::Deploy,
            delegate: None,
            value,
            input,
            gas_limit,
            deposit_limit,
            read_only,
        };
        self.push(ctx, &code, push)?;
        let output = self.run(ctx, code_hash, &code)?;
        Ok((account, output))
    }

    /// What happens before a constructor runs: the origin pays for the account and the record, and the code is in use.
    pub(super) fn begin_instance(
        &mut self,
        ctx: &mut Context<'_, '_>,
        code_hash: H256,
        code: &CodeInfo,
    ) -> Result<(), Fault> {
        let contracts = self.contracts;
        let balances = &contracts.balances;
        let crate::types::Origin::Signed(origin) = self.origin else {
            return Err(basalt_primitives::DispatchError::RootNotAllowed.into());
        };
        let account = self.top().account;
        let minimum = balances.existential_deposit;
        balances.transfer(ctx, &origin, &account, minimum, true)?;
        // Without it another pallet could remove the account under the contract.
        balances.system.inc_consumers(ctx, &account)?;
        let record = self.record_mut(ctx)?;
        let base = contracts.base_deposit(record, code);
        record.storage_base_deposit = base;
        let deposit = &mut self.top().deposit;
        deposit.count(minimum);
        deposit.record(account, StorageDeposit::Charge(base));
        contracts.retain_code(ctx, &code_hash)?;
        Ok(())
    }

    /// The contract that runs removes itself.
    pub(crate) fn terminate(
        &mut self,
        ctx: &mut Context<'_, '_>,
        beneficiary: AccountId,
    ) -> Result<(), Fault> {
        let contracts = self.contracts;
        let account = self.top().account;
        if self.frames().iter().filter(|frame| frame.account == account).count() > 1 {
            return Err(Error::TerminatedWhileReentrant.into());
        }
        let info = self.record(ctx)?.clone();
        let frame = self.top();
        frame.record = Record::Terminated;
        frame.deposit.terminate(&info, beneficiary);
        for amount in info.delegate_dependencies.0.values() {
            frame.deposit.record(account, StorageDeposit::Refund(*amount));
        }
        CONTRACT_INFO_OF.remove(ctx, &account);
        deletion::enqueue(ctx, &info.trie_id)?;
        contracts.release_code(ctx, &info.code_hash)?;
        for dependency in info.delegate_dependencies.0.keys() {
            contracts.release_code(ctx, dependency)?;
        }
        ctx.emit(contracts.index, &Event::Terminated { contract: account, beneficiary });
        Ok(())
    }

    /// The contract that runs has other code from its next call on.
    pub(crate) fn set_code_hash(&mut self, ctx: &mut Context<'_, '_>, new: H256) -> Result<(), Fault> {
        let contracts = self.contracts;
        let code = self.load_code(ctx, &new)?;
        if code.determinism == Determinism::Relaxed {
            return Err(Error::Indeterministic.into());
        }
        let record = self.record_mut(ctx)?;
        let (old, before) = (record.code_hash, record.storage_base_deposit);
        record.code_hash = new;
        let after = contracts.base_deposit(record, &code);
        record.storage_base_deposit = after;
        let frame = self.top();
        let (contract, owed) = (frame.account, StorageDeposit::Charge(after));
        frame.deposit.record(contract, owed.saturating_add(StorageDeposit::Refund(before)));
        if new != old {
            contracts.retain_code(ctx, &new)?;
            contracts.release_code(ctx, &old)?;
        }
        let event = Event::ContractCodeUpdated { contract, new_code_hash: new, old_code_hash: old };
        ctx.emit(contracts.index, &event);
        Ok(())
    }

    /// Code that the contract that runs relies on stays as long as it does.
    pub(crate) fn lock_dependency(&mut self, ctx: &mut Context<'_, '_>, hash: H256) -> Result<(), Fault> {
        let contracts = self.contracts;
        let lockup = contracts.deposits.code_lockup;
        let record = self.record(ctx)?;
        if hash == record.code_hash {
            return Err(Error::CannotAddSelfAsDelegateDependency.into());
        }
        let code = CODE_INFO_OF.get(ctx, &hash)?.ok_or(Error::CodeNotFound)?;
        let amount = share_rounded_up(lockup, code.deposit);
        let dependencies = &mut self.record(ctx)?.delegate_dependencies.0;
        if dependencies.len() >= DELEGATE_DEPENDENCIES_MAX as usize {
            return Err(Error::MaxDelegateDependenciesReached.into());
        }
        if dependencies.contains_key(&hash) {
            return Err(Error::DelegateDependencyAlreadyExists.into());
        }
        self.record_mut(ctx)?.delegate_dependencies.0.insert(hash, amount);
        contracts.retain_code(ctx, &hash)?;
        let frame = self.top();
        frame.deposit.record(frame.account, StorageDeposit::Charge(amount));
        Ok(())
    }

    /// The contract that runs does no longer rely on code.
    pub(crate) fn unlock_dependency(&mut self, ctx: &mut Context<'_, '_>, hash: H256) -> Result<(), Fault> {
        if !self.record(ctx)?.delegate_dependencies.0.contains_key(&hash) {
            return Err(Error::DelegateDependencyNotFound.into());
        }
        let amount = self.record_mut(ctx)?.delegate_dependencies.0.remove(&hash).unwrap_or(0);
        self.contracts.release_code(ctx, &hash)?;
        let frame = self.top();
        frame.deposit.record(frame.account, StorageDeposit::Refund(amount));
        Ok(())
    }
}

impl<C> Contracts<C> {
    /// What a contract pays for its record, and for keeping its code from being removed.
    pub(crate) fn base_deposit(&self, record: &ContractInfo, code: &CodeInfo) -> Balance {
        let bytes = record.encoded_size() as Balance;
        self.deposits
            .per_byte
            .saturating_mul(bytes)
            .saturating_add(self.deposits.per_item)
            .saturating_add(share_rounded_up(self.deposits.code_lockup, code.deposit))
    }
}

/// A share of an amount, a fraction counted as one.
fn share_rounded_up(share: basalt_primitives::Perbill, amount: Balance) -> Balance {
    let whole = Balance::from(basalt_primitives::Perbill::ACCURACY);
    let parts = Balance::from(share.deconstruct()).min(whole);
    // The remainder's product is below 10^18.
    (amount / whole) * parts + ((amount % whole) * parts).div_ceil(whole)
}
