//! Hold a payment until the goods are there.
//!
//! A buyer pays in and names a seller and an arbiter. Who may move the money, and where to: the buyer and the arbiter to
//! the seller; the seller and the arbiter back to the buyer; and after the deadline, the buyer back to themselves. Nobody
//! can move it to anybody else.
#![cfg_attr(not(feature = "std"), no_std, no_main)]

/// Payments under way.
#[ink::contract]
mod escrow {
    use ink::storage::Mapping;

    /// The number of a deal.
    pub type DealId = u32;

    /// The storage.
    #[ink(storage)]
    pub struct Escrow {
        next: DealId,
        deals: Mapping<DealId, Deal>,
    }

    /// One payment.
    #[derive(Debug, PartialEq, Eq, Clone)]
    #[ink::scale_derive(Encode, Decode, TypeInfo)]
    #[cfg_attr(feature = "std", derive(ink::storage::traits::StorageLayout))]
    pub struct Deal {
        /// Who paid.
        pub buyer: AccountId,
        /// Who is to be paid.
        pub seller: AccountId,
        /// Who decides if they do not agree.
        pub arbiter: AccountId,
        /// How much.
        pub amount: Balance,
        /// From this block on the buyer can have it back.
        pub deadline: BlockNumber,
    }

    /// Somebody paid in.
    #[ink(event)]
    pub struct Opened {
        /// The number of the deal.
        #[ink(topic)]
        id: DealId,
        /// Who paid.
        #[ink(topic)]
        buyer: AccountId,
        /// Who is to be paid.
        #[ink(topic)]
        seller: AccountId,
        /// How much.
        amount: Balance,
    }

    /// The money is where it belongs, and the deal is over.
    #[ink(event)]
    pub struct Settled {
        /// Which deal.
        #[ink(topic)]
        id: DealId,
        /// Who has the money: seller or buyer.
        #[ink(topic)]
        to: AccountId,
        /// How much.
        amount: Balance,
    }

    /// Why a message was refused.
    #[derive(Debug, PartialEq, Eq, Clone, Copy)]
    #[ink::scale_derive(Encode, Decode, TypeInfo)]
    pub enum Error {
        /// Nothing was sent along.
        NothingPaid,
        /// Buyer, seller and arbiter must be three.
        NotThreeParties,
        /// No such deal, or it is over.
        DealNotFound,
        /// The caller may not decide this, or not yet.
        NotAllowed,
        /// A number does not fit.
        Overflow,
        /// The payment did not go through.
        TransferFailed,
    }

    impl Escrow {
        /// Starts without deals.
        #[ink(constructor)]
        #[allow(clippy::new_without_default, reason = "a constructor of a contract takes its name from here")]
        pub fn new() -> Self {
            Self { next: 0, deals: Mapping::default() }
        }

        /// Pays in what is sent along, for `seller`, for so many blocks. Returns the number of the deal.
        #[ink(message, payable)]
        pub fn open(
            &mut self,
            seller: AccountId,
            arbiter: AccountId,
            blocks: BlockNumber,
        ) -> Result<DealId, Error> {
            let (buyer, amount) = (self.env().caller(), self.env().transferred_value());
            if amount == 0 {
                return Err(Error::NothingPaid);
            }
            if buyer == seller || buyer == arbiter || seller == arbiter {
                return Err(Error::NotThreeParties);
            }
            let deadline = self.env().block_number().checked_add(blocks).ok_or(Error::Overflow)?;
            let id = self.next;
            self.next = id.checked_add(1).ok_or(Error::Overflow)?;
            self.deals.insert(id, &Deal { buyer, seller, arbiter, amount, deadline });
            self.env().emit_event(Opened { id, buyer, seller, amount });
            Ok(id)
        }

        /// Pays the seller. For the buyer and the arbiter.
        #[ink(message)]
        pub fn release(&mut self, id: DealId) -> Result<(), Error> {
            let deal = self.deals.get(id).ok_or(Error::DealNotFound)?;
            let caller = self.env().caller();
            if caller != deal.buyer && caller != deal.arbiter {
                return Err(Error::NotAllowed);
            }
            self.settle(id, deal.seller, deal.amount)
        }

        /// Pays back the buyer. For the seller and the arbiter, and after the deadline for the buyer too.
        #[ink(message)]
        pub fn refund(&mut self, id: DealId) -> Result<(), Error> {
            let deal = self.deals.get(id).ok_or(Error::DealNotFound)?;
            let caller = self.env().caller();
            let late = self.env().block_number() >= deal.deadline;
            if caller != deal.seller && caller != deal.arbiter && !(caller == deal.buyer && late) {
                return Err(Error::NotAllowed);
            }
            self.settle(id, deal.buyer, deal.amount)
        }

