use alloc::vec;

use basalt_primitives::ArithmeticError;
use types::AdjustmentDirection;

use super::*;

fn adjust(direction: AdjustmentDirection, delta: Balance) -> Call {
    Call::force_adjust_total_issuance { direction, delta }
}

#[test]
fn what_is_taken_stays_issued_until_it_is_given_or_burnt() {
    let base = genesis();
    let mut state = Overlay::new(&base);
    let env = env();
    let mut ctx = Context::new(&mut state, &env, Some(0));
    BALANCES.take(&mut ctx, &ALICE, 100, true).unwrap();
    assert_eq!(BALANCES.try_state_with(&ctx, 100), Ok(()));
    assert!(BALANCES.try_state_with(&ctx, 0).is_err());
    BALANCES.give(&mut ctx, &BOB, 60).unwrap();
    assert_eq!(BALANCES.try_state_with(&ctx, 40), Ok(()));
    BALANCES.burn_unowned(&mut ctx, 40).unwrap();
    assert_eq!(BALANCES.try_state_with(&ctx, 0), Ok(()));
    assert_eq!(BALANCES.total_issuance(&ctx), Ok(3 * START - 40));
    assert_eq!(
        told(&ctx),
        [
            Told::Balances(Event::Withdraw { who: ALICE, amount: 100 }),
            Told::Balances(Event::Deposit { who: BOB, amount: 60 }),
            Told::Balances(Event::Rescinded { amount: 40 }),
        ]
    );
}

#[test]
fn giving_too_little_to_nobody_does_nothing() {
    with_context(|ctx| {
        assert_eq!(failed(BALANCES.give(ctx, &NOBODY, ED - 1)), token(TokenError::BelowMinimum));
        assert_eq!((told(ctx), SYSTEM_ACCOUNT.contains(ctx, &NOBODY)), (vec![], Ok(false)));
    });
}

#[test]
fn minting_and_burning_change_the_issuance() {
    with_context(|ctx| {
        BALANCES.mint_into(ctx, &NOBODY, 50).unwrap();
        assert_eq!(BALANCES.total_issuance(ctx), Ok(3 * START + 50));
        call(ctx, signed(ALICE), Call::burn { value: 200, keep_alive: true }).unwrap();
        assert_eq!(BALANCES.total_issuance(ctx), Ok(3 * START - 150));
        assert_eq!(
            told(ctx)[2..],
            [
                Told::Balances(Event::Minted { who: NOBODY, amount: 50 }),
                Told::Balances(Event::Burned { who: ALICE, amount: 200 }),
            ]
        );
        let dying = Call::burn { value: START - 200, keep_alive: true };
        assert_eq!(call(ctx, signed(ALICE), dying), Err(token(TokenError::NotExpendable)));
        call(ctx, signed(ALICE), Call::burn { value: START - 200 - 3, keep_alive: false }).unwrap();
        assert_eq!(BALANCES.total_issuance(ctx), Ok(2 * START + 50), "the dust is burnt too");
    });
}

#[test]
fn the_issuance_has_a_limit_that_no_delta_can_leave() {
    with_context(|ctx| {
        let room = TOTAL_ISSUANCE_MAX - 3 * START;
        let overflow = DispatchError::Arithmetic(ArithmeticError::Overflow);
        assert_eq!(failed(BALANCES.mint_into(ctx, &BOB, room + 1)), overflow);
        assert_eq!(failed(BALANCES.mint_into(ctx, &BOB, Balance::MAX)), overflow);
        assert_eq!(failed(BALANCES.issue_unowned(ctx, room + 1)), overflow);
        let set = Call::force_set_balance { who: BOB.into(), new_free: START + room + 1 };
        assert_eq!(call(ctx, Origin::Root, set), Err(overflow));
        assert_eq!(call(ctx, Origin::Root, adjust(AdjustmentDirection::Increase, room + 1)), Err(overflow));
        assert_eq!(told(ctx), []);
        BALANCES.mint_into(ctx, &BOB, room).unwrap();
        BALANCES.burn_from(ctx, &BOB, START + room, false).unwrap();
        assert_eq!(BALANCES.total_issuance(ctx), Ok(2 * START));
    });
}

