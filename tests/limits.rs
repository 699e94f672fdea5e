//! Every limit is kept: one below, at it, and one above.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    missing_docs,
    reason = "a test may say plainly what must hold"
)]

use image_store::limits::{MAX_BIG_DATA, MAX_METADATA, MAX_NAMES, MAX_TEXT};
use image_store::{
    Error, ErrorKind, ImageStore, Lookup, ManifestDigest, NewImage, Result, Transaction,
};

/// Runs `step` one below, at and one above `limit`, each in a transaction that is dropped.
fn keeps(limit: usize, step: impl Fn(&mut Transaction, usize) -> Result<()>) {
    let dir = tempfile::tempdir().unwrap();
    let store = ImageStore::open(dir.path().join("images.redb")).unwrap();
    store.create(NewImage::new().id("image")).unwrap();
    for size in [limit - 1, limit, limit + 1] {
        let mut transaction = store.write().unwrap();
        match step(&mut transaction, size) {
            Ok(()) => assert!(size <= limit, "{size} was taken"),
            Err(error @ Error::TooLarge { .. }) => {
                assert!(size > limit, "{size} was refused: {error}");
                assert_eq!(error.kind(), ErrorKind::BadRequest);
                // The transaction goes on without the step.
                transaction.create(NewImage::new().id("next")).unwrap();
                assert_eq!(transaction.len().unwrap(), 2);
            }
            Err(error) => panic!("{size}: {error}"),
        }
    }
}

fn text(length: usize) -> String {
    "x".repeat(length)
}

fn many(count: usize) -> Vec<String> {
    (0..count).map(|n| n.to_string()).collect()
}

#[test]
fn ids() {
    keeps(MAX_TEXT, |transaction, size| {
        transaction.create(NewImage::new().id(text(size))).map(drop)
    });
}

#[test]
fn names() {
    keeps(MAX_TEXT, |transaction, size| {
        transaction
            .create(NewImage::new().name(text(size)))
            .map(drop)
    });
    keeps(MAX_TEXT, |transaction, size| {
        transaction.add_names("image", &[text(size)])
    });
}

#[test]
fn the_number_of_names() {
    keeps(MAX_NAMES, |transaction, size| {
        transaction.set_names("image", &many(size))
    });
    keeps(MAX_NAMES, |transaction, size| {
        let image = many(size).into_iter().fold(NewImage::new(), NewImage::name);
        transaction.create(image).map(drop)
    });
}

#[test]
fn layers() {
    keeps(MAX_TEXT, |transaction, size| {
        transaction
            .create(NewImage::new().top_layer(text(size)))
            .map(drop)
    });
    keeps(MAX_TEXT, |transaction, size| {
        transaction.add_mapped_top_layer("image", &text(size))
    });
}

#[test]
fn flags() {
    keeps(MAX_TEXT, |transaction, size| {
        transaction.set_flag("image", &text(size), true.into())
    });
}

#[test]
fn metadata() {
    keeps(MAX_METADATA, |transaction, size| {
        transaction.set_metadata("image", &text(size))
    });
}

#[test]
fn item_keys() {
    keeps(MAX_TEXT, |transaction, size| {
        transaction.set_big_data("image", &text(size), b"", ManifestDigest::Sha256)
    });
    keeps(MAX_TEXT, |transaction, size| {
        transaction
            .create(NewImage::new().big_data(text(size), []))
            .map(drop)
    });
}

#[test]
fn the_number_of_items() {
    keeps(MAX_BIG_DATA, |transaction, size| {
        let image = many(size)
            .into_iter()
            .fold(NewImage::new(), |image, key| image.big_data(key, []));
        transaction.create(image).map(drop)
    });
}
