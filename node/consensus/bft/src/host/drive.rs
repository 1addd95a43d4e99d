//! The host's own states, around the core's.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use arc_malachitebft_core_consensus::{
    Error as CoreError, Input, LocallyProposedValue, Params, ProposedValue, State, process,
};
use arc_malachitebft_core_types::{
    Round, ThresholdParams, Timeout, TimeoutKind, Validity, ValueOrigin, ValuePayload, VoteExtensionPolicy,
};
use basalt_primitives::{BlockNumber, H256};

use super::{
    Action, Config, Event, Ground, PeerTag, Seen, Timer, Verdict,
    certificate::{Decided, Turnouts},
    effects::{Hands, Outcome},
    watch::Statement,
};
use crate::{
    cache::Verifier,
    claim::{claim_digest, seed_after},
    context::{Address, Candidate, Context, Height},
    error::HostError,
    keys::Keys,
    log::{Entry, Recovered},
    members::Members,
    timing::Timing,
    wire::{Message, SignedProposal, SignedVote},
};

/// Where a host is between two blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Does somebody else sign with our key?
    Listening,
    /// The block below is durable; the next one is not due.
    Waiting,
    /// Rounds of votes.
    Deciding,
    /// Decided, and not durable.
    Committing,
}

/// A proposal of the current height that waits for its block's execution.
#[derive(Debug, Clone)]
pub(super) struct Pending {
    pub(super) round: Round,
    pub(super) pol_round: Round,
    pub(super) proposer: Address,
    pub(super) candidate: Candidate,
}

/// Everything that a validator decides. See the [module](crate).
pub struct Host {
    pub(super) config: Config,
    pub(super) ground: Ground,
    pub(super) members: Members,
    pub(super) state: State<Context>,
    pub(super) hands: Hands,
    pub(super) phase: Phase,
    /// A log that was found at the start and belongs to this height or one to come.
    recovered: Option<Recovered>,
    /// When this height began.
    began: Duration,
    /// Whether transactions wait.
    ready: bool,
    /// For the next height, or for when this one begins.
    pub(super) early: VecDeque<(PeerTag, Message)>,
    /// Blocks of this height and what is known of them.
    pub(super) verdicts: BTreeMap<H256, Verdict>,
    pub(super) pending: Vec<Pending>,
    /// Headers whose claims were checked.
    pub(super) checked: BTreeSet<H256>,
    /// A proposal of somebody else was passed on.
    pub(super) passed_on: bool,
    /// The block that was decided here last, and who voted for it.
    pub(super) decided: Option<Decided>,
    /// And those before it.
    pub(super) turnouts: Turnouts,
    pub(super) now: Duration,
}

impl Host {
    /// A host on this ground, with the log that was found, if any. `now` is any time that does not run backwards.
    ///
    /// # Errors
    ///
    /// [`HostError`].
    pub fn new(
        config: Config,
        mut keys: Box<dyn Keys>,
        ground: Ground,
        recovered: Option<Recovered>,
        now: Duration,
    ) -> Result<(Self, Vec<Action>), HostError> {
        let members = members_on(&ground, &config.genesis)?;
        let verifier = Verifier::new(config.genesis, members.id());
        // Blocks may have come in since the keys were opened.
        let address = Address(keys.enter(&ground.validators));
        let state = state(address, &ground, &members);
        let hands = Hands::new(keys, address, verifier, Timing::new(config.timeouts), now);
        let mut host = Self {
            config,
            ground,
            members,
            state,
            hands,
            phase: Phase::Waiting,
            recovered,
            began: now,
            ready: false,
            early: VecDeque::new(),
            verdicts: BTreeMap::new(),
            pending: Vec::new(),
            checked: BTreeSet::new(),
            passed_on: false,
            decided: None,
            turnouts: Turnouts::default(),
            now,
        };
        host.hands.watch.begin(u64::from(host.height()), &host.members);
        if config.listen.is_zero() {
            host.wait()?;
        } else {
            host.phase = Phase::Listening;
            host.hands.push(Action::Schedule(Timer::Listen, config.listen));
        }
        let actions = host.hands.take();
        Ok((host, actions))
    }

