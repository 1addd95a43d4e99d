//! Calls that delegates say they will make, so that who is concerned can refuse them in time.

use alloc::vec::Vec;

use basalt_primitives::{AccountId, Balance, BlockNumber, H256};
use basalt_support::{CallResult, Context, Failure, Map, PostInfo, RuntimeCall, storage::Twox64Concat};

use crate::{Announcement, Error, Event, Permission, Proxy, due};

/// An announcement of this chain.
pub(crate) type Entry = Announcement<AccountId, H256, BlockNumber>;

/// Which calls a delegate will make, oldest first, and what it has reserved for that.
pub const ANNOUNCEMENTS: Map<Twox64Concat, AccountId, (Vec<Entry>, Balance)> =
    Map::defaulted("Proxy", "Announcements");

impl<C: RuntimeCall, T: Permission<C>> Proxy<C, T> {
    pub(crate) fn announce(
        &self,
        ctx: &mut Context<'_, '_>,
        delegate: AccountId,
        real: AccountId,
        call_hash: H256,
    ) -> CallResult {
        let (mut list, deposit) = ANNOUNCEMENTS.get_or_default(ctx, &delegate)?;
        if list.len() >= usize::try_from(self.pending_max).unwrap_or(usize::MAX) {
            return Err(self.error(Error::TooMany).into());
        }
        list.push(Announcement { real, call_hash, height: ctx.block_number() });
        self.put(ctx, &delegate, list, deposit)?;
        ctx.emit(self.index, &Event::<T>::Announced { real, proxy: delegate, call_hash });
        Ok(PostInfo::default())
    }

    /// Removes the announcements that `gone` picks; with none of them it fails with `error`.
    pub(crate) fn forget(
        &self,
        ctx: &mut Context<'_, '_>,
        delegate: &AccountId,
        error: Error,
        gone: impl Fn(&Entry) -> bool,
    ) -> Result<(), Failure> {
        let (mut list, deposit) = ANNOUNCEMENTS.get_or_default(ctx, delegate)?;
        let before = list.len();
        list.retain(|entry| !gone(entry));
        if list.len() == before {
            return Err(self.error(error));
        }
        self.put(ctx, delegate, list, deposit)
    }

    fn put(
        &self,
        ctx: &mut Context<'_, '_>,
        delegate: &AccountId,
        list: Vec<Entry>,
        deposit: Balance,
    ) -> Result<(), Failure> {
        let due = due(self.announcement_deposit_base, self.announcement_deposit_factor, list.len())?;
        self.settle(ctx, delegate, deposit, due)?;
        if list.is_empty() {
            ANNOUNCEMENTS.remove(ctx, delegate);
        } else {
            ANNOUNCEMENTS.put(ctx, delegate, &(list, due));
        }
        Ok(())
    }
}
