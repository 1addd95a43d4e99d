//! What clients see of this pallet: names, indices and fields are Substrate's.

use alloc::{string::String, vec::Vec};

use basalt_primitives::{AccountId, DispatchClass, Pays, Weight};
use basalt_runtime_api::Fatal;
use basalt_state::StateRead;
use basalt_support::{
    BlockSummary, CallResult, Context, DispatchInfo, Origin, Pallet, PostInfo,
    metadata::{Constant, PalletMetadata},
    weight::{self, MICROSECOND},
};
use parity_scale_codec::{Decode, DecodeWithMemTracking, Encode};
use scale_info::{TypeInfo, meta_type};

use crate::{
    CURRENT_INDEX, CURRENT_SET, DISABLED_VALIDATORS, EPOCH_LENGTH, HISTORICAL_SETS, HISTORY_SETS, KEY_OWNER,
    LEAVING, NEXT_KEYS, NEXT_SET, QUEUED_KEYS, Session, SessionKeys, VALIDATORS, VALIDATORS_MAX, invariants,
};

/// What an account may ask of this pallet.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_session", "pallet_session"))]
#[expect(non_camel_case_types, reason = "variants are the names that clients call")]
pub enum Call {
    /// Registers the keys with which the sender validates, from the next set on that is drawn up.
    #[codec(index = 0)]
    set_keys {
        /// The public keys.
        keys: SessionKeys,
        /// That the sender has the secrets: each key's signature of `POP_` and the sender's account, one after the other.
        /// `author_rotateKeysWithOwner` makes it.
        proof: Vec<u8>,
    },
    /// Forgets the sender's keys.
    #[codec(index = 1)]
    purge_keys,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_session", "pallet_session"))]
pub enum Event {
    /// A session begins with the next block.
    #[codec(index = 0)]
    NewSession {
        /// Its number, not a block's.
        session_index: u32,
    },
    /// A validator leaves with the end of this session.
    #[codec(index = 2)]
    ValidatorDisabled {
        /// Which one.
        validator: AccountId,
    },
}

/// Why a call of this pallet failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
#[scale_info(replace_segment("basalt_pallet_session", "pallet_session"))]
pub enum Error {
    /// The proof does not show that the sender has the secrets of both keys. Take it from `author_rotateKeysWithOwner`.
    #[codec(index = 0)]
    InvalidProof,
    /// The account has no validator.
    #[codec(index = 1)]
    NoAssociatedValidatorId,
    /// Another account has registered one of the keys.
    #[codec(index = 2)]
    DuplicatedKey,
    /// The account has no keys.
    #[codec(index = 3)]
    NoKeys,
    /// The account does not exist, or as much relies on it as can.
    #[codec(index = 4)]
    NoAccount,
}

/// Checking one signature of each scheme.
const PROOF: Weight = Weight::new(120 * MICROSECOND, 0);

impl Pallet for Session {
    const NAME: &'static str = "Session";
    type Call = Call;

    fn index(&self) -> u8 {
        self.index
    }

    fn metadata(&self) -> PalletMetadata {
        PalletMetadata {
            name: Self::NAME,
            index: self.index,
            storage: [
                VALIDATORS.entry(&["Who validates, by account."]),
                CURRENT_INDEX.entry(&["How many sessions have ended."]),
                QUEUED_KEYS.entry(&["Who validates in the next session, with which keys."]),
                DISABLED_VALIDATORS
                    .entry(&["Who of `Validators` leaves with the end of the session, by place."]),
                NEXT_KEYS.entry(&["Keys that an account has registered."]),
                KEY_OWNER.entry(&["Who has registered a key."]),
                CURRENT_SET.entry(&["Who decides the next block, with keys and power."]),
                NEXT_SET.entry(&["Who does from the next session on, if they are other ones."]),
                LEAVING.entry(&["Who is left out of new sets, up to the one that begins with this session."]),
                HISTORICAL_SETS.entry(&["The newest sets by id, with the session that each began in."]),
                EPOCH_LENGTH.entry(&["Blocks of a session; 0 if the first one never ends."]),
            ]
            .into(),
            calls: Some(meta_type::<Call>()),
            event: Some(meta_type::<Event>()),
            error: Some(meta_type::<Error>()),
            constants: [
                Constant::new("MaxValidators", &VALIDATORS_MAX, &["The most validators of a set."]),
                Constant::new("HistorySets", &HISTORY_SETS, &["How many sets are remembered."]),
            ]
            .into(),
            docs: ["Who validates, now and next."].into(),
        }
    }

    fn info(&self, call: &Call) -> DispatchInfo {
        let weight = match call {
            // The account, its keys, and for each key the old and the new owner.
            Call::set_keys { proof, .. } => weight::operations(4, 6)
                .saturating_add(PROOF)
                .saturating_add(weight::bytes(proof.len() as u64)),
            Call::purge_keys => weight::operations(2, 4),
        };
        DispatchInfo { weight, class: DispatchClass::Normal, pays_fee: Pays::Yes }
    }

    fn dispatch(&self, call: Call, origin: Origin, ctx: &mut Context<'_, '_>) -> CallResult {
        let who = origin.signed()?;
        match call {
            Call::set_keys { keys, proof } => self.set_keys(ctx, &who, &keys, &proof)?,
            Call::purge_keys => self.purge_keys(ctx, &who)?,
        }
        Ok(PostInfo::default())
    }

    fn end_block(&self, ctx: &mut Context<'_, '_>, _: &BlockSummary) -> Result<(), Fatal> {
        if self.is_last(ctx)? {
            self.rotate(ctx)?;
            let session_index = CURRENT_INDEX.get_or_default(ctx)?;
            ctx.emit(self.index, &Event::NewSession { session_index });
        }
        Ok(())
    }

    fn try_state(&self, state: &dyn StateRead) -> Result<(), String> {
        invariants::check(self, state)
    }
}