    /// The height that is decided, or that comes next.
    pub fn height(&self) -> BlockNumber {
        self.ground.parent.number.saturating_add(1)
    }

    /// Who decides it.
    pub fn members(&self) -> &Members {
        &self.members
    }

    /// Carries out the second half of [`Action::Sync`].
    ///
    /// # Errors
    ///
    /// Those of [`Keys::sync`].
    pub fn sync_keys(&mut self) -> std::io::Result<()> {
        self.hands.keys().sync()
    }

    /// What is to be done since this happened, in this order.
    ///
    /// # Errors
    ///
    /// [`HostError`]: this host must not be used any more.
    pub fn handle(&mut self, now: Duration, event: Event) -> Result<Vec<Action>, HostError> {
        self.now = self.now.max(now);
        self.hands.now = self.now;
        match event {
            Event::Message { peer, message } => self.on_message(peer, message)?,
            Event::Built { round, header } => self.on_built(round, Candidate::new(header))?,
            Event::Executed { hash, verdict } => self.on_executed(hash, verdict)?,
            Event::Elapsed(timer) => self.on_elapsed(timer)?,
            Event::Ready(ready) => {
                self.ready = ready;
                self.go_on()?;
            }
            Event::Durable(ground) => self.on_durable(ground)?,
        }
        Ok(self.hands.take())
    }

    fn on_built(&mut self, round: u32, candidate: Candidate) -> Result<(), HostError> {
        if self.phase != Phase::Deciding || candidate.header.number != self.height() {
            return Ok(());
        }
        self.verdicts.insert(candidate.hash, Verdict::Valid);
        self.checked.insert(candidate.hash);
        let value = LocallyProposedValue::new(self.at(), Round::new(round), candidate);
        self.feed(Input::Propose(value))
    }

    fn on_executed(&mut self, hash: H256, verdict: Verdict) -> Result<(), HostError> {
        if self.phase != Phase::Deciding {
            return Ok(());
        }
        if verdict == Verdict::Unknown {
            // Another proposal for it asks again.
            self.verdicts.remove(&hash);
            return Ok(());
        }
        self.verdicts.insert(hash, verdict);
        self.hands.saw_proposal();
        let of_it: Vec<_> = self.pending.iter().filter(|one| one.candidate.hash == hash).cloned().collect();
        for pending in of_it {
            self.tell(pending, verdict)?;
        }
        self.agree()
    }

    /// Tells the core how a proposed block was.
    pub(super) fn tell(&mut self, pending: Pending, verdict: Verdict) -> Result<(), HostError> {
        let Pending { round, pol_round, proposer, candidate } = pending;
        let value = ProposedValue {
            height: self.at(),
            round,
            valid_round: pol_round,
            proposer,
            value: candidate,
            validity: Validity::from_bool(verdict == Verdict::Valid),
        };
        self.feed(Input::ProposedValue(value, ValueOrigin::Consensus))
    }

    fn on_elapsed(&mut self, timer: Timer) -> Result<(), HostError> {
        let timeout = match timer {
            Timer::Listen if self.phase == Phase::Listening => return self.wait(),
            Timer::Next => return self.go_on(),
            Timer::Listen => return Ok(()),
            Timer::Propose(round) => Timeout::new(Round::new(round), TimeoutKind::Propose),
            Timer::Prevote(round) => Timeout::new(Round::new(round), TimeoutKind::Prevote),
            Timer::Precommit(round) => Timeout::new(Round::new(round), TimeoutKind::Precommit),
            Timer::Rebroadcast(round) => Timeout::new(Round::new(round), TimeoutKind::Rebroadcast),
        };
        if self.phase == Phase::Deciding { self.feed(Input::TimeoutElapsed(timeout)) } else { Ok(()) }
    }

