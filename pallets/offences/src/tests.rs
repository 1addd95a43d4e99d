//! What is accepted, what is refused and why, who loses how much, and what is forgotten.

use alloc::{boxed::Box, vec, vec::Vec};

use basalt_pallet_session::AuthorityId;
use basalt_pallet_system::NUMBER;
use basalt_primitives::{
    Digest, DispatchError, ModuleError,
    votes::{Proposed, Signed},
};
use basalt_runtime_api::{BlockEnv, Validator};
use basalt_state::{Memory, Overlay};
use basalt_support::CallFailure;
use ed25519_zebra::SigningKey;
use proptest::prelude::*;

use super::{grandpa::MembershipProof, *};

const GENESIS: H256 = H256([7; 32]);
const BLOCKS_PER_EPOCH: u32 = 10;
const WINDOW: u32 = 3;
/// Of one set.
const COUNT: u8 = 10;
const AUTHOR: AccountId = account(200);
const SIGNER: AccountId = account(201);

/// What the chain was told to take from whom: share and reporters by epoch and offender.
const TAKEN: Map<Twox64Concat, (u32, AccountId), (Perbill, Vec<AccountId>)> = Map::optional("Test", "Taken");

/// Governance may change it.
const TEST_WINDOW: Value<u32> = Value::optional("Test", "Window");

const OFFENCES: Offences = Offences {
    index: 11,
    window: |state| Ok(TEST_WINDOW.get(state)?.unwrap_or(WINDOW)),
    epoch: |state| Ok(epoch_of(NUMBER.get_or_default(state)?)),
    deciders: |_, set_id, height| {
        let epoch = epoch_of(height);
        Ok(match u64::from(epoch) == set_id {
            true => Deciders::Of { epoch, set: set(set_id) },
            false => Deciders::Others,
        })
    },
    slash: |ctx, offender, epoch, share, reporters| {
        let known = TAKEN.get(ctx, &(epoch, *offender))?;
        assert!(known.as_ref().is_none_or(|(before, _)| *before < share), "told the same again, or less");
        TAKEN.put(ctx, &(epoch, *offender), &(share, reporters.to_vec()));
        Ok(())
    },
    slash_weight: || Weight::new(1_000, 0),
};

const fn account(number: u8) -> AccountId {
    basalt_primitives::AccountId32([number; 32])
}

/// Sets have ids like epochs.
fn epoch_of(height: u32) -> u32 {
    height.saturating_sub(1) / BLOCKS_PER_EPOCH
}

fn key(number: u8) -> SigningKey {
    SigningKey::from([number; 32])
}

fn public(number: u8) -> [u8; 32] {
    key(number).verification_key().into()
}

/// Every second validator is another one in each set.
fn set(id: u64) -> ValidatorSet {
    let shift = u8::try_from(id % 8).unwrap() * COUNT;
    let member = |place: u8| if place.is_multiple_of(2) { place } else { place + shift };
    let validators = (0..COUNT).map(member).map(|number| Validator {
        account: account(number),
        vote_key: public(number),
        vrf_key: [number; 32],
        power: 1,
    });
    ValidatorSet { id, validators: validators.collect() }
}

fn place(height: u32, round: u32) -> Place {
    Place { set_id: epoch_of(height).into(), height: height.into(), round }
}

fn signed<T>(number: u8, content: T, payload: Vec<u8>) -> Signed<T> {
    Signed { content, signature: key(number).sign(&payload).into() }
}

fn block(byte: u8) -> Option<H256> {
    Some(H256([byte; 32]))
}

fn prevotes(number: u8, place: Place) -> Evidence {
    let vote = |block| signed(number, block, place.prevote(&GENESIS, block));
    let contradiction = Contradiction::Prevotes(vote(block(1)), vote(None));
    Evidence { place, key: public(number), contradiction }
}

