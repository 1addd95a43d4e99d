//! What makes votes good; what they count for; who is chilled.

use alloc::{vec, vec::Vec};

use basalt_pallet_session::CURRENT_SET;
use basalt_pallet_system::System;
use basalt_primitives::{
    Digest, DispatchError, H256, MultiSignature, MultiSigner, RuntimeVersion,
    keys::{Pair, Scheme},
    votes::precommit_payload,
};
use basalt_runtime_api::{BlockEnv, BlockLimits, Validator};
use basalt_state::{Memory, Overlay};
use parity_scale_codec::{Decode, DecodeAll, Encode};
use proptest::prelude::*;

use basalt_support::CallFailure;

use super::*;

const POINTS: Value<Vec<(AccountId, u32)>> = Value::defaulted("Test", "Points");
const CHILLED: Value<Vec<AccountId>> = Value::defaulted("Test", "Chilled");
const BEFORE: Value<ValidatorSet> = Value::optional("Test", "Before");

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

const AUTHORSHIP: Authorship = Authorship {
    index: 9,
    session: Session { index: 6, system: SYSTEM },
    hooks: Hooks {
        set_by_id: |state, id| Ok(BEFORE.get(state)?.filter(|set| set.id == id)),
        reward: |ctx, points| {
            let mut all = POINTS.get_or_default(ctx)?;
            all.extend_from_slice(points);
            POINTS.put(ctx, &all);
            Ok(())
        },
        chill: |ctx, who| {
            let mut all = CHILLED.get_or_default(ctx)?;
            all.push(*who);
            CHILLED.put(ctx, &all);
            Ok(())
        },
        validators_min: |_| Ok(2),
    },
};

fn pair(number: u8) -> Pair {
    Pair::from_seed(Scheme::Ed25519, &[number.max(1); 32]).unwrap()
}

fn account(number: u8) -> AccountId {
    AccountId::from([number; 32])
}

/// Validators 1, 2, … with these powers.
fn set(id: u64, powers: &[u64]) -> ValidatorSet {
    let member = |(number, power): (u8, &u64)| {
        let MultiSigner::Ed25519(vote_key) = pair(number).public() else { panic!("not Ed25519") };
        Validator { account: account(number), vote_key, vrf_key: [number; 32], power: *power }
    };
    ValidatorSet { id, validators: (1u8..).zip(powers).map(member).collect() }
}

fn sign(number: u8, payload: &[u8]) -> [u8; 64] {
    match pair(number).sign(payload) {
        MultiSignature::Ed25519(signature) => signature,
        other => panic!("{other:?}"),
    }
}

fn hash(number: BlockNumber) -> H256 {
    H256([u8::try_from(number).unwrap(); 32])
}

const ROUND: u32 = 3;

/// The votes of these validators for a block, in a set with this id.
fn certificate(set: &ValidatorSet, number: BlockNumber, voters: &[u8]) -> Certificate {
    let payload = precommit_payload(number, ROUND, set.id, &hash(number));
    let vote = |voter: &u8| (set.validators[usize::from(*voter) - 1].vote_key, sign(*voter, &payload));
    Certificate { round: ROUND, signatures: voters.iter().map(vote).collect() }
}

fn env(number: BlockNumber) -> BlockEnv {
    BlockEnv { number, parent_hash: hash(number - 1), digest: Digest::default(), author: Some(account(1)) }
}

/// A chain, block by block.
struct Chain<'a> {
    state: Overlay<'a>,
    number: BlockNumber,
}

