//! When things happen: epochs as blocks, and blocks as times. Pure.

use basalt_pallet_session::Epoch;
use basalt_primitives::BlockNumber;

/// How many epochs after the one in which it is sent a change takes part in the set: the next epoch's beginning freezes it,
/// and what is frozen decides two epochs later.
const EPOCHS_TO_ACTIVE: u32 = 3;

/// Where the chain stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Clock {
    /// The last block.
    pub(super) head: BlockNumber,
    /// The epoch of the block after it.
    pub(super) epoch: Epoch,
    /// How long the last blocks took on average, if that is known.
    pub(super) block_ms: Option<u64>,
}

impl Clock {
    /// Whether epochs end on this chain.
    pub(super) fn runs(&self) -> bool {
        self.epoch.length > 0
    }

    /// The epoch of a block.
    pub(super) fn epoch_of(&self, block: BlockNumber) -> u32 {
        block.saturating_sub(1).checked_div(self.epoch.length).unwrap_or(0)
    }

    /// The first block of an epoch. Wide, because far epochs may lie behind the last block that a chain can have.
    pub(super) fn first_of(&self, epoch: u32) -> u64 {
        u64::from(epoch) * u64::from(self.epoch.length) + 1
    }

    /// The first epoch in which what was done in a block of this one counts.
    pub(super) fn active_from(&self, epoch: u32) -> u32 {
        epoch.saturating_add(EPOCHS_TO_ACTIVE)
    }

    /// An epoch, its first block, and about when that is.
    pub(super) fn when(&self, epoch: u32) -> String {
        let block = self.first_of(epoch);
        format!("epoch {epoch} (block #{block}{})", self.distance(block))
    }

    /// After a comma, how far away a block is; nothing if that is not known.
    fn distance(&self, block: u64) -> String {
        match block.checked_sub(u64::from(self.head)) {
            None | Some(0) => ", which has begun".to_owned(),
            Some(blocks) => self.block_ms.map_or_else(String::new, |block_ms| {
                format!(", in about {}", duration(blocks.saturating_mul(block_ms)))
            }),
        }
    }
}

/// A time for people, in two units at most.
pub(super) fn duration(ms: u64) -> String {
    const UNITS: [(&str, u64); 4] = [("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)];
    let seconds = ms.div_ceil(1_000);
    let Some(place) = UNITS.iter().position(|(_, unit)| seconds >= *unit) else { return "0 s".to_owned() };
    let (name, unit) = UNITS[place];
    let large = format!("{} {name}", seconds / unit);
    match UNITS.get(place + 1).map(|(name, small)| (name, seconds % unit / small)) {
        Some((name, rest)) if rest > 0 => format!("{large} {rest} {name}"),
        _ => large,
    }
}
