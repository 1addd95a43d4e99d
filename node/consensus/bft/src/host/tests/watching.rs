//! Who signs twice is found out, also when no decision waits for it any more, and when not all were told the same.

use basalt_primitives::votes::{Contradiction, Place};

use super::*;
use crate::{
    limits::{WATCHED_HEIGHTS, WATCHED_PER_VALIDATOR_MAX},
    wire::{Polka, RoundChange, SignedProposal, SignedVote},
};

/// Signed by validator 3.
fn signed(mut vote: SignedVote) -> SignedVote {
    vote.voter = TestKeys::new(3).vote_key();
    let payload = crate::payload::vote(&vote.clone().into_core().message, set().id, &GENESIS);
    vote.signature = TestKeys::new(3).vote.sign(&payload).into();
    vote
}

/// What validator 3 voted at a height.
fn vote_of_3(net: &Net, height: u64, precommit: bool) -> SignedVote {
    let voted = net.sent.iter().find_map(|(at, message)| match message {
        Message::Vote(vote) if *at == 3 && (vote.height, vote.precommit) == (height, precommit) => Some(vote),
        _ => None,
    });
    voted.expect("it votes at each height").clone()
}

/// The same place, another block.
fn other(vote: &SignedVote) -> SignedVote {
    signed(SignedVote { block: Some(H256([0xEE; 32])), ..vote.clone() })
}

fn tell(net: &mut Net, message: Message) -> Vec<Action> {
    net.nodes[0].host.handle(net.now, Event::Message { peer: 77, message }).unwrap()
}

fn accusation(actions: &[Action]) -> Evidence {
    let [Action::Punish(evidence)] = actions else { panic!("{actions:?}") };
    assert!(evidence.contradiction.differs() && evidence.is_signed(&GENESIS));
    assert_eq!((evidence.key, evidence.place.set_id), (TestKeys::new(3).vote_key(), set().id));
    *evidence
}

#[test]
fn a_second_vote_is_found_after_the_decision_too() {
    let mut net = Net::new(config());
    net.reach(5);
    for (height, precommit) in [(1, true), (4, false), (5, true)] {
        let vote = vote_of_3(&net, height, precommit);
        // The same once more is no news.
        assert_eq!(tell(&mut net, Message::Vote(vote.clone())), []);
        let second = other(&vote);
        let evidence = accusation(&tell(&mut net, Message::Vote(second.clone())));
        assert_eq!(evidence.place, Place { set_id: 3, height, round: vote.round });
        assert_eq!(matches!(evidence.contradiction, Contradiction::Precommits(..)), precommit);
        // Once is enough, whatever else it says there.
        let third = signed(SignedVote { block: None, ..second.clone() });
        for again in [second, third] {
            assert_eq!(tell(&mut net, Message::Vote(again)), []);
        }
    }
}

#[test]
fn nobody_is_accused_of_what_it_did_not_sign() {
    let mut net = Net::new(config());
    net.reach(3);
    let vote = vote_of_3(&net, 2, true);
    let forged = SignedVote { signature: vote.signature, ..other(&vote) };
    let stranger = SignedVote { voter: [9; 32], ..other(&vote) };
    // A place where it said nothing.
    let unsigned = SignedVote { round: 9, signature: [0; 64], ..vote.clone() };
    for (message, expected) in [(forged, "signature"), (stranger, "no validator"), (unsigned, "signature")] {
        let actions = tell(&mut net, Message::Vote(message));
        let [Action::Report { peer: 77, offence }] = &actions[..] else { panic!("{actions:?}") };
        assert!(offence.to_string().contains(expected), "{offence}");
    }
    // Another round, or the other vote, is another place.
    let later = signed(SignedVote { round: 1, ..other(&vote) });
    assert_eq!(tell(&mut net, Message::Vote(later)), []);
}

#[test]
fn a_vote_in_a_certificate_counts_like_any_other() {
    let mut net = Net::new(config());
    net.reach(3);
    let second = other(&vote_of_3(&net, 2, false));
    let garbage = ([7; 32], [0; 64]);
    let polka = |signature| Polka {
        height: 2,
        round: second.round,
        block: H256([0xEE; 32]),
        prevotes: vec![garbage, (second.voter, signature)],
    };
    let forged = Action::Report { peer: 77, offence: Offence::BadSignature };
    assert_eq!(tell(&mut net, Message::Polka(polka([0; 64]))), [forged]);
    accusation(&tell(&mut net, Message::Polka(polka(second.signature))));
    let third = signed(SignedVote { block: None, ..vote_of_3(&net, 3, true) });
    let votes = vec![(true, None, third.voter, third.signature)];
    let change = RoundChange { height: 3, round: third.round, skip: false, votes };
    accusation(&tell(&mut net, Message::Round(change)));
}

