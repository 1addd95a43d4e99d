//! Finding a Rust that compiles contracts, and running it.

use crate::error::BuildError;
use std::{
    collections::VecDeque,
    fmt,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Wasm 1.0 and nothing else: newer targets use instructions that chains refuse, in `core` as well.
pub(crate) const TARGET: &str = "wasm32v1-none";

/// The linker of Debian's `lld`.
const LLD: &str = "wasm-ld";

/// Lines of a failed program that an error shows.
const TAIL: usize = 60;

/// A Rust that compiles contracts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toolchain {
    cargo: PathBuf,
    rustc: PathBuf,
    version: String,
    core: Core,
    linker: Option<PathBuf>,
}

/// Where `core` comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Core {
    /// Compiled from the toolchain's own sources, which allows panics without messages.
    Sources,
    /// As it was shipped.
    Shipped,
}

impl fmt::Display for Toolchain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.version, self.rustc.display())?;
        match self.core {
            Core::Sources => write!(f, ", core built from source"),
            Core::Shipped => {
                write!(
                    f,
                    ", core as shipped: contracts get smaller with its sources (rustup component add rust-src)"
                )
            }
        }
    }
}

impl Toolchain {
    /// The first of: the Rust in `PATH` with its sources, the same with the target installed, Debian's with its sources.
    pub fn find() -> Result<Self, BuildError> {
        let debian = || Self::with_sources("/usr/bin/rustc".into(), "/usr/bin/cargo".into());
        Self::with_sources("rustc".into(), "cargo".into())
            .or_else(|| Self::with_target("rustc".into(), "cargo".into()))
            .or_else(debian)
            .ok_or(BuildError::NoToolchain)
    }

    /// This `rustc`, if it is new enough and has the sources of `core` and a linker.
    fn with_sources(rustc: PathBuf, cargo: PathBuf) -> Option<Self> {
        let (version, sysroot) = identify(&rustc)?;
        // `immediate-abort` is a panic strategy since 1.92.
        let new = minor(&version).is_some_and(|minor| minor >= 92);
        let sources = sysroot.join("lib/rustlib/src/rust/library/core/Cargo.toml").is_file();
        let linker = if has_own_linker(&sysroot) { None } else { Some(on_path(LLD)?) };
        (new && sources).then_some(Self { cargo, rustc, version, core: Core::Sources, linker })
    }

    /// This `rustc`, if the target is installed.
    fn with_target(rustc: PathBuf, cargo: PathBuf) -> Option<Self> {
        let (version, sysroot) = identify(&rustc)?;
        let there = sysroot.join("lib/rustlib").join(TARGET).join("lib").is_dir();
        let linker = if has_own_linker(&sysroot) { None } else { Some(on_path(LLD)?) };
        there.then_some(Self { cargo, rustc, version, core: Core::Shipped, linker })
    }

    /// The compiler's name and version: `rustc 1.96.0`.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Cargo, run in `folder` so that the settings which hold there hold for it.
    pub(crate) fn cargo(&self, folder: &Path) -> Command {
        let mut command = Command::new(&self.cargo);
        command.current_dir(folder).env("RUSTC", &self.rustc);
        // What the one who runs us set for another build.
        for variable in ["CARGO_TARGET_DIR", "CARGO_BUILD_TARGET", "RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS"] {
            command.env_remove(variable);
        }
        command
    }

    /// The same, set up for Wasm with these further flags for the compiler.
    pub(crate) fn cargo_for_wasm(&self, folder: &Path, flags: &[&str]) -> Command {
        let mut command = self.cargo(folder);
        let mut flags = flags.to_vec();
        if let Some(linker) = &self.linker {
            command.env("CARGO_TARGET_WASM32V1_NONE_LINKER", linker);
        }
        if self.core == Core::Sources {
            // Building `core` and choosing how it panics are flags of nightly compilers. They are asked for here alone.
            command.env("RUSTC_BOOTSTRAP", "1");
            flags.extend(["-Zunstable-options", "-Cpanic=immediate-abort"]);
        }
        command.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\u{1f}"));
        command
    }

    /// The arguments that make cargo build `core`, where it has to.
    pub(crate) fn core_arguments(&self) -> &'static [&'static str] {
        match self.core {
            Core::Sources => &["-Zbuild-std=core,alloc"],
            Core::Shipped => &[],
        }
    }
}

/// Name with version, and folder of libraries.
fn identify(rustc: &Path) -> Option<(String, PathBuf)> {
    let ask = |question: &[&str]| {
        let output =
            Command::new(rustc).args(question).output().ok().filter(|output| output.status.success())?;
        String::from_utf8(output.stdout).ok()
    };
    let version = ask(&["--version"])?.split(' ').take(2).collect::<Vec<_>>().join(" ");
    Some((version, PathBuf::from(ask(&["--print=sysroot"])?.trim_end())))
}

/// The 96 of `rustc 1.96.0`.
fn minor(version: &str) -> Option<u32> {
    version.split('.').nth(1)?.parse().ok()
}

/// Does it bring the linker for Wasm that it looks for when nobody names one?
fn has_own_linker(sysroot: &Path) -> bool {
    let hosts = sysroot.join("lib/rustlib").read_dir().into_iter().flatten().flatten();
    hosts.into_iter().any(|host| host.path().join("bin/rust-lld").is_file())
}

/// The program `name` in `PATH`.
fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|program| program.is_file())
}

/// Runs a program to its end, and passes on each line that it prints for humans. The error has the last of them.
pub(crate) fn run(command: &mut Command, doing: &str, line: &mut dyn FnMut(&str)) -> Result<(), BuildError> {
    let program = PathBuf::from(command.get_program());
    let start = |source| BuildError::io("start", &program, source);
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().map_err(start)?;
    let mut tail = VecDeque::with_capacity(TAIL);
    if let Some(stderr) = child.stderr.take() {
        for text in BufReader::new(stderr).split(b'\n').map_while(Result::ok) {
            let text = String::from_utf8_lossy(&text).into_owned();
            line(&text);
            if tail.len() == TAIL {
                tail.pop_front();
            }
            tail.push_back(text);
        }
    }
    let status = child.wait().map_err(start)?;
    if status.success() {
        return Ok(());
    }
    Err(BuildError::Failed {
        doing: doing.to_owned(),
        status: status.to_string(),
        output: Vec::from(tail).join("\n"),
    })
}
