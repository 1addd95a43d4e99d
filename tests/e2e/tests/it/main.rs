//! Whole nodes as processes, over real RPC and real sockets.

mod bad_input;
mod chain;
mod command_line;
mod contract_bad_input;
mod contract_examples;
mod contract_state;
mod contracts;
mod crash;
mod execution;
mod restart;
mod sealing;

use basalt_e2e::rpc;
