use super::*;

#[test]
fn the_name_stays_and_only_the_owner_can_read_the_key() {
    let folder = tempfile::tempdir().unwrap();
    let identity = Identity::Folder(folder.path().join("new"));
    let first = load(&identity).unwrap().public();
    assert_eq!(load(&identity).unwrap().public(), first);
    let path = folder.path().join("new").join(SECRET_FILE);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read_dir(folder.path().join("new")).unwrap().count(), 1, "nothing is left beside it");
}

#[test]
fn a_key_that_others_can_read_or_of_another_length_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let identity = Identity::Folder(folder.path().to_owned());
    load(&identity).unwrap();
    let path = folder.path().join(SECRET_FILE);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(matches!(load(&identity), Err(NetworkError::IdentityMode { mode: 0o644, .. })));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(&path, [1; 31]).unwrap();
    assert!(matches!(load(&identity), Err(NetworkError::Identity { bytes: 31, .. })));
}

#[test]
fn a_crash_while_the_key_was_made_does_no_harm() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(format!("{SECRET_FILE}.new")), b"half").unwrap();
    assert!(load(&Identity::Folder(folder.path().to_owned())).is_ok());
}

#[test]
fn a_secret_given_by_hand_has_the_name_that_can_be_computed() {
    let keypair = load(&Identity::Secret(Zeroizing::new([7; 32]))).unwrap();
    let named = crate::PeerId::of_secret(&[7; 32]).unwrap();
    assert_eq!(named.0, keypair.public().to_peer_id());
    assert_eq!(named.to_string().parse(), Ok(named));
}