impl Chain<'_> {
    fn with<R>(set: &ValidatorSet, run: impl FnOnce(&mut Chain<'_>) -> R) -> R {
        let base = Memory::default();
        let mut chain = Chain { state: Overlay::new(&base), number: 0 };
        CURRENT_SET.put(&mut chain.state, set);
        run(&mut chain)
    }

    /// From now on others decide.
    fn change(&mut self, set: &ValidatorSet) {
        let before = CURRENT_SET.get_or_default(&self.state).unwrap();
        BEFORE.put(&mut self.state, &before);
        CURRENT_SET.put(&mut self.state, set);
    }

    fn begin(&mut self) -> BlockEnv {
        self.number += 1;
        let env = env(self.number);
        AUTHORSHIP.begin_block(&mut Context::new(&mut self.state, &env, None)).unwrap();
        env
    }

    fn end(&mut self, env: &BlockEnv) {
        let summary = BlockSummary {
            weight_normal: Weight::zero(),
            weight_operational: Weight::zero(),
            weight_mandatory: Weight::zero(),
            weight_normal_max: Weight::zero(),
            transactions: 0,
            bytes: 0,
        };
        AUTHORSHIP.end_block(&mut Context::new(&mut self.state, env, None), &summary).unwrap();
        assert_eq!(AUTHORSHIP.try_state(&self.state), Ok(()));
    }

    fn note(&mut self, env: &BlockEnv, votes: &Votes) -> Result<(), DispatchError> {
        let mut ctx = Context::new(&mut self.state, env, Some(1));
        let call = Call::note_votes { votes: votes.clone() };
        match ctx.layered(|ctx| AUTHORSHIP.dispatch(call, Origin::None, ctx)) {
            Ok(_) => Ok(()),
            Err(CallFailure { failure: Failure::Dispatch(error), .. }) => Err(error),
            Err(other) => panic!("{other:?}"),
        }
    }

    /// A block with the votes of these for the one below, as a node makes it.
    fn block(&mut self, voters: &[u8]) {
        let set = AUTHORSHIP.deciders_of_head(&self.state).unwrap();
        assert_eq!(set.is_some(), AUTHORSHIP.wanted(&self.state).unwrap());
        let votes = set.map(|set| {
            let known = certificate(&set, self.number, voters);
            AUTHORSHIP.votes(&self.state, &known).unwrap().expect("more than two thirds")
        });
        let env = self.begin();
        if let Some(votes) = votes {
            self.note(&env, &votes).unwrap();
        }
        self.end(&env);
    }

    /// As the runtime does in the first block of an epoch.
    fn end_epoch(&mut self) -> Vec<Absence> {
        let env = env(self.number + 1);
        let mut ctx = Context::new(&mut self.state, &env, None);
        AUTHORSHIP.end_epoch(&mut ctx).unwrap();
        let events = ctx.into_events();
        let events: Vec<_> = events.iter().collect();
        match &events[..] {
            [] => Vec::new(),
            [event] => match {
                let mut bytes = &event.bytes[1..];
                Event::decode_all(&mut bytes)
            }
            .unwrap()
            {
                Event::SomeOffline { offline } => offline,
            },
            more => panic!("{} events", more.len()),
        }
    }

    fn attendance(&self) -> Attendance {
        ATTENDANCE.get(&self.state).unwrap().unwrap()
    }
}

fn error(error: Error) -> DispatchError {
    match module_error(9, &error) {
        Failure::Dispatch(error) => error,
        Failure::State(_) => unreachable!(),
    }
}

#[test]
fn from_the_second_block_on_the_votes_for_the_block_below_are_counted() {
    Chain::with(&set(0, &[1, 1, 1, 1]), |chain| {
        assert!(!AUTHORSHIP.wanted(&chain.state).unwrap(), "nobody decided the first block");
        chain.block(&[]);
        assert_eq!(chain.attendance().certificates, 0);
        for _ in 0..3 {
            assert!(AUTHORSHIP.wanted(&chain.state).unwrap());
            chain.block(&[1, 3, 4]);
        }
        chain.block(&[1, 2, 3, 4]);
        assert_eq!(chain.attendance().missed, [0, 3, 0, 0]);
        assert_eq!((chain.attendance().certificates, LAST_CERTIFIED.get(&chain.state)), (4, Ok(Some(4))));
        assert_eq!(POINTS.get_or_default(&chain.state).unwrap(), vec![(account(1), POINTS_PER_BLOCK); 5]);
    });
}

