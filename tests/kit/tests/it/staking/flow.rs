//! A validator's life, through transactions alone.

use basalt_pallet_staking::Event;
use basalt_runtime::{RuntimeEvent, UNIT};

use super::*;
use crate::world::{as_root, batch_all, decoded};

#[test]
fn a_fifth_bonds_in_one_batch_validates_is_paid_and_leaves() {
    let mut chain = Chain::new();
    assert_eq!(chain.set().len(), 3);
    chain.reach_epoch(1);
    let joined = chain.block(&[(5, batch_all(vec![bond(3 * STAKE), validate(10)]))]);
    assert_eq!(joined[0].result, Ok(()));
    chain.reach_epoch(3);
    assert!(!chain.set().contains(&chain.account(5)));
    chain.reach_epoch(4);
    assert!(chain.set().contains(&chain.account(5)));

    chain.points(&[(5, 20), (0, 20)]);
    chain.reach_epoch(5);
    let payout = of(Call::payout_stakers { validator_stash: chain.account(5), era: 4 });
    let paid = chain.block(&[(3, payout.clone()), (4, payout)]);
    assert_eq!(paid[0].result, Ok(()));
    assert!(paid[1].result.is_err(), "once");
    assert!(paid[0].info.weight.ref_time < 500_000_000, "what a short page does not need is given back");
    // Four seconds, half of the points, all of it its own.
    assert_eq!(chain.total(5), 3 * STAKE + 2 * UNIT);
    let rewarded =
        Event::Rewarded { stash: chain.account(5), dest: RewardDestination::Staked, amount: 2 * UNIT };
    assert!(decoded(&paid[0].events).contains(&RuntimeEvent::Staking(rewarded)));

    let left = chain.block(&[(5, of(Call::chill)), (5, of(Call::unbond { value: Balance::MAX }))]);
    assert!(left.iter().all(|receipt| receipt.result.is_ok()));
    chain.reach_epoch(8);
    assert!(!chain.set().contains(&chain.account(5)));
    let withdraw = || (5, of(Call::withdraw_unbonded { num_slashing_spans: 0 }));
    chain.reach_epoch(10);
    chain.block(&[withdraw()]);
    assert!(chain.total(5) > 0);
    chain.reach_epoch(11);
    chain.block(&[withdraw()]);
    assert_eq!(chain.total(5), 0);
}

#[test]
fn sudo_slashes_and_everybody_behind_the_offender_loses_the_same_share() {
    let mut chain = Chain::new();
    chain.reach_epoch(2);
    let slash = of(Call::manual_slash {
        validator_stash: chain.account(0),
        era: 2,
        slash_fraction: Perbill::from_percent(50),
    });
    assert_eq!(chain.block(&[(0, as_root(slash))])[0].result, Ok(()));
    let (before, exposed) = (chain.total(3), exposure(&chain, 0, 3));
    chain.reach_epoch(3);
    assert_eq!(chain.total(0), STAKE / 2);
    assert_eq!(before - chain.total(3), exposed / 2);
    assert!(exposed > 0);
}

fn exposure(chain: &Chain, validator: usize, nominator: usize) -> Balance {
    let page = staking::ERAS_STAKERS_PAGED
        .get(&chain.ledger.state, &2, &chain.account(validator), &0)
        .unwrap()
        .unwrap();
    let who = chain.account(nominator);
    page.others.iter().find(|other| other.who == who).map_or(0, |other| other.value)
}
