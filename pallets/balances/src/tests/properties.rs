//! Random sequences of operations, and what must hold after each of them.

use alloc::vec;

use proptest::prelude::*;
use types::{AdjustmentDirection, Reason, Reasons};

use super::*;

const ACCOUNTS: [AccountId; 4] = [ALICE, BOB, CHARLIE, NOBODY];

#[derive(Debug, Clone)]
enum Step {
    Call(Origin, Call),
    Take(AccountId, Balance, bool),
    Give(AccountId, Balance),
    Mint(AccountId, Balance),
    BurnPot(Balance),
    Lock(AccountId, u8, Balance),
    Freeze(AccountId, u8, Balance),
    Hold(AccountId, u8, Balance),
    Release(AccountId, u8, Balance),
    TakeHeld(AccountId, u8, Balance),
    Reserve(AccountId, Balance),
    Provide(AccountId),
}

fn account() -> impl Strategy<Value = AccountId> {
    prop::sample::select(ACCOUNTS.to_vec())
}

/// Amounts around the edges: nothing, the existential deposit, all, more than there can be.
fn amount() -> impl Strategy<Value = Balance> {
    prop_oneof![
        4 => 0..2 * ED,
        8 => 0..START + ED,
        1 => 0..4 * START,
        1 => Just(Balance::MAX),
        1 => Just(TOTAL_ISSUANCE_MAX),
    ]
}

fn a_call() -> impl Strategy<Value = Call> {
    let direction =
        prop::sample::select([AdjustmentDirection::Increase, AdjustmentDirection::Decrease].to_vec());
    prop_oneof![
        4 => (account(), amount()).prop_map(|(to, value)| Call::transfer_allow_death { dest: to.into(), value }),
        2 => (account(), amount()).prop_map(|(to, value)| Call::transfer_keep_alive { dest: to.into(), value }),
        1 => (account(), account(), amount()).prop_map(|(from, to, value)| {
            Call::force_transfer { source: from.into(), dest: to.into(), value }
        }),
        1 => (account(), any::<bool>()).prop_map(|(to, keep_alive)| {
            Call::transfer_all { dest: to.into(), keep_alive }
        }),
        1 => (account(), amount()).prop_map(|(who, amount)| Call::force_unreserve { who: who.into(), amount }),
        1 => prop::collection::vec(account(), 0..3).prop_map(|who| Call::upgrade_accounts { who }),
        1 => (account(), amount()).prop_map(|(who, new_free)| {
            Call::force_set_balance { who: who.into(), new_free }
        }),
        1 => (direction, amount()).prop_map(|(direction, delta)| {
            Call::force_adjust_total_issuance { direction, delta }
        }),
        1 => (amount(), any::<bool>()).prop_map(|(value, keep_alive)| Call::burn { value, keep_alive }),
    ]
}

fn origin() -> impl Strategy<Value = Origin> {
    prop_oneof![3 => account().prop_map(Origin::Signed), 1 => Just(Origin::Root), 1 => Just(Origin::None)]
}

fn step() -> impl Strategy<Value = Step> {
    let kind = || 0..3u8;
    prop_oneof![
        8 => (origin(), a_call()).prop_map(|(origin, call)| Step::Call(origin, call)),
        1 => (account(), amount(), any::<bool>()).prop_map(|(who, amount, alive)| Step::Take(who, amount, alive)),
        1 => (account(), amount()).prop_map(|(who, amount)| Step::Give(who, amount)),
        1 => (account(), amount()).prop_map(|(who, amount)| Step::Mint(who, amount)),
        1 => amount().prop_map(Step::BurnPot),
        1 => (account(), kind(), amount()).prop_map(|(who, id, amount)| Step::Lock(who, id, amount)),
        1 => (account(), kind(), amount()).prop_map(|(who, id, amount)| Step::Freeze(who, id, amount)),
        1 => (account(), kind(), amount()).prop_map(|(who, id, amount)| Step::Hold(who, id, amount)),
        1 => (account(), kind(), amount()).prop_map(|(who, id, amount)| Step::Release(who, id, amount)),
        1 => (account(), kind(), amount()).prop_map(|(who, id, amount)| Step::TakeHeld(who, id, amount)),
        1 => (account(), amount()).prop_map(|(who, amount)| Step::Reserve(who, amount)),
        1 => account().prop_map(Step::Provide),
    ]
}

