//! What Byzantine validators send in place of what their hosts want to send.

use super::*;
use crate::keys::Purpose;
use basalt_consensus_bft::{Polka, RoundChange, SignedVote};
use basalt_primitives::{CLAIM, DigestItem};

/// What they know of each other's doing.
#[derive(Debug, Default)]
pub(super) struct Evil {
    /// Two blocks of one proposer, both ways.
    pairs: BTreeMap<H256, Header>,
}

impl Evil {
    pub(super) fn pair(&mut self, one: &Header, other: Header) {
        self.pairs.insert(other.hash(), one.clone());
        self.pairs.insert(one.hash(), other);
    }

    /// Whether there are two of it, and both are valid.
    pub(super) fn is_twin(&self, hash: &H256) -> bool {
        self.pairs.contains_key(hash)
    }

    fn other(&self, hash: Option<H256>) -> Option<&Header> {
        self.pairs.get(&hash?)
    }
}

/// Puts another randomness into a header.
pub(super) fn spoil(header: &mut Header) {
    for item in &mut header.digest.logs {
        if let DigestItem::PreRuntime(engine, payload) = item
            && *engine == CLAIM
            && let Some(byte) = payload.get_mut(20)
        {
            *byte ^= 1;
        }
    }
}

impl World {
    /// Sends what a Byzantine validator makes of a message of its host.
    pub(super) fn tamper(&mut self, at: usize, message: &Message) {
        let role = self.scenario.roles[at].clone();
        if role.does(Fault::Silent) {
            return;
        }
        let set = self.scenario.set(u32::try_from(message.height()).unwrap_or(u32::MAX)).id;
        let purpose = Purpose { genesis: self.genesis, set };
        let mut message = message.clone();
        if role.does(Fault::BodyWithholder)
            && let Message::Proposal(_, body) = &mut message
        {
            *body = None;
        }
        let delay = if role.does(Fault::Late) { self.lateness(&message) } else { Duration::ZERO };
        for to in 0..self.nodes.len() {
            let mut sent = vec![message.clone()];
            if role.does(Fault::EquivocatingProposer) && to % 2 == 1 {
                sent = vec![self.for_other_half(at, &purpose, &message)];
                // Some get both, and can tell.
                if self.dice.chance(300) {
                    sent.push(message.clone());
                }
            }
            if role.does(Fault::DoubleVoter)
                && let Message::Vote(vote) = &message
            {
                let block = match vote.block {
                    Some(_) => None,
                    None => Some(H256([self.dice.below(256) as u8; 32])),
                };
                let other = SignedVote { block, ..vote.clone() };
                sent.push(role.signer.vote(&purpose, other));
                if self.dice.chance(500) {
                    sent.swap(0, 1);
                }
            }
            if role.does(Fault::FutureRoundFlooder)
                && let Message::Vote(vote) = &message
            {
                for _ in 0..self.dice.below(12) {
                    let ahead = [0, 0, 1, 1, 2, 1_000][self.dice.place(6)];
                    let round = vote.round.saturating_add([1, 2, 9, 10, 11, 40, 1 << 30][self.dice.place(7)]);
                    let height = vote.height + ahead;
                    let precommit = self.dice.chance(500);
                    let other = SignedVote { height, round, precommit, ..vote.clone() };
                    sent.push(role.signer.vote(&purpose, other));
                }
            }
            if role.does(Fault::CertificateForger)
                && let Message::Vote(vote) = &message
            {
                self.forge(&role.signer, &purpose, vote, &mut sent);
            }
            for one in sent {
                self.send(at, to, Packet::Consensus(one.encode()), delay);
            }
        }
        if role.does(Fault::CertificateForger) && self.dice.chance(100) {
            self.send_all(at, &Packet::Status(u32::MAX));
        }
    }

    fn lateness(&mut self, message: &Message) -> Duration {
        let wait = match message {
            Message::Proposal(..) => self.scenario.timeouts.propose_min,
            _ => self.scenario.timeouts.vote_min,
        };
        let from = wait.saturating_sub(Duration::from_millis(60));
        self.dice.between(from, wait + Duration::from_millis(20))
    }

