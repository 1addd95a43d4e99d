//! Name every JSON-RPC method, its parameters and its types.
