//! Run whole nodes as processes, over real RPC and real sockets.
