//! Keep what accounts say of themselves, and who confirms it.
//!
//! An account publishes claims: short values under short names. Anybody may attest to a claim as it stands: an attestation
//! is kept as the hash of the value, so it is void as soon as the claim changes. Whom to believe is for the reader.
#![cfg_attr(not(feature = "std"), no_std, no_main)]

/// Claims of accounts, and attestations to them.
#[ink::contract]
mod identity {
    use ink::{env::hash::Blake2x256, prelude::vec::Vec, storage::Mapping};

    /// The name of a claim, such as `email`.
    pub type Name = Vec<u8>;

    /// Bytes of a name.
    const MAX_NAME: usize = 32;

    /// Bytes of a value: enough for a sentence or a hash with its address, too few for a picture.
    const MAX_VALUE: usize = 256;

    /// Claims of one account, so that what it leaves behind has an end.
    const MAX_CLAIMS: u32 = 64;

    /// The storage.
    #[ink(storage)]
    pub struct Identity {
        /// How many claims an account has.
        counts: Mapping<AccountId, u32>,
        claims: Mapping<(AccountId, Name), Vec<u8>>,
        /// By subject, name and attester: the hash of the value that was attested to.
        attestations: Mapping<(AccountId, Name, AccountId), Hash>,
    }

    /// An account said something of itself, or took it back.
    #[ink(event)]
    pub struct Claimed {
        /// Which account.
        #[ink(topic)]
        subject: AccountId,
        /// Under which name.
        #[ink(topic)]
        name: Name,
        /// What; none if it took it back.
        value: Option<Vec<u8>>,
    }

    /// An account attested to what another said, or no longer does.
    #[ink(event)]
    pub struct Attested {
        /// Who said it.
        #[ink(topic)]
        subject: AccountId,
        /// Under which name.
        #[ink(topic)]
        name: Name,
        /// Who confirms it.
        #[ink(topic)]
        attester: AccountId,
        /// Since now, or no longer.
        valid: bool,
    }

    /// Why a message was refused.
    #[derive(Debug, PartialEq, Eq, Clone, Copy)]
    #[ink::scale_derive(Encode, Decode, TypeInfo)]
    pub enum Error {
        /// Empty, or longer than 32 bytes.
        BadName,
        /// Longer than 256 bytes.
        ValueTooLong,
        /// An account has at most 64 claims.
        TooManyClaims,
        /// There is no such claim.
        ClaimNotFound,
        /// The claim is not what the caller meant to attest to: it changed.
        ClaimChanged,
        /// Nobody attests to their own claims.
        OwnClaim,
        /// There is no such attestation.
        NotAttested,
    }

    impl Identity {
        /// Starts without claims.
        #[ink(constructor)]
        #[allow(clippy::new_without_default, reason = "a constructor of a contract takes its name from here")]
        pub fn new() -> Self {
            Self { counts: Mapping::default(), claims: Mapping::default(), attestations: Mapping::default() }
        }

        /// Says something of the caller, in place of what was under that name.
        #[ink(message)]
        pub fn claim(&mut self, name: Name, value: Vec<u8>) -> Result<(), Error> {
            if name.is_empty() || name.len() > MAX_NAME {
                return Err(Error::BadName);
            }
            if value.len() > MAX_VALUE {
                return Err(Error::ValueTooLong);
            }
            let subject = self.env().caller();
            let key = (subject, name);
            if self.claims.insert(&key, &value).is_none() {
                let count = self.count(subject);
                if count >= MAX_CLAIMS {
                    return Err(Error::TooManyClaims);
                }
                self.counts.insert(subject, &count.saturating_add(1));
            }
            self.env().emit_event(Claimed { subject, name: key.1, value: Some(value) });
            Ok(())
        }

        /// Takes back what the caller said under that name.
        #[ink(message)]
        pub fn withdraw(&mut self, name: Name) -> Result<(), Error> {
            let subject = self.env().caller();
            let key = (subject, name);
            if !self.claims.contains(&key) {
                return Err(Error::ClaimNotFound);
            }
            self.claims.remove(&key);
            match self.count(subject).saturating_sub(1) {
                0 => self.counts.remove(subject),
                count => {
                    self.counts.insert(subject, &count);
                }
            }
            self.env().emit_event(Claimed { subject, name: key.1, value: None });
            Ok(())
        }

        /// Confirms what `subject` says under that name, if it is still `value`.
        #[ink(message)]
        pub fn attest(&mut self, subject: AccountId, name: Name, value: Vec<u8>) -> Result<(), Error> {
            let attester = self.env().caller();
            if attester == subject {
                return Err(Error::OwnClaim);
            }
            let claim = (subject, name);
            if self.claims.get(&claim).ok_or(Error::ClaimNotFound)? != value {
                return Err(Error::ClaimChanged);
            }
            let name = claim.1;
            self.attestations.insert((&subject, &name, &attester), &self.hash(&value));
            self.env().emit_event(Attested { subject, name, attester, valid: true });
            Ok(())
        }

