//! Votes for the block below, in the composed runtime: demanded, verified, counted, across the border of an epoch.

use basalt_executor::{ExecuteError, Executed};
use basalt_pallet_authorship::{ATTENDANCE, Call, SIGNATURE_WEIGHT, Votes};
use basalt_primitives::{
    AccountId, H256, InvalidTransaction, MultiSignature, MultiSigner,
    keys::{Pair, Scheme},
    votes::precommit_payload,
};
use basalt_runtime::{GenesisConfig, RuntimeCall, SESSION, SessionGenesis, ValidatorGenesis};
use basalt_runtime_api::{
    Certificate, InherentData, InherentError, Runtime as _, Validator, ValidatorSet, Verified,
};
use basalt_state::Overlay;
use basalt_support::Origin;
use basalt_test_kit::{Ledger, measure};
use parity_scale_codec::DecodeAll;

use crate::world::{batch, reason};

fn pair(scheme: Scheme, number: u8) -> Pair {
    Pair::from_seed(scheme, &[number; 32]).unwrap()
}

fn public(pair: &Pair) -> [u8; 32] {
    match pair.public() {
        MultiSigner::Ed25519(key) | MultiSigner::Sr25519(key) => key,
        MultiSigner::Ecdsa(_) => panic!("no key of a validator"),
    }
}

fn validator(number: u8, power: u64) -> Validator {
    Validator {
        account: AccountId::from([number; 32]),
        vote_key: public(&pair(Scheme::Ed25519, number)),
        vrf_key: public(&pair(Scheme::Sr25519, number)),
        power,
    }
}

/// Validators 1 to 4, of equal power, in epochs of five blocks.
fn chain() -> Ledger {
    let validators = (1..=4).map(|number| {
        let Validator { account, vote_key, vrf_key, power } = validator(number, 1);
        ValidatorGenesis { account, vote_key: H256(vote_key), vrf_key: H256(vrf_key), power }
    });
    let session =
        SessionGenesis { validators: validators.collect(), epoch_length: 5, ..SessionGenesis::default() };
    Ledger::new(&GenesisConfig { session, ..GenesisConfig::default() })
}

/// The votes of these validators for the last block, as members of this set.
fn certificate(ledger: &Ledger, set: u64, voters: &[u8]) -> Certificate {
    let payload = precommit_payload(ledger.number, 0, set, &ledger.hash);
    let vote = |number: &u8| {
        let pair = pair(Scheme::Ed25519, *number);
        let MultiSignature::Ed25519(signature) = pair.sign(&payload) else { panic!("not Ed25519") };
        (public(&pair), signature)
    };
    Certificate { round: 0, signatures: voters.iter().map(vote).collect() }
}

fn now(ledger: &Ledger) -> u64 {
    u64::from(ledger.number + 1) * 10_000
}

/// The transactions of a block with these votes, if they are such that belong there.
fn transactions(ledger: &Ledger, certificate: &Certificate) -> Vec<Verified> {
    let votes = ledger.runtime.votes(certificate, &ledger.state).unwrap();
    let data = InherentData { timestamp: now(ledger), votes };
    let inherents = ledger.runtime.inherents(&data).into_iter();
    inherents.map(|bytes| ledger.verify(bytes).unwrap()).collect()
}

/// As an importer does: checks, then executes, in all modes.
fn import(ledger: &mut Ledger, transactions: &[Verified]) -> Result<Executed, ExecuteError> {
    ledger.runtime.check_inherents(transactions, &InherentData::at(now(ledger))).unwrap();
    ledger.runtime.check_inherents_on(transactions, &ledger.state).unwrap().unwrap();
    ledger.block_of(transactions)
}

/// A block as the node makes it. The certificate of the last block is of the set with this id.
fn block(ledger: &mut Ledger, set: u64, voters: &[u8]) {
    let block = transactions(ledger, &certificate(ledger, set, voters));
    assert_eq!(block.len(), if ledger.number == 0 { 1 } else { 2 });
    import(ledger, &block).unwrap();
}

fn set(ledger: &Ledger) -> ValidatorSet {
    ledger.runtime.validators(&ledger.state).unwrap()
}

#[test]
fn blocks_hold_the_votes_for_the_block_below_and_are_refused_without() {
    let mut ledger = chain();
    block(&mut ledger, 0, &[]);
    for _ in 0..2 {
        let without = transactions(&ledger, &Certificate::default());
        assert_eq!(without.len(), 1, "no votes are none that decide");
        let lacks = Err(InherentError::Missing("authorship.note_votes"));
        assert_eq!(ledger.runtime.check_inherents_on(&without, &ledger.state), Ok(lacks));
        block(&mut ledger, 0, &[1, 2, 4]);
    }
    let attendance = ATTENDANCE.get(&ledger.state).unwrap().unwrap();
    assert_eq!((attendance.certificates, attendance.missed), (2, vec![0, 0, 2, 0]));
}

#[test]
fn a_chain_of_one_node_needs_no_votes_and_takes_none() {
    let mut ledger = Ledger::dev();
    ledger.block(vec![]).unwrap();
    let without = transactions(&ledger, &certificate(&ledger, 0, &[1]));
    assert_eq!(without.len(), 1);
    assert_eq!(ledger.runtime.check_inherents_on(&without, &ledger.state), Ok(Ok(())));
    // Votes of a chain that has validators.
    let mut other = chain();
    block(&mut other, 0, &[]);
    let theirs = transactions(&other, &certificate(&other, 0, &[1, 2, 3]));
    let result = import(&mut ledger, &theirs);
    assert_eq!(reason(result), (0, InvalidTransaction::BadMandatory));
}

