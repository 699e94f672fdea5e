//! A backup is one state of a store in use, whole and small.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use image_store::{Error, ErrorKind, ImageStore, Lookup, NewImage, VerifyOptions};

use crate::damage::{noise, store};

#[test]
fn holds_what_the_snapshot_held() {
    let (dir, path) = store();
    let store = ImageStore::open(&path).unwrap();
    let snapshot = store.read().unwrap();
    store.create(NewImage::new().id("later")).unwrap();
    let copy = dir.path().join("copy.redb");
    let summary = snapshot.backup(&copy, |_| {}).unwrap();
    assert_eq!(summary.images, 3);
    assert_eq!(summary.length, fs::metadata(&copy).unwrap().len());
    assert_eq!(
        fs::metadata(&copy).unwrap().permissions().mode() & 0o777,
        0o600
    );

    let backup = ImageStore::open(&copy).unwrap();
    assert!(
        backup
            .verify(&VerifyOptions::new(), |_| {})
            .unwrap()
            .is_clean()
    );
    let images = |store: &dyn Fn() -> Vec<image_store::Image>| store();
    let original = images(&|| snapshot.images().unwrap().map(Result::unwrap).collect());
    let copied = images(&|| backup.images().unwrap().map(Result::unwrap).collect());
    assert_eq!(original, copied);
    assert_eq!(
        backup.generation().unwrap(),
        snapshot.generation().unwrap() + 1
    );
    assert_eq!(backup.big_data("three", "large").unwrap(), noise(100_000));
}

#[test]
fn never_replaces_anything() {
    let (dir, path) = store();
    let copy = dir.path().join("copy.redb");
    fs::write(&copy, "precious").unwrap();
    let store = ImageStore::open(&path).unwrap();
    let refused = store.read().unwrap().backup(&copy, |_| {}).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Io);
    assert!(refused.to_string().contains("exists already"), "{refused}");
    assert_eq!(fs::read(&copy).unwrap(), b"precious");
}

/// Damage was told of the new file, which was not even there; and damaged bytes were copied without a
/// word, over who knows how many older, sound copies.
#[test]
fn damage_is_told_of_the_store_that_has_it_and_is_not_copied() {
    let (dir, path) = store();
    let sound = fs::read(&path).unwrap();
    let copy = dir.path().join("copy.redb");
    let mut refused = 0;
    for at in (4_096..sound.len()).step_by(4_001) {
        let mut bytes = sound.clone();
        bytes[at] ^= 1;
        fs::write(&path, &bytes).unwrap();
        let Ok(store) = ImageStore::options().read_only(true).open(&path) else {
            continue;
        };
        let snapshot = store.read().unwrap();
        match snapshot.backup(&copy, |_| {}) {
            Ok(_) => fs::remove_file(&copy).unwrap(),
            Err(error) => {
                refused += 1;
                let Error::Corrupt { path: named, .. } = &error else {
                    panic!("{error:?}");
                };
                assert_eq!(named, &path, "byte {at}");
                assert!(!copy.exists());
            }
        }
    }
    // Most bytes of the file are those of items.
    assert!(refused > 10, "{refused}");
}

/// The keys of indexes have no checksum of their own.
#[test]
fn a_key_that_is_no_text_is_not_copied() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("images.redb");
    let store = ImageStore::open(&path).unwrap();
    store.create(NewImage::new().id("ab".repeat(32))).unwrap();
    store.close();
    let mut bytes = fs::read(&path).unwrap();
    let packed = [&[0xff][..], &[0xab; 32]].concat();
    let found: Vec<usize> = (0..bytes.len())
        .filter(|at| bytes[*at..].starts_with(&packed))
        .collect();
    assert!(!found.is_empty());
    for at in found {
        bytes[at] = 0xfd;
    }
    fs::write(&path, bytes).unwrap();
    let store = ImageStore::open(&path).unwrap();
    let copy = dir.path().join("copy.redb");
    let error = store.read().unwrap().backup(&copy, |_| {}).unwrap_err();
    assert!(error.to_string().contains("no text"), "{error}");
    assert!(!copy.exists());
}
