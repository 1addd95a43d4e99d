//! The command line.

mod bench;
mod chain_spec;
mod contract;
mod key;
mod localnet;
mod network;
mod node;
#[expect(clippy::result_large_err, reason = "an error ends the program, and says all it knows")]
mod staking;
mod tx;
mod validator;
mod why_not_final;

use clap::{Parser, Subcommand};

pub(crate) use network::{Discovery, NetworkArgs};
pub(crate) use node::{NodeArgs, PruningArg, RpcMethods, Sealing};
pub(crate) use validator::{DoppelgangerWait, PaceError};

/// A chain framework in one binary: wallets, SDKs and contracts of the Substrate world work with it as they are.
///
/// Start a development chain:          basalt --dev
/// Start four validators:              basalt localnet
/// Keep its data between runs:         basalt --dev --base-path ./data
/// Make a key:                         basalt key generate
/// Send a transfer:                    basalt tx transfer --from //Alice --to //Bob --amount 1.5
/// Put tokens at stake:                basalt staking --help
/// Write and deploy a contract:        basalt contract --help
/// See how its blocks were run:        basalt bench report
/// See whether they become final:      basalt why-not-final
#[derive(Debug, Parser)]
#[command(name = "basalt", version, verbatim_doc_comment, args_conflicts_with_subcommands = true)]
#[command(arg_required_else_help = true)]
pub(crate) struct Cli {
    /// What to do instead of running a node.
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    /// Running a node.
    #[command(flatten)]
    pub(crate) node: NodeArgs,
}

/// What to do instead of running a node.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make and inspect keys and addresses
    #[command(subcommand)]
    Key(key::KeyCommand),
    /// Send transactions and see what became of them
    #[command(subcommand)]
    Tx(tx::TxCommand),
    /// Put tokens at stake, back validators, and see what that earns
    ///
    /// Who validates, and who else would:  basalt staking validators
    /// Back one of them:                   basalt staking nominate ADDRESS --bond 100 --from -
    /// See how that goes:                  basalt staking status ADDRESS; basalt staking rewards ADDRESS
    /// Take it out again:                  basalt staking unbond all --from -
    /// Validate yourself:                  basalt validator setup --help
    /// What happens when, step by step:    docs/stake.md
    #[command(subcommand, verbatim_doc_comment)]
    Staking(Box<staking::StakingCommand>),
    /// Become a validator, or change how one validates
    #[command(subcommand)]
    Validator(Box<staking::ValidatorCommand>),
    /// Write, build, deploy and call contracts
    ///
    /// Start a contract:                   basalt contract new flipper && cd flipper
    /// Build it:                           basalt contract build
    /// Put it on the chain:                basalt contract instantiate false
    /// Call it, and ask it:                basalt contract call ADDRESS flip; basalt contract query ADDRESS get
    /// The whole way, step by step:        docs/write-a-contract.md
    #[command(subcommand, verbatim_doc_comment)]
    Contract(Box<contract::ContractCommand>),
    /// See how fast a node is, and what keeps it from being faster
    ///
    /// Asks a running node how it ran its last blocks: nothing is sent, nothing slows down.
    ///
    /// Run a node:                         basalt --dev
    /// Give it something to do:            basalt tx transfer --from //Alice --to //Bob --amount 1
    /// See how that was run:               basalt bench report
    /// What the columns mean, and more:    basalt bench report --help
    /// Figures over time, for Prometheus:  curl http://127.0.0.1:9615/metrics
    #[command(subcommand, verbatim_doc_comment)]
    Bench(bench::BenchCommand),
    /// Run several validators on this machine, in one terminal
    ///
    /// Four validators, one block a second:  basalt localnet
    /// As fast as it goes, data kept:        basalt localnet --block-time 0 --base-path ./net
    /// Beside another one:                   basalt localnet --base-port 9954
    /// Stop one node from another terminal:  basalt localnet ctl stop bob
    /// Start it again, see how all are:      basalt localnet ctl start bob; basalt localnet ctl status
    /// Say who is missing:                   basalt why-not-final
    #[command(verbatim_doc_comment)]
    Localnet(Box<localnet::LocalnetArgs>),
    /// Say whether blocks become final, and who is missing if they do not
    ///
    /// Asks a node how it sees the votes of the validators: who does not vote, how much stake that is, how much is
    /// missing for more than two thirds, since when, and what to do.
    ///
    /// Ask the node on this machine:      basalt why-not-final
    /// Ask another one:                   basalt why-not-final --url ws://127.0.0.1:9945
    /// For scripts, with the whole state: basalt why-not-final --json
    #[command(verbatim_doc_comment)]
    WhyNotFinal(why_not_final::WhyNotFinalArgs),
    /// Write chain specification files
    #[command(subcommand)]
    ChainSpec(chain_spec::ChainSpecCommand),
}

impl Command {
    /// Does it.
    pub(crate) fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Key(command) => command.run(),
            Self::Tx(command) => command.run(),
            Self::Staking(command) => command.run(),
            Self::Validator(command) => command.run(),
            Self::Contract(command) => command.run(),
            Self::Bench(command) => command.run(),
            Self::Localnet(arguments) => arguments.run(),
            Self::WhyNotFinal(arguments) => arguments.run(),
            Self::ChainSpec(command) => command.run(),
        }
    }
}
