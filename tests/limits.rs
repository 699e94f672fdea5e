//! Every limit is kept: one below, at it, and one above.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    missing_docs,
    reason = "a test may say plainly what must hold"
)]

use image_store::legacy::{self, ExportOptions, ImportOptions};
use image_store::limits::{MAX_BIG_DATA, MAX_FLAG_DEPTH, MAX_METADATA, MAX_NAMES, MAX_TEXT};
use image_store::{
    Error, ErrorKind, ImageStore, Lookup, ManifestDigest, NewImage, Result, Transaction,
};
use serde_json::{Value, json};

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
fn depth_of_flags() {
    let arrays = |depth| (0..depth).fold(Value::Null, |inner, _| json!([inner, 1]));
    let objects = |depth| (1..depth).fold(json!({}), |inner, _| json!({"a": 1, "b": inner}));
    keeps(MAX_FLAG_DEPTH, |transaction, depth| {
        transaction.set_flag("image", "flag", arrays(depth))
    });
    keeps(MAX_FLAG_DEPTH, |transaction, depth| {
        transaction.set_flag("image", "flag", objects(depth))
    });
    keeps(MAX_FLAG_DEPTH, |transaction, depth| {
        let image = NewImage::new().flag("flag", arrays(depth));
        transaction.create(image).map(drop)
    });
}

#[test]
fn what_is_as_deep_as_can_be_comes_back_from_a_legacy_directory() {
    let dir = tempfile::tempdir().unwrap();
    let store = ImageStore::open(dir.path().join("images.redb")).unwrap();
    let deepest = (0..MAX_FLAG_DEPTH).fold(Value::Null, |inner, _| json!([inner]));
    let image = NewImage::new().id("image").flag("flag", deepest);
    let image = store.create(image).unwrap();
    let (images, back) = (dir.path().join("images"), dir.path().join("back.redb"));
    legacy::export(&store.read().unwrap(), &images, ExportOptions::default()).unwrap();
    legacy::import(&images, &back, ImportOptions::default()).unwrap();
    let back = ImageStore::open(back).unwrap();
    assert_eq!(back.get("image").unwrap().flags, image.flags);
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
