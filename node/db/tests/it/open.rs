//! Who may open what.

use std::{collections::BTreeMap, fs, path::Path};

use basalt_db::{Db, DbError, Pruning};

use crate::chain::{TestBlock, commit_final, config};

fn open(path: &Path) -> Result<Db, DbError> {
    Db::open(path, config(Pruning::Archive, 1 << 20))
}

fn error(path: &Path) -> DbError {
    match open(path) {
        Ok(_) => panic!("{} opened", path.display()),
        Err(error) => error,
    }
}

/// All files with their bytes.
fn files(path: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(path).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if entry.file_type().unwrap().is_dir() {
            all.extend(
                files(&entry.path()).into_iter().map(|(inner, bytes)| (format!("{name}/{inner}"), bytes)),
            );
        } else {
            all.insert(name, fs::read(entry.path()).unwrap());
        }
    }
    all
}

/// A database of one block, closed.
fn made(path: &Path) {
    let db = open(path).unwrap();
    let genesis = TestBlock::new(None, 0, vec![(b"a".to_vec(), Some(vec![1; 100]))]);
    commit_final(&db, &[genesis]).unwrap();
    db.compact().unwrap();
}

#[test]
fn a_second_open_is_refused_with_a_sentence_until_the_first_ends() {
    let directory = tempfile::tempdir().unwrap();
    let first = open(directory.path()).unwrap();
    let refused = error(directory.path());
    assert!(matches!(refused, DbError::Locked { .. }));
    assert_eq!(
        refused.to_string(),
        format!(
            "the database at {} is in use by another process; stop that node or choose another --base-path",
            directory.path().display()
        )
    );
    drop(first);
    open(directory.path()).unwrap();
}

#[test]
fn other_formats_are_refused_and_stay_as_they_are() {
    let directory = tempfile::tempdir().unwrap();
    made(directory.path());
    let format = directory.path().join("FORMAT");
    for (text, what) in [
        ("basalt database, format 3\n", "newer"),
        ("basalt database, format 1\n", "older"),
        ("basalt database, format two\n", "not"),
        ("", "not"),
        ("\0\u{ff}\u{1}garbage", "not"),
    ] {
        fs::write(&format, text).unwrap();
        let before = files(directory.path());
        let refused = error(directory.path());
        match what {
            "newer" => assert!(matches!(refused, DbError::NewerFormat { found: 3, .. }), "{refused}"),
            "older" => assert!(matches!(refused, DbError::OlderFormat { found: 1, .. }), "{refused}"),
            _ => assert!(matches!(refused, DbError::NotADatabase { .. }), "{refused}"),
        }
        assert_eq!(files(directory.path()), before);
    }
    fs::write(&format, "basalt database, format 2\n").unwrap();
    assert_eq!(open(directory.path()).unwrap().get_at(0, b"a").unwrap(), Some(vec![1; 100]));
}

#[test]
fn somebody_elses_directory_is_refused_and_stays_as_it_is() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("thesis.tex"), "ten years of work").unwrap();
    let before = files(directory.path());
    let refused = error(directory.path());
    assert!(matches!(refused, DbError::NotADatabase { .. }));
    assert!(refused.to_string().contains("thesis.tex"), "{refused}");
    assert_eq!(files(directory.path()), before);

    let file = directory.path().join("thesis.tex");
    assert!(matches!(error(&file), DbError::NotADatabase { .. }));
    assert!(matches!(error(&file.join("below")), DbError::Io { .. }));
    assert_eq!(files(directory.path()), before);
}

#[test]
fn a_creation_that_was_cut_short_is_finished() {
    let directory = tempfile::tempdir().unwrap();
    // Killed before, while and after the format was written, and while RocksDB was made.
    for left in [&["lock"][..], &["lock", "FORMAT.new"], &["lock", "FORMAT.new", "rocks/MANIFEST-000001"]] {
        let path = directory.path().join(left.len().to_string());
        fs::create_dir_all(path.join("rocks")).unwrap();
        for name in left {
            fs::write(path.join(name), "").unwrap();
        }
        if left.len() == 3 {
            fs::write(path.join("FORMAT"), "basalt database, format 2\n").unwrap();
        } else {
            fs::remove_dir(path.join("rocks")).unwrap();
        }
        made(&path);
        assert!(open(&path).unwrap().genesis_hash().is_some());
    }
}

#[test]
fn a_database_without_its_root_file_is_damaged_and_not_made_anew() {
    let directory = tempfile::tempdir().unwrap();
    made(directory.path());
    fs::remove_file(directory.path().join("rocks/CURRENT")).unwrap();
    let before = files(directory.path());
    assert!(matches!(error(directory.path()), DbError::Corrupt(_)));
    assert_eq!(files(directory.path()), before);
}

#[test]
fn garbage_in_any_file_is_an_error_or_harmless_but_never_a_panic_or_a_wrong_value() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("original");
    made(&path);
    let mut errors = 0;
    for (name, bytes) in files(&path) {
        for garbage in
            [Vec::new(), b"garbage\n".to_vec(), vec![0xa5; bytes.len()], bytes[..bytes.len() / 2].to_vec()]
        {
            let copy = directory.path().join("copy");
            for (other, bytes) in files(&path) {
                let target = copy.join(&other);
                fs::create_dir_all(target.parent().unwrap()).unwrap();
                fs::write(target, if other == name { &garbage } else { &bytes }).unwrap();
            }
            match open(&copy).and_then(|db| db.load_tree().map(|_| db)) {
                Err(_) => errors += 1,
                Ok(db) if db.genesis_hash().is_some() => {
                    assert_eq!(db.get_at(0, b"a").unwrap(), Some(vec![1; 100]), "{name}");
                }
                Ok(_) => panic!("{name}: the database opened, and is empty"),
            }
            fs::remove_dir_all(&copy).unwrap();
        }
    }
    assert!(errors > 8, "only {errors} were noticed");
}
