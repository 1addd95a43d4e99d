//! Keep the randomness that validators put into headers, for elections and contracts.
//!
//! # State
//!
//! | item      | value                                                   | changed                        |
//! |-----------|---------------------------------------------------------|--------------------------------|
//! | `Seed`    | of the height above: draws its proposers                | with each block                |
//! | `Seeds`   | the newest seeds, by the block that brought them        | with each block                |
//! | `Outputs` | hash of all outputs of this epoch so far                | with each block                |
//! | `OfEpoch` | randomness of epochs: what the sets of these are drawn by | with the first block of each epoch |
//! | `Weak`    | whether no VRF made this block's                        | with each block                |
//!
//! # Flow
//!
//! ```text
//! header of block h: VRF output ─┬─► Seed = H(output)                     who proposes block h + 1
//!                                └─► Outputs = H(Outputs ‖ output)
//!                                       │ the epoch e is over
//!                                       ▼
//!             OfEpoch[e + 2] = H(OfEpoch[e + 1] ‖ e + 2 ‖ Outputs)        who validates in epoch e + 2
//! ```
//!
//! # What it is good for
//!
//! A validator cannot choose its output: its VRF key and all blocks below determine it, and the host checks the proof
//! before a block is voted on. What it can do is to give up its block, and with it the reward: then the next proposer's
//! output counts. So:
//!
//! - **Who knows it when.** The proposer of a block knows the block's seed before it chooses the transactions, all others
//!   once it is proposed. A bet must be placed in an earlier block than the one whose seed decides it, and say which one
//!   that is; whoever is free to choose the deciding block, or to place bets in it, wins.
//! - **Who can bias a seed by how much.** Who proposes a block has one choice: its output, or that of the next in turn. A
//!   coalition with the share `a` of all power that has the last `j` turns before a block chooses among `2^j` outcomes, which
//!   happens with probability `a^j`; on average it gains `a / (1 - a)` bits: a quarter of a bit at 20%, half of one at 33%.
//! - **Who can bias an epoch's.** The same, with the last turns of the epoch two before. The keys and stakes that it is
//!   applied to were frozen before any of these turns.
//!
//! Good enough to draw validators, to shuffle, to break ties. Not for prizes that are worth more than a block's reward: let
//! the players commit to secrets, and reveal them, for these.
//!
//! Where no header has a claim, on development chains that one node makes alone, the parent's hash takes the output's place.
//! Whoever makes the blocks chooses it at will; `Weak` says so.
//!
//! # Invariants
//!
//! - `Seed` is the newest of `Seeds`, of which there are at most [`SEEDS_KEPT`]; of `OfEpoch` at most [`EPOCHS_KEPT`].
//!   Checked by `try_state`.
//! - From the first block of epoch `e` on, `OfEpoch` knows `e` and `e + 1`, and not `e + 2`. Checked by `try_state`.
//!
//! # Assumptions
//!
//! - Claims in headers are checked before blocks run: `basalt-consensus-bft`.
//! - [`Randomness::begin_block`](Pallet::begin_block) runs before that of anyone who uses the randomness.
//!
//! # Out of scope
//!
//! How sets are drawn with it: `basalt-election`. Secrets that nobody can withhold: `facts/consensus.md` §6.3 names ways.
#![no_std]
#![cfg_attr(not(test), deny(clippy::unwrap_used))]

extern crate alloc;

#[cfg(test)]
mod tests;

use alloc::{
    format,
    string::{String, ToString},
};

use basalt_pallet_session::Session;
use basalt_primitives::{BlockNumber, Claim, H256, claim, hashing::blake2_256};
use basalt_state::{StateError, StateRead};
use basalt_support::{
    CallResult, Context, DispatchInfo, Fatal, Map, Origin, Pallet, Value,
    metadata::{Constant, PalletMetadata},
    storage::Twox64Concat,
};
use parity_scale_codec::{Decode, Encode};
use scale_info::TypeInfo;

/// The seed of the height above the newest block.
pub const SEED: Value<H256> = Value::defaulted("Randomness", "Seed");
/// The newest seeds, by the block that brought them.
pub const SEEDS: Map<Twox64Concat, BlockNumber, H256> = Map::optional("Randomness", "Seeds");
/// The hash of all outputs of this epoch so far.
pub const OUTPUTS: Value<H256> = Value::defaulted("Randomness", "Outputs");
/// What sets are drawn by, for each epoch whose randomness is known.
pub const OF_EPOCH: Map<Twox64Concat, u32, H256> = Map::optional("Randomness", "OfEpoch");
/// Whether the newest seed was made without a VRF.
pub const WEAK: Value<bool> = Value::defaulted("Randomness", "Weak");

/// How many seeds are kept: about as many as block hashes, so a bet has minutes to be settled.
pub const SEEDS_KEPT: u32 = 256;
/// How many epochs' randomness is kept: those to come, and some to prove old draws with.
pub const EPOCHS_KEPT: u32 = 8;

/// This pallet has no calls.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub enum Call {}

/// The pallet.
#[derive(Debug, Clone, Copy)]
pub struct Randomness {
    /// Its index in the runtime.
    pub index: u8,
    /// Knows epochs.
    pub session: Session,
}

impl Randomness {
    /// What the set of an epoch is drawn by. Known from the first block of the epoch before on.
    ///
    /// # Errors
    ///
    /// For epochs that are not known yet, or no longer: who asks for one of them has miscounted.
    pub fn of_epoch(&self, state: &(impl StateRead + ?Sized), epoch: u32) -> Result<H256, StateError> {
        OF_EPOCH.get(state, &epoch)?.ok_or_else(|| StateError::Corrupt {
            key: format!("Randomness.OfEpoch[{epoch}]"),
            expected: "randomness of an epoch that is known",
        })
    }

