//! Keep bytes that governance refers to by their hash.
//!
//! # Responsibility
//!
//! - Bytes by their hash ([`PREIMAGE_FOR`]), as long as somebody pays a deposit for them or the chain asks for them.
//! - [`Bounded`]: a call as it stands in the state of other pallets, short ones whole and long ones by their hash;
//!   [`Preimages::bound`] makes one, [`Preimages::peek`] reads the call.
//!
//! # State
//!
//! | item               | value                          | changed by                                              |
//! |--------------------|--------------------------------|---------------------------------------------------------|
//! | `RequestStatusFor` | who pays, how often requested  | everything here                                         |
//! | `PreimageFor`      | the bytes                      | [`Call::note_preimage`], and what removes them          |
//! | `StatusFor`        | always empty                   | declared for clients                                    |
//!
//! # Invariants
//!
//! - Bytes are stored if and only if a status says how long they are. Checked by `try_state`, property-tested.
//! - The holds of an account for this reason add up to the tickets in its name. The same.
//! - What is requested stays: who paid for it may have the deposit back, and the bytes remain.
//!
//! # Out of scope
//!
//! What the bytes mean: calls are decoded by whoever runs them, under [`CALL_DECODE_DEPTH_MAX`].
#![no_std]
#![cfg_attr(not(test), deny(clippy::unwrap_used))]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod bounded;
pub mod pallet;
#[cfg(test)]
mod tests;

use alloc::{
    collections::BTreeMap,
    format,
    string::{String, ToString},
    vec::Vec,
};

use basalt_pallet_balances::{Balances, types::Reason};
use basalt_primitives::{
    AccountId, Balance, DispatchClass, DispatchError, H256, Pays, Weight, hashing::blake2_256,
};
use basalt_state::{StateError, StateRead};
use basalt_support::{
    CALL_DECODE_DEPTH_MAX, CallResult, Context, DispatchInfo, Failure, Map, Origin, Pallet, PostInfo,
    RuntimeCall, metadata::PalletMetadata, module_error, storage::Identity, weight,
};
use parity_scale_codec::{Decode, DecodeLimit, Encode};
use scale_info::{Path, Type, TypeInfo, build::Fields, meta_type};

pub use bounded::{Bounded, INLINE_BYTES_MAX, InlineCall};
pub use pallet::{Call, Error, Event, HoldReason};

/// The most bytes of one preimage: as in Substrate. Those that come in a transaction are shorter than that.
pub const PREIMAGE_BYTES_MAX: u32 = 4 * 1024 * 1024;
/// The most hashes in one call of [`Call::ensure_updated`].
pub const HASHES_MAX: u32 = 1_024;

/// Always empty: deposits are holds.
pub const STATUS_FOR: Map<Identity, H256, OldRequestStatus> = Map::optional("Preimage", "StatusFor");
/// Who pays for the bytes with this hash, and how often they are requested.
pub const REQUEST_STATUS_FOR: Map<Identity, H256, RequestStatus> =
    Map::optional("Preimage", "RequestStatusFor");
/// The bytes with this hash and length.
pub const PREIMAGE_FOR: Map<Identity, (H256, u32), Vec<u8>> = Map::optional("Preimage", "PreimageFor");

/// What is held of an account for the bytes that it keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Ticket(pub Balance);

impl TypeInfo for Ticket {
    type Identity = Self;

    fn type_info() -> Type {
        Type::builder()
            .path(Path::from_segments_unchecked([
                "frame_support",
                "traits",
                "tokens",
                "fungible",
                "HoldConsideration",
            ]))
            .composite(Fields::unnamed().field(|field| field.ty::<Balance>().type_name("Balance")))
    }
}

/// How it stands with a hash.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_preimage", "pallet_preimage"))]
pub enum RequestStatus {
    /// Somebody keeps the bytes, and may take them back.
    #[codec(index = 0)]
    Unrequested {
        /// Who, and for how much.
        ticket: (AccountId, Ticket),
        /// How many bytes.
        len: u32,
    },
    /// The chain wants the bytes, whether they are there or not.
    #[codec(index = 1)]
    Requested {
        /// Who has paid for them, and how much.
        maybe_ticket: Option<(AccountId, Ticket)>,
        /// How many want them: at least one.
        count: u32,
        /// How many bytes; `None` if they are not there.
        maybe_len: Option<u32>,
    },
}

