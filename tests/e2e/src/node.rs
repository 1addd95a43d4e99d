//! A node as a process.

use std::{
    env, fs,
    io::{BufRead, BufReader, Read},
    path::PathBuf,
    process::{self, Child, Command, Stdio},
    sync::{
        atomic::{AtomicU32, Ordering},
        mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    },
    thread,
    time::{Duration, Instant},
};

/// How long a node may take to become ready, or to stop. Far above what it takes; a hang fails the test.
const PATIENCE: Duration = Duration::from_secs(120);

/// The binary under test: `BASALT_BIN`, or the one that Cargo built beside this test.
///
/// # Panics
///
/// If there is none.
pub fn binary() -> PathBuf {
    if let Some(path) = env::var_os("BASALT_BIN") {
        return path.into();
    }
    let test = env::current_exe().expect("a running test has a path");
    let path = test.ancestors().map(|folder| folder.join("basalt")).find(|candidate| candidate.is_file());
    path.expect("the binary is missing: run `cargo build -p basalt-node` first, or set BASALT_BIN")
}

/// How a process ended.
#[derive(Debug)]
pub struct Exit {
    /// Exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    /// All it wrote to stdout and stderr.
    pub output: String,
}

/// A node as a process. Dropping it kills it.
pub struct Node {
    child: Child,
    lines: Receiver<String>,
    output: String,
    /// Where its JSON-RPC is.
    pub url: String,
    /// Where its metrics are, `host:port`; none unless they were asked for.
    pub metrics: Option<String>,
    _temporary: Temporary,
}

impl Node {
    /// Starts `basalt` with these arguments and a free RPC port, and waits until it is ready. It has metrics only if
    /// the arguments say where: the usual port may be another node's.
    ///
    /// # Errors
    ///
    /// If it ends before it is ready: with its output.
    pub fn start(arguments: &[&str]) -> Result<Self, Exit> {
        let temporary = Temporary::new();
        let mut child = Command::new(binary())
            .env("TMPDIR", &temporary.0)
            .args(arguments)
            .args(["--rpc-port", "0"])
            .args(if arguments.contains(&"--prometheus-port") { None } else { Some("--no-prometheus") })
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary can be started");
        #[expect(
            clippy::disallowed_methods,
            reason = "a full channel would block the node that writes its log; what a test's node writes is little"
        )]
        let (sender, lines) = channel();
        forward(child.stdout.take(), sender.clone());
        forward(child.stderr.take(), sender);
        let mut node = Self {
            child,
            lines,
            output: String::new(),
            url: String::new(),
            metrics: None,
            _temporary: temporary,
        };
        let deadline = Instant::now() + PATIENCE;
        loop {
            match node.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    node.remember(&line);
                    if let Some(address) = after(&line, "metrics: http://") {
                        node.metrics = address.strip_suffix("/metrics").map(str::to_owned);
                    }
                    if let Some(address) = after(&line, "ws://127.0.0.1:") {
                        node.url = format!("ws://127.0.0.1:{address}");
                        return Ok(node);
                    }
                }
                Err(RecvTimeoutError::Disconnected) => return Err(node.wait()),
                Err(RecvTimeoutError::Timeout) => panic!("the node is not ready:\n{}", node.output),
            }
        }
    }

    /// Runs `basalt` with these arguments to its end.
    pub fn run(arguments: &[&str]) -> Exit {
        let output = Command::new(binary())
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .expect("the binary can be started");
        let text = [output.stdout, output.stderr].concat();
        Exit { code: output.status.code(), output: String::from_utf8_lossy(&text).into_owned() }
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to stop as an operator does (SIGTERM) and waits for its end.
    pub fn stop(self) -> Exit {
        let pid = self.child.id().to_string();
        let killed = Command::new("kill").args(["-TERM", &pid]).status().expect("kill is installed");
        assert!(killed.success(), "the node was gone before it was asked to stop");
        self.wait()
    }

    /// Ends it without warning (SIGKILL).
    pub fn kill(mut self) -> Exit {
        self.child.kill().expect("a child can be killed");
        self.wait()
    }

    fn wait(mut self) -> Exit {
        let deadline = Instant::now() + PATIENCE;
        // The channel closes when both pipes do: the process has ended or is about to.
        loop {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => self.remember(&line),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("the node does not stop:\n{}", self.output),
            }
        }
        let status = self.child.wait().expect("a child can be waited for");
        Exit { code: status.code(), output: std::mem::take(&mut self.output) }
    }

    fn remember(&mut self, line: &str) {
        self.output.push_str(line);
        self.output.push('\n');
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // Already ended, or a test failed: in both cases nothing must be left behind.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Where a node keeps what is temporary: removed with all of it, also if the node is killed and cannot do so itself.
struct Temporary(PathBuf);

impl Temporary {
    fn new() -> Self {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let folder = env::temp_dir().join(format!("basalt-e2e-{}-{number}", process::id()));
        fs::create_dir_all(&folder).expect("there is room for temporary files");
        Self(folder)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // What is left does no harm but to the room on the disk.
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn forward(pipe: Option<impl Read + Send + 'static>, to: Sender<String>) {
    let pipe = pipe.expect("the pipe was asked for");
    thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            if to.send(line).is_err() {
                break;
            }
        }
    });
}

/// What stands between `before` and the next space or comma.
fn after<'a>(line: &'a str, before: &str) -> Option<&'a str> {
    let (_, rest) = line.split_once(before)?;
    rest.split([' ', ',']).next()
}
