//! Let other accounts act for an account, as far as it allows.
//!
//! # State
//!
//! | item            | key      | value                                              |
//! |-----------------|----------|----------------------------------------------------|
//! | `Proxies`       | account  | who may act for it and do what, and the deposit    |
//! | `Announcements` | delegate | which calls it will make for whom, and the deposit |
//!
//! # Flow
//!
//! ```text
//! add_proxy(delegate, type, 0)      delegate: proxy(real, call)
//! add_proxy(delegate, type, delay)  delegate: announce(real, hash) … delay blocks … proxy_announced(…, call)
//!                                   real: reject_announcement(delegate, hash)
//! create_pure                       an account without a key; its maker is its first proxy
//! ```
//!
//! # Invariants
//!
//! - A call is made for an account only by a delegate of it, with a permission that covers the call and all calls in it
//!   ([`Permission::covers`]), and after its delay.
//! - A proxy gives nobody, and takes from nobody, more than it may do itself: that is part of [`Permission`].
//! - A delegator has a deposit reserved for its list of proxies, a delegate one for its announcements.
//!
//! # Out of scope
//!
//! Which permissions there are: the runtime's.
#![no_std]
#![cfg_attr(not(test), deny(clippy::unwrap_used))]

extern crate alloc;

mod announcements;
pub mod pallet;
#[cfg(test)]
mod tests;

use alloc::{boxed::Box, vec::Vec};
use core::{fmt::Debug, marker::PhantomData};

use basalt_pallet_balances::Balances;
use basalt_pallet_system as system;
use basalt_primitives::{
    AccountId, ArithmeticError, Balance, BlockNumber, DispatchError, H256, ModuleError, MultiAddress, Pays,
    Weight, hashing::blake2_256,
};
use basalt_support::{
    CallResult, Context, DispatchInfo, Failure, Map, Origin, Pallet, PostInfo, RuntimeCall,
    metadata::{Constant, PalletMetadata},
    module_error, recorded,
    storage::Twox64Concat,
    weight,
};
use parity_scale_codec::{Decode, Encode};
use scale_info::{TypeInfo, meta_type};

pub use announcements::ANNOUNCEMENTS;
pub use pallet::{Announcement, Call, Error, Event, ProxyDefinition};

/// A proxy of this chain, for a runtime whose permissions are `T`.
pub type Definition<T> = ProxyDefinition<AccountId, T, BlockNumber>;

/// What a delegate may do.
pub trait Permission<C>:
    Copy + Ord + Debug + Default + Encode + Decode + TypeInfo + Send + Sync + 'static
{
    /// Whether it covers this call, and all calls that this call would make: also calls that change proxies, which it covers
    /// as far as the permissions in question are included in itself.
    fn covers(&self, call: &C) -> bool;
}

/// Who may act for an account, in order, and what it has reserved for that.
pub const fn proxies<T: Encode>() -> Map<Twox64Concat, AccountId, (Vec<Definition<T>>, Balance)> {
    Map::defaulted("Proxy", "Proxies")
}

/// The pallet. `C` is the runtime's call, `T` its permissions.
#[derive(Debug)]
pub struct Proxy<C, T> {
    /// Its index in the runtime.
    pub index: u8,
    /// Where deposits are reserved.
    pub balances: Balances,
    /// What a list of proxies reserves.
    pub deposit_base: Balance,
    /// And for each proxy.
    pub deposit_factor: Balance,
    /// What a list of announcements reserves.
    pub announcement_deposit_base: Balance,
    /// And for each announcement.
    pub announcement_deposit_factor: Balance,
    /// The most proxies of an account.
    pub proxies_max: u32,
    /// The most announcements of a delegate.
    pub pending_max: u32,
    /// The runtime's types.
    pub types: PhantomData<fn() -> (C, T)>,
}

/// The account that `who` makes at this place of the chain: the same one as on Substrate chains.
pub fn pure_account<T: Encode>(
    who: &AccountId,
    proxy_type: &T,
    index: u16,
    height: BlockNumber,
    ext_index: u32,
) -> AccountId {
    let seed = (b"modlpy/proxy____", who, height, ext_index, proxy_type, index);
    AccountId::from(seed.using_encoded(blake2_256))
}