#[test]
fn only_so_much_is_watched() {
    let mut net = Net::new(config());
    net.reach(3);
    let vote = vote_of_3(&net, 2, true);
    // Who speaks without end is forgotten, and nobody else.
    let mut found = 0;
    for round in 1..100 {
        for block in [None, Some(H256([round; 32]))] {
            let vote = signed(SignedVote { round: round.into(), block, ..vote.clone() });
            found += tell(&mut net, Message::Vote(vote)).len();
        }
    }
    assert!(found < WATCHED_PER_VALIDATOR_MAX && found + 3 >= WATCHED_PER_VALIDATOR_MAX, "{found}");
    // And what lies long back.
    let watched = u32::try_from(WATCHED_HEIGHTS).unwrap();
    net.reach(watched + 10);
    let old = vote_of_3(&net, 5, true);
    assert_eq!(tell(&mut net, Message::Vote(other(&old))), []);
    let vote = vote_of_3(&net, 12, true);
    accusation(&tell(&mut net, Message::Vote(other(&vote))));
}

#[test]
fn what_was_heard_before_a_restart_is_compared_with_what_comes_after() {
    let mut net = Net::new(config());
    net.reach(2);
    // Until node 0 has a vote of validator 3 at the height that it decides, and it is durable.
    let key = TestKeys::new(3).vote_key();
    let in_log = |net: &Net| {
        net.nodes[0].log.1[..net.nodes[0].log.2].iter().find_map(|entry| match entry {
            Entry::Vote(vote)
                if vote.voter == key && vote.height == u64::from(net.nodes[0].host.height()) =>
            {
                Some(vote.clone())
            }
            _ => None,
        })
    };
    while in_log(&net).is_none() && net.nodes[0].host.height() <= 30 {
        net.step();
    }
    let vote = in_log(&net).expect("its log holds it");
    net.restart(0, TestKeys::new(0));
    let actions = tell(&mut net, Message::Vote(other(&vote)));
    net.carry_out(0, actions);
    // It may wait until the height begins.
    net.reach(u32::try_from(vote.height).unwrap() + 2);
    assert!(net.punished.iter().any(|evidence| evidence.key == key), "{vote:?}");
}

#[test]
fn a_proposal_that_not_all_were_told_is_passed_on_once() {
    let mut net = Net::new(config());
    net.reach(2);
    while !matches!(net.sent.last(), Some((_, Message::Proposal(proposal, _))) if proposal.height == 3) {
        net.step();
    }
    let Some((from, Message::Proposal(proposal, _))) = net.sent.last().cloned() else { unreachable!() };
    let to = (0..4).find(|at| *at != from).unwrap();
    while net.nodes[to].host.status().step != Step::Prevote {
        assert!(net.step());
    }
    // Somebody votes for another block of this round: it must have been told of one.
    let voter = (0..4).find(|at| *at != from && *at != to).unwrap();
    let vote = |block: u8| {
        let keys = TestKeys::new(u8::try_from(voter).unwrap());
        let mut vote = SignedVote {
            precommit: false,
            height: 3,
            round: 0,
            block: Some(H256([block; 32])),
            voter: keys.vote_key(),
            signature: [0; 64],
        };
        let payload = crate::payload::vote(&vote.clone().into_core().message, set().id, &GENESIS);
        vote.signature = keys.vote.sign(&payload).into();
        Message::Vote(vote)
    };
    let passed_on = |actions: Vec<Action>| -> Vec<SignedProposal> {
        let proposal = |action| match action {
            Action::Broadcast(Message::Proposal(proposal, None)) => Some(proposal),
            _ => None,
        };
        actions.into_iter().filter_map(proposal).collect()
    };
    let mut say = |message| net.nodes[to].host.handle(net.now, Event::Message { peer: 77, message }).unwrap();
    assert_eq!(passed_on(say(vote(1))), [proposal]);
    // Whoever votes for all kinds of blocks leads to no more of it.
    assert_eq!(passed_on(say(vote(2))), []);
}