        /// A deal, until it is over.
        #[ink(message)]
        pub fn deal(&self, id: DealId) -> Option<Deal> {
            self.deals.get(id)
        }

        /// Removes the deal first, so that it cannot be settled twice.
        fn settle(&mut self, id: DealId, to: AccountId, amount: Balance) -> Result<(), Error> {
            self.deals.remove(id);
            self.env().transfer(to, amount).map_err(|_| Error::TransferFailed)?;
            self.env().emit_event(Settled { id, to, amount });
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

        /// What an account must have in this environment, if it has anything.
        const UNIT: Balance = 1_000_000;

        fn call_as(account: AccountId) {
            test::set_caller::<DefaultEnvironment>(account);
            test::set_value_transferred::<DefaultEnvironment>(0);
        }

        fn balance(account: AccountId) -> Balance {
            test::get_account_balance::<DefaultEnvironment>(account).unwrap()
        }

        /// Alice paid in 10 units for Bob, Charlie is arbiter, three blocks. All accounts are empty but the contract's.
        fn a_deal() -> (Escrow, DefaultAccounts<DefaultEnvironment>) {
            let accounts = test::default_accounts::<DefaultEnvironment>();
            let mut escrow = Escrow::new();
            // Without this, the contract's account would be Alice's.
            test::set_callee::<DefaultEnvironment>(accounts.frank);
            call_as(accounts.alice);
            test::set_value_transferred::<DefaultEnvironment>(10 * UNIT);
            assert_eq!(escrow.open(accounts.bob, accounts.charlie, 3), Ok(0));
            test::set_account_balance::<DefaultEnvironment>(test::callee::<DefaultEnvironment>(), 10 * UNIT);
            test::set_account_balance::<DefaultEnvironment>(accounts.bob, 0);
            test::set_account_balance::<DefaultEnvironment>(accounts.charlie, 0);
            (escrow, accounts)
        }

        #[ink::test]
        fn opens_with_money_and_three_parties() {
            let accounts = test::default_accounts::<DefaultEnvironment>();
            let mut escrow = Escrow::new();
            call_as(accounts.alice);
            assert_eq!(escrow.open(accounts.bob, accounts.charlie, 3), Err(Error::NothingPaid));
            test::set_value_transferred::<DefaultEnvironment>(10 * UNIT);
            assert_eq!(escrow.open(accounts.bob, accounts.bob, 3), Err(Error::NotThreeParties));
            assert_eq!(escrow.open(accounts.alice, accounts.bob, 3), Err(Error::NotThreeParties));
        }

        #[ink::test]
        fn the_buyer_releases_once() {
            let (mut escrow, accounts) = a_deal();
            call_as(accounts.bob);
            assert_eq!(escrow.release(0), Err(Error::NotAllowed));
            call_as(accounts.alice);
            assert_eq!(escrow.refund(0), Err(Error::NotAllowed), "not before the deadline");
            assert_eq!(escrow.release(0), Ok(()));
            assert_eq!(balance(accounts.bob), 10 * UNIT);
            assert_eq!(escrow.release(0), Err(Error::DealNotFound));
        }

        #[ink::test]
        fn the_arbiter_decides() {
            for back in [false, true] {
                let (mut escrow, accounts) = a_deal();
                test::set_account_balance::<DefaultEnvironment>(accounts.alice, 0);
                call_as(accounts.charlie);
                let settled = if back { escrow.refund(0) } else { escrow.release(0) };
                assert_eq!(settled, Ok(()));
                let expected = if back { (10 * UNIT, 0) } else { (0, 10 * UNIT) };
                assert_eq!((balance(accounts.alice), balance(accounts.bob)), expected);
            }
        }

        #[ink::test]
        fn the_buyer_has_it_back_after_the_deadline() {
            let (mut escrow, accounts) = a_deal();
            test::set_account_balance::<DefaultEnvironment>(accounts.alice, 0);
            for _ in 0..3 {
                test::advance_block::<DefaultEnvironment>();
            }
            call_as(accounts.eve);
            assert_eq!(escrow.refund(0), Err(Error::NotAllowed));
            call_as(accounts.alice);
            assert_eq!(escrow.refund(0), Ok(()));
            assert_eq!(balance(accounts.alice), 10 * UNIT);
        }
    }
}
