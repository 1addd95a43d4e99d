//! Which keys an account validates with: registered once, by who has their secrets.

use basalt_pallet_system::ACCOUNT;
use basalt_primitives::{AccountId, signature};
use basalt_state::{StateError, StateRead, StateWrite};
use basalt_support::{Context, Failure, module_error};

use crate::{Error, KEY_OWNER, KeyTypeId, NEXT_KEYS, Session, SessionKeys};

/// Why keys of the genesis configuration cannot be registered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeysError {
    /// The account does not exist.
    #[error(
        "{0} has keys and no balance; give it one, or validators without accounts in `session.validators`"
    )]
    NoAccount(AccountId),
    /// The account comes twice.
    #[error("{0} has keys twice; list each account once")]
    Twice(AccountId),
    /// A key comes twice.
    #[error("{0} has a key that {1} has, too; each needs its own")]
    Duplicated(AccountId, AccountId),
    /// A key is none.
    #[error("{0} has a {1} that is no public key of its scheme")]
    BadKey(AccountId, &'static str),
    /// The state failed, which an empty one never does.
    #[error(transparent)]
    State(#[from] StateError),
}

impl SessionKeys {
    /// Whether `proof` shows that `owner` has the secrets of both keys: the signatures of
    /// [`possession_statement`](signature::possession_statement) by the vote key and by the VRF key, one after the other.
    pub fn proven_by(&self, proof: &[u8], owner: &AccountId) -> bool {
        let Some((vote, rest)) = proof.split_first_chunk::<64>() else { return false };
        let Ok(vrf) = <&[u8; 64]>::try_from(rest) else { return false };
        let statement = signature::possession_statement(owner);
        signature::ed25519_verify(vote, &statement, &self.grandpa)
            && signature::sr25519_verify(vrf, &statement, &self.vrf)
    }
}

impl Session {
    /// The keys that an account has registered: with them it validates from the next set on that is drawn up.
    pub fn keys(
        &self,
        state: &(impl StateRead + ?Sized),
        account: &AccountId,
    ) -> Result<Option<SessionKeys>, StateError> {
        NEXT_KEYS.get(state, account)
    }

    /// Registers keys at genesis, where nobody has to prove anything.
    ///
    /// # Errors
    ///
    /// If an account does not exist, or has keys twice, or a key of another one.
    pub fn genesis_keys(
        &self,
        state: &mut impl StateWrite,
        keys: &[(AccountId, SessionKeys)],
    ) -> Result<(), KeysError> {
        for (who, keys) in keys {
            if !signature::is_ed25519_public(&keys.grandpa) {
                return Err(KeysError::BadKey(*who, "vote key"));
            }
            if !signature::is_sr25519_public(&keys.vrf) {
                return Err(KeysError::BadKey(*who, "VRF key"));
            }
            if NEXT_KEYS.contains(state, who)? {
                return Err(KeysError::Twice(*who));
            }
            if let Some(other) = other_owner(state, who, keys)? {
                return Err(KeysError::Duplicated(*who, other));
            }
            let entry = ACCOUNT.at(who);
            let mut account = entry.get_or_default(state)?;
            account.add_consumer().map_err(|_| KeysError::NoAccount(*who))?;
            entry.put(state, &account);
            store(state, who, None, keys);
        }
        Ok(())
    }

    pub(crate) fn set_keys(
        &self,
        ctx: &mut Context<'_, '_>,
        who: &AccountId,
        keys: &SessionKeys,
        proof: &[u8],
    ) -> Result<(), Failure> {
        if !keys.proven_by(proof, who) {
            return Err(self.error(Error::InvalidProof));
        }
        if other_owner(ctx, who, keys)?.is_some() {
            return Err(self.error(Error::DuplicatedKey));
        }
        let old = self.keys(ctx, who)?;
        // An account with keys stays, so that nobody can come and go with the keys of others at no cost.
        if old.is_none() {
            self.system.inc_consumers(ctx, who).map_err(|failure| match failure {
                Failure::Dispatch(_) => self.error(Error::NoAccount),
                state @ Failure::State(_) => state,
            })?;
        }
        store(ctx, who, old.as_ref(), keys);
        Ok(())
    }

    pub(crate) fn purge_keys(&self, ctx: &mut Context<'_, '_>, who: &AccountId) -> Result<(), Failure> {
        let Some(keys) = NEXT_KEYS.take(ctx, who)? else { return Err(self.error(Error::NoKeys)) };
        for key in owned(&keys) {
            KEY_OWNER.remove(ctx, &key);
        }
        self.system.dec_consumers(ctx, who)
    }

    fn error(&self, error: Error) -> Failure {
        module_error(self.index, &error)
    }
}

/// The keys as [`KEY_OWNER`] knows them.
pub(crate) fn owned(keys: &SessionKeys) -> [(KeyTypeId, alloc::vec::Vec<u8>); 2] {
    keys.raw().map(|(key, kind)| (kind, key))
}

/// Who has registered one of these keys, if that is not `who`.
fn other_owner(
    state: &(impl StateRead + ?Sized),
    who: &AccountId,
    keys: &SessionKeys,
) -> Result<Option<AccountId>, StateError> {
    for key in owned(keys) {
        if let Some(owner) = KEY_OWNER.get(state, &key)?.filter(|owner| owner != who) {
            return Ok(Some(owner));
        }
    }
    Ok(None)
}

/// Writes the keys of an account, in place of old ones.
fn store(state: &mut impl StateWrite, who: &AccountId, old: Option<&SessionKeys>, keys: &SessionKeys) {
    for key in old.iter().flat_map(|old| owned(old)) {
        KEY_OWNER.remove(state, &key);
    }
    for key in owned(keys) {
        KEY_OWNER.put(state, &key, who);
    }
    NEXT_KEYS.put(state, who, keys);
}
