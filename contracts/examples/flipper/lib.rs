//! Keep one bit, and turn it over: the smallest contract that has state.
#![cfg_attr(not(feature = "std"), no_std, no_main)]

/// One bit that anybody may turn over.
#[ink::contract]
mod flipper {
    /// The storage: one bit.
    #[ink(storage)]
    pub struct Flipper {
        value: bool,
    }

    impl Flipper {
        /// Starts with `value`.
        #[ink(constructor)]
        pub fn new(value: bool) -> Self {
            Self { value }
        }

        /// Starts with `false`.
        #[ink(constructor)]
        pub fn default() -> Self {
            Self::new(false)
        }

        /// Turns the bit over.
        #[ink(message)]
        pub fn flip(&mut self) {
            self.value = !self.value;
        }

        /// The bit as it is now.
        #[ink(message)]
        pub fn get(&self) -> bool {
            self.value
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[ink::test]
        fn starts_as_told_and_turns_over() {
            let mut flipper = Flipper::default();
            assert!(!flipper.get());
            flipper.flip();
            assert!(flipper.get());
            assert!(Flipper::new(true).get());
        }
    }
}
