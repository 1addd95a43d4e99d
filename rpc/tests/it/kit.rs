//! A node of the toy runtime behind a server on a free port, and clients that see each message as it is.

use std::{collections::VecDeque, net::SocketAddr, sync::Arc, time::Duration};

use basalt_chain::{BlockId, BuildRequest, Chain, ForkChoice, ImportOptions, StateView};
use basalt_consensus_api::{EngineHandle, feed_pool};
use basalt_db::{Db, Durability, Pruning};
use basalt_keystore::Keystore;
use basalt_pool::{Head, Limits, PoolHandle, PoolService};
use basalt_primitives::{Digest, DigestItem, H256};
use basalt_rpc::{ChainInfo, Config, NoNetwork, RpcError, Running, Server, Services};
use basalt_rpc_api::types::ChainType;
use basalt_runtime_api::{InherentData, Runtime, Verified};
use basalt_verifier::Verifier;
use jsonrpsee::{
    client_transport::ws::{HeaderMap, Url, WsTransportClientBuilder},
    core::client::{ReceivedMessage, TransportReceiverT, TransportSenderT},
};
use parity_scale_codec::Encode;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::mpsc,
    time::timeout,
};

use crate::toy::Toy;

/// Far longer than anything takes here: a test that waits for what never comes fails instead of hanging.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Kit {
    pub(crate) chain: Arc<Chain>,
    pub(crate) pool: PoolHandle,
    pub(crate) info: ChainInfo,
    pub(crate) running: Running,
    _service: PoolService,
    _dir: TempDir,
}

impl Kit {
    pub(crate) async fn new() -> Self {
        Self::with(|_| (), Pruning::Archive, None).await
    }

    pub(crate) async fn configured(change: impl FnOnce(&mut Config)) -> Self {
        Self::with(change, Pruning::Archive, None).await
    }

