//! Accounts and what refers to them.

use basalt_primitives::{AccountId, DispatchError, Nonce};
use basalt_state::{StateError, StateRead, StateWrite};
use basalt_support::{Context, Failure, storage::Entry};

use parity_scale_codec::{Decode, Encode, EncodeLike, Error, Input, MaxEncodedLen, Output};

use crate::{ACCOUNT, AccountData, AccountInfo, Event, ExtraFlags, System};

/// How many consumers an account may have: enough for each pallet of a chain once.
pub const CONSUMERS_MAX: u32 = 16;

/// An account in hand: read once, changed in memory as often as one likes, written by [`System::store_account`].
pub struct OpenAccount<'k> {
    who: AccountId,
    entry: Entry<'k, AccountInfo>,
    /// What the state holds.
    stored: AccountInfo,
    /// What it is to become.
    pub info: AccountInfo,
}

impl OpenAccount<'_> {
    /// Whose account it is.
    pub fn who(&self) -> &AccountId {
        &self.who
    }
}

/// Bytes of an account: four `u32`, four `u128`.
const ACCOUNT_BYTES: usize = 80;

impl AccountInfo {
    fn to_bytes(self) -> [u8; ACCOUNT_BYTES] {
        let mut bytes = [0; ACCOUNT_BYTES];
        let (counts, amounts) = bytes.split_at_mut(16);
        let data = self.data;
        let written = [self.nonce, self.consumers, self.providers, self.sufficients];
        for (to, count) in counts.as_chunks_mut::<4>().0.iter_mut().zip(written) {
            *to = count.to_le_bytes();
        }
        let written = [data.free, data.reserved, data.frozen, data.flags.0];
        for (to, amount) in amounts.as_chunks_mut::<16>().0.iter_mut().zip(written) {
            *to = amount.to_le_bytes();
        }
        bytes
    }

    fn from_bytes(bytes: &[u8; ACCOUNT_BYTES]) -> Self {
        let (counts, amounts) = bytes.split_at(16);
        let count = |at: usize| counts.as_chunks().0.get(at).copied().map_or(0, u32::from_le_bytes);
        let amount = |at: usize| amounts.as_chunks().0.get(at).copied().map_or(0, u128::from_le_bytes);
        Self {
            nonce: count(0),
            consumers: count(1),
            providers: count(2),
            sufficients: count(3),
            data: AccountData {
                free: amount(0),
                reserved: amount(1),
                frozen: amount(2),
                flags: ExtraFlags(amount(3)),
            },
        }
    }
}

impl Encode for AccountInfo {
    fn size_hint(&self) -> usize {
        ACCOUNT_BYTES
    }

    fn encode_to<T: Output + ?Sized>(&self, output: &mut T) {
        output.write(&self.to_bytes());
    }

    fn using_encoded<R, F: FnOnce(&[u8]) -> R>(&self, then: F) -> R {
        then(&self.to_bytes())
    }
}

impl EncodeLike for AccountInfo {}

impl MaxEncodedLen for AccountInfo {
    fn max_encoded_len() -> usize {
        ACCOUNT_BYTES
    }
}

impl Decode for AccountInfo {
    fn decode<I: Input>(input: &mut I) -> Result<Self, Error> {
        let mut bytes = [0; ACCOUNT_BYTES];
        input.read(&mut bytes)?;
        Ok(Self::from_bytes(&bytes))
    }
}

impl AccountInfo {
    /// Where in the encoding `data.free` begins, for those who add to it without reading the account.
    pub const FREE_OFFSET: u32 = 16;

    /// Whether something keeps the account in being.
    pub const fn exists(&self) -> bool {
        self.providers > 0 || self.sufficients > 0
    }

    /// Whether a provider may go: nobody needs the account, or another provider stays.
    pub const fn can_lose_provider(&self) -> bool {
        self.consumers == 0 || self.providers > 1
    }

    /// Whether one more consumer may rely on the account.
    pub const fn can_gain_consumer(&self) -> bool {
        self.providers > 0 && self.consumers < CONSUMERS_MAX
    }

    /// Adds a reason for the account to be.
    pub fn add_provider(&mut self) {
        // Providers are a few per account; the count cannot come near the limit.
        self.providers = self.providers.saturating_add(1);
    }

    /// Removes a reason for the account to be, unless it was the last one and a consumer remains.
    pub fn remove_provider(&mut self) -> Result<(), DispatchError> {
        if self.providers <= 1 && self.consumers > 0 {
            return Err(DispatchError::ConsumerRemaining);
        }
        self.providers = self.providers.saturating_sub(1);
        Ok(())
    }

    /// Adds something that relies on the account to be.
    pub fn add_consumer(&mut self) -> Result<(), DispatchError> {
        if self.providers == 0 {
            return Err(DispatchError::NoProviders);
        }
        if self.consumers >= CONSUMERS_MAX {
            return Err(DispatchError::TooManyConsumers);
        }
        self.consumers += 1;
        Ok(())
    }