/// Does one step. `pot` is what was taken and not yet given or burnt; steps that need more of it are skipped.
fn run(ctx: &mut Context<'_, '_>, step: Step, pot: &mut Balance) -> Result<(), Failure> {
    let reason = |reason| Reason { pallet: 7, reason };
    match step {
        Step::Call(origin, call) => match BALANCES.dispatch(call, origin, ctx) {
            Ok(_) => Ok(()),
            Err(CallFailure { failure, .. }) => Err(failure),
        },
        Step::Take(who, amount, keep_alive) => {
            BALANCES.take(ctx, &who, amount, keep_alive)?;
            *pot += amount;
            Ok(())
        }
        Step::Give(who, amount) if amount <= *pot => {
            BALANCES.give(ctx, &who, amount)?;
            *pot -= amount;
            Ok(())
        }
        Step::BurnPot(amount) if amount <= *pot => {
            BALANCES.burn_unowned(ctx, amount)?;
            *pot -= amount;
            Ok(())
        }
        Step::Give(..) | Step::BurnPot(_) => Ok(()),
        Step::Mint(who, amount) => BALANCES.mint_into(ctx, &who, amount),
        Step::Lock(who, id, amount) => BALANCES.set_lock(ctx, [id; 8], &who, amount, Reasons::All),
        Step::Freeze(who, id, amount) => BALANCES.set_freeze(ctx, reason(id), &who, amount),
        Step::Hold(who, id, amount) => BALANCES.hold(ctx, reason(id), &who, amount),
        Step::Release(who, id, amount) => BALANCES.release(ctx, reason(id), &who, amount),
        Step::TakeHeld(who, id, amount) => {
            BALANCES.take_held(ctx, reason(id), &who, amount)?;
            *pot += amount;
            Ok(())
        }
        Step::Reserve(who, amount) => BALANCES.reserve(ctx, &who, amount),
        Step::Provide(who) => BALANCES.system.inc_providers(ctx, &who),
    }
}

