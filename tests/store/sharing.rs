//! Promise: the same bytes are stored once, however many items and images have them, and are freed
//! with the last of them.

use std::fs;

use image_store::{ContentHash, ImageStore, Lookup as _, ManifestDigest, NewImage};

use crate::support::bytes::{Dribble, random_bytes};
use crate::support::raw::Raw;
use crate::support::record::{ContentRow, decode_content_row};
use crate::support::seal::{content_owner, unseal};
use crate::support::{Place, invariants};

/// The row of these bytes, where they are stored.
fn row_of(place: &Place, bytes: &[u8]) -> Option<ContentRow> {
    invariants::check(&place.path());
    let hash = *ContentHash::of(bytes).as_bytes();
    let raw = Raw::read(&place.path());
    let sealed = raw.contents.get(&hash)?;
    Some(decode_content_row(&unseal(&content_owner(&hash), sealed)))
}

fn references(place: &Place, bytes: &[u8]) -> u64 {
    row_of(place, bytes).map_or(0, |row| row.references)
}

fn create(store: &ImageStore, id: &str, keys: &[&str], bytes: &[u8]) {
    let image = NewImage::new().id(id);
    let image = keys
        .iter()
        .fold(image, |image, key| image.big_data(*key, bytes));
    store.create(image).unwrap();
}

#[test]
fn bytes_are_stored_once_and_freed_with_the_last_reference() {
    let place = Place::in_memory();
    let store = place.open();
    let sha = ManifestDigest::Sha256;
    for length in [0, 10, 5_000, 70_000, 300_000] {
        let bytes = random_bytes(1, length);
        let other = random_bytes(2, length + 1);
        create(&store, "a", &["manifest", "config"], &bytes);
        let stored = row_of(&place, &bytes).unwrap();
        create(&store, "b", &["manifest"], &bytes);
        assert_eq!(references(&place, &bytes), 3);
        store.set_big_data("b", "again", &bytes, sha).unwrap();
        store.set_big_data("b", "again", &bytes, sha).unwrap();
        store
            .set_big_data_from("a", "streamed", &mut Dribble::new(&bytes), sha)
            .unwrap();
        assert_eq!(references(&place, &bytes), 5);
        assert_eq!(row_of(&place, &bytes).unwrap().number, stored.number);
        assert_eq!(Raw::read(&place.path()).contents.len(), 1);

        // The last of a step may be the first of the same step.
        store.set_big_data("b", "manifest", &other, sha).unwrap();
        store
            .set_big_data_from("b", "again", &mut Dribble::new(&other), sha)
            .unwrap();
        assert_eq!(
            (references(&place, &bytes), references(&place, &other)),
            (3, 2)
        );
        store.delete("b").unwrap();
        assert_eq!(
            (references(&place, &bytes), references(&place, &other)),
            (3, 0)
        );
        assert!(store.big_data("a", "streamed").unwrap() == bytes);
        store.delete("a").unwrap();
        let raw = Raw::read(&place.path());
        assert!(raw.contents.is_empty() && raw.blobs.is_empty());
    }
}

#[test]
fn bytes_that_move_within_one_transaction_stay() {
    let place = Place::in_memory();
    let store = place.open();
    let bytes = random_bytes(3, 200_000);
    create(&store, "a", &["index"], &bytes);
    for _ in 0..3 {
        let mut transaction = store.write().unwrap();
        transaction.delete("a").unwrap();
        assert!(transaction.is_empty().unwrap());
        transaction
            .create(NewImage::new().id("a").big_data("index", bytes.clone()))
            .unwrap();
        assert!(transaction.big_data("a", "index").unwrap() == bytes);
        transaction.commit().unwrap();
        assert_eq!(references(&place, &bytes), 1);
    }
}

#[test]
fn a_failed_step_frees_what_it_stored_and_keeps_what_was_there() {
    let place = Place::in_memory();
    let store = place.open();
    let (shared, new) = (random_bytes(4, 90_000), random_bytes(5, 90_000));
    create(&store, "a", &["index"], &shared);
    let image = NewImage::new()
        .id("a")
        .big_data("one", shared.clone())
        .big_data("two", new.clone());
    assert!(store.create(image).is_err());
    let long = [shared.clone(), new.clone(), new.clone(), new.clone()].concat();
    for bytes in [&shared, &new, &long] {
        let mut input = Dribble::failing(bytes);
        let set = store.set_big_data_from("a", "two", &mut input, ManifestDigest::Sha256);
        assert!(set.is_err());
    }
    assert_eq!(
        (references(&place, &shared), references(&place, &new)),
        (1, 0)
    );
    assert_eq!(store.collect_garbage().unwrap(), 0);
}

#[test]
fn a_wipe_frees_everything() {
    let place = Place::in_memory();
    let store = place.open();
    for number in 0..20 {
        create(
            &store,
            &format!("id{number}"),
            &["manifest"],
            &random_bytes(number % 7, 40_000),
        );
    }
    assert_eq!(store.wipe().unwrap(), 20);
    let raw = Raw::read(&place.path());
    assert!(raw.images.is_empty() && raw.ids.is_empty() && raw.digests.is_empty());
    assert!(raw.contents.is_empty() && raw.blobs.is_empty());
    assert!(store.is_empty().unwrap());
    create(&store, "after", &["manifest"], b"{}");
    assert_eq!(store.big_data("after", "manifest").unwrap(), b"{}");
}

/// What is freed is used again: replacing an item for ever does not make the file grow for ever.
#[test]
fn freed_bytes_are_used_again() {
    let place = Place::in_memory();
    let store = place.open();
    store.create(NewImage::new().id("a")).unwrap();
    let replace = |seed| {
        let bytes = random_bytes(seed, 200_000);
        store
            .set_big_data("a", "index", &bytes, ManifestDigest::Sha256)
            .unwrap();
    };
    (0..10).for_each(replace);
    let length = fs::metadata(place.path()).unwrap().len();
    (10..60).for_each(replace);
    let after = fs::metadata(place.path()).unwrap().len();
    assert!(after <= 2 * length, "{length} bytes became {after}");
}
