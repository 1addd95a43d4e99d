//! Answer JSON-RPC requests over HTTP and WebSocket.
