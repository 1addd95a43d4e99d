//! What a block has used of its limits.

use basalt_primitives::{DispatchClass, InvalidTransaction, Weight};
use basalt_runtime_api::{BlockLimits, Receipt, Transaction};

/// Counts weight and bytes of a block and says what still fits.
#[derive(Debug, Clone)]
pub struct Meter {
    limits: BlockLimits,
    /// Weight of everything, the block's own included.
    weight: Weight,
    /// Weight of normal transactions.
    weight_normal: Weight,
    /// Bytes of everything.
    bytes: u32,
    /// Bytes of normal transactions.
    bytes_normal: u32,
}

impl Meter {
    /// An empty block's meter.
    pub fn new(limits: BlockLimits) -> Self {
        Self { limits, weight: limits.weight_base, weight_normal: Weight::zero(), bytes: 0, bytes_normal: 0 }
    }

    /// Counts what the hooks at the block's beginning weighed.
    pub fn add_opening(&mut self, weight: Weight) {
        self.weight = self.weight.saturating_add(weight);
    }

    /// Weight used so far.
    pub fn weight(&self) -> Weight {
        self.weight
    }

    /// Bytes used so far.
    pub fn bytes(&self) -> u32 {
        self.bytes
    }

    /// Whether the transaction fits with the most it may weigh. Inherents always do: a block is nothing without them.
    pub fn check(&self, transaction: &Transaction) -> Result<(), InvalidTransaction> {
        let declared = transaction.info.weight.saturating_add(self.limits.weight_base_transaction);
        let weight = self.weight.saturating_add(declared);
        let bytes = self.bytes.saturating_add(transaction.encoded_len());
        let fits = match transaction.info.class {
            DispatchClass::Mandatory => true,
            DispatchClass::Operational => {
                weight.all_lte(self.limits.weight_max) && bytes <= self.limits.bytes_max
            }
            DispatchClass::Normal => {
                weight.all_lte(self.limits.weight_max)
                    && self.weight_normal.saturating_add(declared).all_lte(self.limits.weight_normal_max)
                    && bytes <= self.limits.bytes_max
                    && self.bytes_normal.saturating_add(transaction.encoded_len())
                        <= self.limits.bytes_normal_max
            }
        };
        if fits { Ok(()) } else { Err(InvalidTransaction::ExhaustsResources) }
    }

    /// Counts a transaction that ran, by what it really weighed.
    pub fn add(&mut self, transaction: &Transaction, receipt: &Receipt) {
        self.weight = self.weight.saturating_add(receipt.info.weight);
        self.bytes = self.bytes.saturating_add(transaction.encoded_len());
        if transaction.info.class == DispatchClass::Normal {
            self.weight_normal = self.weight_normal.saturating_add(receipt.info.weight);
            self.bytes_normal = self.bytes_normal.saturating_add(transaction.encoded_len());
        }
    }
}
