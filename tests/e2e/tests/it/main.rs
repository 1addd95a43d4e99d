//! Whole nodes as processes, over real RPC and real sockets.

mod bad_input;
mod chain;
mod command_line;
mod contract_bad_input;
mod contract_examples;
mod contract_state;
mod contracts;
mod crash;
mod epochs;
mod execution;
mod localnet;
mod offences;
mod restart;
mod rpc;
mod sealing;
mod staking;
mod validators;
