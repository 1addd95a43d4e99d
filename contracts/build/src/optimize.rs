//! `wasm-opt` of binaryen, run as a program: it is written in C++, and every distribution has it.

use crate::{error::BuildError, toolchain};
use std::{fs, path::Path, process::Command};

const PROGRAM: &str = "wasm-opt";

/// As small as possible, and nothing a chain refuses. A contract's memory is all zero at the start of each call, so
/// zeroes in data segments can go. Sign extension stays off: what a compiler emitted without it gains nothing.
const FLAGS: [&str; 3] = ["-Oz", "--mvp-features", "--zero-filled-memory"];

/// An installed `wasm-opt`.
pub(crate) struct Optimizer {
    version: String,
}

impl Optimizer {
    /// The one in `PATH`, if it is `wanted` and there.
    pub(crate) fn find(wanted: bool) -> Option<Self> {
        if !wanted {
            return None;
        }
        let output =
            Command::new(PROGRAM).arg("--version").output().ok().filter(|output| output.status.success())?;
        Some(Self { version: String::from_utf8_lossy(&output.stdout).trim().to_owned() })
    }

    /// What it calls itself.
    pub(crate) fn version(&self) -> &str {
        &self.version
    }

    /// Optimizes `wasm`, by files named after `name` in `folder`.
    pub(crate) fn run(&self, wasm: &[u8], folder: &Path, name: &str) -> Result<Vec<u8>, BuildError> {
        fs::create_dir_all(folder).map_err(|source| BuildError::io("create", folder, source))?;
        let (from, to) = (folder.join(format!("{name}.wasm")), folder.join(format!("{name}.opt.wasm")));
        fs::write(&from, wasm).map_err(|source| BuildError::io("write", &from, source))?;
        let mut command = Command::new(PROGRAM);
        command.args(FLAGS).arg(&from).arg("-o").arg(&to);
        toolchain::run(&mut command, "wasm-opt", &mut |_| ())?;
        fs::read(&to).map_err(|source| BuildError::io("read", &to, source))
    }
}
