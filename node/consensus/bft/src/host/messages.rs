//! What others send: checked, kept for later, or passed to the core.

use arc_malachitebft_core_consensus::{Input, MAX_FUTURE_ROUND_LOOKAHEAD};
use arc_malachitebft_core_types::Round;
use basalt_primitives::OpaqueExtrinsic;

use super::{
    Action, Event, Host, Offence, PeerTag, Verdict,
    drive::{Pending, Phase},
    watch::{Noted, Statement},
};
use crate::{
    claim::{check_claim, claim_of},
    context::{Address, Signature},
    error::HostError,
    limits::{CANDIDATES_MAX, EARLY_MAX, EARLY_PER_PEER_MAX},
    wire::{Message, SignedProposal, SignedVote},
};

impl Host {
    pub(super) fn on_message(&mut self, peer: PeerTag, message: Message) -> Result<(), HostError> {
        let height = u64::from(self.height());
        if message.height() < height {
            if !self.late(peer, &message) {
                self.look_back(peer, &message);
            }
            return Ok(());
        }
        if message.height() > height + 1 {
            self.hands.push(Action::Behind { height: message.height(), peer });
            return Ok(());
        }
        if message.height() == height + 1 {
            self.keep(peer, message);
            return Ok(());
        }
        match self.phase {
            Phase::Deciding => self.accept(peer, message),
            Phase::Waiting => {
                // The others have begun: whoever is late waits for nothing. But not because of just anybody.
                let begun = self.is_signed(&message);
                self.keep(peer, message);
                if begun { self.begin() } else { Ok(()) }
            }
            Phase::Listening => {
                self.listen(&message)?;
                self.keep(peer, message);
                Ok(())
            }
            // What is late for the decision says who is there, and may still contradict something.
            Phase::Committing => {
                if !self.late(peer, &message) {
                    self.look_back(peer, &message);
                }
                Ok(())
            }
        }
    }

    /// What is late for the decision proves nothing more, but says who is there. Says whether it was blamed on somebody.
    fn late(&mut self, peer: PeerTag, message: &Message) -> bool {
        let Message::Vote(vote) = message else { return false };
        let Some(decided) = self.decided.as_mut().filter(|decided| decided.lacks(vote)) else { return false };
        // Who is no member now may just have been one; it is not worth a report.
        let forged = decided.missing(&vote.voter).is_some() && !decided.add(vote);
        if forged {
            self.hands.push(Action::Report { peer, offence: Offence::BadSignature });
        }
        forged
    }

    /// Whether a message that no decision waits for contradicts another one.
    fn look_back(&mut self, peer: PeerTag, message: &Message) {
        if !self.hands.watch.watches(message.height()) {
            return;
        }
        let statement = match message {
            Message::Vote(vote) => Statement::of_vote(vote),
            Message::Proposal(proposal, _) => Statement::of_proposal(proposal),
            Message::Polka(polka) => return self.look_into(polka.votes()),
            Message::Round(change) => return self.look_into(change.votes()),
        };
        if self.is_echo(&statement.key) {
            return;
        }
        match self.hands.watch.note(&statement) {
            Noted::Nothing => {}
            Noted::Twice(evidence) => self.hands.push(Action::Punish(evidence)),
            Noted::Forged => self.hands.push(Action::Report { peer, offence: Offence::BadSignature }),
            Noted::Stranger => self.report_stranger(peer, &statement.key),
        }
    }

    /// Whether a vote in a certificate contradicts what its signer told us: not all tell all the same.
    fn look_into(&mut self, votes: impl Iterator<Item = SignedVote>) {
        for vote in votes {
            if !self.is_echo(&vote.voter)
                && let Some(evidence) = self.hands.watch.look(&Statement::of_vote(&vote))
            {
                self.hands.push(Action::Punish(evidence));
            }
        }
    }

    /// Takes note of what was verified.
    pub(super) fn watch(&mut self, statement: &Statement) {
        if let Some(evidence) = self.hands.watch.note_verified(statement) {
            self.hands.push(Action::Punish(evidence));
        }
    }

    /// A vote for a block says that somebody proposed that. If we were told of another one for the same round, the proposer
    /// told not all the same, and nobody who holds one half of the proof can know it: so we pass ours on, once per height.
    fn pass_on_proposal(&mut self, vote: &SignedVote) {
        let Some(block) = vote.block.filter(|_| !self.passed_on) else { return };
        let Some((proposer, signed)) = self.hands.watch.other_proposal(vote.height, vote.round, &block)
        else {
            return;
        };
        let ours = self.pending.iter().find(|one| one.candidate.hash == signed.content.block);
        let Some(candidate) = ours.map(|one| one.candidate.clone()) else { return };
        self.passed_on = true;
        let proposal = SignedProposal {
            height: vote.height,
            round: vote.round,
            pol_round: signed.content.pol_round,
            header: (*candidate.header).clone(),
            proposer,
            signature: signed.signature,
        };
        self.hands.push(Action::Broadcast(Message::Proposal(proposal, None)));
    }

