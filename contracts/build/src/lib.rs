//! Turn a contract's crate into `.wasm`, metadata and `.contract`.
//!
//! # Responsibility
//!
//! - [`build`]: from the folder of an ink! 5 crate to the three files that clients of `pallet-contracts` know, with no more
//!   than a Rust toolchain that can build `core` for Wasm.
//! - [`finish`] and [`check`]: the same rewriting and the same rules for a module from any other compiler.
//! - [`new`]: a contract to start from.
//!
//! # Flow
//!
//! ```text
//! crate ──cargo──► NAME.wasm as linked ──finish──► wasm-opt ──finish──► check ──► NAME.wasm
//!   │                                                                              │ code hash
//!   └──cargo──► generator, which links the crate ──run──► InkProject ──────────────┴──► NAME.json, NAME.contract
//! ```
//!
//! The toolchain is the first that is found of: the Rust in `PATH` with its sources, the same with the target
//! `wasm32v1-none`, Debian's with its sources. With sources, `core` is built anew in a form that panics by an instruction
//! instead of by a message, which makes contracts smaller.
//!
//! # Invariants
//!
//! - What [`build`] leaves in the output folder passes [`check`], and its metadata names the hash of that very module.
//! - The contract's own folder is read, never written, but for its `Cargo.lock` when it has none.
//! - The same sources, toolchain and `wasm-opt` at the same place give the same bytes.
//!
//! # Assumptions
//!
//! - Building runs the build scripts and macros of the contract's dependencies, and its metadata code: as safe as
//!   `cargo build` of that crate is, no more.
//! - The target folders belong to one build at a time; cargo's own lock makes a second one wait.
//!
//! # Usage
//!
//! ```no_run
//! use basalt_contracts_build::{Options, Progress, build};
//! use std::path::Path;
//!
//! # fn main() -> Result<(), basalt_contracts_build::BuildError> {
//! let options = Options::new("target/contracts");
//! let built = build(Path::new("my-token"), &options, &mut |step: Progress<'_>| eprintln!("{step}"))?;
//! println!("{} bytes, code hash 0x{}", built.size, built.code_hash_hex());
//! # Ok(())
//! # }
//! ```
//!
//! # Out of scope
//!
//! Putting code on a chain and calling it: the command line and any client. Running it: `basalt-contracts-vm`.
#![cfg_attr(not(test), deny(clippy::unwrap_used))]

mod compile;
mod error;
mod manifest;
mod metadata;
mod module;
mod optimize;
mod template;
mod toolchain;

use std::{
    fmt, fs,
    path::{Path, PathBuf},
};

pub use error::BuildError;
pub use module::{ModuleError, check, finish};
pub use template::new;
pub use toolchain::Toolchain;

/// Where things go, and what may be left out.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where the three files are put.
    pub out_dir: PathBuf,
    /// Where cargo works: `wasm` and `std` below it. Contracts that share it share their dependencies' builds.
    pub target_dir: PathBuf,
    /// Run `wasm-opt` if there is one. Without it, modules are a fifth to a half bigger.
    pub optimize: bool,
    /// Fail rather than change the contract's `Cargo.lock`.
    pub locked: bool,
}

impl Options {
    /// Builds in `target_dir`, and leaves the files in `out` below it.
    pub fn new(target_dir: impl Into<PathBuf>) -> Self {
        let target_dir = target_dir.into();
        Self { out_dir: target_dir.join("out"), target_dir, optimize: true, locked: false }
    }
}

/// What [`build`] made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifacts {
    /// The name of the crate, and the stem of the files.
    pub name: String,
    /// The module.
    pub wasm: PathBuf,
    /// The metadata alone.
    pub metadata: PathBuf,
    /// The metadata with the module in it: what most tools upload.
    pub bundle: PathBuf,
    /// BLAKE2b-256 of the module, by which a chain knows it.
    pub code_hash: [u8; 32],
    /// Bytes of the module.
    pub size: usize,
    /// Bytes before `wasm-opt`, or `None` if it did not run.
    pub unoptimized: Option<usize>,
}

impl Artifacts {
    /// The code hash in hexadecimal, without `0x`.
    pub fn code_hash_hex(&self) -> String {
        const_hex::encode(self.code_hash)
    }
}

