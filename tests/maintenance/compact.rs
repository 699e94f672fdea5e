//! A compaction gives back room and keeps everything else.

use std::path::{Path, PathBuf};
use std::time::Duration;

use image_store::{Access, ErrorKind, ImageStore, Lookup, NewImage, OpenOptions};
use tempfile::TempDir;

use crate::damage::{noise, store};

#[test]
fn gains_room_and_loses_nothing() {
    let (_dir, path) = store();
    let store = ImageStore::open(&path).unwrap();
    for n in 0..40_u8 {
        let bytes = [noise(60_000), vec![n]].concat();
        store
            .create(NewImage::new().id(format!("x{n}")).big_data("b", bytes))
            .unwrap();
    }
    for n in (0..40).step_by(2) {
        store.delete(&format!("x{n}")).unwrap();
    }
    store.close();
    let summary = ImageStore::options().compact(&path).unwrap();
    assert!(
        summary.length_after * 3 < summary.length_before * 2,
        "{summary:?}"
    );
    let store = ImageStore::open(&path).unwrap();
    assert_eq!(store.len().unwrap(), 23);
    assert_eq!(store.big_data("three", "large").unwrap(), noise(100_000));
}

#[test]
fn is_refused_while_another_has_the_store_open() {
    let (_dir, path) = store();
    let _in_use = ImageStore::open(&path).unwrap();
    let options = ImageStore::options().lock_wait(Duration::from_millis(50));
    assert_eq!(options.compact(&path).unwrap_err().kind(), ErrorKind::Busy);
}

/// As many images as take more than a megabyte.
const MANY: usize = 600;

/// A compact store of images with small items.
fn compact_store() -> (TempDir, PathBuf) {
    let (dir, path) = store();
    let store = ImageStore::open(&path).unwrap();
    create(&store, 0..MANY);
    store.close();
    ImageStore::options().compact(&path).unwrap();
    (dir, path)
}

fn create(store: &ImageStore, numbers: std::ops::Range<usize>) {
    let mut transaction = store.write().unwrap();
    for number in numbers {
        let bytes = [noise(1_500), number.to_string().into_bytes()].concat();
        let image = NewImage::new().id(format!("many{number}"));
        transaction.create(image.big_data("b", bytes)).unwrap();
    }
    transaction.commit().unwrap();
}

/// Replaces half of the images, four times over.
fn replace(store: &ImageStore) {
    for _ in 0..4 {
        let mut transaction = store.write().unwrap();
        for number in (0..MANY).step_by(2) {
            transaction.delete(&format!("many{number}")).unwrap();
        }
        transaction.commit().unwrap();
        for number in (0..MANY).step_by(2) {
            create(store, number..number + 1);
        }
    }
}

fn length(path: &Path) -> u64 {
    path.metadata().unwrap().len()
}

fn replaced(options: &OpenOptions, path: &Path) {
    let store = options.clone().open(path).unwrap();
    replace(&store);
    store.close();
}

#[test]
fn a_store_whose_images_were_replaced_is_compact_once_it_is_closed() {
    for access in [Access::Shared, Access::Exclusive] {
        let (_dir, path) = compact_store();
        let before = length(&path);
        replaced(&ImageStore::options().access(access), &path);
        let after = length(&path);
        assert!(after * 2 <= before * 3, "{access:?}: {before} to {after}");
        let store = ImageStore::open(&path).unwrap();
        assert_eq!(store.len().unwrap(), MANY as u64 + 3);
        assert_eq!(store.big_data("three", "large").unwrap(), noise(100_000));
        assert!(
            store
                .verify(&Default::default(), |_| {})
                .unwrap()
                .is_clean()
        );
    }
}

#[test]
fn a_store_is_left_as_it_is_where_that_is_said() {
    let (_dir, path) = compact_store();
    let before = length(&path);
    replaced(&ImageStore::options().compact_on_close(false), &path);
    assert!(length(&path) * 2 > before * 3, "the test is of no use");
}

#[test]
fn a_store_that_others_have_open_is_theirs_to_compact() {
    let (_dir, path) = compact_store();
    let other = ImageStore::open(&path).unwrap();
    let before = length(&path);
    replaced(&ImageStore::options(), &path);
    assert!(length(&path) * 2 > before * 3, "it was compacted");
    assert_eq!(other.len().unwrap(), MANY as u64 + 3);
    replace(&other);
    // A snapshot outlives the store that it is of, which is closed with it.
    let snapshot = other.read().unwrap();
    other.close();
    assert!(length(&path) * 2 > before * 3, "it was compacted");
    drop(snapshot);
    assert!(length(&path) * 2 <= before * 3, "it was not compacted");
}

#[test]
fn a_transaction_that_outlives_its_store_closes_it() {
    for access in [Access::Shared, Access::Exclusive] {
        let (_dir, path) = compact_store();
        let before = length(&path);
        let store = ImageStore::options().access(access).open(&path).unwrap();
        replace(&store);
        let mut transaction = store.write().unwrap();
        store.close();
        transaction.delete("many0").unwrap();
        transaction.commit().unwrap();
        assert!(length(&path) * 2 <= before * 3, "it was not compacted");
        let store = ImageStore::open(&path).unwrap();
        assert_eq!(store.len().unwrap(), MANY as u64 + 2);
    }
}

#[test]
fn a_few_changes_are_not_worth_a_compaction() {
    let (_dir, path) = compact_store();
    replaced(&ImageStore::options().compact_on_close(false), &path);
    let before = length(&path);
    let store = ImageStore::open(&path).unwrap();
    for number in (0..MANY).step_by(40) {
        store.delete(&format!("many{number}")).unwrap();
    }
    store.close();
    assert!(length(&path) * 10 > before * 9, "it was compacted");
}
