//! Random blocks of stakers' transactions, several a block, with offences, rewards and transfers between them. That all
//! modes agree and all invariants hold is checked in each block; what balances must become, `pallets/staking` checks
//! against a model.

use proptest::prelude::*;

use super::*;
use crate::world::{balances, batch, config};

fn call() -> impl Strategy<Value = RuntimeCall> {
    let account = || (0..NAMES.len()).prop_map(|who| Sender::dev(NAMES[who]).account());
    let amount = || prop_oneof![0..UNIT, 0..2 * STAKE, Just(Balance::MAX)];
    prop_oneof![
        2 => amount().prop_map(bond),
        2 => amount().prop_map(|max_additional| of(Call::bond_extra { max_additional })),
        3 => amount().prop_map(|value| of(Call::unbond { value })),
        2 => amount().prop_map(|value| of(Call::rebond { value })),
        2 => Just(of(Call::withdraw_unbonded { num_slashing_spans: 0 })),
        2 => (0..30u32).prop_map(validate),
        3 => prop::collection::vec(account(), 1..4).prop_map(|targets| {
            of(Call::nominate { targets: targets.into_iter().map(Into::into).collect() })
        }),
        1 => Just(of(Call::chill)),
        1 => account().prop_map(|who| of(Call::kick { who: vec![who.into()] })),
        3 => (account(), 0..8u32).prop_map(|(validator_stash, era)| {
            of(Call::payout_stakers { validator_stash, era })
        }),
        2 => (account(), amount()).prop_map(|(dest, value)| {
            RuntimeCall::Balances(balances::Call::transfer_allow_death { dest: dest.into(), value })
        }),
    ]
}

#[derive(Debug, Clone)]
enum Between {
    Nothing,
    Points(Vec<(usize, u32)>),
    Slash(usize, u32, u32),
}

fn between() -> impl Strategy<Value = Between> {
    prop_oneof![
        4 => Just(Between::Nothing),
        3 => prop::collection::vec((0..NAMES.len(), 1..40u32), 1..4).prop_map(Between::Points),
        1 => (0..NAMES.len(), 0..3u32, 1..60u32).prop_map(|(who, ago, share)| Between::Slash(who, ago, share)),
    ]
}

proptest! {
    #![proptest_config(config(24))]

    #[test]
    fn all_modes_agree_about_random_blocks_of_stakers(
        blocks in prop::collection::vec(
            (between(), prop::collection::vec((0..NAMES.len(), prop::collection::vec(call(), 1..3)), 0..8)),
            1..36,
        ),
    ) {
        let mut chain = Chain::new();
        for (between, calls) in blocks {
            match between {
                Between::Nothing => {}
                Between::Points(points) => chain.points(&points),
                Between::Slash(who, ago, share) => {
                    if let Some(epoch) = (chain.ledger.number / EPOCH).checked_sub(ago).filter(|_| chain.ledger.number > 0) {
                        chain.slash(who, epoch.min(chain.epoch()), share);
                    }
                }
            }
            let calls: Vec<_> = calls.into_iter().map(|(who, mut calls)| match calls.len() {
                1 => (who, calls.remove(0)),
                _ => (who, batch(calls)),
            }).collect();
            chain.build(&calls);
        }
    }
}
