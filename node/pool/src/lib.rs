//! Hold valid transactions, and offer the best next.
