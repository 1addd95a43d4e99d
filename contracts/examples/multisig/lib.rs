//! Hold funds that several owners move together.
//!
//! An owner proposes a call, others confirm it, and with enough of them anybody may execute it. Who confirmed is one bit
//! each, so that no message loops over owners.
#![cfg_attr(not(feature = "std"), no_std, no_main)]

/// Some owners, of whom a number must agree.
#[ink::contract]
mod multisig {
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

    /// As many as confirmations have bits.
    const MAX_OWNERS: usize = 32;

    /// Bytes of a call, selector included. Calls with more are rare, and each byte is paid a deposit for.
    const MAX_INPUT: usize = 4096;

    /// The storage.
    #[ink(storage)]
    pub struct Multisig {
        /// The place of each owner, which is the bit that stands for them.
        owners: Mapping<AccountId, u8>,
        owner_count: u8,
        /// How many must agree.
        threshold: u8,
        next: ProposalId,
        proposals: Mapping<ProposalId, Proposal>,
    }

    /// A call to be made, and who is for it.
    #[derive(Debug, PartialEq, Eq, Clone)]
    #[ink::scale_derive(Encode, Decode, TypeInfo)]
    #[cfg_attr(feature = "std", derive(ink::storage::traits::StorageLayout))]
    pub struct Proposal {
        /// Whom to call or pay.
        pub to: AccountId,
        /// What to send along.
        pub value: Balance,
        /// Selector and arguments; empty for a mere payment.
        pub input: Vec<u8>,
        /// One bit for each owner that confirmed.
        pub confirmations: u32,
    }

    /// An owner proposed a call.
    #[ink(event)]
    pub struct Proposed {
        /// Its number.
        #[ink(topic)]
        id: ProposalId,
        /// Who.
        #[ink(topic)]
        by: AccountId,
    }

    /// An owner is for it now, or no longer.
    #[ink(event)]
    pub struct Confirmed {
        /// Which proposal.
        #[ink(topic)]
        id: ProposalId,
        /// Who.
        #[ink(topic)]
        by: AccountId,
        /// For it, or not any more.
        agrees: bool,
    }

    /// A proposal is carried out. If the call fails, this and all else is undone.
    #[ink(event)]
    pub struct Executed {
        /// Which one.
        #[ink(topic)]
        id: ProposalId,
    }

    /// Why a message was refused.
    #[derive(Debug, PartialEq, Eq, Clone, Copy)]
    #[ink::scale_derive(Encode, Decode, TypeInfo)]
    pub enum Error {
        /// None, or more than 32, or one of them twice.
        BadOwners,
        /// None, or more than there are owners.
        BadThreshold,
        /// The caller is no owner.
        NotOwner,
        /// No such proposal, or it was carried out or withdrawn.
        ProposalNotFound,
        /// Too few owners confirmed it.
        TooFewConfirmations,
        /// Longer than 4096 bytes, or shorter than a selector.
        BadInput,
        /// All numbers are used up.
        OutOfNumbers,
        /// The payment or call did not go through.
        CallFailed,
    }

    impl Multisig {
        /// These owners, of whom `threshold` must agree. Neither changes later: to change them, make another.
        #[ink(constructor, payable)]
        pub fn new(threshold: u8, owners: Vec<AccountId>) -> Result<Self, Error> {
            if owners.is_empty() || owners.len() > MAX_OWNERS {
                return Err(Error::BadOwners);
            }
            let owner_count = u8::try_from(owners.len()).map_err(|_| Error::BadOwners)?;
            if threshold == 0 || threshold > owner_count {
                return Err(Error::BadThreshold);
            }
            let mut places = Mapping::default();
            for (owner, place) in owners.iter().zip(0u8..) {
                if places.insert(owner, &place).is_some() {
                    return Err(Error::BadOwners);
                }
            }
            Ok(Self { owners: places, owner_count, threshold, next: 0, proposals: Mapping::default() })
        }

        /// Takes what is sent along.
        #[ink(message, payable)]
        pub fn deposit(&mut self) {}

        /// Proposes to call `to` with `input`, or with empty input to pay it. The caller confirms it by that. Returns the
        /// number of the proposal.
        #[ink(message)]
        pub fn propose(
            &mut self,
            to: AccountId,
            value: Balance,
            input: Vec<u8>,
        ) -> Result<ProposalId, Error> {
            let by = self.env().caller();
            let confirmations = self.bit(by)?;
            if input.len() > MAX_INPUT || (1..4).contains(&input.len()) {
                return Err(Error::BadInput);
            }
            let id = self.next;
            self.next = id.checked_add(1).ok_or(Error::OutOfNumbers)?;
            self.proposals.insert(id, &Proposal { to, value, input, confirmations });
            self.env().emit_event(Proposed { id, by });
            Ok(id)
        }

        /// Is for a proposal, or with `false` no longer. One that nobody is for any more is withdrawn.
        #[ink(message)]
        pub fn confirm(&mut self, id: ProposalId, agrees: bool) -> Result<(), Error> {
            let by = self.env().caller();
            let bit = self.bit(by)?;
            let mut proposal = self.proposals.get(id).ok_or(Error::ProposalNotFound)?;
            if agrees {
                proposal.confirmations |= bit;
            } else {
                proposal.confirmations &= !bit;
            }
            if proposal.confirmations == 0 {
                self.proposals.remove(id);
            } else {
                self.proposals.insert(id, &proposal);
            }
            self.env().emit_event(Confirmed { id, by, agrees });
            Ok(())
        }