    fn on_durable(&mut self, ground: Ground) -> Result<(), HostError> {
        if ground.parent.number <= self.ground.parent.number {
            return Ok(());
        }
        // Where the set changes, votes for its last block count for nobody, and our key may change with it.
        if self.phase == Phase::Committing && ground.validators.id == self.members.id() {
            self.vote_late();
        }
        let before = self.members.id();
        self.members = members_on(&ground, &self.config.genesis)?;
        let next = ground.parent.number == self.height();
        self.ground = ground;
        let renamed = self.members.id() != before && self.hands.enter(&self.ground.validators, &self.members);
        if !next || renamed || self.phase != Phase::Committing {
            // The core allows no other way to leave out heights.
            self.state = state(self.hands.address, &self.ground, &self.members);
            self.hands.push(Action::CancelSteps);
        }
        if !next {
            // We were behind; nobody knows when this height began.
            self.began = self.now;
        }
        self.hands.verifier.reset(self.members.id());
        self.verdicts.clear();
        self.pending.clear();
        self.checked.clear();
        self.passed_on = false;
        self.hands.watch.begin(u64::from(self.height()), &self.members);
        self.forget_early();
        if self.phase == Phase::Listening { Ok(()) } else { self.wait() }
    }

    /// The others were faster and decided without our vote. Now it says that we are there: they count who is not.
    ///
    /// It contradicts nothing. The block is decided, so more than a third of the power, honest, saw two thirds prevote for it
    /// in that round, and it was executed here. If anything else was signed there, or anything later, the keys refuse. The log
    /// need not hold it: the height is over.
    fn vote_late(&mut self) {
        let Some(decided) = &mut self.decided else { return };
        let key = self.hands.address.0;
        if self.hands.muted || decided.missing(&key).is_none() {
            return;
        }
        let (height, round) = (u64::from(decided.block.number), decided.round);
        if let Some(signature) = self.hands.sign_late(height, round, &decided.payload()) {
            decided.add_own(key, signature);
            let block = Some(decided.block.hash);
            let vote = SignedVote { precommit: true, height, round, block, voter: key, signature };
            self.hands.send(Message::Vote(vote));
        }
    }

    /// The height may begin, if it is due.
    fn wait(&mut self) -> Result<(), HostError> {
        self.phase = Phase::Waiting;
        if self.recovered.as_ref().is_some_and(|found| found.height < self.height()) {
            self.recovered = None;
        }
        // What has begun once goes on at once, and others are not kept waiting.
        if self.recovered.as_ref().is_some_and(|found| found.height == self.height()) || self.has_early() {
            return self.begin();
        }
        self.go_on()
    }

    fn go_on(&mut self) -> Result<(), HostError> {
        if self.phase != Phase::Waiting {
            return Ok(());
        }
        let pace = self.config.pace;
        // A chain without any block is of little use to anybody, so the first one does not wait.
        let wait = if self.ready || self.height() == 1 { pace.block_time } else { pace.empty_block_time };
        let due = self.began.saturating_add(wait.max(pace.block_time));
        if due <= self.now {
            return self.begin();
        }
        self.hands.push(Action::Schedule(Timer::Next, due - self.now));
        Ok(())
    }

