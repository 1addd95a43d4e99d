use basalt_primitives::TokenError;
use types::{Reason, Reasons};

use super::*;

const HOLD: Reason = Reason { pallet: 7, reason: 0 };
const OTHER: Reason = Reason { pallet: 7, reason: 1 };

fn lock(ctx: &mut Context<'_, '_>, id: &[u8; 8], amount: Balance) -> Result<(), Failure> {
    BALANCES.set_lock(ctx, *id, &ALICE, amount, Reasons::All)
}

fn data(ctx: &Context<'_, '_>, who: AccountId) -> AccountData {
    BALANCES.system.account(ctx, &who).unwrap().data
}

#[test]
fn locks_and_freezes_overlap() {
    with_context(|ctx| {
        lock(ctx, b"one     ", 300).unwrap();
        lock(ctx, b"two     ", 200).unwrap();
        BALANCES.set_freeze(ctx, HOLD, &ALICE, 250).unwrap();
        assert_eq!(data(ctx, ALICE).frozen, 300);
        assert_eq!(BALANCES.reducible_balance(ctx, &ALICE, true), Ok(START - 300));
        lock(ctx, b"one     ", 260).unwrap();
        BALANCES.remove_lock(ctx, *b"one     ", &ALICE).unwrap();
        assert_eq!(data(ctx, ALICE).frozen, 250);
        BALANCES.set_freeze(ctx, HOLD, &ALICE, 400).unwrap();
        BALANCES.thaw(ctx, HOLD, &ALICE).unwrap();
        assert_eq!(data(ctx, ALICE).frozen, 200);
        assert_eq!(
            told(ctx),
            [
                Told::Balances(Event::Locked { who: ALICE, amount: 300 }),
                Told::Balances(Event::Unlocked { who: ALICE, amount: 40 }),
                Told::Balances(Event::Unlocked { who: ALICE, amount: 10 }),
                Told::Balances(Event::Frozen { who: ALICE, amount: 150 }),
                Told::Balances(Event::Thawed { who: ALICE, amount: 200 }),
            ]
        );
        BALANCES.remove_lock(ctx, *b"two     ", &ALICE).unwrap();
        assert_eq!((LOCKS.contains(ctx, &ALICE), FREEZES.contains(ctx, &ALICE)), (Ok(false), Ok(false)));
        assert_eq!(BALANCES.system.account(ctx, &ALICE).unwrap().consumers, 0);
    });
}

#[test]
fn what_is_reserved_counts_towards_what_is_frozen() {
    with_context(|ctx| {
        lock(ctx, b"one     ", 300).unwrap();
        BALANCES.hold(ctx, HOLD, &ALICE, 250).unwrap();
        assert_eq!(BALANCES.reducible_balance(ctx, &ALICE, false), Ok(START - 250 - 50));
        BALANCES.transfer(ctx, &ALICE, &BOB, START - 300, false).unwrap();
        assert_eq!(failed(BALANCES.transfer(ctx, &ALICE, &BOB, 1, false)), token(TokenError::Frozen));
    });
}

#[test]
fn a_lock_may_demand_more_than_there_is_and_needs_an_account() {
    with_context(|ctx| {
        lock(ctx, b"one     ", Balance::MAX).unwrap();
        assert_eq!(BALANCES.reducible_balance(ctx, &ALICE, false), Ok(0));
        let dead = BALANCES.set_lock(ctx, *b"one     ", &NOBODY, 1, Reasons::All);
        assert_eq!(failed(dead), DispatchError::NoProviders);
        assert_eq!(LOCKS.contains(ctx, &NOBODY), Ok(false));
    });
}

#[test]
fn an_account_has_so_many_locks_freezes_and_holds_and_no_more() {
    with_context(|ctx| {
        for number in 0..50 {
            lock(ctx, &[number; 8], 1).unwrap();
            BALANCES.set_freeze(ctx, Reason { pallet: 7, reason: number }, &ALICE, 1).unwrap();
            BALANCES.hold(ctx, Reason { pallet: 7, reason: number }, &ALICE, 1).unwrap();
        }
        let one_more = Reason { pallet: 7, reason: 50 };
        assert_eq!(failed(lock(ctx, &[50; 8], 1)), module(Error::TooManyFreezes));
        assert_eq!(failed(BALANCES.set_freeze(ctx, one_more, &ALICE, 1)), module(Error::TooManyFreezes));
        assert_eq!(failed(BALANCES.hold(ctx, one_more, &ALICE, 1)), module(Error::TooManyHolds));
        lock(ctx, &[49; 8], 2).unwrap();
        BALANCES.hold(ctx, Reason { pallet: 7, reason: 49 }, &ALICE, 1).unwrap();
    });
}

