//! Reports of validators that signed twice: with a signature and without, in blocks, in the pool's eyes, and what they cost.

use basalt_pallet_offences::{self as pallet, Error, grandpa};
use basalt_pallet_session::AuthorityId;
use basalt_pallet_staking::{Event as StakingEvent, LEDGER};
use basalt_primitives::{
    AccountId, H256, InvalidTransaction, MultiSignature, MultiSigner, Pays, Perbill,
    TransactionValidityError, extrinsic,
    keys::{Pair, Scheme},
    votes::{Contradiction, Evidence, Place, Signed, grandpa_round},
};
use basalt_runtime::{
    BalancesGenesis, GenesisConfig, KeysGenesis, RuntimeCall, RuntimeEvent, SessionGenesis, StakerStatus,
    StakingConfig, TREASURY_ACCOUNT, UNIT,
};
use basalt_runtime_api::{Runtime as _, ValidateError};
use basalt_support::Origin;
use basalt_test_kit::{Ledger, Sender, measure};
use parity_scale_codec::Encode;

use crate::world::{decoded, module, reason, transfer};

const STAKE: u128 = 100 * UNIT;
const EPOCH: u32 = 4;

/// Who validates, in the order of their places here.
const NAMES: [&str; 4] = ["Alice", "Bob", "Charlie", "Dave"];

fn vote_pair(name: &str) -> Pair {
    Pair::from_suri(Scheme::Ed25519, &format!("//{name}")).unwrap()
}

fn public(pair: &Pair) -> [u8; 32] {
    match pair.public() {
        MultiSigner::Ed25519(key) | MultiSigner::Sr25519(key) => key,
        MultiSigner::Ecdsa(_) => panic!("no key of a validator"),
    }
}

fn sign(name: &str, payload: &[u8]) -> [u8; 64] {
    match vote_pair(name).sign(payload) {
        MultiSignature::Ed25519(signature) => signature,
        other => panic!("{other:?}"),
    }
}

fn account(name: &str) -> AccountId {
    Sender::dev(name).account()
}

/// Four validators with one stake each, and Eve behind //Bob. Ferdie makes the blocks.
fn ledger() -> Ledger {
    let keys = NAMES.map(|name| {
        let vrf = Pair::from_suri(Scheme::Sr25519, &format!("//{name}//vrf")).unwrap();
        let keys = KeysGenesis { grandpa: H256(public(&vote_pair(name))), vrf: H256(public(&vrf)) };
        (account(name), keys)
    });
    let everybody = [&NAMES[..], &["Eve", "Ferdie"]].concat();
    let balances = everybody.iter().map(|name| (account(name), (2 * STAKE).into()));
    let validators = NAMES.iter().map(|name| (account(name), STAKE.into(), StakerStatus::Validator));
    let eve = (account("Eve"), STAKE.into(), StakerStatus::Nominator(vec![account("Bob")]));
    let mut ledger = Ledger::new(&GenesisConfig {
        balances: BalancesGenesis { balances: balances.chain([(TREASURY_ACCOUNT, UNIT.into())]).collect() },
        session: SessionGenesis { keys: keys.to_vec(), epoch_length: EPOCH, ..SessionGenesis::default() },
        staking: StakingConfig {
            stakers: validators.chain([eve]).collect(),
            minimum_validator_count: 1,
            slash_reward_fraction: 100_000_000,
            bonding_duration: Some(6),
            slash_defer_duration: Some(1),
            ..StakingConfig::default()
        },
        ..GenesisConfig::default()
    });
    ledger.author = Some(account("Ferdie"));
    ledger
}

/// Two precommits of one round.
fn evidence(ledger: &Ledger, name: &str, place: Place) -> Evidence {
    let vote = |block: u8| {
        let content = Some(H256([block; 32]));
        Signed { content, signature: sign(name, &place.precommit(&ledger.genesis_hash, content)) }
    };
    let contradiction = Contradiction::Precommits(vote(1), vote(2));
    Evidence { place, key: public(&vote_pair(name)), contradiction }
}

fn at(height: u64) -> Place {
    Place { set_id: 0, height, round: 1 }
}