/// A status as it was before deposits became holds. No state of ours has one.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_preimage", "pallet_preimage"))]
pub enum OldRequestStatus {
    /// Somebody keeps the bytes.
    #[codec(index = 0)]
    Unrequested {
        /// Who, and for how much.
        deposit: (AccountId, Balance),
        /// How many bytes.
        len: u32,
    },
    /// The chain wants the bytes.
    #[codec(index = 1)]
    Requested {
        /// Who has paid for them, and how much.
        deposit: Option<(AccountId, Balance)>,
        /// How many want them.
        count: u32,
        /// How many bytes.
        len: Option<u32>,
    },
}

impl RequestStatus {
    /// How many bytes are stored, if they are.
    pub fn len(&self) -> Option<u32> {
        match self {
            Self::Unrequested { len, .. } => Some(*len),
            Self::Requested { maybe_len, .. } => *maybe_len,
        }
    }

    /// Whether no bytes are stored.
    pub fn is_empty(&self) -> bool {
        self.len().is_none()
    }

    fn ticket(&self) -> Option<&(AccountId, Ticket)> {
        match self {
            Self::Unrequested { ticket, .. } => Some(ticket),
            Self::Requested { maybe_ticket, .. } => maybe_ticket.as_ref(),
        }
    }
}

/// Why a call cannot be had from its [`Bounded`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PeekError {
    /// Nobody has noted its preimage.
    Unavailable,
    /// The bytes are no call of this runtime.
    Undecodable,
}

/// The pallet.
#[derive(Debug, Clone, Copy)]
pub struct Preimages {
    /// Its index in the runtime.
    pub index: u8,
    /// The token.
    pub balances: Balances,
    /// What is held for any preimage.
    pub deposit_base: Balance,
    /// What is held for each of its bytes.
    pub deposit_per_byte: Balance,
}

impl Preimages {
    /// What is held for so many bytes.
    pub fn deposit(&self, bytes: u32) -> Balance {
        self.deposit_base.saturating_add(self.deposit_per_byte.saturating_mul(bytes.into()))
    }

    /// What the deposits are held for, as the runtime's reasons are encoded.
    pub const fn reason(&self) -> Reason {
        Reason { pallet: self.index, reason: HoldReason::Preimage as u8 }
    }

    /// How many bytes of this hash are stored, if they are.
    pub fn len(&self, state: &(impl StateRead + ?Sized), hash: &H256) -> Result<Option<u32>, StateError> {
        Ok(REQUEST_STATUS_FOR.get(state, hash)?.and_then(|status| status.len()))
    }

    /// The bytes of this hash, if they are stored and as many as said.
    pub fn fetch(
        &self,
        state: &(impl StateRead + ?Sized),
        hash: &H256,
        len: Option<u32>,
    ) -> Result<Option<Vec<u8>>, StateError> {
        let len = match len {
            Some(len) => len,
            None => match self.len(state, hash)? {
                Some(len) => len,
                None => return Ok(None),
            },
        };
        PREIMAGE_FOR.get(state, &(*hash, len))
    }

    /// Wants the bytes of this hash: from now on nobody but the chain removes them.
    pub fn request(&self, ctx: &mut Context<'_, '_>, hash: &H256) -> Result<(), StateError> {
        let (maybe_ticket, count, maybe_len) = match REQUEST_STATUS_FOR.get(ctx, hash)? {
            None => (None, 0, None),
            Some(RequestStatus::Unrequested { ticket, len }) => (Some(ticket), 0, Some(len)),
            Some(RequestStatus::Requested { maybe_ticket, count, maybe_len }) => {
                (maybe_ticket, count, maybe_len)
            }
        };
        let first = count == 0;
        // Each request is an entry of some bounded list; they do not come near the limit.
        let count = count.saturating_add(1);
        REQUEST_STATUS_FOR.put(ctx, hash, &RequestStatus::Requested { maybe_ticket, count, maybe_len });
        if first {
            ctx.emit(self.index, &Event::Requested { hash: *hash });
        }
        Ok(())
    }

