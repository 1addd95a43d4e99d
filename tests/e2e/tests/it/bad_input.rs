//! Each kind of bad transaction gets its own clear error, and none harms the node.

use basalt_e2e::Node;
use basalt_primitives::{Era, H256};
use basalt_runtime::RuntimeCall;
use basalt_test_kit::Sender;
use jsonrpsee::{core::client::Error, rpc_params};

use crate::rpc::{MILLIUNIT, Rpc, prefixed, transfer};

fn refused(result: Result<serde_json::Value, Error>) -> (i32, String, String) {
    match result {
        Err(Error::Call(error)) => {
            let data = error.data().map(ToString::to_string).unwrap_or_default();
            (error.code(), error.message().to_owned(), data)
        }
        other => panic!("this must be refused: {other:?}"),
    }
}

#[tokio::test]
async fn every_kind_of_bad_transaction_gets_its_own_error_and_the_node_goes_on() {
    let node = Node::start(&["--dev", "--tmp"]).unwrap();
    let rpc = Rpc::connect(&node.url).await;
    let genesis = rpc.genesis_hash;
    let (mut alice, bob) = (Sender::dev("Alice"), Sender::dev("Bob"));
    let first = rpc.transfer(&mut alice, &bob, MILLIUNIT);
    rpc.finalize(&first).await;
    let call = transfer(&bob, MILLIUNIT);
    let sign = |nonce, tip, era, birth| alice.sign_with(genesis, &call, nonce, tip, era, birth);
    let good = sign(1, 0, Era::Immortal, genesis);

    // Not even hex; not a transaction; a length prefix that lies; a call that does not exist.
    let (code, ..) = refused(rpc.call("author_submitExtrinsic", rpc_params!["0xzz"]).await);
    assert_eq!(code, -32602);
    for garbage in ["0x", "0x00", "0x0400", "0xffffffff", "0x10ffffffff", "0x280403000b63ce64c38c7501"] {
        let (code, _, data) = refused(rpc.call("author_submitExtrinsic", rpc_params![garbage]).await);
        assert!([1001, 1002, 1010].contains(&code), "{garbage}: {code} {data}");
    }
    let mut unknown_call = good.clone();
    let last = unknown_call.len() - 40;
    unknown_call[last] = 0xee;
    assert!(refused(rpc.submit(&unknown_call).await).0 >= 1001);

    // Too large.
    let huge = RuntimeCall::System(basalt_pallet_system::Call::remark { remark: vec![0; 2 * 1024 * 1024] });
    let (code, _, data) =
        refused(rpc.submit(&alice.sign_with(genesis, &huge, 1, 0, Era::Immortal, genesis)).await);
    assert_eq!(code, 1010);
    assert!(data.contains("exhaust the block limits") && data.contains("1048576"), "{data}");

    // Badly signed.
    let mut forged = good.clone();
    forged[40] ^= 1;
    let (code, message, data) = refused(rpc.submit(&forged).await);
    assert_eq!((code, message.as_str()), (1010, "Invalid Transaction"));
    assert!(data.contains("bad signature"), "{data}");

    // Signed for a block that is not on this chain.
    let (code, _, data) = refused(rpc.submit(&sign(1, 0, Era::mortal(64, 1), H256::repeat_byte(7))).await);
    assert_eq!(code, 1010);
    assert!(data.contains("bad signature"), "{data}");

    // Stale.
    let (code, _, data) = refused(rpc.submit(&sign(0, 0, Era::Immortal, genesis)).await);
    assert_eq!(code, 1010);
    assert!(data.contains("Transaction is outdated") && data.contains("next nonce is 1"), "{data}");

    // Cannot pay: too high a tip, and an account without anything.
    let (code, _, data) = refused(rpc.submit(&sign(1, u128::MAX / 2, Era::Immortal, genesis)).await);
    assert_eq!(code, 1010);
    assert!(data.contains("Inability to pay some fees"), "{data}");
    let mut nobody = Sender::from_suri("//Nobody");
    let (code, _, data) = refused(rpc.submit(&nobody.sign(genesis, &call)).await);
    assert_eq!(code, 1010);
    assert!(data.contains("Inability to pay some fees") && data.contains("can spend 0"), "{data}");

    // A tip that overflows every sum.
    let (code, ..) = refused(rpc.submit(&sign(1, u128::MAX, Era::Immortal, genesis)).await);
    assert_eq!(code, 1010);

    // Twice the same.
    let future = sign(5, 0, Era::Immortal, genesis);
    rpc.submit(&future).await.expect("a future transaction waits in the pool");
    let (code, ..) = refused(rpc.submit(&future).await);
    assert_eq!(code, 1013);

    // An inherent from outside.
    let inherent = basalt_primitives::extrinsic::encode_bare(&parity_scale_codec::Encode::encode(
        &RuntimeCall::Timestamp(basalt_pallet_timestamp::Call::set { now: 1 }),
    ));
    assert_eq!(refused(rpc.submit(&inherent).await).0, 1010);

    // A transfer of more than there is is valid, pays its fee and fails.
    let overflowing = alice.sign_with(genesis, &transfer(&bob, u128::MAX), 1, 0, Era::Immortal, genesis);
    rpc.finalize(&overflowing).await;
    assert_eq!(rpc.nonce(&alice).await, 2);

    // Expired: valid for four blocks only.
    let short = alice.sign_with(genesis, &call, 6, 0, Era::mortal(4, 0), genesis);
    for nonce in 2..5 {
        rpc.finalize(&alice.sign_with(genesis, &call, nonce, 0, Era::Immortal, genesis)).await;
    }
    let (code, _, data) = refused(rpc.submit(&short).await);
    assert_eq!(code, 1010);
    assert!(data.contains("bad signature") || data.contains("ancient birth block"), "{data}");

    // After all that the node still works, and the future transaction has been included.
    alice.nonce = rpc.nonce(&alice).await;
    assert_eq!(alice.nonce, 6);
    let again = rpc.transfer(&mut alice, &bob, MILLIUNIT);
    rpc.finalize(&again).await;
    assert!(prefixed(&again).starts_with("0x"));
}
