//! What the core wants done.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use arc_malachitebft_core_consensus::{ConsensusMsg, Effect, Input, Resumable, Resume, SignedConsensusMsg};
use arc_malachitebft_core_types::{
    CertificateError, NilOrVal, Round, SignedMessage, Timeout, TimeoutKind, VoteType,
};
use arc_malachitebft_signing::VerifierExt;
use basalt_primitives::{BlockNumber, Claim, H256, hashing::blake2_256};
use basalt_runtime_api::ValidatorSet;
use futures::FutureExt;

use super::{
    Action, PeerTag, Seen, Timer,
    watch::{Statement, Watch},
};
use crate::{
    cache::Verifier,
    claim::vrf_input,
    context::{Address, Context, Height, Proposal, Signature, Vote},
    keys::{Keys, Slot, SlotStep},
    log::Entry,
    members::Members,
    payload,
    timing::Timing,
    wire::{self, Message, Signatures, SignedProposal, SignedVote},
};

type CoreEffect = Effect<Context>;
type CoreResume = Resume<Context>;

/// A signature was refused: the core is not resumed with what it asked for, and drops the step.
#[derive(Debug)]
pub(super) struct Refused;

/// What the last input led to, for the host.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// A signature was refused.
    pub(super) refused: bool,
    /// Another round began.
    pub(super) new_round: bool,
    /// Block, round, signatures.
    pub(super) decided: Option<(H256, u32, Signatures)>,
}

/// All that the core's effects touch.
pub(super) struct Hands {
    keys: Box<dyn Keys>,
    pub(super) address: Address,
    pub(super) verifier: Verifier,
    pub(super) timing: Timing,
    pub(super) now: Duration,
    pub(super) outcome: Outcome,
    /// Watching only, at this height.
    pub(super) muted: bool,
    /// What happens comes from the log, and is not written to it again.
    pub(super) replaying: bool,
    /// What of ours the log holds that is replayed.
    kept: BTreeSet<Slot>,
    /// A block is wanted for this round.
    pub(super) wanted: Option<Round>,
    pub(super) seen: BTreeMap<Address, Seen>,
    pub(super) watch: Watch,
    /// Precommits of this height for blocks: of one round, for one block.
    precommits: BTreeMap<(u32, H256), BTreeSet<Address>>,
    /// When the round began, and when the proposal was executed; taken away once they were of use.
    round_began: Option<Duration>,
    executed: Option<Duration>,
    /// Something was appended and not synced.
    unsynced: bool,
    actions: Vec<Action>,
}

impl Hands {
    pub(super) fn new(
        keys: Box<dyn Keys>,
        address: Address,
        verifier: Verifier,
        timing: Timing,
        now: Duration,
    ) -> Self {
        let watch = Watch::new(*verifier.genesis());
        Self {
            keys,
            address,
            verifier,
            timing,
            now,
            outcome: Outcome::default(),
            muted: false,
            replaying: false,
            kept: BTreeSet::new(),
            wanted: None,
            seen: BTreeMap::new(),
            watch,
            precommits: BTreeMap::new(),
            round_began: None,
            executed: None,
            unsynced: false,
            actions: Vec::new(),
        }
    }

    pub(super) fn begin(&mut self, muted: bool, replaying: bool) {
        self.muted = muted;
        self.replaying = replaying;
        self.kept.clear();
        self.wanted = None;
        self.precommits.clear();
        // What a restart takes says nothing about the network.
        self.round_began = None;
        self.executed = None;
    }

    pub(super) fn push(&mut self, action: Action) {
        self.actions.push(action);
    }

    /// What is to be done, with one sync at most.
    ///
    /// One event may lead to several signatures, and the keys remember all of them from its start on. A sync between two
    /// would make durable that the second was made before the log holds it, and after a crash there this validator could
    /// not sign for the rest of the round. So all is appended, then synced, then sent.
    pub(super) fn take(&mut self) -> Vec<Action> {
        let actions = std::mem::take(&mut self.actions);
        if !actions.contains(&Action::Sync) {
            return actions;
        }
        self.unsynced = false;
        let (mut ordered, rest): (Vec<_>, Vec<_>) =
            actions.into_iter().partition(|action| matches!(action, Action::Begin(_) | Action::Append(_)));
        ordered.push(Action::Sync);
        ordered.extend(rest.into_iter().filter(|action| *action != Action::Sync));
        ordered
    }

