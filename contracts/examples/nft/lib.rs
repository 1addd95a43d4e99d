//! Keep the owners of numbered tokens, as ERC-721 does.
//!
//! Anybody may mint. Numbers run on, so that no two mints can collide; the price is that all mints write one cell, and so
//! take turns: a good workload for measuring what conflicts cost.
#![cfg_attr(not(feature = "std"), no_std, no_main)]

/// Tokens, each with a number and an owner.
#[ink::contract]
mod nft {
    use ink::storage::Mapping;

    /// The number of a token.
    pub type TokenId = u32;

    /// The storage.
    #[ink(storage)]
    pub struct Nft {
        /// The number that the next token gets.
        next: TokenId,
        owners: Mapping<TokenId, AccountId>,
        counts: Mapping<AccountId, u32>,
        /// Who, besides the owner, may move one token.
        approvals: Mapping<TokenId, AccountId>,
        /// Who may move all tokens of an owner: by owner and operator.
        operators: Mapping<(AccountId, AccountId), ()>,
    }

    /// A token came to be, moved, or ceased to be.
    #[ink(event)]
    pub struct Transfer {
        /// Who had it; none if it is new.
        #[ink(topic)]
        from: Option<AccountId>,
        /// Who has it; none if it is gone.
        #[ink(topic)]
        to: Option<AccountId>,
        /// Its number.
        #[ink(topic)]
        id: TokenId,
    }

    /// Somebody may move one token, or nobody may any more.
    #[ink(event)]
    pub struct Approval {
        /// Whose token.
        #[ink(topic)]
        owner: AccountId,
        /// Who may move it.
        #[ink(topic)]
        to: Option<AccountId>,
        /// Its number.
        #[ink(topic)]
        id: TokenId,
    }

    /// Somebody may move all tokens of an owner, or may not any more.
    #[ink(event)]
    pub struct ApprovalForAll {
        /// Whose tokens.
        #[ink(topic)]
        owner: AccountId,
        /// Who may move them.
        #[ink(topic)]
        operator: AccountId,
        /// Since now, or no more.
        approved: bool,
    }

    /// Why a message was refused.
    #[derive(Debug, PartialEq, Eq, Clone, Copy)]
    #[ink::scale_derive(Encode, Decode, TypeInfo)]
    pub enum Error {
        /// There is no token with this number.
        TokenNotFound,
        /// The caller may not do this with the token.
        NotAllowed,
        /// The token is not that account's.
        NotOwner,
        /// All numbers are used up.
        OutOfNumbers,
    }

    impl Nft {
        /// Starts without tokens.
        #[ink(constructor)]
        #[allow(clippy::new_without_default, reason = "a constructor of a contract takes its name from here")]
        pub fn new() -> Self {
            Self {
                next: 0,
                owners: Mapping::default(),
                counts: Mapping::default(),
                approvals: Mapping::default(),
                operators: Mapping::default(),
            }
        }

        /// Makes a token for the caller, and returns its number.
        #[ink(message)]
        pub fn mint(&mut self) -> Result<TokenId, Error> {
            let owner = self.env().caller();
            let id = self.next;
            self.next = id.checked_add(1).ok_or(Error::OutOfNumbers)?;
            self.owners.insert(id, &owner);
            self.add_to_count(owner)?;
            self.env().emit_event(Transfer { from: None, to: Some(owner), id });
            Ok(id)
        }

        /// Destroys a token of the caller's.
        #[ink(message)]
        pub fn burn(&mut self, id: TokenId) -> Result<(), Error> {
            let owner = self.owner_of(id).ok_or(Error::TokenNotFound)?;
            if self.env().caller() != owner {
                return Err(Error::NotOwner);
            }
            self.owners.remove(id);
            self.approvals.remove(id);
            self.take_from_count(owner)?;
            self.env().emit_event(Transfer { from: Some(owner), to: None, id });
            Ok(())
        }

        /// Gives a token of the caller's to `to`.
        #[ink(message)]
        pub fn transfer(&mut self, to: AccountId, id: TokenId) -> Result<(), Error> {
            self.transfer_from(self.env().caller(), to, id)
        }

        /// Moves a token of `from`'s, which the caller owns or may move.
        #[ink(message)]
        pub fn transfer_from(&mut self, from: AccountId, to: AccountId, id: TokenId) -> Result<(), Error> {
            let owner = self.owner_of(id).ok_or(Error::TokenNotFound)?;
            if owner != from {
                return Err(Error::NotOwner);
            }
            let caller = self.env().caller();
            let may =
                caller == owner || self.approvals.get(id) == Some(caller) || self.is_operator(owner, caller);
            if !may {
                return Err(Error::NotAllowed);
            }
            self.approvals.remove(id);
            self.owners.insert(id, &to);
            self.take_from_count(from)?;
            self.add_to_count(to)?;
            self.env().emit_event(Transfer { from: Some(from), to: Some(to), id });
            Ok(())
        }

