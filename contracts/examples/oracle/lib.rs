//! Keep a hundred figures, and their sum.
//!
//! A workload more than a contract: `read_all` reads every figure and writes one cell, so that it conflicts with whoever
//! sets any of them, while those who set different ones do not conflict with each other.
#![cfg_attr(not(feature = "std"), no_std, no_main)]

/// A hundred figures in cells of their own.
#[ink::contract]
mod oracle {
    use ink::storage::{Lazy, Mapping};

    /// How many figures there are. Named, because `read_all` loops over them: its cost has a bound.
    pub const FIGURES: u32 = 100;

    /// The storage.
    #[ink(storage)]
    pub struct Oracle {
        figures: Mapping<u32, u64>,
        sum: Lazy<u128>,
    }

    /// Why a message was refused.
    #[derive(Debug, PartialEq, Eq, Clone, Copy)]
    #[ink::scale_derive(Encode, Decode, TypeInfo)]
    pub enum Error {
        /// Keys go from 0 to 99.
        NoSuchKey,
        /// The sum does not fit. A hundred u64 do, so this cannot happen.
        Overflow,
    }

    impl Oracle {
        /// Starts with zeroes.
        #[ink(constructor)]
        #[allow(clippy::new_without_default, reason = "a constructor of a contract takes its name from here")]
        pub fn new() -> Self {
            Self { figures: Mapping::default(), sum: Lazy::default() }
        }

        /// Sets one figure.
        #[ink(message)]
        pub fn set(&mut self, key: u32, value: u64) -> Result<(), Error> {
            if key >= FIGURES {
                return Err(Error::NoSuchKey);
            }
            self.figures.insert(key, &value);
            Ok(())
        }

        /// One figure.
        #[ink(message)]
        pub fn get(&self, key: u32) -> u64 {
            self.figures.get(key).unwrap_or_default()
        }

        /// Reads all figures, and keeps and returns their sum.
        #[ink(message)]
        pub fn read_all(&mut self) -> Result<u128, Error> {
            let mut sum = 0u128;
            for key in 0..FIGURES {
                sum = sum.checked_add(self.get(key).into()).ok_or(Error::Overflow)?;
            }
            self.sum.set(&sum);
            Ok(sum)
        }

        /// The sum when it was last made.
        #[ink(message)]
        pub fn sum(&self) -> u128 {
            self.sum.get().unwrap_or_default()
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[ink::test]
        fn sums_what_was_set() {
            let mut oracle = Oracle::new();
            for key in 0..FIGURES {
                oracle.set(key, u64::MAX).unwrap();
            }
            assert_eq!(oracle.set(FIGURES, 1), Err(Error::NoSuchKey));
            assert_eq!(oracle.sum(), 0);
            assert_eq!(oracle.read_all(), Ok(u128::from(u64::MAX) * u128::from(FIGURES)));
            assert_eq!(oracle.sum(), u128::from(u64::MAX) * 100);
        }
    }
}
