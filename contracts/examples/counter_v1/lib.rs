//! Count by one, behind a proxy.
#![cfg_attr(not(feature = "std"), no_std, no_main)]

/// The code that a proxy starts with.
#[ink::contract]
mod counter_v1 {
    use ink::storage::{traits::ManualKey, Lazy};

    /// Where the count is, in both versions: a name of its own, so that neither a proxy's fields nor new ones collide with it.
    const COUNT: u32 = 0x636f_756e;

    /// The storage. All of it is in cells with keys of their own, as is what a proxy keeps for itself.
    #[ink(storage)]
    pub struct CounterV1 {
        count: Lazy<u32, ManualKey<COUNT>>,
    }

    impl CounterV1 {
        /// For use without a proxy. Behind one, no constructor runs, and the count begins as 0 by itself.
        #[ink(constructor)]
        #[allow(clippy::new_without_default, reason = "a constructor of a contract takes its name from here")]
        pub fn new() -> Self {
            Self { count: Lazy::default() }
        }

        /// Counts one more, up to the greatest number and no further.
        #[ink(message)]
        pub fn inc(&mut self) {
            let count = self.get().saturating_add(1);
            self.count.set(&count);
        }

        /// The count.
        #[ink(message)]
        pub fn get(&self) -> u32 {
            self.count.get().unwrap_or_default()
        }

        /// The version of this code.
        #[ink(message)]
        pub fn version(&self) -> u32 {
            1
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[ink::test]
        fn counts() {
            let mut counter = CounterV1::new();
            counter.inc();
            counter.inc();
            assert_eq!((counter.get(), counter.version()), (2, 1));
            counter.count.set(&u32::MAX);
            counter.inc();
            assert_eq!(counter.get(), u32::MAX);
        }
    }
}
