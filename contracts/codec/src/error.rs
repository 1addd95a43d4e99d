//! What can be wrong with a file, a name or an argument.

/// Why a file is no metadata that this crate reads.
#[derive(Debug, thiserror::Error)]
pub enum MetadataError {
    /// Too long to be what it should.
    #[error(
        "the file has {bytes} bytes, and the metadata of a contract at most {max}; give a .contract or .json file"
    )]
    TooLong {
        /// How long it is.
        bytes: usize,
        /// How long it may be.
        max: usize,
    },
    /// A Wasm module.
    #[error(
        "this is a Wasm module without metadata; give the .contract or .json file that was built beside it"
    )]
    Wasm,
    /// Not JSON, or JSON of something else.
    #[error(
        "this is not the metadata of an ink! contract: {0}; give the .contract or .json file that the build made"
    )]
    Json(#[from] serde_json::Error),
    /// Another version.
    #[error("the metadata has version {0}, and this program reads version 5; build the contract with ink! 5")]
    Version(String),
    /// A type is missing.
    #[error("the metadata mentions type {0}, which it does not define; build the contract again")]
    NoType(u32),
}

/// A contract has no such constructor or message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the contract `{contract}` has no {kind} `{name}`; it has {available}")]
pub struct UnknownName {
    /// The contract.
    pub contract: String,
    /// Constructor or message.
    pub kind: &'static str,
    /// What was asked for.
    pub name: String,
    /// What there is, with arguments.
    pub available: String,
}

/// Why the arguments do not fit a constructor or message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArgumentError {
    /// Too few or too many.
    #[error("`{signature}` takes {expected} argument{}, got {given}", if *.expected == 1 { "" } else { "s" })]
    Count {
        /// Name and arguments.
        signature: String,
        /// How many it takes.
        expected: usize,
        /// How many there are.
        given: usize,
    },
    /// One of them cannot be read.
    #[error("argument {position} `{argument}` of `{function}`{error}")]
    Argument {
        /// Which, from 1.
        position: usize,
        /// Its name.
        argument: String,
        /// The constructor or message.
        function: String,
        /// What is wrong.
        error: Box<ReadError>,
    },
}

/// Why a text is no value of a type. Reads on after the name of what was read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} must be {expected}, got {found}{}", place(.path), why.as_ref().map(|why| format!(": {why}")).unwrap_or_default())]
pub struct ReadError {
    /// Where inside the text, from the outside.
    pub path: Vec<String>,
    /// What it must be.
    pub expected: String,
    /// What it is.
    pub found: String,
    /// More about it.
    pub why: Option<String>,
}

fn place(path: &[String]) -> String {
    if path.is_empty() { String::new() } else { format!(", {},", path.join(", ")) }
}
