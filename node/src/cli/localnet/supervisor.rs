//! Keeps the nodes of a local network: starts them, merges what they say, stops and restarts them by request, and leaves
//! none behind.
//!
//! One task owns everything and never waits for anything but the next event, so that no slow node, terminal or client
//! holds up the others.

use std::{
    collections::VecDeque,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use futures::future::BoxFuture;
use tokio::{
    sync::{mpsc, oneshot},
    task::AbortHandle,
};

use super::{
    child::{Child, Ended, Reporter},
    error::LocalnetError,
    log::Log,
    plan::{NodePlan, Plan},
    protocol::{Answer, NodeState, NodeStatus, Request},
};

/// Events that wait for the supervisor; who has more to say waits.
pub(super) const EVENTS_WAITING_MAX: usize = 1024;

/// How long a node may take to stop before it is killed: it commits what it has begun and closes its database.
pub(super) const STOP_PATIENCE: Duration = Duration::from_secs(30);

/// How often a node that was started is asked whether it answers.
const PROBE_INTERVAL: Duration = Duration::from_millis(100);

/// Last lines of a node that are shown when it ends by itself.
const LAST_LINES: usize = 12;

/// Whether a node answers.
pub(super) type Probe = Arc<dyn Fn(&NodePlan) -> BoxFuture<'static, bool> + Send + Sync>;

/// What the supervisor works with.
pub(super) struct Tools {
    /// What each node runs.
    pub(super) program: PathBuf,
    /// See [`STOP_PATIENCE`].
    pub(super) patience: Duration,
    pub(super) probe: Probe,
    pub(super) log: Log,
    /// Called once, when all nodes answer.
    pub(super) all_answer: Box<dyn FnOnce(&Plan) + Send>,
}

/// What a supervisor hears.
#[derive(Debug)]
pub(super) enum Event {
    /// Of a node.
    Node { node: usize, start: u32, what: Happening },
    /// Of somebody who controls it.
    Control { request: Request, reply: oneshot::Sender<Answer> },
    /// The terminal or the system wants it to end; a second time, at once.
    Interrupt,
}

/// What happens to a node.
#[derive(Debug)]
pub(super) enum Happening {
    /// It says something.
    Line(String),
    /// It answers for the first time.
    Answers,
    /// Its process has ended.
    Ended(Ended),
}

/// Keeps the nodes.
pub(super) struct Supervisor {
    plan: Plan,
    tools: Tools,
    nodes: Vec<Node>,
    events: mpsc::Sender<Event>,
    waiting: Vec<Waiting>,
    /// Set when the whole network is to end.
    ending: bool,
    announced: bool,
    began: Instant,
}

/// A node of the network.
struct Node {
    state: NodeState,
    child: Option<Child>,
    /// Ends the task that asks whether it answers.
    probe: Option<AbortHandle>,
    last_lines: VecDeque<String>,
    starts: u32,
    started: Instant,
    /// Whether it is to start again as soon as it has ended.
    start_again: bool,
    ended: Option<String>,
}

/// Somebody who waits until something holds for some nodes.
struct Waiting {
    nodes: Vec<usize>,
    until: Until,
    reply: oneshot::Sender<Answer>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Until {
    /// They answer.
    Answer,
    /// They have ended.
    Ended,
}

impl Supervisor {
    /// A supervisor of the nodes in `plan`. What it hears comes over the channel of `events`.
    pub(super) fn new(plan: Plan, tools: Tools, events: mpsc::Sender<Event>) -> Self {
        let began = Instant::now();
        let node = |_: &NodePlan| Node {
            state: NodeState::Stopped,
            child: None,
            probe: None,
            last_lines: VecDeque::new(),
            starts: 0,
            started: began,
            start_again: false,
            ended: None,
        };
        let nodes = plan.nodes.iter().map(node).collect();
        Self { plan, tools, nodes, events, waiting: Vec::new(), ending: false, announced: false, began }
    }

    /// Starts all nodes, and keeps them until it is told to end.
    pub(super) async fn run(mut self, mut events: mpsc::Receiver<Event>) -> Result<(), LocalnetError> {
        for index in 0..self.nodes.len() {
            self.start(index);
        }
        let mut outcome = Ok(());
        while !self.ending || self.nodes.iter().any(|node| node.child.is_some()) {
            if !self.ending && self.nothing_started() {
                outcome = Err(LocalnetError::NothingStarted);
                self.ending = true;
                continue;
            }
            // The supervisor holds a sender itself, so that there always is a next event.
            let Some(event) = events.recv().await else { break };
            self.hear(event);
            self.settle();
        }
        self.settle();
        if outcome.is_ok() {
            self.tools.log.say("all nodes have stopped");
        }
        let log = self.tools.log;
        // It joins a thread, which asynchronous code must not wait for.
        let _ = tokio::task::spawn_blocking(move || log.finish()).await;
        outcome
    }

    fn nothing_started(&self) -> bool {
        !self.announced
            && self.nodes.iter().all(|node| node.state == NodeState::Failed && !node.start_again)
            && self.nodes.iter().all(|node| node.starts <= 1)
    }

    fn hear(&mut self, event: Event) {
        match event {
            Event::Node { node, start, what } => {
                let is_present = self.nodes.get(node).is_some_and(|node| node.starts == start);
                match what {
                    Happening::Line(line) => self.line(node, &line),
                    Happening::Answers if is_present => self.answers(node),
                    Happening::Ended(ended) if is_present => self.ended(node, &ended),
                    // Of a process that is gone already.
                    Happening::Answers | Happening::Ended(_) => {}
                }
            }
            Event::Control { request, reply } => self.control(request, reply),
            Event::Interrupt if self.ending => {
                self.tools.log.say("ending all nodes at once");
                for node in &self.nodes {
                    node.child.iter().for_each(Child::kill);
                }
            }
            Event::Interrupt => {
                self.tools.log.say("stopping all nodes (once more: end them at once)");
                self.end();
            }
        }
    }

    fn line(&mut self, index: usize, line: &str) {
        self.tools.log.node(index, line);
        let Some(node) = self.nodes.get_mut(index) else { return };
        node.last_lines.push_back(line.to_owned());
        if node.last_lines.len() > LAST_LINES {
            node.last_lines.pop_front();
        }
    }

    fn start(&mut self, index: usize) {
        let (Some(node), Some(plan)) = (self.nodes.get_mut(index), self.plan.nodes.get(index)) else {
            return;
        };
        node.starts += 1;
        node.started = Instant::now();
        (node.start_again, node.ended) = (false, None);
        node.last_lines.clear();
        let reporter = Reporter { node: index, start: node.starts, events: self.events.clone() };
        match Child::start(&self.tools.program, plan, self.tools.patience, reporter.clone()) {
            Ok(child) => {
                let pid = child.pid.map_or_else(String::new, |pid| format!(", process {pid}"));
                self.tools.log.say(&format!("starting {}{pid}", plan.name));
                node.state = NodeState::Starting;
                node.child = Some(child);
                let ask = until_it_answers(Arc::clone(&self.tools.probe), plan.clone(), reporter);
                node.probe = Some(tokio::spawn(ask).abort_handle());
            }
            Err(error) => {
                let what =
                    format!("{} cannot be started: {}: {error}", plan.name, self.tools.program.display());
                self.tools.log.alarm(&what);
                node.state = NodeState::Failed;
                node.ended = Some(what);
            }
        }
    }

    fn answers(&mut self, index: usize) {
        let (Some(node), Some(plan)) = (self.nodes.get_mut(index), self.plan.nodes.get(index)) else {
            return;
        };
        if node.state != NodeState::Starting {
            return;
        }
        node.state = NodeState::Running;
        let seconds = node.started.elapsed().as_millis();
        let (name, url) = (plan.name, plan.url());
        let running = self.nodes.iter().filter(|node| node.state == NodeState::Running).count();
        self.tools.log.say(&format!(
            "{name} answers at {url} after {}.{} s ({running} of {})",
            seconds / 1000,
            seconds % 1000 / 100,
            self.nodes.len()
        ));
    }

    fn ended(&mut self, index: usize, ended: &Ended) {
        let (Some(node), Some(plan)) = (self.nodes.get_mut(index), self.plan.nodes.get(index)) else {
            return;
        };
        node.child = None;
        if let Some(probe) = node.probe.take() {
            probe.abort();
        }
        let name = plan.name;
        if node.state == NodeState::Stopping {
            node.state = NodeState::Stopped;
            let forced = if ended.forced { ": it did not when asked, and was killed" } else { "" };
            self.tools.log.say(&format!("{name} has stopped{forced}"));
        } else {
            node.state = NodeState::Failed;
            node.ended = Some(ended.how.clone());
            self.tools.log.alarm(&format!("{name} ENDED BY ITSELF ({}). Its last lines:", ended.how));
            for line in &node.last_lines {
                self.tools.log.alarm(&format!("  {line}"));
            }
            let advice = format!("the others go on; start it again with `basalt localnet ctl start {name}`");
            self.tools.log.alarm(&advice);
        }
        if node.start_again && !self.ending {
            self.start(index);
        }
    }

    /// Asks all nodes to stop, and ends when they have.
    fn end(&mut self) {
        self.ending = true;
        for index in 0..self.nodes.len() {
            self.stop(index);
        }
    }

    fn stop(&mut self, index: usize) {
        let Some(node) = self.nodes.get_mut(index) else { return };
        node.start_again = false;
        if let Some(child) = &node.child {
            node.state = NodeState::Stopping;
            child.stop();
        }
    }

    fn control(&mut self, request: Request, reply: oneshot::Sender<Answer>) {
        // Whoever asked may have gone: then nobody hears the answer.
        let answer = |reply: oneshot::Sender<Answer>, answer| drop(reply.send(answer));
        if request == Request::Status {
            return answer(reply, Answer::Status(self.status()));
        }
        if self.ending {
            return answer(reply, Answer::Refused("the localnet is stopping; wait until it has".to_owned()));
        }
        let (Request::Stop { node }
        | Request::Start { node }
        | Request::Restart { node }
        | Request::Kill { node }) = &request
        else {
            return;
        };
        let nodes: Vec<usize> = match node {
            None => (0..self.nodes.len()).collect(),
            Some(name) => match self.plan.nodes.iter().position(|node| node.name == *name) {
                Some(index) => vec![index],
                None => {
                    let names: Vec<&str> = self.plan.nodes.iter().map(|node| node.name).collect();
                    let why = format!("there is no node '{name}': the nodes are {}", names.join(", "));
                    return answer(reply, Answer::Refused(why));
                }
            },
        };
        let until = match request {
            Request::Stop { node: None } => {
                self.tools.log.say("stopping all nodes, by request");
                self.end();
                Until::Ended
            }
            Request::Stop { .. } => {
                nodes.iter().for_each(|index| self.stop(*index));
                Until::Ended
            }
            Request::Kill { .. } => {
                nodes.iter().for_each(|index| self.kill(*index));
                Until::Ended
            }
            Request::Restart { .. } => {
                nodes.iter().for_each(|index| self.restart(*index));
                Until::Answer
            }
            Request::Start { .. } | Request::Status => {
                nodes.iter().for_each(|index| self.start_if_ended(*index));
                Until::Answer
            }
        };
        self.waiting.push(Waiting { nodes, until, reply });
    }

    fn kill(&mut self, index: usize) {
        let Some(node) = self.nodes.get_mut(index) else { return };
        node.start_again = false;
        if let Some(child) = &node.child {
            node.state = NodeState::Stopping;
            child.kill();
        }
    }

    fn restart(&mut self, index: usize) {
        self.stop(index);
        match self.nodes.get_mut(index) {
            Some(node) if node.child.is_some() => node.start_again = true,
            _ => self.start(index),
        }
    }

    fn start_if_ended(&mut self, index: usize) {
        match self.nodes.get_mut(index) {
            Some(node) if node.child.is_none() => self.start(index),
            // On its way down: it comes back.
            Some(node) if node.state == NodeState::Stopping => node.start_again = true,
            _ => {}
        }
    }

    /// Answers whoever has waited for what now holds.
    fn settle(&mut self) {
        if !self.announced && self.nodes.iter().all(|node| node.state == NodeState::Running) {
            self.announced = true;
            let announce = std::mem::replace(&mut self.tools.all_answer, Box::new(|_| ()));
            announce(&self.plan);
            let millis = self.began.elapsed().as_millis();
            self.tools.log.say(&format!(
                "all nodes answer after {}.{} s",
                millis / 1000,
                millis % 1000 / 100
            ));
        }
        let mut still = Vec::new();
        for waiting in std::mem::take(&mut self.waiting) {
            match self.outcome(&waiting) {
                Some(answer) => drop(waiting.reply.send(answer)),
                // Who has hung up is not waited for.
                None if waiting.reply.is_closed() => {}
                None => still.push(waiting),
            }
        }
        self.waiting = still;
    }

    /// What to tell somebody who waits; nothing yet if it is not decided.
    fn outcome(&self, waiting: &Waiting) -> Option<Answer> {
        let names = |nodes: &[usize]| {
            nodes
                .iter()
                .filter_map(|index| self.plan.nodes.get(*index))
                .map(|node| node.name)
                .collect::<Vec<_>>()
        };
        let nodes: Vec<&Node> = waiting.nodes.iter().filter_map(|index| self.nodes.get(*index)).collect();
        match waiting.until {
            Until::Ended => nodes.iter().all(|node| node.child.is_none()).then(|| {
                let verb = if nodes.len() == 1 { "has" } else { "have" };
                Answer::Done(format!("{} {verb} stopped", names(&waiting.nodes).join(", ")))
            }),
            Until::Answer => {
                let given_up = |index: &&usize| {
                    self.nodes.get(**index).is_some_and(|node| node.child.is_none() && !node.start_again)
                };
                if let Some(index) = waiting.nodes.iter().find(given_up) {
                    return Some(Answer::Refused(self.why_not(*index)));
                }
                nodes.iter().all(|node| node.state == NodeState::Running).then(|| {
                    let verb = if nodes.len() == 1 { "answers" } else { "answer" };
                    Answer::Done(format!("{} {verb}", names(&waiting.nodes).join(", ")))
                })
            }
        }
    }

    fn why_not(&self, index: usize) -> String {
        let (Some(node), Some(plan)) = (self.nodes.get(index), self.plan.nodes.get(index)) else {
            return String::new();
        };
        let how = node.ended.as_deref().unwrap_or("it was stopped");
        let mut text = format!("{} does not run ({how})", plan.name);
        if !node.last_lines.is_empty() {
            text.push_str("; its last lines:");
            for line in &node.last_lines {
                text.push_str("\n  ");
                text.push_str(line);
            }
        }
        text
    }

    fn status(&self) -> Vec<NodeStatus> {
        let one = |(node, plan): (&Node, &NodePlan)| NodeStatus {
            name: plan.name.to_owned(),
            state: node.state,
            pid: node.child.as_ref().and_then(|child| child.pid),
            url: plan.url(),
            metrics: format!("http://127.0.0.1:{}/metrics", plan.metrics_port),
            seconds: node.child.is_some().then(|| node.started.elapsed().as_secs()),
            starts: node.starts,
            ended: node.ended.clone(),
        };
        self.nodes.iter().zip(&self.plan.nodes).map(one).collect()
    }
}

/// Asks a node again and again, and tells when it answers.
async fn until_it_answers(probe: Probe, node: NodePlan, reporter: Reporter) {
    let mut ticks = tokio::time::interval(PROBE_INTERVAL);
    loop {
        ticks.tick().await;
        if probe(&node).await {
            return reporter.tell(Happening::Answers).await;
        }
    }
}
