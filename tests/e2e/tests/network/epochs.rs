//! Validators come and go on a network of processes, while blocks go on becoming final.

use std::collections::BTreeMap;

use basalt_e2e::Node;
use basalt_pallet_session::{self as session, SessionKeys};
use basalt_pallet_staking::{
    self as staking,
    types::{RewardDestination, ValidatorPrefs},
};
use basalt_pallet_utility as utility;
use basalt_primitives::{AccountId, Digest, DigestItem, H256};
use basalt_runtime::{RuntimeCall, UNIT};
use basalt_test_kit::Sender;
use jsonrpsee::rpc_params;
use parity_scale_codec::{Decode, DecodeAll};
use serde_json::Value;
use tokio::time::timeout;

use basalt_e2e::{
    localnet::{PATIENCE, World},
    rpc::{Rpc, hash, number},
};

/// Blocks of an epoch.
const EPOCH: u32 = 6;
/// Between blocks, in milliseconds.
const BLOCK_MS: u64 = 1_000;

/// What is known of a final block.
#[derive(Debug, Clone)]
struct Seen {
    hash: H256,
    author: AccountId,
    time: u64,
}

/// All final blocks so far.
struct Chain {
    rpc: Rpc,
    blocks: BTreeMap<u32, Seen>,
}

impl Chain {
    async fn value<T: Decode>(&self, pallet: &str, item: &str, at: H256) -> T {
        let bytes = self.rpc.storage(pallet, item, at).await.unwrap_or_else(|| panic!("no {pallet}.{item}"));
        T::decode_all(&mut &bytes[..]).unwrap_or_else(|error| panic!("{pallet}.{item}: {error}"))
    }

    /// Waits until this height is final, and looks at all blocks up to it.
    async fn reach(&mut self, height: u32) {
        // An epoch at a time, so that slow machines have patience enough.
        let from = self.blocks.last_key_value().map_or(1, |(number, _)| number + 1);
        for number in from..=height {
            let reached = timeout(PATIENCE, self.rpc.reaches(number)).await;
            reached.unwrap_or_else(|_| panic!("block {number} does not become final"));
            let hash = hash(self.rpc.get("chain_getBlockHash", rpc_params![number]).await.as_str().unwrap());
            let header = self.rpc.get("chain_getHeader", rpc_params![format!("{hash:?}")]).await;
            let digest: Digest = serde_json::from_value(header["digest"].clone()).unwrap();
            let author = digest.logs.iter().find_map(|item| match item {
                DigestItem::PreRuntime([b'n', b'm', b'b', b's'], account) => {
                    AccountId::decode(&mut &account[..]).ok()
                }
                _ => None,
            });
            let author = author.expect("a header names its author");
            let time = self.value("Timestamp", "Now", hash).await;
            self.blocks.insert(number, Seen { hash, author, time });
        }
    }

    /// Who decides the block above this one.
    async fn validators_after(&self, number: u32) -> Vec<AccountId> {
        self.value("Session", "Validators", self.blocks[&number].hash).await
    }

    /// Whether the proof of a block holds a vote of this key.
    async fn has_vote(&self, number: u32, key: &[u8; 32]) -> bool {
        let block =
            self.rpc.get("chain_getBlock", rpc_params![format!("{:?}", self.blocks[&number].hash)]).await;
        let proof = block["justifications"][0][1].as_array().expect("each block has a proof");
        let bytes: Vec<u8> = proof.iter().map(|byte| byte.as_u64().unwrap() as u8).collect();
        bytes.windows(32).any(|window| window == key)
    }

    /// Sends a call; the epoch of the block that it is in.
    async fn send(&mut self, sender: &mut Sender, call: RuntimeCall) -> u32 {
        let bytes = sender.sign(self.rpc.genesis_hash, &call);
        let block = timeout(PATIENCE, self.rpc.finalize(&bytes)).await.expect("the call is not final");
        let header = self.rpc.get("chain_getHeader", rpc_params![format!("{block:?}")]).await;
        (number(&header) - 1) / EPOCH
    }
}

/// Its own data and keys; it knows one of the others.
fn newcomer(world: &World, folder: &str, bootnode: &str, owner: &Sender) -> Node {
    let chain = world.folder.path().join("chain.json");
    let chain = chain.to_str().expect("text");
    let made = world.run(&[
        "key",
        "generate-validator",
        "--account",
        &owner.account().to_string(),
        "--chain",
        chain,
        "--base-path",
        folder,
    ]);
    assert_eq!(made.code, Some(0), "{}", made.output);
    let block_time = format!("{BLOCK_MS}ms");
    let flags = [
        "--chain",
        chain,
        "--base-path",
        folder,
        "--validator",
        "--listen-addr",
        "/ip4/127.0.0.1/tcp/0",
        "--no-mdns",
        "--bootnodes",
        bootnode,
        "--block-time",
        &block_time,
        "--empty-block-time",
        &block_time,
    ];
    Node::start(&flags).unwrap_or_else(|exit| panic!("{}", exit.output))
}

