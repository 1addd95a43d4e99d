//! Signing transactions as a wallet does.

use basalt_primitives::{
    AccountId, Additional, Era, Extra, H256, MultiAddress, Nonce, extrinsic, keys::Pair,
};
use basalt_runtime::RuntimeCall;
use parity_scale_codec::Encode;

/// An account with its key.
pub struct Sender {
    pair: Pair,
    /// Nonce of the next transaction.
    pub nonce: Nonce,
}

impl Sender {
    /// The development account with this name, for example `Alice`.
    pub fn dev(name: &str) -> Self {
        Self::from_suri(&format!("//{name}"))
    }

    /// The account of a secret URI.
    pub fn from_suri(suri: &str) -> Self {
        let pair = Pair::from_suri(basalt_primitives::keys::Scheme::Sr25519, suri)
            .expect("tests use valid secret URIs");
        Self { pair, nonce: 0 }
    }

    /// Its account.
    pub fn account(&self) -> AccountId {
        self.pair.account_id()
    }

    /// Its address in calls.
    pub fn address(&self) -> MultiAddress {
        MultiAddress::Id(self.account())
    }

    /// Signs a call, immortal and without tip, with the next nonce. Without length prefix.
    pub fn sign(&mut self, genesis_hash: H256, call: &RuntimeCall) -> Vec<u8> {
        let nonce = self.nonce;
        self.nonce += 1;
        self.sign_with(genesis_hash, call, nonce, 0, Era::Immortal, genesis_hash)
    }

    /// Signs a call with everything chosen.
    pub fn sign_with(
        &self,
        genesis_hash: H256,
        call: &RuntimeCall,
        nonce: Nonce,
        tip: u128,
        era: Era,
        birth_hash: H256,
    ) -> Vec<u8> {
        let version = basalt_runtime::version();
        let extra = Extra { era, nonce, tip, metadata_hash_mode: 0 };
        let additional = Additional {
            spec_version: version.spec_version,
            transaction_version: version.transaction_version,
            genesis_hash,
            birth_hash,
            metadata_hash: None,
        };
        let call = call.encode();
        let signature = self.pair.sign(&extrinsic::signing_payload(&call, &extra, &additional));
        extrinsic::encode_signed(&self.address(), &signature, &extra, &call)
    }
}
