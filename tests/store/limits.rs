//! Promise: a record that would be too large to be read again is refused when it is to be written,
//! and leaves nothing of its step: no bytes that were stored for it, no names that were taken.

use image_store::limits::{MAX_METADATA, MAX_RECORD, MAX_TEXT};
use image_store::{Error, ErrorKind, Lookup as _, ManifestDigest, NewImage};

use crate::support::raw::Raw;
use crate::support::{Place, invariants};

#[track_caller]
fn assert_too_large<T: std::fmt::Debug>(result: image_store::Result<T>) {
    let error = result.unwrap_err();
    let at_the_limit =
        matches!(&error, Error::TooLarge { limit, .. } if *limit == MAX_RECORD as u64);
    assert!(at_the_limit, "{error:?}");
    assert_eq!(error.kind(), ErrorKind::BadRequest);
    assert!(error.to_string().contains("ab"), "{error}");
}

/// A text of the longest length, and another for another number.
fn long_name(number: usize) -> String {
    format!("{number:0>MAX_TEXT$}")
}

/// As many long names as there are, and so many bytes of metadata.
fn bulky(id: &str, names: usize, metadata: usize) -> NewImage {
    let image = NewImage::new().id(id).metadata("m".repeat(metadata));
    (0..names).map(long_name).fold(image, NewImage::name)
}

#[test]
fn a_refused_record_leaves_nothing_of_its_step() {
    let place = Place::in_memory();
    let store = place.open();
    // About a thousand bytes below the limit: a text takes three bytes more than its length, and
    // one of the history one more.
    let (names, history) = (2_600, 10_000);
    let rest = MAX_RECORD - names * (MAX_TEXT + 3) - history * (4_000 + 4) - 1_000;
    let mut image = bulky("ab", names, rest);
    image.names_history = (0..history).map(|n| format!("{n:h>4000}")).collect();
    store.create(image).unwrap();
    let image = NewImage::new().id("cd").name("taken");
    store
        .create(image.big_data("index", b"x".as_slice()))
        .unwrap();
    let before = Raw::read(&place.path()).without_generation();

    let mut transaction = store.write().unwrap();
    let long = "l".repeat(1_000);
    assert_too_large(transaction.add_names("ab", &["taken", &long]));
    assert_eq!(transaction.get("taken").unwrap().id, "cd");
    let set = transaction.set_big_data("ab", &long, b"new", ManifestDigest::Sha256);
    assert_too_large(set);
    let mut image = NewImage::new()
        .id("abc")
        .name("free")
        .metadata("m".repeat(MAX_METADATA));
    image.names_history = (0..10_000).map(long_name).collect();
    image = image.flag("flag", "f".repeat(10_000_000));
    assert_too_large(transaction.create(image.big_data("index", b"new".as_slice())));
    assert!(!transaction.exists("free").unwrap());
    transaction.set_metadata("cd", "changed").unwrap();
    transaction.set_metadata("cd", "").unwrap();
    transaction.commit().unwrap();
    let after = Raw::read(&place.path()).without_generation();
    assert!(after == before, "a refused step left something");
    invariants::check(&place.path());
}

/// The record of an image whose name is taken can grow: its history held the name as an index.
#[test]
fn a_name_is_not_taken_where_the_record_of_its_holder_would_be_too_large() {
    let place = Place::in_memory();
    let store = place.open();
    let name = "n".repeat(4_000);
    let mut image = bulky("ab", 2_900, MAX_METADATA).name(&name);
    image.names_history = vec![name.clone(); 10_000];
    store.create(image).unwrap();
    store.create(NewImage::new().id("cd").name("kept")).unwrap();
    store
        .create(NewImage::new().id("ef").name("other"))
        .unwrap();
    let before = Raw::read(&place.path()).without_generation();

    let mut transaction = store.write().unwrap();
    assert_too_large(transaction.set_names("cd", &["other", &name]));
    assert_eq!(transaction.get("other").unwrap().id, "ef");
    assert_eq!(transaction.get(&name).unwrap().id, "ab");
    transaction.set_metadata("cd", "changed").unwrap();
    transaction.set_metadata("cd", "").unwrap();
    transaction.commit().unwrap();
    let after = Raw::read(&place.path()).without_generation();
    assert!(after == before, "a refused step left something");
}