proptest! {
    #[test]
    fn no_sequence_of_operations_breaks_the_books(steps in prop::collection::vec(step(), 1..60)) {
        let base = genesis();
        let mut state = Overlay::new(&base);
        let env = env();
        let mut pot = 0;
        for step in steps {
            let before = state.changes();
            let nonces = ACCOUNTS.map(|who| BALANCES.system.nonce(&state, &who).unwrap());
            let mut ctx = Context::new(&mut state, &env, Some(0));
            let result = run(&mut ctx, step.clone(), &mut pot);
            let events = ctx.into_events().len();
            match result {
                Ok(()) => {}
                Err(Failure::Dispatch(_)) => {
                    prop_assert_eq!(events, 0, "{:?} failed and told something", step);
                    prop_assert!(state.changes() == before, "{:?} failed and changed something", step);
                }
                Err(Failure::State(error)) => panic!("{step:?}: {error}"),
            }
            prop_assert_eq!(BALANCES.try_state_with(&state, pot), Ok(()), "after {:?}", step);
            prop_assert_eq!(BALANCES.system.try_state(&state), Ok(()), "after {:?}", step);
            for (who, nonce) in ACCOUNTS.iter().zip(nonces) {
                let info = BALANCES.system.account(&state, who).unwrap();
                prop_assert!(info.nonce == nonce || !info.exists(), "{:?} changed the nonce of {:?}", step, who);
            }
        }
    }

    #[test]
    fn a_transfer_moves_exactly_its_amount(from in account(), to in account(), amount in amount(), alive: bool) {
        let base = genesis();
        let mut state = Overlay::new(&base);
        let env = env();
        let before = ACCOUNTS.map(|who| free(&state, who));
        let mut ctx = Context::new(&mut state, &env, Some(0));
        let moved = BALANCES.transfer(&mut ctx, &from, &to, amount, alive).is_ok();
        for (who, before) in ACCOUNTS.into_iter().zip(before) {
            let mut expected = before;
            if moved && from != to {
                expected = if who == to { expected + amount } else { expected };
                expected = if who == from { expected - amount } else { expected };
            }
            // Less than an account may own is nothing.
            let expected = if expected < ED { 0 } else { expected };
            prop_assert_eq!(free(&state, who), expected);
        }
    }

    #[test]
    fn what_is_reducible_can_be_taken_and_a_little_more_cannot(
        steps in prop::collection::vec(step(), 0..20),
        who in account(),
        alive: bool,
    ) {
        let base = genesis();
        let mut state = Overlay::new(&base);
        let env = env();
        let mut ctx = Context::new(&mut state, &env, Some(0));
        let mut pot = 0;
        for step in steps {
            // Failed steps do nothing, which the property above shows.
            let _ = run(&mut ctx, step, &mut pot);
        }
        let most = BALANCES.reducible_balance(&ctx, &who, alive).unwrap();
        if most < Balance::MAX {
            let attempt = BALANCES.take(&mut ctx, &who, most + 1, alive);
            prop_assert!(attempt.is_err(), "{most} + 1");
        }
        prop_assert_eq!(BALANCES.take(&mut ctx, &who, most, alive), Ok(()), "{}", most);
    }

    #[test]
    fn no_call_reads_or_writes_more_keys_than_it_weighs(
        steps in prop::collection::vec(step(), 0..10),
        origin in origin(),
        call in a_call(),
    ) {
        let base = genesis();
        let mut state = Overlay::new(&base);
        let env = env();
        let mut pot = 0;
        for step in steps {
            let _ = run(&mut Context::new(&mut state, &env, Some(0)), step, &mut pot);
        }
        let mut base = base.clone();
        base.apply(&state.into_change_set().unwrap());

        let declared = BALANCES.info(&call).weight;
        let (reads, writes) = weights::done(&base, origin, call.clone());
        let done = weight::operations(reads, writes);
        prop_assert!(done.all_lte(declared), "{:?} did {} reads and {} writes", call, reads, writes);
    }

    /// Paying an account without reading it does what paying it after reading it does, wherever the one is tried.
    #[test]
    fn a_credit_equals_reading_adding_and_writing(
        steps in prop::collection::vec(step(), 0..20),
        who in account(),
        amount in amount(),
        pending: bool,
    ) {
        let start = genesis();
        let mut state = Overlay::new(&start);
        let env = env();
        let mut pot = 0;
        for step in steps {
            let _ = run(&mut Context::new(&mut state, &env, Some(0)), step, &mut pot);
        }
        let changes = state.into_changes();
        let mut base = start.clone();
        base.apply(&changes.clone().resolve(&start).unwrap());
        // On top of what the same transaction did before, and on top of what others did.
        let fresh = || {
            let mut state = Overlay::new(if pending { &start } else { &base });
            if pending {
                state.merge(changes.clone()).unwrap();
            }
            state
        };

        let mut by_credit = fresh();
        let mut ctx = Context::new(&mut by_credit, &env, Some(0));
        let credited = BALANCES.credit(&mut ctx, &who, amount).unwrap();
        let told_by_credit = ctx.into_events();

        let mut by_reading = fresh();
        let mut ctx = Context::new(&mut by_reading, &env, Some(0));
        let mut account = BALANCES.system.open_account(&ctx, &who).unwrap();
        let free_before = account.info.data.free;
        let result = BALANCES
            .credited(&account.info, amount)
            .and_then(|data| BALANCES.store(&mut ctx, &mut account, data));
        let told_by_reading = ctx.into_events();

        let expected = free_before >= ED && amount > 0 && amount <= TOTAL_ISSUANCE_MAX;
        prop_assert_eq!(credited, expected && free_before.checked_add(amount).is_some());
        if credited {
            prop_assert_eq!(result, Ok(()));
            prop_assert_eq!(told_by_credit, told_by_reading);
            prop_assert_eq!(by_credit.into_change_set(), by_reading.into_change_set());
        } else {
            prop_assert!(told_by_credit.is_empty());
            prop_assert_eq!(by_credit.changes(), fresh().changes());
        }
    }
}
