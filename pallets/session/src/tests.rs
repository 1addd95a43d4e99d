//! What makes a set; what each item says; the hand-over from one set to the next. What accounts do with keys is in
//! [`registry`], what becomes of those who are disabled in [`leaving`].

mod leaving;
mod registry;

use alloc::{
    string::{String, ToString},
    vec,
    vec::Vec,
};

use basalt_primitives::{
    Digest, H256, MultiSigner, RuntimeVersion, Weight,
    keys::{Pair, Scheme},
    signature,
};
use basalt_runtime_api::{BlockEnv, BlockLimits};
use basalt_state::{Memory, Overlay};
use basalt_support::{BlockSummary, metadata::PalletMetadata};
use parity_scale_codec::{DecodeAll, Encode};
use proptest::prelude::*;

use super::*;

const LIMITS: BlockLimits = BlockLimits {
    weight_max: Weight::MAX,
    weight_normal_max: Weight::MAX,
    weight_base: Weight::zero(),
    weight_base_transaction: Weight::zero(),
    bytes_max: u32::MAX,
    bytes_normal_max: u32::MAX,
};
const SYSTEM: System =
    System { index: 0, limits: LIMITS, ss58_prefix: 42, version: || RuntimeVersion::default() };
const SESSION: Session = Session { index: 6, system: SYSTEM };
const GRANDPA: Grandpa = Grandpa { index: 7 };
const SUMMARY: BlockSummary = BlockSummary {
    weight_normal: Weight::zero(),
    weight_operational: Weight::zero(),
    weight_mandatory: Weight::zero(),
    weight_normal_max: Weight::MAX,
    transactions: 0,
    bytes: 0,
};

/// Something that happens in a block. The rest of the result says which pallet told what.
fn in_block<R>(
    state: &mut Overlay<'_>,
    number: u32,
    body: impl FnOnce(&mut Context<'_, '_>) -> R,
) -> (R, Vec<Event>) {
    let env = BlockEnv { number, parent_hash: H256::zero(), digest: Digest::default(), author: None };
    let mut ctx = Context::new(state, &env, None);
    let result = body(&mut ctx);
    let events = ctx.into_events();
    let ours = events.iter().filter(|event| event.bytes.first() == Some(&6));
    let decoded = ours.map(|event| Event::decode_all(&mut &event.bytes[1..]).unwrap()).collect();
    (result, decoded)
}

fn public(scheme: Scheme, number: u8, what: u8) -> [u8; 32] {
    match Pair::from_seed(scheme, &[number.max(1), what].repeat(16).try_into().unwrap()).unwrap().public() {
        MultiSigner::Ed25519(key) | MultiSigner::Sr25519(key) => key,
        MultiSigner::Ecdsa(_) => panic!("no key of a validator"),
    }
}

fn validator(number: u8, power: u64) -> Validator {
    Validator {
        account: AccountId::from([number; 32]),
        vote_key: public(Scheme::Ed25519, number, 1),
        vrf_key: public(Scheme::Sr25519, number, 2),
        power,
    }
}

fn four() -> Vec<Validator> {
    (1..=4).map(|number| validator(number, number.into())).collect()
}

