//! Track goods from hand to hand.
//!
//! A batch has one holder at a time. A holder offers it to the next, who accepts it; so nobody is made responsible for what
//! they never received. Each step is an entry of the batch's history, in a cell of its own: adding one costs the same
//! however long the history is, and entries are never changed.
#![cfg_attr(not(feature = "std"), no_std, no_main)]

/// Batches of goods, their holders, and their histories.
#[ink::contract]
mod supply_chain {
    use ink::storage::Mapping;

    /// The number of a batch.
    pub type BatchId = u32;

    /// The storage.
    #[ink(storage)]
    pub struct SupplyChain {
        next: BatchId,
        batches: Mapping<BatchId, Batch>,
        /// By batch and place in its history.
        entries: Mapping<(BatchId, u32), Entry>,
    }

    /// Where a batch is now.
    #[derive(Debug, PartialEq, Eq, Clone, Copy)]
    #[ink::scale_derive(Encode, Decode, TypeInfo)]
    #[cfg_attr(feature = "std", derive(ink::storage::traits::StorageLayout))]
    pub struct Batch {
        /// Who made it.
        pub producer: AccountId,
        /// Who has it.
        pub holder: AccountId,
        /// Who was offered it.
        pub offered_to: Option<AccountId>,
        /// How many entries its history has.
        pub entries: u32,
        /// Used up: nothing happens to it any more.
        pub consumed: bool,
    }

    /// One step in the life of a batch.
    #[derive(Debug, PartialEq, Eq, Clone, Copy)]
    #[ink::scale_derive(Encode, Decode, TypeInfo)]
    #[cfg_attr(feature = "std", derive(ink::storage::traits::StorageLayout))]
    pub struct Entry {
        /// What happened.
        pub step: Step,
        /// Whose doing it was.
        pub by: AccountId,
        /// In which block.
        pub block: BlockNumber,
        /// The hash of a document that says more, kept elsewhere.
        pub document: Hash,
    }

    /// What can happen to a batch.
    #[derive(Debug, PartialEq, Eq, Clone, Copy)]
    #[ink::scale_derive(Encode, Decode, TypeInfo)]
    #[cfg_attr(feature = "std", derive(ink::storage::traits::StorageLayout))]
    pub enum Step {
        /// It was made.
        Produced,
        /// It changed hands.
        Accepted,
        /// Its holder measured or processed it.
        Recorded,
        /// It was used up.
        Consumed,
    }

    /// A step in the life of a batch.
    #[ink(event)]
    pub struct Stepped {
        /// Which batch.
        #[ink(topic)]
        id: BatchId,
        /// Whose doing it was.
        #[ink(topic)]
        by: AccountId,
        /// What happened.
        step: Step,
        /// The hash of the document that says more.
        document: Hash,
    }

    /// A batch was offered to somebody, or the offer was taken back.
    #[ink(event)]
    pub struct Offered {
        /// Which batch.
        #[ink(topic)]
        id: BatchId,
        /// To whom.
        #[ink(topic)]
        to: Option<AccountId>,
    }

    /// Why a message was refused.
    #[derive(Debug, PartialEq, Eq, Clone, Copy)]
    #[ink::scale_derive(Encode, Decode, TypeInfo)]
    pub enum Error {
        /// There is no such batch.
        BatchNotFound,
        /// The caller does not have it.
        NotHolder,
        /// It was not offered to the caller.
        NotOffered,
        /// It is used up.
        Consumed,
        /// All numbers are used up.
        OutOfNumbers,
    }

    impl SupplyChain {
        /// Starts without batches.
        #[ink(constructor)]
        #[allow(clippy::new_without_default, reason = "a constructor of a contract takes its name from here")]
        pub fn new() -> Self {
            Self { next: 0, batches: Mapping::default(), entries: Mapping::default() }
        }

        /// Begins a batch, which the caller made and has. Returns its number.
        #[ink(message)]
        pub fn produce(&mut self, document: Hash) -> Result<BatchId, Error> {
            let by = self.env().caller();
            let id = self.next;
            self.next = id.checked_add(1).ok_or(Error::OutOfNumbers)?;
            let batch = Batch { producer: by, holder: by, offered_to: None, entries: 0, consumed: false };
            self.step(id, batch, Step::Produced, document)?;
            Ok(id)
        }

        /// Offers a batch that the caller has, in place of any other offer; with none, takes the offer back.
        #[ink(message)]
        pub fn offer(&mut self, id: BatchId, to: Option<AccountId>) -> Result<(), Error> {
            let mut batch = self.held(id)?;
            batch.offered_to = to;
            self.batches.insert(id, &batch);
            self.env().emit_event(Offered { id, to });
            Ok(())
        }

        /// Takes over a batch that was offered to the caller.
        #[ink(message)]
        pub fn accept(&mut self, id: BatchId, document: Hash) -> Result<(), Error> {
            let mut batch = self.batches.get(id).ok_or(Error::BatchNotFound)?;
            let by = self.env().caller();
            if batch.offered_to != Some(by) {
                return Err(Error::NotOffered);
            }
            batch.holder = by;
            batch.offered_to = None;
            self.step(id, batch, Step::Accepted, document)
        }

