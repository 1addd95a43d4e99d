//! Processes that stand for nodes: a few lines of shell that do what a test tells each of them by a file.

use std::{
    io::{self, Write},
    os::unix::fs::PermissionsExt,
    sync::Mutex,
    time::Instant,
};

use tokio::{sync::oneshot, task::JoinHandle};

use super::*;
use crate::cli::localnet::supervisor::{Event, Supervisor};

/// Far longer than anything takes here: a test that waits for what never comes fails instead of hanging.
const PATIENCE: Duration = Duration::from_secs(60);

/// A node: it writes down its process id, says that it begins, and stops when its stdin closes. `read` is part of the
/// shell, so that no further process is left when it is killed.
const FAKE: &str = r#"#!/bin/sh
while [ $# -gt 0 ]; do
    case $1 in --name) name=$2 ;; --base-path) folder=$2 ;; esac
    shift
done
mkdir -p "$folder"
rm -f "$folder/up"
echo $$ >> "$folder/pids"
mode=$(cat "$folder/../mode-$name" 2>/dev/null)
echo "$name begins" >&2
[ "$mode" = dies ] && { echo "out of luck"; exit 3; }
[ "$mode" = mute ] || touch "$folder/up"
while read -r line; do :; done
[ "$mode" = stubborn ] && exec sleep 1000
echo "$name says goodbye"
"#;

/// A localnet of made-up nodes.
struct Net {
    folder: tempfile::TempDir,
    registry: tempfile::TempDir,
    events: mpsc::Sender<Event>,
    outcome: JoinHandle<Result<(), LocalnetError>>,
    listening: Option<socket::Listening>,
    written: Written,
    announced: oneshot::Receiver<()>,
    _claim: Claim,
}

/// What was logged so far.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Written {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Net {
    /// Starts this many nodes. `modes` says what is special about some.
    fn start(nodes: usize, modes: &[(&str, &str)], patience: Duration) -> Self {
        let (folder, registry) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        for (name, mode) in modes {
            fs::write(folder.path().join(format!("mode-{name}")), mode).unwrap();
        }
        let program = folder.path().join("node");
        fs::write(&program, FAKE).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).unwrap();
        let claim = Claim::take(folder.path(), registry.path()).unwrap();
        let plan = Plan::new(&settings(nodes), claim.folder(), |_| None).unwrap();
        let (events, heard) = mpsc::channel(EVENTS_WAITING_MAX);
        let written = Written::default();
        let (announce, announced) = oneshot::channel();
        // Taken away, so that it is not taken for that of the next start.
        let is_up =
            |node: &NodePlan, folder: &Path| fs::remove_file(folder.join(node.name).join("up")).is_ok();
        let at = claim.folder().to_owned();
        let tools = Tools {
            program,
            patience,
            probe: Arc::new(move |node| {
                let up = is_up(node, &at);
                Box::pin(async move { up })
            }),
            log: Log::new(Box::new(written.clone()), false).unwrap(),
            all_answer: Box::new(move |_| announce.send(()).expect("a test that listens")),
        };
        let listening = Some(claim.listen(events.clone()).unwrap());
        let outcome = tokio::spawn(Supervisor::new(plan, tools, events.clone()).run(heard));
        Self { folder, registry, events, outcome, listening, written, announced, _claim: claim }
    }

    async fn all_answer(&mut self) {
        tokio::time::timeout(PATIENCE, &mut self.announced).await.expect("in time").expect("all answer");
    }

    async fn ask(&self, request: Request) -> Result<Answer, LocalnetError> {
        let asked = socket::ask(None, self.registry.path(), &request);
        tokio::time::timeout(PATIENCE, asked).await.expect("in time").map(|(_, answer)| answer)
    }

    async fn done(&self, request: Request) -> String {
        match self.ask(request).await.unwrap() {
            Answer::Done(text) => text,
            other => panic!("{other:?}"),
        }
    }

    async fn refused(&self, request: Request) -> String {
        match self.ask(request).await.unwrap() {
            Answer::Refused(why) => why,
            other => panic!("{other:?}"),
        }
    }

    async fn status(&self) -> Vec<NodeStatus> {
        match self.ask(Request::Status).await.unwrap() {
            Answer::Status(nodes) => nodes,
            other => panic!("{other:?}"),
        }
    }

    async fn state_of(&self, index: usize) -> NodeState {
        self.status().await[index].state
    }

    /// Waits until a line was logged.
    async fn logged(&self, part: &str) {
        let begin = Instant::now();
        let mut ticks = tokio::time::interval(Duration::from_millis(10));
        while !self.written.text().contains(part) {
            assert!(begin.elapsed() < PATIENCE, "no '{part}' in:\n{}", self.written.text());
            ticks.tick().await;
        }
    }

    async fn interrupt(&self) {
        self.events.send(Event::Interrupt).await.expect("a supervisor");
    }

    /// Waits for the end, and checks that no process is left. Returns the log.
    async fn end(mut self) -> (Result<(), LocalnetError>, String) {
        let outcome =
            tokio::time::timeout(PATIENCE, &mut self.outcome).await.expect("in time").expect("no panic");
        if let Some(listening) = self.listening.take() {
            listening.finish().await;
        }
        for pid in self.pids() {
            assert!(!is_alive(pid), "process {pid} is left");
        }
        (outcome, self.written.text())
    }

    /// All processes that were ever started.
    fn pids(&self) -> Vec<u32> {
        let read = |name| fs::read_to_string(self.folder.path().join(name).join("pids")).unwrap_or_default();
        NAMES
            .iter()
            .flat_map(|name| read(name).lines().map(|pid| pid.parse().unwrap()).collect::<Vec<_>>())
            .collect()
    }
}

