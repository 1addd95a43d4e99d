//! `basalt chain-spec`: write chain specification files.

use clap::Subcommand;

use crate::{chain_spec::ChainSpec, stdout};

/// Write chain specification files.
#[derive(Debug, Subcommand)]
pub(crate) enum ChainSpecCommand {
    /// Print a chain specification as JSON, to edit and to run with --chain FILE
    Build {
        /// What to start from: the preset `dev` or `local`, or a specification file [default: dev].
        #[arg(value_name = "PRESET|FILE")]
        from: Option<String>,
        /// The same as a flag.
        #[arg(long, value_name = "PRESET|FILE", conflicts_with = "from")]
        chain: Option<String>,
        /// How many validators the preset `local` has: 1 to 6 [default: 4].
        #[arg(long, value_name = "COUNT")]
        validators: Option<usize>,
        /// Blocks of an epoch: after each, the validators may be other ones. 0: never [default: 60, `dev`: 20].
        #[arg(long, value_name = "BLOCKS")]
        epoch_length: Option<u32>,
        /// Its name for people.
        #[arg(long)]
        name: Option<String>,
        /// Its name for folders.
        #[arg(long)]
        id: Option<String>,
    },
}

impl ChainSpecCommand {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Build { from, chain, validators, epoch_length, name, id } => {
                let mut spec = match (from.or(chain).as_deref().unwrap_or("dev"), validators) {
                    ("local", Some(validators)) => ChainSpec::local(validators)?,
                    (chain, None) => ChainSpec::load(chain)?,
                    (chain, Some(_)) => anyhow::bail!(
                        "--validators is for the preset 'local', not for '{chain}': edit `session.validators` in the file \
                         instead (`basalt key generate-validator` makes entries)"
                    ),
                };
                if let Some(blocks) = epoch_length {
                    spec = spec.with_epoch_length(blocks);
                }
                spec.name = name.unwrap_or(spec.name);
                spec.id = id.unwrap_or(spec.id);
                stdout::line(&serde_json::to_string_pretty(&spec)?);
                Ok(())
            }
        }
    }
}