    /// Takes one request back. With the last one, bytes that nobody paid for are removed, and others belong again to who
    /// paid for them.
    ///
    /// Fails with `NotRequested`, having done nothing.
    pub fn unrequest(&self, ctx: &mut Context<'_, '_>, hash: &H256) -> Result<(), Failure> {
        let Some(RequestStatus::Requested { maybe_ticket, count, maybe_len }) =
            REQUEST_STATUS_FOR.get(ctx, hash)?
        else {
            return Err(self.error(Error::NotRequested));
        };
        if count > 1 {
            let count = count - 1;
            REQUEST_STATUS_FOR.put(ctx, hash, &RequestStatus::Requested { maybe_ticket, count, maybe_len });
            return Ok(());
        }
        match (maybe_len, maybe_ticket) {
            (None, _) => REQUEST_STATUS_FOR.remove(ctx, hash),
            (Some(len), None) => self.clear(ctx, hash, len),
            (Some(len), Some(ticket)) => {
                REQUEST_STATUS_FOR.put(ctx, hash, &RequestStatus::Unrequested { ticket, len });
            }
        }
        Ok(())
    }

    /// Makes a call storable: a short one whole; of a longer one the bytes are noted and requested, so whoever stops needing
    /// it calls [`Preimages::drop`].
    pub fn bound<C: RuntimeCall>(&self, ctx: &mut Context<'_, '_>, call: &C) -> Result<Bounded, Failure> {
        match InlineCall::try_from(call.encode()) {
            Ok(short) => Ok(Bounded::Inline(short)),
            Err(long) => {
                let (hash, len) = self.note_for_chain(ctx, &long)?;
                Ok(Bounded::Lookup { hash, len })
            }
        }
    }

    /// Reads a call, and how many bytes of a preimage that took.
    pub fn peek<C: RuntimeCall>(
        &self,
        state: &(impl StateRead + ?Sized),
        call: &Bounded,
    ) -> Result<Result<(C, u32), PeekError>, StateError> {
        let (bytes, looked_up) = match call {
            Bounded::Inline(bytes) => (bytes.as_slice().to_vec(), 0),
            Bounded::Legacy { hash } => match self.fetch(state, hash, None)? {
                Some(bytes) => (bytes, 1),
                None => return Ok(Err(PeekError::Unavailable)),
            },
            Bounded::Lookup { hash, len } => match self.fetch(state, hash, Some(*len))? {
                Some(bytes) => (bytes, 1),
                None => return Ok(Err(PeekError::Unavailable)),
            },
        };
        // A preimage has at most `PREIMAGE_BYTES_MAX` bytes.
        let looked_up = u32::try_from(bytes.len()).unwrap_or(u32::MAX).saturating_mul(looked_up);
        Ok(C::decode_all_with_depth_limit(CALL_DECODE_DEPTH_MAX, &mut bytes.as_slice())
            .map(|call| (call, looked_up))
            .map_err(|_| PeekError::Undecodable))
    }

    /// Wants the bytes of a call that is looked up; nothing happens for others.
    pub fn request_call(&self, ctx: &mut Context<'_, '_>, call: &Bounded) -> Result<(), StateError> {
        call.hash().map_or(Ok(()), |hash| self.request(ctx, &hash))
    }

    /// Takes the request of a call's bytes back; nothing happens if there is none.
    pub fn drop(&self, ctx: &mut Context<'_, '_>, call: &Bounded) -> Result<(), StateError> {
        let Some(hash) = call.hash() else { return Ok(()) };
        match self.unrequest(ctx, &hash) {
            Ok(()) | Err(Failure::Dispatch(_)) => Ok(()),
            Err(Failure::State(error)) => Err(error),
        }
    }

    /// Notes bytes that the chain itself wants, and requests them.
    fn note_for_chain(&self, ctx: &mut Context<'_, '_>, bytes: &[u8]) -> Result<(H256, u32), Failure> {
        let (hash, len) = self.measured(bytes)?;
        self.request(ctx, &hash)?;
        self.note(ctx, None, hash, len, bytes)?;
        Ok((hash, len))
    }

    fn measured(&self, bytes: &[u8]) -> Result<(H256, u32), Failure> {
        let len = u32::try_from(bytes.len()).ok().filter(|len| *len <= PREIMAGE_BYTES_MAX);
        Ok((H256(blake2_256(bytes)), len.ok_or_else(|| self.error(Error::TooBig))?))
    }

