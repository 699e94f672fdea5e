//! Promise: what is taken can be read again. A record that would be too large to be read is
//! refused when it is to be written, and leaves nothing of the step.

use image_store::{Error, ErrorKind, Lookup as _, ManifestDigest, NewImage};

use crate::support::raw::Raw;
use crate::support::{Place, invariants};

/// `migrations/README.md`: nothing decodes to more.
const LIMIT: usize = 64 << 20;

#[track_caller]
fn assert_too_large<T: std::fmt::Debug>(result: image_store::Result<T>) {
    let error = result.unwrap_err();
    assert!(
        matches!(&error, Error::TooLarge { limit, .. } if *limit == LIMIT as u64),
        "{error:?}"
    );
    assert_eq!(error.kind(), ErrorKind::BadRequest);
    assert!(error.to_string().contains("ab"), "{error}");
}

#[test]
fn a_record_at_the_limit_is_refused_or_can_be_read() {
    let place = Place::in_memory();
    let store = place.open();
    store.create(NewImage::new().id("ab").name("n")).unwrap();
    let metadata = "m".repeat(LIMIT + 1);
    let mut refused = 0;
    // Around the longest that there is room for beside the other fields.
    for length in (LIMIT - 400..=LIMIT).step_by(25) {
        match store.set_metadata("ab", &metadata[..length]) {
            Ok(()) => assert_eq!(store.metadata("ab").unwrap().len(), length),
            error => {
                assert_too_large(error);
                refused += 1;
            }
        }
    }
    assert!((1..17).contains(&refused), "{refused} were refused");
    assert_too_large(store.set_metadata("ab", &metadata));
    assert!(store.get("n").is_ok());
    store.set_metadata("ab", "").unwrap();
    invariants::check(&place.path());
}

/// Many short values take more memory than bytes, which is what a reader limits.
#[test]
fn a_record_of_very_many_values_is_refused_or_can_be_read() {
    let place = Place::in_memory();
    let store = place.open();
    for count in [100_000, 2_700_000, 2_900_000, 5_000_000] {
        let mut image = NewImage::new().id("ab");
        image.names_history = vec!["n".to_owned(); count];
        match store.create(image) {
            Ok(_) => {
                assert_eq!(store.get("ab").unwrap().names_history.len(), count);
                store.delete("ab").unwrap();
            }
            error => assert_too_large(error),
        }
    }
    assert!(store.is_empty().unwrap());
}

#[test]
fn a_refused_record_leaves_nothing_of_its_step() {
    let place = Place::in_memory();
    let store = place.open();
    store.create(NewImage::new().id("ab").name("n")).unwrap();
    store
        .set_metadata("ab", &"m".repeat(LIMIT - 1_000))
        .unwrap();
    store
        .create(
            NewImage::new()
                .id("cd")
                .name("taken")
                .big_data("index", b"x".as_slice()),
        )
        .unwrap();
    let before = Raw::read(&place.path()).without_generation();

    let mut transaction = store.write().unwrap();
    let long = "l".repeat(1_000);
    let sha = ManifestDigest::Sha256;
    assert_too_large(transaction.set_names("ab", &["taken", &long]));
    assert_eq!(transaction.get("taken").unwrap().id, "cd");
    assert_too_large(transaction.add_names("ab", &["taken", &long]));
    assert_too_large(transaction.add_mapped_top_layer("ab", &long));
    assert_too_large(transaction.set_flag("ab", &long, 1.into()));
    assert_too_large(transaction.set_big_data("ab", &long, b"new", sha));
    assert_too_large(transaction.set_big_data_from("ab", &long, &mut b"new".as_slice(), sha));
    let metadata = "m".repeat(LIMIT);
    let image = NewImage::new().id("abc").name("free").metadata(&metadata);
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
fn a_name_is_not_taken_from_an_image_whose_record_would_be_too_large() {
    let place = Place::in_memory();
    let store = place.open();
    let name = "n".repeat(1_000);
    let mut image = NewImage::new().id("ab").name(&name);
    image.names_history = vec![name.clone(); 60_000];
    image.metadata = "m".repeat(LIMIT - 20_000_000);
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
