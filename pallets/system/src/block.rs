//! What each block leaves in the state about itself.

use alloc::{string::ToString, vec::Vec};

use basalt_primitives::RuntimeVersion;
use basalt_state::StateWrite;
use basalt_support::{BlockEnv, BlockRecord, BlockSummary, Events, Fatal, Pallet};
use parity_scale_codec::{Compact, Encode};

use crate::{
    BLOCK_HASH, BLOCK_HASH_COUNT, BLOCK_WEIGHT, DIGEST, EVENT_COUNT, EVENTS, LAST_RUNTIME_UPGRADE,
    LastRuntimeUpgradeInfo, NUMBER, PARENT_HASH, Phase, System, dispatch::PerDispatchClass,
};

impl System {
    /// Writes this pallet's part of block 0.
    ///
    /// Block 0's own hash is not in it (it depends on it): block 1 writes that.
    pub fn genesis(&self, state: &mut impl StateWrite, version: &RuntimeVersion) {
        let upgrade = LastRuntimeUpgradeInfo {
            spec_version: version.spec_version,
            spec_name: version.spec_name.clone(),
        };
        LAST_RUNTIME_UPGRADE.put(state, &upgrade);
    }

    /// Sets number, parent and digest of the block, and moves the window of known block hashes by one.
    pub(crate) fn open(&self, state: &mut impl StateWrite, env: &BlockEnv) -> Result<(), Fatal> {
        let Some(parent) = env.number.checked_sub(1) else {
            return Err(Fatal::Broken {
                pallet: System::NAME,
                what: "block 0 is not executed: it is made from the genesis configuration".to_string(),
            });
        };
        NUMBER.put(state, &env.number);
        PARENT_HASH.put(state, &env.parent_hash);
        DIGEST.put(state, &env.digest);
        BLOCK_HASH.put(state, &parent, &env.parent_hash);
        // Block 0 stays known for ever: clients look there for the genesis hash.
        match parent.checked_sub(BLOCK_HASH_COUNT) {
            None | Some(0) => {}
            Some(oldest) => BLOCK_HASH.remove(state, &oldest),
        }
        Ok(())
    }

    /// Stores what the block did: its events and the weight it used. Runs last, after the hooks of all pallets, whose
    /// events are `finalization`.
    pub fn finish_block(
        &self,
        state: &mut impl StateWrite,
        record: &BlockRecord<'_>,
        finalization: &Events,
        summary: &BlockSummary,
    ) -> Result<(), Fatal> {
        let used = PerDispatchClass {
            normal: summary.weight_normal,
            operational: summary.weight_operational,
            mandatory: summary.weight_mandatory,
        };
        BLOCK_WEIGHT.put(state, &used);
        let (count, bytes) = encode_events(record, finalization);
        state.put(&EVENTS.key(), bytes);
        EVENT_COUNT.put(state, &count);
        Ok(())
    }
}

/// The SCALE encoding of a block's `Vec<EventRecord>`, put together from bytes that are encoded already, and the
/// number of events.
pub fn encode_events(record: &BlockRecord<'_>, finalization: &Events) -> (u32, Vec<u8>) {
    // Phase 5, length of the topics 1, 32 per topic, and the event itself.
    let length = |events: &Events| {
        let (bytes, topics) = events.sizes();
        6 * events.len() + bytes + 32 * topics
    };
    let applied = record.receipts.iter().map(|receipt| (receipt.events.len(), length(&receipt.events)));
    let (count, bytes) = applied
        .chain([record.initialization, finalization].map(|events| (events.len(), length(events))))
        .fold((0, 0), |(count, bytes), (more, longer)| (count + more, bytes + longer));
    // A block holds some megabytes of transactions; its events are far from four thousand million.
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    let mut out = Vec::with_capacity(5 + bytes);
    Compact(count).encode_to(&mut out);
    append(&mut out, Phase::Initialization, record.initialization);
    for (index, receipt) in (0..).zip(record.receipts) {
        append(&mut out, Phase::ApplyExtrinsic(index), &receipt.events);
    }
    append(&mut out, Phase::Finalization, finalization);
    (count, out)
}

fn append(out: &mut Vec<u8>, phase: Phase, events: &Events) {
    for event in events.iter() {
        phase.encode_to(out);
        out.extend_from_slice(event.bytes);
        event.topics.encode_to(out);
    }
}
