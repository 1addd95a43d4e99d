//! Hashes and signatures.

use basalt_primitives::{Weight, signature};
use basalt_support::RuntimeCall;
use sha2::Digest;

use super::{End, HostCall, SUCCESS, code, memory};
use crate::costs;

pub(super) fn sha2_256(bytes: &[u8]) -> [u8; 32] {
    sha2::Sha256::digest(bytes).into()
}

pub(super) fn keccak_256(bytes: &[u8]) -> [u8; 32] {
    sha3::Keccak256::digest(bytes).into()
}

impl<C: RuntimeCall> HostCall<'_, '_, '_, '_, C> {
    /// Hashes bytes; input and output may overlap.
    pub(super) fn hash<const N: usize>(
        &mut self,
        cost: fn(u32) -> Weight,
        hash: fn(&[u8]) -> [u8; N],
    ) -> Result<u32, End> {
        self.charge(cost(self.word(1)))?;
        let digest = hash(self.bytes(0, 1)?);
        memory::write(self.memory, self.word(2), &digest)?;
        Ok(SUCCESS)
    }

    pub(super) fn ecdsa_recover(&mut self) -> Result<u32, End> {
        self.charge(costs::ECDSA_RECOVER)?;
        let signature = memory::array::<65>(self.memory, self.word(0))?;
        let prehash = memory::array::<32>(self.memory, self.word(1))?;
        match signature::ecdsa_recover(&signature, &prehash) {
            Some(key) => {
                memory::write(self.memory, self.word(2), &key)?;
                Ok(SUCCESS)
            }
            None => Ok(code::ECDSA_RECOVERY_FAILED),
        }
    }

    pub(super) fn ecdsa_to_eth_address(&mut self) -> Result<u32, End> {
        self.charge(costs::ECDSA_TO_ETH_ADDRESS)?;
        let key = memory::array::<33>(self.memory, self.word(0))?;
        match signature::ecdsa_uncompressed(&key) {
            Some(point) => {
                let hash = keccak_256(&point);
                memory::write(self.memory, self.word(1), &hash[12..])?;
                Ok(SUCCESS)
            }
            None => Ok(code::ECDSA_RECOVERY_FAILED),
        }
    }

    /// The message's length comes before its pointer.
    pub(super) fn sr25519_verify(&mut self) -> Result<u32, End> {
        self.charge(costs::sr25519_verify(self.word(2)))?;
        let signature = memory::array::<64>(self.memory, self.word(0))?;
        let key = memory::array::<32>(self.memory, self.word(1))?;
        let message = self.bytes(3, 2)?;
        let valid = signature::sr25519_verify(&signature, message, &key);
        Ok(if valid { SUCCESS } else { code::SR25519_VERIFY_FAILED })
    }
}
