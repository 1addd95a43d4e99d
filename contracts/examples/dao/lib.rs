//! Hold a treasury that its members vote on.
//!
//! Members have weights. A proposal says what is to be done; members vote for or against it until its voting period is
//! over; then anybody carries out what more weight was for than against, if enough took part. Votes are counted as they
//! come in, so that no message loops over voters.
#![cfg_attr(not(feature = "std"), no_std, no_main)]

/// Members, their treasury, and what they decide.
#[ink::contract]
mod dao {
    use ink::{
        env::{
            call::{build_call, ExecutionInput, Selector},
            CallFlags, DefaultEnvironment,
        },
        prelude::vec::Vec,
        scale::{Encode, Output},
        storage::Mapping,
    };

    /// The number of a proposal.
    pub type ProposalId = u32;

    /// Founders, over whom the constructor loops. More join by vote.
    const MAX_FOUNDERS: usize = 64;

    /// Bytes of a call.
    const MAX_INPUT: usize = 4096;

    /// The storage.
    #[ink(storage)]
    pub struct Dao {
        rules: Rules,
        total_weight: u64,
        next: ProposalId,
        members: Mapping<AccountId, u32>,
        proposals: Mapping<ProposalId, Proposal>,
        /// By proposal and voter: their weight as it was counted.
        votes: Mapping<(ProposalId, AccountId), u32>,
    }

    /// How decisions are made.
    #[derive(Debug, PartialEq, Eq, Clone, Copy)]
    #[ink::scale_derive(Encode, Decode, TypeInfo)]
    #[cfg_attr(feature = "std", derive(ink::storage::traits::StorageLayout))]
    pub struct Rules {
        /// Blocks for which a proposal takes votes.
        pub voting_period: BlockNumber,
        /// Percent of all weight that must vote, 1 to 100.
        pub quorum: u8,
    }

    /// What a proposal is to do.
    #[derive(Debug, PartialEq, Eq, Clone)]
    #[ink::scale_derive(Encode, Decode, TypeInfo)]
    #[cfg_attr(feature = "std", derive(ink::storage::traits::StorageLayout))]
    pub enum Action {
        /// Pays from the treasury.
        Pay {
            /// Whom.
            to: AccountId,
            /// How much.
            value: Balance,
        },
        /// Gives a member this weight; 0 is none.
        SetWeight {
            /// Whom.
            member: AccountId,
            /// From now on.
            weight: u32,
        },
        /// Calls a contract in the name of this one.
        Call {
            /// Which.
            to: AccountId,
            /// What to send along.
            value: Balance,
            /// Selector and arguments.
            input: Vec<u8>,
        },
        /// Makes a call of the chain itself in the name of this contract, if the chain lets contracts make it.
        Dispatch {
            /// The encoded call.
            call: Vec<u8>,
        },
    }

    /// What is to be done, and how the vote stands.
    #[derive(Debug, PartialEq, Eq, Clone)]
    #[ink::scale_derive(Encode, Decode, TypeInfo)]
    #[cfg_attr(feature = "std", derive(ink::storage::traits::StorageLayout))]
    pub struct Proposal {
        /// What.
        pub action: Action,
        /// The first block without votes.
        pub end: BlockNumber,
        /// Weight for it.
        pub ayes: u64,
        /// Weight against it.
        pub nays: u64,
    }

    /// A member proposed something.
    #[ink(event)]
    pub struct Proposed {
        /// Its number.
        #[ink(topic)]
        id: ProposalId,
        /// Who.
        #[ink(topic)]
        by: AccountId,
    }

    /// A member voted.
    #[ink(event)]
    pub struct Voted {
        /// On what.
        #[ink(topic)]
        id: ProposalId,
        /// Who.
        #[ink(topic)]
        by: AccountId,
        /// For or against.
        aye: bool,
        /// With how much.
        weight: u32,
    }

    /// A vote is over.
    #[ink(event)]
    pub struct Closed {
        /// On what.
        #[ink(topic)]
        id: ProposalId,
        /// Whether it is carried out.
        passed: bool,
    }

