//! Random lives of referenda: the pallet's invariants hold after each step (`Chain` checks them), and what is approved is
//! enacted once.

use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Step {
    Submit(bool),
    Deposit(u32),
    Votes(u32, Balance, Balance),
    Cancel(u32),
    Kill(u32),
    Refund(u32),
    Blocks(u32),
}

fn step() -> impl Strategy<Value = Step> {
    let index = || 0u32..12;
    prop_oneof![
        4 => any::<bool>().prop_map(Step::Submit),
        4 => index().prop_map(Step::Deposit),
        6 => (index(), 0..1_000u128, 0..1_000u128).prop_map(|(index, ayes, nays)| Step::Votes(index, ayes, nays)),
        1 => index().prop_map(Step::Cancel),
        1 => index().prop_map(Step::Kill),
        2 => index().prop_map(Step::Refund),
        5 => (1u32..12).prop_map(Step::Blocks),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn what_is_approved_is_enacted_once_and_nothing_else_is(steps in proptest::collection::vec(step(), 1..50)) {
        let mut chain = Chain::new();
        for step in steps {
            match step {
                Step::Submit(root) => {
                    let origin = if root { Who::Root } else { Who::Small };
                    chain.submit(origin, &Toy::Write(1, 1)).unwrap();
                }
                Step::Deposit(index) => drop(chain.deposit(index)),
                Step::Votes(index, ayes, nays) => {
                    let known = Referenda::<Toy, Who>::INFO_FOR.get(&chain.state, &index).unwrap();
                    if matches!(known, Some(ReferendumInfo::Ongoing(_))) {
                        chain.votes(index, ayes, nays);
                    }
                }
                Step::Cancel(index) => drop(chain.call_as(Origin::Root, Call::cancel { index })),
                Step::Kill(index) => drop(chain.call_as(Origin::Root, Call::kill { index })),
                Step::Refund(index) => {
                    let _ = chain.call(Call::refund_decision_deposit { index });
                    let _ = chain.call(Call::refund_submission_deposit { index });
                }
                Step::Blocks(count) => chain.to(chain.number + count),
            }
        }
        // Everything ends by itself. A queue of ten takes ten decisions, one after the other.
        chain.to(chain.number + 700);
        let mut approved = Vec::new();
        for entry in Referenda::<Toy, Who>::INFO_FOR.iter(&chain.state) {
            let (index, info) = entry.unwrap();
            prop_assert!(!matches!(info, ReferendumInfo::Ongoing(_)), "{} goes on: {:?}", index, info);
            if matches!(info, ReferendumInfo::Approved(..)) {
                approved.push(Some(decide::enactment_name(index)));
            }
        }
        let mut enacted: Vec<_> = chain.enacted.iter().filter_map(|event| match event {
            scheduler::Event::Dispatched { id, .. } => Some(*id),
            _ => None,
        }).collect();
        approved.sort_unstable();
        enacted.sort_unstable();
        prop_assert_eq!(approved, enacted);
    }
}