/// What [`build`] is about to do, or did. Displays as a line for humans.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress<'a> {
    /// This toolchain was found.
    Toolchain(&'a Toolchain),
    /// Compiling this crate to Wasm.
    Compiling(&'a str),
    /// Running `wasm-opt` over this many bytes.
    Optimizing(usize),
    /// There is no `wasm-opt`, so the module stays as it is.
    NoOptimizer,
    /// Building and running the generator of metadata.
    Metadata,
    /// A line that cargo printed.
    Cargo(&'a str),
}

impl fmt::Display for Progress<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Toolchain(toolchain) => write!(f, "with {toolchain}"),
            Self::Compiling(name) => write!(f, "compiling {name} to Wasm"),
            Self::Optimizing(size) => write!(f, "optimizing {size} bytes"),
            Self::NoOptimizer => {
                write!(
                    f,
                    "not optimizing: no wasm-opt here (Debian: apt-get install binaryen); the module is bigger than it could be"
                )
            }
            Self::Metadata => write!(f, "generating metadata"),
            Self::Cargo(line) => write!(f, "{line}"),
        }
    }
}

/// Builds the contract in `manifest_dir`.
pub fn build(
    manifest_dir: &Path,
    options: &Options,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<Artifacts, BuildError> {
    let toolchain = Toolchain::find()?;
    progress(Progress::Toolchain(&toolchain));
    let target_dir = absolute(&options.target_dir)?;
    let contract = manifest::read(&toolchain, manifest_dir, options.locked)?;

    progress(Progress::Compiling(&contract.name));
    let linked = compile::to_wasm(&toolchain, &contract, &target_dir.join("wasm"), options.locked, progress)?;
    let small = finish(&linked).map_err(|source| contract.bad_module(source))?;
    let (wasm, unoptimized, optimizer) = match optimize::Optimizer::find(options.optimize) {
        Some(optimizer) => {
            progress(Progress::Optimizing(small.len()));
            let optimized = optimizer.run(&small, &target_dir.join("wasm-opt"), &contract.name)?;
            let finished = finish(&optimized).map_err(|source| contract.bad_module(source))?;
            (finished, Some(small.len()), Some(optimizer))
        }
        None => {
            if options.optimize {
                progress(Progress::NoOptimizer);
            }
            (small, None, None)
        }
    };
    check(&wasm).map_err(|source| contract.bad_module(source))?;

    progress(Progress::Metadata);
    let project = metadata::generate(&toolchain, &contract, &target_dir, progress)?;
    let code_hash = hash(&wasm);
    let optimizer = optimizer.as_ref().map(optimize::Optimizer::version);
    let bundle = metadata::bundle(&contract, &toolchain, optimizer, code_hash, project);

    let out_dir = absolute(&options.out_dir)?;
    fs::create_dir_all(&out_dir).map_err(|source| BuildError::io("create", &out_dir, source))?;
    let artifacts = Artifacts {
        wasm: out_dir.join(format!("{}.wasm", contract.name)),
        metadata: out_dir.join(format!("{}.json", contract.name)),
        bundle: out_dir.join(format!("{}.contract", contract.name)),
        code_hash,
        size: wasm.len(),
        unoptimized,
        name: contract.name,
    };
    write(&artifacts.wasm, &wasm)?;
    write(&artifacts.metadata, bundle.without_code().as_bytes())?;
    write(&artifacts.bundle, bundle.with_code(&wasm).as_bytes())?;
    Ok(artifacts)
}

/// The code hash of `wasm`: BLAKE2b-256 of its bytes.
pub fn hash(wasm: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(blake2b_simd::Params::new().hash_length(32).hash(wasm).as_bytes());
    hash
}

/// Writes a file by renaming a finished one into place, so that readers never see half of it.
fn write(path: &Path, bytes: &[u8]) -> Result<(), BuildError> {
    let part = path.with_added_extension("part");
    fs::write(&part, bytes).map_err(|source| BuildError::io("write", &part, source))?;
    fs::rename(&part, path).map_err(|source| BuildError::io("write", path, source))
}

/// Cargo runs in other folders than we do, so every path it gets must be absolute.
fn absolute(path: &Path) -> Result<PathBuf, BuildError> {
    std::path::absolute(path).map_err(|source| BuildError::io("find", path, source))
}
