//! Find peers, keep them within limits, and carry blocks, votes and transactions between them.