    /// Another set decides. Says whether we sign with another key from here on.
    pub(super) fn enter(&mut self, set: &ValidatorSet, members: &Members) -> bool {
        self.seen.retain(|voter, _| members.by_key(&voter.0).is_some());
        let address = Address(self.keys.enter(set));
        std::mem::replace(&mut self.address, address) != address
    }

    pub(super) fn last_height(&self) -> Option<u64> {
        self.keys.last_height()
    }

    pub(super) fn keys(&mut self) -> &mut dyn Keys {
        self.keys.as_mut()
    }

    pub(super) fn claim(&self, genesis: &H256, height: BlockNumber, round: u32, members: &Members) -> Claim {
        let (vrf_output, vrf_proof) = self.keys.vrf_sign(&vrf_input(genesis, height, &members.seed()));
        let validator = members.by_key(&self.address.0).and_then(|(place, _)| u32::try_from(place).ok());
        Claim { round, validator: validator.unwrap_or(u32::MAX), vrf_output, vrf_proof }
    }

    /// A proposal was executed: how long that took since the round began is what others should wait.
    pub(super) fn saw_proposal(&mut self) {
        if let Some(began) = self.round_began.take() {
            self.timing.saw_proposal(self.now.saturating_sub(began));
            self.executed = Some(self.now);
        }
    }

    /// The power behind precommits for this block, in the round where it has most.
    pub(super) fn precommitted(&self, hash: &H256, members: &Members) -> u64 {
        let power = |voters: &BTreeSet<Address>| {
            voters.iter().filter_map(|voter| members.by_key(&voter.0)).map(|(_, member)| member.power).sum()
        };
        self.precommits
            .iter()
            .filter(|((_, of), _)| of == hash)
            .map(|(_, voters)| power(voters))
            .max()
            .unwrap_or(0)
    }

    pub(super) fn carry_out(
        &mut self,
        effect: CoreEffect,
        height: Height,
        members: &Members,
    ) -> Result<CoreResume, Refused> {
        Ok(match effect {
            Effect::CancelAllTimeouts(r) => {
                self.push(Action::CancelSteps);
                r.resume_with(())
            }
            Effect::CancelTimeout(timeout, r) => {
                if let Some(timer) = timer(timeout) {
                    self.push(Action::Cancel(timer));
                }
                r.resume_with(())
            }
            Effect::ScheduleTimeout(timeout, r) => {
                if let Some(timer) = timer(timeout) {
                    self.push(Action::Schedule(timer, self.wait_for(timer)));
                }
                r.resume_with(())
            }
            Effect::StartRound(_, round, _, _, r) => {
                self.outcome.new_round = true;
                self.wanted = None;
                // Rounds after the first begin when the others give up, which is not what is measured.
                self.round_began = (round == Round::ZERO && !self.replaying).then_some(self.now);
                self.executed = None;
                r.resume_with(())
            }
            Effect::PublishConsensusMsg(message, r) => {
                if let SignedConsensusMsg::Vote(vote) = &message
                    && vote.message.kind == VoteType::Precommit
                    && vote.message.value.is_val()
                    && let Some(executed) = self.executed.take()
                {
                    self.timing.saw_votes(self.now.saturating_sub(executed));
                }
                self.send(Message::of(&message));
                r.resume_with(())
            }
            Effect::PublishLivenessMsg(message, r) => {
                self.send(Message::of_liveness(&message));
                r.resume_with(())
            }
            Effect::RepublishVote(vote, r) => {
                self.send(Message::Vote(SignedVote::of(&vote)));
                r.resume_with(())
            }
            Effect::RepublishRoundCertificate(change, r) => {
                self.send(Message::Round(wire::RoundChange::of(&change)));
                r.resume_with(())
            }
            Effect::GetValue(_, round, _, r) => {
                self.wanted = Some(round);
                r.resume_with(())
            }
            // Whoever gets the proposal asks for the body, if it lacks that.
            Effect::RestreamProposal(.., r) => r.resume_with(()),
            Effect::SignVote(vote, r) => r.resume_with(self.sign_vote(vote)?),
            Effect::SignProposal(proposal, r) => r.resume_with(self.sign_proposal(proposal)?),
            Effect::VerifySignature(signed, key, r) => {
                let SignedMessage { message, signature } = &signed;
                r.resume_with(match message {
                    ConsensusMsg::Vote(vote) => self.verifier.vote(vote, signature, &key),
                    ConsensusMsg::Proposal(proposal) => self.verifier.proposal(proposal, signature, &key),
                })
            }
            Effect::VerifyCommitCertificate(certificate, _, thresholds, r) => r.resume_with(done(
                self.verifier.verify_commit_certificate(&Context, &certificate, members, thresholds),
            )),
            Effect::VerifyExtendedCommitCertificate(certificate, _, thresholds, policy, r) => {
                r.resume_with(done(self.verifier.verify_extended_commit_certificate(
                    &Context,
                    &certificate,
                    members,
                    thresholds,
                    policy,
                )))
            }
            Effect::VerifyPolkaCertificate(certificate, _, thresholds, r) => {
                let result =
                    done(self.verifier.verify_polka_certificate(&Context, &certificate, members, thresholds));
                r.resume_with(result)
            }
            Effect::VerifyRoundCertificate(certificate, _, thresholds, r) => {
                let result =
                    done(self.verifier.verify_round_certificate(&Context, &certificate, members, thresholds));
                r.resume_with(result)
            }
            Effect::WalAppend(of, input, r) => {
                self.log(of, height, &input);
                r.resume_with(())
            }
            // Votes have no extensions.
            Effect::ExtendVote(.., r) => r.resume_with(None),
            Effect::VerifyVoteExtension(.., r) => r.resume_with(Ok(())),
            Effect::Decide(certificate, _, r) => {
                let (round, signatures) = wire::decision(&certificate);
                self.outcome.decided = Some((certificate.value_id.0, round, signatures));
                r.resume_with(())
            }
            Effect::Finalize(_, _, evidence, r) => {
                for (first, second) in evidence.proposals.iter().flat_map(|(_, pairs)| pairs) {
                    self.punish(
                        &Statement::of_proposal(&SignedProposal::of(first)),
                        &Statement::of_proposal(&SignedProposal::of(second)),
                    );
                }
                for (first, second) in evidence.votes.iter().flat_map(|(_, pairs)| pairs) {
                    self.punish(
                        &Statement::of_vote(&SignedVote::of(first)),
                        &Statement::of_vote(&SignedVote::of(second)),
                    );
                }
                r.resume_with(())
            }
            // Catching up goes past the core: see `Event::Durable`.
            Effect::CertVerifiedSyncValue(.., r) => r.resume_with(()),
            Effect::CertRejectedSyncValue(.., r) => r.resume_with(()),
        })
    }