    pub(crate) async fn with(
        change: impl FnOnce(&mut Config),
        pruning: Pruning,
        engine: Option<fn(&Arc<Chain>) -> EngineHandle>,
    ) -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let config = basalt_db::Config { pruning, cache_bytes: 1 << 20, durability: Durability::Off };
        let db = Db::open(dir.path(), config).expect("an empty database");
        let verifier = Arc::new(Verifier::new(1024));
        let genesis: Vec<(Vec<u8>, Vec<u8>)> =
            (0..5u8).map(|i| (vec![b'g', i], vec![i; usize::from(i)])).collect();
        let chain = Chain::open(db, Arc::new(Toy), &genesis.encode(), Default::default(), verifier.clone())
            .expect("a new chain");
        let (pool, service) =
            basalt_pool::start(Arc::new(Toy), verifier, head(&chain), Limits::tiny()).expect("a thread");
        // Ends with the test's runtime.
        tokio::spawn(feed_pool(chain.clone(), pool.clone()));
        let info = ChainInfo {
            name: "Toy chain".into(),
            chain_type: ChainType::Development,
            properties: match json!({"ss58Format": 42, "tokenDecimals": 12, "tokenSymbol": "UNIT"}) {
                Value::Object(properties) => properties,
                _ => unreachable!("an object was written"),
            },
            node_name: "Basalt".into(),
            node_version: "0.1.0".into(),
            authority: true,
        };
        let engine = engine.map(|make| make(&chain));
        let keystore = Some(Keystore::open(dir.path().join("keystore")).expect("an empty folder"));
        let services = Services {
            chain: chain.clone(),
            pool: pool.clone(),
            engine,
            keystore,
            network: Arc::new(NoNetwork),
            consensus: None,
            chain_info: info.clone(),
        };
        let running = start(services, change).await.expect("a free port");
        Self { chain, pool, info, running, _service: service, _dir: dir }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.running.local_addr
    }

    /// What a server of this node serves.
    pub(crate) fn services(&self) -> Services {
        Services {
            chain: self.chain.clone(),
            pool: self.pool.clone(),
            engine: None,
            keystore: None,
            network: Arc::new(NoNetwork),
            consensus: None,
            chain_info: self.info.clone(),
        }
    }

    /// Another server for the same node.
    pub(crate) async fn again(&self, change: impl FnOnce(&mut Config)) -> Result<Running, RpcError> {
        start(self.services(), change).await
    }

    /// Makes a block. `salt` tells siblings apart.
    pub(crate) fn block(
        &self,
        parent: H256,
        salt: u8,
        transactions: &[Vec<u8>],
        options: ImportOptions,
    ) -> BlockId {
        let number =
            self.chain.header(&parent).expect("a readable parent").expect("a known parent").number + 1;
        let mut candidates = transactions.iter().map(|bytes| {
            let transaction = Toy.inspect(bytes.clone()).expect("a transaction");
            Verified::assume(Arc::new(transaction), H256::zero())
        });
        let built = self
            .chain
            .build(BuildRequest {
                parent,
                digest: Digest { logs: vec![DigestItem::PreRuntime(*b"test", vec![salt])] },
                author: None,
                inherents: InherentData::at(u64::from(number) * 1000),
                candidates: &mut candidates,
                deadline: None,
            })
            .expect("a block");
        assert_eq!(built.transactions(), transactions.len(), "{:?}", built.refused());
        self.chain.import_built(built, options).expect("an import").id
    }

    /// A block on the head that becomes the head.
    pub(crate) fn next(&self, transactions: &[Vec<u8>]) -> BlockId {
        self.block(self.chain.best().hash, 0, transactions, ImportOptions::default())
    }

    /// The same, and final at once.
    pub(crate) fn next_final(&self, transactions: &[Vec<u8>]) -> BlockId {
        let options = ImportOptions { finalize: true, ..Default::default() };
        self.block(self.chain.best().hash, 0, transactions, options)
    }

    /// A block that becomes the head wherever it stands.
    pub(crate) fn fork(&self, parent: H256, salt: u8, transactions: &[Vec<u8>]) -> BlockId {
        let options = ImportOptions { fork_choice: ForkChoice::Best, ..Default::default() };
        self.block(parent, salt, transactions, options)
    }

    /// Waits until the pool knows the head.
    pub(crate) async fn settled(&self) {
        let mut head = self.pool.subscribe_head();
        let best = self.chain.best();
        let settled = head.wait_for(|(hash, _)| *hash == best.hash);
        timeout(PATIENCE, settled).await.expect("in time").expect("a pool at work");
    }

    pub(crate) async fn ws(&self) -> Ws {
        Ws::connect(self.address(), None).await.expect("a connection")
    }
}

pub(crate) async fn start(services: Services, change: impl FnOnce(&mut Config)) -> Result<Running, RpcError> {
    let mut config = Config { listen: SocketAddr::from(([127, 0, 0, 1], 0)), ..Config::default() };
    change(&mut config);
    Server::start(config, services).await
}

fn head(chain: &Arc<Chain>) -> Head {
    let best = chain.best();
    let state: StateView = chain.state_at(&best.hash).expect("the head's state");
    Head { hash: best.hash, number: best.number, state: Arc::new(state) }
}

/// A WebSocket whose messages are kept as they come.
pub(crate) struct Ws {
    outgoing: mpsc::Sender<String>,
    incoming: mpsc::Receiver<String>,
    /// Notifications that came while an answer was awaited.
    early: VecDeque<Value>,
    last_id: u64,
}

impl Ws {
    pub(crate) async fn connect(address: SocketAddr, origin: Option<&str>) -> Result<Self, String> {
        let mut headers = HeaderMap::new();
        if let Some(origin) = origin {
            headers.insert("origin", origin.parse().expect("a header value"));
        }
        let url = Url::parse(&format!("ws://{address}")).expect("an address");
        let (mut sender, mut receiver) = WsTransportClientBuilder::default()
            .set_headers(headers)
            .build(url)
            .await
            .map_err(|error| error.to_string())?;
        let (outgoing, mut to_send) = mpsc::channel::<String>(1);
        let (received, incoming) = mpsc::channel(1);
        tokio::spawn(async move {
            while let Some(text) = to_send.recv().await {
                if sender.send(text).await.is_err() {
                    return;
                }
            }
            // A server that has gone already needs no farewell.
            let _ = sender.close().await;
        });
        tokio::spawn(async move {
            loop {
                let text = match receiver.receive().await {
                    Ok(ReceivedMessage::Text(text)) => text,
                    Ok(ReceivedMessage::Bytes(bytes)) => String::from_utf8(bytes).expect("text"),
                    Ok(ReceivedMessage::Pong) => continue,
                    Err(_) => return,
                };
                if received.send(text).await.is_err() {
                    return;
                }
            }
        });
        Ok(Self { outgoing, incoming, early: VecDeque::new(), last_id: 0 })
    }

