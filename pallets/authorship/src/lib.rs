//! Count who makes blocks and who votes for them.
//!
//! # State
//!
//! | item            | value                                                | changed by                                    |
//! |-----------------|------------------------------------------------------|-----------------------------------------------|
//! | `Author`        | who makes this block; absent between blocks          | begin and end of each block                   |
//! | `Deciders`      | ids of the sets that decide the block below and this one | begin of a block, when they change        |
//! | `LastCertified` | the last block whose votes are in the chain          | [`Call::note_votes`]                          |
//! | `Attendance`    | how often each member was missing in this epoch      | [`Call::note_votes`], [`Authorship::end_epoch`] |
//!
//! The last three are only there on chains with validators.
//!
//! # Flow
//!
//! ```text
//! block N is decided ─► its votes, as the author of N+1 knows them ─► note_votes in N+1, after the time
//!                                                                        │ verified: they decided N
//! epoch ends ─► end_epoch ─► points for votes; who was missing too often is chilled ◄─ Attendance
//! ```
//!
//! # Invariants
//!
//! - Votes count only if all of them are good and they decided the block below: more than two thirds of the power of the set
//!   that decided it, which across the border of an epoch is the set before.
//! - A block has at most one certificate. On chains with validators it has exactly one from block 2 on: the node checks that
//!   before it executes ([`Authorship::wanted`]).
//! - Nobody is chilled for absence if fewer than two thirds of the power, or too few validators, would be left.
//!
//! # Assumptions
//!
//! - Set ids grow by one from set to set, and the set before the current one is known ([`Hooks::set_by_id`]).
//! - [`Authorship::end_epoch`] runs in the first block of each epoch, before the new era begins.
//!
//! # Out of scope
//!
//! What points are worth and what chilling means: staking. Who is absent by the node's own account: `basalt_consensusStatus`.
#![no_std]
#![cfg_attr(not(test), deny(clippy::unwrap_used))]

extern crate alloc;

mod attendance;
pub mod pallet;
#[cfg(test)]
mod tests;
mod votes;

use alloc::{
    format,
    string::{String, ToString},
};

use basalt_pallet_session::{Session, VALIDATORS_MAX};
use basalt_primitives::{AccountId, BlockNumber, DispatchClass, Pays, Weight};
use basalt_runtime_api::{Certificate, ValidatorSet};
use basalt_state::{StateError, StateRead};
use basalt_support::{
    BlockSummary, CallResult, Context, DispatchInfo, Failure, Fatal, Origin, Pallet, PostInfo, Value,
    metadata::{Constant, PalletMetadata},
    module_error, weight,
};
use scale_info::meta_type;

pub use attendance::Attendance;
pub use pallet::{Absence, Call, Error, Event};
pub use votes::Votes;

/// Who makes this block. Absent between blocks.
pub const AUTHOR: Value<AccountId> = Value::optional("Authorship", "Author");
/// The ids of the sets that decide the block below and this one.
pub const DECIDERS: Value<(u64, u64)> = Value::optional("Authorship", "Deciders");
/// The last block whose votes are in the chain.
pub const LAST_CERTIFIED: Value<BlockNumber> = Value::defaulted("Authorship", "LastCertified");
/// How often each member of the set was missing in this epoch.
pub const ATTENDANCE: Value<Attendance> = Value::optional("Authorship", "Attendance");

/// Era points for making a block, as in Substrate; and for all votes for one block together.
pub const POINTS_PER_BLOCK: u32 = 20;

/// An epoch with fewer certificates says nothing of who was absent.
pub const CERTIFICATES_MIN: u32 = 8;

/// What it takes to verify an Ed25519 signature, twice what `examples/vote_speed.rs` measures.
pub const SIGNATURE_WEIGHT: Weight = Weight::new(100 * weight::MICROSECOND, 0);

/// Gives era points to accounts.
pub type Reward = fn(&mut Context<'_, '_>, &[(AccountId, u32)]) -> Result<(), Failure>;

/// What this pallet needs of those that are built on it.
#[derive(Debug, Clone, Copy)]
pub struct Hooks {
    /// The set with this id, if it is remembered.
    pub set_by_id: fn(&dyn StateRead, u64) -> Result<Option<ValidatorSet>, StateError>,
    /// Staking keeps the points.
    pub reward: Reward,
    /// Keeps an absent validator out of the sets to come.
    pub chill: fn(&mut Context<'_, '_>, &AccountId) -> Result<(), Failure>,
    /// How many validators there must be.
    pub validators_min: fn(&dyn StateRead) -> Result<u32, StateError>,
}

