//! Four validators as processes, and a client of theirs.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use basalt_e2e::{Node, binary};
use basalt_primitives::H256;
use basalt_runtime::RuntimeCall;
use basalt_test_kit::Sender;
use jsonrpsee::{
    client_transport::ws::{Url, WsTransportClientBuilder},
    core::{
        client::{BatchResponse, Client, ClientBuilder, ClientT},
        params::BatchRequestBuilder,
    },
    rpc_params,
};
use parity_scale_codec::Encode;
use serde_json::Value;
use tempfile::TempDir;

use crate::Result;

/// The RPC port of the first validator.
const PORT: u16 = 19_944;

/// A local network; its nodes end with it, and its data too.
pub(crate) struct Net {
    supervisor: Child,
    folder: TempDir,
}

impl Drop for Net {
    fn drop(&mut self) {
        let _ = self.supervisor.kill();
        let _ = self.supervisor.wait();
        // The nodes notice by themselves: the folder must not go before them. What takes longer is left to the system.
        for _ in 0..200 {
            if connect_now(PORT).is_err() {
                break;
            }
            let (_silent, pause) = std::sync::mpsc::sync_channel::<()>(0);
            let _ = pause.recv_timeout(std::time::Duration::from_millis(50));
        }
    }
}

fn connect_now(port: u16) -> std::io::Result<std::net::TcpStream> {
    std::net::TcpStream::connect(("127.0.0.1", port))
}

impl Net {
    pub(crate) fn start(flags: &[String]) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let mut supervisor = Command::new(binary())
            .args(["localnet", "--validators", "4", "--base-port", &PORT.to_string(), "--log", "warn"])
            .arg("--base-path")
            .arg(folder.path())
            .args(flags)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = supervisor.stdout.take().ok_or("no output")?;
        let net = Self { supervisor, folder };
        for line in BufReader::new(output).lines() {
            if line?.contains("Ctrl-C here") {
                return Ok(net);
            }
        }
        Err("the localnet did not start".into())
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Names and processes of the nodes.
    pub(crate) fn processes(&self) -> Result<Vec<(String, u32)>> {
        let folder = self.folder().to_str().ok_or("the folder's name is no text")?;
        let exit = Node::run(&["localnet", "ctl", "status", "--json", "--base-path", folder]);
        let status: Value = serde_json::from_str(&exit.output).map_err(|_| exit.output.clone())?;
        let nodes = status["nodes"].as_array().ok_or("no nodes")?.iter();
        let one = |node: &Value| {
            let pid = u32::try_from(node["pid"].as_u64()?).ok()?;
            Some((node["name"].as_str()?.to_owned(), pid))
        };
        nodes.map(one).collect::<Option<Vec<_>>>().ok_or_else(|| "a node does not run".into())
    }

    /// What keeps the data: the kind of file system, as `stat` calls it.
    pub(crate) fn disk(&self) -> Result<String> {
        let output = Command::new("stat").args(["-f", "-c", "%T"]).arg(self.folder()).output()?;
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    }
}

pub(crate) async fn connect(node: u16) -> Result<Client> {
    connect_to(&format!("ws://127.0.0.1:{}", PORT + node)).await
}

pub(crate) async fn connect_to(url: &str) -> Result<Client> {
    let (sender, receiver) =
        WsTransportClientBuilder::default().max_response_size(256 << 20).build(Url::parse(url)?).await?;
    Ok(ClientBuilder::default().build_with_tokio(sender, receiver))
}

pub(crate) async fn genesis(client: &Client) -> Result<H256> {
    let hash: String = client.request("chain_getBlockHash", rpc_params![0]).await?;
    Ok(H256(const_hex::decode_to_array(hash).map_err(|error| error.to_string())?))
}

pub(crate) fn hex(transaction: &[u8]) -> String {
    const_hex::encode_prefixed(transaction.encode())
}

pub(crate) fn transfer(to: &Sender, value: u128) -> RuntimeCall {
    RuntimeCall::Balances(basalt_pallet_balances::Call::transfer_keep_alive { dest: to.address(), value })
}

/// The number in a header's JSON.
pub(crate) fn number(header: &Value) -> Result<u32> {
    let number = header["number"].as_str().ok_or("no number")?;
    Ok(u32::from_str_radix(number.trim_start_matches("0x"), 16)?)
}

/// Height and hash of the final head.
pub(crate) async fn head(client: &Client) -> Result<(u32, String)> {
    let hash: String = client.request("chain_getFinalizedHead", rpc_params![]).await?;
    let header: Value = client.request("chain_getHeader", rpc_params![&hash]).await?;
    Ok((number(&header)?, hash))
}

pub(crate) async fn send(client: &Client, transactions: &[Vec<u8>]) -> Result<()> {
    let mut batch = BatchRequestBuilder::new();
    for transaction in transactions {
        batch.insert("author_submitExtrinsic", rpc_params![hex(transaction)])?;
    }
    let answers: BatchResponse<'_, String> = client.batch_request(batch).await?;
    if let Some(error) = answers.into_iter().find_map(std::result::Result::err) {
        return Err(format!("a transaction was refused: {error}").into());
    }
    Ok(())
}

pub(crate) async fn nonce(client: &Client, sender: &Sender) -> Result<u64> {
    Ok(client.request("system_accountNextIndex", rpc_params![sender.account().to_string()]).await?)
}
