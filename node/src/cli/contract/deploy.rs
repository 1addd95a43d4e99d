//! `basalt contract upload` and `basalt contract instantiate`.

use std::path::{Path, PathBuf};

use basalt_contracts_codec::{Function, Metadata, Returned};
use basalt_pallet_contracts::{
    Call, Error,
    types::{Code, InstantiateReturnValue},
};
use basalt_primitives::{AccountId, Balance, H256, Weight, hashing::blake2_256, keys::Pair};
use basalt_runtime::RuntimeCall;
use clap::Args;
use parity_scale_codec::Encode;
use serde_json::{Value, json};

use super::{
    Report,
    call::encode,
    dry_run::{self, DryRun, Terms},
    error::ContractError,
    failure::{contracts_error, explain},
    locate::{Found, MetadataFlag, bundle},
    node::code_info,
    outcome::Plan,
    sender::{DepositFlag, SenderFlags, amount, deposit_with_margin, gas_max, with_margin},
};
use crate::cli::tx::{Chain, Node};

/// The ends of names that are files and no arguments.
const FILE_ENDS: [&str; 3] = [".contract", ".json", ".wasm"];

/// Flags of `contract upload`.
#[derive(Debug, Args)]
pub(crate) struct UploadArgs {
    /// The .contract file, or a .wasm module [default: the one in target/ink of this project].
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,

    #[command(flatten)]
    deposit: DepositFlag,

    #[command(flatten)]
    sender: SenderFlags,
}

/// Flags of `contract instantiate`.
#[derive(Debug, Args)]
pub(crate) struct InstantiateArgs {
    /// The .contract file [default: the one in target/ink of this project], and the constructor's arguments: `call
    /// --help` says how to write them. What ends in .contract or .json and comes first is the file.
    #[arg(value_name = "FILE|ARGUMENT", allow_negative_numbers = true)]
    words: Vec<String>,

    /// The constructor [default: the only one, the one that its author marked, or `new`].
    #[arg(long, value_name = "NAME")]
    constructor: Option<String>,

    /// Code that is on the chain, instead of a file.
    #[arg(long, value_name = "HASH", value_parser = parse_hash)]
    code_hash: Option<H256>,

    /// How much to give to the contract: tokens (1.5 or 1.5UNIT), or the smallest unit (15planck).
    #[arg(long, value_name = "AMOUNT", default_value = "0")]
    value: String,

    /// Bytes in hex that make the address another one [default: none; if that address is taken, the sender's nonce].
    #[arg(long, value_name = "HEX", value_parser = parse_bytes)]
    salt: Option<Bytes>,

    #[command(flatten)]
    metadata: MetadataFlag,

    #[command(flatten)]
    deposit: DepositFlag,

    #[command(flatten)]
    sender: SenderFlags,
}

/// Bytes of a flag. A `Vec` would be a flag that is given several times.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Bytes(Vec<u8>);

pub(super) fn parse_hash(text: &str) -> Result<H256, String> {
    const_hex::decode_to_array(text)
        .map(H256)
        .map_err(|error| format!("{error}; the hash of code is 0x and 64 hex digits"))
}

fn parse_bytes(text: &str) -> Result<Bytes, String> {
    const_hex::decode(text).map(Bytes).map_err(|error| format!("{error}; give bytes in hex, such as 0x01"))
}

/// A file with code: a bundle, or a module without metadata.
pub(super) enum Uploadable {
    Bundle(Box<Found>),
    Module(Vec<u8>),
}

impl Uploadable {
    pub(super) fn read(file: Option<&Path>) -> Result<Self, ContractError> {
        match file {
            Some(path) if path.extension().is_some_and(|extension| extension == "wasm") => {
                std::fs::read(path)
                    .map(Self::Module)
                    .map_err(|error| ContractError::File { path: path.to_owned(), error })
            }
            file => bundle(file).map(|found| Self::Bundle(Box::new(found))),
        }
    }

    fn code(&self) -> Result<&[u8], ContractError> {
        match self {
            Self::Bundle(found) => {
                found.metadata.code().ok_or_else(|| ContractError::NoCode(found.path.clone()))
            }
            Self::Module(code) => Ok(code),
        }
    }

    /// The hash of the code, which a bundle may have without the code.
    pub(super) fn code_hash(&self) -> Result<H256, ContractError> {
        match self {
            Self::Bundle(found) => {
                found.metadata.code_hash().map(H256).ok_or_else(|| ContractError::NoCode(found.path.clone()))
            }
            Self::Module(code) => Ok(H256(blake2_256(code))),
        }
    }
}

/// Keeps metadata for later commands; says so if that fails.
fn remember(found: &Found, sender: &SenderFlags) {
    if let Err(why) = found.remember() {
        sender.node.note(&format!(
            "The metadata cannot be remembered ({why}): later commands may need --metadata {}",
            found.path.display()
        ));
    }
}

