//! Questions to a node.

use basalt_pallet_system::{ACCOUNT, AccountInfo, EVENTS};
use basalt_primitives::{
    AccountId, Balance, Block, BlockNumber, Era, H256, Header, Nonce, RuntimeVersion, ss58,
};
use basalt_rpc_api::{
    AuthorApiClient, BasaltApiClient, ChainApiClient, KeystoreApiClient, PaymentApiClient, StateApiClient,
    SystemApiClient, codes,
    text::{Bytes, Hash, Number, OneOrMany},
    types::{ChainType, ConsensusReport, ExecutionReport, Health, TransactionStatus},
};
use jsonrpsee::{
    client_transport::ws::{Url, WsTransportClientBuilder},
    core::client::{self, Client, ClientBuilder, Subscription},
};
use parity_scale_codec::Decode;
use serde_json::Value;

use super::{amount::Token, error::TxError};

/// The largest answer: a block of 5 MiB is twice that in hex, and its events may be as many bytes again.
const ANSWER_BYTES_MAX: u32 = 64 * 1024 * 1024;

/// A connection to a node.
pub(in crate::cli) struct Node(Client);

/// What a node told about how it ran a block.
pub(in crate::cli) enum Told {
    /// Everything.
    Report(Box<ExecutionReport>),
    /// It does not remember: its own words.
    Forgotten(String),
    /// There is no such block.
    UnknownBlock,
    /// It knows no reports.
    NoReports,
}

/// What a node told about the votes on its chain.
pub(in crate::cli) enum Votes {
    /// Everything.
    Report(Box<ConsensusReport>),
    /// Nobody votes: one node seals the chain.
    OneNode,
    /// It tells nothing of the kind.
    Untold,
}

/// What does not change while a chain runs one version of its runtime.
#[derive(Debug, Clone)]
pub(in crate::cli) struct Chain {
    pub(in crate::cli) genesis_hash: H256,
    pub(in crate::cli) version: RuntimeVersion,
    pub(in crate::cli) token: Token,
    pub(in crate::cli) ss58_prefix: u16,
}

impl Chain {
    /// The address of an account on this chain.
    pub(in crate::cli) fn address(&self, account: &AccountId) -> String {
        ss58::encode(self.ss58_prefix, account.as_ref())
    }

    /// Whether calls and events mean there what they mean here.
    pub(in crate::cli) fn is_ours(&self) -> bool {
        let ours = basalt_runtime::version();
        let key = |version: &RuntimeVersion| {
            (version.spec_name.clone(), version.spec_version, version.transaction_version)
        };
        key(&self.version) == key(&ours)
    }

    /// Refuses chains whose calls could be encoded differently.
    pub(in crate::cli) fn check_runtime(&self) -> Result<(), TxError> {
        if self.is_ours() {
            return Ok(());
        }
        let text = |version: &RuntimeVersion| {
            let RuntimeVersion { spec_name, spec_version, transaction_version, .. } = version;
            format!("{spec_name} {spec_version} (transactions {transaction_version})")
        };
        Err(TxError::OtherRuntime { theirs: text(&self.version), ours: text(&basalt_runtime::version()) })
    }
}

impl Node {
    /// Connects to `ws://host:port`.
    pub(in crate::cli) async fn connect(url: &str) -> Result<Self, TxError> {
        let address = parse_url(url).map_err(|why| TxError::Url { url: url.to_owned(), why })?;
        let (sender, receiver) = WsTransportClientBuilder::default()
            .max_response_size(ANSWER_BYTES_MAX)
            .build(address)
            .await
            .map_err(|error| TxError::Connect { url: url.to_owned(), error })?;
        Ok(Self(ClientBuilder::default().build_with_tokio(sender, receiver)))
    }

    pub(in crate::cli) async fn chain(&self) -> Result<Chain, TxError> {
        let version = self.0.runtime_version(None).await.map_err(ask("its runtime version"))?;
        let properties = self.0.properties().await.map_err(ask("its properties"))?;
        let ss58_prefix = match properties.get("ss58Format").and_then(Value::as_u64) {
            None => ss58::GENERIC_PREFIX,
            Some(prefix) => {
                u16::try_from(prefix).ok().filter(|prefix| *prefix <= ss58::PREFIX_MAX).ok_or_else(|| {
                    nonsense("its address format")(format!("{prefix} is above {}", ss58::PREFIX_MAX))
                })?
            }
        };
        Ok(Chain {
            genesis_hash: self.block_hash(0).await?,
            version,
            token: Token::from_properties(&properties),
            ss58_prefix,
        })
    }