/// The pallet.
#[derive(Debug, Clone, Copy)]
pub struct Authorship {
    /// Its index in the runtime.
    pub index: u8,
    /// Who validates.
    pub session: Session,
    /// What follows.
    pub hooks: Hooks,
}

impl Authorship {
    /// Who decided the block that `state` is the state after, if votes for it belong into the next one: nobody if that is
    /// the first block, or if one node makes the blocks alone.
    fn deciders_of_head(&self, state: &dyn StateRead) -> Result<Option<ValidatorSet>, StateError> {
        match DECIDERS.get(state)? {
            Some((_, id)) => self.set(state, id),
            None => Ok(None),
        }
    }

    fn set(&self, state: &dyn StateRead, id: u64) -> Result<Option<ValidatorSet>, StateError> {
        let current = self.session.validators(state)?;
        let set = if current.id == id { Some(current) } else { (self.hooks.set_by_id)(state, id)? };
        Ok(set.filter(|set| !set.validators.is_empty()))
    }

    /// Whether a block on top of this state must hold the votes for the block below.
    pub fn wanted(&self, state: &dyn StateRead) -> Result<bool, StateError> {
        Ok(self.deciders_of_head(state)?.is_some())
    }

    /// The votes that a block on top of this state holds, from a certificate of the block below. None if no votes belong
    /// there, or if the certificate is of others.
    pub fn votes(
        &self,
        state: &dyn StateRead,
        certificate: &Certificate,
    ) -> Result<Option<Votes>, StateError> {
        let Some(set) = self.deciders_of_head(state)? else { return Ok(None) };
        let votes = Votes::of(certificate, &set);
        Ok(votes.decide(&set).then_some(votes))
    }

    /// Ends an epoch: its votes earn points, and who was missing too often is chilled. To be called in the first block of
    /// the next one, while the points still go to the era that ends.
    ///
    /// # Errors
    ///
    /// [`Fatal`] if the state cannot be read, or who follows refuses.
    pub fn end_epoch(&self, ctx: &mut Context<'_, '_>) -> Result<(), Fatal> {
        let current = self.session.validators(ctx)?;
        let next = (!current.validators.is_empty()).then(|| Attendance::begin(&current, ctx.block_number()));
        let ended = ATTENDANCE.get(ctx)?;
        match &next {
            Some(next) => ATTENDANCE.put(ctx, next),
            None => return Ok(()),
        }
        let Some(ended) = ended else { return Ok(()) };
        let set =
            if current.id == ended.set { Some(current) } else { (self.hooks.set_by_id)(ctx, ended.set)? };
        let Some(set) = set.filter(|set| set.validators.len() == ended.missed.len()) else { return Ok(()) };
        let points = ended.points(&set);
        if !points.is_empty() {
            (self.hooks.reward)(ctx, &points).map_err(fatal)?;
        }
        let offline = ended.absent(&set, (self.hooks.validators_min)(ctx)?);
        for absence in offline.iter().filter(|absence| absence.chilled) {
            (self.hooks.chill)(ctx, &absence.validator).map_err(fatal)?;
        }
        if !offline.is_empty() {
            ctx.emit(self.index, &Event::SomeOffline { offline });
        }
        Ok(())
    }

    fn note_votes(&self, votes: &Votes, ctx: &mut Context<'_, '_>) -> Result<(), Failure> {
        let refuse = |error| module_error(self.index, &error);
        let number = ctx.block_number();
        let parent =
            number.checked_sub(1).filter(|parent| *parent > 0).ok_or_else(|| refuse(Error::NotExpected))?;
        let (id, _) = DECIDERS.get(ctx)?.ok_or_else(|| refuse(Error::NotExpected))?;
        let set = self.set(ctx, id)?.ok_or_else(|| refuse(Error::NotExpected))?;
        if LAST_CERTIFIED.get_or_default(ctx)? >= parent {
            return Err(refuse(Error::Twice));
        }
        votes.check(&set, parent, &ctx.env().parent_hash).map_err(refuse)?;
        LAST_CERTIFIED.put(ctx, &parent);
        if let Some(mut attendance) = ATTENDANCE.get(ctx)?
            && attendance.set == set.id
            && attendance.since < number
        {
            attendance.count(votes);
            ATTENDANCE.put(ctx, &attendance);
        }
        Ok(())
    }
}

