//! The command line, as README shows it.

use basalt_e2e::Node;
use basalt_test_kit::Sender;

use crate::rpc::Rpc;

#[test]
fn keys_are_generated_and_inspected() {
    let inspected = Node::run(&["key", "inspect", "//Alice"]);
    assert_eq!(inspected.code, Some(0), "{}", inspected.output);
    assert!(
        inspected.output.contains("5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"),
        "{}",
        inspected.output
    );
    let generated = Node::run(&["key", "generate", "--json"]);
    assert_eq!(generated.code, Some(0), "{}", generated.output);
    let key: serde_json::Value = serde_json::from_str(&generated.output).expect("--json prints JSON");
    let phrase = key["secretPhrase"].as_str().expect("there is a phrase");
    assert_eq!(phrase.split(' ').count(), 12);
}

#[tokio::test]
async fn a_transfer_from_the_command_line_arrives() {
    let node = Node::start(&["--dev", "--tmp"]).unwrap();
    let url = node.url.clone();
    let transfer = tokio::task::spawn_blocking(move || {
        Node::run(&["tx", "transfer", "--from", "//Alice", "--to", "//Bob", "--amount", "1.5", "--url", &url])
    });
    let exit = transfer.await.unwrap();
    assert_eq!(exit.code, Some(0), "{}", exit.output);
    let rpc = Rpc::connect(&node.url).await;
    assert_eq!(rpc.finalized().await.0, 1);
    assert_eq!(rpc.nonce(&Sender::dev("Alice")).await, 1);
}

#[test]
fn mistakes_on_the_command_line_are_answered_with_a_sentence() {
    for (arguments, expected) in [
        (&["--chain", "nowhere"] as &[&str], "there is no chain 'nowhere'"),
        (&["--dev", "--sealing", "sometimes"], "is not a way of sealing"),
        (&["--dev", "--pruning", "0"], "is not a pruning"),
        (&["--dev", "--execution", "fast"], "use sequential, parallel or parallel=N with N from 1 to 256"),
        (&["--dev", "--execution", "parallel=0"], "use sequential, parallel or parallel=N"),
        (&["--dev", "--execution", "parallel=257"], "use sequential, parallel or parallel=N"),
        (&["--dev", "--no-prometheus", "--prometheus-port", "0"], "cannot be used with"),
        (&["bench", "report", "--block", "latest"], "'latest' is no block: use its height"),
        (&["--dev", "--log", "a=b=c"], "the log filter 'a=b=c' is not valid"),
        (&["key", "inspect", "//"], "junction"),
    ] {
        let exit = Node::run(arguments);
        assert_ne!(exit.code, Some(0), "{arguments:?}");
        assert!(exit.output.contains(expected), "{arguments:?}: {}", exit.output);
    }
}

#[test]
fn an_occupied_port_is_answered_with_a_sentence() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let exit = Node::run(&["--dev", "--tmp", "--rpc-port", &port]);
    assert_eq!(exit.code, Some(1));
    assert!(exit.output.contains(&port) && exit.output.contains("--rpc-port"), "{}", exit.output);

    let exit = Node::run(&["--dev", "--tmp", "--rpc-port", "0", "--prometheus-port", &port]);
    assert_eq!(exit.code, Some(1), "{}", exit.output);
    assert!(exit.output.contains(&port) && exit.output.contains("--prometheus-port"), "{}", exit.output);
}