#[test]
fn a_chain_of_one_node_has_no_votes_and_stores_nothing() {
    Chain::with(&ValidatorSet::default(), |chain| {
        chain.block(&[]);
        chain.block(&[]);
        assert!(!AUTHORSHIP.wanted(&chain.state).unwrap());
        let env = chain.begin();
        assert_eq!(AUTHOR.get(&chain.state), Ok(Some(account(1))), "while the block runs");
        let votes = Votes::of(&certificate(&set(0, &[1]), 2, &[1]), &set(0, &[1]));
        assert_eq!(chain.note(&env, &votes), Err(error(Error::NotExpected)));
        chain.end(&env);
        assert_eq!(AUTHOR.get(&chain.state), Ok(None));
        assert_eq!((DECIDERS.get(&chain.state), ATTENDANCE.get(&chain.state)), (Ok(None), Ok(None)));
        assert_eq!(POINTS.get(&chain.state), Ok(None));
        assert_eq!(chain.end_epoch(), vec![]);
    });
}

#[test]
fn every_way_to_write_votes_wrongly_has_its_error() {
    let four = set(7, &[1, 1, 1, 1]);
    Chain::with(&four, |chain| {
        chain.block(&[]);
        let good = Votes::of(&certificate(&four, 1, &[1, 2, 4]), &four);
        assert_eq!((&good.voters[..], good.signatures.len()), (&[0b1011u8][..], 3));
        let env = chain.begin();
        let changed = |change: &dyn Fn(&mut Votes)| {
            let mut votes = good.clone();
            change(&mut votes);
            votes
        };
        // The same votes, for something else.
        let signed = |number, round, id, hash| {
            let payload = precommit_payload(number, round, id, &hash);
            changed(&|votes| {
                votes.signatures = [1, 2, 4].iter().map(|voter| sign(*voter, &payload)).collect();
            })
        };
        assert_eq!(signed(1, ROUND, 7, hash(1)), good);
        for (name, votes, expected) in [
            ("forged", changed(&|votes| votes.signatures[1][9] ^= 1), Error::BadSignature),
            ("of a stranger", changed(&|votes| votes.signatures[1] = sign(9, b"")), Error::BadSignature),
            ("in another order", changed(&|votes| votes.signatures.swap(0, 1)), Error::BadSignature),
            ("one twice", changed(&|votes| votes.signatures[1] = votes.signatures[0]), Error::BadSignature),
            ("of another member", changed(&|votes| votes.voters[0] = 0b1101), Error::BadSignature),
            ("another round", changed(&|votes| votes.round += 1), Error::BadSignature),
            ("for another height", signed(2, ROUND, 7, hash(1)), Error::BadSignature),
            ("for another block", signed(1, ROUND, 7, hash(2)), Error::BadSignature),
            ("of another set", signed(1, ROUND, 6, hash(1)), Error::BadSignature),
            ("a bit too much", changed(&|votes| votes.voters[0] |= 4), Error::WrongVoters),
            ("a bit beyond the set", changed(&|votes| votes.voters[0] |= 16), Error::WrongVoters),
            ("a byte beyond the set", changed(&|votes| votes.voters.push(0)), Error::WrongVoters),
            ("no bits", changed(&|votes| votes.voters.clear()), Error::WrongVoters),
            ("a signature too much", changed(&|votes| votes.signatures.push([1; 64])), Error::WrongVoters),
            (
                "far too many",
                changed(&|votes| {
                    votes.voters = vec![255; 10_000];
                    votes.signatures = vec![[1; 64]; 80_000];
                }),
                Error::WrongVoters,
            ),
            ("half of the power", Votes::of(&certificate(&four, 1, &[1, 2]), &four), Error::TooFew),
            ("nobody", Votes::of(&certificate(&four, 1, &[]), &four), Error::TooFew),
        ] {
            assert_eq!(chain.note(&env, &votes), Err(error(expected)), "{name}");
            assert_eq!(chain.attendance().certificates, 0, "{name}");
        }
        assert_eq!(chain.note(&env, &good), Ok(()));
        assert_eq!(chain.note(&env, &good), Err(error(Error::Twice)));
        let call = Call::note_votes { votes: good.clone() };
        for origin in [Origin::Root, Origin::Signed(account(1))] {
            let mut ctx = Context::new(&mut chain.state, &env, Some(1));
            assert!(AUTHORSHIP.dispatch(call.clone(), origin, &mut ctx).is_err());
        }
        chain.end(&env);
        // What was right for one block is wrong for the next.
        let env = chain.begin();
        assert_eq!(chain.note(&env, &good), Err(error(Error::BadSignature)));
    });
}

