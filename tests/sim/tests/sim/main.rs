//! Simulated runs and checked models.

mod model;
mod order;
mod seeds;
mod sets;
mod share;
