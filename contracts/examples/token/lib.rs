//! Keep balances of one fungible token, as ERC-20 does.
//!
//! The supply is fixed when the contract is instantiated. No message loops, and each touches the cells of the accounts
//! that it names and no other: transfers between different accounts run in parallel.
#![cfg_attr(not(feature = "std"), no_std, no_main)]

/// Balances, and allowances to spend from them.
#[ink::contract]
mod token {
    use ink::storage::Mapping;

    /// The storage.
    #[ink(storage)]
    pub struct Token {
        total_supply: Balance,
        balances: Mapping<AccountId, Balance>,
        /// By owner and spender.
        allowances: Mapping<(AccountId, AccountId), Balance>,
    }

    /// Tokens moved. `from` is none when they came to be.
    #[ink(event)]
    pub struct Transfer {
        /// Who had them.
        #[ink(topic)]
        from: Option<AccountId>,
        /// Who has them now.
        #[ink(topic)]
        to: Option<AccountId>,
        /// How many.
        value: Balance,
    }

    /// What a spender may take from an owner was set.
    #[ink(event)]
    pub struct Approval {
        /// Whose tokens.
        #[ink(topic)]
        owner: AccountId,
        /// Who may take them.
        #[ink(topic)]
        spender: AccountId,
        /// How many.
        value: Balance,
    }

    /// Why a message was refused.
    #[derive(Debug, PartialEq, Eq, Clone, Copy)]
    #[ink::scale_derive(Encode, Decode, TypeInfo)]
    pub enum Error {
        /// The account has fewer tokens.
        InsufficientBalance,
        /// The owner allowed fewer tokens.
        InsufficientAllowance,
        /// A balance would not fit. The supply does, so this cannot happen.
        Overflow,
    }

    impl Token {
        /// Gives the whole supply to whoever instantiates.
        #[ink(constructor)]
        pub fn new(total_supply: Balance) -> Self {
            let owner = Self::env().caller();
            let mut balances = Mapping::default();
            balances.insert(owner, &total_supply);
            Self::env().emit_event(Transfer { from: None, to: Some(owner), value: total_supply });
            Self { total_supply, balances, allowances: Mapping::default() }
        }

        /// How many tokens there are.
        #[ink(message)]
        pub fn total_supply(&self) -> Balance {
            self.total_supply
        }

        /// How many tokens `owner` has.
        #[ink(message)]
        pub fn balance_of(&self, owner: AccountId) -> Balance {
            self.balances.get(owner).unwrap_or_default()
        }

        /// How many of `owner`'s tokens `spender` may still take.
        #[ink(message)]
        pub fn allowance(&self, owner: AccountId, spender: AccountId) -> Balance {
            self.allowances.get((owner, spender)).unwrap_or_default()
        }

        /// Sends `value` of the caller's tokens.
        #[ink(message)]
        pub fn transfer(&mut self, to: AccountId, value: Balance) -> Result<(), Error> {
            self.do_transfer(self.env().caller(), to, value)
        }

        /// Lets `spender` take up to `value` of the caller's tokens, whatever it was before.
        ///
        /// To change one allowance into another, set it to zero in between: the spender may be quick and use both.
        #[ink(message)]
        pub fn approve(&mut self, spender: AccountId, value: Balance) -> Result<(), Error> {
            let owner = self.env().caller();
            self.set_allowance(owner, spender, value);
            self.env().emit_event(Approval { owner, spender, value });
            Ok(())
        }

        /// Sends `value` of `from`'s tokens, which `from` allowed the caller.
        #[ink(message)]
        pub fn transfer_from(&mut self, from: AccountId, to: AccountId, value: Balance) -> Result<(), Error> {
            let spender = self.env().caller();
            let allowed = self.allowance(from, spender);
            let left = allowed.checked_sub(value).ok_or(Error::InsufficientAllowance)?;
            self.do_transfer(from, to, value)?;
            self.set_allowance(from, spender, left);
            Ok(())
        }

        fn do_transfer(&mut self, from: AccountId, to: AccountId, value: Balance) -> Result<(), Error> {
            let left = self.balance_of(from).checked_sub(value).ok_or(Error::InsufficientBalance)?;
            // A transfer to oneself reads what it wrote: so write before reading the other.
            self.balances.insert(from, &left);
            let sum = self.balance_of(to).checked_add(value).ok_or(Error::Overflow)?;
            self.balances.insert(to, &sum);
            self.env().emit_event(Transfer { from: Some(from), to: Some(to), value });
            Ok(())
        }

        /// Keeps no cell for nothing, so that its deposit goes back.
        fn set_allowance(&mut self, owner: AccountId, spender: AccountId, value: Balance) {
            if value == 0 {
                self.allowances.remove((owner, spender));
            } else {
                self.allowances.insert((owner, spender), &value);
            }
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;
        use ink::env::{
            test::{self, DefaultAccounts},
            DefaultEnvironment,
        };

        /// A token of 100, all of them Alice's, and Alice calling.
        fn alice_has_100() -> (Token, DefaultAccounts<DefaultEnvironment>) {
            let accounts = test::default_accounts::<DefaultEnvironment>();
            test::set_caller::<DefaultEnvironment>(accounts.alice);
            (Token::new(100), accounts)
        }

        #[ink::test]
        fn the_supply_is_the_creators() {
            let (token, accounts) = alice_has_100();
            assert_eq!(token.total_supply(), 100);
            assert_eq!(token.balance_of(accounts.alice), 100);
            assert_eq!(test::recorded_events().count(), 1);
        }

        #[ink::test]
        fn transfers_move_and_refuse() {
            let (mut token, accounts) = alice_has_100();
            assert_eq!(token.transfer(accounts.bob, 30), Ok(()));
            assert_eq!((token.balance_of(accounts.alice), token.balance_of(accounts.bob)), (70, 30));
            assert_eq!(token.transfer(accounts.bob, 71), Err(Error::InsufficientBalance));
            assert_eq!(test::recorded_events().count(), 2);
        }

        #[ink::test]
        fn a_transfer_to_oneself_makes_nothing() {
            let (mut token, accounts) = alice_has_100();
            assert_eq!(token.transfer(accounts.alice, 60), Ok(()));
            assert_eq!(token.balance_of(accounts.alice), 100);
        }

        #[ink::test]
        fn allowances_are_used_up() {
            let (mut token, accounts) = alice_has_100();
            token.approve(accounts.bob, 50).unwrap();
            test::set_caller::<DefaultEnvironment>(accounts.bob);
            assert_eq!(token.transfer_from(accounts.alice, accounts.charlie, 20), Ok(()));
            assert_eq!(token.allowance(accounts.alice, accounts.bob), 30);
            assert_eq!(
                token.transfer_from(accounts.alice, accounts.charlie, 31),
                Err(Error::InsufficientAllowance)
            );
            assert_eq!(token.balance_of(accounts.charlie), 20);
            assert_eq!(token.transfer_from(accounts.alice, accounts.charlie, 30), Ok(()));
            assert_eq!(token.allowance(accounts.alice, accounts.bob), 0);
        }
    }
}
