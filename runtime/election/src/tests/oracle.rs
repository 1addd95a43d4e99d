//! The method as the paper states it, in exact fractions, for small cases.

use alloc::{vec, vec::Vec};

use basalt_primitives::{Balance, U256};
use proptest::prelude::*;

use super::{by_stake, winners};
use crate::{Ballot, elect, number};

/// Loads as numerators over one common denominator, which is the product of the approvals of all winners so far: below
/// 2^(6 * 10) for sums of stakes below 2^10, so 256 bits hold every product here.
fn exact(ballot: &Ballot, seats: usize) -> (Vec<u32>, Vec<(u32, u32, Balance)>) {
    let candidates = ballot.candidates();
    let supporters =
        |who: u32| (0..ballot.voters()).filter(move |voter| ballot.targets(*voter).contains(&who));
    let approval = |who: u32| {
        U256::from(ballot.own(who))
            + supporters(who).fold(U256::zero(), |sum, v| sum + U256::from(ballot.stake(v)))
    };
    let mut whole = U256::one();
    let mut load = vec![U256::zero(); ballot.voters() as usize];
    // (voter, candidate, by how much it raised the load).
    let mut raised: Vec<(u32, u32, U256)> = Vec::new();
    let mut elected: Vec<u32> = Vec::new();
    while elected.len() < seats.min(candidates as usize) {
        // (whole + carried) / (approval * whole), compared crosswise.
        let carried = |who: u32| {
            supporters(who).fold(whole, |sum, v| sum + load[v as usize] * U256::from(ballot.stake(v)))
        };
        let mut best: Option<u32> = None;
        for who in (0..candidates).filter(|who| !elected.contains(who)) {
            let better = match best {
                None => true,
                Some(best) if approval(best).is_zero() => !approval(who).is_zero(),
                Some(best) => {
                    !approval(who).is_zero() && carried(who) * approval(best) < carried(best) * approval(who)
                }
            };
            if better {
                best = Some(who);
            }
        }
        let Some(best) = best else { break };
        elected.push(best);
        let by = approval(best);
        if by.is_zero() {
            continue;
        }
        let score = carried(best);
        let backers: Vec<u32> = supporters(best).collect();
        load.iter_mut().for_each(|load| *load *= by);
        raised.iter_mut().for_each(|(_, _, more)| *more *= by);
        whole *= by;
        for voter in backers {
            assert!(score >= load[voter as usize], "the scores of winners never fall");
            raised.push((voter, best, score - load[voter as usize]));
            load[voter as usize] = score;
        }
    }
    let mut shares = Vec::new();
    for voter in 0..ballot.voters() {
        let stake = ballot.stake(voter);
        let mut parts: Vec<(u32, Balance)> = Vec::new();
        for (_, who, more) in raised.iter().filter(|(by, _, _)| *by == voter) {
            // Rounded down, unless less than 2^-16 is missing.
            let (part, whole) = (*more * U256::from(stake), load[voter as usize]);
            parts.push((*who, (((part << 16) + whole) / (whole << 16)).low_u128()));
        }
        if parts.is_empty() || stake == 0 {
            continue;
        }
        if parts.iter().any(|(_, amount)| *amount > 0) {
            parts.retain(|(_, amount)| *amount > 0);
        }
        parts.sort_unstable();
        // The rest, unit by unit, to the smallest that is below average; beyond that in turn.
        let average = stake / parts.len() as Balance;
        let mut order: Vec<usize> = (0..parts.len()).collect();
        order.sort_by_key(|place| (parts[*place].1, *place));
        let mut turn = 0;
        while parts.iter().map(|(_, amount)| amount).sum::<Balance>() < stake {
            let part = &mut parts[order[turn % order.len()]].1;
            *part += 1;
            if *part >= average {
                turn += 1;
            }
        }
        shares.extend(parts.into_iter().filter(|part| part.1 > 0).map(|(who, amount)| (voter, who, amount)));
    }
    (elected, shares)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    /// Few different stakes, so that candidates are often equal.
    #[test]
    fn equals_the_method_in_exact_fractions(
        own in prop::collection::vec(0u128..8, 1..7),
        votes in prop::collection::vec((0u128..60, prop::collection::vec(0u32..6, 0..5)), 0..10),
        seats in 1u32..7,
    ) {
        let mut ballot = Ballot::new(&own).unwrap();
        for (stake, targets) in votes {
            let targets: Vec<u32> = targets.into_iter().filter(|who| *who < number(own.len())).collect();
            ballot.vote(stake, &targets).unwrap();
        }
        let (elected, shares) = exact(&ballot, seats as usize);
        let outcome = elect(&ballot, &by_stake(seats));
        prop_assert_eq!(winners(&outcome), elected);
        let ours: Vec<_> = outcome.shares.iter().map(|share| (share.voter, share.candidate, share.amount)).collect();
        prop_assert_eq!(ours, shares);
    }
}
