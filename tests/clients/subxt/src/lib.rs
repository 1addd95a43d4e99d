//! Drive a development node with subxt, as Rust programs do.
//!
//! The tests are in `tests/`; this library starts and stops the node for them. It is a workspace of its own, so that
//! what subxt needs stays out of Basalt's lock file and build.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;

/// A node opens its database in a few seconds, also when it was built without optimisation.
const STARTED_MAX: Duration = Duration::from_secs(60);
const STOPPED_MAX: Duration = Duration::from_secs(20);

/// A development node, as a process. Dropping it kills it; [`Node::stop`] asks it to stop.
pub struct Node {
    child: Child,
    /// Where it answers, as in `ws://127.0.0.1:40123`.
    pub url: String,
}

impl Node {
    /// Runs `BASALT_BIN --dev --tmp --rpc-port 0` until it prints its address.
    ///
    /// # Panics
    ///
    /// When it cannot be started, or does not get ready in a minute: a test has nothing else to do then.
    pub async fn start() -> Self {
        let bin = std::env::var("BASALT_BIN").expect("BASALT_BIN is the path of the binary: run `make test`");
        let mut child = Command::new(&bin)
            .args(["--dev", "--tmp", "--rpc-port", "0"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("could not start {bin}: {error}"));

        // Both pipes are read to their ends, or the node would block when they are full.
        let (lines, mut printed) = mpsc::channel::<String>(1024);
        let stdout = BufReader::new(child.stdout.take().expect("it was asked for above"));
        let stderr = BufReader::new(child.stderr.take().expect("it was asked for above"));
        tokio::spawn(forward(stdout, lines.clone()));
        tokio::spawn(forward(stderr, lines));

        let mut log = String::new();
        let url = tokio::time::timeout(STARTED_MAX, async {
            while let Some(line) = printed.recv().await {
                log.push_str(&line);
                log.push('\n');
                if let Some(url) = address(&line) {
                    return Some(url);
                }
            }
            None
        })
        .await;
        match url {
            Ok(Some(url)) => Self { child, url },
            Ok(None) => panic!("the node ended before it was ready:\n{log}"),
            Err(_) => panic!("the node printed no address for {STARTED_MAX:?}:\n{log}"),
        }
    }

    /// Asks it to stop as systemd does, and waits until it has.
    ///
    /// # Panics
    ///
    /// When it does not stop, or not cleanly.
    pub async fn stop(mut self) {
        let pid = self.child.id().expect("it has not ended yet");
        let asked = Command::new("kill").args(["-TERM", &pid.to_string()]).status().await;
        assert!(asked.is_ok_and(|status| status.success()), "could not signal process {pid}");
        let status = tokio::time::timeout(STOPPED_MAX, self.child.wait()).await;
        let status = status.expect("the node stops when asked to").expect("it is our child");
        assert!(status.success(), "the node ended with {status}");
    }
}

/// Sends each line on, until the pipe ends. Who does not listen any more misses them.
async fn forward<R: tokio::io::AsyncRead + Unpin>(reader: BufReader<R>, lines: mpsc::Sender<String>) {
    let mut reader = reader.lines();
    while let Ok(Some(line)) = reader.next_line().await {
        let _ = lines.try_send(line);
    }
}

/// The WebSocket address in a line of the node's output.
fn address(line: &str) -> Option<String> {
    const START: &str = "ws://127.0.0.1:";
    let port: String = line.split(START).nth(1)?.chars().take_while(char::is_ascii_digit).collect();
    (!port.is_empty()).then(|| format!("{START}{port}"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_address_is_found_within_a_line() {
        assert_eq!(
            super::address("12:00 rpc: ws://127.0.0.1:9944, http").as_deref(),
            Some("ws://127.0.0.1:9944")
        );
        assert_eq!(super::address("rpc: ws://127.0.0.1:"), None);
        assert_eq!(super::address("nothing yet"), None);
    }
}
