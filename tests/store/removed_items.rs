//! Promise: a big data item that is removed leaves nothing of itself, and nothing else goes with it.

use image_store::{ContentHash, Error, ErrorKind, Lookup, ManifestDigest, NewImage};

use crate::support::{Place, all_images, invariants};

fn digest(bytes: &[u8]) -> String {
    ContentHash::of(bytes).to_digest()
}

#[test]
fn the_item_leaves_the_record_and_its_bytes_leave_the_file() {
    let place = Place::in_memory();
    let store = place.open();
    let image = NewImage::new()
        .id("a")
        .big_data("config", b"shared".as_slice())
        .big_data("signatures", b"alone".as_slice())
        .big_data("again", b"shared".as_slice());
    store.create(image).unwrap();
    assert_eq!(store.stats().unwrap().contents, 2);

    store.remove_big_data("a", "signatures").unwrap();
    let image = store.get("a").unwrap();
    assert_eq!(image.big_data_names, ["config", "again"]);
    assert!(!image.big_data.contains_key("signatures"));
    for kind in [
        store.big_data("a", "signatures").map(drop),
        store.big_data_size("a", "signatures").map(drop),
        store.big_data_digest("a", "signatures").map(drop),
    ]
    .map(|gone| gone.unwrap_err().kind())
    {
        assert!(
            matches!(
                kind,
                ErrorKind::BigDataUnknown | ErrorKind::SizeUnknown | ErrorKind::DigestUnknown
            ),
            "{kind}"
        );
    }
    assert_eq!(store.stats().unwrap().contents, 1, "its bytes are free");

    store.remove_big_data("a", "config").unwrap();
    assert_eq!(store.big_data("a", "again").unwrap(), b"shared");
    store.remove_big_data("a", "again").unwrap();
    assert_eq!(store.stats().unwrap().contents, 0);
    drop(store);
    invariants::check(&place.path());
}

#[test]
fn an_image_is_no_longer_found_by_the_digest_of_a_manifest_that_is_gone() {
    let place = Place::in_memory();
    let store = place.open();
    let image = NewImage::new()
        .id("a")
        .big_data("manifest", b"first".as_slice())
        .big_data("manifest-second", b"second".as_slice());
    store.create(image).unwrap();
    assert_eq!(store.by_digest(&digest(b"second")).unwrap().count(), 1);

    store.remove_big_data("a", "manifest-second").unwrap();
    assert!(store.by_digest(&digest(b"second")).is_err());
    assert_eq!(store.get("a").unwrap().digests, [digest(b"first")]);

    // The first digest that an image got stays, as it does when its manifest is replaced.
    store.remove_big_data("a", "manifest").unwrap();
    let image = store.get("a").unwrap();
    assert_eq!(image.digest, Some(digest(b"first")));
    assert_eq!(image.digests, [digest(b"first")]);
    drop(store);
    invariants::check(&place.path());
}

#[test]
fn what_is_not_there_is_refused_and_the_transaction_goes_on() {
    let place = Place::in_memory();
    let store = place.open();
    store
        .create(NewImage::new().id("a").big_data("key", b"x".as_slice()))
        .unwrap();
    let before = all_images(&store);
    let mut transaction = store.write().unwrap();

    let error = transaction.remove_big_data("a", "other").unwrap_err();
    assert!(matches!(error, Error::BigDataUnknown { .. }), "{error:?}");
    assert_eq!(
        error.to_string(),
        "the image \"a\" has no big data item \"other\", or not its bytes"
    );
    let error = transaction.remove_big_data("b", "key").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ImageUnknown);
    let error = transaction.remove_big_data("a", "").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidBigDataName);
    assert_eq!(all_images(&transaction), before);

    transaction.remove_big_data("a", "key").unwrap();
    let sha = ManifestDigest::Sha256;
    transaction.set_big_data("a", "key", b"y", sha).unwrap();
    transaction.commit().unwrap();
    assert_eq!(store.big_data("a", "key").unwrap(), b"y");
}

#[test]
fn it_is_undone_with_the_transaction() {
    let place = Place::in_memory();
    let store = place.open();
    store
        .create(
            NewImage::new()
                .id("a")
                .big_data("manifest", b"x".as_slice()),
        )
        .unwrap();
    let before = all_images(&store);
    let mut transaction = store.write().unwrap();
    transaction.remove_big_data("a", "manifest").unwrap();
    drop(transaction);
    assert_eq!(all_images(&store), before);
    assert_eq!(store.big_data("a", "manifest").unwrap(), b"x");
}