fn precommits(number: u8, place: Place) -> Evidence {
    let vote = |block| signed(number, block, place.precommit(&GENESIS, block));
    let contradiction = Contradiction::Precommits(vote(block(1)), vote(block(2)));
    Evidence { place, key: public(number), contradiction }
}

fn proposals(number: u8, place: Place) -> Evidence {
    let one = Proposed { block: H256([1; 32]), pol_round: None };
    let other = Proposed { block: H256([2; 32]), pol_round: None };
    let propose = |what| signed(number, what, place.proposal(&GENESIS, &what));
    let contradiction = Contradiction::Proposals(propose(one), propose(other));
    Evidence { place, key: public(number), contradiction }
}

/// A chain at some height.
struct World<'s> {
    state: Overlay<'s>,
    number: u32,
}

impl World<'_> {
    fn go_to(&mut self, number: u32) {
        while self.number < number {
            self.number += 1;
            NUMBER.put(&mut self.state, &self.number);
            let env = self.env();
            let mut ctx = Context::new(&mut self.state, &env, None);
            OFFENCES.begin_block(&mut ctx).unwrap();
            OFFENCES.try_state(&self.state).unwrap();
        }
    }

    fn env(&self) -> BlockEnv {
        let digest = Digest::default();
        BlockEnv { number: self.number, parent_hash: H256::zero(), digest, author: Some(AUTHOR) }
    }

    fn check(&self, evidence: &Evidence) -> Result<Offence, Error> {
        OFFENCES.check(&self.state, self.number, &GENESIS, evidence).map_err(|rejection| match rejection {
            Rejection::Error(error) => error,
            Rejection::State(error) => panic!("{error}"),
        })
    }

    fn run(
        &mut self,
        origin: Origin,
        run: impl FnOnce(Origin, &mut Context<'_, '_>) -> CallResult,
    ) -> Result<(PostInfo, Vec<Event>), ModuleError> {
        let env = self.env();
        let mut ctx = Context::new(&mut self.state, &env, Some(1));
        let result = ctx.layered(|ctx| run(origin, ctx).map_err(|CallFailure { failure, .. }| failure));
        let events = ctx.into_events();
        OFFENCES.try_state(&self.state).unwrap();
        match result {
            Ok(post) => {
                let event = |event: basalt_runtime_api::EventRef<'_>| {
                    assert_eq!(event.bytes[0], 11);
                    Event::decode(&mut &event.bytes[1..]).unwrap()
                };
                Ok((post, events.iter().map(event).collect()))
            }
            Err(Failure::Dispatch(DispatchError::Module(error))) => Err(error),
            Err(other) => panic!("{other:?}"),
        }
    }

    fn report(&mut self, origin: Origin, evidence: Evidence) -> Result<(PostInfo, Vec<Event>), Error> {
        let call = Call::report { evidence: Box::new(evidence) };
        self.run(origin, |origin, ctx| OFFENCES.dispatch(call, origin, ctx)).map_err(|error| {
            assert_eq!(error.index, 11);
            Error::decode(&mut &error.error[..]).unwrap()
        })
    }

    fn taken(&self, epoch: u32, number: u8) -> Option<(Perbill, Vec<AccountId>)> {
        TAKEN.get(&self.state, &(epoch, account(number))).unwrap()
    }
}