    /// The seed that the newest block brought; while a block runs, its own.
    pub fn seed(&self, state: &(impl StateRead + ?Sized)) -> Result<H256, StateError> {
        SEED.get_or_default(state)
    }

    /// The seed that a block brought, if it is one of the [`SEEDS_KEPT`] newest.
    pub fn seed_of(
        &self,
        state: &(impl StateRead + ?Sized),
        block: BlockNumber,
    ) -> Result<Option<H256>, StateError> {
        SEEDS.get(state, &block)
    }

    /// Whether whoever made the newest block chose its seed at will.
    pub fn is_weak(&self, state: &(impl StateRead + ?Sized)) -> Result<bool, StateError> {
        WEAK.get_or_default(state)
    }

    /// The epoch before is over: its outputs decide the one after this.
    fn begin_epoch(&self, ctx: &mut Context<'_, '_>, epoch: u32) -> Result<(), Fatal> {
        if epoch == 0 {
            // Nobody has put in anything yet; and nothing is drawn by these, since genesis says who validates.
            let parent = ctx.env().parent_hash;
            for first in [0u32, 1] {
                OF_EPOCH.put(ctx, &first, &H256(blake2_256(&(b"basalt/epoch", parent, first).encode())));
            }
            return Ok(());
        }
        let next = epoch
            .checked_add(1)
            .ok_or_else(|| Fatal::Broken { pallet: Self::NAME, what: "no epoch is left".to_string() })?;
        let of_this = self.of_epoch(ctx, epoch)?;
        let outputs = OUTPUTS.get_or_default(ctx)?;
        OF_EPOCH.put(ctx, &next, &H256(blake2_256(&(of_this, next, outputs).encode())));
        OUTPUTS.remove(ctx);
        if let Some(old) = next.checked_sub(EPOCHS_KEPT) {
            OF_EPOCH.remove(ctx, &old);
        }
        Ok(())
    }
}

impl Pallet for Randomness {
    const NAME: &'static str = "Randomness";
    type Call = Call;

    fn index(&self) -> u8 {
        self.index
    }

    fn metadata(&self) -> PalletMetadata {
        PalletMetadata {
            name: Self::NAME,
            index: self.index,
            storage: [
                SEED.entry(&["The seed of the next height: a hash of the newest block's VRF output."]),
                SEEDS.entry(&["The newest seeds, by the block that brought them."]),
                OUTPUTS.entry(&["The hash of all VRF outputs of this epoch so far."]),
                OF_EPOCH.entry(&["What the validators of an epoch are drawn by."]),
                WEAK.entry(&["Whether the newest seed was made without a VRF: its author chose it at will."]),
            ]
            .into(),
            calls: None,
            event: None,
            error: None,
            constants: [
                Constant::new("SeedsKept", &SEEDS_KEPT, &["How many seeds are kept."]),
                Constant::new("EpochsKept", &EPOCHS_KEPT, &["Of how many epochs the randomness is kept."]),
            ]
            .into(),
            docs: ["Randomness from headers."].into(),
        }
    }

    fn info(&self, call: &Call) -> DispatchInfo {
        match *call {}
    }

    fn dispatch(&self, call: Call, _origin: Origin, _ctx: &mut Context<'_, '_>) -> CallResult {
        match call {}
    }

    fn begin_block(&self, ctx: &mut Context<'_, '_>) -> Result<(), Fatal> {
        if let Some(epoch) = self.session.starts(ctx)? {
            self.begin_epoch(ctx, epoch)?;
        }
        let claim = Claim::of(&ctx.env().digest);
        let weak = claim.is_none();
        let output = match claim {
            Some(claim) => claim.vrf_output,
            None => blake2_256(&(b"basalt/weak", ctx.env().parent_hash).encode()),
        };
        if WEAK.get_or_default(ctx)? != weak {
            WEAK.put(ctx, &weak);
        }
        let outputs = OUTPUTS.get_or_default(ctx)?;
        OUTPUTS.put(ctx, &H256(blake2_256(&(outputs, output).encode())));
        let (seed, block) = (claim::seed(&output), ctx.block_number());
        SEED.put(ctx, &seed);
        SEEDS.put(ctx, &block, &seed);
        if let Some(old) = block.checked_sub(SEEDS_KEPT) {
            SEEDS.remove(ctx, &old);
        }
        Ok(())
    }

    fn try_state(&self, state: &dyn StateRead) -> Result<(), String> {
        let told = |error: StateError| error.to_string();
        let mut seeds = 0u32;
        let mut newest = None;
        for entry in SEEDS.iter(state) {
            newest = newest.max(Some(entry.map_err(told)?));
            seeds += 1;
        }
        if newest.map(|(_, seed)| seed) != SEED.get(state).map_err(told)? {
            return Err("Seed is not the newest of Seeds".to_string());
        }
        if seeds > SEEDS_KEPT {
            return Err(format!("Seeds has {seeds} entries, more than {SEEDS_KEPT}"));
        }
        let mut epochs = 0u32;
        let mut last = None;
        for entry in OF_EPOCH.iter(state) {
            last = last.max(Some(entry.map_err(told)?.0));
            epochs += 1;
        }
        if epochs > EPOCHS_KEPT {
            return Err(format!("OfEpoch has {epochs} entries, more than {EPOCHS_KEPT}"));
        }
        // After the last block of an epoch, the next one is the current one, and its successor's is not known yet.
        let current = self.session.epoch(state).map_err(told)?.index;
        match last {
            Some(last) if last != current && Some(last) != current.checked_add(1) => {
                Err(format!("the newest randomness is that of epoch {last}, while epoch {current} runs"))
            }
            _ => Ok(()),
        }
    }
}
