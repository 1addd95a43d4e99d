use alloc::{vec, vec::Vec};

use super::*;

fn keep_alive(to: AccountId, value: Balance) -> Call {
    Call::transfer_keep_alive { dest: to.into(), value }
}

fn allow_death(to: AccountId, value: Balance) -> Call {
    Call::transfer_allow_death { dest: to.into(), value }
}

#[test]
fn a_transfer_that_creates_an_account_tells_it_in_substrates_order() {
    with_context(|ctx| {
        call(ctx, signed(ALICE), keep_alive(NOBODY, 100)).unwrap();
        assert_eq!(
            told(ctx),
            [
                Told::System(system::Event::NewAccount { account: NOBODY }),
                Told::Balances(Event::Endowed { account: NOBODY, free_balance: 100 }),
                Told::Balances(Event::Transfer { from: ALICE, to: NOBODY, amount: 100 }),
            ]
        );
        assert_eq!((free(ctx, ALICE), free(ctx, NOBODY)), (START - 100, 100));
        assert_eq!(BALANCES.system.account(ctx, &NOBODY).unwrap().providers, 1);
    });
}

#[test]
fn a_transfer_between_existing_accounts_writes_these_two_and_nothing_else() {
    let base = genesis();
    let mut state = Overlay::new(&base);
    let env = env();
    let mut ctx = Context::new(&mut state, &env, Some(0));
    call(&mut ctx, signed(ALICE), allow_death(BOB, 100)).unwrap();
    assert_eq!(told(&ctx), [Told::Balances(Event::Transfer { from: ALICE, to: BOB, amount: 100 })]);
    let written: Vec<_> = state.changes().into_keys().collect();
    let mut expected = vec![SYSTEM_ACCOUNT.key(&ALICE), SYSTEM_ACCOUNT.key(&BOB)];
    expected.sort_unstable();
    assert_eq!(written, expected);
    assert_eq!(BALANCES.system.nonce(&state, &ALICE), Ok(5), "the nonce is not the token's business");
}

/// A state that says whether conditions hold, and which keys were read.
struct Watched<'a>(&'a Memory, core::cell::RefCell<Vec<basalt_state::Key>>);

impl StateRead for Watched<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        self.1.borrow_mut().push(key.to_vec());
        self.0.get(key)
    }

    fn holds(&self, key: &[u8], condition: &basalt_state::Condition) -> Result<bool, StateError> {
        self.0.holds(key, condition)
    }

    fn next_key(&self, key: &[u8]) -> Result<Option<basalt_state::Key>, StateError> {
        self.0.next_key(key)
    }
}

#[test]
fn a_transfer_to_an_account_that_surely_exists_does_not_read_it() {
    let base = genesis();
    let env = env();
    for (to, read) in [(BOB, vec![ALICE]), (NOBODY, vec![ALICE, NOBODY])] {
        let watched = Watched(&base, Default::default());
        let mut state = Overlay::new(&watched);
        let mut ctx = Context::new(&mut state, &env, Some(0));
        call(&mut ctx, signed(ALICE), keep_alive(to, 100)).unwrap();
        let expected: Vec<_> = read.iter().map(|who| SYSTEM_ACCOUNT.key(who)).collect();
        assert_eq!(*watched.1.borrow(), expected);
    }
}

#[test]
fn what_is_left_below_the_existential_deposit_is_lost_with_the_account() {
    with_context(|ctx| {
        call(ctx, signed(ALICE), allow_death(BOB, START - ED + 1)).unwrap();
        assert_eq!(
            told(ctx),
            [
                Told::System(system::Event::KilledAccount { account: ALICE }),
                Told::Balances(Event::DustLost { account: ALICE, amount: ED - 1 }),
                Told::Balances(Event::Transfer { from: ALICE, to: BOB, amount: START - ED + 1 }),
            ]
        );
        assert_eq!(SYSTEM_ACCOUNT.contains(ctx, &ALICE), Ok(false));
        assert_eq!(BALANCES.total_issuance(ctx), Ok(3 * START - (ED - 1)));
    });
}

#[test]
fn a_transfer_to_oneself_is_checked_and_does_nothing() {
    with_context(|ctx| {
        call(ctx, signed(ALICE), allow_death(ALICE, START)).unwrap();
        assert_eq!((told(ctx), free(ctx, ALICE)), (vec![], START));
        let too_much = call(ctx, signed(ALICE), allow_death(ALICE, START + 1));
        assert_eq!(too_much, Err(token(TokenError::FundsUnavailable)));
    });
}

#[test]
fn a_transfer_of_nothing_is_told_and_creates_nothing() {
    with_context(|ctx| {
        call(ctx, signed(ALICE), keep_alive(NOBODY, 0)).unwrap();
        assert_eq!(told(ctx), [Told::Balances(Event::Transfer { from: ALICE, to: NOBODY, amount: 0 })]);
        assert_eq!(SYSTEM_ACCOUNT.contains(ctx, &NOBODY), Ok(false));
    });
}

type Prepare<'a> = &'a dyn Fn(&mut Context<'_, '_>);

