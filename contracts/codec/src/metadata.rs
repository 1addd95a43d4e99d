//! What a contract says about itself: JSON of version 5, as ink! 5 writes it.

use basalt_primitives::hashing::blake2_256;
use scale_info::{PortableRegistry, TypeDef};
use serde::{Deserialize, Deserializer};

use crate::{
    error::{MetadataError, UnknownName},
    shape,
    storage::Layout,
};

/// The longest file: code of 256 KiB is twice that in hex, and types of a large contract take as much again.
const FILE_BYTES_MAX: usize = 8 * 1024 * 1024;
/// How a Wasm module begins.
const WASM_MAGIC: &[u8] = b"\0asm";
/// The only version there is for ink! 5.
const VERSION: u64 = 5;

/// What a contract says about itself.
#[derive(Debug, Clone)]
pub struct Metadata {
    name: String,
    contract_version: String,
    code: Option<Vec<u8>>,
    code_hash: Option<[u8; 32]>,
    pub(crate) spec: Spec,
    pub(crate) layout: Layout,
    pub(crate) types: PortableRegistry,
}

#[derive(Deserialize)]
struct File {
    source: Source,
    contract: Contract,
    spec: Spec,
    storage: Layout,
    #[serde(flatten)]
    registry: PortableRegistry,
}

#[derive(Deserialize)]
struct Source {
    #[serde(default, deserialize_with = "optional_hex")]
    hash: Option<Vec<u8>>,
    #[serde(default, deserialize_with = "optional_hex")]
    wasm: Option<Vec<u8>>,
}

#[derive(Deserialize)]
struct Contract {
    name: String,
    #[serde(default)]
    version: String,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Spec {
    pub(crate) constructors: Vec<Function>,
    pub(crate) messages: Vec<Function>,
    #[serde(default)]
    pub(crate) events: Vec<EventSpec>,
}

/// A constructor or a message.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Function {
    /// Its name; `Trait::name` if it implements one.
    pub label: String,
    /// The first bytes of its call data.
    #[serde(deserialize_with = "selector")]
    pub selector: [u8; 4],
    /// What it takes.
    pub args: Vec<Argument>,
    /// What it gives back, in a `Result` with what the language may report.
    #[serde(default)]
    pub return_type: Option<TypeSpec>,
    /// Whether it takes tokens.
    #[serde(default)]
    pub payable: bool,
    /// Whether it changes storage. Constructors do not say.
    #[serde(default)]
    pub mutates: bool,
    /// Whether it is the one to use if none is named.
    #[serde(default)]
    pub default: bool,
    /// What its author says about it.
    #[serde(default)]
    pub docs: Vec<String>,
}

/// An argument, or the field of an event.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Argument {
    /// Its name.
    pub label: String,
    /// Its type.
    #[serde(rename = "type")]
    pub ty: TypeSpec,
    /// Whether a field of an event is a topic, too.
    #[serde(default)]
    pub indexed: bool,
}

/// A type and how the source names it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TypeSpec {
    /// Its place in the registry.
    #[serde(rename = "type")]
    pub id: u32,
    /// The path in the source, without arguments.
    #[serde(default)]
    pub display_name: Vec<String>,
}

/// An event that a contract may emit.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct EventSpec {
    /// Its name.
    pub label: String,
    /// Its fields, in the order of the data.
    pub args: Vec<Argument>,
    /// Its first topic; none if it is anonymous.
    #[serde(default, deserialize_with = "optional_hex")]
    pub signature_topic: Option<Vec<u8>>,
}

impl Metadata {
    /// Reads a `.contract` or `.json` file.
    ///
    /// # Errors
    ///
    /// See [`MetadataError`].
    pub fn from_json(bytes: &[u8]) -> Result<Self, MetadataError> {
        if bytes.len() > FILE_BYTES_MAX {
            return Err(MetadataError::TooLong { bytes: bytes.len(), max: FILE_BYTES_MAX });
        }
        if bytes.starts_with(WASM_MAGIC) {
            return Err(MetadataError::Wasm);
        }
        check_version(bytes)?;
        let File { source, contract, spec, storage, registry } = serde_json::from_slice(bytes)?;
        // Without code, the hash in the file is all there is to go by.
        let code_hash = match (&source.wasm, source.hash) {
            (Some(code), _) => Some(blake2_256(code)),
            (None, Some(hash)) => <[u8; 32]>::try_from(hash).ok(),
            (None, None) => None,
        };
        let metadata = Self {
            name: contract.name,
            contract_version: contract.version,
            code: source.wasm,
            code_hash,
            spec,
            layout: storage,
            types: registry,
        };
        metadata.check_types()?;
        Ok(metadata)
    }

    /// Types that functions and events mention exist. Those inside of types are looked up when they are used.
    fn check_types(&self) -> Result<(), MetadataError> {
        let Spec { constructors, messages, events } = &self.spec;
        let functions = constructors.iter().chain(messages);
        let returned = functions.clone().filter_map(|function| function.return_type.as_ref());
        let args = functions.flat_map(|function| &function.args);
        let fields = events.iter().flat_map(|event| &event.args);
        let mut used = returned.chain(args.chain(fields).map(|arg| &arg.ty));
        match used.find(|ty| self.types.resolve(ty.id).is_none()) {
            Some(missing) => Err(MetadataError::NoType(missing.id)),
            None => Ok(()),
        }
    }

