//! Which blocks to tell a subscriber about, given what it was told.
//!
//! Chain events only wake a subscriber's task. What to send is worked out here from the chain itself, so that a task
//! that woke up late, or whose events were lost, sends the same as one that never slept.

use std::collections::{BTreeSet, VecDeque};

use basalt_chain::BlockId;
use basalt_primitives::H256;

/// The best chain as a subscriber knows it, from a final block (or [`Line::max`] blocks back) up to the head.
#[derive(Debug)]
pub(crate) struct Line {
    /// Ascending without gaps, never empty.
    blocks: VecDeque<BlockId>,
    /// How many blocks to remember at most.
    max: usize,
}

impl Line {
    /// The line that ends with `head` and begins at the final block below it.
    ///
    /// `parent` finds the parent of a block; `None` for genesis and for a block that was dropped.
    pub(crate) fn new<E>(
        head: BlockId,
        finalized: u32,
        max: usize,
        mut parent: impl FnMut(&BlockId) -> Result<Option<BlockId>, E>,
    ) -> Result<Self, E> {
        let mut blocks = VecDeque::from([head]);
        let mut lowest = head;
        while lowest.number > finalized && blocks.len() < max {
            let Some(below) = parent(&lowest)? else { break };
            blocks.push_front(below);
            lowest = below;
        }
        Ok(Self { blocks, max })
    }

    /// The last block told.
    pub(crate) fn head(&self) -> Option<BlockId> {
        self.blocks.back().copied()
    }

    /// Moves on to `head` and answers the blocks to tell, ascending: those of its chain that are not in the line.
    /// `None` if `head` was dropped meanwhile: ask again with the present one.
    pub(crate) fn advance<E>(
        &mut self,
        head: BlockId,
        finalized: u32,
        mut parent: impl FnMut(&BlockId) -> Result<Option<BlockId>, E>,
    ) -> Result<Option<Vec<BlockId>>, E> {
        let lowest = self.blocks.front().map_or(0, |block| block.number);
        let mut new = Vec::new();
        let mut block = head;
        // Below the line everything is final, or further back than anybody remembers.
        while block.number >= lowest && !self.contains(&block) {
            new.push(block);
            match parent(&block)? {
                Some(below) => block = below,
                None => return Ok(None),
            }
        }
        new.reverse();
        let kept = block.number;
        while self.blocks.back().is_some_and(|last| last.number > kept) {
            self.blocks.pop_back();
        }
        // The fork left below the line: a new line begins there.
        if !self.contains(&block) {
            self.blocks.clear();
            self.blocks.push_back(block);
        }
        self.blocks.extend(&new);
        while self.blocks.len() > self.max
            || (self.blocks.len() > 1 && self.blocks.front().is_some_and(|first| first.number < finalized))
        {
            self.blocks.pop_front();
        }
        Ok(Some(new))
    }

    /// All remembered blocks, ascending.
    pub(crate) fn blocks(&self) -> impl Iterator<Item = BlockId> {
        self.blocks.iter().copied()
    }

    fn contains(&self, block: &BlockId) -> bool {
        let Some(first) = self.blocks.front() else { return false };
        let Some(place) = block.number.checked_sub(first.number) else { return false };
        usize::try_from(place).is_ok_and(|place| self.blocks.get(place) == Some(block))
    }
}

/// The blocks of all forks that a subscriber knows, above the final ones.
#[derive(Debug)]
pub(crate) struct Forks {
    /// By number, so that the oldest are forgotten first.
    told: BTreeSet<(u32, H256)>,
    /// Blocks up to this number are told or lost.
    floor: u32,
    /// How many blocks to remember at most.
    max: usize,
}

impl Forks {
    /// Somebody who knows the final block and `line`.
    pub(crate) fn new(finalized: u32, line: impl IntoIterator<Item = BlockId>, max: usize) -> Self {
        let told = line.into_iter().map(|block| (block.number, block.hash)).collect();
        Self { told, floor: finalized, max }
    }

    /// The blocks to tell for `head`, ascending: itself and those below it that were not told yet.
    pub(crate) fn advance<E>(
        &mut self,
        head: BlockId,
        mut parent: impl FnMut(&BlockId) -> Result<Option<BlockId>, E>,
    ) -> Result<Vec<BlockId>, E> {
        let mut new = Vec::new();
        let mut block = head;
        while block.number > self.floor && !self.told.contains(&(block.number, block.hash)) {
            new.push(block);
            // A dropped fork ends here; what is left of it can still be told.
            let Some(below) = parent(&block)? else { break };
            block = below;
        }
        new.reverse();
        self.told.extend(new.iter().map(|block| (block.number, block.hash)));
        while self.told.len() > self.max {
            if let Some((number, _)) = self.told.pop_first() {
                self.floor = self.floor.max(number);
            }
        }
        Ok(new)
    }

    /// Forgets what is final. Only after all blocks up to there were told.
    pub(crate) fn finalized(&mut self, number: u32) {
        self.floor = self.floor.max(number);
        while self.told.first().is_some_and(|(lowest, _)| *lowest <= self.floor) {
            self.told.pop_first();
        }
    }
}

#[cfg(test)]
mod tests;
