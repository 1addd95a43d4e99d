//! `basalt localnet` with real nodes: from its start to its end, however that comes.

use std::{
    path::Path,
    process::Command,
    sync::mpsc::sync_channel,
    time::{Duration, Instant},
};

use basalt_e2e::localnet::{PATIENCE, World};

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
    let world = World::new(2, &[]);
    let mut net = world.start();
    for part in ["ws://127.0.0.1:", "//Alice", "polkadot.js.org", "alice    | ", "bob      | "] {
        if !net.output().contains(part) {
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