        /// Carries out a proposal that enough owners confirmed. Whoever calls pays the gas.
        ///
        /// A call answers in place of this message: with what it returned, or with its own error, which undoes everything
        /// and leaves the proposal to be tried again.
        #[ink(message)]
        pub fn execute(&mut self, id: ProposalId) -> Result<(), Error> {
            let proposal = self.proposals.get(id).ok_or(Error::ProposalNotFound)?;
            if proposal.confirmations.count_ones() < u32::from(self.threshold) {
                return Err(Error::TooFewConfirmations);
            }
            // Before the call: what it calls finds this done.
            self.proposals.remove(id);
            self.env().emit_event(Executed { id });
            let Some((selector, arguments)) = proposal.input.split_first_chunk::<4>() else {
                return self.env().transfer(proposal.to, proposal.value).map_err(|_| Error::CallFailed);
            };
            build_call::<DefaultEnvironment>()
                .call(proposal.to)
                .transferred_value(proposal.value)
                // Nobody can tell a value returned from an error without knowing the callee's types. As a tail call it
                // need not be told: whatever the callee answers is the answer, and a refusal undoes this frame too.
                .call_flags(CallFlags::TAIL_CALL)
                .exec_input(ExecutionInput::new(Selector::new(*selector)).push_arg(Raw(arguments)))
                .returns::<()>()
                .try_invoke()
                .map_err(|_| Error::CallFailed)?
                .map_err(|_| Error::CallFailed)
        }

        /// A proposal, while it stands.
        #[ink(message)]
        pub fn proposal(&self, id: ProposalId) -> Option<Proposal> {
            self.proposals.get(id)
        }

        /// Is this account an owner?
        #[ink(message)]
        pub fn is_owner(&self, account: AccountId) -> bool {
            self.owners.contains(account)
        }

        /// How many must agree, of how many.
        #[ink(message)]
        pub fn threshold(&self) -> (u8, u8) {
            (self.threshold, self.owner_count)
        }

        /// The bit that stands for an owner.
        fn bit(&self, owner: AccountId) -> Result<u32, Error> {
            let place = self.owners.get(owner).ok_or(Error::NotOwner)?;
            1u32.checked_shl(place.into()).ok_or(Error::BadOwners)
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

        /// Alice, Bob and Charlie, two of whom must agree; Alice calls. The contract has 100 units.
        fn two_of_three() -> (Multisig, DefaultAccounts<DefaultEnvironment>) {
            let accounts = test::default_accounts::<DefaultEnvironment>();
            call_as(accounts.alice);
            let contract = Multisig::new(2, vec![accounts.alice, accounts.bob, accounts.charlie]).unwrap();
            test::set_account_balance::<DefaultEnvironment>(test::callee::<DefaultEnvironment>(), 100 * UNIT);
            test::set_account_balance::<DefaultEnvironment>(accounts.eve, 0);
            (contract, accounts)
        }

        #[ink::test]
        fn owners_and_threshold_make_sense() {
            let accounts = test::default_accounts::<DefaultEnvironment>();
            let error = |threshold, owners| Multisig::new(threshold, owners).err();
            assert_eq!(error(1, vec![]), Some(Error::BadOwners));
            assert_eq!(error(0, vec![accounts.alice]), Some(Error::BadThreshold));
            assert_eq!(error(2, vec![accounts.alice]), Some(Error::BadThreshold));
            assert_eq!(error(1, vec![accounts.bob, accounts.bob]), Some(Error::BadOwners));
        }

        #[ink::test]
        fn pays_when_enough_agree() {
            let (mut contract, accounts) = two_of_three();
            let id = contract.propose(accounts.eve, 40 * UNIT, vec![]).unwrap();
            assert_eq!(contract.execute(id), Err(Error::TooFewConfirmations));
            contract.confirm(id, true).unwrap();
            assert_eq!(contract.execute(id), Err(Error::TooFewConfirmations), "once each");

            call_as(accounts.eve);
            assert_eq!(contract.confirm(id, true), Err(Error::NotOwner));
            call_as(accounts.bob);
            contract.confirm(id, true).unwrap();
            call_as(accounts.eve);
            assert_eq!(contract.execute(id), Ok(()));
            assert_eq!(test::get_account_balance::<DefaultEnvironment>(accounts.eve), Ok(40 * UNIT));
            assert_eq!(contract.execute(id), Err(Error::ProposalNotFound));
        }

        #[ink::test]
        fn a_change_of_mind_counts() {
            let (mut contract, accounts) = two_of_three();
            let id = contract.propose(accounts.eve, 1, vec![]).unwrap();
            call_as(accounts.bob);
            contract.confirm(id, true).unwrap();
            contract.confirm(id, false).unwrap();
            assert_eq!(contract.execute(id), Err(Error::TooFewConfirmations));
            call_as(accounts.alice);
            contract.confirm(id, false).unwrap();
            assert_eq!(contract.proposal(id), None);
        }

        #[ink::test]
        fn input_is_bounded() {
            let (mut contract, accounts) = two_of_three();
            assert_eq!(contract.propose(accounts.eve, 0, vec![0; MAX_INPUT + 1]), Err(Error::BadInput));
            assert_eq!(contract.propose(accounts.eve, 0, vec![0; 3]), Err(Error::BadInput));
            assert_eq!(contract.propose(accounts.eve, 0, vec![0; 4]), Ok(0));
        }
    }
}
