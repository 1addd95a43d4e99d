//! Swap two tokens at the price that their reserves set.
//!
//! The product of the reserves never falls but by what providers take out: `x · y = k`. Tokens are contracts with ink!'s
//! selectors for ERC-20, such as the example `token`. They are trusted to move what they say they move, and nothing
//! more: ink! lets no callee call back, and reserves are what was put in by messages, whatever else was sent here.
#![cfg_attr(not(feature = "std"), no_std, no_main)]

mod math;
mod pool;

/// A pool of two tokens.
#[ink::contract]
mod amm {
    use crate::pool::{Pool, PoolError};
    use ink::{
        env::{
            call::{build_call, ExecutionInput, Selector},
            DefaultEnvironment,
        },
        storage::Mapping,
    };

    /// The storage.
    #[ink(storage)]
    pub struct Amm {
        tokens: [AccountId; 2],
        pool: Pool,
        shares: Mapping<AccountId, Balance>,
    }

    /// Somebody swapped.
    #[ink(event)]
    pub struct Swapped {
        /// Who.
        #[ink(topic)]
        by: AccountId,
        /// What they gave.
        #[ink(topic)]
        token_in: AccountId,
        /// How much of it.
        amount_in: Balance,
        /// How much of the other they got.
        amount_out: Balance,
    }

    /// Somebody put in both tokens, or took them out.
    #[ink(event)]
    pub struct LiquidityChanged {
        /// Who.
        #[ink(topic)]
        by: AccountId,
        /// Put in, or taken out.
        added: bool,
        /// How much of each.
        amounts: [Balance; 2],
        /// For how many shares.
        shares: Balance,
    }

    /// Why a message was refused.
    #[derive(Debug, PartialEq, Eq, Clone, Copy)]
    #[ink::scale_derive(Encode, Decode, TypeInfo)]
    pub enum Error {
        /// Not one of the two tokens.
        UnknownToken,
        /// The caller would get less than asked for.
        BelowMinimum,
        /// The caller has fewer shares.
        InsufficientShares,
        /// The pool is empty, or too small for this.
        InsufficientLiquidity,
        /// Nothing was offered, or too little to be worth anything.
        AmountTooSmall,
        /// A number does not fit.
        Overflow,
        /// A token refused to move: too little balance or allowance, or no such contract.
        TokenRefused,
    }

    impl From<PoolError> for Error {
        fn from(error: PoolError) -> Self {
            match error {
                PoolError::Empty => Self::InsufficientLiquidity,
                PoolError::TooSmall => Self::AmountTooSmall,
                PoolError::Overflow => Self::Overflow,
            }
        }
    }

    impl Amm {
        /// A pool, empty as yet, of these two tokens.
        #[ink(constructor)]
        pub fn new(token_a: AccountId, token_b: AccountId) -> Result<Self, Error> {
            if token_a == token_b {
                return Err(Error::UnknownToken);
            }
            Ok(Self { tokens: [token_a, token_b], pool: Pool::default(), shares: Mapping::default() })
        }

        /// Puts in both tokens: no more than these, in the proportion of the reserves, for at least `min_shares`. The
        /// pool must be allowed to take them. Returns the shares.
        #[ink(message)]
        pub fn add_liquidity(&mut self, most: [Balance; 2], min_shares: Balance) -> Result<Balance, Error> {
            let by = self.env().caller();
            let (amounts, shares) = self.pool.add(most)?;
            if shares < min_shares {
                return Err(Error::BelowMinimum);
            }
            let sum = self.shares_of(by).checked_add(shares).ok_or(Error::Overflow)?;
            self.shares.insert(by, &sum);
            self.take(0, by, amounts[0])?;
            self.take(1, by, amounts[1])?;
            self.env().emit_event(LiquidityChanged { by, added: true, amounts, shares });
            Ok(shares)
        }

        /// Takes out what `shares` are worth, at least these amounts. Returns the amounts.
        #[ink(message)]
        pub fn remove_liquidity(
            &mut self,
            shares: Balance,
            least: [Balance; 2],
        ) -> Result<[Balance; 2], Error> {
            let by = self.env().caller();
            let left = self.shares_of(by).checked_sub(shares).ok_or(Error::InsufficientShares)?;
            let amounts = self.pool.remove(shares)?;
            if amounts[0] < least[0] || amounts[1] < least[1] {
                return Err(Error::BelowMinimum);
            }
            if left == 0 {
                self.shares.remove(by);
            } else {
                self.shares.insert(by, &left);
            }
            self.give(0, by, amounts[0])?;
            self.give(1, by, amounts[1])?;
            self.env().emit_event(LiquidityChanged { by, added: false, amounts, shares });
            Ok(amounts)
        }

