//! Give tests chains, transactions, faults and the check that two execution modes agree.
