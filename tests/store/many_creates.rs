//! Promise: images that are created one after the other in a transaction are there for whatever is
//! done next in it, however many they are, and become visible and durable with it or not at all.

use std::fs;

use image_store::{Access, Error, ErrorKind, ImageStore, Lookup, ManifestDigest, NewImage, Prefix};

use crate::support::bytes::random_bytes;
use crate::support::{Place, all_images, invariants};

/// More than are written at a time, of bytes and of images.
const MANY: u64 = 3_000;

fn id(number: u64) -> String {
    // In no order.
    format!(
        "{:016x}{number:048}",
        number.wrapping_mul(0x9e37_79b9_7f4a_7c15)
    )
}

fn image(number: u64) -> NewImage {
    NewImage::new()
        .id(id(number))
        .name(format!("localhost/app:{number}"))
        .top_layer(format!("layer{}", number % 7))
        // Bytes of its own, some that many have, and some that shrink.
        .big_data("signatures", random_bytes(number, 700))
        .big_data("shared", random_bytes(number % 5, 900))
        .big_data(
            "manifest",
            format!("{{\"config\":{:?}}}", "0".repeat(900)) + &id(number),
        )
}

fn assert_whole(lookup: &impl Lookup, number: u64) {
    let found = lookup.get(&format!("localhost/app:{number}")).unwrap();
    assert_eq!(found.id, id(number));
    assert_eq!(lookup.get(&id(number)).unwrap(), found);
    let bytes = lookup.big_data(&found.id, "signatures").unwrap();
    assert!(bytes == random_bytes(number, 700));
    let bytes = lookup.big_data(&found.id, "shared").unwrap();
    assert!(bytes == random_bytes(number % 5, 900));
    let digest = lookup.big_data_digest(&found.id, "manifest").unwrap();
    let mut by_digest = lookup.by_digest(&digest).unwrap();
    assert_eq!(by_digest.next().unwrap().unwrap().id, found.id);
}

fn open(place: &Place, access: Access) -> ImageStore {
    let options = ImageStore::options().access(access);
    options.open(place.path()).unwrap()
}

#[test]
fn many_images_of_one_transaction_are_whole() {
    for access in [Access::Exclusive, Access::Shared] {
        let place = Place::in_memory();
        let store = open(&place, access);
        for first in [0, MANY] {
            let mut transaction = store.write().unwrap();
            for number in first..first + MANY {
                let created = transaction.create(image(number)).unwrap();
                assert_eq!(created.id, id(number));
            }
            transaction.commit().unwrap();
        }
        let images = all_images(&store);
        assert!(
            images
                .iter()
                .map(|image| &image.id)
                .eq(&(0..2 * MANY).map(id).collect::<Vec<_>>())
        );
        assert_eq!(store.ids(Prefix::all()).unwrap().count() as u64, 2 * MANY);
        for number in (0..2 * MANY).step_by(97) {
            assert_whole(&store, number);
        }
        store.close();
        invariants::check(&place.path());
    }
}

#[test]
fn more_images_than_wait_at_a_time_are_whole() {
    let place = Place::in_memory();
    let store = place.open();
    let mut transaction = store.write().unwrap();
    for number in 0..60_000 {
        let image = NewImage::new().id(id(number)).name(format!("app:{number}"));
        transaction.create(image).unwrap();
    }
    for held in [0, 49_998, 50_000, 59_999] {
        let again = transaction.create(NewImage::new().name(format!("app:{held}")));
        assert_eq!(again.unwrap_err().kind(), ErrorKind::DuplicateName);
    }
    transaction.commit().unwrap();
    store.close();
    assert_eq!(invariants::check(&place.path()).len(), 60_000);
}

