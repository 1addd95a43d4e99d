//! A node with contracts, and `basalt contract` as its users type it.

use std::{
    path::PathBuf,
    process::{Command, Stdio},
};

use basalt_e2e::{Exit, Node, binary};
use basalt_pallet_system::{ACCOUNT, AccountInfo};
use basalt_primitives::{AccountId, Balance};
use basalt_test_kit::Sender;
use jsonrpsee::rpc_params;
use parity_scale_codec::Decode;
use serde_json::Value;
use tempfile::TempDir;

use crate::rpc::{Rpc, number};

/// A bundle that `make contracts` has built.
pub(crate) fn bundle(name: &str) -> String {
    // Where `make contracts` puts them, or where CONTRACTS_OUT says they are.
    let out = std::env::var_os("CONTRACTS_OUT").map(PathBuf::from).unwrap_or_else(|| {
        let test = std::env::current_exe().unwrap();
        let debug = test.ancestors().find(|folder| folder.ends_with("debug"));
        let base = debug.and_then(|debug| debug.ancestors().nth(2));
        base.expect("tests run from a target folder").join("contracts/out")
    });
    let path = out.join(name);
    assert!(path.is_file(), "{} is missing: run `make contracts`", path.display());
    path.to_str().expect("paths of tests are UTF-8").to_owned()
}

/// A node, and a user with a folder of his own for what is remembered.
pub(crate) struct Chain {
    node: Node,
    home: TempDir,
}

impl Chain {
    pub(crate) fn start() -> Self {
        let node = Node::start(&["--dev", "--tmp"]).unwrap_or_else(|exit| panic!("{}", exit.output));
        Self { node, home: tempfile::tempdir().unwrap() }
    }

    /// Runs `basalt contract`: stdout and stderr apart, since only the result is for scripts.
    pub(crate) fn contract(&self, arguments: &[&str]) -> (Exit, String) {
        let output = Command::new(binary())
            .arg("contract")
            .args(arguments)
            .env("BASALT_URL", &self.node.url)
            .env("XDG_DATA_HOME", self.home.path())
            .current_dir(self.home.path())
            .stdin(Stdio::null())
            .output()
            .expect("the binary can be started");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("programs print UTF-8");
        (Exit { code: output.status.code(), output: text(output.stdout) }, text(output.stderr))
    }

    pub(crate) fn succeeds(&self, arguments: &[&str]) -> String {
        let (exit, errors) = self.contract(arguments);
        assert_eq!(exit.code, Some(0), "{arguments:?}: {}{errors}", exit.output);
        exit.output
    }

    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let output = self.succeeds(&[arguments, &["--json"]].concat());
        serde_json::from_str(&output).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {output}"))
    }

    /// What is said about a command that fails.
    pub(crate) fn refusal(&self, arguments: &[&str]) -> String {
        let (exit, errors) = self.contract(arguments);
        assert_eq!(exit.code, Some(1), "{arguments:?}: {}{errors}", exit.output);
        assert_eq!(exit.output, "", "a failure prints no result");
        errors.lines().last().unwrap_or_default().to_owned()
    }

    /// A contract, and its address.
    pub(crate) fn instantiate(&self, arguments: &[&str]) -> String {
        let result = self.json(&[&["instantiate"], arguments].concat());
        result["contract"].as_str().unwrap_or_else(|| panic!("{result}")).to_owned()
    }

    pub(crate) fn query(&self, arguments: &[&str]) -> String {
        self.succeeds(&[&["query"], arguments].concat()).trim_end().to_owned()
    }
}

/// What several accounts do with contracts.
impl Chain {
    /// A call that succeeds, by an account such as `//Bob`: contract, message, arguments, more flags.
    pub(crate) fn call(&self, from: &str, arguments: &[&str]) -> Value {
        let called = self.json(&[&["call", "--from", from], arguments].concat());
        assert_eq!(called["success"], true, "{arguments:?}: {called}");
        called
    }

    /// A call that the contract refuses with this error, before anything is sent.
    pub(crate) fn refuses(&self, from: &str, arguments: &[&str], error: &str) {
        self.would_fail(from, arguments, &format!("the contract refused with {error}"));
    }

    /// A call that would fail for this reason, so that nothing is sent.
    pub(crate) fn would_fail(&self, from: &str, arguments: &[&str], why: &str) {
        let refusal = self.refusal(&[&["call", "--from", from], arguments].concat());
        let message = arguments[1];
        let head = format!("Error: `{message}` would fail: {why}");
        assert!(refusal.starts_with(&head), "{arguments:?}: {refusal}, not {head}");
        assert!(refusal.ends_with("; nothing was sent"), "{arguments:?}: {refusal}");
    }

    /// An instantiation that the constructor refuses with this error.
    pub(crate) fn refuses_new(&self, arguments: &[&str], error: &str) {
        let refusal = self.refusal(&[&["instantiate"], arguments].concat());
        let expected = format!(
            "Error: the constructor `new` would fail: the contract refused with {error}; nothing was sent"
        );
        assert_eq!(refusal, expected, "{arguments:?}");
    }

    /// Uploads a file. The hash of the code.
    pub(crate) fn upload(&self, from: &str, file: &str) -> String {
        let uploaded = self.json(&["upload", file, "--from", from]);
        assert_eq!(uploaded["success"], true, "{uploaded}");
        uploaded["codeHash"].as_str().expect("a hash is text").to_owned()
    }

    /// A file of the user's.
    pub(crate) fn file(&self, name: &str, content: &[u8]) -> String {
        let path = self.home.path().join(name);
        std::fs::write(&path, content).expect("the folder is ours");
        path.to_str().expect("paths of tests are UTF-8").to_owned()
    }

    /// What an account can spend, in the smallest unit.
    pub(crate) fn free(&self, account: AccountId) -> Balance {
        let key = const_hex::encode_prefixed(ACCOUNT.key(&account));
        let stored = self.ask(async |rpc| rpc.get("state_getStorage", rpc_params![key]).await);
        stored.as_str().map_or(0, |stored| {
            let bytes = const_hex::decode(stored).expect("bytes are hex");
            AccountInfo::decode(&mut &bytes[..]).expect("the record of an account").data.free
        })
    }

    /// Makes empty blocks up to this one, as time would: a development chain makes none by itself.
    pub(crate) fn advance_to(&self, block: u32) {
        self.ask(async |rpc| {
            let head = number(&rpc.get("chain_getHeader", rpc_params![]).await);
            assert!(head < block, "block {block} is no longer ahead: {head} is there");
            for _ in head..block {
                rpc.get("engine_createBlock", rpc_params![true, true]).await;
            }
        });
    }

    fn ask<T>(&self, ask: impl AsyncFnOnce(Rpc) -> T) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async { ask(Rpc::connect(&self.node.url).await).await })
    }
}

/// The account of `//Bob` and the like.
pub(crate) fn account(name: &str) -> AccountId {
    Sender::from_suri(name).account()
}

/// Its address on development chains.
pub(crate) fn address(name: &str) -> String {
    account(name).to_string()
}

/// The events of a transaction, with their fields; those of contracts without known metadata have no name.
pub(crate) fn events(result: &Value) -> Vec<(&str, &Value)> {
    let events = result["events"].as_array().unwrap_or_else(|| panic!("no events: {result}"));
    events.iter().map(|event| (event["name"].as_str().unwrap_or_default(), &event["fields"])).collect()
}

/// An amount in a result.
pub(crate) fn amount(result: &Value, member: &str) -> Balance {
    let amount = result[member].as_str().and_then(|amount| amount.parse().ok());
    amount.unwrap_or_else(|| panic!("no {member}: {result}"))
}