        /// Gives `amount_in` of `token_in` for at least `min_out` of the other. The pool must be allowed to take it.
        /// Returns what the caller got.
        #[ink(message)]
        pub fn swap(
            &mut self,
            token_in: AccountId,
            amount_in: Balance,
            min_out: Balance,
        ) -> Result<Balance, Error> {
            let by = self.env().caller();
            let side = self.side(token_in)?;
            let amount_out = self.pool.swap(side, amount_in)?;
            if amount_out < min_out {
                return Err(Error::BelowMinimum);
            }
            self.take(side, by, amount_in)?;
            self.give(1 - side, by, amount_out)?;
            self.env().emit_event(Swapped { by, token_in, amount_in, amount_out });
            Ok(amount_out)
        }

        /// What [`swap`](Self::swap) would give now.
        #[ink(message)]
        pub fn quote(&self, token_in: AccountId, amount_in: Balance) -> Result<Balance, Error> {
            Ok(self.pool.quote(self.side(token_in)?, amount_in)?)
        }

        /// The two tokens.
        #[ink(message)]
        pub fn tokens(&self) -> [AccountId; 2] {
            self.tokens
        }

        /// What the pool has of each.
        #[ink(message)]
        pub fn reserves(&self) -> [Balance; 2] {
            self.pool.reserves()
        }

        /// All shares.
        #[ink(message)]
        pub fn total_shares(&self) -> Balance {
            self.pool.shares()
        }

        /// The shares of `owner`.
        #[ink(message)]
        pub fn shares_of(&self, owner: AccountId) -> Balance {
            self.shares.get(owner).unwrap_or_default()
        }

        /// The place of a token: 0 or 1.
        fn side(&self, token: AccountId) -> Result<usize, Error> {
            self.tokens.iter().position(|known| *known == token).ok_or(Error::UnknownToken)
        }

        /// Moves tokens from an account that allowed it.
        fn take(&self, side: usize, from: AccountId, amount: Balance) -> Result<(), Error> {
            let input = ExecutionInput::new(Selector::new(ink::selector_bytes!("transfer_from")));
            accepted(
                build_call::<DefaultEnvironment>()
                    .call(self.tokens[side])
                    .exec_input(input.push_arg(from).push_arg(self.env().account_id()).push_arg(amount))
                    .returns::<TokenResult>()
                    .try_invoke(),
            )
        }

        /// Moves the pool's own tokens.
        fn give(&self, side: usize, to: AccountId, amount: Balance) -> Result<(), Error> {
            let input = ExecutionInput::new(Selector::new(ink::selector_bytes!("transfer")));
            accepted(
                build_call::<DefaultEnvironment>()
                    .call(self.tokens[side])
                    .exec_input(input.push_arg(to).push_arg(amount))
                    .returns::<TokenResult>()
                    .try_invoke(),
            )
        }
    }

    /// What tokens return. Their errors are enums without fields, hence one byte.
    type TokenResult = Result<(), u8>;

    /// Did the call go through, the message decode, and the token agree? Otherwise the message as a whole is undone.
    fn accepted(answer: ink::env::Result<ink::MessageResult<TokenResult>>) -> Result<(), Error> {
        match answer {
            Ok(Ok(Ok(()))) => Ok(()),
            _ => Err(Error::TokenRefused),
        }
    }

    // Tokens are other contracts, which exist on a chain only: the pool has the tests, and end-to-end tests have the rest.
    #[cfg(test)]
    mod tests {
        use super::*;
        use ink::env::test;

        #[ink::test]
        fn two_different_tokens() {
            let accounts = test::default_accounts::<DefaultEnvironment>();
            assert_eq!(Amm::new(accounts.alice, accounts.alice).err(), Some(Error::UnknownToken));
            let amm = Amm::new(accounts.alice, accounts.bob).unwrap();
            assert_eq!(amm.quote(accounts.charlie, 1), Err(Error::UnknownToken));
            assert_eq!(amm.quote(accounts.bob, 1), Err(Error::InsufficientLiquidity));
        }
    }
}