#[test]
fn what_was_created_is_there_for_the_next_step() {
    let place = Place::in_memory();
    let store = place.open();
    let mut transaction = store.write().unwrap();
    let create = |transaction: &mut image_store::Transaction, number| {
        transaction.create(image(number)).unwrap();
    };
    create(&mut transaction, 1);
    assert_whole(&transaction, 1);
    create(&mut transaction, 2);
    transaction.add_names(&id(1), &["localhost/app:2"]).unwrap();
    create(&mut transaction, 3);
    assert_eq!(transaction.len().unwrap(), 3);
    create(&mut transaction, 4);
    transaction.delete(&id(4)).unwrap();
    create(&mut transaction, 4);
    let digest = ManifestDigest::Sha256;
    transaction
        .set_big_data(&id(4), "shared", b"others", digest)
        .unwrap();
    create(&mut transaction, 9);
    transaction.delete(&id(9)).unwrap();
    transaction.commit().unwrap();

    assert_eq!(store.get("localhost/app:2").unwrap().id, id(1));
    assert_eq!(store.big_data(&id(4), "shared").unwrap(), b"others");
    assert_whole(&store, 3);
    assert_eq!(store.len().unwrap(), 4);
    store.close();
    invariants::check(&place.path());
}

#[test]
fn what_one_image_has_is_refused_to_the_next() {
    let place = Place::in_memory();
    let store = place.open();
    store.create(image(0)).unwrap();
    let mut transaction = store.write().unwrap();
    for number in 1..50 {
        transaction.create(image(number)).unwrap();
        for held in [0, number, number / 2] {
            let again = transaction.create(image(held)).unwrap_err();
            assert_eq!(again.kind(), ErrorKind::DuplicateId);
            let name = format!("localhost/app:{held}");
            let again = transaction.create(NewImage::new().name(name)).unwrap_err();
            assert_eq!(again.kind(), ErrorKind::DuplicateName);
            assert!(again.to_string().contains(&id(held)), "{again}");
        }
        let refused = NewImage::new().id("x").digest("no digest");
        assert!(transaction.create(refused).is_err());
    }
    transaction.commit().unwrap();
    assert_eq!(store.len().unwrap(), 50);
    assert!(!store.exists("x").unwrap());
    store.close();
    invariants::check(&place.path());
}

#[test]
fn an_image_whose_rows_cannot_wait_leaves_nothing() {
    let place = Place::new();
    let folder = place.folder();
    let away = folder.with_extension("away");
    let store = place.open();
    store.create(image(0)).unwrap();
    // More names than are kept in memory, and no folder for the file that they would wait in.
    let names = (0..9_000).map(|number| format!("{number:04000}"));
    let large = names.fold(NewImage::new().id("large"), NewImage::name);
    fs::rename(&folder, &away).unwrap();
    let mut transaction = store.write().unwrap();
    transaction.create(image(1)).unwrap();
    let refused = transaction.create(large.clone()).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Io, "{refused}");
    let broken = transaction.create(image(2)).unwrap_err();
    assert!(
        matches!(broken, Error::TransactionBroken { .. }),
        "{broken}"
    );
    drop(transaction);
    assert_eq!(
        store.create(large.clone()).unwrap_err().kind(),
        ErrorKind::Io
    );
    store.create(image(3)).unwrap();
    fs::rename(&away, &folder).unwrap();
    assert_eq!(store.len().unwrap(), 2);
    store.create(large).unwrap();
    assert_eq!(store.get(&format!("{:04000}", 8_999)).unwrap().id, "large");
    store.close();
    assert_eq!(place.entries(), ["images.redb"]);
    assert_eq!(invariants::check(&place.path()).len(), 3);
}

#[test]
fn what_is_dropped_leaves_nothing() {
    for access in [Access::Exclusive, Access::Shared] {
        let place = Place::in_memory();
        let store = open(&place, access);
        store.create(image(0)).unwrap();
        let before = all_images(&store);
        let mut transaction = store.write().unwrap();
        for number in 1..200 {
            transaction.create(image(number)).unwrap();
        }
        drop(transaction);
        assert_eq!(all_images(&store), before);
        store.create(image(1)).unwrap();
        store.close();
        assert_eq!(place.entries(), ["images.redb"]);
        invariants::check(&place.path());
        assert_whole(&place.open(), 1);
    }
}
