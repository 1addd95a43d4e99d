//! The database from outside: against a model, against crashes, against others.
mod chain;
mod concurrency;
mod crash;
mod model;
mod open;
