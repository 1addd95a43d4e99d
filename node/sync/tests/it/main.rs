//! Importing, serving and syncing on real chains, and over real connections on 127.0.0.1.

mod import;
mod kit;
mod network;
mod serve;
mod toy;
