//! The order of append, sync and send, as a small model: which orders are safe, and which can get stuck.

use stateright::{Checker, Model, Property};

/// In which order a node makes things durable before it sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    /// As `Action::Sync` says.
    LogThenKeys,
    KeysThenLog,
    SendFirst,
    /// Without the second guard.
    LogOnly,
    /// Without the first one.
    KeysOnly,
}

/// What a node does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Next {
    Sign,
    First,
    Second,
    Send,
    Done,
    /// It signed something that its log does not hold: it only watches this height.
    Muted,
}

/// What is signed depends on what was heard first, which a crash can change.
type Block = u8;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Node {
    next: Next,
    signed: Option<Block>,
    /// Durable.
    log: Option<Block>,
    keys: Option<Block>,
    /// Which blocks others have a vote for, as bits.
    sent: u8,
    crashes: u8,
}

struct Nodes {
    order: Order,
    count: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Sign(usize, Block),
    Go(usize),
    /// And whether the log's last write, which was not synced, is there.
    Crash(usize, bool),
}

const CRASHES_MAX: u8 = 2;

impl Model for Nodes {
    type State = Vec<Node>;
    type Action = Step;

    fn init_states(&self) -> Vec<Self::State> {
        let node = Node { next: Next::Sign, signed: None, log: None, keys: None, sent: 0, crashes: 0 };
        vec![vec![node; self.count]]
    }

    fn actions(&self, state: &Self::State, actions: &mut Vec<Step>) {
        for (at, node) in state.iter().enumerate() {
            match node.next {
                Next::Sign => actions.extend([Step::Sign(at, 0), Step::Sign(at, 1)]),
                Next::First | Next::Second | Next::Send => actions.push(Step::Go(at)),
                Next::Done | Next::Muted => {}
            }
            if node.crashes < CRASHES_MAX {
                actions.push(Step::Crash(at, false));
                if node.signed.is_some() && node.log.is_none() {
                    actions.push(Step::Crash(at, true));
                }
            }
        }
    }

    fn next_state(&self, last: &Self::State, step: Step) -> Option<Self::State> {
        let mut state = last.clone();
        match step {
            Step::Sign(at, block) => {
                let node = &mut state[at];
                node.signed = Some(block);
                node.next = if self.order == Order::SendFirst { Next::Send } else { Next::First };
            }
            Step::Go(at) => self.go(&mut state[at]),
            Step::Crash(at, kept) => {
                let node = &mut state[at];
                node.crashes += 1;
                if kept && self.order != Order::KeysOnly {
                    node.log = node.signed;
                }
                // What the log holds is played again, and sent again.
                node.signed = node.log;
                node.next = match (node.log, node.keys) {
                    (Some(_), _) if self.order == Order::SendFirst => Next::Send,
                    (Some(_), _) => Next::First,
                    (None, Some(_)) => Next::Muted,
                    (None, None) => Next::Sign,
                };
            }
        }
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("nothing is signed twice", |_, state: &Vec<Node>| {
                state.iter().all(|node| node.sent != 0b11)
            }),
            // If all were, this height would never be decided.
            Property::always("not all are muted", |_, state: &Vec<Node>| {
                state.iter().any(|node| node.next != Next::Muted)
            }),
            Property::sometimes("all have sent", |_, state: &Vec<Node>| {
                state.iter().all(|node| node.sent != 0 && node.crashes > 0)
            }),
        ]
    }
}

impl Nodes {
    fn go(&self, node: &mut Node) {
        let send_first = self.order == Order::SendFirst;
        match node.next {
            Next::First => {
                self.sync(node, true);
                node.next = Next::Second;
            }
            Next::Second => {
                self.sync(node, false);
                node.next = if send_first { Next::Done } else { Next::Send };
            }
            Next::Send => {
                if let Some(block) = node.signed {
                    node.sent |= 1 << block;
                }
                node.next = if send_first { Next::First } else { Next::Done };
            }
            Next::Sign | Next::Done | Next::Muted => {}
        }
    }

    fn sync(&self, node: &mut Node, first: bool) {
        let log = match self.order {
            Order::LogThenKeys | Order::SendFirst => first,
            Order::KeysThenLog => !first,
            Order::LogOnly => true,
            Order::KeysOnly => false,
        };
        if log {
            node.log = node.signed;
        } else {
            node.keys = node.signed;
        }
    }
}

fn broken(order: Order) -> Vec<&'static str> {
    let checker = Nodes { order, count: 2 }.checker().threads(2).spawn_bfs().join();
    let mut names: Vec<_> =
        checker.discoveries().into_keys().filter(|name| *name != "all have sent").collect();
    names.sort_unstable();
    names
}

#[test]
fn the_log_first_then_the_keys_then_the_network_is_safe_and_never_stuck() {
    Nodes { order: Order::LogThenKeys, count: 2 }.checker().threads(2).spawn_bfs().join().assert_properties();
}

/// Each part of the order is needed: the model finds what goes wrong without it.
#[test]
fn any_other_order_is_found_to_be_wrong() {
    assert_eq!(broken(Order::KeysThenLog), ["not all are muted"]);
    assert_eq!(broken(Order::KeysOnly), ["not all are muted"]);
    assert!(broken(Order::SendFirst).contains(&"nothing is signed twice"));
    // The keys are for logs that are lost, which no crash does.
    assert_eq!(broken(Order::LogOnly), [""; 0]);
}