fn with_genesis<R>(validators: Vec<Validator>, then: impl FnOnce(&mut Overlay<'_>) -> R) -> R {
    let base = Memory::default();
    let mut state = Overlay::new(&base);
    SESSION.genesis(&mut state, validators).unwrap();
    then(&mut state)
}

#[test]
fn a_chain_without_validators_stores_nothing_and_is_whole() {
    with_genesis(vec![], |state| {
        assert!(state.changes().is_empty());
        assert_eq!(SESSION.validators(state), Ok(ValidatorSet::default()));
        assert_eq!(GRANDPA.authorities(state), Ok(vec![]));
        assert_eq!(SESSION.try_state(state), Ok(()));
    });
}

#[test]
fn what_tools_read_is_the_set() {
    with_genesis(four(), |state| {
        assert_eq!(SESSION.validators(state), Ok(ValidatorSet { id: 0, validators: four() }));
        let accounts: Vec<_> = (1..=4).map(|number| AccountId::from([number; 32])).collect();
        assert_eq!(VALIDATORS.get(state), Ok(Some(accounts)));
        let authorities = GRANDPA.authorities(state).unwrap();
        assert_eq!(authorities.len(), 4);
        assert_eq!(authorities[2], (AuthorityId(public(Scheme::Ed25519, 3, 1)), 3));
        assert_eq!(GRANDPA.current_set_id(state), Ok(0));
        assert_eq!(SESSION.try_state(state), Ok(()));
    });
}

#[test]
fn an_announced_set_takes_over_when_the_session_ends_and_has_the_next_id() {
    with_genesis(four(), |state| {
        assert_eq!(SESSION.rotate(state), Ok(false), "nobody announced a change");
        assert_eq!(CURRENT_INDEX.get(state), Ok(Some(1)));
        assert_eq!(SESSION.validators(state).unwrap().id, 0);

        SESSION.announce(state, vec![validator(9, 1)]).unwrap();
        let next = vec![validator(4, 7), validator(5, 1)];
        SESSION.announce(state, next.clone()).unwrap();
        assert_eq!(SESSION.validators(state).unwrap().validators, four(), "not before the session ends");
        assert_eq!(SESSION.try_state(state), Ok(()));

        assert_eq!(SESSION.rotate(state), Ok(true));
        assert_eq!(SESSION.validators(state), Ok(ValidatorSet { id: 1, validators: next }));
        assert_eq!(GRANDPA.current_set_id(state), Ok(1));
        assert_eq!(GRANDPA.authorities(state).unwrap().len(), 2);
        assert_eq!((CURRENT_INDEX.get(state), NEXT_SET.get(state)), (Ok(Some(2)), Ok(None)));
        assert_eq!(SESSION.try_state(state), Ok(()));
    });
}

#[test]
fn epochs_follow_each_other_without_a_gap_and_end_with_their_last_block() {
    with_genesis(four(), |state| {
        SESSION.genesis_epochs(state, 3);
        let mut began = vec![];
        for number in 1..=9u32 {
            let (start, _) = in_block(state, number, |ctx| SESSION.starts(ctx).unwrap());
            began.extend(start.map(|epoch| (number, epoch)));
            let during = SESSION.epoch(state).unwrap();
            assert!(during.first <= number && Some(number) <= during.last(), "{number}: {during:?}");
            assert_eq!(SESSION.epoch_of(state, number), Ok(during.index));
            if start == Some(1) {
                SESSION.announce(state, vec![validator(4, 7), validator(5, 1)]).unwrap();
            }
            let (_, told) = in_block(state, number, |ctx| SESSION.end_block(ctx, &SUMMARY).unwrap());
            let wanted = number.is_multiple_of(3).then_some(Event::NewSession { session_index: number / 3 });
            assert_eq!(told, Vec::from_iter(wanted));
            // The state after block 6 names those who decide block 7.
            assert_eq!(SESSION.validators(state).unwrap().id, u64::from(number >= 6), "after block {number}");
            assert_eq!(SESSION.try_state(state), Ok(()));
        }
        assert_eq!(began, [(1, 0), (4, 1), (7, 2)]);
        assert_eq!(SESSION.set_by_id(state, 0).unwrap().unwrap().0, 0);
        assert_eq!(SESSION.set_by_id(state, 1).unwrap().unwrap().0, 2, "it began in epoch 2");
    });
}

#[test]
fn without_a_length_the_first_epoch_never_ends() {
    with_genesis(four(), |state| {
        for number in [1, 2, 3, 1_000, u32::MAX] {
            let (start, told) = in_block(state, number, |ctx| {
                SESSION.end_block(ctx, &SUMMARY).unwrap();
                SESSION.starts(ctx).unwrap()
            });
            assert_eq!((start, told), ((number == 1).then_some(0), vec![]));
            assert_eq!(SESSION.epoch_of(state, number), Ok(0));
        }
    });
}

#[test]
fn old_sets_are_remembered_up_to_a_number() {
    with_genesis(four(), |state| {
        for _ in 0..HISTORY_SETS + 3 {
            SESSION.announce(state, four()).unwrap();
            SESSION.rotate(state).unwrap();
        }
        let newest = u64::from(HISTORY_SETS) + 3;
        let known = |id| SESSION.set_by_id(state, id).unwrap();
        assert_eq!(known(3), None);
        let (epoch, set) = known(4).unwrap();
        assert_eq!((epoch, set.id, set.validators.len()), (4, 4, 4));
        assert_eq!(known(newest).unwrap().1, SESSION.validators(state).unwrap());
        assert_eq!(known(newest + 1), None);
        assert_eq!(SESSION.try_state(state), Ok(()));
    });
}

#[test]
fn nobody_can_be_announced_as_the_next_set() {
    with_genesis(four(), |state| {
        assert_eq!(SESSION.announce(state, vec![]), Err(SetError::Empty));
        assert!(SESSION.announce(state, vec![validator(1, 0)]).is_err());
        assert_eq!(NEXT_SET.get(state), Ok(None));
    });
}

#[test]
fn counters_that_ran_out_stop_the_node_and_never_wrap() {
    with_genesis(four(), |state| {
        SESSION.announce(state, four()).unwrap();
        CURRENT_SET.put(state, &ValidatorSet { id: u64::MAX, validators: four() });
        assert!(SESSION.rotate(state).unwrap_err().to_string().contains("set id"));
        CURRENT_INDEX.put(state, &u32::MAX);
        assert!(SESSION.rotate(state).unwrap_err().to_string().contains("session index"));
    });
}

#[test]
fn each_rule_names_the_entry_that_breaks_it() {
    let bad = |change: &dyn Fn(&mut Vec<Validator>)| {
        let mut list = four();
        change(&mut list);
        match check(&list).unwrap_err() {
            SetError::Entry { position, account, fault } => {
                assert_eq!(account, list[position - 1].account);
                (position, fault)
            }
            other => panic!("{other}"),
        }
    };
    // No point of the curve has this y-coordinate, and Ristretto takes no encoding above the field's order.
    let no_vote_key = (0..=255).map(|byte| [byte; 32]).find(|key| !signature_of_ed25519(key)).unwrap();
    assert_eq!(bad(&|list| list[3].account = list[1].account), (4, Fault::SameAccount(2)));
    assert_eq!(bad(&|list| list[2].vote_key = list[0].vote_key), (3, Fault::SameVoteKey(1)));
    assert_eq!(bad(&|list| list[3].vrf_key = list[2].vrf_key), (4, Fault::SameVrfKey(3)));
    assert_eq!(bad(&|list| list[0].vote_key = no_vote_key), (1, Fault::BadVoteKey));
    assert_eq!(bad(&|list| list[1].vrf_key = [255; 32]), (2, Fault::BadVrfKey));
    assert_eq!(bad(&|list| list[1].power = 0), (2, Fault::NoPower));
    assert_eq!(
        bad(&|list| list[3].power = POWER_TOTAL_MAX - 5),
        (4, Fault::PowerTooLarge(POWER_TOTAL_MAX - 5))
    );
    assert_eq!(bad(&|list| list[3].power = u64::MAX), (4, Fault::PowerTooLarge(u64::MAX)));
    let mut fits = four();
    fits[3].power = POWER_TOTAL_MAX - 6;
    assert_eq!(check(&fits), Ok(()));
    let text = SetError::Entry { position: 2, account: four()[1].account, fault: Fault::NoPower }.to_string();
    assert!(
        text.contains("validator 2") && text.contains("5C7LYpP2ZH3tpKbvVvwiVe54AapxErdPBbvkYhe6y9ZBkqWt"),
        "{text}"
    );
}

fn signature_of_ed25519(key: &[u8; 32]) -> bool {
    basalt_primitives::signature::is_ed25519_public(key)
}

#[test]
fn a_set_has_a_limit() {
    let one = validator(1, 1);
    let count = VALIDATORS_MAX as usize + 1;
    assert_eq!(check(&vec![one; count]), Err(SetError::TooMany(count)));
}

#[test]
fn try_state_sees_every_item_that_disagrees() {
    let broken = |change: &dyn Fn(&mut Overlay<'_>)| {
        with_genesis(four(), |state| {
            change(state);
            SESSION.try_state(state).unwrap_err()
        })
    };
    for (text, wanted) in [
        (broken(&|state| VALIDATORS.remove(state)), "Validators"),
        (broken(&|state| grandpa::CURRENT_SET_ID.put(state, &1)), "Grandpa.CurrentSetId"),
        (broken(&|state| grandpa::AUTHORITIES.put(state, &vec![])), "Grandpa.Authorities"),
        (broken(&|state| QUEUED_KEYS.remove(state)), "QueuedKeys"),
        (broken(&|state| HISTORICAL_SETS.remove(state, &0)), "HistoricalSets"),
        (broken(&|state| DISABLED_VALIDATORS.put(state, &vec![4])), "DisabledValidators"),
        (broken(&|state| DISABLED_VALIDATORS.put(state, &vec![2, 1])), "DisabledValidators"),
        (
            broken(&|state| {
                NEXT_KEYS.put(state, &four()[0].account, &SessionKeys { grandpa: [1; 32], vrf: [2; 32] })
            }),
            "KeyOwner does not say",
        ),
        (
            broken(&|state| KEY_OWNER.put(state, &(KEY_TYPE_VRF, vec![1; 32]), &four()[0].account)),
            "KeyOwner has 1 keys",
        ),
        (broken(&|state| NEXT_SET.put(state, &vec![])), "NextSet is empty"),
        (broken(&|state| NEXT_SET.put(state, &vec![validator(1, 0)])), "NextSet: validator 1"),
        (
            broken(&|state| {
                CURRENT_SET.put(state, &ValidatorSet { id: 0, validators: vec![validator(1, 0)] })
            }),
            "CurrentSet: validator 1",
        ),
    ] {
        assert!(text.contains(wanted), "{text}");
    }
}

#[test]
fn names_and_keys_are_those_that_tools_know() {
    let hex = |key: Vec<u8>| key.iter().map(|byte| alloc::format!("{byte:02x}")).collect::<String>();
    // twox128("Session") ++ twox128("Validators"), and the same of GRANDPA, as on Substrate's chains.
    assert_eq!(hex(VALIDATORS.key()), "cec5070d609dd3497f72bde07fc96ba088dcde934c658227ee1dfafcd6e16903");
    assert_eq!(hex(CURRENT_INDEX.key()), "cec5070d609dd3497f72bde07fc96ba072763800a36a99fdfc7c10f6415f6ee6");
    assert_eq!(
        hex(NEXT_KEYS.prefix()),
        "cec5070d609dd3497f72bde07fc96ba04c014e6bf8b8c2c011e7290b85696bb3",
        "of Polkadot"
    );
    assert_eq!(
        hex(grandpa::CURRENT_SET_ID.key()),
        "5f9cc45b7a00c5899361e1c6099678dc8a2d09463effcc78a22d75b9cb87dffc"
    );
    assert_eq!(
        hex(grandpa::AUTHORITIES.key()),
        "5f9cc45b7a00c5899361e1c6099678dc5e0621c4869aa60c02be9adcc98a0d1d"
    );
    let names = |metadata: PalletMetadata| {
        (metadata.name, metadata.storage.iter().map(|entry| entry.name).collect::<Vec<_>>())
    };
    assert_eq!(
        names(SESSION.metadata()),
        (
            "Session",
            vec![
                "Validators",
                "CurrentIndex",
                "QueuedKeys",
                "DisabledValidators",
                "NextKeys",
                "KeyOwner",
                "CurrentSet",
                "NextSet",
                "Leaving",
                "HistoricalSets",
                "EpochLength"
            ]
        )
    );
    assert_eq!(names(GRANDPA.metadata()), ("Grandpa", vec!["CurrentSetId", "Authorities"]));
}

#[test]
fn session_keys_are_both_keys_one_after_the_other() {
    let keys = SessionKeys { grandpa: [1; 32], vrf: [2; 32] };
    assert_eq!(keys.encode(), [[1; 32], [2; 32]].concat());
    assert_eq!(SessionKeys::decode_all(&mut keys.encode().as_slice()), Ok(keys));
    assert_eq!(keys.raw(), [(vec![1; 32], KeyTypeId(*b"gran")), (vec![2; 32], KeyTypeId(*b"bvrf"))]);
}

proptest! {
    /// A list is accepted exactly if a naive reading of the rules says so.
    #[test]
    fn check_agrees_with_the_rules_spelled_out(
        entries in prop::collection::vec((1..6u8, 1..6u8, 1..6u8, prop_oneof![0..3u64, (1u64 << 59)..(1 << 61)]), 0..5),
    ) {
        let list: Vec<Validator> = entries
            .iter()
            .map(|(account, vote, vrf, power)| Validator {
                account: AccountId::from([*account; 32]),
                vote_key: public(Scheme::Ed25519, *vote, 1),
                vrf_key: public(Scheme::Sr25519, *vrf, 2),
                power: *power,
            })
            .collect();
        let twice = |field: fn(&(u8, u8, u8, u64)) -> u8| {
            entries.iter().enumerate().any(|(at, one)| entries[..at].iter().any(|other| field(one) == field(other)))
        };
        let sum: u128 = entries.iter().map(|entry| u128::from(entry.3)).sum();
        let right = !twice(|entry| entry.0) && !twice(|entry| entry.1) && !twice(|entry| entry.2)
            && entries.iter().all(|entry| entry.3 > 0) && sum < 1 << 61;
        prop_assert_eq!(check(&list).is_ok(), right);
    }
}
