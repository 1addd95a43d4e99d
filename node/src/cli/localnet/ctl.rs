//! `basalt localnet ctl`: look at a running localnet, and stop, start, restart and kill its nodes.

use std::{
    fmt::Write,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::{
    error::LocalnetError,
    protocol::{Answer, NodeState, NodeStatus, Request},
    socket,
};
use crate::{cli::tx::Node, stdout};

/// How long a node may take to tell its height.
const HEIGHT_WAIT: Duration = Duration::from_secs(2);

/// Flags of `localnet ctl`.
#[derive(Debug, Args)]
pub(super) struct CtlArgs {
    #[command(subcommand)]
    command: CtlCommand,

    /// Which localnet, by its data folder; not needed while only one runs.
    #[arg(short = 'd', long, value_name = "FOLDER", global = true)]
    base_path: Option<PathBuf>,

    /// Print the result as JSON, and nothing else.
    #[arg(long, global = true)]
    json: bool,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub(super) enum CtlCommand {
    /// Show how the nodes are
    Status,
    /// Ask a node to stop, and wait until it has; without NODE, end the localnet
    Stop {
        /// Its name, such as bob.
        node: Option<String>,
    },
    /// Start a node that was stopped, was killed or ended; without NODE, all of these
    Start {
        /// Its name, such as bob.
        node: Option<String>,
    },
    /// Stop a node and start it again; without NODE, all of them
    Restart {
        /// Its name, such as bob.
        node: Option<String>,
    },
    /// End a node without warning, as a power failure would; without NODE, all of them
    Kill {
        /// Its name, such as bob.
        node: Option<String>,
    },
}

impl CtlCommand {
    pub(super) fn request(&self) -> Request {
        match self.clone() {
            Self::Status => Request::Status,
            Self::Stop { node } => Request::Stop { node },
            Self::Start { node } => Request::Start { node },
            Self::Restart { node } => Request::Restart { node },
            Self::Kill { node } => Request::Kill { node },
        }
    }
}

impl CtlArgs {
    pub(super) async fn run(&self) -> Result<(), LocalnetError> {
        let registry = socket::registry()?;
        let (folder, answer) =
            socket::ask(self.base_path.as_deref(), &registry, &self.command.request()).await?;
        match answer {
            Answer::Refused(why) => Err(LocalnetError::Refused(why)),
            Answer::Done(what) if self.json => {
                stdout::line(&json!({ "done": what }).to_string());
                Ok(())
            }
            Answer::Done(what) => {
                stdout::line(&what);
                Ok(())
            }
            Answer::Status(nodes) => {
                let heights = heights(&nodes).await;
                let shown = if self.json {
                    as_json(&folder, &nodes, &heights)
                } else {
                    text(&folder, &nodes, &heights)
                };
                stdout::line(&shown);
                Ok(())
            }
        }
    }
}

/// What a node says about its chain; nothing if it does not answer in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Height {
    pub(super) finalized: u32,
    pub(super) peers: u32,
}

async fn heights(nodes: &[NodeStatus]) -> Vec<Option<Height>> {
    let one = |node: &NodeStatus| {
        let (url, runs) = (node.url.clone(), node.state == NodeState::Running);
        async move {
            let ask = async {
                let node = Node::connect(&url).await.ok()?;
                let finalized = node.finalized().await.ok()?.number;
                Some(Height { finalized, peers: node.health().await.ok()?.peers })
            };
            if runs { timeout(HEIGHT_WAIT, ask).await.ok().flatten() } else { None }
        }
    };
    futures::future::join_all(nodes.iter().map(one)).await
}

fn as_json(folder: &Path, nodes: &[NodeStatus], heights: &[Option<Height>]) -> String {
    let nodes: Vec<Value> = nodes
        .iter()
        .zip(heights)
        .map(|(node, height)| {
            let mut value = json!(node);
            value["finalized"] = json!(height.map(|height| height.finalized));
            value["peers"] = json!(height.map(|height| height.peers));
            value
        })
        .collect();
    json!({ "folder": folder, "nodes": nodes }).to_string()
}

/// For people.
pub(super) fn text(folder: &Path, nodes: &[NodeStatus], heights: &[Option<Height>]) -> String {
    let mut text = format!("localnet in {}\n", folder.display());
    let _ = writeln!(
        text,
        "{:<8} {:<9} {:>8} {:>9} {:>6} {:>9} {:>6}  RPC",
        "node", "state", "process", "for", "starts", "final", "peers"
    );
    for (node, height) in nodes.iter().zip(heights) {
        let state = match node.state {
            NodeState::Starting => "starting",
            NodeState::Running => "running",
            NodeState::Stopping => "stopping",
            NodeState::Stopped => "stopped",
            NodeState::Failed => "ended",
        };
        let or_dash = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
        let _ = writeln!(
            text,
            "{:<8} {state:<9} {:>8} {:>9} {:>6} {:>9} {:>6}  {}",
            node.name,
            or_dash(node.pid.map(|pid| pid.to_string())),
            or_dash(node.seconds.map(|seconds| format!("{seconds} s"))),
            node.starts,
            or_dash(height.map(|height| format!("#{}", height.finalized))),
            or_dash(height.map(|height| height.peers.to_string())),
            node.url,
        );
    }
    for node in nodes {
        if let (NodeState::Failed, Some(ended)) = (node.state, &node.ended) {
            let _ = writeln!(
                text,
                "{} ended by itself ({ended}): its last lines are in the localnet's terminal; `basalt localnet ctl start \
                 {}` starts it again",
                node.name, node.name
            );
        }
    }
    text.truncate(text.trim_end().len());
    text
}