    /// The nonce of the account's next transaction, behind those that wait.
    pub(in crate::cli) async fn next_nonce(&self, account: AccountId) -> Result<Nonce, TxError> {
        self.0.account_next_index(account).await.map_err(ask("the nonce of the sender"))
    }

    /// An account at the best block; empty if it does not exist.
    pub(in crate::cli) async fn account(&self, account: &AccountId) -> Result<AccountInfo, TxError> {
        let what = "the balance of an account";
        let key = Bytes(ACCOUNT.key(account).to_vec());
        match self.0.storage(key, None).await.map_err(ask(what))? {
            None => Ok(AccountInfo::default()),
            Some(bytes) => decode_all(what, &bytes.0),
        }
    }

    /// The fee without tip.
    pub(in crate::cli) async fn fee(&self, encoded: &[u8]) -> Result<Balance, TxError> {
        let what = "the fee";
        let info = self.0.query_info(Bytes(encoded.to_vec()), None).await.map_err(ask(what))?;
        info.partial_fee.parse().map_err(|_| nonsense(what)(format!("'{}' is no number", info.partial_fee)))
    }

    /// An era of this many blocks that begins at or before the last final block, and the hash of its first block.
    pub(in crate::cli) async fn era(
        &self,
        genesis_hash: H256,
        period: Option<u64>,
    ) -> Result<(Era, H256), TxError> {
        let Some(period) = period else { return Ok((Era::Immortal, genesis_hash)) };
        let current = u64::from(self.finalized().await?.number);
        let era = Era::mortal(period, current);
        let birth = BlockNumber::try_from(era.birth(current))
            .map_err(|_| nonsense("its last final block")("the number is too large".to_owned()))?;
        Ok((era, self.block_hash(birth).await?))
    }

    /// The header of the last final block.
    pub(in crate::cli) async fn finalized(&self) -> Result<Header, TxError> {
        let what = "its last final block";
        let hash = self.0.finalized_head().await.map_err(ask(what))?;
        let header = self.0.header(Some(hash)).await.map_err(ask(what))?;
        header.ok_or_else(|| nonsense(what)(format!("it does not know the header of {:#x}", hash.0)))
    }

    /// The hash of the best block.
    pub(in crate::cli) async fn best_hash(&self) -> Result<H256, TxError> {
        self.one_hash("its best block", None).await
    }

    async fn block_hash(&self, number: BlockNumber) -> Result<H256, TxError> {
        self.one_hash("the hash of a block", Some(OneOrMany::One(Number(number.into())))).await
    }

    async fn one_hash(&self, what: &'static str, number: Option<OneOrMany<Number>>) -> Result<H256, TxError> {
        match ChainApiClient::block_hash(&self.0, number).await.map_err(ask(what))? {
            OneOrMany::One(Some(Hash(hash))) => Ok(hash),
            OneOrMany::One(None) => Err(nonsense(what)("there is no such block".to_owned())),
            OneOrMany::Many(_) => Err(nonsense(what)("it answered with a list".to_owned())),
        }
    }

    /// The hash of the best chain's block at this height.
    pub(in crate::cli) async fn hash_at(&self, number: BlockNumber) -> Result<Option<H256>, TxError> {
        let what = "the hash of a block";
        let number = Some(OneOrMany::One(Number(number.into())));
        match ChainApiClient::block_hash(&self.0, number).await.map_err(ask(what))? {
            OneOrMany::One(hash) => Ok(hash.map(|hash| hash.0)),
            OneOrMany::Many(_) => Err(nonsense(what)("it answered with a list".to_owned())),
        }
    }

    /// A header, if the node has it.
    pub(in crate::cli) async fn header(&self, hash: H256) -> Result<Option<Header>, TxError> {
        self.0.header(Some(Hash(hash))).await.map_err(ask("a header"))
    }

