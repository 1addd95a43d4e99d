//! What `basalt localnet ctl` and a running localnet say to each other: one line of JSON each way, then the end.

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// The most bytes of a line: the state of six nodes with the last lines of each.
pub(super) const LINE_BYTES_MAX: u64 = 256 * 1024;

/// What a localnet is told to do. Without a node, it is told so for all of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "camelCase", deny_unknown_fields)]
pub(super) enum Request {
    /// Say how the nodes are.
    Status,
    /// Stop a node and wait until it has; without one, end the localnet.
    Stop {
        /// Which.
        node: Option<String>,
    },
    /// Start a stopped node and wait until it answers.
    Start {
        /// Which.
        node: Option<String>,
    },
    /// Stop and start.
    Restart {
        /// Which.
        node: Option<String>,
    },
    /// End a node without warning.
    Kill {
        /// Which.
        node: Option<String>,
    },
}

/// What it answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Answer {
    /// How the nodes are.
    Status(Vec<NodeStatus>),
    /// It is done: a sentence.
    Done(String),
    /// It is not done: why, and what to do.
    Refused(String),
}

/// How a node is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NodeStatus {
    pub(super) name: String,
    pub(super) state: NodeState,
    /// Of its process, if there is one.
    pub(super) pid: Option<u32>,
    /// Where clients reach it.
    pub(super) url: String,
    /// Where its metrics are.
    pub(super) metrics: String,
    /// Seconds since the process was started.
    pub(super) seconds: Option<u64>,
    /// How often it was started.
    pub(super) starts: u32,
    /// How it ended, if it did so by itself.
    pub(super) ended: Option<String>,
}

/// What a node does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum NodeState {
    /// It was started and does not answer yet.
    Starting,
    /// It answers.
    Running,
    /// It was asked to stop.
    Stopping,
    /// It was stopped or killed by request.
    Stopped,
    /// It ended by itself.
    Failed,
}

/// Why a line cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum LineError {
    /// The connection broke.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// There was nothing, or no end of the line within the limit.
    #[error("the line ended after {0} bytes without a line break (at most {LINE_BYTES_MAX} are read)")]
    Unfinished(usize),
    /// Not what was expected.
    #[error("the line is not understood: {0}")]
    Malformed(#[from] serde_json::Error),
}

/// Reads one line.
pub(super) async fn read<T: for<'de> Deserialize<'de>>(
    from: impl AsyncBufRead + Unpin,
) -> Result<T, LineError> {
    let mut line = Vec::new();
    from.take(LINE_BYTES_MAX).read_until(b'\n', &mut line).await?;
    if line.last() != Some(&b'\n') {
        return Err(LineError::Unfinished(line.len()));
    }
    Ok(serde_json::from_slice(&line)?)
}

/// Writes one line.
pub(super) async fn write<T: Serialize>(mut to: impl AsyncWrite + Unpin, value: &T) -> Result<(), LineError> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    to.write_all(&line).await?;
    Ok(to.flush().await?)
}