impl UploadArgs {
    pub(super) async fn run(&self) -> Result<Report, ContractError> {
        let file = Uploadable::read(self.file.as_deref())?;
        let code = file.code()?;
        let code_hash = H256(blake2_256(code));
        let node = Node::connect(&self.sender.node.url).await?;
        let chain = node.chain().await?;
        chain.check_runtime()?;
        if let Uploadable::Bundle(found) = &file {
            remember(found, &self.sender);
        }
        if let Some(info) = code_info(&node, &code_hash).await? {
            let owner = chain.address(&info.owner);
            return Ok(Report::from(if self.sender.node.json {
                json!({ "codeHash": format!("{code_hash:#x}"), "status": "known", "owner": owner })
                    .to_string()
            } else {
                format!(
                    "Code {code_hash:#x}\n  It is on the chain already, uploaded by {owner}; nothing was sent"
                )
            }));
        }
        let pair = self.sender.pair(&node).await?;
        let given_limit = self.deposit.limit(&chain)?;
        let dry = dry_run::upload(&node, pair.account_id(), code, given_limit).await?;
        let uploaded = dry.map_err(|error| ContractError::WouldFail {
            what: "the upload".to_owned(),
            why: explain(&error, ""),
        })?;
        let deposit_limit = given_limit.unwrap_or(uploaded.deposit);
        let call = RuntimeCall::Contracts(Call::upload_code {
            code: code.to_vec(),
            storage_deposit_limit: Some(deposit_limit.into()),
            determinism: basalt_pallet_contracts::Determinism::Enforced,
        });
        let what = format!("Uploading {} bytes", code.len());
        let plan = Plan { what: &what, call, gas_limit: None, deposit_limit: Some(deposit_limit) };
        let sent = plan.send(&node, &chain, &self.sender, &pair).await?;
        let failure = sent.failure();
        let text = if self.sender.node.json {
            let mut members = sent.json(None, None);
            members.insert("codeHash".to_owned(), json!(format!("{code_hash:#x}")));
            Some(Value::Object(members).to_string())
        } else {
            let heading = format!("Code {code_hash:#x}");
            let lines: Vec<String> = std::iter::once(heading).chain(sent.lines(None, None)).collect();
            failure.is_none().then(|| lines.join("\n  "))
        };
        Ok(Report { text, failure })
    }
}

/// All that makes a new contract, but for the salt.
struct Prepared<'a> {
    code: Code,
    metadata: &'a Metadata,
    constructor: &'a Function,
    data: Vec<u8>,
    terms: Terms,
}

impl InstantiateArgs {
    pub(super) async fn run(&self) -> Result<Report, ContractError> {
        let node = Node::connect(&self.sender.node.url).await?;
        let chain = node.chain().await?;
        chain.check_runtime()?;
        let (file, arguments) = self.file_and_arguments();
        let (found, code) = self.code(file, &node).await?;
        let constructor = self.constructor(&found.metadata)?;
        let data = encode(&found.metadata, constructor, arguments, &chain)?;
        let value = amount(&chain, "--value", &self.value)?;
        if value > 0 && !constructor.payable {
            return Err(ContractError::NotPayable(constructor.label.clone()));
        }
        let pair = self.sender.pair(&node).await?;
        let limit = self.deposit.limit(&chain)?;
        let terms = Terms { origin: pair.account_id(), value, limit };
        let prepared = Prepared { code, metadata: &found.metadata, constructor, data, terms };
        let (salt, dry) = self.choose_salt(&node, &prepared).await?;
        let account = prepared.account(&dry, chain.ss58_prefix)?;
        remember(&found, &self.sender);

        let deposit_limit = limit.unwrap_or_else(|| deposit_with_margin(dry.deposit.charge_or_zero()));
        let without_gas = prepared.call(Weight::zero(), deposit_limit, salt.clone());
        let gas_limit = with_margin(dry.gas_required, gas_max(&without_gas));
        let call = RuntimeCall::Contracts(prepared.call(gas_limit, deposit_limit, salt));
        let what = format!("Instantiating {} as {}", found.metadata.name(), chain.address(&account));
        let plan = Plan { what: &what, call, gas_limit: Some(gas_limit), deposit_limit: Some(deposit_limit) };
        self.send(plan, &node, &chain, &pair, &found.metadata, account).await
    }

    /// The first word, if it names a file, and the others.
    fn file_and_arguments(&self) -> (Option<&Path>, &[String]) {
        let is_file = |word: &&String| FILE_ENDS.iter().any(|end| word.ends_with(end));
        match self.words.split_first() {
            Some((first, rest)) if self.code_hash.is_none() && is_file(&first) => {
                (Some(Path::new(first)), rest)
            }
            _ => (None, &self.words),
        }
    }