fn report(evidence: Evidence) -> RuntimeCall {
    RuntimeCall::Offences(pallet::Call::report { evidence: Box::new(evidence) })
}

fn bare(call: &RuntimeCall) -> Vec<u8> {
    extrinsic::encode_bare(&call.encode())
}

/// What a pool is told about it.
fn verdict(ledger: &Ledger, bytes: Vec<u8>) -> Result<Vec<Vec<u8>>, (InvalidTransaction, String)> {
    let transaction = ledger.verify(bytes).unwrap();
    match ledger.runtime.validate(&transaction, &ledger.head()) {
        Ok(validity) => {
            assert_eq!((validity.priority, validity.propagate), (u64::MAX, true));
            Ok(validity.provides)
        }
        Err(ValidateError::Refused(refusal)) => match refusal.error {
            TransactionValidityError::Invalid(error) => Err((error, refusal.detail)),
            other => panic!("{other}"),
        },
        Err(other) => panic!("{other}"),
    }
}

fn stake(ledger: &Ledger, name: &str) -> u128 {
    LEDGER.get(&ledger.state, &account(name)).unwrap().unwrap().total
}

#[test]
fn a_report_without_a_signature_punishes_all_who_stand_behind_the_offender() {
    let mut ledger = ledger();
    ledger.block(vec![]).unwrap();
    let bytes = ledger.runtime.report(&evidence(&ledger, "Bob", at(2))).unwrap();
    assert_eq!(bytes, bare(&report(evidence(&ledger, "Bob", at(2)))));
    let provides = verdict(&ledger, bytes.clone()).unwrap();
    assert_eq!(provides.len(), 1);
    let executed = ledger.block(vec![bytes.clone()]).unwrap();
    let receipt = executed.receipts.last().unwrap();
    assert_eq!((receipt.result, receipt.fee, receipt.info.pays_fee), (Ok(()), 0, Pays::No));
    let fraction = Perbill::from_parts(562_500_000);
    let events = decoded(&receipt.events);
    let timeslot = pallet::time_slot(&at(2));
    let offence = pallet::Event::Offence { kind: *b"grandpa:equivoca", timeslot };
    let slash = StakingEvent::SlashReported { validator: account("Bob"), fraction, slash_era: 0 };
    assert!(events.contains(&RuntimeEvent::Offences(offence)), "{events:?}");
    assert!(events.contains(&RuntimeEvent::Staking(slash)), "{events:?}");

    // The same once more is refused by pools, and makes a block invalid.
    let (error, detail) = verdict(&ledger, bytes.clone()).unwrap_err();
    assert_eq!((error, detail.as_str()), (InvalidTransaction::Stale, Error::AlreadyReported.sentence()));
    assert_eq!(reason(ledger.block(vec![bytes])), (0, InvalidTransaction::Stale));

    let reporter = |ledger: &Ledger| {
        basalt_runtime::SYSTEM.account(&ledger.state, &account("Ferdie")).unwrap().data.free
    };
    let before = reporter(&ledger);
    while ledger.number < 2 * EPOCH {
        ledger.block(vec![]).unwrap();
    }
    // Nine sixteenths, in the epoch after the report.
    for name in ["Bob", "Eve"] {
        assert_eq!(stake(&ledger, name), STAKE - STAKE / 16 * 9, "{name}");
    }
    for name in ["Alice", "Charlie", "Dave"] {
        assert_eq!(stake(&ledger, name), STAKE, "{name}");
    }
    // A tenth of that is its block's author's, who brought it.
    assert_eq!(reporter(&ledger) - before, 2 * (STAKE / 16 * 9) / 10);
    // And it decides no more.
    let set = ledger.runtime.validators(&ledger.state).unwrap();
    let members: Vec<_> = set.validators.iter().map(|one| one.account).collect();
    assert!(!members.contains(&account("Bob")) && members.len() == 3, "{members:?}");
}

