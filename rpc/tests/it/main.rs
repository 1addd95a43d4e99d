//! The server over real sockets, on a real chain and pool with a toy runtime.

mod basalt;
mod child_state;
mod engine;
mod kit;
mod methods;
mod peers;
mod subscriptions;
mod toy;
mod transport;