    /// Metadata, and the code: by its hash if the chain has it, which makes a small transaction.
    async fn code(&self, file: Option<&Path>, node: &Node) -> Result<(Found, Code), ContractError> {
        if let Some(code_hash) = self.code_hash {
            if code_info(node, &code_hash).await?.is_none() {
                return Err(ContractError::NoSuchCode(code_hash));
            }
            let found = self.metadata.locate(code_hash, |text| self.sender.node.note(text))?;
            return Ok((found, Code::Existing(code_hash)));
        }
        let found = bundle(file.or(self.metadata.metadata.as_deref()))?;
        if let Some(code_hash) = found.metadata.code_hash().map(H256)
            && code_info(node, &code_hash).await?.is_some()
        {
            return Ok((found, Code::Existing(code_hash)));
        }
        match found.metadata.code() {
            Some(code) => {
                let code = Code::Upload(code.to_vec());
                Ok((found, code))
            }
            None => Err(ContractError::NoCode(found.path)),
        }
    }

    fn constructor<'a>(&self, metadata: &'a Metadata) -> Result<&'a Function, ContractError> {
        match &self.constructor {
            Some(name) => Ok(metadata.constructor(name)?),
            None => metadata.default_constructor().ok_or_else(|| ContractError::WhichConstructor {
                contract: metadata.name().to_owned(),
                available: metadata
                    .constructors()
                    .iter()
                    .map(|one| metadata.signature(one))
                    .collect::<Vec<_>>()
                    .join(", "),
            }),
        }
    }

    /// The salt and what comes of it. Without one that was given, the nonce helps if the address is taken.
    async fn choose_salt(
        &self,
        node: &Node,
        prepared: &Prepared<'_>,
    ) -> Result<(Vec<u8>, DryRun<InstantiateReturnValue>), ContractError> {
        let try_salt = async |salt: Vec<u8>| {
            let dry =
                dry_run::instantiate(node, prepared.terms, &prepared.code, &prepared.data, &salt).await?;
            Ok::<_, ContractError>((salt, dry))
        };
        let given = self.salt.clone().unwrap_or(Bytes(Vec::new())).0;
        let (salt, dry) = try_salt(given).await?;
        let is_taken =
            matches!(&dry.result, Err(error) if contracts_error(error) == Some(Error::DuplicateContract));
        if !is_taken || self.salt.is_some() {
            return Ok((salt, dry));
        }
        let salt = node.next_nonce(prepared.terms.origin).await?.encode();
        self.sender.node.note(&format!(
            "The same contract exists already, so this one has salt {}",
            const_hex::encode_prefixed(&salt)
        ));
        try_salt(salt).await
    }

    async fn send(
        &self,
        plan: Plan<'_>,
        node: &Node,
        chain: &Chain,
        pair: &Pair,
        metadata: &Metadata,
        expected: AccountId,
    ) -> Result<Report, ContractError> {
        let sent = plan.send(node, chain, &self.sender, pair).await?;
        let failure = sent.failure();
        let account = sent.instantiated().unwrap_or(expected);
        let code_hash = metadata.code_hash().map(const_hex::encode_prefixed);
        let text = if self.sender.node.json {
            let mut members = sent.json(Some(&account), Some(metadata));
            members.insert("contract".to_owned(), json!(chain.address(&account)));
            members.insert("codeHash".to_owned(), json!(code_hash));
            Some(Value::Object(members).to_string())
        } else {
            let mut lines = vec![format!("Contract {}", chain.address(&account))];
            lines.extend(code_hash.map(|hash| format!("Code:     {hash}")));
            lines.extend(sent.lines(Some(&account), Some(metadata)));
            failure.is_none().then(|| lines.join("\n  "))
        };
        Ok(Report { text, failure })
    }
}

impl Prepared<'_> {
    /// Where the contract will be; an error if it will not be.
    fn account(&self, dry: &DryRun<InstantiateReturnValue>, prefix: u16) -> Result<AccountId, ContractError> {
        let fails = |why: String| ContractError::WouldFail {
            what: format!("the constructor `{}`", self.constructor.label),
            why,
        };
        let returned = dry.result.as_ref().map_err(|error| fails(explain(error, &dry.said)))?;
        if !returned.result.did_revert() {
            return Ok(returned.account_id);
        }
        let data = &returned.result.data;
        Err(match self.metadata.decode_constructor_return(self.constructor, data) {
            Ok(Returned::Language(error)) => fails(format!(
                "the contract did not understand the call ({}); the metadata may be of another version",
                error.display(prefix)
            )),
            Ok(Returned::Value(error) | Returned::Error(error)) => {
                fails(format!("the contract refused with {}", error.display(prefix)))
            }
            Err(error) => ContractError::Returned {
                function: self.constructor.label.clone(),
                data: data.clone(),
                error,
            },
        })
    }

    fn call(&self, gas_limit: Weight, deposit_limit: Balance, salt: Vec<u8>) -> Call {
        let (value, data) = (self.terms.value, self.data.clone());
        let storage_deposit_limit = Some(deposit_limit.into());
        match self.code.clone() {
            Code::Upload(code) => {
                Call::instantiate_with_code { value, gas_limit, storage_deposit_limit, code, data, salt }
            }
            Code::Existing(code_hash) => {
                Call::instantiate { value, gas_limit, storage_deposit_limit, code_hash, data, salt }
            }
        }
    }
}
