//! Who may depend on whom: the arrows of the architecture, as data.
//!
//! Dependencies point at the pure crates. What a crate needs for its own tests is not counted: a test may look at
//! anything.

use super::workspace::Workspace;

/// Crates that never reach certain others, not even through a third crate.
struct Never {
    /// Folders of the crates that this is about; `runtime/*` is everything below `runtime`, itself included.
    who: &'static [&'static str],
    /// Folders that it is not about, though `who` says so.
    but: &'static [&'static str],
    /// Folders of ours (with a `/` or found in the workspace), or names of others' crates.
    what: &'static [&'static str],
    /// What goes wrong otherwise.
    reason: &'static str,
}

/// Crates that only certain others name in their manifests.
struct Only {
    /// Folder of ours, or name of another's crate.
    what: &'static str,
    /// Folders of the crates that may.
    who: &'static [&'static str],
    /// What goes wrong otherwise.
    reason: &'static str,
}

const NEVER: &[Never] = &[
    Never {
        who: &["runtime/*", "pallets/*"],
        but: &[],
        what: &["node/*", "rpc/*", "tests/*", "xtask", "tokio", "rocksdb", "libp2p", "jsonrpsee"],
        reason: "the runtime does not know the node that runs it, and becomes Wasm, where there is no such thing",
    },
    Never {
        who: &[
            "runtime/primitives",
            "runtime/state",
            "runtime/tree",
            "runtime/election",
            "runtime/support",
            "runtime/api",
            "pallets/*",
        ],
        but: &[],
        what: &["runtime", "runtime/executor"],
        reason: "the runtime is composed of these crates, so the arrow points the other way",
    },
    Never {
        who: &[
            "runtime/primitives",
            "runtime/state",
            "runtime/tree",
            "runtime/election",
            "runtime/support",
            "runtime/api",
        ],
        but: &[],
        what: &["pallets/*"],
        reason: "pallets are built upon these crates, so the arrow points the other way",
    },
    Never {
        who: &["runtime/executor", "node/pool"],
        but: &[],
        what: &["runtime", "runtime/support", "pallets/*", "rocksdb", "node/db", "node/chain"],
        reason: "it works for any chain through the door `runtime/api`, and its tests need no database",
    },
    Never {
        who: &["node/*", "rpc/*"],
        but: &["node"],
        what: &["runtime", "pallets/*"],
        reason: "the chain is swapped by changing `node`'s wiring; everything else sees it as bytes through `runtime/api`",
    },
    Never {
        who: &["node/network"],
        but: &[],
        what: &["node/pool", "node/chain", "node/db", "rpc"],
        reason: "the network carries messages; what they mean is for `node` to connect",
    },
    Never {
        who: &["node/db"],
        but: &[],
        what: &["node/pool", "node/chain", "node/consensus/*", "rpc", "runtime/executor", "tokio"],
        reason: "the database keeps what it is given, synchronously, and decides nothing",
    },
    Never {
        who: &["node/chain", "node/consensus/*", "node/pool", "node/db"],
        but: &[],
        what: &["rpc", "rpc/api", "jsonrpsee"],
        reason: "the RPC server asks the node, the node does not know who asks",
    },
    Never {
        who: &["contracts/vm"],
        but: &[],
        what: &["pallets/*", "node/*", "rpc/*", "runtime"],
        reason: "the machine runs a contract against a host interface, and knows no pallet",
    },
    Never {
        who: &["contracts/build"],
        but: &[],
        what: &["pallets/*", "node/*", "rpc/*", "runtime", "runtime/executor"],
        reason: "building a contract takes no chain: other tools may use it without one",
    },
    Never {
        who: &["rpc/api"],
        but: &[],
        what: &["node/*", "runtime", "runtime/executor", "rpc"],
        reason: "clients use it too: it names methods and their types, and nothing else",
    },
    Never {
        who: &["runtime/*", "pallets/*", "node/*", "rpc/*"],
        but: &[],
        what: &["tests/*", "xtask"],
        reason: "what we ship contains no test code",
    },
];

/// A runtime is deterministic and `no_std`.
const NOT_IN_CONSENSUS: &str =
    "a runtime is deterministic, synchronous and no_std: no threads, no dice, no log";

const ONLY: &[Only] = &[
    Only { what: "rand", who: &["node/*", "rpc/*", "tests/*"], reason: NOT_IN_CONSENSUS },
    Only {
        what: "tracing",
        // In `contracts/vm` with feature `std` only, which the runtime does not turn on.
        who: &["node/*", "rpc/*", "tests/*", "runtime/executor", "contracts/vm"],
        reason: NOT_IN_CONSENSUS,
    },
    Only {
        what: "parking_lot",
        // In `contracts/vm` with feature `std` only, which the runtime does not turn on.
        who: &["node/*", "rpc/*", "tests/*", "runtime/executor", "contracts/vm"],
        reason: NOT_IN_CONSENSUS,
    },
    Only {
        what: "runtime",
        who: &["node", "tests/*"],
        reason: "only `node` knows which chain this is; others take any through `runtime/api`",
    },
    Only {
        what: "rocksdb",
        who: &["node/db"],
        reason: "one crate commits, one atomic batch per block; others ask it",
    },
    Only { what: "node", who: &["tests/*"], reason: "the wiring is the top of the graph" },
    Only {
        what: "anyhow",
        who: &["node", "tests/*", "xtask"],
        reason: "a library's errors are types that callers can decide on; only programs give up on that",
    },
    Only {
        what: "clap",
        who: &["node", "tests/*", "xtask"],
        reason: "libraries take values, programs take arguments",
    },
];

/// Applies both tables.
pub(super) fn check(workspace: &Workspace) -> Vec<String> {
    let mut problems = Vec::new();
    for (name, member) in &workspace.members {
        let reached = workspace.reach(name);
        for rule in NEVER {
            if !within(&member.folder, rule.who) || within(&member.folder, rule.but) {
                continue;
            }
            for (found, chain) in &reached {
                if is_any_of(workspace, found, rule.what) {
                    problems.push(format!(
                        "{} must not depend on {found}: {} ({})",
                        name,
                        rule.reason,
                        chain.join(" → ")
                    ));
                }
            }
        }
        for rule in ONLY {
            let direct = member.dependencies.iter().find(|found| is_any_of(workspace, found, &[rule.what]));
            if let Some(found) = direct.filter(|_| !within(&member.folder, rule.who)) {
                problems.push(format!("{name} must not name {found} in its manifest: {}", rule.reason));
            }
        }
    }
    problems
}

/// Is the crate `name` one of `what`, by the folder if it is ours, else by its name?
fn is_any_of(workspace: &Workspace, name: &str, what: &[&str]) -> bool {
    match workspace.members.get(name) {
        Some(ours) => within(&ours.folder, what),
        None => what.contains(&name),
    }
}

/// Is `folder` one of `patterns`?
fn within(folder: &str, patterns: &[&str]) -> bool {
    patterns.iter().any(|pattern| match pattern.strip_suffix("/*") {
        Some(parent) => folder == parent || folder.starts_with(&format!("{parent}/")),
        None => folder == *pattern,
    })
}
