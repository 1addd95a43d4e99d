//! Count by steps, where version 1 left off.
#![cfg_attr(not(feature = "std"), no_std, no_main)]

/// The code that a proxy is given later. It reads what version 1 wrote, and adds a message.
#[ink::contract]
mod counter_v2 {
    use ink::storage::{traits::ManualKey, Lazy};

    /// Where the count is, in both versions: a name of its own, so that neither a proxy's fields nor new ones collide with it.
    const COUNT: u32 = 0x636f_756e;

    /// The storage. All of it is in cells with keys of their own, as is what a proxy keeps for itself.
    #[ink(storage)]
    pub struct CounterV2 {
        count: Lazy<u32, ManualKey<COUNT>>,
    }

    impl CounterV2 {
        /// For use without a proxy. Behind one, no constructor runs, and the count begins as 0 by itself.
        #[ink(constructor)]
        #[allow(clippy::new_without_default, reason = "a constructor of a contract takes its name from here")]
        pub fn new() -> Self {
            Self { count: Lazy::default() }
        }

        /// Counts one more, up to the greatest number and no further.
        #[ink(message)]
        pub fn inc(&mut self) {
            self.inc_by(1);
        }

        /// Counts `step` more, up to the greatest number and no further.
        #[ink(message)]
        pub fn inc_by(&mut self, step: u32) {
            let count = self.get().saturating_add(step);
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
            2
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[ink::test]
        fn counts() {
            let mut counter = CounterV2::new();
            counter.inc();
            counter.inc_by(41);
            assert_eq!((counter.get(), counter.version()), (42, 2));
            counter.inc_by(u32::MAX);
            assert_eq!(counter.get(), u32::MAX);
        }
    }
}
