//! Keep blocks, state and history in RocksDB, atomically.
