use super::*;

#[test]
fn patches_hold_from_elsewhere() {
    let dir = tempfile::tempdir().unwrap();
    let manifest = "[workspace]\n[patch.crates-io]\na = { path = \"sub/a\" }\nb = { git = \"https://example.org/b\" }\n\
                    [patch.crates-io.c]\npath = \"c\"\nversion = \"1\"\n";
    fs::write(dir.path().join("Cargo.toml"), manifest).unwrap();
    let mut document = DocumentMut::new();
    document["patch"] = patches(dir.path()).unwrap().unwrap();
    let read: DocumentMut = document.to_string().parse().unwrap();
    let registry = &read["patch"]["crates-io"];
    let path = |name: &str| registry[name].get("path").and_then(Item::as_str).map(PathBuf::from);
    assert_eq!(path("a"), Some(dir.path().join("sub/a")));
    assert_eq!(path("b"), None);
    assert_eq!(path("c"), Some(dir.path().join("c")));
    assert_eq!(registry["c"]["version"].as_str(), Some("1"));
}

#[test]
fn no_patches_no_table() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("Cargo.toml"), "[package]\nname = \"x\"\n").unwrap();
    assert!(patches(dir.path()).unwrap().is_none());
    fs::write(dir.path().join("Cargo.toml"), "not a manifest").unwrap();
    assert!(matches!(patches(dir.path()), Err(BuildError::Manifest { .. })));
}

#[test]
fn what_stays_the_same_is_not_written() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("sub/file");
    assert!(write_if_new(&path, b"a").unwrap());
    assert!(!write_if_new(&path, b"a").unwrap());
    assert!(write_if_new(&path, b"b").unwrap());
}
