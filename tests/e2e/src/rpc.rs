//! A client for tests, and what tests send. Whatever must work and does not is a panic.

use basalt_primitives::{H256, hashing::twox_128};
use basalt_runtime::RuntimeCall;
use basalt_test_kit::Sender;
use jsonrpsee::{
    client_transport::ws::{Url, WsTransportClientBuilder},
    core::{
        client::{Client, ClientBuilder, ClientT, Error, Subscription, SubscriptionClientT},
        params::ArrayParams,
    },
    rpc_params,
};
use serde_json::Value;

/// A thousandth of a token.
pub const MILLIUNIT: u128 = basalt_runtime::MILLIUNIT;

/// A connection to a node.
pub struct Rpc {
    client: Client,
    /// Hash of block 0.
    pub genesis_hash: H256,
}

impl Rpc {
    /// Connects to a node.
    pub async fn connect(url: &str) -> Self {
        let url = Url::parse(url).expect("the node prints a URL");
        let (sender, receiver) =
            WsTransportClientBuilder::default().build(url).await.expect("the node answers");
        let client = ClientBuilder::default().build_with_tokio(sender, receiver);
        let genesis_hash: String =
            client.request("chain_getBlockHash", rpc_params![0]).await.expect("there is a genesis block");
        Self { client, genesis_hash: hash(&genesis_hash) }
    }

    /// Calls a method.
    pub async fn call(&self, method: &str, params: ArrayParams) -> Result<Value, Error> {
        self.client.request(method, params).await
    }

    /// Calls a method that must work.
    pub async fn get(&self, method: &str, params: ArrayParams) -> Value {
        self.call(method, params).await.unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    /// The next nonce of an account, pool included.
    pub async fn nonce(&self, sender: &Sender) -> u32 {
        let nonce = self.get("system_accountNextIndex", rpc_params![sender.account().to_string()]).await;
        u32::try_from(nonce.as_u64().expect("a nonce is a number")).expect("a nonce is small")
    }

    /// Sends a transaction; its hash, or why it was refused.
    pub async fn submit(&self, bytes: &[u8]) -> Result<Value, Error> {
        self.call("author_submitExtrinsic", rpc_params![prefixed(bytes)]).await
    }

    /// Sends a transaction and waits until it is final; the hash of its block.
    pub async fn finalize(&self, bytes: &[u8]) -> H256 {
        let mut updates: Subscription<Value> = self
            .client
            .subscribe(
                "author_submitAndWatchExtrinsic",
                rpc_params![prefixed(bytes)],
                "author_unwatchExtrinsic",
            )
            .await
            .expect("the transaction is accepted");
        while let Some(update) = updates.next().await {
            let update = update.expect("updates decode");
            if let Some(block) = update.get("finalized") {
                return hash(block.as_str().expect("a hash is a string"));
            }
            let text = update.to_string();
            assert!(
                !text.contains("invalid") && !text.contains("dropped"),
                "the transaction ended as {text}"
            );
        }
        panic!("the subscription ended before the transaction was final");
    }

    /// Finalised heads, the current one first.
    pub async fn finalized_heads(&self) -> Subscription<Value> {
        self.client
            .subscribe("chain_subscribeFinalizedHeads", rpc_params![], "chain_unsubscribeFinalizedHeads")
            .await
            .expect("heads can be followed")
    }

    /// Waits until a block of this height, or above it, is final.
    pub async fn reaches(&self, height: u32) {
        let mut heads = self.finalized_heads().await;
        while let Some(head) = heads.next().await {
            if number(&head.expect("heads decode")) >= height {
                return;
            }
        }
        panic!("the subscription ended before height {height}");
    }

    /// Number and hash of the finalised head.
    pub async fn finalized(&self) -> (u32, H256) {
        let block = self.get("chain_getFinalizedHead", rpc_params![]).await;
        let block = block.as_str().expect("a hash is a string").to_owned();
        let header = self.get("chain_getHeader", rpc_params![&block]).await;
        (number(&header), hash(&block))
    }

    /// A plain storage value at a block.
    pub async fn storage(&self, pallet: &str, item: &str, at: H256) -> Option<Vec<u8>> {
        let key = [twox_128(pallet.as_bytes()), twox_128(item.as_bytes())].concat();
        let value = self
            .get("state_getStorage", rpc_params![const_hex::encode_prefixed(key), format!("{at:?}")])
            .await;
        value.as_str().map(|text| const_hex::decode(text).expect("values are hex"))
    }

    /// A transfer that must be paid by an account of the development chain.
    pub fn transfer(&self, from: &mut Sender, to: &Sender, value: u128) -> Vec<u8> {
        from.sign(self.genesis_hash, &transfer(to, value))
    }
}

/// A transfer that keeps the sender alive.
pub fn transfer(to: &Sender, value: u128) -> RuntimeCall {
    RuntimeCall::Balances(basalt_pallet_balances::Call::transfer_keep_alive { dest: to.address(), value })
}

/// Bytes as clients send them: with length prefix, as hex.
pub fn prefixed(bytes: &[u8]) -> String {
    use parity_scale_codec::Encode;
    const_hex::encode_prefixed(bytes.encode())
}

/// A hash in hex.
pub fn hash(text: &str) -> H256 {
    H256(const_hex::decode_to_array(text).expect("a hash is 32 bytes of hex"))
}

/// The number in a header's JSON.
pub fn number(header: &Value) -> u32 {
    let text = header["number"].as_str().expect("numbers of headers are hex strings");
    u32::from_str_radix(text.trim_start_matches("0x"), 16).expect("numbers of headers are hex")
}