#[test]
fn what_proves_nothing_is_in_no_block_and_pools_say_why() {
    let mut ledger = ledger();
    ledger.block(vec![]).unwrap();
    let good = evidence(&ledger, "Bob", at(1));
    let Contradiction::Precommits(first, second) = good.contradiction else { panic!() };
    let with = |contradiction| Evidence { contradiction, ..good };
    for (wrong, error, name) in [
        (with(Contradiction::Precommits(first, first)), InvalidTransaction::BadProof, Error::NoContradiction),
        (with(Contradiction::Prevotes(first, second)), InvalidTransaction::BadProof, Error::BadSignature),
        (Evidence { key: [5; 32], ..good }, InvalidTransaction::BadProof, Error::NotAValidator),
        (
            evidence(&ledger, "Bob", Place { set_id: 1, ..at(1) }),
            InvalidTransaction::BadProof,
            Error::WrongSet,
        ),
        (evidence(&ledger, "Bob", at(3)), InvalidTransaction::Future, Error::TooEarly),
    ] {
        let bytes = bare(&report(wrong));
        let (refused, detail) = verdict(&ledger, bytes.clone()).unwrap_err();
        assert_eq!((refused, detail.as_str()), (error, name.sentence()));
        assert_eq!(reason(ledger.block(vec![bytes])), (0, error), "{name:?}");
    }
    // Nothing else comes without a signature, and says so as before.
    for call in [transfer(account("Eve"), UNIT), grandpa_call(&good, true)] {
        let (error, detail) = verdict(&ledger, bare(&call)).unwrap_err();
        assert_eq!(error, InvalidTransaction::Call);
        assert_eq!(detail, "inherents are made by block authors and cannot be sent");
        assert_eq!(reason(ledger.block(vec![bare(&call)])), (0, InvalidTransaction::Call));
    }
}

#[test]
fn a_builder_takes_one_report_of_an_offence_and_those_of_others() {
    let mut ledger = ledger();
    ledger.block(vec![]).unwrap();
    let bob = evidence(&ledger, "Bob", at(1));
    let Contradiction::Precommits(first, second) = bob.contradiction else { panic!() };
    let turned = Evidence { contradiction: Contradiction::Precommits(second, first), ..bob };
    let mut eve = Sender::dev("Eve");
    let paid = eve.sign(ledger.genesis_hash, &transfer(account("Alice"), UNIT));
    let candidates: Vec<_> = [
        bare(&report(bob)),
        bare(&report(turned)),
        bare(&grandpa_call(&bob, false)),
        bare(&report(evidence(&ledger, "Dave", at(1)))),
        paid,
    ]
    .into_iter()
    .map(|bytes| ledger.verify(bytes).unwrap())
    .collect();
    let built = ledger.build(&candidates, &|| false);
    let included: Vec<_> = built.included.iter().map(|one| one.hash).collect();
    let inherents = included.len() - 3;
    assert_eq!(included[inherents..], [candidates[0].hash, candidates[3].hash, candidates[4].hash]);
    let stale = TransactionValidityError::Invalid(InvalidTransaction::Stale);
    assert_eq!(built.refused, [(candidates[1].hash, stale), (candidates[2].hash, stale)]);
    // Two of four are more than a third: everything.
    while ledger.number < 2 * EPOCH {
        ledger.block(vec![]).unwrap();
    }
    for name in ["Bob", "Dave", "Eve"] {
        let left = LEDGER.get(&ledger.state, &account(name)).unwrap().map_or(0, |ledger| ledger.total);
        assert_eq!(left, 0, "{name}");
    }
}

/// Two precommits as GRANDPA's tools report them.
fn grandpa_call(evidence: &Evidence, signed: bool) -> RuntimeCall {
    let Contradiction::Precommits(first, second) = evidence.contradiction else { panic!() };
    let target_number = u32::try_from(evidence.place.height).unwrap();
    let vote = |one: Signed<Option<H256>>| {
        (grandpa::Vote { target_hash: one.content.unwrap(), target_number }, one.signature)
    };
    let pair = grandpa::Pair {
        round_number: grandpa_round(evidence.place.height, evidence.place.round),
        identity: AuthorityId(evidence.key),
        first: vote(first),
        second: vote(second),
    };
    let equivocation = grandpa::Equivocation::Precommit(pair);
    let set_id = evidence.place.set_id;
    let equivocation_proof = Box::new(grandpa::EquivocationProof { set_id, equivocation });
    let key_owner_proof = grandpa::MembershipProof::default();
    RuntimeCall::Grandpa(if signed {
        grandpa::Call::report_equivocation { equivocation_proof, key_owner_proof }
    } else {
        grandpa::Call::report_equivocation_unsigned { equivocation_proof, key_owner_proof }
    })
}

