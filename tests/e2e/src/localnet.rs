//! A local network as a process.

use std::{
    io::{BufRead, BufReader, Read},
    net::TcpListener,
    process::{Child, Command, Stdio},
    sync::{
        atomic::{AtomicU16, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::{Exit, binary};

/// Far above what anything here takes; a hang fails the test.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// The line that ends what a localnet says once all nodes answer.
const READY: &str = "Ctrl-C here";

/// A localnet as a process.
pub struct Localnet {
    supervisor: Child,
    lines: Receiver<String>,
    output: String,
}

/// What several localnets of one test share.
pub struct World {
    data: TempDir,
    /// Where its data are.
    pub folder: TempDir,
    /// The RPC port of the first node.
    pub base_port: u16,
    nodes: u16,
    /// Further flags.
    flags: Vec<String>,
}

/// Each test of this process has ports of its own.
static WORLDS: AtomicU16 = AtomicU16::new(0);

impl World {
    /// Free ports for so many nodes, and flags for the localnet.
    ///
    /// # Panics
    ///
    /// If no ports are free.
    pub fn new(nodes: u16, flags: &[&str]) -> Self {
        // Tests of one process share its id.
        let world = WORLDS.fetch_add(1, Ordering::Relaxed) % 10;
        let first = 12_000 + u16::try_from(std::process::id() % 100).unwrap() * 100 + world * 10;
        let free = |base: &u16| {
            let ports = (*base..base + nodes).flat_map(|rpc| [rpc, rpc + 20_389, rpc - 329]);
            ports.into_iter().all(|port| TcpListener::bind(("127.0.0.1", port)).is_ok())
        };
        let base_port = (0..200).map(|hundreds| first + hundreds * 100).find(free).expect("free ports");
        let dir = || tempfile::tempdir().expect("a temporary directory");
        let flags = flags.iter().map(ToString::to_string).collect();
        Self { data: dir(), folder: dir(), base_port, nodes, flags }
    }

    /// Where a node's JSON-RPC is.
    pub fn url(&self, node: u16) -> String {
        format!("ws://127.0.0.1:{}", self.base_port + node)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary());
        command.args(arguments).env("XDG_DATA_HOME", self.data.path()).stdin(Stdio::null());
        command
    }

    /// Starts it, and waits until all nodes answer.
    ///
    /// # Panics
    ///
    /// If they do not.
    pub fn start(&self) -> Localnet {
        let (port, nodes) = (self.base_port.to_string(), self.nodes.to_string());
        let folder = self.folder.path().to_str().expect("text");
        let mut supervisor = self
            .command(&["localnet", "--validators", &nodes, "--base-port", &port, "--base-path", folder])
            .args(&self.flags)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary can be started");
        // Room for all that a test's nodes write.
        let (sender, lines) = sync_channel(100_000);
        forward(supervisor.stdout.take().expect("a pipe"), sender.clone());
        forward(supervisor.stderr.take().expect("a pipe"), sender);
        let mut net = Localnet { supervisor, lines, output: String::new() };
        net.wait_for(READY);
        net
    }

    /// Runs `basalt` with these arguments, where it finds this localnet.
    ///
    /// # Panics
    ///
    /// If the binary cannot be started.
    pub fn run(&self, arguments: &[&str]) -> Exit {
        let output = self.command(arguments).output().expect("the binary can be started");
        let text = [output.stdout, output.stderr].concat();
        Exit { code: output.status.code(), output: String::from_utf8_lossy(&text).into_owned() }
    }

    /// The state of the nodes, as `ctl` tells it to scripts.
    ///
    /// # Panics
    ///
    /// If no localnet runs.
    pub fn nodes(&self) -> Vec<Value> {
        let exit = self.run(&["localnet", "ctl", "status", "--json"]);
        assert_eq!(exit.code, Some(0), "{}", exit.output);
        let status: Value = serde_json::from_str(&exit.output).expect("JSON");
        status["nodes"].as_array().expect("nodes").clone()
    }

    /// Their processes.
    ///
    /// # Panics
    ///
    /// If one does not run.
    pub fn pids(&self) -> Vec<u64> {
        self.nodes().iter().map(|node| node["pid"].as_u64().expect("a process")).collect()
    }
}

impl Localnet {
    /// Waits for a line that contains `part`.
    ///
    /// # Panics
    ///
    /// If none comes.
    pub fn wait_for(&mut self, part: &str) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    let found = line.contains(part);
                    self.output.push_str(&line);
                    self.output.push('\n');
                    if found {
                        return;
                    }
                }
                Err(error) => panic!("no '{part}' ({error}):\n{}", self.output),
            }
        }
    }

    /// What it has written so far, as far as somebody waited for it.
    pub fn output(&self) -> &str {
        &self.output
    }

    /// Sends it a signal: `-INT`.
    ///
    /// # Panics
    ///
    /// If it is gone.
    pub fn signal(&self, signal: &str) {
        let pid = self.supervisor.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().expect("kill is installed").success());
    }

    /// Waits for its end, which closes its pipes once all nodes have closed theirs, too: exit code and output.
    ///
    /// # Panics
    ///
    /// If it cannot be waited for.
    pub fn ends(mut self) -> (Option<i32>, String) {
        let deadline = Instant::now() + PATIENCE;
        while let Ok(line) = self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            self.output.push_str(&line);
            self.output.push('\n');
        }
        let code = self.supervisor.wait().expect("a child can be waited for").code();
        (code, std::mem::take(&mut self.output))
    }
}

impl Drop for Localnet {
    fn drop(&mut self) {
        // Its nodes stop when it is gone: that is what is tested.
        let _ = self.supervisor.kill();
        let _ = self.supervisor.wait();
    }
}

fn forward(pipe: impl Read + Send + 'static, to: SyncSender<String>) {
    thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            if to.send(line).is_err() {
                break;
            }
        }
    });
}
