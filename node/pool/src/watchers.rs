//! Who wants to know what happens to which transaction.

use std::collections::{HashMap, VecDeque};

use basalt_primitives::{BlockNumber, H256};
use tokio::sync::mpsc;

use crate::status::TransactionStatus;

/// The watched transactions, bounded by the caller through [`Watchers::len`].
#[derive(Debug, Default)]
pub(crate) struct Watchers {
    watched: HashMap<H256, Watched>,
    /// Watched transactions by when they were included, oldest first. Some are no longer: the map decides.
    included: VecDeque<(BlockNumber, H256)>,
}

#[derive(Debug)]
struct Watched {
    statuses: mpsc::Sender<TransactionStatus>,
    /// The block that includes it, and the pool's height when that was told.
    included: Option<(H256, BlockNumber)>,
}

impl Watchers {
    pub(crate) fn len(&self) -> usize {
        self.watched.len()
    }

    pub(crate) fn is_watched(&self, hash: &H256) -> bool {
        self.watched.contains_key(hash)
    }

    pub(crate) fn add(&mut self, hash: H256, statuses: mpsc::Sender<TransactionStatus>) {
        self.watched.insert(hash, Watched { statuses, included: None });
    }

    /// Stops watching, without a word.
    pub(crate) fn forget(&mut self, hash: &H256) {
        self.watched.remove(hash);
    }

    /// Stops watching what nobody listens to any more. Needed where no status would show it.
    pub(crate) fn forget_closed(&mut self) {
        self.watched.retain(|_, watched| !watched.statuses.is_closed());
    }

    /// Passes a status on. A watcher that left, or that does not keep up, is dropped.
    pub(crate) fn tell(&mut self, hash: H256, status: TransactionStatus, number: BlockNumber) {
        let Some(watched) = self.watched.get_mut(&hash) else { return };
        match &status {
            TransactionStatus::InBlock(block) => {
                watched.included = Some((*block, number));
                self.included.push_back((number, hash));
            }
            TransactionStatus::Retracted(_) => watched.included = None,
            _ => {}
        }
        let last = status.is_last();
        if watched.statuses.try_send(status).is_err() || last {
            self.watched.remove(&hash);
        }
    }

    /// The block that includes a watched transaction, as far as its watcher was told.
    pub(crate) fn block_of(&self, hash: &H256) -> Option<H256> {
        self.watched.get(hash)?.included.map(|(block, _)| block)
    }

    /// Tells those whose block was not finalized within `blocks_max` blocks.
    pub(crate) fn time_out(&mut self, number: BlockNumber, blocks_max: BlockNumber) {
        while let Some((since, hash)) = self.included.front().copied()
            && since.saturating_add(blocks_max) <= number
        {
            self.included.pop_front();
            if let Some(Watched { included: Some((block, at)), .. }) = self.watched.get(&hash)
                && *at == since
            {
                let status = TransactionStatus::FinalityTimeout(*block);
                self.tell(hash, status, number);
            }
        }
    }
}