        /// Confirms it no longer.
        #[ink(message)]
        pub fn revoke(&mut self, subject: AccountId, name: Name) -> Result<(), Error> {
            let attester = self.env().caller();
            if self.attestations.take((&subject, &name, &attester)).is_none() {
                return Err(Error::NotAttested);
            }
            self.env().emit_event(Attested { subject, name, attester, valid: false });
            Ok(())
        }

        /// What `subject` says under that name.
        #[ink(message)]
        pub fn claim_of(&self, subject: AccountId, name: Name) -> Option<Vec<u8>> {
            self.claims.get((subject, name))
        }

        /// Does `attester` confirm what `subject` says under that name now?
        #[ink(message)]
        pub fn is_attested(&self, subject: AccountId, name: Name, attester: AccountId) -> bool {
            let claim = (subject, name);
            let Some(value) = self.claims.get(&claim) else { return false };
            self.attestations.get((&subject, &claim.1, &attester)) == Some(self.hash(&value))
        }

        /// How many claims an account has.
        #[ink(message)]
        pub fn count(&self, subject: AccountId) -> u32 {
            self.counts.get(subject).unwrap_or_default()
        }

        fn hash(&self, value: &[u8]) -> Hash {
            self.env().hash_bytes::<Blake2x256>(value).into()
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;
        use ink::{
            env::{
                test::{self, DefaultAccounts},
                DefaultEnvironment,
            },
            prelude::vec,
        };

        fn call_as(account: AccountId) {
            test::set_caller::<DefaultEnvironment>(account);
        }

        fn name(text: &str) -> Name {
            text.as_bytes().to_vec()
        }

        /// Alice says that her email is `a@b`. Bob calls.
        fn alice_has_email() -> (Identity, DefaultAccounts<DefaultEnvironment>) {
            let accounts = test::default_accounts::<DefaultEnvironment>();
            let mut identity = Identity::new();
            call_as(accounts.alice);
            identity.claim(name("email"), b"a@b".to_vec()).unwrap();
            call_as(accounts.bob);
            (identity, accounts)
        }

        #[ink::test]
        fn claims_are_bounded() {
            let mut identity = Identity::new();
            let alice = test::default_accounts::<DefaultEnvironment>().alice;
            call_as(alice);
            assert_eq!(identity.claim(vec![], vec![]), Err(Error::BadName));
            assert_eq!(identity.claim(vec![b'a'; MAX_NAME + 1], vec![]), Err(Error::BadName));
            assert_eq!(identity.claim(name("a"), vec![0; MAX_VALUE + 1]), Err(Error::ValueTooLong));
            for number in 0..MAX_CLAIMS as u8 {
                identity.claim(vec![number], vec![]).unwrap();
                identity.claim(vec![number], vec![1]).unwrap();
            }
            assert_eq!(identity.claim(name("one more"), vec![]), Err(Error::TooManyClaims));
            assert_eq!(identity.count(alice), MAX_CLAIMS);
        }

        #[ink::test]
        fn an_attestation_ends_with_the_value() {
            let (mut identity, accounts) = alice_has_email();
            let attested =
                |identity: &Identity| identity.is_attested(accounts.alice, name("email"), accounts.bob);
            assert_eq!(
                identity.attest(accounts.alice, name("email"), b"x@y".to_vec()),
                Err(Error::ClaimChanged)
            );
            identity.attest(accounts.alice, name("email"), b"a@b".to_vec()).unwrap();
            assert!(attested(&identity));

            call_as(accounts.alice);
            identity.claim(name("email"), b"c@d".to_vec()).unwrap();
            assert!(!attested(&identity));
            identity.claim(name("email"), b"a@b".to_vec()).unwrap();
            assert!(attested(&identity));
            identity.withdraw(name("email")).unwrap();
            assert!(!attested(&identity));
            assert_eq!(identity.count(accounts.alice), 0);
        }

        #[ink::test]
        fn an_attestation_can_be_revoked_and_is_never_ones_own() {
            let (mut identity, accounts) = alice_has_email();
            assert_eq!(identity.revoke(accounts.alice, name("email")), Err(Error::NotAttested));
            identity.attest(accounts.alice, name("email"), b"a@b".to_vec()).unwrap();
            identity.revoke(accounts.alice, name("email")).unwrap();
            assert!(!identity.is_attested(accounts.alice, name("email"), accounts.bob));

            call_as(accounts.alice);
            assert_eq!(identity.attest(accounts.alice, name("email"), b"a@b".to_vec()), Err(Error::OwnClaim));
            assert_eq!(identity.attest(accounts.bob, name("email"), vec![]), Err(Error::ClaimNotFound));
        }
    }
}
