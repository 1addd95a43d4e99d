//! Machine code that outlives the process.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, time::Duration};

use super::kit::{FUEL, POLICY, contract, told, with_source};
use crate::{Engines, Entry, MachineConfig, Readiness, SetupError, WasmMachine};

fn on(folder: &Path, bytes_max: u64) -> WasmMachine {
    WasmMachine::new(MachineConfig {
        engines: Engines::CompiledOnly,
        folder: Some(folder.to_owned()),
        folder_bytes_max: bytes_max,
        ..MachineConfig::default()
    })
    .unwrap()
}

fn code(number: u32) -> Vec<u8> {
    contract(
        r#"(import "seal1" "set_storage" (func $set (param i32 i32 i32) (result i32)))"#,
        "",
        &format!("(drop (call $set (i32.const 1) (i32.const {number}) (i32.const 0)))"),
    )
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

const PLENTY: u64 = 1 << 30;

#[test]
fn a_node_that_starts_again_does_not_compile() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("codes");
    let code = code(1);
    let expected = told(&on(&folder, PLENTY), &code, Entry::Call, FUEL);
    assert_eq!(files(&folder).len(), 1);
    assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);

    let again = on(&folder, PLENTY);
    assert_eq!(told(&again, &code, Entry::Call, FUEL), expected);
    let stats = again.stats();
    assert_eq!((stats.compilations, stats.disk_hits, stats.runs_compiled), (0, 1, 1));

    // Also where compiling is for the background: the first run finds it.
    let config = MachineConfig { folder: Some(folder.clone()), ..MachineConfig::default() };
    let both = WasmMachine::new(config).unwrap();
    assert_eq!(with_source(&code, |code| both.warm(code, &POLICY)), Ok(Readiness::Compiled));
    assert_eq!(told(&both, &code, Entry::Call, FUEL), expected);
    assert_eq!((both.stats().compilations, both.stats().runs_compiled), (0, 1));
}

#[test]
fn the_background_writes_too() {
    let folder = tempfile::tempdir().unwrap();
    let config = MachineConfig { folder: Some(folder.path().to_owned()), ..MachineConfig::default() };
    let code = code(1);
    let both = WasmMachine::new(config).unwrap();
    told(&both, &code, Entry::Call, FUEL).run.unwrap();
    both.wait_until_compiled(super::kit::hash(&code), &POLICY, Duration::from_secs(120));
    drop(both);
    assert_eq!(files(folder.path()).len(), 1);
}

#[test]
fn damaged_and_foreign_files_are_compiled_anew() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let (one, other) = (code(1), code(2));
    let machine = on(folder, PLENTY);
    let expected = told(&machine, &one, Entry::Call, FUEL);
    let file = files(folder).remove(0);
    let good = fs::read(&file).unwrap();
    told(&machine, &other, Entry::Call, FUEL).run.unwrap();
    let foreign = files(folder).into_iter().find(|path| *path != file).unwrap();
    let foreign = fs::read(foreign).unwrap();

    let mut flipped = good.clone();
    *flipped.last_mut().unwrap() ^= 1;
    let mut header = good.clone();
    header[20] ^= 1;
    let longer = [good.clone(), vec![0]].concat();
    let half = good[..good.len() / 2].to_vec();
    for wrong in [flipped, header, longer, half, foreign, vec![], b"not ours".to_vec()] {
        fs::write(&file, &wrong).unwrap();
        let machine = on(folder, PLENTY);
        assert_eq!(told(&machine, &one, Entry::Call, FUEL), expected);
        let stats = machine.stats();
        assert_eq!((stats.compilations, stats.disk_hits, stats.disk_rejected), (1, 0, 1));
        assert_eq!(fs::read(&file).unwrap().len(), good.len());
    }

    // Another version of the engine or of the metering has another name: its files are neither used nor removed.
    let stranger = folder.join(format!("{}.machine-code", "0".repeat(80)));
    fs::rename(&file, &stranger).unwrap();
    let machine = on(folder, PLENTY);
    assert_eq!(told(&machine, &one, Entry::Call, FUEL), expected);
    assert_eq!((machine.stats().compilations, machine.stats().disk_rejected), (1, 0));
    assert!(stranger.exists());
}

#[test]
fn the_folder_is_bounded_and_cleaned() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let machine = on(folder, PLENTY);
    told(&machine, &code(0), Entry::Call, FUEL).run.unwrap();
    let bytes = fs::metadata(&files(folder)[0]).unwrap().len();
    fs::write(folder.join("1-1.unfinished"), b"half").unwrap();
    fs::write(folder.join("notes.txt"), b"somebody's").unwrap();

    // Room for five and a half.
    let machine = on(folder, 5 * bytes + bytes / 2);
    for number in 1..20 {
        told(&machine, &code(number), Entry::Call, FUEL).run.unwrap();
    }
    let names: Vec<_> = files(folder).iter().map(|path| path.file_name().unwrap().to_owned()).collect();
    let kept = names.iter().filter(|name| name.to_string_lossy().ends_with(".machine-code")).count();
    assert!((4..=5).contains(&kept), "{names:?}");
    assert!(names.iter().any(|name| name == "notes.txt"));
    assert!(!names.iter().any(|name| name.to_string_lossy().ends_with(".unfinished")));
}

#[test]
fn a_folder_that_cannot_be_is_an_error() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let config = MachineConfig { folder: Some(file.path().join("below")), ..MachineConfig::default() };
    assert!(matches!(WasmMachine::new(config), Err(SetupError::Folder { .. })));
}
