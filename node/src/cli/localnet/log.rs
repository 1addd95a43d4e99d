//! One log for all nodes: each line with its node's name, in the node's own colour on a terminal.

use std::{
    io::{self, IsTerminal, Write},
    sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    thread::{self, JoinHandle},
};

use super::plan::NAMES;

/// Lines that wait for a slow terminal. Further ones are left out: the nodes must not wait for whoever reads.
const LINES_WAITING_MAX: usize = 4096;

/// The colours of the nodes, as terminals number them. Red is for what went wrong.
const COLOURS: [u8; NAMES.len()] = [36, 33, 35, 32, 34, 96];
const RED: u8 = 31;

/// The name of the supervisor's own lines.
const OWN_NAME: &str = "localnet";

/// Writes the log on a thread of its own.
pub(super) struct Log {
    /// None once it is finished.
    lines: Option<SyncSender<String>>,
    writer: Option<JoinHandle<()>>,
    colours: bool,
    /// Lines that found no room and nobody was told of yet.
    lost: u64,
}

impl Log {
    /// To stderr, with colours if that is a terminal and nobody objects (<https://no-color.org>).
    pub(super) fn stderr() -> io::Result<Self> {
        let objected = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self::new(Box::new(io::stderr()), io::stderr().is_terminal() && !objected)
    }

    pub(super) fn new(to: Box<dyn Write + Send>, colours: bool) -> io::Result<Self> {
        let (lines, receiver) = sync_channel(LINES_WAITING_MAX);
        let writer = thread::Builder::new().name("log".to_owned()).spawn(move || write(to, receiver))?;
        Ok(Self { lines: Some(lines), writer: Some(writer), colours, lost: 0 })
    }

    /// A line of a node.
    pub(super) fn node(&mut self, index: usize, line: &str) {
        let name = NAMES.get(index).copied().unwrap_or(OWN_NAME);
        self.put(prefixed(name, self.colours.then(|| COLOURS[index % COLOURS.len()]), line));
    }

    /// A line of the supervisor.
    pub(super) fn say(&mut self, line: &str) {
        self.put(prefixed(OWN_NAME, None, line));
    }

    /// A line of the supervisor that nobody may overlook.
    pub(super) fn alarm(&mut self, line: &str) {
        self.put(prefixed(OWN_NAME, self.colours.then_some(RED), line));
    }

    /// Waits until everything is written.
    pub(super) fn finish(mut self) {
        drop(self.lines.take());
        if let Some(writer) = self.writer.take() {
            // It has nothing to say about how it ended.
            let _ = writer.join();
        }
    }

    fn put(&mut self, line: String) {
        let Some(lines) = &self.lines else { return };
        if self.lost > 0 {
            let note = format!("… {} lines are left out here: the terminal is too slow", self.lost);
            if lines.try_send(prefixed(OWN_NAME, None, &note)).is_ok() {
                self.lost = 0;
            }
        }
        if let Err(TrySendError::Full(_)) = lines.try_send(line) {
            self.lost += 1;
        }
    }
}

fn write(mut to: Box<dyn Write + Send>, lines: Receiver<String>) {
    for line in lines {
        // A closed terminal is no reason to stop the network.
        let _ = to.write_all(line.as_bytes());
    }
    let _ = to.flush();
}

/// A line with whose it is before it.
pub(super) fn prefixed(name: &str, colour: Option<u8>, line: &str) -> String {
    match colour {
        Some(colour) => format!("\x1b[{colour}m{name:<8} |\x1b[0m {line}\n"),
        None => format!("{name:<8} | {line}\n"),
    }
}
