//! Uploading and removing code, and counting who uses it.

use alloc::{string::String, vec::Vec};

use basalt_contracts_vm::Policy;
use basalt_primitives::{AccountId, Balance, DispatchError, H256, hashing::blake2_256};
use basalt_support::{Context, Failure};

use crate::{
    CODE_BYTES_MAX, CODE_INFO_OF, CONTRACT_INFO_OF, Contracts, Error, Event, HoldReason, MEMORY_PAGES_MAX,
    PRISTINE_CODE,
    types::{BoundedBytes, CodeInfo, CodeUploadReturnValue, Determinism},
};

/// Bytes of [`CodeInfo`] as deposits count them: as much as it can take. Two of its fields are compact, and counted as
/// wide as they are without that, as in Substrate.
const CODE_INFO_BYTES: u32 = 32 + 16 + 8 + 1 + 4;

/// Code that was not stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UploadFailure {
    /// Why, as the chain tells it.
    pub(crate) failure: Failure,
    /// Why the machine refused it, in a sentence, if that is why.
    pub(crate) refused: Option<String>,
}

impl<E: Into<Failure>> From<E> for UploadFailure {
    fn from(failure: E) -> Self {
        Self { failure: failure.into(), refused: None }
    }
}

impl<C> Contracts<C> {
    /// What code may do.
    pub(crate) fn policy(&self, determinism: Determinism) -> Policy {
        Policy {
            memory_pages_max: MEMORY_PAGES_MAX,
            determinism: determinism.into(),
            unstable: self.unstable,
            chain_extension: !self.extensions.is_empty(),
        }
    }

    /// What is held for code of this length.
    pub(crate) fn code_deposit(&self, code_bytes: u32) -> Balance {
        let bytes = Balance::from(code_bytes).saturating_add(CODE_INFO_BYTES.into());
        // Two items: the code, and what is known of it.
        let items = self.deposits.per_item.saturating_mul(2);
        self.deposits.per_byte.saturating_mul(bytes).saturating_add(items)
    }

    /// Checks and stores code. Stored code stays as it is, at no cost.
    pub(crate) fn upload(
        &self,
        ctx: &mut Context<'_, '_>,
        uploader: &AccountId,
        code: Vec<u8>,
        limit: Option<Balance>,
        determinism: Determinism,
    ) -> Result<CodeUploadReturnValue, UploadFailure> {
        let code_len = u32::try_from(code.len()).ok().filter(|bytes| *bytes <= CODE_BYTES_MAX);
        let code_len = code_len.ok_or_else(|| self.error(Error::CodeTooLarge))?;
        let code_hash = H256(blake2_256(&code));
        let stored = CODE_INFO_OF.get(ctx, &code_hash)?;
        // It passed the check once, but maybe a more lenient one.
        if stored.as_ref().is_some_and(|info| {
            info.determinism == Determinism::Enforced || determinism == Determinism::Relaxed
        }) {
            return Ok(CodeUploadReturnValue { code_hash, deposit: 0 });
        }
        let checked = ctx.machine()?.check(&code, &self.policy(determinism)).map_err(|refused| {
            UploadFailure { failure: self.error(Error::CodeRejected).into(), refused: Some(refused.0) }
        })?;
        if stored.is_some() {
            return Ok(CodeUploadReturnValue { code_hash, deposit: 0 });
        }
        let deposit = self.code_deposit(code_len);
        let reason = self.reason(HoldReason::CodeUploadDepositReserve);
        self.balances.hold(ctx, reason, uploader, deposit).map_err(|failure| match failure {
            Failure::Dispatch(_) => self.error(Error::StorageDepositNotEnoughFunds).into(),
            state @ Failure::State(_) => state,
        })?;
        if limit.is_some_and(|limit| deposit > limit) {
            return Err(self.error(Error::StorageDepositLimitExhausted).into());
        }
        let info = CodeInfo {
            owner: *uploader,
            deposit,
            refcount: 0,
            determinism: checked.determinism.into(),
            code_len,
        };
        PRISTINE_CODE.put(ctx, &code_hash, &BoundedBytes(code));
        CODE_INFO_OF.put(ctx, &code_hash, &info);
        let event = Event::CodeStored { code_hash, deposit_held: deposit, uploader: *uploader };
        ctx.emit(self.index, &event);
        Ok(CodeUploadReturnValue { code_hash, deposit })
    }

    /// Removes code that nobody uses, and gives its deposit back to who uploaded it.
    pub(crate) fn remove_code(
        &self,
        ctx: &mut Context<'_, '_>,
        remover: &AccountId,
        code_hash: H256,
    ) -> Result<(), Failure> {
        let info = CODE_INFO_OF.get(ctx, &code_hash)?.ok_or_else(|| self.error(Error::CodeNotFound))?;
        if info.refcount > 0 {
            return Err(self.error(Error::CodeInUse).into());
        }
        if info.owner != *remover {
            return Err(DispatchError::BadOrigin.into());
        }
        let reason = self.reason(HoldReason::CodeUploadDepositReserve);
        self.balances.release(ctx, reason, remover, info.deposit)?;
        CODE_INFO_OF.remove(ctx, &code_hash);
        PRISTINE_CODE.remove(ctx, &code_hash);
        let event = Event::CodeRemoved { code_hash, deposit_released: info.deposit, remover: *remover };
        ctx.emit(self.index, &event);
        Ok(())
    }

    /// Gives a contract other code, without asking it.
    pub(crate) fn replace_code(
        &self,
        ctx: &mut Context<'_, '_>,
        contract: &AccountId,
        new_code_hash: H256,
    ) -> Result<(), Failure> {
        let entry = CONTRACT_INFO_OF.at(contract);
        let mut info = entry.get(ctx)?.ok_or_else(|| self.error(Error::ContractNotFound))?;
        let old_code_hash = core::mem::replace(&mut info.code_hash, new_code_hash);
        self.retain_code(ctx, &new_code_hash)?;
        self.release_code(ctx, &old_code_hash)?;
        entry.put(ctx, &info);
        let event = Event::ContractCodeUpdated { contract: *contract, new_code_hash, old_code_hash };
        ctx.emit(self.index, &event);
        Ok(())
    }

    /// Counts one more user of the code. Fails with `CodeNotFound`.
    pub(crate) fn retain_code(
        &self,
        ctx: &mut Context<'_, '_>,
        code_hash: &H256,
    ) -> Result<CodeInfo, Failure> {
        let entry = CODE_INFO_OF.at(code_hash);
        let mut info = entry.get(ctx)?.ok_or_else(|| self.error(Error::CodeNotFound))?;
        // Each user is a contract or a dependency in the state: 2^64 of them do not fit into any.
        info.refcount = info.refcount.saturating_add(1);
        entry.put(ctx, &info);
        Ok(info)
    }

    /// Counts one user of the code less.
    pub(crate) fn release_code(&self, ctx: &mut Context<'_, '_>, code_hash: &H256) -> Result<(), Failure> {
        let entry = CODE_INFO_OF.at(code_hash);
        // Code that is used is there: it cannot be removed.
        if let Some(mut info) = entry.get(ctx)? {
            info.refcount = info.refcount.saturating_sub(1);
            entry.put(ctx, &info);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