/// In a hook nobody's call can be blamed.
fn fatal(failure: Failure) -> Fatal {
    match failure {
        Failure::State(error) => error.into(),
        Failure::Dispatch(error) => Fatal::Broken { pallet: Authorship::NAME, what: format!("{error:?}") },
    }
}

impl Pallet for Authorship {
    const NAME: &'static str = "Authorship";
    type Call = Call;

    fn index(&self) -> u8 {
        self.index
    }

    fn metadata(&self) -> PalletMetadata {
        PalletMetadata {
            name: Self::NAME,
            index: self.index,
            storage: [
                AUTHOR.entry(&["Who makes this block. Absent between blocks."]),
                DECIDERS.entry(&["The ids of the sets that decide the block below and this one."]),
                LAST_CERTIFIED.entry(&["The last block whose votes are in the chain."]),
                ATTENDANCE.entry(&["How often each member of the set was missing in this epoch."]),
            ]
            .into(),
            calls: Some(meta_type::<Call>()),
            event: Some(meta_type::<Event>()),
            error: Some(meta_type::<Error>()),
            constants: [Constant::new(
                "PointsPerBlock",
                &POINTS_PER_BLOCK,
                &["Era points for making a block, and for all votes for one together."],
            )]
            .into(),
            docs: ["Who makes blocks and who votes for them."].into(),
        }
    }

    fn info(&self, call: &Call) -> DispatchInfo {
        let Call::note_votes { votes } = call;
        // More than a set can have are refused before any is verified.
        let signatures = u64::try_from(votes.signatures.len()).unwrap_or(u64::MAX).min(VALIDATORS_MAX.into());
        DispatchInfo {
            weight: weight::operations(5, 2)
                .saturating_add(SIGNATURE_WEIGHT.saturating_mul(signatures))
                .saturating_add(weight::bytes(votes.signatures.len() as u64 * 64)),
            class: DispatchClass::Mandatory,
            pays_fee: Pays::Yes,
        }
    }

    fn dispatch(&self, call: Call, origin: Origin, ctx: &mut Context<'_, '_>) -> CallResult {
        let Call::note_votes { votes } = call;
        origin.none()?;
        self.note_votes(&votes, ctx)?;
        Ok(PostInfo::default())
    }

    fn begin_block(&self, ctx: &mut Context<'_, '_>) -> Result<(), Fatal> {
        let author = ctx.env().author;
        if let Some(author) = &author {
            AUTHOR.put(ctx, author);
        }
        let set = self.session.validators(ctx)?;
        if set.validators.is_empty() {
            return Ok(());
        }
        let before = DECIDERS.get(ctx)?;
        let now = (before.map_or(set.id, |(_, id)| id), set.id);
        if before != Some(now) {
            DECIDERS.put(ctx, &now);
        }
        if ATTENDANCE.get(ctx)?.is_none_or(|attendance| attendance.set != set.id) {
            ATTENDANCE.put(ctx, &Attendance::begin(&set, ctx.block_number()));
        }
        match author {
            Some(author) => (self.hooks.reward)(ctx, &[(author, POINTS_PER_BLOCK)]).map_err(fatal),
            None => Ok(()),
        }
    }

    fn end_block(&self, ctx: &mut Context<'_, '_>, _: &BlockSummary) -> Result<(), Fatal> {
        if AUTHOR.exists(ctx)? {
            AUTHOR.remove(ctx);
        }
        Ok(())
    }

    fn try_state(&self, state: &dyn StateRead) -> Result<(), String> {
        let told = |error: StateError| error.to_string();
        if AUTHOR.exists(state).map_err(told)? {
            return Err("Author is set between blocks".to_string());
        }
        let current = self.session.validators(state).map_err(told)?;
        if let Some((below, id)) = DECIDERS.get(state).map_err(told)?
            && (below > id || id > current.id)
        {
            return Err(format!("Deciders ({below}, {id}) do not grow up to the set {}", current.id));
        }
        let Some(attendance) = ATTENDANCE.get(state).map_err(told)? else { return Ok(()) };
        if attendance.set == current.id && attendance.missed.len() != current.validators.len() {
            return Err("Attendance counts others than the members of the set".to_string());
        }
        if attendance.missed.iter().any(|missed| *missed > attendance.certificates) {
            return Err("Attendance counts more absences than certificates".to_string());
        }
        Ok(())
    }
}
