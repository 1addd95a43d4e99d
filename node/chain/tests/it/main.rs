//! The chain over a real database, with a toy runtime: forks, finality, lies, events, restarts.

mod events;
mod import;
mod kit;
mod model;
mod open;
mod readers;
mod toy;
