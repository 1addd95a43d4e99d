//! `docs/add-a-pallet.md`, word by word.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use basalt_docs_test::{files, insertions};

fn root() -> PathBuf {
    // Asked when it runs: clones share a target folder, so this test may have been built from another one.
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo says where this crate is");
    Path::new(&manifest).ancestors().nth(2).expect("this crate is in tests/docs").to_owned()
}

/// Copies what git would hand to a newcomer, as it is now.
fn copy_workspace(to: &Path) {
    let listed = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .expect("git lists the files of this repository");
    assert!(listed.status.success(), "git lists the files of this repository");
    for path in String::from_utf8(listed.stdout).expect("paths are UTF-8").lines() {
        let from = root().join(path);
        if from.is_file() {
            let target = to.join(path);
            fs::create_dir_all(target.parent().expect("a file has a folder")).unwrap();
            fs::copy(from, target).unwrap();
        }
    }
}

#[test]
fn the_page_leads_to_a_pallet_that_runs_in_the_chain() {
    let page = fs::read_to_string(root().join("docs/add-a-pallet.md")).unwrap();
    assert!(page.lines().count() < 150, "the page promises minutes: keep it below 150 lines");
    let folder = tempfile::tempdir().unwrap();
    copy_workspace(folder.path());

    let files = files(&page);
    assert_eq!(files.len(), 3, "manifest, pallet and test");
    for file in files {
        let path = folder.path().join(&file.path);
        fs::create_dir_all(path.parent().expect("a file has a folder")).unwrap();
        fs::write(path, file.content).unwrap();
    }
    let insertions = insertions(&page);
    assert_eq!(insertions.len(), 11, "every row of the table is read");
    for insertion in insertions {
        let path = folder.path().join(&insertion.path);
        let text = fs::read_to_string(&path).unwrap();
        let at = text.find(&insertion.below);
        let at = at.unwrap_or_else(|| panic!("{} has no line with {}", insertion.path, insertion.below));
        let end = at + text[at..].find('\n').expect("lines end");
        fs::write(path, format!("{}\n{}{}", &text[..end], insertion.line, &text[end..])).unwrap();
    }

    // The same target folder as this test's, so that dependencies are there already.
    let test = std::env::current_exe().unwrap();
    let target = test.ancestors().find(|folder| folder.ends_with("debug")).and_then(Path::parent);
    let output = Command::new(env!("CARGO"))
        .args(["test", "--offline", "-p", "basalt-pallet-counter"])
        .env("CARGO_TARGET_DIR", target.expect("tests run from a target folder"))
        .current_dir(folder.path())
        .output()
        .expect("cargo starts");
    let text =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("one_counts_up_to_the_maximum_and_no_further ... ok"), "{text}");
}