    /// Stores bytes; `payer` pays unless they are requested. Says whether they were.
    fn note(
        &self,
        ctx: &mut Context<'_, '_>,
        payer: Option<&AccountId>,
        hash: H256,
        len: u32,
        bytes: &[u8],
    ) -> Result<bool, Failure> {
        let status = match (REQUEST_STATUS_FOR.get(ctx, &hash)?, payer) {
            (Some(RequestStatus::Requested { maybe_len: Some(_), .. }), Some(_))
            | (Some(RequestStatus::Unrequested { .. }), Some(_)) => {
                return Err(self.error(Error::AlreadyNoted));
            }
            (Some(RequestStatus::Requested { maybe_ticket, count, .. }), _) => {
                RequestStatus::Requested { maybe_ticket, count, maybe_len: Some(len) }
            }
            (Some(RequestStatus::Unrequested { ticket, len }), None) => {
                RequestStatus::Requested { maybe_ticket: Some(ticket), count: 1, maybe_len: Some(len) }
            }
            (None, None) => RequestStatus::Requested { maybe_ticket: None, count: 1, maybe_len: Some(len) },
            (None, Some(payer)) => {
                let deposit = self.deposit(len);
                self.balances.hold(ctx, self.reason(), payer, deposit)?;
                RequestStatus::Unrequested { ticket: (*payer, Ticket(deposit)), len }
            }
        };
        let requested = matches!(status, RequestStatus::Requested { .. });
        REQUEST_STATUS_FOR.put(ctx, &hash, &status);
        PREIMAGE_FOR.put(ctx, &(hash, len), &bytes.to_vec());
        ctx.emit(self.index, &Event::Noted { hash });
        Ok(requested)
    }

    /// Takes bytes back; `owner` is who asks, `None` for the chain.
    fn unnote(
        &self,
        ctx: &mut Context<'_, '_>,
        owner: Option<&AccountId>,
        hash: &H256,
    ) -> Result<(), Failure> {
        let status = REQUEST_STATUS_FOR.get(ctx, hash)?.ok_or_else(|| self.error(Error::NotNoted))?;
        match (status.ticket(), owner) {
            (Some((payer, _)), Some(owner)) if payer != owner => {
                return Err(self.error(Error::NotAuthorized));
            }
            (None, Some(_)) => return Err(self.error(Error::NotAuthorized)),
            _ => {}
        }
        if let Some((payer, Ticket(deposit))) = status.ticket() {
            self.balances.release(ctx, self.reason(), payer, *deposit)?;
        }
        match status {
            RequestStatus::Unrequested { len, .. } => {
                self.clear(ctx, hash, len);
                Ok(())
            }
            RequestStatus::Requested { maybe_ticket: Some(_), count, maybe_len } => {
                let status = RequestStatus::Requested { maybe_ticket: None, count, maybe_len };
                REQUEST_STATUS_FOR.put(ctx, hash, &status);
                Ok(())
            }
            RequestStatus::Requested { maybe_ticket: None, .. } => self.unrequest(ctx, hash),
        }
    }

    fn clear(&self, ctx: &mut Context<'_, '_>, hash: &H256, len: u32) {
        REQUEST_STATUS_FOR.remove(ctx, hash);
        PREIMAGE_FOR.remove(ctx, &(*hash, len));
        ctx.emit(self.index, &Event::Cleared { hash: *hash });
    }

    fn error(&self, error: Error) -> Failure {
        module_error(self.index, &error)
    }

    fn check(&self, state: &dyn StateRead) -> Result<Result<(), String>, StateError> {
        let mut stored: BTreeMap<H256, u32> = BTreeMap::new();
        for entry in PREIMAGE_FOR.iter(state) {
            let ((hash, len), bytes) = entry?;
            if H256(blake2_256(&bytes)) != hash || bytes.len() as u64 != u64::from(len) {
                return Ok(Err(format!("the bytes under {hash:?} and {len} are others")));
            }
            stored.insert(hash, len);
        }
        let mut tickets: BTreeMap<AccountId, Balance> = BTreeMap::new();
        let mut known = 0usize;
        for entry in REQUEST_STATUS_FOR.iter(state) {
            let (hash, status) = entry?;
            if status.len() != stored.get(&hash).copied() {
                return Ok(Err(format!("{hash:?} is said to have {:?} bytes", status.len())));
            }
            known += usize::from(status.len().is_some());
            if matches!(status, RequestStatus::Requested { count: 0, .. }) {
                return Ok(Err(format!("{hash:?} is requested by nobody")));
            }
            if let Some((payer, Ticket(deposit))) = status.ticket() {
                let sum = tickets.entry(*payer).or_default();
                *sum = sum.saturating_add(*deposit);
            }
        }
        if known != stored.len() {
            return Ok(Err(format!("{} preimages have no status", stored.len() - known)));
        }
        for (payer, sum) in tickets {
            let held = self.balances.balance_on_hold(state, self.reason(), &payer)?;
            if held != sum {
                return Ok(Err(format!("{payer} has tickets for {sum}, and {held} is held of it")));
            }
        }
        Ok(Ok(()))
    }
}

