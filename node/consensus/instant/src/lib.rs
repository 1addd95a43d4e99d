//! Seal blocks for development: when a transaction arrives, at an interval, or on request.
