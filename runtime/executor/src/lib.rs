//! Run a block's transactions, one by one or in parallel, as if in order.
