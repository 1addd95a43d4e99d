//! Where a new contract lives.

use alloc::vec::Vec;

use basalt_primitives::{AccountId, AccountId32, H256, hashing::blake2_256};
use parity_scale_codec::Encode;

/// What keeps addresses apart from all other hashes.
const DOMAIN: &[u8; 16] = b"contract_addr_v1";

/// The account of the contract that `deployer` makes of this code with this input and salt. Everybody can compute it
/// beforehand; two contracts of one deployer differ in one of the three.
pub fn contract_address(deployer: &AccountId, code_hash: &H256, input: &[u8], salt: &[u8]) -> AccountId {
    let mut bytes = Vec::with_capacity(DOMAIN.len() + 64 + input.len() + salt.len() + 8);
    bytes.extend_from_slice(DOMAIN);
    bytes.extend_from_slice(&deployer.0);
    bytes.extend_from_slice(&code_hash.0);
    input.encode_to(&mut bytes);
    salt.encode_to(&mut bytes);
    AccountId32(blake2_256(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand, byte for byte.
    #[test]
    fn an_address_is_the_hash_of_domain_deployer_code_input_and_salt() {
        let input = [7; 70];
        let expected =
            [&b"contract_addr_v1"[..], &[1; 32], &[2; 32], &[25, 1], &input, &[12], b"abc"].concat();
        assert_eq!(
            contract_address(&AccountId32([1; 32]), &H256([2; 32]), &input, b"abc"),
            AccountId32(blake2_256(&expected)),
            "70 is 0x19 0x01 as a compact number, 3 is 0x0c"
        );
    }

    #[test]
    fn bytes_do_not_move_between_input_and_salt() {
        let at =
            |input: &[u8], salt: &[u8]| contract_address(&AccountId32([1; 32]), &H256([2; 32]), input, salt);
        assert_ne!(at(b"ab", b"c"), at(b"a", b"bc"));
    }
}