        /// Lets `to` move this token, until it moves; with none, nobody.
        #[ink(message)]
        pub fn approve(&mut self, to: Option<AccountId>, id: TokenId) -> Result<(), Error> {
            let owner = self.owner_of(id).ok_or(Error::TokenNotFound)?;
            let caller = self.env().caller();
            if caller != owner && !self.is_operator(owner, caller) {
                return Err(Error::NotAllowed);
            }
            match to {
                Some(to) => {
                    self.approvals.insert(id, &to);
                }
                None => self.approvals.remove(id),
            }
            self.env().emit_event(Approval { owner, to, id });
            Ok(())
        }

        /// Lets `operator` move all of the caller's tokens, or no more.
        #[ink(message)]
        pub fn set_approval_for_all(&mut self, operator: AccountId, approved: bool) {
            let owner = self.env().caller();
            if approved {
                self.operators.insert((owner, operator), &());
            } else {
                self.operators.remove((owner, operator));
            }
            self.env().emit_event(ApprovalForAll { owner, operator, approved });
        }

        /// Whose token this is, if it exists.
        #[ink(message)]
        pub fn owner_of(&self, id: TokenId) -> Option<AccountId> {
            self.owners.get(id)
        }

        /// How many tokens `owner` has.
        #[ink(message)]
        pub fn balance_of(&self, owner: AccountId) -> u32 {
            self.counts.get(owner).unwrap_or_default()
        }

        /// Who, besides its owner, may move this token.
        #[ink(message)]
        pub fn approved(&self, id: TokenId) -> Option<AccountId> {
            self.approvals.get(id)
        }

        /// May `operator` move all of `owner`'s tokens?
        #[ink(message)]
        pub fn is_operator(&self, owner: AccountId, operator: AccountId) -> bool {
            self.operators.contains((owner, operator))
        }

        /// How many tokens were ever made.
        #[ink(message)]
        pub fn minted(&self) -> u32 {
            self.next
        }

        fn add_to_count(&mut self, owner: AccountId) -> Result<(), Error> {
            let count = self.balance_of(owner).checked_add(1).ok_or(Error::OutOfNumbers)?;
            self.counts.insert(owner, &count);
            Ok(())
        }

        fn take_from_count(&mut self, owner: AccountId) -> Result<(), Error> {
            match self.balance_of(owner).checked_sub(1).ok_or(Error::NotOwner)? {
                0 => self.counts.remove(owner),
                count => {
                    self.counts.insert(owner, &count);
                }
            }
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

        /// Alice has token 0, and calls.
        fn alice_has_one() -> (Nft, DefaultAccounts<DefaultEnvironment>) {
            let accounts = test::default_accounts::<DefaultEnvironment>();
            call_as(accounts.alice);
            let mut nft = Nft::new();
            assert_eq!(nft.mint(), Ok(0));
            (nft, accounts)
        }

        #[ink::test]
        fn numbers_run_on() {
            let (mut nft, accounts) = alice_has_one();
            assert_eq!(nft.mint(), Ok(1));
            assert_eq!(nft.burn(0), Ok(()));
            assert_eq!(nft.mint(), Ok(2));
            assert_eq!((nft.owner_of(0), nft.owner_of(2)), (None, Some(accounts.alice)));
            assert_eq!((nft.balance_of(accounts.alice), nft.minted()), (2, 3));
        }

        #[ink::test]
        fn only_those_who_may_move_tokens() {
            let (mut nft, accounts) = alice_has_one();
            call_as(accounts.bob);
            assert_eq!(nft.transfer(accounts.bob, 0), Err(Error::NotOwner));
            assert_eq!(nft.transfer_from(accounts.alice, accounts.bob, 0), Err(Error::NotAllowed));
            assert_eq!(nft.burn(0), Err(Error::NotOwner));
            assert_eq!(nft.transfer(accounts.bob, 9), Err(Error::TokenNotFound));

            call_as(accounts.alice);
            assert_eq!(nft.transfer(accounts.bob, 0), Ok(()));
            assert_eq!((nft.balance_of(accounts.alice), nft.balance_of(accounts.bob)), (0, 1));
        }

        #[ink::test]
        fn an_approval_ends_with_the_move() {
            let (mut nft, accounts) = alice_has_one();
            nft.approve(Some(accounts.bob), 0).unwrap();
            call_as(accounts.bob);
            assert_eq!(nft.transfer_from(accounts.alice, accounts.charlie, 0), Ok(()));
            assert_eq!(nft.approved(0), None);
            assert_eq!(nft.transfer_from(accounts.charlie, accounts.bob, 0), Err(Error::NotAllowed));
        }

        #[ink::test]
        fn an_operator_moves_until_told_not_to() {
            let (mut nft, accounts) = alice_has_one();
            nft.mint().unwrap();
            nft.set_approval_for_all(accounts.bob, true);
            call_as(accounts.bob);
            assert_eq!(nft.transfer_from(accounts.alice, accounts.bob, 0), Ok(()));
            call_as(accounts.alice);
            nft.set_approval_for_all(accounts.bob, false);
            call_as(accounts.bob);
            assert_eq!(nft.transfer_from(accounts.alice, accounts.bob, 1), Err(Error::NotAllowed));
        }
    }
}