    /// Why a message was refused.
    #[derive(Debug, PartialEq, Eq, Clone, Copy)]
    #[ink::scale_derive(Encode, Decode, TypeInfo)]
    pub enum Error {
        /// None, more than 64, twice the same, or one without weight.
        BadFounders,
        /// A quorum that is no percentage, or no time to vote.
        BadRules,
        /// The caller is no member.
        NotMember,
        /// No such proposal, or it is closed.
        ProposalNotFound,
        /// The voting period is over.
        VotingOver,
        /// The voting period is not over.
        VotingOpen,
        /// The caller has voted on this.
        AlreadyVoted,
        /// Longer than 4096 bytes, or no selector where there must be one.
        BadInput,
        /// The last weight cannot be taken away: nobody could ever decide anything again.
        LastMember,
        /// A number does not fit.
        Overflow,
        /// What was decided did not go through.
        ActionFailed,
    }

    impl Dao {
        /// Members with these weights, deciding by these rules.
        #[ink(constructor, payable)]
        pub fn new(founders: Vec<(AccountId, u32)>, rules: Rules) -> Result<Self, Error> {
            if !(1..=100).contains(&rules.quorum) || rules.voting_period == 0 {
                return Err(Error::BadRules);
            }
            if founders.is_empty() || founders.len() > MAX_FOUNDERS {
                return Err(Error::BadFounders);
            }
            let mut members = Mapping::default();
            let mut total_weight = 0u64;
            for (member, weight) in &founders {
                if *weight == 0 || members.insert(member, weight).is_some() {
                    return Err(Error::BadFounders);
                }
                total_weight = total_weight.checked_add(u64::from(*weight)).ok_or(Error::Overflow)?;
            }
            let (proposals, votes) = (Mapping::default(), Mapping::default());
            Ok(Self { rules, total_weight, next: 0, members, proposals, votes })
        }

        /// Takes what is sent along into the treasury.
        #[ink(message, payable)]
        pub fn deposit(&mut self) {}

        /// Proposes an action. Returns the number of the proposal.
        #[ink(message)]
        pub fn propose(&mut self, action: Action) -> Result<ProposalId, Error> {
            let by = self.env().caller();
            self.weight(by)?;
            let good = match &action {
                Action::Call { input, .. } => (4..=MAX_INPUT).contains(&input.len()),
                Action::Dispatch { call } => (1..=MAX_INPUT).contains(&call.len()),
                Action::Pay { .. } | Action::SetWeight { .. } => true,
            };
            if !good {
                return Err(Error::BadInput);
            }
            let id = self.next;
            self.next = id.checked_add(1).ok_or(Error::Overflow)?;
            let end =
                self.env().block_number().checked_add(self.rules.voting_period).ok_or(Error::Overflow)?;
            self.proposals.insert(id, &Proposal { action, end, ayes: 0, nays: 0 });
            self.env().emit_event(Proposed { id, by });
            Ok(id)
        }

        /// Votes, once and for good, with the weight that the caller has now.
        #[ink(message)]
        pub fn vote(&mut self, id: ProposalId, aye: bool) -> Result<(), Error> {
            let by = self.env().caller();
            let weight = self.weight(by)?;
            let mut proposal = self.proposals.get(id).ok_or(Error::ProposalNotFound)?;
            if self.env().block_number() >= proposal.end {
                return Err(Error::VotingOver);
            }
            if self.votes.insert((id, by), &weight).is_some() {
                return Err(Error::AlreadyVoted);
            }
            let side = if aye { &mut proposal.ayes } else { &mut proposal.nays };
            *side = side.checked_add(weight.into()).ok_or(Error::Overflow)?;
            self.proposals.insert(id, &proposal);
            self.env().emit_event(Voted { id, by, aye, weight });
            Ok(())
        }

        /// Closes a vote that is over, and carries out what passed. Says whether it passed.
        ///
        /// A proposal to call a contract answers in place of this message, with what that contract returned. What fails
        /// undoes the closing, so that it can be tried again.
        #[ink(message)]
        pub fn close(&mut self, id: ProposalId) -> Result<bool, Error> {
            let proposal = self.proposals.get(id).ok_or(Error::ProposalNotFound)?;
            if self.env().block_number() < proposal.end {
                return Err(Error::VotingOpen);
            }
            let passed = self.has_passed(&proposal);
            // Before anything is carried out: whoever is called finds this done.
            self.proposals.remove(id);
            self.env().emit_event(Closed { id, passed });
            if passed {
                self.carry_out(proposal.action)?;
            }
            Ok(passed)
        }

