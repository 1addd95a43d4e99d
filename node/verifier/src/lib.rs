//! Verify transactions' signatures in batches on all cores, each once.