    pub(crate) async fn send(&mut self, text: &str) {
        self.outgoing.send(text.to_owned()).await.expect("an open connection");
    }

    /// The next message, whatever it is.
    pub(crate) async fn receive(&mut self) -> Value {
        let message = timeout(PATIENCE, self.incoming.recv()).await.expect("a message in time");
        serde_json::from_str(&message.expect("an open connection")).expect("JSON")
    }

    /// Whether the connection ends, however many messages still come.
    pub(crate) async fn ends(&mut self) -> bool {
        let end = async { while self.incoming.recv().await.is_some() {} };
        timeout(PATIENCE, end).await.is_ok()
    }

    /// One call, and its whole answer.
    pub(crate) async fn answer(&mut self, method: &str, params: Value) -> Value {
        self.last_id += 1;
        let id = self.last_id;
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).to_string()).await;
        loop {
            let message = self.receive().await;
            if message.get("id") == Some(&json!(id)) {
                return message;
            }
            self.early.push_back(message);
        }
    }

    /// The result of a call that must succeed.
    pub(crate) async fn call(&mut self, method: &str, params: Value) -> Value {
        let answer = self.answer(method, params).await;
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer["result"].clone()
    }

    /// The error of a call that must fail.
    pub(crate) async fn fail(&mut self, method: &str, params: Value) -> Value {
        let answer = self.answer(method, params).await;
        assert!(answer.get("result").is_none(), "{method}: {answer}");
        answer["error"].clone()
    }

    /// The next notification.
    pub(crate) async fn notification(&mut self) -> Value {
        match self.early.pop_front() {
            Some(message) => message,
            None => self.receive().await,
        }
    }

    /// The content of the next notification, which must be `method`'s for `subscription`.
    pub(crate) async fn item(&mut self, method: &str, subscription: &Value) -> Value {
        let message = self.notification().await;
        assert_eq!(message["method"], method, "{message}");
        assert_eq!(&message["params"]["subscription"], subscription, "{message}");
        assert!(message.get("id").is_none(), "{message}");
        assert_eq!(message["jsonrpc"], "2.0");
        message["params"]["result"].clone()
    }
}

/// One HTTP request on its own connection: status line, headers, and body of the response.
pub(crate) async fn http(address: SocketAddr, head: &str, body: &str) -> (u16, String, String) {
    let mut stream = TcpStream::connect(address).await.expect("an open port");
    let request = format!(
        "{head}\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    // A server may answer and close before it has read everything.
    let _ = stream.write_all(request.as_bytes()).await;
    let mut response = Vec::new();
    let _ = timeout(PATIENCE, stream.read_to_end(&mut response)).await.expect("a response in time");
    let response = String::from_utf8(response).expect("text");
    let (head, body) = response.split_once("\r\n\r\n").expect("a head and a body");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    (status, head.to_ascii_lowercase(), body.to_owned())
}

/// A JSON-RPC call over HTTP.
pub(crate) async fn post(address: SocketAddr, body: &Value) -> Value {
    let (status, _, body) =
        http(address, "POST / HTTP/1.1\r\ncontent-type: application/json", &body.to_string()).await;
    assert_eq!(status, 200, "{body}");
    serde_json::from_str(&body).expect("JSON")
}

pub(crate) fn hex(bytes: impl AsRef<[u8]>) -> String {
    const_hex::encode_prefixed(bytes)
}