    /// Keeps a message until its height begins, unless it is here already: those who are ahead repeat themselves until
    /// somebody answers. What is too much says nothing bad of a peer, which may pass on what many others say.
    fn keep(&mut self, peer: PeerTag, message: Message) {
        let of_peer = self.early.iter().filter(|(from, _)| *from == peer).count();
        if of_peer >= EARLY_PER_PEER_MAX || self.early.iter().any(|(_, known)| *known == message) {
            return;
        }
        if self.early.len() >= EARLY_MAX {
            self.early.pop_front();
        }
        self.early.push_back((peer, message));
    }

    pub(super) fn forget_early(&mut self) {
        let height = u64::from(self.height());
        self.early.retain(|(_, message)| message.height() >= height);
    }

    /// Whether somebody who may has begun this height.
    pub(super) fn has_early(&self) -> bool {
        let height = u64::from(self.height());
        self.early.iter().any(|(_, message)| message.height() == height && self.is_signed(message))
    }

    pub(super) fn take_early(&mut self) -> Result<(), HostError> {
        let height = u64::from(self.height());
        let early = std::mem::take(&mut self.early);
        for (peer, message) in early {
            if message.height() == height && self.phase == Phase::Deciding {
                self.accept(peer, message)?;
            } else if message.height() > height {
                self.early.push_back((peer, message));
            }
        }
        Ok(())
    }

    /// Whether a validator of this height signed it. Certificates alone begin no height.
    fn is_signed(&self, message: &Message) -> bool {
        match message {
            Message::Vote(vote) => self.vote_is_signed(vote),
            Message::Proposal(proposal, _) => self.proposal_is_signed(proposal),
            Message::Polka(_) | Message::Round(_) => false,
        }
    }

    fn vote_is_signed(&self, vote: &SignedVote) -> bool {
        let Some((_, member)) = self.members.by_key(&vote.voter) else { return false };
        let signature = Signature(vote.signature);
        self.hands.verifier.vote(&vote.clone().into_core().message, &signature, &member.key)
    }

    fn proposal_is_signed(&self, proposal: &SignedProposal) -> bool {
        let Some((_, member)) = self.members.by_key(&proposal.proposer) else { return false };
        let signature = Signature(proposal.signature);
        self.hands.verifier.proposal(&proposal.clone().into_core().message, &signature, &member.key)
    }

    /// Before we sign anything: does somebody else sign with our key?
    fn listen(&self, message: &Message) -> Result<(), HostError> {
        let signer = match message {
            Message::Vote(vote) => vote.voter,
            Message::Proposal(proposal, _) => proposal.proposer,
            Message::Polka(_) | Message::Round(_) => return Ok(()),
        };
        // Our own from before the restart come back too.
        let ours_before = self.hands.last_height().is_some_and(|last| last >= message.height());
        if Address(signer) == self.hands.address && !ours_before && self.is_signed(message) {
            let key = signer.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
            return Err(HostError::Doppelganger(format!("0x{key}")));
        }
        Ok(())
    }

    fn accept(&mut self, peer: PeerTag, message: Message) -> Result<(), HostError> {
        match message {
            Message::Vote(vote) => {
                if self.is_echo(&vote.voter) {
                    return Ok(());
                }
                if !self.is_of_member(peer, &vote.voter) {
                    return Ok(());
                }
                if !self.vote_is_signed(&vote) {
                    return self.report(peer, Offence::BadSignature);
                }
                self.hands.heard(Address(vote.voter), peer);
                self.watch(&Statement::of_vote(&vote));
                self.pass_on_proposal(&vote);
                self.feed(Input::Vote(vote.into_core()))?;
            }
            Message::Proposal(proposal, body) => {
                if self.is_echo(&proposal.proposer) {
                    return Ok(());
                }
                self.propose(peer, proposal, body)?;
            }
            Message::Polka(polka) => {
                self.look_into(polka.votes());
                self.feed(Input::PolkaCertificate(polka.into_core()))?;
            }
            Message::Round(change) => {
                self.look_into(change.votes());
                self.feed(Input::RoundCertificate(change.into_core()))?;
            }
        }
        Ok(())
    }