#[test]
fn issuing_to_a_pot_is_part_of_the_sum() {
    let base = genesis();
    let mut state = Overlay::new(&base);
    let env = env();
    let mut ctx = Context::new(&mut state, &env, None);
    BALANCES.issue_unowned(&mut ctx, 7).unwrap();
    assert_eq!(told(&ctx), [Told::Balances(Event::Issued { amount: 7 })]);
    assert_eq!(BALANCES.try_state_with(&ctx, 7), Ok(()));
}

#[test]
fn root_sets_a_balance_and_the_issuance_follows() {
    with_context(|ctx| {
        let set = |who: AccountId, new_free| Call::force_set_balance { who: who.into(), new_free };
        assert_eq!(call(ctx, signed(ALICE), set(ALICE, 5_000)), Err(DispatchError::BadOrigin));
        call(ctx, Origin::Root, set(ALICE, 5_000)).unwrap();
        assert_eq!((free(ctx, ALICE), BALANCES.total_issuance(ctx)), (5_000, Ok(3 * START + 4_000)));
        call(ctx, Origin::Root, set(ALICE, 50)).unwrap();
        call(ctx, Origin::Root, set(BOB, ED - 1)).unwrap();
        assert_eq!((free(ctx, ALICE), free(ctx, BOB)), (50, 0));
        assert_eq!(SYSTEM_ACCOUNT.contains(ctx, &BOB), Ok(false));
        assert_eq!(BALANCES.total_issuance(ctx), Ok(START + 50));
        call(ctx, Origin::Root, set(NOBODY, ED)).unwrap();
        assert_eq!(
            told(ctx),
            [
                Told::Balances(Event::BalanceSet { who: ALICE, free: 5_000 }),
                Told::Balances(Event::BalanceSet { who: ALICE, free: 50 }),
                Told::System(system::Event::KilledAccount { account: BOB }),
                Told::Balances(Event::BalanceSet { who: BOB, free: 0 }),
                Told::System(system::Event::NewAccount { account: NOBODY }),
                Told::Balances(Event::Endowed { account: NOBODY, free_balance: ED }),
                Told::Balances(Event::BalanceSet { who: NOBODY, free: ED }),
            ]
        );
        BALANCES.reserve(ctx, &CHARLIE, 1).unwrap();
        assert_eq!(call(ctx, Origin::Root, set(CHARLIE, 0)), Err(DispatchError::ConsumerRemaining));
    });
}

#[test]
fn a_forced_issuance_can_be_taken_back_but_not_more() {
    with_context(|ctx| {
        use AdjustmentDirection::{Decrease, Increase};
        let underflow = Err(DispatchError::Arithmetic(ArithmeticError::Underflow));
        assert_eq!(call(ctx, signed(ALICE), adjust(Increase, 5)), Err(DispatchError::BadOrigin));
        assert_eq!(call(ctx, Origin::Root, adjust(Increase, 0)), Err(module(Error::DeltaZero)));
        assert_eq!(call(ctx, Origin::Root, adjust(Decrease, 1)), underflow);
        call(ctx, Origin::Root, adjust(Increase, 5)).unwrap();
        assert_eq!(BALANCES.total_issuance(ctx), Ok(3 * START + 5));
        assert_eq!(BALANCES.try_state_with(ctx, 0), Ok(()));
        assert_eq!(call(ctx, Origin::Root, adjust(Decrease, 6)), underflow);
        call(ctx, Origin::Root, adjust(Decrease, 5)).unwrap();
        assert_eq!(
            told(ctx),
            [
                Told::Balances(Event::TotalIssuanceForced { old: 3 * START, new: 3 * START + 5 }),
                Told::Balances(Event::TotalIssuanceForced { old: 3 * START + 5, new: 3 * START }),
            ]
        );
    });
}

#[test]
fn genesis_refuses_what_could_not_be() {
    let refused = |balances: &[(AccountId, Balance)]| {
        let base = Memory::default();
        let mut state = Overlay::new(&base);
        BALANCES.genesis(&mut state, balances).unwrap_err()
    };
    assert!(refused(&[(ALICE, 50), (ALICE, 50)]).contains("twice"));
    assert!(refused(&[(ALICE, ED - 1)]).contains("below the existential deposit 10"));
    assert!(refused(&[(ALICE, TOTAL_ISSUANCE_MAX), (BOB, ED)]).contains("add up to more"));
    assert!(refused(&[(ALICE, Balance::MAX), (BOB, Balance::MAX)]).contains("add up to more"));
}