    /// The same step, with the other block.
    fn for_other_half(&self, at: usize, purpose: &Purpose, message: &Message) -> Message {
        let signer = &self.scenario.roles[at].signer;
        match message {
            Message::Proposal(proposal, _) => match self.evil.other(Some(proposal.header.hash())) {
                Some(other) if proposal.pol_round.is_none() => {
                    let running = self.nodes[at].running.as_ref();
                    let body = running.and_then(|running| running.bodies.get(&other.hash()).cloned());
                    match signer.proposal(purpose, proposal.round, None, other.clone()) {
                        Message::Proposal(proposal, _) => Message::Proposal(proposal, body),
                        message => message,
                    }
                }
                _ => message.clone(),
            },
            Message::Vote(vote) => match self.evil.other(vote.block) {
                Some(other) => signer.vote(purpose, SignedVote { block: Some(other.hash()), ..vote.clone() }),
                None => message.clone(),
            },
            Message::Polka(_) | Message::Round(_) => message.clone(),
        }
    }

    /// Certificates that prove nothing.
    fn forge(
        &mut self,
        signer: &crate::keys::Signer,
        purpose: &Purpose,
        vote: &SignedVote,
        sent: &mut Vec<Message>,
    ) {
        let block = vote.block.unwrap_or(H256([7; 32]));
        let members = &self.scenario.set(u32::try_from(vote.height).unwrap_or(u32::MAX)).validators;
        let Message::Vote(own) =
            signer.vote(purpose, SignedVote { block: Some(block), precommit: false, ..vote.clone() })
        else {
            return;
        };
        let prevotes = match self.dice.below(3) {
            0 => vec![(own.voter, own.signature); members.len()],
            1 => members.iter().map(|member| (member.vote_key, own.signature)).collect(),
            _ => vec![(own.voter, own.signature)],
        };
        let round = vote.round + u32::try_from(self.dice.below(3)).unwrap_or(0);
        sent.push(Message::Polka(Polka { height: vote.height, round, block, prevotes }));
        let skip = self.dice.chance(500);
        let votes = match self.dice.below(3) {
            0 => vec![(vote.precommit, vote.block, vote.voter, vote.signature); members.len()],
            1 => members.iter().map(|one| (!skip, None, one.vote_key, vote.signature)).collect(),
            _ => Vec::new(),
        };
        let round = vote.round + u32::try_from(self.dice.below(12)).unwrap_or(0);
        sent.push(Message::Round(RoundChange { height: vote.height, round, skip, votes }));
    }

    /// Blocks that nobody decided, or proofs of others.
    pub(super) fn forge_blocks(&mut self, at: usize, from: u32, blocks: &mut Vec<Decided>) {
        let signer = self.scenario.roles[at].signer.clone();
        let set = self.scenario.set(from).clone();
        let purpose = Purpose { genesis: self.genesis, set: set.id };
        match self.dice.below(3) {
            0 => {
                for block in blocks.iter_mut() {
                    block.header.state_root = H256([3; 32]);
                }
            }
            1 => {
                if let [first, second, ..] = &mut blocks[..] {
                    std::mem::swap(&mut first.proof, &mut second.proof);
                }
            }
            _ => {
                let app = &self.nodes[at].app;
                let Some(parent) = app.block(from.saturating_sub(1)) else { return };
                let header = Header {
                    parent_hash: parent.header.hash(),
                    number: from,
                    state_root: H256([4; 32]),
                    extrinsics_root: basalt_chain::extrinsics_root(&[]),
                    digest: parent.header.digest.clone(),
                };
                let hash = header.hash();
                let signature = signer.sign_precommit(&purpose, u64::from(from), 0, hash);
                let everybody = self.dice.chance(500);
                let precommits = set
                    .validators
                    .iter()
                    .filter(|one| everybody || one.vote_key == signer.vote_key())
                    .map(|one| basalt_consensus_bft::justification::SignedPrecommit {
                        target_hash: hash,
                        target_number: from,
                        signature,
                        id: one.vote_key,
                    })
                    .collect();
                let forged = basalt_consensus_bft::justification::GrandpaJustification {
                    round: u64::from(from) << 32,
                    target_hash: hash,
                    target_number: from,
                    precommits,
                    votes_ancestries: Vec::new(),
                };
                let proof = (basalt_consensus_bft::FRNK, forged.encode());
                *blocks = vec![Decided { header, body: Vec::new(), proof }];
            }
        }
    }
}
