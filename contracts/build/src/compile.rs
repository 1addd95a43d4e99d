//! From a crate to a linked module.

use crate::{
    Progress,
    error::BuildError,
    manifest::Contract,
    toolchain::{self, TARGET, Toolchain},
};
use std::{fs, path::Path};

/// For the linker: memory comes from the chain, and the stack is small, so that two pages do for most contracts.
const FLAGS: [&str; 2] = ["-Clink-arg=--import-memory", "-Clink-arg=-zstack-size=65536"];

/// Small rather than fast, because every call pays for the module's bytes; and an overflow must never go unnoticed.
const PROFILE: [&str; 6] = [
    "profile.release.opt-level=\"z\"",
    "profile.release.lto=\"fat\"",
    "profile.release.codegen-units=1",
    "profile.release.panic=\"abort\"",
    "profile.release.overflow-checks=true",
    "profile.release.debug=false",
];

/// Compiles `contract`, and returns the module as the linker left it.
pub(crate) fn to_wasm(
    toolchain: &Toolchain,
    contract: &Contract,
    target_dir: &Path,
    locked: bool,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<Vec<u8>, BuildError> {
    let mut command = toolchain.cargo_for_wasm(&contract.folder, &FLAGS);
    // A library linked as a program would be: no manifest has to say so, and other crates can still link it as a library.
    command.args(["rustc", "--lib", "--crate-type=cdylib", "--release", "--no-default-features"]);
    command
        .arg("--target")
        .arg(TARGET)
        .arg("--target-dir")
        .arg(target_dir)
        .args(locked.then_some("--locked"));
    command.args(toolchain.core_arguments());
    for setting in PROFILE {
        command.arg("--config").arg(setting);
    }
    let doing = format!("compiling {} to Wasm", contract.name);
    toolchain::run(&mut command, &doing, &mut |line| progress(Progress::Cargo(line)))?;
    let linked = target_dir.join(TARGET).join("release").join(format!("{}.wasm", contract.library));
    fs::read(&linked).map_err(|source| BuildError::io("read", &linked, source))
}
