//! The engine on a real chain and pool, with a toy runtime and a clock that tests turn.

mod engine;
mod feed;
mod kit;
#[path = "../../../../chain/tests/it/toy.rs"]
mod toy;