        /// A proposal, until it is closed.
        #[ink(message)]
        pub fn proposal(&self, id: ProposalId) -> Option<Proposal> {
            self.proposals.get(id)
        }

        /// The weight of an account; none if it is no member.
        #[ink(message)]
        pub fn weight_of(&self, member: AccountId) -> Option<u32> {
            self.members.get(member)
        }

        /// The weight of all members.
        #[ink(message)]
        pub fn total_weight(&self) -> u64 {
            self.total_weight
        }

        /// How decisions are made.
        #[ink(message)]
        pub fn rules(&self) -> Rules {
            self.rules
        }

        /// What the treasury can spend.
        #[ink(message)]
        pub fn treasury(&self) -> Balance {
            self.env().balance()
        }

        fn weight(&self, member: AccountId) -> Result<u32, Error> {
            self.members.get(member).ok_or(Error::NotMember)
        }

        /// More for than against, and enough of all weight took part.
        fn has_passed(&self, proposal: &Proposal) -> bool {
            let voted = u128::from(proposal.ayes).saturating_add(proposal.nays.into());
            let quorum = u128::from(self.total_weight).saturating_mul(self.rules.quorum.into());
            proposal.ayes > proposal.nays && voted.saturating_mul(100) >= quorum
        }

        fn carry_out(&mut self, action: Action) -> Result<(), Error> {
            match action {
                Action::Pay { to, value } => self.env().transfer(to, value).map_err(|_| Error::ActionFailed),
                Action::SetWeight { member, weight } => self.set_weight(member, weight),
                Action::Call { to, value, input } => {
                    let (selector, arguments) = input.split_first_chunk::<4>().ok_or(Error::BadInput)?;
                    build_call::<DefaultEnvironment>()
                        .call(to)
                        .transferred_value(value)
                        // Without the callee's types, a returned value looks like an error. As a tail call, its answer is
                        // passed on as it is, and a refusal undoes this frame too.
                        .call_flags(CallFlags::TAIL_CALL)
                        .exec_input(ExecutionInput::new(Selector::new(*selector)).push_arg(Raw(arguments)))
                        .returns::<()>()
                        .try_invoke()
                        .map_err(|_| Error::ActionFailed)?
                        .map_err(|_| Error::ActionFailed)
                }
                Action::Dispatch { call } => {
                    self.env().call_runtime(&Raw(&call)).map_err(|_| Error::ActionFailed)
                }
            }
        }

        fn set_weight(&mut self, member: AccountId, weight: u32) -> Result<(), Error> {
            let old = self.members.get(member).unwrap_or_default();
            let rest = self.total_weight.checked_sub(old.into()).ok_or(Error::Overflow)?;
            self.total_weight = rest.checked_add(weight.into()).ok_or(Error::Overflow)?;
            if self.total_weight == 0 {
                return Err(Error::LastMember);
            }
            if weight == 0 {
                self.members.remove(member);
            } else {
                self.members.insert(member, &weight);
            }
            Ok(())
        }
    }