#[test]
fn a_third_of_the_power_cannot_certify_and_two_thirds_are_not_enough() {
    let three = set(0, &[1, 1, 1]);
    assert!(!Votes::of(&certificate(&three, 1, &[1, 2]), &three).decide(&three));
    let heavy = set(0, &[u64::MAX / 3, u64::MAX / 3, u64::MAX / 3]);
    assert!(!Votes::of(&certificate(&heavy, 1, &[1, 2]), &heavy).decide(&heavy), "nothing overflows");
    let more = set(0, &[1, 2, 1]);
    assert!(Votes::of(&certificate(&more, 1, &[1, 2]), &more).decide(&more));
    // What does not decide is not even offered.
    Chain::with(&three, |chain| {
        chain.block(&[]);
        assert_eq!(AUTHORSHIP.votes(&chain.state, &certificate(&three, 1, &[1, 2])), Ok(None));
    });
}

#[test]
fn across_the_border_of_an_epoch_the_set_before_is_asked_and_nothing_is_counted() {
    let (old, new) = (set(4, &[1, 1, 1, 1]), set(5, &[3, 3, 3]));
    Chain::with(&old, |chain| {
        chain.block(&[]);
        chain.block(&[1, 2, 3]);
        // The block below is the last one of the old set.
        chain.change(&new);
        chain.end_epoch();
        assert_eq!(AUTHORSHIP.deciders_of_head(&chain.state), Ok(Some(old.clone())));
        let env = chain.begin();
        let of_new = Votes::of(&certificate(&new, 2, &[1, 2, 3]), &new);
        assert_eq!(chain.note(&env, &of_new), Err(error(Error::BadSignature)));
        let of_old = Votes::of(&certificate(&old, 2, &[1, 2, 3]), &old);
        assert_eq!(chain.note(&env, &of_old), Ok(()));
        chain.end(&env);
        assert_eq!(chain.attendance(), Attendance::begin(&new, 3));
        // From here on it is the new one.
        assert_eq!(AUTHORSHIP.deciders_of_head(&chain.state), Ok(Some(new.clone())));
        chain.block(&[1, 2, 3]);
        assert_eq!((chain.attendance().set, chain.attendance().certificates), (5, 1));
        assert_eq!(DECIDERS.get(&chain.state), Ok(Some((5, 5))));
    });
}

#[test]
fn where_the_set_before_is_forgotten_no_votes_are_wanted() {
    Chain::with(&set(4, &[1]), |chain| {
        chain.block(&[]);
        chain.change(&set(5, &[1]));
        BEFORE.remove(&mut chain.state);
        assert_eq!(AUTHORSHIP.wanted(&chain.state), Ok(false));
        chain.block(&[]);
        assert_eq!(AUTHORSHIP.wanted(&chain.state), Ok(true));
        chain.block(&[1]);
    });
}