    /// How the node ran a block.
    pub(in crate::cli) async fn execution_report(&self, hash: H256) -> Result<Told, TxError> {
        match self.0.execution_report(Some(Hash(hash))).await {
            Ok(report) => Ok(Told::Report(Box::new(report))),
            Err(client::Error::Call(error)) if error.code() == codes::BASALT_NO_REPORT => {
                Ok(Told::Forgotten(error.message().to_owned()))
            }
            Err(client::Error::Call(error)) if error.code() == codes::BASALT_UNKNOWN_BLOCK => {
                Ok(Told::UnknownBlock)
            }
            Err(client::Error::Call(error)) if error.code() == codes::METHOD_NOT_FOUND => Ok(Told::NoReports),
            Err(error) => Err(ask("how it ran a block")(error)),
        }
    }

    /// How the node sees the agreement on the next block.
    pub(in crate::cli) async fn votes(&self) -> Result<Votes, TxError> {
        match self.0.consensus_status().await {
            Ok(report) => Ok(Votes::Report(Box::new(report))),
            Err(client::Error::Call(error)) if error.code() == codes::BASALT_NO_VOTES => Ok(Votes::OneNode),
            Err(client::Error::Call(error)) if error.code() == codes::METHOD_NOT_FOUND => Ok(Votes::Untold),
            Err(error) => Err(ask("how its validators agree")(error)),
        }
    }

    /// How many peers the node has, and whether it is behind them.
    pub(in crate::cli) async fn health(&self) -> Result<Health, TxError> {
        self.0.health().await.map_err(ask("how many peers it has"))
    }

    /// A block, if the node has it.
    pub(in crate::cli) async fn block(&self, hash: H256) -> Result<Option<Block>, TxError> {
        let block = ChainApiClient::block(&self.0, Some(Hash(hash))).await.map_err(ask("a block"))?;
        Ok(block.map(|signed| signed.block))
    }

    /// The encoded events of a block. Fails once its state is pruned.
    pub(in crate::cli) async fn events(&self, hash: H256) -> Result<Vec<u8>, TxError> {
        let key = Bytes(EVENTS.key().to_vec());
        let events = self.0.storage(key, Some(Hash(hash))).await.map_err(ask("the events of a block"))?;
        // No events are stored as no value, or as an empty list.
        Ok(events.map_or_else(|| vec![0], |bytes| bytes.0))
    }

    /// What the runtime answers.
    pub(in crate::cli) async fn runtime_call(
        &self,
        what: &'static str,
        method: &str,
        arguments: Vec<u8>,
    ) -> Result<Vec<u8>, TxError> {
        let answer = StateApiClient::call(&self.0, method.to_owned(), Bytes(arguments), None).await;
        Ok(answer.map_err(ask(what))?.0)
    }

    /// A stored value of the best block.
    pub(in crate::cli) async fn stored(
        &self,
        what: &'static str,
        key: Vec<u8>,
    ) -> Result<Option<Vec<u8>>, TxError> {
        Ok(self.0.storage(Bytes(key), None).await.map_err(ask(what))?.map(|bytes| bytes.0))
    }

    /// The first `count` keys of a block that begin with `prefix` and come after `after`.
    pub(in crate::cli) async fn keys_after(
        &self,
        prefix: &[u8],
        count: u32,
        after: Option<Vec<u8>>,
        at: H256,
    ) -> Result<Vec<Vec<u8>>, TxError> {
        let keys =
            self.0.keys_paged(Some(Bytes(prefix.to_vec())), count, after.map(Bytes), Some(Hash(at))).await;
        Ok(keys.map_err(ask("the keys of its storage"))?.into_iter().map(|key| key.0).collect())
    }

    /// What a block has under these keys.
    pub(in crate::cli) async fn values(
        &self,
        keys: Vec<Vec<u8>>,
        at: H256,
    ) -> Result<Vec<(Vec<u8>, Option<Vec<u8>>)>, TxError> {
        let keys = keys.into_iter().map(Bytes).collect();
        let sets =
            self.0.query_storage_at(keys, Some(Hash(at))).await.map_err(ask("values of its storage"))?;
        let changes = sets.into_iter().flat_map(|set| set.changes);
        Ok(changes.map(|(key, value)| (key.0, value.map(|value| value.0))).collect())
    }

    /// Whether the node has both of these session keys: the vote key, then the VRF key.
    pub(in crate::cli) async fn has_session_keys(&self, keys: Vec<u8>) -> Result<bool, TxError> {
        self.0.has_session_keys(Bytes(keys)).await.map_err(ask("whether it has the keys"))
    }

