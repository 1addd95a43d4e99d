//! Stand before code that can be replaced.
//!
//! Every message but one is run by the code of another contract, on this contract's storage and in its name. Whoever
//! calls sees one address whose behaviour changes when the administrator replaces the code.
//!
//! What such code must keep: its storage in cells with keys of their own (`ManualKey`), nothing in the root. And it must
//! not use the keys below.
#![cfg_attr(not(feature = "std"), no_std, no_main)]

/// One address, replaceable code.
#[ink::contract]
mod proxy {
    use ink::{
        env::{
            call::{build_call, ExecutionInput, Selector},
            CallFlags,
        },
        storage::{traits::ManualKey, Lazy},
    };

    const ADMIN: u32 = 0x7072_6f01;
    const CODE: u32 = 0x7072_6f02;

    /// The storage: nothing in the root, which the code behind this has for itself.
    #[ink(storage)]
    pub struct Proxy {
        /// None once the proxy is frozen.
        admin: Lazy<Option<AccountId>, ManualKey<ADMIN>>,
        code: Lazy<Hash, ManualKey<CODE>>,
    }

    /// What the administrator may order.
    #[derive(Debug, PartialEq, Eq, Clone, Copy)]
    #[ink::scale_derive(Encode, Decode, TypeInfo)]
    pub enum Order {
        /// Run this code from now on.
        Upgrade(Hash),
        /// Take orders from this account from now on.
        HandOver(AccountId),
        /// Take no orders any more.
        Freeze,
    }

    /// An order was carried out.
    #[ink(event)]
    pub struct Ordered {
        /// What it was.
        order: Order,
    }

    /// Why an order was refused.
    #[derive(Debug, PartialEq, Eq, Clone, Copy)]
    #[ink::scale_derive(Encode, Decode, TypeInfo)]
    pub enum Error {
        /// Only the administrator gives orders.
        NotAdmin,
    }

    impl Proxy {
        /// Runs `code`, which must be on the chain, and takes orders from whoever instantiates.
        #[ink(constructor)]
        pub fn new(code: Hash) -> Self {
            // Code in use by a delegate call can be removed by whoever uploaded it, unless someone depends on it.
            Self::env().lock_delegate_dependency(&code);
            Self::with(Self::env().caller(), code)
        }

        fn with(admin: AccountId, code: Hash) -> Self {
            let mut proxy = Self { admin: Lazy::default(), code: Lazy::default() };
            proxy.admin.set(&Some(admin));
            proxy.code.set(&code);
            proxy
        }

        /// The one message of its own, with the one selector that ink! leaves to it. It would be a trap for clients if a
        /// proxy had messages that the code behind it may have as well.
        #[ink(message, selector = @)]
        pub fn order(&mut self, order: Order) -> Result<(), Error> {
            if self.admin.get().flatten() != Some(self.env().caller()) {
                return Err(Error::NotAdmin);
            }
            match order {
                Order::Upgrade(code) => self.upgrade(code),
                Order::HandOver(admin) => self.admin.set(&Some(admin)),
                Order::Freeze => self.admin.set(&None),
            }
            self.env().emit_event(Ordered { order });
            Ok(())
        }

        /// Everything else: what the code behind this makes of it.
        #[ink(message, payable, selector = _)]
        pub fn forward(&self) {
            // The selector is not used: with this flag the callee gets what the proxy got, selector included. And it
            // answers in the proxy's place, so this ends here, unless there is no such code.
            build_call::<ink::env::DefaultEnvironment>()
                .delegate(self.code.get().unwrap_or_default())
                .call_flags(CallFlags::FORWARD_INPUT | CallFlags::TAIL_CALL)
                .exec_input(ExecutionInput::new(Selector::new([0; 4])))
                .returns::<()>()
                .invoke();
        }

        fn upgrade(&mut self, code: Hash) {
            if let Some(old) = self.code.get() {
                if old == code {
                    return;
                }
                self.env().unlock_delegate_dependency(&old);
            }
            self.env().lock_delegate_dependency(&code);
            self.code.set(&code);
        }
    }

    // Delegate calls and dependencies exist on a chain only; end-to-end tests have them.
    #[cfg(test)]
    mod tests {
        use super::*;
        use ink::env::{test, DefaultEnvironment};

        #[ink::test]
        fn only_the_administrator_orders() {
            let accounts = test::default_accounts::<DefaultEnvironment>();
            let code = Hash::from([1; 32]);
            let mut proxy = Proxy::with(accounts.alice, code);

            test::set_caller::<DefaultEnvironment>(accounts.bob);
            assert_eq!(proxy.order(Order::Freeze), Err(Error::NotAdmin));

            test::set_caller::<DefaultEnvironment>(accounts.alice);
            assert_eq!(proxy.order(Order::Upgrade(code)), Ok(()));
            assert_eq!(proxy.order(Order::HandOver(accounts.bob)), Ok(()));
            assert_eq!(proxy.order(Order::Freeze), Err(Error::NotAdmin));

            test::set_caller::<DefaultEnvironment>(accounts.bob);
            assert_eq!(proxy.order(Order::Freeze), Ok(()));
            assert_eq!(proxy.order(Order::HandOver(accounts.bob)), Err(Error::NotAdmin));
        }
    }
}
