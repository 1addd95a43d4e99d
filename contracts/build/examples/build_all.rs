//! Builds every contract below a folder: what `make contracts` runs.
//!
//!     cargo run -p basalt-contracts-build --example build_all -- contracts/examples OUT TARGET
//!
//! A folder with a `Cargo.toml` that asks for `ink` is a contract; a file `NAME/NAME.wat` is one written by hand, and has no
//! metadata.

use basalt_contracts_build::{Artifacts, Options, Progress, build, check, hash};
use serde_json::Value;
use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

#[expect(clippy::print_stderr, reason = "this is a command line program")]
fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [examples, out_dir, target_dir] = arguments.as_slice() else {
        eprintln!("usage: build_all EXAMPLES OUT TARGET");
        return ExitCode::from(2);
    };
    match build_all(Path::new(examples), Path::new(out_dir), Path::new(target_dir)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("contracts: {error}");
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "this is a command line program")]
fn build_all(examples: &Path, out_dir: &Path, target_dir: &Path) -> Result<(), Box<dyn Error>> {
    let mut options = Options::new(target_dir);
    options.out_dir = out_dir.to_owned();
    options.locked = true;
    let mut folders: Vec<PathBuf> =
        fs::read_dir(examples)?.map(|entry| Ok(entry?.path())).collect::<Result<_, std::io::Error>>()?;
    folders.sort();
    let mut said = false;
    for folder in folders {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let by_hand = folder.join(&name).with_extension("wat");
        let (size, code_hash) = if by_hand.is_file() {
            let wasm = wat::parse_file(&by_hand)?;
            check(&wasm)?;
            fs::create_dir_all(out_dir)?;
            fs::write(out_dir.join(format!("{name}.wasm")), &wasm)?;
            (wasm.len(), hash(&wasm))
        } else if is_contract(&folder)? {
            let built = build(&folder, &options, &mut |step| match step {
                Progress::Toolchain(_) | Progress::NoOptimizer if !said => eprintln!("contracts: {step}"),
                // Cargo says what it compiles, which takes minutes the first time. What is up to date is no news.
                Progress::Cargo(line) if line.trim_start().starts_with("Compiling") => eprintln!("{line}"),
                _ => {}
            })?;
            said = true;
            agree(&built)?;
            (built.size, built.code_hash)
        } else {
            continue;
        };
        println!("{name:<14} {size:>6} bytes  {}", const_hex::encode(code_hash));
    }
    Ok(())
}

/// Do the three files, as they lie there, say the same? A client reads any of them.
fn agree(built: &Artifacts) -> Result<(), Box<dyn Error>> {
    let wasm = fs::read(&built.wasm)?;
    let hex = |bytes: &[u8]| format!("0x{}", const_hex::encode(bytes));
    for (file, code) in [(&built.metadata, None), (&built.bundle, Some(hex(&wasm)))] {
        let metadata: Value = serde_json::from_slice(&fs::read(file)?)?;
        let source = &metadata["source"];
        if source["hash"].as_str() != Some(&hex(&hash(&wasm))) || source["wasm"].as_str() != code.as_deref() {
            return Err(format!("{} is not the metadata of {}", file.display(), built.wasm.display()).into());
        }
        let spec = &metadata["spec"];
        if metadata["version"] != 5 || spec["messages"].as_array().is_none_or(Vec::is_empty) {
            return Err(format!("{} describes no messages in version 5", file.display()).into());
        }
    }
    Ok(check(&wasm)?)
}

/// Is there a crate that asks for ink! itself?
fn is_contract(folder: &Path) -> Result<bool, std::io::Error> {
    let manifest = folder.join("Cargo.toml");
    Ok(manifest.is_file() && fs::read_to_string(manifest)?.lines().any(|line| line.starts_with("ink")))
}