    /// Removes something that relied on the account to be.
    pub fn remove_consumer(&mut self) {
        self.consumers = self.consumers.saturating_sub(1);
    }
}

impl System {
    /// The account; the default if there is none.
    pub fn account(
        &self,
        state: &(impl StateRead + ?Sized),
        who: &AccountId,
    ) -> Result<AccountInfo, StateError> {
        ACCOUNT.get_or_default(state, who)
    }

    /// Reads an account that the caller is going to change.
    pub fn open_account<'k>(
        &self,
        ctx: &Context<'k, '_>,
        who: &AccountId,
    ) -> Result<OpenAccount<'k>, StateError> {
        let entry = ACCOUNT.at_known(ctx.known(), who);
        let stored = entry.get_or_default(ctx)?;
        Ok(OpenAccount { who: *who, entry, stored, info: stored })
    }

    /// Writes what has become of an account, and tells of its birth or death.
    ///
    /// This is the only way that pallets change accounts. Nothing is written if nothing changed; what no longer
    /// exists is removed with its nonce, as in Substrate.
    pub fn store_account(&self, ctx: &mut Context<'_, '_>, account: &mut OpenAccount<'_>) {
        match (account.stored.exists(), account.info.exists()) {
            (true, false) => {
                account.entry.remove(ctx);
                account.info = AccountInfo::default();
                ctx.emit(self.index, &Event::KilledAccount { account: account.who });
            }
            (existed, exists) => {
                if account.stored != account.info {
                    account.entry.put(ctx, &account.info);
                }
                if !existed && exists {
                    ctx.emit(self.index, &Event::NewAccount { account: account.who });
                }
            }
        }
        account.stored = account.info;
    }

    /// The number of transactions that the account sent: its next nonce.
    pub fn nonce(&self, state: &(impl StateRead + ?Sized), who: &AccountId) -> Result<Nonce, StateError> {
        Ok(self.account(state, who)?.nonce)
    }

    /// Counts one more transaction of the account.
    pub fn inc_nonce(&self, state: &mut impl StateWrite, who: &AccountId) -> Result<(), Failure> {
        let account = ACCOUNT.at(who);
        let mut info = account.get_or_default(state)?;
        info.nonce = info.nonce.checked_add(1).ok_or(basalt_primitives::ArithmeticError::Overflow)?;
        account.put(state, &info);
        Ok(())
    }

    /// Adds a reason for the account to be; creates it if there was none.
    pub fn inc_providers(&self, ctx: &mut Context<'_, '_>, who: &AccountId) -> Result<(), Failure> {
        self.change(ctx, who, |info| {
            info.add_provider();
            Ok(())
        })
    }

    /// Removes a reason for the account to be; removes the account with the last one.
    /// Fails with `ConsumerRemaining` if something still relies on it.
    pub fn dec_providers(&self, ctx: &mut Context<'_, '_>, who: &AccountId) -> Result<(), Failure> {
        self.change(ctx, who, AccountInfo::remove_provider)
    }

    /// Adds something that relies on the account. Fails with `NoProviders` or `TooManyConsumers`.
    pub fn inc_consumers(&self, ctx: &mut Context<'_, '_>, who: &AccountId) -> Result<(), Failure> {
        self.change(ctx, who, AccountInfo::add_consumer)
    }

    /// Removes something that relied on the account.
    pub fn dec_consumers(&self, ctx: &mut Context<'_, '_>, who: &AccountId) -> Result<(), Failure> {
        self.change(ctx, who, |info| {
            info.remove_consumer();
            Ok(())
        })
    }

    /// Adds a reason for the account to be that no consumer may rely on; creates it if there was none.
    pub fn inc_sufficients(&self, ctx: &mut Context<'_, '_>, who: &AccountId) -> Result<(), Failure> {
        self.change(ctx, who, |info| {
            info.sufficients = info.sufficients.saturating_add(1);
            Ok(())
        })
    }

    /// Removes such a reason; removes the account with the last one.
    pub fn dec_sufficients(&self, ctx: &mut Context<'_, '_>, who: &AccountId) -> Result<(), Failure> {
        self.change(ctx, who, |info| {
            info.sufficients = info.sufficients.saturating_sub(1);
            Ok(())
        })
    }

    fn change(
        &self,
        ctx: &mut Context<'_, '_>,
        who: &AccountId,
        change: impl FnOnce(&mut AccountInfo) -> Result<(), DispatchError>,
    ) -> Result<(), Failure> {
        let mut account = self.open_account(ctx, who)?;
        change(&mut account.info)?;
        self.store_account(ctx, &mut account);
        Ok(())
    }
}
