//! Who is disabled is in no set that was frozen before, as far as the others can still agree.

use super::*;
use crate::leaving::without;

fn account(number: u8) -> AccountId {
    AccountId::from([number; 32])
}

fn disable(state: &mut Overlay<'_>, number: u8) -> Vec<Event> {
    let (result, events) = in_block(state, 1, |ctx| SESSION.disable(ctx, &account(number)));
    result.unwrap();
    SESSION.try_state(state).unwrap();
    events
}

fn powers(powers: &[u64]) -> Vec<Validator> {
    (1..).zip(powers).map(|(number, power)| validator(number, *power)).collect()
}

fn members(state: &Overlay<'_>) -> Vec<u8> {
    VALIDATORS.get_or_default(state).unwrap().iter().map(|account| account.0[0]).collect()
}

fn rotate(state: &mut Overlay<'_>) -> bool {
    let changed = SESSION.rotate(state).unwrap();
    SESSION.try_state(state).unwrap();
    changed
}

#[test]
fn who_is_disabled_misses_the_two_sets_that_were_frozen_and_may_come_back_after_them() {
    with_genesis(powers(&[1, 1, 1, 1, 1, 1]), |state| {
        let set = powers(&[1, 1, 1, 1, 1, 1]);
        SESSION.announce(state, set.clone()).unwrap();
        let told = Event::ValidatorDisabled { validator: account(2) };
        assert_eq!(disable(state, 2), [told], "it is told once");
        assert_eq!(disable(state, 2), []);
        assert_eq!(DISABLED_VALIDATORS.get(state), Ok(Some(vec![1])));
        assert_eq!(members(state), [1, 2, 3, 4, 5, 6], "this session goes on");
        assert_eq!(SESSION.next(state).unwrap().len(), 5);
        assert!(rotate(state));
        assert_eq!(members(state), [1, 3, 4, 5, 6]);
        assert_eq!(DISABLED_VALIDATORS.get(state), Ok(None));
        SESSION.announce(state, set.clone()).unwrap();
        assert!(rotate(state));
        assert_eq!(members(state), [1, 3, 4, 5, 6]);
        // Whoever elects had time to leave it out by now, or to take it back.
        SESSION.announce(state, set).unwrap();
        assert!(rotate(state));
        assert_eq!(members(state), [1, 2, 3, 4, 5, 6]);
        assert_eq!(LEAVING.get_or_default(state), Ok(vec![]));
    });
}

#[test]
fn a_fixed_set_loses_who_is_disabled_for_good() {
    with_genesis(powers(&[1, 1, 1, 1]), |state| {
        disable(state, 4);
        assert!(rotate(state));
        assert_eq!((members(state), SESSION.validators(state).unwrap().id), (vec![1, 2, 3], 1));
        for _ in 0..4 {
            assert!(!rotate(state));
        }
        assert_eq!(members(state), [1, 2, 3]);
    });
}

#[test]
fn strangers_may_be_disabled_and_nothing_happens_but_that_they_do_not_come_in() {
    with_genesis(powers(&[1, 1, 1, 1]), |state| {
        assert_eq!(disable(state, 9), []);
        let with_stranger = [powers(&[1, 1, 1]), vec![validator(9, 1)]].concat();
        SESSION.announce(state, with_stranger).unwrap();
        rotate(state);
        assert_eq!(members(state), [1, 2, 3]);
    });
}

#[test]
fn at_most_a_third_of_the_power_is_left_out_first_come_first_served() {
    let left = |set: &[u64], leaving: &[u8]| -> Vec<u8> {
        let leaving: Vec<_> = leaving.iter().map(|number| (account(*number), 0)).collect();
        without(powers(set), &leaving).iter().map(|validator| validator.account.0[0]).collect()
    };
    assert_eq!(left(&[1], &[1]), [1]);
    assert_eq!(left(&[1, 1], &[1, 2]), [1, 2]);
    assert_eq!(left(&[1, 1, 1], &[3, 2, 1]), [1, 2]);
    assert_eq!(left(&[1, 1, 1, 1], &[2, 3]), [1, 3, 4]);
    assert_eq!(
        left(&[10, 1, 1, 1, 1], &[1, 3, 4]),
        [1, 2, 5],
        "who is too heavy stays, and the next ones go"
    );
    assert_eq!(left(&[POWER_TOTAL_MAX / 3; 3], &[1]), [2, 3], "nothing overflows");
}

#[test]
fn the_list_of_those_who_leave_has_a_limit() {
    with_genesis(four(), |state| {
        let many: Vec<_> = (0..LEAVING_MAX).map(|at| (AccountId::from([at as u8; 32]), 2)).collect();
        LEAVING.put(state, &many);
        disable(state, 3);
        assert_eq!(LEAVING.get_or_default(state).unwrap().len(), LEAVING_MAX);
    });
}

proptest! {
    #[test]
    fn what_is_left_can_agree(
        set in prop::collection::vec(1..1_000u64, 1..12),
        leaving in prop::collection::vec(1..14u8, 0..12),
    ) {
        let before: u64 = set.iter().sum();
        let leaving: Vec<_> = leaving.into_iter().map(|number| (account(number), 0)).collect();
        let rest = without(powers(&set), &leaving);
        let after: u64 = rest.iter().map(|validator| validator.power).sum();
        prop_assert!(after * 3 >= before * 2);
        prop_assert!(check(&rest).is_ok());
    }
}