fn lookup(address: &MultiAddress) -> Result<AccountId, Failure> {
    address.account_id().ok_or_else(|| DispatchError::CannotLookup.into())
}

fn call_hash<C: Encode>(call: &C) -> H256 {
    H256(call.using_encoded(blake2_256))
}

impl<C: RuntimeCall, T: Permission<C>> Pallet for Proxy<C, T> {
    const NAME: &'static str = "Proxy";
    type Call = Call<C, T>;

    fn index(&self) -> u8 {
        self.index
    }

    fn metadata(&self) -> PalletMetadata {
        PalletMetadata {
            name: Self::NAME,
            index: self.index,
            storage: [
                proxies::<T>().entry(&["Who may act for an account, and what it has reserved for that."]),
                ANNOUNCEMENTS
                    .entry(&["Which calls a delegate will make, and what it has reserved for that."]),
            ]
            .into(),
            calls: Some(meta_type::<Call<C, T>>()),
            event: Some(meta_type::<Event<T>>()),
            error: Some(meta_type::<Error>()),
            constants: [
                Constant::new("ProxyDepositBase", &self.deposit_base, &["What a list of proxies reserves."]),
                Constant::new("ProxyDepositFactor", &self.deposit_factor, &["And for each proxy."]),
                Constant::new("MaxProxies", &self.proxies_max, &["The most proxies of an account."]),
                Constant::new("MaxPending", &self.pending_max, &["The most announcements of a delegate."]),
                Constant::new(
                    "AnnouncementDepositBase",
                    &self.announcement_deposit_base,
                    &["What a list of announcements reserves."],
                ),
                Constant::new(
                    "AnnouncementDepositFactor",
                    &self.announcement_deposit_factor,
                    &["And for each announcement."],
                ),
            ]
            .into(),
            docs: ["Let other accounts act for an account, as far as it allows."].into(),
        }
    }

    fn info(&self, call: &Call<C, T>) -> DispatchInfo {
        match call {
            Call::proxy { call, .. } => {
                DispatchInfo::normal(self.look_weight().saturating_add(call.info().weight))
            }
            Call::proxy_announced { call, .. } => {
                DispatchInfo::normal(self.announced_weight(call).saturating_add(call.info().weight))
            }
            Call::add_proxy { .. }
            | Call::remove_proxy { .. }
            | Call::remove_proxies
            | Call::create_pure { .. }
            | Call::kill_pure { .. } => DispatchInfo::normal(self.list_weight(self.proxies_max, 40)),
            Call::announce { .. } => DispatchInfo::normal(
                self.look_weight().saturating_add(self.list_weight(self.pending_max, 70)),
            ),
            Call::remove_announcement { .. } | Call::reject_announcement { .. } => {
                DispatchInfo::normal(self.list_weight(self.pending_max, 70))
            }
        }
    }