    /// Bytes that are encoded already.
    struct Raw<'a>(&'a [u8]);

    impl Encode for Raw<'_> {
        fn encode_to<T: Output + ?Sized>(&self, output: &mut T) {
            output.write(self.0);
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;
        use ink::{
            env::test::{self, DefaultAccounts},
            prelude::vec,
        };

        /// What an account must have in this environment, if it has anything.
        const UNIT: Balance = 1_000_000;

        fn call_as(account: AccountId) {
            test::set_caller::<DefaultEnvironment>(account);
        }

        fn skip_blocks(count: u32) {
            for _ in 0..count {
                test::advance_block::<DefaultEnvironment>();
            }
        }

        const RULES: Rules = Rules { voting_period: 5, quorum: 50 };

        /// Alice weighs 2, Bob 1, Charlie 3; Alice calls. The treasury has 100 units, and Eve nothing.
        fn three() -> (Dao, DefaultAccounts<DefaultEnvironment>) {
            let accounts = test::default_accounts::<DefaultEnvironment>();
            call_as(accounts.alice);
            let founders = vec![(accounts.alice, 2), (accounts.bob, 1), (accounts.charlie, 3)];
            let dao = Dao::new(founders, RULES).unwrap();
            test::set_account_balance::<DefaultEnvironment>(test::callee::<DefaultEnvironment>(), 100 * UNIT);
            test::set_account_balance::<DefaultEnvironment>(accounts.eve, 0);
            (dao, accounts)
        }

        #[ink::test]
        fn founders_and_rules_make_sense() {
            let alice = test::default_accounts::<DefaultEnvironment>().alice;
            let error = |founders, rules| Dao::new(founders, rules).err();
            assert_eq!(error(vec![], RULES), Some(Error::BadFounders));
            assert_eq!(error(vec![(alice, 0)], RULES), Some(Error::BadFounders));
            assert_eq!(error(vec![(alice, 1), (alice, 1)], RULES), Some(Error::BadFounders));
            assert_eq!(error(vec![(alice, 1)], Rules { quorum: 101, ..RULES }), Some(Error::BadRules));
            assert_eq!(error(vec![(alice, 1)], Rules { voting_period: 0, ..RULES }), Some(Error::BadRules));
        }

        #[ink::test]
        fn a_passed_proposal_pays_once() {
            let (mut dao, accounts) = three();
            let id = dao.propose(Action::Pay { to: accounts.eve, value: 60 * UNIT }).unwrap();
            dao.vote(id, true).unwrap();
            assert_eq!(dao.vote(id, true), Err(Error::AlreadyVoted));
            call_as(accounts.bob);
            dao.vote(id, true).unwrap();
            assert_eq!(dao.close(id), Err(Error::VotingOpen));
            skip_blocks(5);
            call_as(accounts.charlie);
            assert_eq!(dao.vote(id, false), Err(Error::VotingOver));

            call_as(accounts.eve);
            assert_eq!(dao.close(id), Ok(true));
            assert_eq!(test::get_account_balance::<DefaultEnvironment>(accounts.eve), Ok(60 * UNIT));
            assert_eq!(dao.close(id), Err(Error::ProposalNotFound));
        }

        #[ink::test]
        fn too_few_or_too_many_against() {
            let (mut dao, accounts) = three();
            let lonely = dao.propose(Action::Pay { to: accounts.eve, value: 1 }).unwrap();
            let even = dao.propose(Action::Pay { to: accounts.eve, value: 1 }).unwrap();
            dao.vote(lonely, true).unwrap();
            dao.vote(even, true).unwrap();
            call_as(accounts.bob);
            dao.vote(even, true).unwrap();
            call_as(accounts.charlie);
            dao.vote(even, false).unwrap();
            skip_blocks(5);
            assert_eq!(dao.close(lonely), Ok(false), "2 of 6 is no quorum");
            assert_eq!(dao.close(even), Ok(false), "3 to 3 is no majority");
            assert_eq!(test::get_account_balance::<DefaultEnvironment>(accounts.eve), Ok(0));
        }

        #[ink::test]
        fn members_come_and_go() {
            let (mut dao, accounts) = three();
            call_as(accounts.eve);
            assert_eq!(dao.propose(Action::Pay { to: accounts.eve, value: 1 }), Err(Error::NotMember));
            assert_eq!(dao.set_weight(accounts.eve, 7), Ok(()));
            assert_eq!((dao.weight_of(accounts.eve), dao.total_weight()), (Some(7), 13));
            for member in [accounts.alice, accounts.bob, accounts.charlie] {
                assert_eq!(dao.set_weight(member, 0), Ok(()));
            }
            assert_eq!(dao.weight_of(accounts.alice), None);
            assert_eq!(dao.set_weight(accounts.eve, 0), Err(Error::LastMember));
        }

        #[ink::test]
        fn calls_are_bounded() {
            let (mut dao, accounts) = three();
            let call = |length| Action::Call { to: accounts.eve, value: 0, input: vec![0; length] };
            assert_eq!(dao.propose(call(3)), Err(Error::BadInput));
            assert_eq!(dao.propose(call(MAX_INPUT + 1)), Err(Error::BadInput));
            assert_eq!(dao.propose(call(4)), Ok(0));
            assert_eq!(dao.propose(Action::Dispatch { call: vec![] }), Err(Error::BadInput));
        }
    }
}