/// Whether a process is there, and not only its entry until the parent has looked.
fn is_alive(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, state)| !state.starts_with('Z'))
}

fn bob() -> Option<String> {
    Some("bob".to_owned())
}

#[tokio::test]
async fn nodes_start_in_order_and_their_lines_carry_their_names() {
    let mut net = Net::start(3, &[], PATIENCE);
    net.all_answer().await;
    // The log is written by a thread of its own, a little later.
    let lines = ["alice    | alice begins", "bob      | bob begins", "charlie  | charlie begins", "(3 of 3)"];
    for line in lines {
        net.logged(line).await;
    }
    let log = net.written.text();
    let at = |part: &str| log.find(part).unwrap_or_else(|| panic!("no {part} in:\n{log}"));
    assert!(at("starting alice") < at("starting bob") && at("starting bob") < at("starting charlie"));
    let nodes = net.status().await;
    assert!(nodes.iter().all(|node| node.state == NodeState::Running && node.starts == 1), "{nodes:?}");
    assert_eq!(nodes.iter().map(|node| node.pid.unwrap()).collect::<Vec<_>>(), net.pids());

    net.interrupt().await;
    let (outcome, log) = net.end().await;
    outcome.unwrap();
    for name in ["alice", "bob", "charlie"] {
        assert!(
            log.contains(&format!("{name} says goodbye")) && log.contains(&format!("{name} has stopped")),
            "{log}"
        );
    }
}

#[tokio::test]
async fn single_nodes_are_killed_started_stopped_and_restarted_while_the_others_go_on() {
    let mut net = Net::start(2, &[], PATIENCE);
    net.all_answer().await;
    let alice = net.status().await[0].pid;

    assert_eq!(net.done(Request::Kill { node: bob() }).await, "bob has stopped");
    assert_eq!(net.state_of(1).await, NodeState::Stopped);
    assert_eq!(net.done(Request::Start { node: bob() }).await, "bob answers");
    assert_eq!(net.done(Request::Start { node: bob() }).await, "bob answers", "it runs already");
    assert_eq!(net.status().await[1].starts, 2);
    assert_eq!(net.done(Request::Restart { node: bob() }).await, "bob answers");
    assert_eq!(net.done(Request::Stop { node: bob() }).await, "bob has stopped");
    assert_eq!(net.done(Request::Stop { node: bob() }).await, "bob has stopped", "it had stopped already");
    assert_eq!(net.done(Request::Restart { node: bob() }).await, "bob answers");

    let nodes = net.status().await;
    assert_eq!((nodes[1].state, nodes[1].starts), (NodeState::Running, 4));
    assert_eq!(nodes[0].pid, alice, "alice was left alone");
    assert_eq!(net.pids().len(), 5);
    assert_eq!(net.done(Request::Stop { node: None }).await, "alice, bob have stopped");
    net.end().await.0.unwrap();
}

#[tokio::test]
async fn a_node_that_ends_by_itself_is_shouted_about_and_can_be_started_again() {
    let net = Net::start(2, &[("bob", "dies")], PATIENCE);
    net.logged("bob ENDED BY ITSELF (exit status: 3)").await;
    net.logged("localnet |   out of luck").await;
    net.logged("ctl start bob").await;
    net.logged("alice answers").await;
    assert_eq!(net.state_of(1).await, NodeState::Failed);
    let why = net.refused(Request::Start { node: bob() }).await;
    assert!(why.contains("bob does not run (exit status: 3)") && why.contains("out of luck"), "{why}");

    fs::remove_file(net.folder.path().join("mode-bob")).unwrap();
    assert_eq!(net.done(Request::Start { node: bob() }).await, "bob answers");
    net.interrupt().await;
    net.end().await.0.unwrap();
}

#[tokio::test]
async fn a_network_of_which_nothing_starts_gives_up() {
    let net = Net::start(2, &[("alice", "dies"), ("bob", "dies")], PATIENCE);
    let (outcome, log) = net.end().await;
    assert!(matches!(outcome, Err(LocalnetError::NothingStarted)), "{outcome:?}");
    assert!(log.contains("out of luck"), "{log}");
}

#[tokio::test]
async fn a_node_that_does_not_stop_is_killed_after_a_while() {
    let mut net = Net::start(2, &[("bob", "stubborn")], Duration::from_millis(200));
    net.all_answer().await;
    net.interrupt().await;
    let (outcome, log) = net.end().await;
    outcome.unwrap();
    assert!(log.contains("bob has stopped: it did not when asked, and was killed"), "{log}");
}

