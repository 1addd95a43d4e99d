//! A state with three accounts, and helpers to look at what happened in it.

mod issuance;
mod properties;
mod restrictions;
mod transfers;
mod weights;
mod wire;

use alloc::vec::Vec;

use basalt_pallet_system as system;
use basalt_primitives::{AccountId32, Digest, H256, ModuleError, RuntimeVersion, TokenError};
use basalt_state::{Memory, Overlay};
use basalt_support::{BlockEnv, BlockLimits, CallFailure};
use parity_scale_codec::DecodeAll;

use super::*;

pub(crate) const ALICE: AccountId = AccountId32([1; 32]);
pub(crate) const BOB: AccountId = AccountId32([2; 32]);
pub(crate) const CHARLIE: AccountId = AccountId32([3; 32]);
/// Has nothing at first.
pub(crate) const NOBODY: AccountId = AccountId32([9; 32]);
pub(crate) const ED: Balance = 10;
pub(crate) const START: Balance = 1_000;

const LIMITS: BlockLimits = BlockLimits {
    weight_max: Weight::MAX,
    weight_normal_max: Weight::MAX,
    weight_base: Weight::zero(),
    weight_base_transaction: Weight::zero(),
    bytes_max: u32::MAX,
    bytes_normal_max: u32::MAX,
};

pub(crate) const BALANCES: Balances = Balances {
    index: 2,
    system: System { index: 0, limits: LIMITS, ss58_prefix: 42, version: RuntimeVersion::default },
    existential_deposit: ED,
};

/// What both pallets tell.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Told {
    System(system::Event),
    Balances(Event),
}

/// Alice, Bob and Charlie with [`START`] each, and a nonce each.
pub(crate) fn genesis() -> Memory {
    let base = Memory::default();
    let mut state = Overlay::new(&base);
    BALANCES.genesis(&mut state, &[(ALICE, START), (BOB, START), (CHARLIE, START)]).unwrap();
    for (nonce, who) in (5..).zip([ALICE, BOB, CHARLIE]) {
        let mut info = BALANCES.system.account(&state, &who).unwrap();
        info.nonce = nonce;
        SYSTEM_ACCOUNT.put(&mut state, &who, &info);
    }
    let mut memory = Memory::default();
    memory.apply(&state.into_change_set().unwrap());
    memory
}

pub(crate) fn env() -> BlockEnv {
    BlockEnv { number: 1, parent_hash: H256::zero(), digest: Digest::default(), author: None }
}

/// Runs `body` on top of [`genesis`], and checks the invariants after it.
pub(crate) fn with_context<R>(body: impl FnOnce(&mut Context<'_, '_>) -> R) -> R {
    let base = genesis();
    let mut state = Overlay::new(&base);
    let env = env();
    let result = body(&mut Context::new(&mut state, &env, Some(0)));
    assert_eq!(BALANCES.try_state_with(&state, 0), Ok(()));
    assert_eq!(BALANCES.system.try_state(&state), Ok(()));
    result
}

pub(crate) fn told(ctx: &Context<'_, '_>) -> Vec<Told> {
    ctx.events()
        .iter()
        .map(|event| {
            let mut fields = &event.bytes[1..];
            match event.bytes[0] {
                0 => Told::System(system::Event::decode_all(&mut fields).unwrap()),
                2 => Told::Balances(Event::decode_all(&mut fields).unwrap()),
                other => panic!("event of pallet {other}"),
            }
        })
        .collect()
}

pub(crate) fn call(ctx: &mut Context<'_, '_>, origin: Origin, call: Call) -> Result<(), DispatchError> {
    match BALANCES.dispatch(call, origin, ctx) {
        Ok(_) => Ok(()),
        Err(CallFailure { failure, .. }) => Err(reason(failure)),
    }
}

pub(crate) fn reason(failure: Failure) -> DispatchError {
    match failure {
        Failure::Dispatch(error) => error,
        Failure::State(error) => panic!("{error}"),
    }
}

pub(crate) fn failed<T: core::fmt::Debug>(result: Result<T, Failure>) -> DispatchError {
    reason(result.expect_err("the operation should fail"))
}

pub(crate) fn module(error: Error) -> DispatchError {
    DispatchError::Module(ModuleError { index: 2, error: [error as u8, 0, 0, 0] })
}

pub(crate) fn token(error: TokenError) -> DispatchError {
    DispatchError::Token(error)
}

pub(crate) fn free(state: &impl StateRead, who: AccountId) -> Balance {
    BALANCES.free_balance(state, &who).unwrap()
}

pub(crate) fn signed(who: AccountId) -> Origin {
    Origin::Signed(who)
}
