//! The chain over a real database, with a toy runtime: forks, finality, lies, events, reports, restarts.

mod events;
mod import;
mod kit;
mod model;
mod open;
mod pipeline;
mod readers;
mod report;
mod toy;