    fn dispatch(&self, call: Call<C, T>, origin: Origin, ctx: &mut Context<'_, '_>) -> CallResult {
        let who = origin.signed()?;
        match call {
            Call::proxy { real, force_proxy_type, call } => {
                let real = lookup(&real)?;
                let used = self.definition(ctx, &real, &who, force_proxy_type)?;
                if used.delay != 0 {
                    return Err(self.error(Error::Unannounced).into());
                }
                self.act(&used, real, call, self.look_weight(), ctx)
            }
            Call::proxy_announced { delegate, real, force_proxy_type, call } => {
                let (delegate, real) = (lookup(&delegate)?, lookup(&real)?);
                let used = self.definition(ctx, &real, &delegate, force_proxy_type)?;
                let hash = call_hash(&call);
                let now = ctx.block_number();
                self.forget(ctx, &delegate, Error::Unannounced, |entry| {
                    entry.real == real
                        && entry.call_hash == hash
                        && now.saturating_sub(entry.height) >= used.delay
                })?;
                let own = self.announced_weight(&call);
                self.act(&used, real, call, own, ctx)
            }
            Call::add_proxy { delegate, proxy_type, delay } => {
                self.add(ctx, who, ProxyDefinition { delegate: lookup(&delegate)?, proxy_type, delay })
            }
            Call::remove_proxy { delegate, proxy_type, delay } => {
                self.remove(ctx, who, ProxyDefinition { delegate: lookup(&delegate)?, proxy_type, delay })
            }
            Call::remove_proxies => {
                let (_, deposit) = proxies::<T>().take(ctx, &who)?.unwrap_or_default();
                self.balances.unreserve(ctx, &who, deposit)?;
                Ok(PostInfo::default())
            }
            Call::create_pure { proxy_type, delay, index } => {
                self.create_pure(ctx, who, proxy_type, delay, index)
            }
            Call::kill_pure { spawner, proxy_type, index, height, ext_index } => {
                let spawner = lookup(&spawner)?;
                if who != pure_account(&spawner, &proxy_type, index, height, ext_index) {
                    return Err(self.error(Error::NoPermission).into());
                }
                let (_, deposit) = proxies::<T>().take(ctx, &who)?.unwrap_or_default();
                self.balances.unreserve(ctx, &spawner, deposit)?;
                Ok(PostInfo::default())
            }
            Call::announce { real, call_hash } => {
                let real = lookup(&real)?;
                self.definition(ctx, &real, &who, None)?;
                self.announce(ctx, who, real, call_hash)
            }
            Call::remove_announcement { real, call_hash } => {
                let real = lookup(&real)?;
                let gone = |entry: &_| is(entry, &real, &call_hash);
                self.forget(ctx, &who, Error::NotFound, gone)?;
                Ok(PostInfo::default())
            }
            Call::reject_announcement { delegate, call_hash } => {
                let gone = |entry: &_| is(entry, &who, &call_hash);
                self.forget(ctx, &lookup(&delegate)?, Error::NotFound, gone)?;
                Ok(PostInfo::default())
            }
        }
    }
}

fn is(entry: &announcements::Entry, real: &AccountId, call_hash: &H256) -> bool {
    entry.real == *real && entry.call_hash == *call_hash
}

impl<C: RuntimeCall, T: Permission<C>> Proxy<C, T> {
    fn error(&self, error: Error) -> Failure {
        module_error(self.index, &error)
    }

    /// Reading and searching a list of proxies.
    fn look_weight(&self) -> Weight {
        weight::operations(1, 0).saturating_add(weight::bytes(u64::from(self.proxies_max) * 40))
    }

    /// Changing a list, and the deposit for it.
    fn list_weight(&self, entries: u32, bytes: u64) -> Weight {
        weight::operations(3, 3).saturating_add(weight::bytes(2 * u64::from(entries) * bytes))
    }

    /// Hashing and making a call that was announced, without the call.
    fn announced_weight(&self, call: &C) -> Weight {
        let length = u64::try_from(call.encoded_size()).unwrap_or(u64::MAX);
        let lists = self.look_weight().saturating_add(self.list_weight(self.pending_max, 70));
        lists.saturating_add(weight::bytes(length))
    }

    /// The first permission of `delegate` for `real`, or the one that is asked for.
    fn definition(
        &self,
        ctx: &Context<'_, '_>,
        real: &AccountId,
        delegate: &AccountId,
        wanted: Option<T>,
    ) -> Result<Definition<T>, Failure> {
        let (list, _) = proxies::<T>().get_or_default(ctx, real)?;
        list.into_iter()
            .find(|entry| {
                entry.delegate == *delegate && wanted.is_none_or(|wanted| wanted == entry.proxy_type)
            })
            .ok_or_else(|| self.error(Error::NotProxy))
    }

    /// Makes a call for `real`. What the permission does not cover ends as `CallFiltered`, told in the event: as in Substrate.
    fn act(
        &self,
        used: &Definition<T>,
        real: AccountId,
        call: Box<C>,
        own: Weight,
        ctx: &mut Context<'_, '_>,
    ) -> CallResult {
        if !used.proxy_type.covers(&call) {
            let result = Err(self.filtered());
            ctx.emit(self.index, &Event::<T>::ProxyExecuted { result });
            return Ok(PostInfo { actual_weight: Some(own), pays_fee: Pays::Yes });
        }
        let declared = call.info().weight;
        let (post, result) = recorded(call.dispatch(Origin::Signed(real), ctx))?;
        ctx.emit(self.index, &Event::<T>::ProxyExecuted { result });
        let used = own.saturating_add(post.actual_weight.unwrap_or(declared));
        Ok(PostInfo { actual_weight: Some(used), pays_fee: Pays::Yes })
    }