#[tokio::test]
async fn a_second_interrupt_waits_for_nobody() {
    let mut net = Net::start(1, &[("alice", "stubborn")], Duration::from_secs(3600));
    net.all_answer().await;
    net.interrupt().await;
    net.logged("stopping all nodes").await;
    net.interrupt().await;
    net.end().await.0.unwrap();
}

#[tokio::test]
async fn an_interrupt_while_nodes_still_start_leaves_none() {
    let net = Net::start(3, &[("bob", "mute")], PATIENCE);
    net.logged("bob begins").await;
    net.interrupt().await;
    net.end().await.0.unwrap();
}

#[tokio::test]
async fn nodes_are_gone_when_the_supervisor_is_dropped_in_the_middle() {
    let mut net = Net::start(2, &[("bob", "stubborn")], PATIENCE);
    net.all_answer().await;
    net.outcome.abort();
    let begin = Instant::now();
    let mut ticks = tokio::time::interval(Duration::from_millis(10));
    while net.pids().into_iter().any(is_alive) {
        assert!(begin.elapsed() < PATIENCE, "a process is left");
        ticks.tick().await;
    }
}

#[tokio::test]
async fn a_folder_belongs_to_one_localnet() {
    let mut net = Net::start(1, &[], PATIENCE);
    net.all_answer().await;
    let error = Claim::take(net.folder.path(), net.registry.path()).unwrap_err();
    assert!(error.to_string().contains("runs in") && error.to_string().contains("ctl stop"), "{error}");
    net.interrupt().await;
    net.end().await.0.unwrap();
}

#[tokio::test]
async fn unknown_nodes_are_answered_with_the_known_ones() {
    let mut net = Net::start(2, &[], PATIENCE);
    net.all_answer().await;
    let why = net.refused(Request::Kill { node: Some("zoe".into()) }).await;
    assert_eq!(why, "there is no node 'zoe': the nodes are alice, bob");
    net.interrupt().await;
    net.end().await.0.unwrap();
}

#[tokio::test]
async fn ctl_finds_the_only_localnet_asks_which_of_several_and_says_if_there_is_none() {
    let registry = tempfile::tempdir().unwrap();
    let none = socket::ask(None, registry.path(), &Request::Status).await.unwrap_err().to_string();
    assert!(none.contains("no localnet is running; start one with"), "{none}");
    let folder = tempfile::tempdir().unwrap();
    let none =
        socket::ask(Some(folder.path()), registry.path(), &Request::Status).await.unwrap_err().to_string();
    assert!(none.contains(&format!("no localnet is running in {}", folder.path().display())), "{none}");

    // What is left of one that was killed is in nobody's way.
    let dead = tempfile::tempdir().unwrap();
    let claim = Claim::take(dead.path(), registry.path()).unwrap();
    let (events, _heard) = mpsc::channel(1);
    let listening = claim.listen(events.clone()).unwrap();
    std::mem::forget(claim);
    listening.finish().await;
    let none = socket::ask(None, registry.path(), &Request::Status).await.unwrap_err().to_string();
    assert!(none.contains("no localnet is running;"), "{none}");

    let others = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let claims = others.each_ref().map(|folder| Claim::take(folder.path(), registry.path()).unwrap());
    let _listening = claims.each_ref().map(|claim| claim.listen(events.clone()).unwrap());
    let several = socket::ask(None, registry.path(), &Request::Status).await.unwrap_err().to_string();
    assert!(several.contains("--base-path"), "{several}");
    for folder in &others {
        assert!(several.contains(folder.path().to_str().unwrap()), "{several}");
    }
}

#[tokio::test]
async fn a_deep_folder_has_its_socket_elsewhere() {
    let (root, registry) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let deep = root.path().join("d".repeat(100));
    fs::create_dir(&deep).unwrap();
    let claim = Claim::take(&deep, registry.path()).unwrap();
    let (events, mut heard) = mpsc::channel(1);
    let _listening = claim.listen(events).unwrap();
    tokio::spawn(async move {
        while let Some(Event::Control { reply, .. }) = heard.recv().await {
            drop(reply.send(Answer::Done("heard".into())));
        }
    });
    let (_, answer) = socket::ask(Some(&deep), registry.path(), &Request::Status).await.unwrap();
    assert_eq!(answer, Answer::Done("heard".into()));
}

#[tokio::test]
async fn rubbish_on_the_socket_is_answered_and_harms_nobody() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut net = Net::start(1, &[], PATIENCE);
    net.all_answer().await;
    let mut connection =
        tokio::net::UnixStream::connect(net.folder.path().join("localnet.sock")).await.unwrap();
    connection.write_all(b"GET / HTTP/1.1\n").await.unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.unwrap();
    assert!(answer.contains("refused") && answer.contains("not understood"), "{answer}");
    assert_eq!(net.state_of(0).await, NodeState::Running);
    net.interrupt().await;
    net.end().await.0.unwrap();
}
