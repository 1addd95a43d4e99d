//! Every contract of `contracts/examples` on a real node, played as its users would: the ordinary way through, and what
//! is refused. `token` and `flipper` are played in `crate::contracts`, and by some of these.

mod amm;
mod dao;
mod escrow;
mod identity;
mod multisig;
mod nft;
mod oracle;
mod plain;
mod proxy;
mod supply_chain;

use basalt_primitives::hashing::blake2_256;

/// The first bytes of a call of this message, as ink! numbers them.
fn selector(message: &str) -> [u8; 4] {
    let hash = blake2_256(message.as_bytes());
    [hash[0], hash[1], hash[2], hash[3]]
}
