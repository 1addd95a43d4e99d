use super::*;

#[test]
fn a_new_contract_is_filled_in() {
    let dir = tempfile::tempdir().unwrap();
    let folder = new("my-first_token2", dir.path()).unwrap();
    assert_eq!(folder, dir.path().join("my-first_token2"));
    let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
    assert!(manifest.contains("name = \"my-first_token2\""));
    manifest.parse::<toml_edit::DocumentMut>().unwrap();
    let source = fs::read_to_string(folder.join("lib.rs")).unwrap();
    assert!(source.contains("mod my_first_token2 {") && source.contains("pub struct MyFirstToken2 {"));
    assert!(!source.contains("{{") && !manifest.contains("{{"));
}

#[test]
fn nothing_is_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    new("token", dir.path()).unwrap();
    assert!(matches!(new("token", dir.path()), Err(BuildError::Exists(_))));
}

#[test]
fn bad_names_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    for name in
        ["", "Token", "1st", "../evil", "a/b", "a b", "é", "fn", "proc-macro", "_x", "ink", &"a".repeat(65)]
    {
        assert!(matches!(new(name, dir.path()), Err(BuildError::BadName { .. })), "{name}");
    }
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}