    /// Somebody signed both.
    fn punish(&mut self, first: &Statement, second: &Statement) {
        if let Some(evidence) = first.against(second, self.verifier.set())
            && let Some(evidence) = self.watch.once(evidence)
        {
            self.push(Action::Punish(evidence));
        }
    }

    /// Nothing leaves before that is durable which it rests on.
    pub(super) fn send(&mut self, message: Message) {
        if self.unsynced {
            self.push(Action::Sync);
            self.unsynced = false;
        }
        self.push(Action::Broadcast(message));
    }

    fn log(&mut self, of: Height, height: Height, input: &Input<Context>) {
        if of != height {
            return;
        }
        if let Input::Vote(vote) = input {
            self.note(&vote.message);
        }
        // What comes from the log is in it. What of ours follows from it and is not was cut off by the crash.
        let is_kept = self.replaying && self.slot_of(input).is_none_or(|slot| self.kept.contains(&slot));
        if is_kept || self.muted {
            return;
        }
        if let Some(entry) = Entry::of(input) {
            self.push(Action::Append(entry));
            self.unsynced = true;
        }
    }

    /// A message that a validator signed came from this peer.
    pub(super) fn heard(&mut self, signer: Address, from: PeerTag) {
        self.seen.entry(signer).or_default().from = Some(from);
    }

    /// A vote counts.
    fn note(&mut self, vote: &Vote) {
        let round = wire::round(vote.round);
        let seen = self.seen.entry(vote.voter).or_default();
        seen.note(vote.height.0, round, vote.kind == VoteType::Precommit, !vote.value.is_nil());
        if let (VoteType::Precommit, NilOrVal::Val(id)) = (vote.kind, &vote.value) {
            self.precommits.entry((round, id.0)).or_default().insert(vote.voter);
        }
    }

    fn sign(&mut self, slot: Slot, payload: &[u8]) -> Result<Signature, Refused> {
        // Also durable before it leaves: what the keys remember.
        self.unsynced = true;
        match self.keys.sign(slot, H256(blake2_256(payload)), payload) {
            Ok(signature) => Ok(Signature(signature)),
            Err(refusal) => {
                tracing::error!(height = slot.height, round = slot.round, %refusal, "not signed");
                self.outcome.refused = true;
                Err(Refused)
            }
        }
    }