    /// Our own messages come back from others, and we know them. Unless the log was lost: then they count as anybody's.
    fn is_echo(&self, signer: &[u8; 32]) -> bool {
        Address(*signer) == self.hands.address && !self.hands.muted
    }

    fn is_of_member(&mut self, peer: PeerTag, signer: &[u8; 32]) -> bool {
        if self.members.by_key(signer).is_some() {
            return true;
        }
        self.report_stranger(peer, signer);
        false
    }

    fn report_stranger(&mut self, peer: PeerTag, signer: &[u8; 32]) {
        let key = signer.iter().map(|byte| format!("{byte:02x}")).collect();
        self.hands.push(Action::Report { peer, offence: Offence::Stranger(key) });
    }

    fn report(&mut self, peer: PeerTag, offence: Offence) -> Result<(), HostError> {
        self.hands.push(Action::Report { peer, offence });
        Ok(())
    }

    fn propose(
        &mut self,
        peer: PeerTag,
        proposal: SignedProposal,
        body: Option<Vec<OpaqueExtrinsic>>,
    ) -> Result<(), HostError> {
        if !self.is_of_member(peer, &proposal.proposer) {
            return Ok(());
        }
        let current = self.state.round().as_u32().unwrap_or(0);
        let (_, expected) = self.members.proposer(proposal.round);
        if expected.vote_key() != proposal.proposer
            || proposal.round > current.saturating_add(MAX_FUTURE_ROUND_LOOKAHEAD)
            || self.pending.len() >= CANDIDATES_MAX
        {
            // The core would pass over it too.
            return Ok(());
        }
        if !self.proposal_is_signed(&proposal) {
            return self.report(peer, Offence::BadSignature);
        }
        self.watch(&Statement::of_proposal(&proposal));
        if let Err(why) = self.check(&proposal) {
            return self.report(peer, Offence::BadProposal(why));
        }
        let (round, pol_round) = (Round::new(proposal.round), Round::from(proposal.pol_round));
        let proposer = Address(proposal.proposer);
        let signed = proposal.into_core();
        let candidate = signed.message.value.clone();
        let pending = Pending { round, pol_round, proposer, candidate: candidate.clone() };
        let known = self.pending.iter().any(|one| one.round == round && one.candidate.hash == candidate.hash);
        if !known {
            self.pending.push(pending.clone());
        }
        self.feed(Input::Proposal(signed))?;
        if self.phase != Phase::Deciding {
            return Ok(());
        }
        match self.verdicts.get(&candidate.hash) {
            // It is being executed.
            Some(Verdict::Unknown) => {}
            Some(verdict) => self.tell(pending, *verdict)?,
            None => {
                self.verdicts.insert(candidate.hash, Verdict::Unknown);
                let header = (*candidate.header).clone();
                self.hands.push(Action::Execute { hash: candidate.hash, header, body, from: peer });
            }
        }
        Ok(())
    }

    /// Whether the header can be right, by what does not need its execution. It depends on the message alone, so all
    /// honest validators agree on it (`facts/consensus.md` §6.1).
    fn check(&mut self, proposal: &SignedProposal) -> Result<(), String> {
        let header = &proposal.header;
        if header.parent_hash != self.ground.parent.hash {
            return Err(format!(
                "it stands on {:?}, but block {} is {:?}",
                header.parent_hash, self.ground.parent.number, self.ground.parent.hash
            ));
        }
        let hash = header.hash();
        let claim = if self.checked.contains(&hash) {
            claim_of(header)
        } else {
            check_claim(header, &self.members, &self.config.genesis)
        };
        let claim = claim.map_err(|error| error.to_string())?;
        self.checked.insert(hash);
        // A block is new in the round that it was built for. Otherwise a later proposer could choose between its own
        // randomness and an earlier one's.
        match proposal.pol_round {
            None if claim.round == proposal.round => Ok(()),
            None => Err(format!("it was built for round {}, and is new in {}", claim.round, proposal.round)),
            Some(pol) if claim.round <= pol => Ok(()),
            Some(pol) => Err(format!("it was built for round {}, after its prevotes in {pol}", claim.round)),
        }
    }
}

impl Event {
    /// A message of a peer, read.
    ///
    /// # Errors
    ///
    /// [`WireError`](crate::WireError): the peer's fault.
    pub fn read(peer: PeerTag, bytes: &[u8]) -> Result<Self, crate::WireError> {
        Ok(Self::Message { peer, message: Message::read(bytes)? })
    }
}
