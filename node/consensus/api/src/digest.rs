//! What engines write into headers.

use basalt_primitives::{AccountId, DigestItem, EngineId, Header};

/// The development engine.
pub const INSTANT: EngineId = *b"inst";

/// Not an engine of its own: under this name polkadot.js and other explorers look for a block's author.
pub const NIMBUS: EngineId = *b"nmbs";

/// Engines whose `PreRuntime` item is the author's account, 32 bytes, and nothing else.
const NAME_THEIR_AUTHOR: &[EngineId] = &[INSTANT, NIMBUS];

/// Names the author of a block.
pub fn author_item(engine: EngineId, author: &AccountId) -> DigestItem {
    DigestItem::PreRuntime(engine, author.0.to_vec())
}

/// Who made a block, if its header says so.
pub fn author_of(header: &Header) -> Option<AccountId> {
    header.digest.logs.iter().find_map(|item| match item {
        DigestItem::PreRuntime(engine, payload) if NAME_THEIR_AUTHOR.contains(engine) => {
            <[u8; 32]>::try_from(payload.as_slice()).ok().map(AccountId::from)
        }
        _ => None,
    })
}
