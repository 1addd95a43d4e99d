//! Removing what contracts stored that are no more, a part of it in each block.
//!
//! A contract may store more than one block has time to remove. So its storage is queued when it ends, and removed at the end of
//! blocks, in time that transactions left.

use basalt_state::{StateError, StateRead, StateWrite};
use basalt_support::{BlockSummary, Context, weight};

use crate::{DELETION_QUEUE, DELETION_QUEUE_COUNTER, storage::child_prefix, types::BoundedBytes};

/// The most values that one block removes: 20 ms of its time.
pub const DELETIONS_MAX: u64 = 2_000;

/// What it weighs to remove one value: finding it, and writing.
const DELETION_PICOSECONDS: u64 = weight::READ.ref_time + weight::WRITE.ref_time;

/// How many values a block may remove, by what its transactions left.
fn budget(summary: &BlockSummary) -> u64 {
    let left = summary.weight_normal_max.ref_time.saturating_sub(summary.weight_normal.ref_time);
    (left / DELETION_PICOSECONDS).min(DELETIONS_MAX)
}

/// Queues all that is stored under this id.
pub(crate) fn enqueue(ctx: &mut Context<'_, '_>, trie_id: &BoundedBytes) -> Result<(), StateError> {
    let mut queue = DELETION_QUEUE_COUNTER.get_or_default(ctx)?;
    DELETION_QUEUE.put(ctx, &queue.insert_counter, trie_id);
    // A block cannot end 2^32 contracts, and what was queued before is long gone.
    queue.insert_counter = queue.insert_counter.wrapping_add(1);
    DELETION_QUEUE_COUNTER.put(ctx, &queue);
    Ok(())
}

/// Removes as much as the block has time for, oldest first.
pub(crate) fn work(ctx: &mut Context<'_, '_>, summary: &BlockSummary) -> Result<(), StateError> {
    let mut queue = DELETION_QUEUE_COUNTER.get_or_default(ctx)?;
    let mut left = budget(summary);
    while queue.delete_counter != queue.insert_counter {
        if let Some(trie_id) = DELETION_QUEUE.get(ctx, &queue.delete_counter)? {
            if !remove_below(ctx, &child_prefix(&trie_id.0), &mut left)? {
                break;
            }
            DELETION_QUEUE.remove(ctx, &queue.delete_counter);
        }
        queue.delete_counter = queue.delete_counter.wrapping_add(1);
        DELETION_QUEUE_COUNTER.put(ctx, &queue);
    }
    Ok(())
}

/// Removes keys with this prefix as long as `left` lasts. Returns whether none is left.
fn remove_below(ctx: &mut Context<'_, '_>, prefix: &[u8], left: &mut u64) -> Result<bool, StateError> {
    let mut cursor = prefix.to_vec();
    // From one removed key on to the next: starting over would pass all removed ones each time.
    while let Some(key) = ctx.next_key(&cursor)?.filter(|key| key.starts_with(prefix)) {
        let Some(rest) = left.checked_sub(1) else { return Ok(false) };
        *left = rest;
        ctx.remove(&key);
        cursor = key;
    }
    Ok(true)
}

#[cfg(test)]
mod tests;