#[test]
fn holds_are_set_aside_by_reason_and_released_by_it() {
    with_context(|ctx| {
        BALANCES.hold(ctx, HOLD, &ALICE, 100).unwrap();
        BALANCES.hold(ctx, HOLD, &ALICE, 50).unwrap();
        BALANCES.hold(ctx, OTHER, &ALICE, 30).unwrap();
        assert_eq!((data(ctx, ALICE).free, data(ctx, ALICE).reserved), (START - 180, 180));
        assert_eq!(BALANCES.balance_on_hold(ctx, HOLD, &ALICE), Ok(150));
        assert_eq!(failed(BALANCES.release(ctx, OTHER, &ALICE, 31)), token(TokenError::FundsUnavailable));
        BALANCES.release(ctx, HOLD, &ALICE, 150).unwrap();
        BALANCES.release(ctx, OTHER, &ALICE, 30).unwrap();
        assert_eq!(data(ctx, ALICE), AccountData { free: START, ..AccountData::default() });
        assert_eq!(HOLDS.contains(ctx, &ALICE), Ok(false));
        assert_eq!(BALANCES.system.account(ctx, &ALICE).unwrap().consumers, 0);
        let most = START - ED;
        assert_eq!(failed(BALANCES.hold(ctx, HOLD, &ALICE, most + 1)), token(TokenError::FundsUnavailable));
        assert_eq!(failed(BALANCES.hold(ctx, HOLD, &NOBODY, 1)), token(TokenError::FundsUnavailable));
        BALANCES.hold(ctx, HOLD, &ALICE, most).unwrap();
    });
}

#[test]
fn what_is_held_can_be_taken_into_a_pot() {
    let base = genesis();
    let mut state = Overlay::new(&base);
    let env = env();
    let mut ctx = Context::new(&mut state, &env, Some(0));
    BALANCES.hold(&mut ctx, HOLD, &ALICE, 100).unwrap();
    BALANCES.take_held(&mut ctx, HOLD, &ALICE, 60).unwrap();
    assert_eq!(BALANCES.balance_on_hold(&ctx, HOLD, &ALICE), Ok(40));
    assert_eq!(BALANCES.total_balance(&ctx, &ALICE), Ok(START - 60));
    assert_eq!(BALANCES.try_state_with(&ctx, 60), Ok(()));
    let more = BALANCES.take_held(&mut ctx, HOLD, &ALICE, 41);
    assert_eq!(failed(more), token(TokenError::FundsUnavailable));
    assert_eq!(
        told(&ctx),
        [
            Told::Balances(Event::Held { reason: HOLD, who: ALICE, amount: 100 }),
            Told::Balances(Event::Slashed { who: ALICE, amount: 60 }),
        ]
    );
}

#[test]
fn a_hold_can_be_paid_by_another_account_and_go_back_to_it() {
    with_context(|ctx| {
        BALANCES.transfer_and_hold(ctx, HOLD, &ALICE, &BOB, 100).unwrap();
        assert_eq!((data(ctx, ALICE).free, data(ctx, BOB).free), (START - 100, START));
        assert_eq!(BALANCES.balance_on_hold(ctx, HOLD, &BOB), Ok(100));
        BALANCES.transfer_on_hold(ctx, HOLD, &BOB, &ALICE, 60).unwrap();
        assert_eq!((free(ctx, ALICE), data(ctx, BOB).reserved), (START - 40, 40));
        BALANCES.transfer_on_hold(ctx, HOLD, &BOB, &BOB, 40).unwrap();
        assert_eq!((free(ctx, BOB), HOLDS.contains(ctx, &BOB)), (START + 40, Ok(false)));
        assert_eq!(BALANCES.system.account(ctx, &BOB).unwrap().consumers, 0);
        assert_eq!(
            told(ctx),
            [
                Told::Balances(Event::TransferAndHold {
                    reason: HOLD,
                    source: ALICE,
                    dest: BOB,
                    transferred: 100
                }),
                Told::Balances(Event::TransferOnHold { reason: HOLD, source: BOB, dest: ALICE, amount: 60 }),
                Told::Balances(Event::Released { reason: HOLD, who: BOB, amount: 40 }),
            ]
        );
    });
}