#[test]
fn votes_that_are_wrong_make_the_block_invalid() {
    let mut ledger = chain();
    block(&mut ledger, 0, &[]);
    let good = transactions(&ledger, &certificate(&ledger, 0, &[1, 2, 3]));
    let data = InherentData::at(now(&ledger));
    // Twice, or not in their place.
    let twice = [good.clone(), vec![good[1].clone()]].concat();
    let misplaced = |index| Err(InherentError::Misplaced { index });
    assert_eq!(ledger.runtime.check_inherents(&twice, &data), misplaced(2));
    let swapped = [good[1].clone(), good[0].clone()];
    let missing = Err(InherentError::Missing("timestamp.set"));
    assert_eq!(ledger.runtime.check_inherents(&swapped, &data), missing);
    assert_eq!(reason(ledger.block_of(&twice)), (1, InvalidTransaction::BadMandatory), "even if not checked");
    // In something else.
    let votes = |change: &dyn Fn(&mut Votes)| {
        let bytes =
            ledger.runtime.votes(&certificate(&ledger, 0, &[1, 2, 3]), &ledger.state).unwrap().unwrap();
        let mut votes = Votes::decode_all(&mut &bytes[..]).unwrap();
        change(&mut votes);
        RuntimeCall::Authorship(Call::note_votes { votes })
    };
    let bare = |call: &RuntimeCall| {
        let call = parity_scale_codec::Encode::encode(call);
        ledger.verify(basalt_primitives::extrinsic::encode_bare(&call)).unwrap()
    };
    let hidden = [good[0].clone(), bare(&batch(vec![votes(&|_| {})]))];
    assert_eq!(ledger.runtime.check_inherents(&hidden, &data), misplaced(1));
    // Forged, for another block, of others, too few.
    let stranger = {
        let mut certificate = certificate(&ledger, 0, &[1, 2, 9]);
        certificate.signatures[2].0 = validator(3, 1).vote_key;
        transactions(&ledger, &certificate)
    };
    let forged = vec![good[0].clone(), bare(&votes(&|votes| votes.signatures[0][0] ^= 1))];
    let rounds = vec![good[0].clone(), bare(&votes(&|votes| votes.round = 1))];
    let few = vec![
        good[0].clone(),
        bare(&votes(&|votes| {
            votes.voters = vec![3];
            votes.signatures.pop();
        })),
    ];
    let oversized = vec![
        good[0].clone(),
        bare(&votes(&|votes| {
            votes.voters = vec![255; 50];
            votes.signatures = vec![[7; 64]; 400];
        })),
    ];
    let of_next_set = transactions(&ledger, &certificate(&ledger, 1, &[1, 2, 3]));
    for (name, wrong) in [
        ("forged", forged),
        ("of a stranger", stranger),
        ("of another round", rounds),
        ("of too few", few),
        ("of a set of 400", oversized),
        ("of another set", of_next_set),
    ] {
        let result = import(&mut ledger, &wrong);
        assert_eq!(reason(result), (0, InvalidTransaction::BadMandatory), "{name}");
    }
    import(&mut ledger, &good).unwrap();
}

#[test]
fn across_the_border_of_an_epoch_votes_are_of_the_set_before() {
    let mut ledger = chain();
    block(&mut ledger, 0, &[]);
    block(&mut ledger, 0, &[1, 2, 3, 4]);
    // From block 6 on others decide, in another order and with other power.
    let next = vec![validator(7, 5), validator(4, 3), validator(2, 2)];
    let changes = {
        let mut overlay = Overlay::new(&ledger.state);
        SESSION.announce(&mut overlay, next.clone()).unwrap();
        overlay.into_change_set().unwrap()
    };
    ledger.state.apply(&changes);
    for _ in 3..=5 {
        block(&mut ledger, 0, &[1, 2, 3]);
    }
    assert_eq!(set(&ledger), ValidatorSet { id: 1, validators: next }, "they decide the next block");
    // But not the last one: their votes for it are none.
    let theirs = certificate(&ledger, 1, &[7, 4, 2]);
    assert_eq!(ledger.runtime.votes(&theirs, &ledger.state), Ok(None), "two of them are not enough");
    block(&mut ledger, 0, &[2, 3, 4]);
    let attendance = ATTENDANCE.get(&ledger.state).unwrap().unwrap();
    assert_eq!((attendance.set, attendance.since, attendance.certificates), (1, 6, 0));
    // And the next one is theirs alone.
    assert_eq!(ledger.runtime.votes(&certificate(&ledger, 0, &[1, 2, 3, 4]), &ledger.state), Ok(None));
    block(&mut ledger, 1, &[7, 4]);
    let attendance = ATTENDANCE.get(&ledger.state).unwrap().unwrap();
    assert_eq!((attendance.certificates, attendance.missed), (1, vec![0, 0, 1]));
}

#[test]
fn votes_read_and_write_no_more_than_they_declare() {
    let mut ledger = chain();
    block(&mut ledger, 0, &[]);
    block(&mut ledger, 0, &[1, 2, 3]);
    let certificate = certificate(&ledger, 0, &[1, 2, 3, 4]);
    let bytes = ledger.runtime.votes(&certificate, &ledger.state).unwrap().unwrap();
    let votes = Votes::decode_all(&mut &bytes[..]).unwrap();
    let call = RuntimeCall::Authorship(Call::note_votes { votes });
    let done = measure(&ledger.state, &ledger.env(), Origin::None, call);
    assert!(done.result.is_ok() && done.writes == 2, "{done:?}");
    let signatures = SIGNATURE_WEIGHT.ref_time * 4;
    assert!(done.ref_time + signatures <= done.declared, "{done:?}");
}