/// What calls weigh at most. Hashing and storing bytes is counted twice: both are done to each.
fn weigh(call: &Call) -> Weight {
    match call {
        Call::note_preimage { bytes } => {
            weight::operations(3, 4).saturating_add(weight::bytes(2 * bytes.len() as u64))
        }
        Call::unnote_preimage { .. } => weight::operations(3, 4),
        Call::request_preimage { .. } => weight::operations(1, 1),
        Call::unrequest_preimage { .. } => weight::operations(1, 2),
        Call::ensure_updated { hashes } => {
            weight::operations(0, 0).saturating_add(weight::bytes(32).saturating_mul(hashes.len() as u64))
        }
    }
}

impl Pallet for Preimages {
    const NAME: &'static str = "Preimage";
    type Call = Call;

    fn index(&self) -> u8 {
        self.index
    }

    fn metadata(&self) -> PalletMetadata {
        PalletMetadata {
            name: Self::NAME,
            index: self.index,
            storage: [
                STATUS_FOR.entry(&["Always empty: deposits are holds."]),
                REQUEST_STATUS_FOR
                    .entry(&["Who pays for the bytes with this hash, and how often they are requested."]),
                PREIMAGE_FOR.entry(&["The bytes with this hash and length."]),
            ]
            .into(),
            calls: Some(meta_type::<Call>()),
            event: Some(meta_type::<Event>()),
            error: Some(meta_type::<Error>()),
            constants: [].into(),
            docs: ["Keep bytes that governance refers to by their hash."].into(),
        }
    }

    fn info(&self, call: &Call) -> DispatchInfo {
        DispatchInfo { weight: weigh(call), class: DispatchClass::Normal, pays_fee: Pays::Yes }
    }

    fn dispatch(&self, call: Call, origin: Origin, ctx: &mut Context<'_, '_>) -> CallResult {
        let free = PostInfo { actual_weight: None, pays_fee: Pays::No };
        // Root stands for the chain; an account pays for itself.
        let payer = match origin {
            Origin::Root => None,
            Origin::Signed(who) => Some(who),
            Origin::None | Origin::Pallet { .. } => return Err(DispatchError::BadOrigin.into()),
        };
        match call {
            Call::note_preimage { bytes } => {
                let (hash, len) = self.measured(&bytes)?;
                let requested = self.note(ctx, payer.as_ref(), hash, len, &bytes)?;
                return Ok(if requested { free } else { PostInfo::default() });
            }
            Call::unnote_preimage { hash } => self.unnote(ctx, payer.as_ref(), &hash)?,
            Call::request_preimage { hash } => match payer {
                None => self.request(ctx, &hash)?,
                Some(_) => return Err(DispatchError::BadOrigin.into()),
            },
            Call::unrequest_preimage { hash } => match payer {
                None => self.unrequest(ctx, &hash)?,
                Some(_) => return Err(DispatchError::BadOrigin.into()),
            },
            Call::ensure_updated { hashes } => {
                if payer.is_none() {
                    return Err(DispatchError::BadOrigin.into());
                }
                if hashes.is_empty() {
                    return Err(self.error(Error::TooFew).into());
                }
                if hashes.len() > HASHES_MAX as usize {
                    return Err(self.error(Error::TooMany).into());
                }
                // Nothing is old here, so nothing was updated, and the fee stays.
            }
        }
        Ok(PostInfo::default())
    }

    fn try_state(&self, state: &dyn StateRead) -> Result<(), String> {
        self.check(state).map_err(|error| error.to_string())?
    }
}