    /// System's error for calls that an origin may not make.
    fn filtered(&self) -> DispatchError {
        let [code, ..] = system::Error::CallFiltered.encode()[..] else { return DispatchError::BadOrigin };
        DispatchError::Module(ModuleError { index: self.balances.system.index, error: [code, 0, 0, 0] })
    }

    fn add(&self, ctx: &mut Context<'_, '_>, who: AccountId, new: Definition<T>) -> CallResult {
        if new.delegate == who {
            return Err(self.error(Error::NoSelfProxy).into());
        }
        let (mut list, deposit) = proxies::<T>().get_or_default(ctx, &who)?;
        let Err(place) = list.binary_search(&new) else {
            return Err(self.error(Error::Duplicate).into());
        };
        if list.len() >= usize::try_from(self.proxies_max).unwrap_or(usize::MAX) {
            return Err(self.error(Error::TooMany).into());
        }
        list.insert(place, new);
        self.store(ctx, &who, list, deposit)?;
        ctx.emit(
            self.index,
            &Event::ProxyAdded {
                delegator: who,
                delegatee: new.delegate,
                proxy_type: new.proxy_type,
                delay: new.delay,
            },
        );
        Ok(PostInfo::default())
    }

    fn remove(&self, ctx: &mut Context<'_, '_>, who: AccountId, old: Definition<T>) -> CallResult {
        let (mut list, deposit) = proxies::<T>().get_or_default(ctx, &who)?;
        let Ok(place) = list.binary_search(&old) else {
            return Err(self.error(Error::NotFound).into());
        };
        list.remove(place);
        self.store(ctx, &who, list, deposit)?;
        ctx.emit(
            self.index,
            &Event::ProxyRemoved {
                delegator: who,
                delegatee: old.delegate,
                proxy_type: old.proxy_type,
                delay: old.delay,
            },
        );
        Ok(PostInfo::default())
    }

    fn store(
        &self,
        ctx: &mut Context<'_, '_>,
        who: &AccountId,
        list: Vec<Definition<T>>,
        deposit: Balance,
    ) -> Result<(), Failure> {
        let due = due(self.deposit_base, self.deposit_factor, list.len())?;
        self.settle(ctx, who, deposit, due)?;
        if list.is_empty() {
            proxies::<T>().remove(ctx, who);
        } else {
            proxies::<T>().put(ctx, who, &(list, due));
        }
        Ok(())
    }

    /// Changes what an account has reserved from one amount to another.
    fn settle(
        &self,
        ctx: &mut Context<'_, '_>,
        who: &AccountId,
        old: Balance,
        new: Balance,
    ) -> Result<(), Failure> {
        match new.checked_sub(old) {
            Some(more) => self.balances.reserve(ctx, who, more),
            None => self.balances.unreserve(ctx, who, old.saturating_sub(new)).map(drop),
        }
    }

    fn create_pure(
        &self,
        ctx: &mut Context<'_, '_>,
        who: AccountId,
        proxy_type: T,
        delay: BlockNumber,
        index: u16,
    ) -> CallResult {
        let place = ctx.transaction_index().unwrap_or_default();
        let pure = pure_account(&who, &proxy_type, index, ctx.block_number(), place);
        if proxies::<T>().contains(ctx, &pure)? {
            return Err(self.error(Error::Duplicate).into());
        }
        let deposit = due(self.deposit_base, self.deposit_factor, 1)?;
        self.balances.reserve(ctx, &who, deposit)?;
        let maker = ProxyDefinition { delegate: who, proxy_type, delay };
        proxies().put(ctx, &pure, &([maker].into(), deposit));
        let created = Event::PureCreated { pure, who, proxy_type, disambiguation_index: index };
        ctx.emit(self.index, &created);
        Ok(PostInfo::default())
    }
}

/// What a list of this many entries reserves.
fn due(base: Balance, factor: Balance, entries: usize) -> Result<Balance, Failure> {
    if entries == 0 {
        return Ok(0);
    }
    let entries = Balance::try_from(entries).map_err(|_| ArithmeticError::Overflow)?;
    let sum = factor.checked_mul(entries).and_then(|sum| sum.checked_add(base));
    sum.ok_or_else(|| ArithmeticError::Overflow.into())
}
