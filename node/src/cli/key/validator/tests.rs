use clap::Parser;

use super::super::KeyCommand;
use super::*;

#[derive(Debug, Parser)]
struct Cli {
    #[command(subcommand)]
    command: KeyCommand,
}

fn run(args: &[&str]) -> anyhow::Result<String> {
    match Cli::try_parse_from([&["key"], args].concat())?.command {
        KeyCommand::Insert(args) => args.run(),
        KeyCommand::GenerateValidator(args) => args.run(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_inserted_key_is_where_the_node_of_that_chain_looks() {
    let base = tempfile::tempdir().unwrap();
    let base_path = base.path().to_str().unwrap();
    let args =
        ["insert", "--type", "gran", "--suri", "//Alice", "--chain", "local", "--base-path", base_path];
    let public = run(&args).unwrap();
    assert_eq!(public, "0x88dc3417d5058ec4b4503e0c12ea1a0a89be200fe98922423d4334014fa6b0ee");
    let keystore = Keystore::open(base.path().join("chains/basalt_local/keystore")).unwrap();
    assert_eq!(keystore.keys(KeyType::Vote).unwrap().len(), 1);
}

#[test]
fn an_entry_for_the_specification_comes_with_its_keys() {
    let folder = tempfile::tempdir().unwrap();
    let alice = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";
    let keystore_path = folder.path().to_str().unwrap();
    let printed =
        run(&["generate-validator", "--account", alice, "--power", "7", "--keystore-path", keystore_path])
            .unwrap();
    let entry: ValidatorGenesis = serde_json::from_str(&printed).unwrap();
    assert_eq!((entry.account.to_string().as_str(), entry.power), (alice, 7));
    let keystore = Keystore::open(folder.path()).unwrap();
    assert!(keystore.vote_pair(&entry.vote_key.0).unwrap().is_some());
    assert!(keystore.vrf_pair(&entry.vrf_key.0).unwrap().is_some());
    assert!(printed.contains("\"voteKey\": \"0x"), "{printed}");
}

#[test]
fn what_is_missing_or_wrong_is_said() {
    for (args, wanted) in [
        (vec!["insert", "--type", "gran", "--suri", "//Alice"], "--chain"),
        (vec!["insert", "--type", "babe", "--suri", "//Alice", "--keystore-path", "x"], "gran"),
        (
            vec!["insert", "--type", "gran", "--suri", "//Alice", "--chain", "no-such-chain"],
            "no chain 'no-such-chain'",
        ),
        (vec!["generate-validator", "--account", "nobody", "--keystore-path", "x"], "--account"),
    ] {
        let error = run(&args).unwrap_err().to_string();
        assert!(error.contains(wanted), "{error}");
    }
}