#[test]
fn transfers_that_cannot_be_say_why_and_do_nothing() {
    let reserved = |ctx: &mut Context<'_, '_>| BALANCES.reserve(ctx, &ALICE, 100).unwrap();
    let locked = |ctx: &mut Context<'_, '_>| {
        BALANCES.set_lock(ctx, *b"test    ", &ALICE, 500, types::Reasons::All).unwrap();
    };
    let nothing = |_: &mut Context<'_, '_>| {};
    let raw = MultiAddress::Address20([0; 20]);
    let cases: [(&str, Prepare<'_>, Origin, Call, DispatchError); 11] = [
        (
            "too much",
            &nothing,
            signed(ALICE),
            allow_death(BOB, START + 1),
            token(TokenError::FundsUnavailable),
        ),
        ("a poor sender", &nothing, signed(NOBODY), allow_death(BOB, 1), token(TokenError::FundsUnavailable)),
        (
            "more than there is",
            &nothing,
            signed(ALICE),
            allow_death(BOB, Balance::MAX),
            token(TokenError::FundsUnavailable),
        ),
        (
            "keeping alive",
            &nothing,
            signed(ALICE),
            keep_alive(BOB, START - ED + 1),
            token(TokenError::NotExpendable),
        ),
        (
            "a poor receiver",
            &nothing,
            signed(ALICE),
            keep_alive(NOBODY, ED - 1),
            token(TokenError::BelowMinimum),
        ),
        (
            "a needed account",
            &reserved,
            signed(ALICE),
            allow_death(BOB, START - 100),
            token(TokenError::OnlyProvider),
        ),
        ("locked", &locked, signed(ALICE), allow_death(BOB, START - 499), token(TokenError::Frozen)),
        ("unsigned", &nothing, Origin::None, allow_death(BOB, 1), DispatchError::BadOrigin),
        ("by root", &nothing, Origin::Root, allow_death(BOB, 1), DispatchError::BadOrigin),
        (
            "another address",
            &nothing,
            signed(ALICE),
            Call::transfer_keep_alive { dest: raw, value: 1 },
            DispatchError::CannotLookup,
        ),
        (
            "forced by a user",
            &nothing,
            signed(ALICE),
            Call::force_transfer { source: BOB.into(), dest: ALICE.into(), value: 1 },
            DispatchError::BadOrigin,
        ),
    ];
    for (name, prepare, origin, attempt, expected) in cases {
        let base = genesis();
        let mut state = Overlay::new(&base);
        let env = env();
        prepare(&mut Context::new(&mut state, &env, Some(0)));
        let before = state.changes();
        let mut ctx = Context::new(&mut state, &env, Some(0));
        assert_eq!(call(&mut ctx, origin, attempt), Err(expected), "{name}");
        assert!(ctx.events().is_empty(), "{name}");
        assert_eq!(state.changes(), before, "{name}");
    }
}

#[test]
fn transfer_all_leaves_the_existential_deposit_only_if_asked_to() {
    with_context(|ctx| {
        call(ctx, signed(ALICE), Call::transfer_all { dest: NOBODY.into(), keep_alive: true }).unwrap();
        assert_eq!((free(ctx, ALICE), free(ctx, NOBODY)), (ED, START - ED));
        call(ctx, signed(BOB), Call::transfer_all { dest: NOBODY.into(), keep_alive: false }).unwrap();
        assert_eq!(SYSTEM_ACCOUNT.contains(ctx, &BOB), Ok(false));
        BALANCES.reserve(ctx, &CHARLIE, 100).unwrap();
        call(ctx, signed(CHARLIE), Call::transfer_all { dest: NOBODY.into(), keep_alive: false }).unwrap();
        assert_eq!(free(ctx, CHARLIE), ED, "the account is needed for what is reserved");
        assert_eq!(BALANCES.total_issuance(ctx), Ok(3 * START));
    });
}

#[test]
fn root_moves_anybodys_balance() {
    with_context(|ctx| {
        let force = Call::force_transfer { source: ALICE.into(), dest: BOB.into(), value: START };
        call(ctx, Origin::Root, force).unwrap();
        assert_eq!((free(ctx, ALICE), free(ctx, BOB)), (0, 2 * START));
    });
}

#[test]
fn a_failed_call_in_a_layer_leaves_no_trace() {
    with_context(|ctx| {
        let result: Result<(), Failure> = ctx.layered(|ctx| {
            BALANCES.transfer(ctx, &ALICE, &NOBODY, 100, true)?;
            BALANCES.transfer(ctx, &NOBODY, &BOB, 101, true)
        });
        assert_eq!(failed(result), token(TokenError::FundsUnavailable));
        assert_eq!((told(ctx), free(ctx, ALICE), free(ctx, NOBODY)), (vec![], START, 0));
    });
}

#[test]
fn upgrading_accounts_changes_nothing_because_all_are_new() {
    with_context(|ctx| {
        call(ctx, signed(ALICE), Call::upgrade_accounts { who: vec![BOB, NOBODY] }).unwrap();
        assert_eq!(told(ctx), []);
        assert_eq!(SYSTEM_ACCOUNT.contains(ctx, &NOBODY), Ok(false));
    });
}