    /// Begins the rounds of a height.
    pub(super) fn begin(&mut self) -> Result<(), HostError> {
        self.phase = Phase::Deciding;
        self.began = self.now;
        let height = self.height();
        let replay = match self.recovered.take() {
            Some(found) if found.height == height => Some(found.entries),
            // Of a height to come: the chain was set back, and its blocks are on their way.
            found => {
                self.recovered = found;
                None
            }
        };
        let signed = self.hands.last_height();
        // What was signed here, and is not in a log, could be contradicted. Others decide this height.
        let muted = self.recovered.is_some()
            || signed.is_some_and(|signed| {
                signed > u64::from(height) || (signed == u64::from(height) && replay.is_none())
            });
        if muted {
            tracing::warn!(
                height,
                signed,
                "votes were signed for this height or above it that the log does not hold: watching only"
            );
        }
        self.hands.begin(muted, replay.is_some());
        self.state.params.enabled = !muted;
        if replay.is_none() && !muted {
            self.hands.push(Action::Begin(height));
        }
        let inputs: Vec<_> = replay
            .into_iter()
            .flatten()
            .filter(|entry| !matches!(entry, Entry::Body(..)))
            .filter_map(|entry| entry.into_input(self.at()))
            .collect();
        if !muted {
            // Before the first of them is dealt with: that may already lead to the last of our votes.
            inputs.iter().for_each(|input| self.hands.remember(input));
        }
        self.state.index_wal_entries(&inputs);
        let start = Input::StartHeight(
            self.at(),
            self.members.clone(),
            !inputs.is_empty(),
            None,
            VoteExtensionPolicy::default(),
        );
        self.feed(start)?;
        for input in inputs {
            if let Input::ProposedValue(value, _) = &input {
                let verdict = if value.validity.is_valid() { Verdict::Valid } else { Verdict::Invalid };
                self.verdicts.insert(value.value.hash, verdict);
                self.checked.insert(value.value.hash);
            }
            self.watch_again(&input);
            if let Input::Proposal(proposal) = &input {
                let proposal = &proposal.message;
                self.checked.insert(proposal.value.hash);
                self.pending.push(Pending {
                    round: proposal.round,
                    pol_round: proposal.pol_round,
                    proposer: proposal.proposer,
                    candidate: proposal.value.clone(),
                });
            }
            if self.phase == Phase::Deciding {
                self.feed(input)?;
            }
        }
        self.state.reset_entries_index();
        self.hands.replaying = false;
        self.after_replay()?;
        self.take_early()
    }

    /// Others' messages in the log are compared with those to come.
    fn watch_again(&mut self, input: &Input<Context>) {
        let statement = match input {
            Input::Vote(vote) => Statement::of_vote(&SignedVote::of(vote)),
            Input::Proposal(proposal) => Statement::of_proposal(&SignedProposal::of(proposal)),
            _ => return,
        };
        if Address(statement.key) != self.hands.address {
            self.watch(&statement);
        }
    }

    /// What the log did not answer.
    fn after_replay(&mut self) -> Result<(), HostError> {
        if self.phase != Phase::Deciding {
            return Ok(());
        }
        // A proposal whose execution was cut short.
        let open: Vec<_> = self
            .pending
            .iter()
            .filter(|one| !self.verdicts.contains_key(&one.candidate.hash))
            .cloned()
            .collect();
        for Pending { candidate, .. } in open {
            self.verdicts.insert(candidate.hash, Verdict::Unknown);
            self.hands.push(Action::Execute {
                hash: candidate.hash,
                header: (*candidate.header).clone(),
                body: None,
                from: PeerTag::MAX,
            });
        }
        if let Some(round) = self.hands.wanted.take()
            && self.state.round() == round
            && self.state.driver.step_is_propose()
            && !self.pending.iter().any(|one| one.round == round && one.proposer == self.hands.address)
        {
            self.hands.wanted = Some(round);
            self.build();
        }
        Ok(())
    }

    /// Asks for a block, if it is our turn.
    fn build(&mut self) {
        let Some(round) = self.hands.wanted.take() else { return };
        let round = crate::wire::round(round);
        let height = self.height();
        let Some((_, me)) = self.members.by_key(&self.hands.address.0) else { return };
        let author = me.account;
        let parent = self.ground.parent.hash;
        let claim = self.hands.claim(&self.config.genesis, height, round, &self.members);
        self.hands.push(Action::Build {
            height,
            round,
            parent,
            author,
            digest: claim_digest(&claim, &author),
            patience: self.hands.timing.propose(round),
            votes: self.decided.as_ref().filter(|decided| decided.is_of(parent)).map(Decided::certificate),
        });
    }

