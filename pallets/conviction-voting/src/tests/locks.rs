//! Tokens are locked exactly as long as they have to be.

use super::*;

#[test]
fn who_won_stays_locked_for_as_long_as_the_conviction_says_and_not_a_block_longer() {
    let mut chain = Chain::new();
    chain.vote(ALICE, 0, aye(Locked2x, 300)).unwrap();
    chain.vote(BOB, 0, nay(Locked2x, 300)).unwrap();
    chain.vote(CHARLIE, 0, aye(Unlocked, 300)).unwrap();
    assert_eq!(chain.locked(ALICE), 300);
    chain.at(5);
    chain.unlock(ALICE);
    assert_eq!(chain.locked(ALICE), 300, "nothing to unlock before the end");
    chain.end(0, true);
    // Who lost, and who had no conviction, are free at once.
    for who in [BOB, CHARLIE] {
        chain.call(ALICE, Call::remove_other_vote { target: who.into(), class: 0, index: 0 }).unwrap();
        chain.unlock(who);
        assert_eq!(chain.locked(who), 0);
    }
    chain.call(ALICE, Call::remove_vote { class: Some(0), index: 0 }).unwrap();
    let end = 5 + 2 * PERIOD;
    chain.at(end - 1);
    chain.unlock(ALICE);
    assert_eq!(chain.locked(ALICE), 300);
    chain.at(end);
    chain.unlock(ALICE);
    assert_eq!(chain.locked(ALICE), 0);
    assert_eq!(VOTING_FOR.get(&chain.state, &ALICE, &0), Ok(None), "nothing is left");
}

#[test]
fn anybody_may_tidy_up_once_the_conviction_is_over() {
    let mut chain = Chain::new();
    chain.vote(ALICE, 0, aye(Locked1x, 300)).unwrap();
    chain.end(0, true);
    chain.at(PERIOD);
    let other = || Call::remove_other_vote { target: ALICE.into(), class: 0, index: 0 };
    assert_eq!(chain.call(BOB, other()), Err(error(Error::NoPermissionYet)));
    chain.at(1 + PERIOD);
    chain.call(BOB, other()).unwrap();
    chain.unlock(ALICE);
    assert_eq!(chain.locked(ALICE), 0);
}

#[test]
fn what_was_delegated_stays_locked_after_it() {
    let mut chain = Chain::new();
    chain.delegate(ALICE, BOB, 400).unwrap();
    chain.at(3);
    chain.call(ALICE, Call::undelegate { class: 0 }).unwrap();
    chain.at(2 + 2 * PERIOD);
    chain.unlock(ALICE);
    assert_eq!(chain.locked(ALICE), 400);
    chain.at(3 + 2 * PERIOD);
    chain.unlock(ALICE);
    assert_eq!(chain.locked(ALICE), 0);
}

#[test]
fn classes_lock_the_same_tokens() {
    let mut chain = Chain::new();
    chain.vote(ALICE, 0, aye(Locked1x, 300)).unwrap();
    chain.vote(ALICE, 4, aye(Locked1x, 500)).unwrap();
    assert_eq!(chain.locked(ALICE), 500);
    chain.call(ALICE, Call::remove_vote { class: None, index: 4 }).unwrap();
    chain.call(ALICE, Call::unlock { class: 1, target: ALICE.into() }).unwrap();
    assert_eq!(chain.locked(ALICE), 300);
    chain.run(|ctx| {
        let moved = |ctx: &mut Context<'_, '_>, amount| BALANCES.transfer(ctx, &ALICE, &BOB, amount, false);
        assert!(moved(ctx, START - 299).is_err());
        moved(ctx, START - 300).unwrap();
    });
}

#[test]
fn a_cancelled_poll_locks_nothing() {
    let mut chain = Chain::new();
    chain.delegate(ALICE, BOB, 10).unwrap();
    chain.vote(ALICE, 0, aye(Locked3x, 300)).unwrap();
    chain.run(|ctx| POLLS.put(ctx, &0, &Entry::Cancelled));
    chain.call(CHARLIE, Call::remove_other_vote { target: ALICE.into(), class: 0, index: 0 }).unwrap();
    chain.unlock(ALICE);
    assert_eq!(chain.locked(ALICE), 10);
    assert_eq!(OVERRIDDEN.iter(&chain.state).count(), 0);
}