    /// Signs a precommit for a block that is decided already, unless anything else was signed there or later.
    pub(super) fn sign_late(&mut self, height: u64, round: u32, payload: &[u8]) -> Option<[u8; 64]> {
        let slot = Slot { height, round, step: SlotStep::Precommit };
        let signature = self.keys.sign(slot, H256(blake2_256(payload)), payload).ok()?;
        self.unsynced = true;
        Some(signature)
    }

    /// Something of ours in the log is about to be sent again. A crash may have come after the log was synced, and before
    /// the keys were: then they learn of it now.
    pub(super) fn remember(&mut self, input: &Input<Context>) {
        let (set, genesis) = (self.verifier.set(), self.verifier.genesis());
        let (slot, payload) = match input {
            Input::Vote(vote) if vote.message.voter == self.address => {
                (slot_of_vote(&vote.message), payload::vote(&vote.message, set, genesis))
            }
            Input::Proposal(proposal) if proposal.message.proposer == self.address => {
                (slot_of_proposal(&proposal.message), payload::proposal(&proposal.message, set, genesis))
            }
            _ => return,
        };
        self.kept.insert(slot);
        // They refuse if they know of something later, which is as good.
        self.unsynced |= self.keys.sign(slot, H256(blake2_256(&payload)), &payload).is_ok();
    }

    /// Where we signed this; none for what is not ours.
    fn slot_of(&self, input: &Input<Context>) -> Option<Slot> {
        match input {
            Input::Vote(vote) if vote.message.voter == self.address => Some(slot_of_vote(&vote.message)),
            Input::Proposal(proposal) if proposal.message.proposer == self.address => {
                Some(slot_of_proposal(&proposal.message))
            }
            _ => None,
        }
    }

    fn sign_vote(&mut self, vote: Vote) -> Result<SignedMessage<Context, Vote>, Refused> {
        let payload = payload::vote(&vote, self.verifier.set(), self.verifier.genesis());
        let signature = self.sign(slot_of_vote(&vote), &payload)?;
        Ok(SignedMessage::new(vote, signature))
    }

    fn sign_proposal(&mut self, proposal: Proposal) -> Result<SignedMessage<Context, Proposal>, Refused> {
        let payload = payload::proposal(&proposal, self.verifier.set(), self.verifier.genesis());
        let signature = self.sign(slot_of_proposal(&proposal), &payload)?;
        Ok(SignedMessage::new(proposal, signature))
    }

    fn wait_for(&self, timer: Timer) -> Duration {
        match timer {
            Timer::Propose(round) => self.timing.propose(round),
            Timer::Prevote(round) | Timer::Precommit(round) => self.timing.vote(round),
            Timer::Rebroadcast(round) => self.timing.rebroadcast(round),
            Timer::Next | Timer::Listen => Duration::ZERO,
        }
    }
}

fn slot_of_vote(vote: &Vote) -> Slot {
    let step = if vote.kind == VoteType::Precommit { SlotStep::Precommit } else { SlotStep::Prevote };
    Slot { height: vote.height.0, round: wire::round(vote.round), step }
}

fn slot_of_proposal(proposal: &Proposal) -> Slot {
    Slot { height: proposal.height.0, round: wire::round(proposal.round), step: SlotStep::Proposal }
}

/// None for waits that this host does itself.
fn timer(timeout: Timeout) -> Option<Timer> {
    let round = wire::round(timeout.round);
    match timeout.kind {
        TimeoutKind::Propose => Some(Timer::Propose(round)),
        TimeoutKind::Prevote => Some(Timer::Prevote(round)),
        TimeoutKind::Precommit => Some(Timer::Precommit(round)),
        TimeoutKind::Rebroadcast => Some(Timer::Rebroadcast(round)),
        TimeoutKind::FinalizeHeight(_) => None,
    }
}

/// The result of a verification, which never waits. It is never an error of the effect: the core would fail by it.
#[expect(clippy::result_large_err, reason = "it is the core's")]
fn done(
    verification: impl Future<Output = Result<(), CertificateError<Context>>>,
) -> Result<(), CertificateError<Context>> {
    verification.now_or_never().unwrap_or(Err(CertificateError::VerificationError(None)))
}