#[tokio::test]
async fn a_fifth_validator_bonds_and_takes_part_one_chills_and_leaves_and_finality_goes_on() {
    let (time, epoch) = (format!("{BLOCK_MS}ms"), EPOCH.to_string());
    let flags = ["--block-time", &time, "--empty-block-time", &time, "--epoch-length", &epoch];
    let world = World::new(4, &flags);
    let net = world.start();
    let mut chain = Chain { rpc: Rpc::connect(&world.url(0)).await, blocks: BTreeMap::new() };
    let address = chain.rpc.get("system_localListenAddresses", rpc_params![]).await;
    let address = address[0].as_str().expect("an address").to_owned();

    let (mut eve, mut dave) = (Sender::dev("Eve"), Sender::dev("Dave"));
    let folder = tempfile::tempdir().unwrap();
    let node = newcomer(&world, folder.path().to_str().unwrap(), &address, &eve);
    let fifth = Rpc::connect(&node.url).await;

    // Others than those that it was started with: it signs with the ones that the set names.
    let owner = const_hex::encode_prefixed(eve.account().0);
    let made = fifth.get("author_rotateKeysWithOwner", rpc_params![owner]).await;
    let bytes = |field: &str| const_hex::decode(made[field].as_str().unwrap()).unwrap();
    let keys = SessionKeys::decode_all(&mut &bytes("keys")[..]).unwrap();
    let calls = vec![
        RuntimeCall::Staking(staking::Call::bond { value: 100_000 * UNIT, payee: RewardDestination::Staked }),
        RuntimeCall::Session(session::Call::set_keys { keys, proof: bytes("proof") }),
        RuntimeCall::Staking(staking::Call::validate { prefs: ValidatorPrefs::default() }),
    ];
    let sent = chain.send(&mut eve, RuntimeCall::Utility(utility::Call::batch_all { calls })).await;

    // Frozen with the first block of the next epoch, announced one later, active two later.
    let first = (sent + 3) * EPOCH + 1;
    chain.reach(first - 1).await;
    let announced = first - EPOCH;
    let queued = |at: u32| {
        chain.value::<Vec<(AccountId, SessionKeys)>>("Session", "QueuedKeys", chain.blocks[&at].hash)
    };
    assert!(!queued(announced - 1).await.contains(&(eve.account(), keys)), "announced too early");
    assert!(queued(announced).await.contains(&(eve.account(), keys)), "not announced");
    assert!(!chain.validators_after(first - 2).await.contains(&eve.account()), "active too early");
    assert_eq!(chain.validators_after(first - 1).await.len(), 5);
    assert!(chain.validators_after(first - 1).await.contains(&eve.account()));

    // It votes from its first block on, and makes blocks when it is its turn.
    let sent = chain.send(&mut dave, RuntimeCall::Staking(staking::Call::chill)).await;
    let last = (sent + 3) * EPOCH;
    chain.reach(last).await;
    let mut votes = 0;
    for height in first..first + EPOCH {
        votes += u32::from(chain.has_vote(height, &keys.grandpa).await);
    }
    // A certificate holds the votes of a quorum, and four of five are one.
    assert!(votes > 0, "no vote of the newcomer counted in {EPOCH} blocks");
    let authored = |who: AccountId, blocks: std::ops::RangeInclusive<u32>| {
        blocks.filter(|number| chain.blocks[number].author == who).count()
    };
    assert_eq!(authored(eve.account(), 1..=first - 1), 0);
    assert!(authored(eve.account(), first..=last) > 0, "the newcomer made no block");
    let report = fifth.get("basalt_consensusStatus", rpc_params![]).await;
    assert_eq!(report["local"], Value::from(eve.account().to_string()), "{report}");

    // Dave is out, and his node goes on as one that follows.
    chain.reach(last + EPOCH).await;
    assert!(chain.validators_after(last - 1).await.contains(&dave.account()));
    assert!(!chain.validators_after(last).await.contains(&dave.account()));
    assert_eq!(
        (last + 1..=last + EPOCH).filter(|number| chain.blocks[number].author == dave.account()).count(),
        0
    );
    let of_dave = Rpc::connect(&world.url(3)).await;
    timeout(PATIENCE, of_dave.reaches(last + EPOCH)).await.expect("Dave's node follows");
    let hash = of_dave.get("chain_getBlockHash", rpc_params![last + EPOCH]).await;
    assert_eq!(basalt_e2e::rpc::hash(hash.as_str().unwrap()), chain.blocks[&(last + EPOCH)].hash);

    // By the blocks' own times, which their authors take when they begin to build.
    let times: Vec<u64> = chain.blocks.values().map(|block| block.time).collect();
    let gaps: Vec<u64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let longest = gaps.iter().max().unwrap();
    assert!(*longest <= 2 * BLOCK_MS, "finality paused for {longest} ms: {gaps:?}");

    // Another one comes late, over all changes of the set, each of which it checks.
    let folder = tempfile::tempdir().unwrap();
    let spec = world.folder.path().join("chain.json");
    let late = Node::start(&[
        "--chain",
        spec.to_str().unwrap(),
        "--base-path",
        folder.path().to_str().unwrap(),
        "--listen-addr",
        "/ip4/127.0.0.1/tcp/0",
        "--no-mdns",
        "--bootnodes",
        &address,
    ]);
    let late = late.unwrap_or_else(|exit| panic!("{}", exit.output));
    let rpc = Rpc::connect(&late.url).await;
    timeout(PATIENCE, rpc.reaches(last + EPOCH)).await.expect("the late node catches up");
    assert_eq!(late.stop().code, Some(0));
    assert_eq!(node.stop().code, Some(0));
    drop(net);
}