    /// Lets the node make new session keys; answers them and the proof that `owner` may register them.
    pub(in crate::cli) async fn rotate_keys(&self, owner: &AccountId) -> Result<(Vec<u8>, Vec<u8>), TxError> {
        let owner = Bytes(AsRef::<[u8]>::as_ref(owner).to_vec());
        let made = self.0.rotate_keys_with_owner(owner).await.map_err(ask("new keys"))?;
        Ok((made.keys.0, made.proof.unwrap_or_default().0))
    }

    /// Whether the chain is for development, so that everybody knows its keys.
    pub(in crate::cli) async fn is_development(&self) -> Result<bool, TxError> {
        let kind = self.0.chain_type().await.map_err(ask("what kind of chain it follows"))?;
        Ok(matches!(kind, ChainType::Development))
    }

    /// What waits in the pool, encoded.
    pub(in crate::cli) async fn pending(&self) -> Result<Vec<Vec<u8>>, TxError> {
        let pending = self.0.pending_extrinsics().await.map_err(ask("what waits in its pool"))?;
        Ok(pending.into_iter().map(|bytes| bytes.0).collect())
    }

    pub(in crate::cli) async fn submit(&self, hash: H256, encoded: &[u8]) -> Result<(), TxError> {
        let sent = self.0.submit_extrinsic(Bytes(encoded.to_vec())).await;
        sent.map(drop).map_err(|error| refused(hash, error))
    }

    pub(in crate::cli) async fn submit_and_watch(
        &self,
        hash: H256,
        encoded: &[u8],
    ) -> Result<Subscription<TransactionStatus>, TxError> {
        let watched = self.0.submit_and_watch_extrinsic(Bytes(encoded.to_vec())).await;
        watched.map_err(|error| refused(hash, error))
    }
}

/// Decodes the beginning of `bytes`: newer nodes may say more.
pub(in crate::cli) fn decode_head<T: Decode>(what: &'static str, mut bytes: &[u8]) -> Result<T, TxError> {
    T::decode(&mut bytes).map_err(|error| nonsense(what)(error.to_string()))
}

/// Decodes all of `bytes`.
pub(in crate::cli) fn decode_all<T: Decode>(what: &'static str, bytes: &[u8]) -> Result<T, TxError> {
    let mut input = bytes;
    let value = T::decode(&mut input).map_err(|error| nonsense(what)(error.to_string()))?;
    if input.is_empty() { Ok(value) } else { Err(nonsense(what)(format!("{} bytes too many", input.len()))) }
}

fn parse_url(url: &str) -> Result<Url, String> {
    let parsed = Url::parse(url).map_err(|error| format!("{error}; write ws://host:port"))?;
    match parsed.scheme() {
        "ws" => Ok(parsed),
        "wss" => Err("this program has no TLS; connect to a node on this machine, or tunnel to it: \
                      ssh -L 9944:127.0.0.1:9944 host"
            .to_owned()),
        "http" | "https" => Err("write ws:// instead: one port serves both".to_owned()),
        _ => Err("write ws://host:port".to_owned()),
    }
}

fn ask(what: &'static str) -> impl Fn(client::Error) -> TxError {
    move |error| TxError::Ask { what, error }
}

fn nonsense(what: &'static str) -> impl Fn(String) -> TxError {
    move |why| TxError::Nonsense { what, why }
}

fn refused(hash: H256, error: client::Error) -> TxError {
    match error {
        client::Error::Call(error) => TxError::Refused { hash, error },
        error => TxError::Ask { what: "whether it took the transaction", error },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_of_other_kinds_are_refused_with_what_to_write() {
        assert!(parse_url("ws://127.0.0.1:9944").is_ok());
        for (url, hint) in [
            ("wss://rpc.example", "ssh -L"),
            ("http://127.0.0.1:9944", "ws://"),
            ("127.0.0.1:9944", "ws://host:port"),
            ("localhost:9944", "ws://host:port"),
            ("", "ws://host:port"),
        ] {
            let why = parse_url(url).unwrap_err();
            assert!(why.contains(hint), "{url}: {why}");
        }
    }

    #[test]
    fn bytes_left_over_are_refused() {
        assert_eq!(decode_all::<u32>("x", &[1, 0, 0, 0]).unwrap(), 1);
        assert!(decode_all::<u32>("x", &[1, 0, 0, 0, 0]).is_err());
        assert!(decode_all::<u32>("x", &[1]).is_err());
    }
}
