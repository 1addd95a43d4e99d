//! What happens to a transaction on its way.

use basalt_primitives::H256;

/// A step in the life of a submitted transaction, named as clients know it.
///
/// The usual order is `Ready` (or `Future`, then `Ready`), `InBlock`, `Finalized`. A reorganisation adds `Retracted`,
/// and then `Ready` or `InBlock` again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TransactionStatus {
    /// It waits for transactions of its sender with lower nonces.
    Future,
    /// The next block may include it.
    Ready,
    /// It was sent to these peers.
    Broadcast(Vec<String>),
    /// The block with this hash includes it. The block can be read already.
    InBlock(H256),
    /// The block with this hash, which included it, is no longer on the best chain.
    Retracted(H256),
    /// The block with this hash includes it, but was not finalized in time. Last status.
    FinalityTimeout(H256),
    /// The block with this hash includes it, and is final. Last status.
    Finalized(H256),
    /// The transaction with this hash took its place. Last status.
    Usurped(H256),
    /// It made room for transactions that pay more. Last status.
    Dropped,
    /// It can no longer be included: its nonce is used, its era is over, its sender cannot pay. Last status.
    Invalid,
}

impl TransactionStatus {
    /// Whether no other status follows.
    pub fn is_last(&self) -> bool {
        match self {
            Self::Future | Self::Ready | Self::Broadcast(_) | Self::InBlock(_) | Self::Retracted(_) => false,
            Self::FinalityTimeout(_)
            | Self::Finalized(_)
            | Self::Usurped(_)
            | Self::Dropped
            | Self::Invalid => true,
        }
    }
}

/// What happened to which transactions, in order.
pub type Effects = Vec<(H256, TransactionStatus)>;