        /// Records what the caller, who has the batch, measured or did.
        #[ink(message)]
        pub fn record(&mut self, id: BatchId, document: Hash) -> Result<(), Error> {
            let batch = self.held(id)?;
            self.step(id, batch, Step::Recorded, document)
        }

        /// Uses up a batch that the caller has.
        #[ink(message)]
        pub fn consume(&mut self, id: BatchId, document: Hash) -> Result<(), Error> {
            let mut batch = self.held(id)?;
            batch.consumed = true;
            batch.offered_to = None;
            self.step(id, batch, Step::Consumed, document)
        }

        /// Where a batch is now.
        #[ink(message)]
        pub fn batch(&self, id: BatchId) -> Option<Batch> {
            self.batches.get(id)
        }

        /// An entry of a batch's history, from 0 to one less than [`Batch::entries`].
        #[ink(message)]
        pub fn entry(&self, id: BatchId, place: u32) -> Option<Entry> {
            self.entries.get((id, place))
        }

        /// A batch that the caller has and that is not used up.
        fn held(&self, id: BatchId) -> Result<Batch, Error> {
            let batch = self.batches.get(id).ok_or(Error::BatchNotFound)?;
            if batch.holder != self.env().caller() {
                return Err(Error::NotHolder);
            }
            if batch.consumed {
                Err(Error::Consumed)
            } else {
                Ok(batch)
            }
        }

        /// Keeps the batch as it is now, with one more entry.
        fn step(&mut self, id: BatchId, mut batch: Batch, step: Step, document: Hash) -> Result<(), Error> {
            let (by, block) = (self.env().caller(), self.env().block_number());
            self.entries.insert((id, batch.entries), &Entry { step, by, block, document });
            batch.entries = batch.entries.checked_add(1).ok_or(Error::OutOfNumbers)?;
            self.batches.insert(id, &batch);
            self.env().emit_event(Stepped { id, by, step, document });
            Ok(())
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;
        use ink::env::{
            test::{self, DefaultAccounts},
            DefaultEnvironment,
        };

        fn call_as(account: AccountId) {
            test::set_caller::<DefaultEnvironment>(account);
        }

        fn document(number: u8) -> Hash {
            Hash::from([number; 32])
        }

        /// Alice made batch 0, and calls.
        fn a_batch() -> (SupplyChain, DefaultAccounts<DefaultEnvironment>) {
            let accounts = test::default_accounts::<DefaultEnvironment>();
            call_as(accounts.alice);
            let mut chain = SupplyChain::new();
            assert_eq!(chain.produce(document(0)), Ok(0));
            (chain, accounts)
        }

        #[ink::test]
        fn goes_from_hand_to_hand() {
            let (mut chain, accounts) = a_batch();
            chain.offer(0, Some(accounts.bob)).unwrap();
            call_as(accounts.charlie);
            assert_eq!(chain.accept(0, document(1)), Err(Error::NotOffered));
            call_as(accounts.bob);
            assert_eq!(chain.record(0, document(1)), Err(Error::NotHolder));
            chain.accept(0, document(1)).unwrap();
            chain.record(0, document(2)).unwrap();
            assert_eq!(chain.accept(0, document(3)), Err(Error::NotOffered), "once");

            let batch = chain.batch(0).unwrap();
            assert_eq!((batch.producer, batch.holder, batch.entries), (accounts.alice, accounts.bob, 3));
            let steps = (0..3).map(|place| chain.entry(0, place).unwrap());
            let steps: ink::prelude::vec::Vec<_> =
                steps.map(|entry| (entry.step, entry.by, entry.document)).collect();
            assert_eq!(
                steps,
                [
                    (Step::Produced, accounts.alice, document(0)),
                    (Step::Accepted, accounts.bob, document(1)),
                    (Step::Recorded, accounts.bob, document(2)),
                ]
            );
            assert_eq!(chain.entry(0, 3), None);
        }

        #[ink::test]
        fn an_offer_can_be_taken_back() {
            let (mut chain, accounts) = a_batch();
            chain.offer(0, Some(accounts.bob)).unwrap();
            chain.offer(0, None).unwrap();
            call_as(accounts.bob);
            assert_eq!(chain.accept(0, document(1)), Err(Error::NotOffered));
        }

        #[ink::test]
        fn what_is_consumed_rests() {
            let (mut chain, accounts) = a_batch();
            chain.offer(0, Some(accounts.bob)).unwrap();
            chain.consume(0, document(1)).unwrap();
            assert_eq!(chain.record(0, document(2)), Err(Error::Consumed));
            assert_eq!(chain.offer(0, None), Err(Error::Consumed));
            call_as(accounts.bob);
            assert_eq!(chain.accept(0, document(2)), Err(Error::NotOffered));
            assert_eq!(chain.record(7, document(2)), Err(Error::BatchNotFound));
        }
    }
}