#[test]
fn an_epoch_ends_with_points_by_power_and_without_those_who_were_missing() {
    let uneven = set(0, &[10, 10, 10, 10, 20, 60]);
    Chain::with(&uneven, |chain| {
        chain.block(&[]);
        for block in 0..10 {
            // The second is there in every third block only, the fourth in half of them.
            let there = |voter: &u8| (*voter != 2 || block % 3 == 0) && (*voter != 4 || block % 2 == 0);
            chain.block(&(1..=6).filter(there).collect::<Vec<_>>());
        }
        POINTS.remove(&mut chain.state);
        let offline = chain.end_epoch();
        let second = Absence { validator: account(2), missed: 6, certificates: 10, chilled: true };
        assert_eq!(offline, [second], "half of the time is not more than half of it");
        assert_eq!(CHILLED.get_or_default(&chain.state).unwrap(), [account(2)]);
        // 20 points for each of 10 blocks, of 120 power; four votes of the second and five of the fourth.
        let points = [(1, 16), (2, 6), (3, 16), (4, 8), (5, 33), (6, 100)];
        let points: Vec<_> = points.map(|(number, points)| (account(number), points)).into();
        assert_eq!(POINTS.get_or_default(&chain.state).unwrap(), points);
        // The first block of the next one carries votes for the last of this one.
        chain.block(&[1, 3, 5, 6]);
        assert_eq!(chain.attendance(), Attendance::begin(&uneven, 12));
        chain.block(&[1, 3, 5, 6]);
        assert_eq!(chain.attendance().missed, [0, 1, 0, 1, 0, 0]);
    });
}

#[test]
fn a_short_epoch_says_nothing_of_absence() {
    Chain::with(&set(0, &[1, 1, 1, 1]), |chain| {
        for _ in 0..CERTIFICATES_MIN {
            chain.block(&[1, 2, 3]);
        }
        assert_eq!(chain.attendance().certificates, CERTIFICATES_MIN - 1);
        assert_eq!(chain.end_epoch(), []);
        for _ in 0..=CERTIFICATES_MIN {
            chain.block(&[1, 2, 3]);
        }
        let fourth = |chilled| Absence { validator: account(4), missed: 8, certificates: 8, chilled };
        assert_eq!(chain.end_epoch(), [fourth(true)]);
    });
}

#[test]
fn an_outage_of_many_empties_no_set() {
    let attendance =
        |missed: &[u32]| Attendance { set: 0, since: 1, certificates: 10, missed: missed.to_vec() };
    let chilled = |powers: &[u64], missed: &[u32], least| {
        let absent = attendance(missed).absent(&set(0, powers), least);
        absent.iter().map(|one| (one.validator.0[0], one.chilled)).collect::<Vec<_>>()
    };
    // The most absent first, up to a third of the power; who is too large may stay while smaller ones go.
    assert_eq!(
        chilled(&[2, 2, 2, 2, 1], &[6, 9, 7, 0, 8], 1),
        [(2, true), (5, true), (3, false), (1, false)]
    );
    assert_eq!(chilled(&[2, 1, 3], &[9, 8, 0], 1), [(1, true), (2, false)], "exactly two thirds may be left");
    assert_eq!(chilled(&[7, 1, 12], &[9, 8, 0], 1), [(1, false), (2, true)]);
    // Or down to so many.
    assert_eq!(chilled(&[1, 1, 1, 97], &[9, 9, 9, 0], 3), [(1, true), (2, false), (3, false)]);
    assert_eq!(chilled(&[1], &[10], 0), [(1, false)]);
}

#[test]
fn names_are_those_that_tools_know() {
    let hex = |key: Vec<u8>| key.iter().map(|byte| alloc::format!("{byte:02x}")).collect::<String>();
    // twox128("Authorship") ++ twox128("Author"), as on Substrate's chains.
    assert_eq!(hex(AUTHOR.key()), "d57bce545fb382c34570e5dfbf338f5e326d21bc67a4b34023d577585d72bfd7");
    let metadata = AUTHORSHIP.metadata();
    assert_eq!((metadata.name, metadata.index), ("Authorship", 9));
}