#[test]
fn a_hold_that_another_account_pays_is_refused_before_anything_moves() {
    with_context(|ctx| {
        let pay = |ctx: &mut Context<'_, '_>, to: &AccountId, amount| {
            failed(BALANCES.transfer_and_hold(ctx, HOLD, &ALICE, to, amount))
        };
        assert_eq!(pay(ctx, &BOB, START + 1), token(TokenError::FundsUnavailable));
        assert_eq!(pay(ctx, &BOB, START - ED + 1), token(TokenError::NotExpendable));
        assert_eq!(pay(ctx, &NOBODY, 100), DispatchError::NoProviders);
        BALANCES.hold(ctx, HOLD, &BOB, 50).unwrap();
        let back = |ctx: &mut Context<'_, '_>, to: &AccountId, amount| {
            failed(BALANCES.transfer_on_hold(ctx, HOLD, &BOB, to, amount))
        };
        assert_eq!(back(ctx, &ALICE, 51), token(TokenError::FundsUnavailable));
        assert_eq!(back(ctx, &NOBODY, ED - 1), token(TokenError::BelowMinimum));
        assert_eq!((free(ctx, ALICE), free(ctx, BOB)), (START, START - 50));
        BALANCES.transfer_on_hold(ctx, HOLD, &BOB, &NOBODY, ED).unwrap();
        assert_eq!(free(ctx, NOBODY), ED);
    });
}

#[test]
fn unreserving_never_touches_what_is_held() {
    with_context(|ctx| {
        BALANCES.hold(ctx, HOLD, &ALICE, 100).unwrap();
        BALANCES.reserve(ctx, &ALICE, 20).unwrap();
        let force = Call::force_unreserve { who: ALICE.into(), amount: 1_000 };
        assert_eq!(call(ctx, signed(ALICE), force.clone()), Err(DispatchError::BadOrigin));
        call(ctx, Origin::Root, force.clone()).unwrap();
        assert_eq!(data(ctx, ALICE).reserved, 100);
        assert_eq!(told(ctx).last(), Some(&Told::Balances(Event::Unreserved { who: ALICE, amount: 20 })));
        let events = ctx.events().len();
        call(ctx, Origin::Root, force).unwrap();
        assert_eq!(ctx.events().len(), events);
    });
}

#[test]
fn reserving_respects_locks_and_the_existential_deposit() {
    with_context(|ctx| {
        let insufficient = module(Error::InsufficientBalance);
        assert_eq!(failed(BALANCES.reserve(ctx, &ALICE, START + 1)), insufficient);
        assert_eq!(failed(BALANCES.reserve(ctx, &ALICE, START - ED + 1)), insufficient);
        lock(ctx, b"one     ", 300).unwrap();
        let locked = failed(BALANCES.reserve(ctx, &ALICE, START - 299));
        assert_eq!(locked, module(Error::LiquidityRestrictions));
        BALANCES.reserve(ctx, &ALICE, START - 300).unwrap();
    });
}

#[test]
fn an_account_with_another_provider_outlives_its_balance() {
    with_context(|ctx| {
        BALANCES.system.inc_providers(ctx, &ALICE).unwrap();
        BALANCES.transfer(ctx, &ALICE, &BOB, START - 1, false).unwrap();
        let info = BALANCES.system.account(ctx, &ALICE).unwrap();
        assert_eq!((info.providers, info.data.total(), info.nonce), (1, 0, 5));
        assert_eq!(failed(BALANCES.give(ctx, &ALICE, ED - 1)), token(TokenError::BelowMinimum));
        BALANCES.transfer(ctx, &BOB, &ALICE, ED, false).unwrap();
        assert_eq!(BALANCES.system.account(ctx, &ALICE).unwrap().providers, 2);
        assert!(told(ctx).contains(&Told::Balances(Event::Endowed { account: ALICE, free_balance: ED })));
    });
}
