//! `basalt localnet` with real nodes: from its start to its end, however that comes.

use std::{
    io::{BufRead, BufReader, Read},
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread,
    time::{Duration, Instant},
};

use basalt_e2e::{Exit, binary};
use serde_json::Value;
use tempfile::TempDir;

/// Far above what anything here takes; a hang fails the test.
const PATIENCE: Duration = Duration::from_secs(120);

/// The line that ends what a localnet says once all nodes answer.
const READY: &str = "Ctrl-C here";

/// A localnet of two nodes as a process.
struct Localnet {
    supervisor: Child,
    lines: Receiver<String>,
    output: String,
}

/// What several localnets of one test share.
struct World {
    data: TempDir,
    folder: TempDir,
    base_port: u16,
}

impl World {
    fn new() -> Self {
        // Tests of one process share its id, and run one after the other here.
        let first = 20_000 + u16::try_from(std::process::id() % 1000).unwrap() * 10;
        let free = |base: &u16| {
            let ports = (*base..base + 2).flat_map(|rpc| [rpc, rpc + 20_389, rpc - 329]);
            ports.into_iter().all(|port| TcpListener::bind(("127.0.0.1", port)).is_ok())
        };
        let base_port = (0..1000).map(|tens| first + tens * 10).find(free).expect("free ports");
        let dir = || tempfile::tempdir().expect("a temporary directory");
        Self { data: dir(), folder: dir(), base_port }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary());
        command.args(arguments).env("XDG_DATA_HOME", self.data.path()).stdin(Stdio::null());
        command
    }

    fn start(&self) -> Localnet {
        let port = self.base_port.to_string();
        let folder = self.folder.path().to_str().expect("text");
        let mut supervisor = self
            .command(&["localnet", "--validators", "2", "--base-port", &port, "--base-path", folder])
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

    fn run(&self, arguments: &[&str]) -> Exit {
        let output = self.command(arguments).output().expect("the binary can be started");
        let text = [output.stdout, output.stderr].concat();
        Exit { code: output.status.code(), output: String::from_utf8_lossy(&text).into_owned() }
    }

    /// The state of the nodes, as `ctl` tells it to scripts.
    fn nodes(&self) -> Vec<Value> {
        let exit = self.run(&["localnet", "ctl", "status", "--json"]);
        assert_eq!(exit.code, Some(0), "{}", exit.output);
        let status: Value = serde_json::from_str(&exit.output).expect("JSON");
        status["nodes"].as_array().expect("nodes").clone()
    }

    fn pids(&self) -> Vec<u64> {
        self.nodes().iter().map(|node| node["pid"].as_u64().expect("a process")).collect()
    }
}

impl Localnet {
    fn wait_for(&mut self, part: &str) {
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

    fn signal(&self, signal: &str) {
        let pid = self.supervisor.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().expect("kill is installed").success());
    }

    /// Waits for its end, which closes its pipes once all nodes have closed theirs, too.
    fn ends(mut self) -> (Option<i32>, String) {
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

fn is_alive(pid: &u64) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, state)| !state.starts_with('Z'))
}

/// Waits until none of these processes is there.
fn all_end(pids: &[u64]) {
    // The system tells nobody but their parent, which is gone: so look again and again.
    let (_silent, pause) = sync_channel::<()>(0);
    let begin = Instant::now();
    while pids.iter().any(is_alive) {
        assert!(begin.elapsed() < PATIENCE, "nodes are left: {pids:?}");
        let _ = pause.recv_timeout(Duration::from_millis(20));
    }
}

#[test]
fn a_localnet_is_controlled_from_elsewhere_and_leaves_no_process_however_it_ends() {
    let world = World::new();
    let mut net = world.start();
    for part in ["ws://127.0.0.1:", "//Alice", "polkadot.js.org", "alice    | ", "bob      | "] {
        if !net.output.contains(part) {
            net.wait_for(part);
        }
    }
    let nodes = world.nodes();
    assert!(nodes.iter().all(|node| node["state"] == "running" && node["finalized"].is_u64()), "{nodes:?}");

    // Another one on the same folder, and on the same ports.
    let folder = world.folder.path().to_str().unwrap();
    let exit = world.run(&["localnet", "--base-path", folder]);
    assert!(exit.code == Some(1) && exit.output.contains("runs in"), "{}", exit.output);
    let exit = world.run(&["localnet", "--tmp", "--base-port", &world.base_port.to_string()]);
    assert!(
        exit.code == Some(1) && exit.output.contains("is taken") && exit.output.contains("--base-port"),
        "{}",
        exit.output
    );

    let done = |arguments: &[&str], expected: &str| {
        let exit = world.run(&[&["localnet", "ctl"], arguments].concat());
        assert_eq!((exit.code, exit.output.trim()), (Some(0), expected), "{arguments:?}");
    };
    done(&["stop", "bob"], "bob has stopped");
    assert_eq!(world.nodes()[1]["state"], "stopped");
    done(&["start", "bob"], "bob answers");
    done(&["kill", "alice"], "alice has stopped");
    done(&["restart"], "alice, bob answer");
    let exit = world.run(&["localnet", "ctl", "kill", "zoe"]);
    assert!(exit.code == Some(1) && exit.output.contains("the nodes are alice, bob"), "{}", exit.output);

    // A node that is killed by somebody else is reported.
    let pids = world.pids();
    assert!(Command::new("kill").args(["-KILL", &pids[1].to_string()]).status().unwrap().success());
    net.wait_for("bob ENDED BY ITSELF");
    done(&["start", "bob"], "bob answers");

    // The supervisor is killed, and cannot do anything about its nodes any more.
    let pids = world.pids();
    net.signal("-KILL");
    all_end(&pids);
    drop(net);
    let exit = world.run(&["localnet", "ctl", "status"]);
    assert!(exit.code == Some(1) && exit.output.contains("no localnet is running"), "{}", exit.output);

    // What it left is in nobody's way, and the data are still there.
    let net = world.start();
    let pids = world.pids();
    net.signal("-INT");
    let (code, output) = net.ends();
    assert_eq!(code, Some(0), "{output}");
    assert!(output.contains("alice has stopped") && output.contains("bob has stopped"), "{output}");
    assert!(!pids.iter().any(is_alive), "nodes are left: {pids:?}");
    assert!(Path::new(folder).join("alice").join("chains").is_dir());

    let net = world.start();
    let exit = world.run(&["localnet", "ctl", "stop", "--base-path", folder]);
    assert_eq!((exit.code, exit.output.trim()), (Some(0), "alice, bob have stopped"));
    assert_eq!(net.ends().0, Some(0));
}