#[test]
fn who_signs_a_report_pays_nothing_if_it_is_right() {
    let mut ledger = ledger();
    ledger.block(vec![]).unwrap();
    let mut eve = Sender::dev("Eve");
    let free =
        |ledger: &Ledger| basalt_runtime::SYSTEM.account(&ledger.state, &account("Eve")).unwrap().data.free;
    let before = free(&ledger);
    let bob = evidence(&ledger, "Bob", at(1));
    for call in [report(bob), grandpa_call(&evidence(&ledger, "Dave", at(2)), true)] {
        let signed = eve.sign(ledger.genesis_hash, &call);
        let executed = ledger.block(vec![signed]).unwrap();
        let receipt = executed.receipts.last().unwrap();
        assert_eq!((receipt.result, receipt.fee), (Ok(()), 0));
        assert_eq!(free(&ledger), before);
    }
    // The second time it fails, and is paid.
    for (call, error) in [(report(bob), module(11, 6)), (grandpa_call(&bob, true), module(7, 6))] {
        let before = free(&ledger);
        let signed = eve.sign(ledger.genesis_hash, &call);
        let executed = ledger.block(vec![signed]).unwrap();
        let receipt = executed.receipts.last().unwrap();
        assert_eq!(receipt.result, Err(error));
        // What the first reports earned may arrive meanwhile.
        assert!(receipt.fee > 0 && free(&ledger) >= before - receipt.fee);
    }
}

#[test]
fn tools_of_grandpa_find_whose_a_key_is() {
    let mut ledger = ledger();
    ledger.block(vec![]).unwrap();
    let ask = |set_id: u64, key: [u8; 32]| -> Option<Vec<u8>> {
        let header = basalt_primitives::Header { number: ledger.number, ..Default::default() };
        let mut state = basalt_state::Overlay::new(&ledger.state);
        let name = "GrandpaApi_generate_key_ownership_proof";
        let answer = ledger.runtime.call(name, &(set_id, key).encode(), &header, &mut state).unwrap();
        parity_scale_codec::DecodeAll::decode_all(&mut answer.as_slice()).unwrap()
    };
    let key = public(&vote_pair("Bob"));
    let proof = grandpa::MembershipProof { session: 0, trie_nodes: vec![], validator_count: 4 };
    assert_eq!(ask(0, key), Some(proof.encode()));
    assert_eq!(ask(1, key), None);
    assert_eq!(ask(0, [7; 32]), None);
}

#[test]
fn a_report_weighs_what_it_says_alone_and_as_one_of_many() {
    let mut ledger = ledger();
    ledger.block(vec![]).unwrap();
    let env = ledger.env();
    let alone = measure(&ledger.state, &env, Origin::None, report(evidence(&ledger, "Bob", at(1))));
    assert!(alone.result.is_ok() && alone.is_honest(), "{alone:?}");
    ledger.block(vec![bare(&report(evidence(&ledger, "Bob", at(1))))]).unwrap();
    let env = ledger.env();
    let second = measure(&ledger.state, &env, Origin::None, report(evidence(&ledger, "Dave", at(1))));
    assert!(second.result.is_ok() && second.is_honest() && second.declared > alone.declared, "{second:?}");
    let known = measure(&ledger.state, &env, Origin::None, report(evidence(&ledger, "Bob", at(1))));
    assert!(known.result.is_err() && known.is_honest(), "{known:?}");
}

/// The calls of this concern, which everybody may make, on a chain without validators.
pub(crate) fn calls() -> Vec<RuntimeCall> {
    let vote = |block: u8| Signed { content: Some(H256([block; 32])), signature: [0; 64] };
    let evidence =
        Evidence { place: at(1), key: [1; 32], contradiction: Contradiction::Precommits(vote(1), vote(2)) };
    vec![report(evidence), grandpa_call(&evidence, true), grandpa_call(&evidence, false)]
}