fn at<R>(number: u32, then: impl FnOnce(&mut World<'_>) -> R) -> R {
    let base = Memory::default();
    let mut state = Overlay::new(&base);
    BLOCK_HASH.put(&mut state, &0, &GENESIS);
    let mut world = World { state, number: 0 };
    world.go_to(number);
    then(&mut world)
}

#[test]
fn each_kind_is_reported_and_punished_once() {
    at(8, |world| {
        for (number, evidence, kind) in [
            (2, proposals(2, place(5, 0)), *b"basalt:proposals"),
            (4, prevotes(4, place(8, 1)), *b"basalt:prevoting"),
            (6, precommits(6, place(1, 3)), *b"grandpa:equivoca"),
        ] {
            let (post, events) = world.report(Origin::None, evidence).unwrap();
            assert_eq!(post.pays_fee, Pays::No);
            assert!(post.actual_weight.unwrap().ref_time <= OFFENCES.report_info().weight.ref_time);
            let timeslot = time_slot(&evidence.place);
            assert_eq!(events, [Event::Offence { kind, timeslot: timeslot.clone() }]);
            assert_eq!(world.report(Origin::None, evidence), Err(Error::AlreadyReported));
            // Whatever else was signed in that place.
            let swapped = Evidence {
                contradiction: match evidence.contradiction {
                    Contradiction::Proposals(first, second) => Contradiction::Proposals(second, first),
                    Contradiction::Prevotes(first, second) => Contradiction::Prevotes(second, first),
                    Contradiction::Precommits(first, second) => Contradiction::Precommits(second, first),
                },
                ..evidence
            };
            assert_eq!(world.report(Origin::Signed(SIGNER), swapped), Err(Error::AlreadyReported));
            let ids = CONCURRENT_REPORTS.get_or_default(&world.state, &kind, &timeslot).unwrap();
            let report = REPORTS.get(&world.state, &ids[0]).unwrap().unwrap();
            assert_eq!(report, OffenceDetails { offender: account(number), reporters: vec![AUTHOR] });
        }
        // Set and round as GRANDPA's tools read them.
        assert_eq!(time_slot(&place(1, 3)), [0u64.to_le_bytes(), ((1u64 << 32) | 3).to_le_bytes()].concat());
    });
}

#[test]
fn the_share_grows_with_the_offenders_of_an_epoch_and_raises_the_earlier_ones() {
    at(8, |world| {
        let parts = |parts| Perbill::from_parts(parts);
        world.report(Origin::Signed(SIGNER), prevotes(2, place(5, 0))).unwrap();
        assert_eq!(world.taken(0, 2), Some((parts(90_000_000), vec![SIGNER])));
        // The same one again is no other one.
        world.report(Origin::None, prevotes(2, place(6, 0))).unwrap();
        assert_eq!(world.taken(0, 2), Some((parts(90_000_000), vec![SIGNER])));
        world.report(Origin::None, precommits(4, place(1, 0))).unwrap();
        assert_eq!(world.taken(0, 4), Some((parts(360_000_000), vec![AUTHOR])));
        assert_eq!(world.taken(0, 2), Some((parts(360_000_000), vec![SIGNER])));
        world.report(Origin::None, precommits(1, place(1, 0))).unwrap();
        world.report(Origin::None, precommits(3, place(1, 0))).unwrap();
        for number in [1, 2, 3, 4] {
            assert_eq!(world.taken(0, number).unwrap().0, parts(1_000_000_000));
        }
        // More than everything nobody can lose: the others are not told again, which the test's chain would notice.
        world.report(Origin::None, precommits(5, place(1, 0))).unwrap();
        assert_eq!(world.taken(0, 5).unwrap().0, parts(1_000_000_000));
        // Another epoch is another matter.
        world.go_to(12);
        world.report(Origin::None, prevotes(8, place(11, 0))).unwrap();
        assert_eq!(world.taken(1, 8).unwrap().0, parts(90_000_000));
    });
}

#[test]
fn what_proves_nothing_is_refused_by_name() {
    at(35, |world| {
        let good = precommits(2, place(35, 1));
        assert!(world.check(&good).is_ok());
        let with = |contradiction| Evidence { contradiction, ..good };
        let Contradiction::Precommits(first, second) = good.contradiction else { panic!() };
        let other_height = |height: u64| Evidence { place: Place { height, ..good.place }, ..good };
        let cases = [
            (with(Contradiction::Precommits(first, first)), Error::NoContradiction),
            // Two signatures of one vote are one vote, good or not.
            (
                with(Contradiction::Precommits(first, Signed { signature: second.signature, ..first })),
                Error::NoContradiction,
            ),
            (with(Contradiction::Prevotes(first, second)), Error::BadSignature),
            (
                with(Contradiction::Precommits(first, Signed { signature: [0; 64], ..second })),
                Error::BadSignature,
            ),
            (
                with(Contradiction::Precommits(Signed { content: block(9), ..first }, second)),
                Error::BadSignature,
            ),
            // Of another validator of the set.
            (Evidence { key: public(4), ..good }, Error::BadSignature),
            // Somebody else altogether, and one who is in the set of other epochs only.
            (precommits(100, place(35, 1)), Error::NotAValidator),
            (precommits(1, place(35, 1)), Error::NotAValidator),
            (Evidence { key: [0; 32], ..good }, Error::NotAValidator),
            (other_height(34), Error::BadSignature),
            (other_height(36), Error::TooEarly),
            (other_height(u64::MAX), Error::TooEarly),
            // The set of another epoch, in which the key is too, and one that never was.
            (precommits(2, Place { set_id: 2, height: 35, round: 0 }), Error::WrongSet),
            (precommits(2, Place { set_id: u64::MAX, height: 35, round: 0 }), Error::WrongSet),
        ];
        for (evidence, error) in cases {
            assert_eq!(world.check(&evidence), Err(error), "{evidence:?}");
            let before = world.state.changes().len();
            assert_eq!(world.report(Origin::None, evidence), Err(error));
            assert_eq!(world.state.changes().len(), before);
        }
        // Of another chain: all but precommits for blocks name theirs.
        let elsewhere = H256([8; 32]);
        let evidence = prevotes(2, place(35, 1));
        let result = OFFENCES.check(&world.state, 35, &elsewhere, &evidence);
        assert_eq!(result, Err(Error::BadSignature.into()));
    });
}

#[test]
fn root_reports_nobody() {
    at(8, |world| {
        let call = Call::report { evidence: Box::new(prevotes(2, place(5, 0))) };
        let env = world.env();
        let mut ctx = Context::new(&mut world.state, &env, Some(1));
        let result = OFFENCES.dispatch(call, Origin::Root, &mut ctx);
        assert_eq!(result, Err(DispatchError::BadOrigin.into()));
    });
}

#[test]
fn a_second_report_is_refused_as_long_as_the_first_would_be_accepted() {
    at(5, |world| {
        let evidence = prevotes(2, place(5, 0));
        let fresh = prevotes(4, place(5, 0));
        world.report(Origin::None, evidence).unwrap();
        for number in 6..=60 {
            world.go_to(number);
            let in_time = epoch_of(number) <= WINDOW;
            let expected = if in_time { Error::AlreadyReported } else { Error::TooOld };
            assert_eq!(world.check(&evidence), Err(expected), "{number}");
            assert_eq!(world.check(&fresh).is_ok(), in_time, "{number}");
        }
        // And then nothing is left of it.
        let count = REPORTS.iter(&world.state).count() + OFFENDERS.iter_prefix(&world.state, &0).count();
        assert_eq!(count, 0);
        assert_eq!(
            CONCURRENT_REPORTS.get_or_default(&world.state, &KIND_PREVOTES, &time_slot(&evidence.place)),
            Ok(vec![])
        );
        assert_eq!(OLDEST_EPOCH.get(&world.state), Ok(Some(2)));
    });
}

#[test]
fn what_was_forgotten_cannot_be_reported_again_when_the_window_grows() {
    at(5, |world| {
        let evidence = prevotes(2, place(5, 0));
        world.report(Origin::None, evidence).unwrap();
        world.go_to((WINDOW + 1) * BLOCKS_PER_EPOCH + 1);
        TEST_WINDOW.put(&mut world.state, &100);
        assert_eq!(world.check(&evidence), Err(Error::TooOld));
        assert!(world.check(&prevotes(2, place(11, 0))).is_ok());
        // A smaller one forgets earlier.
        TEST_WINDOW.put(&mut world.state, &0);
        assert_eq!(world.check(&prevotes(2, place(11, 0))), Err(Error::TooOld));
    });
}

#[test]
fn many_offenders_are_forgotten_over_several_blocks() {
    at(10, |world| {
        for number in [0u8, 1, 2, 3, 4, 5, 6, 7, 8, 9] {
            world.report(Origin::None, prevotes(number, place(5, 0))).unwrap();
        }
        let count = |world: &World<'_>| OFFENDERS.iter_prefix(&world.state, &0).count();
        let at = (WINDOW + 1) * BLOCKS_PER_EPOCH + 1;
        world.go_to(at - 1);
        assert_eq!(count(world), 10);
        world.go_to(at);
        assert_eq!(count(world), 10 - FORGOTTEN_PER_BLOCK_MAX);
        world.go_to(at + 1);
        assert_eq!((count(world), REPORTS.iter(&world.state).count()), (0, 0));
    });
}

#[test]
fn one_offender_cannot_fill_the_chain() {
    at(8, |world| {
        for round in 0..REPORTS_PER_OFFENDER_MAX {
            world.report(Origin::None, prevotes(2, place(5, round))).unwrap();
        }
        let more = prevotes(2, place(5, REPORTS_PER_OFFENDER_MAX));
        assert_eq!(world.report(Origin::None, more), Err(Error::EnoughReports));
        // Others are reported all the same, and it in another epoch.
        world.report(Origin::None, prevotes(4, place(5, 0))).unwrap();
        world.go_to(11);
        world.report(Origin::None, prevotes(2, place(11, 0))).unwrap();
    });
}

fn grandpa_call(number: u8, height: u32, round: u32, signed: bool) -> grandpa::Call {
    let place = place(height, round);
    let Contradiction::Precommits(first, second) = precommits(number, place).contradiction else { panic!() };
    let vote = |one: Signed<Option<H256>>| {
        (grandpa::Vote { target_hash: one.content.unwrap(), target_number: height }, one.signature)
    };
    let pair = grandpa::Pair {
        round_number: grandpa_round(place.height, place.round),
        identity: AuthorityId(public(number)),
        first: vote(first),
        second: vote(second),
    };
    let equivocation = grandpa::Equivocation::Precommit(pair);
    let equivocation_proof = Box::new(grandpa::EquivocationProof { set_id: place.set_id, equivocation });
    let key_owner_proof = MembershipProof::default();
    if signed {
        grandpa::Call::report_equivocation { equivocation_proof, key_owner_proof }
    } else {
        grandpa::Call::report_equivocation_unsigned { equivocation_proof, key_owner_proof }
    }
}

#[test]
fn tools_of_grandpa_report_precommits_in_its_types() {
    at(8, |world| {
        let mut report = |origin, call: grandpa::Call| {
            world.run(origin, |origin, ctx| grandpa::dispatch(&OFFENCES, 7, &call, origin, ctx)).map_err(
                |error| {
                    assert_eq!(error.index, 7);
                    grandpa::Error::decode(&mut &error.error[..]).unwrap()
                },
            )
        };
        let call = grandpa_call(2, 5, 1, false);
        assert_eq!(call.evidence(), Some(precommits(2, place(5, 1))));
        let (_, events) = report(Origin::None, call.clone()).unwrap();
        assert_eq!(events, [Event::Offence { kind: KIND_PRECOMMITS, timeslot: time_slot(&place(5, 1)) }]);
        assert_eq!(report(Origin::None, call), Err(grandpa::Error::DuplicateOffenceReport));
        let (post, _) = report(Origin::Signed(SIGNER), grandpa_call(4, 5, 1, true)).unwrap();
        assert_eq!(post.pays_fee, Pays::No);
        assert_eq!(
            report(Origin::None, grandpa_call(101, 5, 1, false)),
            Err(grandpa::Error::InvalidKeyOwnershipProof)
        );

        // What nobody signs here, what contradicts itself, and what is padded.
        let mut prevote = grandpa_call(6, 5, 1, false);
        let mut other_height = prevote.clone();
        let mut padded = prevote.clone();
        for (call, spoil) in [(&mut prevote, 0), (&mut other_height, 1), (&mut padded, 2)] {
            let grandpa::Call::report_equivocation_unsigned { equivocation_proof, key_owner_proof } = call
            else {
                panic!()
            };
            let grandpa::Equivocation::Precommit(pair) = &mut equivocation_proof.equivocation else {
                panic!()
            };
            match spoil {
                0 => equivocation_proof.equivocation = grandpa::Equivocation::Prevote(pair.clone()),
                1 => pair.first.0.target_number += 1,
                _ => key_owner_proof.trie_nodes.push(vec![0]),
            }
        }
        for call in [prevote, other_height, padded] {
            assert_eq!(call.evidence(), None);
            assert_eq!(report(Origin::None, call), Err(grandpa::Error::InvalidEquivocationProof));
        }
    });
}

#[test]
fn calls_and_errors_are_pinned() {
    let evidence = precommits(2, place(5, 1));
    assert_eq!(Call::report { evidence: Box::new(evidence) }.encode(), [vec![0], evidence.encode()].concat());
    let call = grandpa_call(2, 5, 1, false).encode();
    assert_eq!(call[0], 1);
    // Set id, kind, round, key, two of (hash, number, signature); session, nodes, count.
    assert_eq!(call.len(), 1 + 8 + 1 + 8 + 32 + 2 * (32 + 4 + 64) + 4 + 1 + 4);
    assert_eq!(grandpa::Error::InvalidKeyOwnershipProof.encode(), [4]);
    assert_eq!(grandpa::Error::DuplicateOffenceReport.encode(), [6]);
    assert_eq!(Event::Offence { kind: [1; 16], timeslot: vec![2] }.encode()[0], 0);
    let metadata = OFFENCES.metadata();
    let names: Vec<_> = metadata.storage.iter().map(|entry| entry.name).collect();
    assert_eq!(names, ["Reports", "ConcurrentReportsIndex", "Offenders", "OldestEpoch"]);
}

#[test]
fn try_state_sees_what_does_not_belong() {
    for spoil in 0..3 {
        at(8, |world| {
            world.report(Origin::None, prevotes(2, place(5, 0))).unwrap();
            let offence = OFFENCES.check(&world.state, 8, &GENESIS, &prevotes(4, place(5, 0))).unwrap();
            let id = H256(blake2_256(&(KIND_PREVOTES, time_slot(&place(5, 0)), account(2)).encode()));
            match spoil {
                0 => REPORTS.remove(&mut world.state, &id),
                1 => OFFENDERS.remove(&mut world.state, &0, &account(2)),
                _ => {
                    let details = OffenceDetails { offender: account(4), reporters: vec![] };
                    REPORTS.put(&mut world.state, &offence.id(), &details);
                }
            }
            assert!(OFFENCES.try_state(&world.state).is_err(), "{spoil}");
        });
    }
}

proptest! {
    /// Grows with the offenders, shrinks with the validators, and is the rule's to the last part.
    #[test]
    fn the_share_is_the_rule(k in 0..500u32, n in 1..500u32) {
        let parts = u64::from(share(k, n).deconstruct());
        prop_assert!(share(k + 1, n) >= share(k, n) && share(k, n + 1) <= share(k, n));
        if 3 * k >= n {
            prop_assert_eq!(parts, 1_000_000_000);
        } else {
            let (k, n) = (u64::from(k), u64::from(n));
            prop_assert!(parts * n * n <= 9 * k * k * 1_000_000_000);
            prop_assert!((parts + 1) * n * n > 9 * k * k * 1_000_000_000);
        }
    }
}
