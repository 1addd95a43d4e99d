//! The composed runtime, block by block. Every block here runs in all execution modes and every pallet's invariants
//! are checked after it: [`basalt_test_kit::Ledger`] sees to that.

mod apis;
mod calls;
mod conflicts;
mod contracts;
mod faults;
mod fees;
mod limits;
mod random;
mod speculation;
mod staking;
mod transfers;
mod validity;
mod votes;
mod weights;
mod world;
