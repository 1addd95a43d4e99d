//! One node as a child process.

use std::{io, path::Path, process::Stdio, time::Duration};

use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader},
    process::{Child as Process, ChildStdin, Command},
    sync::mpsc,
    task::JoinSet,
    time::{Instant, sleep_until, timeout},
};

use super::{
    plan::NodePlan,
    supervisor::{Event, Happening},
};

/// The most bytes of a line in the log; the rest of a longer one comes as further lines.
const LOG_LINE_BYTES_MAX: u64 = 16 * 1024;

/// How long the output of an ended process may take to be read to its end. A process of its own that it left behind
/// would hold it open for ever.
const OUTPUT_WAIT: Duration = Duration::from_millis(500);

/// A process at work. Dropping this ends it at once.
#[derive(Debug)]
pub(super) struct Child {
    pub(super) pid: Option<u32>,
    orders: mpsc::Sender<Order>,
}

/// What a process is told.
#[derive(Debug)]
enum Order {
    Stop,
    Kill,
}

/// How a process ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ended {
    /// For people: `exit status: 1`, `signal: 9 (SIGKILL)`.
    pub(super) how: String,
    /// Whether it did not stop when it was asked to, and was killed.
    pub(super) forced: bool,
}

impl Child {
    /// Starts the node's program. What happens to it is told to `events`, as that of the `start`-th start.
    pub(super) fn start(
        program: &Path,
        node: &NodePlan,
        patience: Duration,
        events: Reporter,
    ) -> io::Result<Self> {
        let mut process = Command::new(program)
            .args(&node.arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // In a group of its own, a Ctrl-C on the terminal reaches the supervisor only, which stops all in order.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let pid = process.id();
        // Its end is the sign to stop. `wait` would close it at once, so it must not stay in there.
        let stdin = process.stdin.take();
        let mut readers = JoinSet::new();
        if let Some(pipe) = process.stdout.take() {
            readers.spawn(forward(pipe, events.clone()));
        }
        if let Some(pipe) = process.stderr.take() {
            readers.spawn(forward(pipe, events.clone()));
        }
        // Few orders are given: to stop, and then to be quick about it.
        let (orders, given) = mpsc::channel(4);
        tokio::spawn(async move {
            let ended = watch(process, stdin, given, patience).await;
            let all_read = async { while readers.join_next().await.is_some() {} };
            // Whatever is left is given up with the set of readers.
            let _ = timeout(OUTPUT_WAIT, all_read).await;
            drop(readers);
            events.tell(Happening::Ended(ended)).await;
        });
        Ok(Self { pid, orders })
    }

    /// Asks it to stop. If it has not after the patience that it was started with, it is killed.
    pub(super) fn stop(&self) {
        self.order(Order::Stop);
    }

    /// Ends it without warning.
    pub(super) fn kill(&self) {
        self.order(Order::Kill);
    }

    fn order(&self, order: Order) {
        // Full: it was told so already. Closed: it has ended, and its end is on its way.
        let _ = self.orders.try_send(order);
    }
}

/// Tells the supervisor what happens to one process.
#[derive(Debug, Clone)]
pub(super) struct Reporter {
    pub(super) node: usize,
    /// Which start of the node this is about: what is told late must not be taken for the next one's.
    pub(super) start: u32,
    pub(super) events: mpsc::Sender<Event>,
}

impl Reporter {
    pub(super) async fn tell(&self, what: Happening) {
        // Nobody listens once the supervisor has ended.
        let _ = self.events.send(Event::Node { node: self.node, start: self.start, what }).await;
    }
}

/// Waits for the end of a process, and does what it is ordered meanwhile.
async fn watch(
    mut process: Process,
    mut stdin: Option<ChildStdin>,
    mut orders: mpsc::Receiver<Order>,
    patience: Duration,
) -> Ended {
    let mut deadline: Option<Instant> = None;
    let mut forced = false;
    loop {
        let late = async {
            match deadline {
                Some(deadline) => sleep_until(deadline).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            status = process.wait() => {
                let how = match status {
                    Ok(status) => status.to_string(),
                    Err(error) => format!("nobody knows how: {error}"),
                };
                return Ended { how, forced };
            }
            order = orders.recv() => match order {
                Some(Order::Stop) => {
                    drop(stdin.take());
                    deadline.get_or_insert_with(|| Instant::now() + patience);
                }
                // The supervisor has dropped it, or wants it killed.
                Some(Order::Kill) | None => {
                    // An error means that it has just ended.
                    let _ = process.start_kill();
                    let _ = process.wait().await;
                }
            },
            () = late => {
                forced = true;
                deadline = None;
                let _ = process.start_kill();
            }
        }
    }
}

/// Tells each line of a pipe.
async fn forward(pipe: impl AsyncRead + Unpin, events: Reporter) {
    let mut pipe = BufReader::new(pipe);
    let mut line = Vec::new();
    loop {
        line.clear();
        match (&mut pipe).take(LOG_LINE_BYTES_MAX).read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {
                let text = String::from_utf8_lossy(&line);
                events.tell(Happening::Line(text.trim_end_matches(['\r', '\n']).to_owned())).await;
            }
        }
    }
}
