//! The arithmetic of a pool: no accounts, no tokens. Every rounding is in the pool's favour.

use crate::math::{mul_div, mul_div_up, sqrt_of_product};

/// What stays with the providers of each amount that comes in: 3 of 1000.
const FEE: u128 = 3;
const FEE_BASE: u128 = 1000;

/// Shares that the first provider pays and nobody gets. Without them the first could make one share worth so much that
/// the next one's deposit is rounded to none.
const LOCKED_SHARES: u128 = 1000;

/// Reserves, and the shares that they are divided into.
#[derive(Debug, Default, PartialEq, Eq, Clone)]
#[ink::scale_derive(Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "std", derive(ink::storage::traits::StorageLayout))]
pub struct Pool {
    reserves: [u128; 2],
    shares: u128,
}

/// Why the numbers do not work out.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub enum PoolError {
    /// The pool has nothing, or not that much.
    Empty,
    /// Worth nothing after rounding.
    TooSmall,
    /// A number does not fit.
    Overflow,
}

impl Pool {
    pub(crate) fn reserves(&self) -> [u128; 2] {
        self.reserves
    }

    pub(crate) fn shares(&self) -> u128 {
        self.shares
    }

    /// Takes as much of `most` as has the proportion of the reserves. Returns what it takes, and the new shares.
    pub(crate) fn add(&mut self, most: [u128; 2]) -> Result<([u128; 2], u128), PoolError> {
        let (amounts, shares, locked) = if self.shares == 0 {
            let all = sqrt_of_product(most[0], most[1]);
            (most, all.checked_sub(LOCKED_SHARES).ok_or(PoolError::TooSmall)?, LOCKED_SHARES)
        } else {
            let worth = |side: usize| {
                mul_div(most[side], self.shares, self.reserves[side]).ok_or(PoolError::Overflow)
            };
            let shares = worth(0)?.min(worth(1)?);
            // What these shares cost, rounded up: never above `most`, as they were rounded down.
            let cost =
                |side: usize| mul_div_up(shares, self.reserves[side], self.shares).ok_or(PoolError::Overflow);
            ([cost(0)?, cost(1)?], shares, 0)
        };
        if shares == 0 {
            return Err(PoolError::TooSmall);
        }
        let reserves = [plus(self.reserves[0], amounts[0])?, plus(self.reserves[1], amounts[1])?];
        *self = Self { reserves, shares: plus(self.shares, plus(shares, locked)?)? };
        Ok((amounts, shares))
    }

    /// Gives up `shares`, at most those that were added. Returns what they are worth.
    pub(crate) fn remove(&mut self, shares: u128) -> Result<[u128; 2], PoolError> {
        let left = self.shares.checked_sub(shares).ok_or(PoolError::Empty)?;
        let worth = |side: usize| mul_div(shares, self.reserves[side], self.shares).ok_or(PoolError::Empty);
        let amounts = [worth(0)?, worth(1)?];
        if amounts[0] == 0 || amounts[1] == 0 {
            return Err(PoolError::TooSmall);
        }
        for (reserve, amount) in self.reserves.iter_mut().zip(amounts) {
            *reserve = reserve.checked_sub(amount).ok_or(PoolError::Empty)?;
        }
        self.shares = left;
        Ok(amounts)
    }

    /// What `amount` of the token at `side` buys of the other.
    pub(crate) fn quote(&self, side: usize, amount: u128) -> Result<u128, PoolError> {
        if self.shares == 0 {
            return Err(PoolError::Empty);
        }
        let after_fee = mul_div(amount, FEE_BASE - FEE, FEE_BASE).ok_or(PoolError::Overflow)?;
        let grown = plus(self.reserves[side], after_fee)?;
        match mul_div(self.reserves[1 - side], after_fee, grown).ok_or(PoolError::Overflow)? {
            0 => Err(PoolError::TooSmall),
            out => Ok(out),
        }
    }

    /// Swaps, and returns what goes out.
    pub(crate) fn swap(&mut self, side: usize, amount: u128) -> Result<u128, PoolError> {
        let out = self.quote(side, amount)?;
        self.reserves[side] = plus(self.reserves[side], amount)?;
        self.reserves[1 - side] = self.reserves[1 - side].checked_sub(out).ok_or(PoolError::Empty)?;
        Ok(out)
    }
}

fn plus(a: u128, b: u128) -> Result<u128, PoolError> {
    a.checked_add(b).ok_or(PoolError::Overflow)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(a: u128, b: u128) -> Pool {
        let mut pool = Pool::default();
        pool.add([a, b]).unwrap();
        pool
    }

    #[test]
    fn the_first_provider_pays_the_locked_shares() {
        let mut pool = Pool::default();
        assert_eq!(pool.add([1000, 1000]), Err(PoolError::TooSmall));
        assert_eq!(pool.add([4_000_000, 1_000_000]), Ok(([4_000_000, 1_000_000], 1_999_000)));
        assert_eq!(pool.shares(), 2_000_000);
    }

    #[test]
    fn more_is_added_in_proportion() {
        let mut pool = pool(4_000_000, 1_000_000);
        assert_eq!(pool.add([400, 500]), Ok(([400, 100], 200)));
        assert_eq!(pool.add([1, 1]), Err(PoolError::TooSmall));
    }

    #[test]
    fn a_swap_pays_the_fee_and_the_price_moves() {
        let mut pool = pool(1_000_000, 1_000_000);
        let product = 1_000_000u128 * 1_000_000;
        let out = pool.swap(0, 10_000).unwrap();
        assert_eq!(out, 9_871);
        assert!(pool.swap(0, 10_000).unwrap() < out);
        let [a, b] = pool.reserves();
        assert!(a * b > product);
    }

    #[test]
    fn no_way_there_and_back_gains() {
        for amount in [1, 2, 7, 1000, 999_999, 10u128.pow(12)] {
            let mut pool = pool(3_333_333, 77_777_777);
            let Ok(out) = pool.swap(0, amount) else { continue };
            assert!(pool.swap(1, out).unwrap_or(0) < amount, "{amount}");

            let ([a, b], shares) = pool.add([amount, u128::MAX >> 40]).unwrap_or(([1, 1], 0));
            let [x, y] = pool.remove(shares).unwrap_or([0, 0]);
            assert!(x <= a && y <= b, "{amount}");
        }
    }

    #[test]
    fn tokens_with_many_decimals_fit() {
        let unit = 10u128.pow(18);
        let mut pool = pool(1_000_000_000 * unit, 5_000_000 * unit);
        let out = pool.swap(1, unit).unwrap();
        assert!(out > 199 * unit && out < 200 * unit);
    }

    #[test]
    fn an_empty_pool_swaps_nothing() {
        assert_eq!(Pool::default().quote(0, 10), Err(PoolError::Empty));
        assert_eq!(Pool::default().remove(1), Err(PoolError::Empty));
    }
}
