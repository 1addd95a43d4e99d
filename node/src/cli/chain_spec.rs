//! `basalt chain-spec`: write chain specification files.

use clap::Subcommand;

use crate::{chain_spec::ChainSpec, stdout};

/// Write chain specification files.
#[derive(Debug, Subcommand)]
pub(crate) enum ChainSpecCommand {
    /// Print a chain specification as JSON, to edit and to run with --chain FILE
    Build {
        /// What to start from: the preset `dev`, or a specification file.
        #[arg(long, value_name = "PRESET|FILE", default_value = "dev")]
        chain: String,
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
            Self::Build { chain, name, id } => {
                let mut spec = ChainSpec::load(&chain)?;
                spec.name = name.unwrap_or(spec.name);
                spec.id = id.unwrap_or(spec.id);
                stdout::line(&serde_json::to_string_pretty(&spec)?);
                Ok(())
            }
        }
    }
}