    pub(super) fn at(&self) -> Height {
        Height(u64::from(self.height()))
    }

    /// Hands something to the core, and does what follows.
    pub(super) fn feed(&mut self, input: Input<Context>) -> Result<(), HostError> {
        let height = self.at();
        let Self { state, hands, members, .. } = self;
        hands.outcome = Outcome::default();
        let fed: Result<(), CoreError<Context>> = process!(
            input: input,
            state: state,
            metrics: &(),
            with: effect => hands.carry_out(effect, height, members)
        );
        let Outcome { refused, new_round, decided, .. } = std::mem::take(&mut self.hands.outcome);
        match fed {
            Ok(()) => {}
            Err(CoreError::ReplayDivergence(..)) => {
                let reason = "a vote that it holds does not follow from what came before it".to_owned();
                return Err(HostError::Diverged { height: height.0, reason });
            }
            // The step goes on without our vote: see `Hands::sign`.
            Err(CoreError::UnexpectedResume(..)) if refused => self.state.params.enabled = false,
            Err(error) => {
                return Err(HostError::Core { height: height.0, reason: error.to_string() });
            }
        }
        if new_round && !refused && !self.hands.muted {
            self.state.params.enabled = true;
        }
        if let Some((block, round, signatures)) = decided {
            return self.on_decided(block, round, signatures);
        }
        if !self.hands.replaying {
            self.build();
        }
        self.agree()
    }

    fn on_decided(
        &mut self,
        hash: H256,
        round: u32,
        signatures: Vec<([u8; 32], [u8; 64])>,
    ) -> Result<(), HostError> {
        let known = self.state.driver.decided_value().map(|(_, value)| value);
        let Some(candidate) = known.filter(|value| value.hash == hash) else {
            let reason = "the decided block is not among the proposed ones".to_owned();
            return Err(HostError::Core { height: self.at().0, reason });
        };
        let block = basalt_chain::BlockId { hash, number: self.height() };
        let decided = Decided::new(block, round, self.members.clone(), signatures.clone());
        if let Some(before) = self.decided.replace(decided) {
            self.turnouts.push(before);
        }
        self.phase = Phase::Committing;
        self.hands.wanted = None;
        self.hands.push(Action::CancelSteps);
        self.hands.push(Action::Commit {
            block,
            header: (*candidate.header).clone(),
            justification: crate::justification::encode(block, round, signatures),
        });
        Ok(())
    }

    /// Whether those who decide agree with what was executed here.
    fn agree(&self) -> Result<(), HostError> {
        for (hash, verdict) in &self.verdicts {
            if *verdict == Verdict::Invalid
                && self.members.is_quorum(self.hands.precommitted(hash, &self.members))
            {
                return Err(HostError::Disagrees { height: self.at().0, hash: format!("{hash:?}") });
            }
        }
        Ok(())
    }

    pub(super) fn seen(&self) -> &BTreeMap<Address, Seen> {
        &self.hands.seen
    }
}

fn members_on(ground: &Ground, genesis: &H256) -> Result<Members, HostError> {
    let seed = seed_after(&ground.header, genesis).map_err(|error| HostError::Core {
        height: u64::from(ground.parent.number),
        reason: error.to_string(),
    })?;
    Ok(Members::new(&ground.validators, seed)?)
}

fn state(address: Address, ground: &Ground, members: &Members) -> State<Context> {
    let params = Params {
        address,
        threshold_params: ThresholdParams::default(),
        // A proposal counts when its block was executed here. `ProposalOnly` would take each for valid.
        value_payload: ValuePayload::ProposalAndParts,
        enabled: true,
    };
    let height = Height(u64::from(ground.parent.number) + 1);
    // The host keeps what is early itself, so the core's queue stays empty.
    State::new(Context, height, members.clone(), params, 1, 1)
}
