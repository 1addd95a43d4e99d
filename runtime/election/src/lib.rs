//! Choose validators by stake and by lot, and say whose stake stands behind whom.
//!
//! # Responsibility
//!
//! - [`elect`]: who gets the seats, and the exact amount that each voter puts behind each of them.
//! - [`verify()`]: whether an outcome keeps the rules of the ballot, cheaper than electing again.
//! - [`draw`]: the one weighted lottery, for seats here and for proposers in `basalt-consensus-bft`.
//! - [`powers`]: votes by stake, none too heavy.
//!
//! # Flow
//!
//! ```text
//! Ballot ──► sequential Phragmén over all candidates ──► the seats by stake
//!                            │
//!                            ├──► draw among the rest, weighted ──► the seats by lot
//!                            │
//!                            └──► the same Phragmén goes on over the drawn ──► who stands behind whom ──► Outcome
//! ```
//!
//! **Phragmén's method** (Brill, Freeman, Janson, Lackner 2017; as NPoS uses it: arXiv 2004.12990, "seqPhragmén"). A seat
//! puts a load of 1 on those who voted for it, in proportion to stake, so that all of them carry equally much per unit
//! of stake. Each round gives a seat to the candidate whose voters end up with the least. So a group that holds a share
//! of the stake gets about that share of the seats, and nobody needs to know how others vote.
//!
//! Going on over the drawn candidates gives the same division as running the method over the chosen candidates alone
//! (property test): who is best of all is also best of some.
//!
//! # Numbers
//!
//! Loads are 256-bit fixed point with 240 bits after the point. After `r` seats the loads, weighted by stake, sum to at
//! most `r`, so with at most 1,000 seats nothing overflows, whatever the stakes. A score is rounded down once per round.
//! Two scores are equal if they agree in 128 bits after the point, or more if all stakes sum to more than 67 bits: so
//! rounding does not decide between equal candidates. Only amounts come out, and they sum to each voter's stake exactly:
//! rounded down, and what is left goes to the smallest part first.
//!
//! The published test vectors of `sp-npos-elections` hold, down to the last unit. It differs in that its loads have 128
//! bits after the point, and are rounded down once per vote.
//!
//! # Invariants
//!
//! - The outcome depends on the ballot and the seed only, not on the order of voters nor of one voter's targets. Among
//!   equal candidates the earlier one wins, so callers list candidates in an order that all agree on. (Property tests.)
//! - A voter's amounts sum to its stake if a target has a seat, and to nothing otherwise. ([`verify()`], property tests.)
//! - Time is bounded by the limits below: each voter's load changes at most once per target of it, and each change
//!   touches its targets. `examples/election_speed.rs` measures the worst, which is far below one block's time, so an
//!   election is not spread over blocks.
//!
//! # Assumptions
//!
//! - The seed was not known to anybody when the stakes were frozen.
//! - The sum of all stakes is a `u128`: it is money of one currency. A ballot beyond that is refused.
//!
//! # Usage
//!
//! ```
//! use basalt_election::{Ballot, Rules, elect, verify};
//! use basalt_primitives::{H256, Perbill};
//!
//! // Three candidates without stake of their own, and three voters.
//! let mut ballot = Ballot::new(&[0, 0, 0])?;
//! ballot.vote(10, &[0, 1])?;
//! ballot.vote(20, &[0, 2])?;
//! ballot.vote(30, &[1, 2])?;
//!
//! let rules = Rules { seats: 2, by_stake: Perbill::from_percent(100), seed: H256::zero() };
//! let outcome = elect(&ballot, &rules);
//! let seats: Vec<_> = outcome.seats.iter().map(|seat| (seat.candidate, seat.backing)).collect();
//! assert_eq!(seats, [(2, 35), (1, 25)]);
//! verify(&ballot, &rules, &outcome)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Out of scope
//!
//! - Who may be a candidate, which ballot to take if there are more than the limits, and what follows: `pallets/staking`.
//! - Balancing (moving stake between seats to make them equal after the election): Phragmén's division is proportional
//!   already, and `sp-npos-elections` has it as an option too.
#![no_std]
#![cfg_attr(not(test), deny(clippy::unwrap_used))]
#![deny(clippy::float_arithmetic)]

extern crate alloc;

mod ballot;
mod lottery;
mod phragmen;
mod power;
mod seats;
#[cfg(test)]
mod tests;
mod verify;

pub use ballot::{Ballot, BallotError};
pub use lottery::draw;
pub use power::{POWER_TOTAL_MAX, powers};
pub use seats::{By, Outcome, Rules, Seat, Share, elect};
pub use verify::{Flaw, verify};

/// Most candidates of one election. With the other two limits it bounds the time that an election takes.
pub const CANDIDATES_MAX: u32 = 1_000;
/// Most voters beside the candidates themselves.
pub const VOTERS_MAX: u32 = 20_000;
/// Most candidates that one voter stands behind.
pub const TARGETS_MAX: u32 = 16;

/// A number in a list, as a place in memory.
const fn at(number: u32) -> usize {
    number as usize
}

/// A place in a list, as a number. All lists here are shorter than 2^32: at most [`VOTERS_MAX`] times [`TARGETS_MAX`].
const fn number(at: usize) -> u32 {
    at as u32
}