    /// The name of the contract.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The version of the contract, as its author counts.
    pub fn contract_version(&self) -> &str {
        &self.contract_version
    }

    /// The code, if the file holds it.
    pub fn code(&self) -> Option<&[u8]> {
        self.code.as_deref()
    }

    /// The hash of the code that this describes; that of the code itself if the file holds it.
    pub fn code_hash(&self) -> Option<[u8; 32]> {
        self.code_hash
    }

    /// All constructors.
    pub fn constructors(&self) -> &[Function] {
        &self.spec.constructors
    }

    /// All messages.
    pub fn messages(&self) -> &[Function] {
        &self.spec.messages
    }

    /// All events.
    pub fn events(&self) -> &[EventSpec] {
        &self.spec.events
    }

    /// A constructor by name.
    ///
    /// # Errors
    ///
    /// There is none with this name.
    pub fn constructor(&self, name: &str) -> Result<&Function, UnknownName> {
        self.function("constructor", &self.spec.constructors, name)
    }

    /// A message by name. The trait may be left out if that leaves one message only.
    ///
    /// # Errors
    ///
    /// There is none, or more than one, with this name.
    pub fn message(&self, name: &str) -> Result<&Function, UnknownName> {
        self.function("message", &self.spec.messages, name)
    }

    /// Name and arguments, such as `transfer(to: AccountId, value: Balance)`.
    pub fn signature(&self, function: &Function) -> String {
        let args = function.args.iter().map(|arg| format!("{}: {}", arg.label, self.type_name(&arg.ty)));
        format!("{}({})", function.label, args.collect::<Vec<_>>().join(", "))
    }

    /// The source's name, such as `Balance`, unless that leaves out the arguments of a type.
    fn type_name(&self, ty: &TypeSpec) -> String {
        let is_whole = self.types.resolve(ty.id).is_some_and(|ty| {
            let is_named = matches!(ty.type_def, TypeDef::Primitive(_)) || !ty.path.segments.is_empty();
            is_named && ty.type_params.is_empty()
        });
        match ty.display_name.last() {
            Some(name) if is_whole => name.clone(),
            _ => shape::name(&self.types, ty.id),
        }
    }

    /// The constructor to use if none is named: the one marked as default, the only one, or `new`.
    pub fn default_constructor(&self) -> Option<&Function> {
        let all = &self.spec.constructors;
        let marked = all.iter().find(|function| function.default);
        let only = || all.first().filter(|_| all.len() == 1);
        marked.or_else(only).or_else(|| all.iter().find(|function| function.label == "new"))
    }

    fn function<'a>(
        &self,
        kind: &'static str,
        all: &'a [Function],
        name: &str,
    ) -> Result<&'a Function, UnknownName> {
        if let Some(exact) = all.iter().find(|function| function.label == name) {
            return Ok(exact);
        }
        let same =
            |function: &&Function| function.label.rsplit_once("::").is_some_and(|(_, short)| short == name);
        let mut short = all.iter().filter(same);
        match (short.next(), short.next()) {
            (Some(only), None) => Ok(only),
            _ => Err(UnknownName {
                contract: self.name.clone(),
                kind,
                name: name.to_owned(),
                available: match all {
                    [] => format!("no {kind}s"),
                    all => all.iter().map(|one| self.signature(one)).collect::<Vec<_>>().join(", "),
                },
            }),
        }
    }
}

/// The version first: other versions have other members, whose absence would say less.
fn check_version(bytes: &[u8]) -> Result<(), MetadataError> {
    #[derive(Deserialize)]
    struct Versioned {
        #[serde(default)]
        version: serde_json::Value,
        #[serde(default)]
        spec: Option<serde::de::IgnoredAny>,
    }
    let Versioned { version, spec } = serde_json::from_slice(bytes)?;
    match version {
        version if version.as_u64() == Some(VERSION) => Ok(()),
        // Something else altogether: what is missing says so.
        _ if spec.is_none() => Ok(()),
        serde_json::Value::Null => Err(MetadataError::Version("before 4".to_owned())),
        serde_json::Value::String(text) => Err(MetadataError::Version(text)),
        other => Err(MetadataError::Version(other.to_string())),
    }
}

/// Bytes in hex, or null.
fn optional_hex<'de, D: Deserializer<'de>>(input: D) -> Result<Option<Vec<u8>>, D::Error> {
    let Some(text) = Option::<String>::deserialize(input)? else { return Ok(None) };
    const_hex::decode(text).map(Some).map_err(serde::de::Error::custom)
}

fn selector<'de, D: Deserializer<'de>>(input: D) -> Result<[u8; 4], D::Error> {
    const_hex::decode_to_array(String::deserialize(input)?).map_err(serde::de::Error::custom)
}
