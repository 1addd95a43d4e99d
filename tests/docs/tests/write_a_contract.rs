//! `docs/write-a-contract.md`, word by word, against a real node.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use basalt_docs_test::{
    files,
    script::{Step, missing, steps},
};
use basalt_e2e::{Node, binary};

/// What tells the output of one step from that of the next.
const MARK: &str = "@@ step";
/// The step that runs in a second terminal.
const NODE_COMMAND: &str = "basalt --dev";

fn root() -> PathBuf {
    // Asked when it runs: clones share a target folder, so this test may have been built from another one.
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo says where this crate is");
    Path::new(&manifest).ancestors().nth(2).expect("this crate is in tests/docs").to_owned()
}

/// Where contracts are built: once for all that is tested on this machine, since ink! takes minutes.
fn contracts_target() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let target = test.ancestors().find(|folder| folder.ends_with("debug")).and_then(Path::parent);
    target.and_then(Path::parent).expect("tests run from a target folder").join("contracts")
}

/// All steps as one script, so that the folder and variables stay from one to the next.
fn script(steps: &[Step]) -> String {
    let mut script = "set -euo pipefail\n".to_owned();
    for (step, number) in steps.iter().zip(0..) {
        script.push_str(&format!("echo '{MARK} {number}'\n"));
        // The node is running already: its terminal is another one.
        if step.commands != NODE_COMMAND {
            script.push_str(&step.commands);
            script.push('\n');
        }
    }
    script
}

/// The libraries that `tests/clients/js` has installed. `scripts/test.sh` does that first.
fn node_modules() -> PathBuf {
    let modules = root().join("tests/clients/js/node_modules");
    assert!(
        modules.join("@polkadot/api-contract").is_dir(),
        "@polkadot/api-contract is missing: run `npm ci` in tests/clients/js"
    );
    modules
}

#[test]
fn the_page_leads_from_nothing_to_a_contract_that_is_called() {
    let page = fs::read_to_string(root().join("docs/write-a-contract.md")).unwrap();
    assert!(page.lines().count() < 200, "the page is for an afternoon: keep it below 200 lines");
    let steps = steps(&page);
    assert_eq!(
        steps.iter().filter(|step| step.commands == NODE_COMMAND).count(),
        1,
        "the page starts a node"
    );
    assert!(
        steps.iter().filter(|step| !step.printed.is_empty()).count() >= 6,
        "the page shows what is printed"
    );

    let folder = tempfile::tempdir().unwrap();
    let project = folder.path().join("flipper");
    // What the page tells to write is written when its folder is there: `basalt contract new` must find none.
    let mut written = String::new();
    for file in files(&page) {
        fs::write(folder.path().join(&file.path), file.content).unwrap();
        written.push_str(&format!("cp ../{} .\n", file.path));
    }
    std::os::unix::fs::symlink(node_modules(), folder.path().join("node_modules")).unwrap();

    let node = Node::start(&["--dev", "--tmp"]).unwrap_or_else(|exit| panic!("{}", exit.output));
    let program = binary();
    let path = std::env::var("PATH").unwrap();
    let path = format!("{}:{path}", program.parent().expect("a file has a folder").display());
    let output = Command::new("bash")
        .args(["-c", &script(&steps).replacen("cd flipper\n", &format!("cd flipper\n{written}"), 1)])
        .current_dir(folder.path())
        .env("PATH", path)
        .env("BASALT_URL", &node.url)
        .env("XDG_DATA_HOME", folder.path().join("data"))
        .env("BASALT_CONTRACT_TARGET_DIR", contracts_target())
        .env("CARGO_TARGET_DIR", contracts_target().join("docs"))
        // Rust's and cargo's own variables of this test are none of the reader's.
        .env_remove("RUSTFLAGS")
        .stdin(Stdio::null())
        .output()
        .expect("bash starts");
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let all = format!("{printed}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{all}");
    assert!(project.join("target/ink/flipper.contract").is_file(), "{all}");
    for (step, number) in steps.iter().zip(0..) {
        let of_step = printed.split(&format!("{MARK} {number}\n")).nth(1).expect("every step ran");
        let of_step = of_step.split(MARK).next().unwrap_or_default();
        if let Some(missing) = missing(&step.printed, of_step) {
            panic!("`{}` did not print `{missing}`, but\n{of_step}", step.commands);
        }
    }
}
