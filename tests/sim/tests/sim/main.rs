//! Simulated runs and checked models.

mod model;
mod offences;
mod order;
mod seeds;
mod sets;
mod share;