#[test]
fn the_encoding_is_pinned() {
    let votes = Votes { round: 1, voters: vec![3], signatures: vec![[7; 64], [8; 64]] };
    let call = Call::note_votes { votes };
    let expected = [&[0, 4, 4, 3, 8][..], &[7; 64], &[8; 64]].concat();
    assert_eq!(call.encode(), expected);
    assert_eq!(Call::decode(&mut &expected[..]), Ok(call));
}

#[test]
fn weight_grows_with_signatures_up_to_what_a_set_can_have() {
    let weight = |signatures: usize| {
        let votes = Votes { round: 0, voters: vec![], signatures: vec![[0; 64]; signatures] };
        AUTHORSHIP.info(&Call::note_votes { votes })
    };
    assert_eq!(weight(4).class, DispatchClass::Mandatory);
    let one = weight(1).weight.ref_time - weight(0).weight.ref_time;
    assert!(one >= SIGNATURE_WEIGHT.ref_time);
    let beyond = weight(401).weight.ref_time - weight(400).weight.ref_time;
    assert!(beyond < SIGNATURE_WEIGHT.ref_time, "they are not verified");
}

proptest! {
    /// Whoever voted is named, in whatever order the certificate has them, and the check accepts it exactly if they have
    /// more than two thirds of the power.
    #[test]
    fn votes_of_a_certificate_check_if_they_decide(
        powers in prop::collection::vec(1u64..100, 1..20),
        voters: u32,
        turn in 0usize..20,
    ) {
        let set = set(3, &powers);
        let mut there: Vec<u8> = (1..=powers.len() as u8).filter(|voter| voters >> voter & 1 == 1).collect();
        let power: u64 = there.iter().map(|voter| powers[usize::from(*voter) - 1]).sum();
        let count = there.len().max(1);
        there.rotate_left(turn % count);
        let votes = Votes::of(&certificate(&set, 5, &there), &set);
        prop_assert_eq!(votes.signatures.len(), there.len());
        let decided = power * 3 > powers.iter().sum::<u64>() * 2;
        prop_assert_eq!(votes.decide(&set), decided);
        prop_assert_eq!(votes.check(&set, 5, &hash(5)), if decided { Ok(()) } else { Err(Error::TooFew) });
        prop_assert_eq!(Votes::decode_all(&mut &votes.encode()[..]), Ok(votes));
    }

    /// Whatever happened, what is left can decide and is no fewer than there must be, and nobody is chilled who was there
    /// half of the time.
    #[test]
    fn enough_is_left(
        members in prop::collection::vec((1u64..1 << 40, 0u32..=10), 1..30),
        least in 0u32..10,
    ) {
        let (powers, missed): (Vec<u64>, Vec<u32>) = members.iter().copied().unzip();
        let set = set(0, &powers);
        let attendance = Attendance { set: 0, since: 1, certificates: 10, missed };
        let absent = attendance.absent(&set, least);
        let gone: Vec<_> = absent.iter().filter(|one| one.chilled).collect();
        prop_assert!(absent.iter().all(|one| one.missed > 5));
        prop_assert!(gone.is_empty() || powers.len() - gone.len() >= least.max(1) as usize);
        let of = |who: &AccountId| set.validators.iter().find(|member| member.account == *who).unwrap().power;
        let (lost, all): (u64, u64) = (gone.iter().map(|one| of(&one.validator)).sum(), powers.iter().sum());
        prop_assert!((all - lost) * 3 >= all * 2);
        // And no point comes from nowhere.
        let points: u64 = attendance.points(&set).iter().map(|(_, points)| u64::from(*points)).sum();
        prop_assert!(points <= u64::from(POINTS_PER_BLOCK) * 10);
    }
}
