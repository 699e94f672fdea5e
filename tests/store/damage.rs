//! Promise: damage is noticed when it is read and told as `Corrupt`, with the image, content or
//! index at fault; what is not damaged can still be read, and nothing panics or hangs.

use std::error::Error as StdError;
use std::fs;
use std::io::Read as _;

use image_store::{
    ContentHash, Error, ErrorKind, ImageStore, Lookup as _, ManifestDigest, NewImage, Prefix,
};
use redb::{ReadableTable as _, WriteTransaction};

use crate::support::bytes::{random_bytes, text_bytes};
use crate::support::raw::{
    BLOBS, CONTENTS, DIGESTS, IDS, IMAGES, LAYERS, NAMES, Raw, flip_bit, tamper,
};
use crate::support::record::decode_content_row;
use crate::support::seal::{content_owner, record_owner, seal, unseal};
use crate::support::{Place, invariants};

/// The item of the middle image that takes many parts, and one that is encoded.
fn plain() -> Vec<u8> {
    random_bytes(1, 5_000)
}

fn long() -> Vec<u8> {
    random_bytes(3, 300_000)
}

fn encoded() -> Vec<u8> {
    text_bytes(2, 100_000)
}

/// Three images, numbers 0 to 2, of which the middle one has items.
fn filled() -> Place {
    let place = Place::in_memory();
    let store = place.open();
    store
        .create(NewImage::new().id("aa").name("first"))
        .unwrap();
    let image = NewImage::new()
        .id("bb")
        .name("middle")
        .top_layer("layer")
        .big_data("manifest", plain())
        .big_data("index", encoded())
        .big_data("long", long());
    store.create(image).unwrap();
    store.create(NewImage::new().id("cc").name("last")).unwrap();
    drop(store);
    place
}

fn damaged(change: impl FnOnce(&WriteTransaction)) -> Place {
    let place = filled();
    tamper(&place.path(), change);
    place
}

/// The error must be `Corrupt` and its words, or those of its sources, must say this.
#[track_caller]
fn assert_corrupt<T>(result: image_store::Result<T>, words: &str) {
    let Err(error) = result else {
        panic!("damage was not noticed");
    };
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error:?}");
    assert!(matches!(error, Error::Corrupt { .. }), "{error:?}");
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    assert!(text.contains(words), "{text:?} does not say {words:?}");
}

fn both_accesses(place: &Place, check: impl Fn(&ImageStore)) {
    check(
        &ImageStore::options()
            .read_only(true)
            .open(place.path())
            .unwrap(),
    );
    check(&place.open());
}

fn content_number(place: &Place, bytes: &[u8]) -> u64 {
    let hash = *ContentHash::of(bytes).as_bytes();
    let sealed = &Raw::read(&place.path()).contents[&hash];
    decode_content_row(&unseal(&content_owner(&hash), sealed)).number
}

#[test]
fn in_a_record() {
    let length = Raw::read(&filled().path()).images[&1].len() * 8;
    // The format byte, the checksum, the payload's beginning, middle and end.
    for bit in [0, 7, 8, 39, 40, 48, length / 2, length - 1] {
        let place = damaged(|transaction| flip_bit(transaction, IMAGES, 1, bit));
        both_accesses(&place, |store| {
            let words = "the record of image number 1";
            for reference in ["bb", "b", "middle"] {
                assert_corrupt(store.get(reference), words);
                assert_corrupt(store.big_data(reference, "manifest"), words);
            }
            assert_corrupt(store.metadata("bb"), words);
            assert_corrupt(store.by_top_layer("layer").unwrap().next().unwrap(), words);
            let digest = ContentHash::of(&plain()).to_digest();
            assert_corrupt(store.by_digest(&digest).unwrap().next().unwrap(), words);

            // The others are still there, in the same listing.
            let listed: Vec<_> = store.images().unwrap().collect();
            assert_eq!(listed.len(), 3);
            assert_eq!(listed[0].as_ref().unwrap().id, "aa");
            assert_eq!(listed[2].as_ref().unwrap().id, "cc");
            assert_corrupt(listed.into_iter().nth(1).unwrap(), words);
            let names: Vec<_> = store.names(Prefix::all()).unwrap().collect();
            assert_eq!(names.len(), 3);
            assert_eq!(names.iter().filter(|name| name.is_ok()).count(), 2);
            let ids: Result<Vec<_>, _> = store.ids(Prefix::all()).unwrap().collect();
            assert_eq!(ids.unwrap(), ["aa", "bb", "cc"]);
        });
        let store = place.open();
        assert_corrupt(store.set_metadata("bb", "new"), "image number 1");
        assert_corrupt(store.delete("bb"), "image number 1");
        assert_corrupt(store.add_names("aa", &["middle"]), "image number 1");
        store.set_metadata("aa", "still works").unwrap();
        store.wipe().unwrap();
        store.create(NewImage::new().id("new")).unwrap();
        drop(store);
        assert_eq!(invariants::check(&place.path()).len(), 1);
    }
}

#[test]
fn in_a_record_that_is_sealed_but_makes_no_sense() {
    let reseal = |change: fn(&mut Vec<u8>)| {
        damaged(|transaction| {
            let mut images = transaction.open_table(IMAGES).unwrap();
            let owner = record_owner(1);
            let mut payload = unseal(&owner, images.get(1).unwrap().unwrap().value());
            change(&mut payload);
            images.insert(1, seal(&owner, &payload).as_slice()).unwrap();
        })
    };
    let shapes: [fn(&mut Vec<u8>); 6] = [
        |payload| payload.clear(),
        |payload| payload.push(0),
        |payload| payload.truncate(payload.len() - 1),
        |payload| payload[0] = 9,
        // A text of 2^63 bytes, and one that is not UTF-8.
        |payload| *payload = [&[0, 253], &(1_u64 << 63).to_le_bytes()[..]].concat(),
        |payload| *payload = vec![0, 2, 0xff, 0xfe],
    ];
    for shape in shapes {
        both_accesses(&reseal(shape), |store| {
            assert_corrupt(store.get("bb"), "the record of image number 1");
            assert!(store.get("aa").is_ok());
        });
    }
}

#[test]
fn in_a_record_that_turned_up_under_another_number() {
    let place = damaged(|transaction| {
        let mut images = transaction.open_table(IMAGES).unwrap();
        let record = images.get(0).unwrap().unwrap().value().to_vec();
        images.insert(1, record.as_slice()).unwrap();
    });
    both_accesses(&place, |store| {
        assert_corrupt(store.get("bb"), "the record of image number 1");
        assert_eq!(store.get("aa").unwrap().names, ["first"]);
    });
}

#[test]
fn in_a_record_that_is_gone() {
    let place = damaged(|transaction| {
        transaction.open_table(IMAGES).unwrap().remove(1).unwrap();
    });
    both_accesses(&place, |store| {
        assert_corrupt(store.get("bb"), "image number 1 has no record");
        assert_corrupt(store.get("middle"), "image number 1 has no record");
        assert_eq!(store.images().unwrap().count(), 2);
    });
}

#[test]
fn in_an_index_that_contradicts_the_records() {
    let place = damaged(|transaction| {
        transaction
            .open_table(NAMES)
            .unwrap()
            .remove("middle")
            .unwrap();
        transaction
            .open_table(LAYERS)
            .unwrap()
            .remove(("layer".to_owned(), 1))
            .unwrap();
    });
    let store = place.open();
    assert_corrupt(
        store.set_names("bb", &["other"]),
        "name index and image number 1",
    );
    assert_corrupt(store.delete("bb"), "image number 1");

    let place = damaged(|transaction| {
        transaction
            .open_table(IDS)
            .unwrap()
            .insert("new".to_owned(), 1)
            .unwrap();
        let digest = ContentHash::of(&plain()).to_digest();
        let mut digests = transaction.open_table(DIGESTS).unwrap();
        digests.remove((digest, 1)).unwrap();
    });
    let store = place.open();
    assert_corrupt(store.delete("bb"), "digest index and image number 1");
}

#[test]
fn a_transaction_that_met_damage_keeps_nothing() {
    let place = damaged(|transaction| {
        transaction
            .open_table(LAYERS)
            .unwrap()
            .remove(("layer".to_owned(), 1))
            .unwrap();
    });
    let before = Raw::read(&place.path());
    let store = place.open();
    let mut transaction = store.write().unwrap();
    transaction.set_metadata("aa", "not to be kept").unwrap();
    assert_corrupt(transaction.delete("bb"), "layer index");
    assert!(matches!(
        transaction.get("aa"),
        Err(Error::TransactionBroken { .. })
    ));
    assert!(matches!(
        transaction.commit(),
        Err(Error::TransactionBroken { .. })
    ));
    assert!(store.delete("bb").is_err());
    drop(store);
    assert_eq!(Raw::read(&place.path()), before);
}

#[test]
fn in_a_content_row() {
    let hash = *ContentHash::of(&plain()).as_bytes();
    for bit in [0, 8, 40, 45, 50] {
        let place = damaged(|transaction| flip_bit(transaction, CONTENTS, hash, bit));
        both_accesses(&place, |store| {
            let words = format!("content {}", hex::encode(hash));
            assert_corrupt(store.big_data("bb", "manifest"), &words);
            assert_corrupt(store.big_data_reader("bb", "manifest").map(drop), &words);
            assert!(store.big_data("bb", "index").unwrap() == encoded());
            assert_eq!(store.get("bb").unwrap().names, ["middle"]);
        });
        let store = place.open();
        assert_corrupt(store.delete("bb"), "content");
        assert_corrupt(store.collect_garbage(), "content");
    }
}

#[test]
fn in_a_content_row_that_is_gone() {
    let hash = *ContentHash::of(&plain()).as_bytes();
    let place = damaged(|transaction| {
        transaction
            .open_table(CONTENTS)
            .unwrap()
            .remove(hash)
            .unwrap();
    });
    both_accesses(&place, |store| {
        assert_corrupt(store.big_data("bb", "manifest"), &hex::encode(hash));
        assert!(store.big_data("bb", "long").unwrap() == long());
    });
    assert_corrupt(place.open().delete("bb"), &hex::encode(hash));
}

/// Reads an item to its end as a stream.
fn stream(store: &ImageStore, key: &str) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    store
        .big_data_reader("bb", key)
        .unwrap()
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[test]
fn in_a_part() {
    for (key, bytes, part) in [
        ("manifest", plain(), 1),
        ("index", encoded(), 0),
        ("long", long(), 4),
    ] {
        let number = content_number(&filled(), &bytes);
        for bit in [0, 9, 41, 1_000] {
            let place = damaged(|transaction| flip_bit(transaction, BLOBS, (number, part), bit));
            let words = format!("part {part} of content number {number}");
            both_accesses(&place, |store| {
                assert_corrupt(store.big_data("bb", key), &words);
                // A stream keeps the error of the store.
                let error = stream(store, key).unwrap_err();
                let inner = error.into_inner().unwrap();
                assert_corrupt::<()>(Err(*inner.downcast::<Error>().unwrap()), &words);
                assert_eq!(store.get("bb").unwrap().names, ["middle"]);
            });
            // Damaged bytes can be replaced and removed.
            let store = place.open();
            store
                .set_big_data("bb", key, b"new", ManifestDigest::Sha256)
                .unwrap();
            drop(store);
            invariants::check(&place.path());
        }
    }
}

#[test]
fn in_parts_that_are_gone_or_swapped() {
    for (key, bytes) in [
        ("manifest", plain()),
        ("index", encoded()),
        ("long", long()),
    ] {
        let number = content_number(&filled(), &bytes);
        let parts: Vec<u32> = Raw::read(&filled().path())
            .blobs
            .range((number, 0)..=(number, u32::MAX))
            .map(|((_, part), _)| *part)
            .collect();
        for part in &parts {
            let place = damaged(|transaction| {
                transaction
                    .open_table(BLOBS)
                    .unwrap()
                    .remove((number, *part))
                    .unwrap();
            });
            both_accesses(&place, |store| {
                assert_corrupt(
                    store.big_data("bb", key),
                    &format!("content number {number}"),
                );
                assert!(
                    stream(store, key).is_err(),
                    "the stream ends as if it were whole"
                );
            });
        }
        if parts.len() > 1 {
            let place = damaged(|transaction| {
                let mut blobs = transaction.open_table(BLOBS).unwrap();
                let first = blobs.get((number, 0)).unwrap().unwrap().value().to_vec();
                let second = blobs.get((number, 1)).unwrap().unwrap().value().to_vec();
                blobs.insert((number, 0), second.as_slice()).unwrap();
                blobs.insert((number, 1), first.as_slice()).unwrap();
            });
            both_accesses(&place, |store| {
                let words = format!("part 0 of content number {number}");
                assert_corrupt(store.big_data("bb", key), &words);
                assert!(stream(store, key).is_err());
            });
        }
    }
}

/// Sealed right, but the row says another size or encoding.
#[test]
fn in_what_a_content_row_says() {
    for (key, bytes) in [("manifest", plain()), ("index", encoded())] {
        let hash = *ContentHash::of(&bytes).as_bytes();
        let number = content_number(&filled(), &bytes);
        // number, references, size, encoding; all but the size below 251
        let payload = |size: u64, encoding: u8| {
            let mut payload = vec![number as u8, 1, 253];
            payload.extend_from_slice(&size.to_le_bytes());
            payload.push(encoding);
            seal(&content_owner(&hash), &payload)
        };
        let right = u8::from(key == "index");
        let length = bytes.len() as u64;
        for (size, encoding) in [
            (length - 1, right),
            (length + 1, right),
            (0, right),
            (u64::MAX, right),
            (1 << 40, right),
            (length, 1 - right),
            (length, 7),
        ] {
            let row = payload(size, encoding);
            let place = damaged(|transaction| {
                let mut contents = transaction.open_table(CONTENTS).unwrap();
                contents.insert(hash, row.as_slice()).unwrap();
            });
            both_accesses(&place, |store| {
                assert_corrupt(store.big_data("bb", key), "content");
                let streamed = store.big_data_reader("bb", key).map(|mut reader| {
                    let mut bytes = Vec::new();
                    reader.read_to_end(&mut bytes)
                });
                assert!(!matches!(streamed, Ok(Ok(_))), "{key} {size} {encoding}");
            });
        }
    }
}

/// Damage below the tables, in the pages of the engine, which checks few of them when it reads.
#[test]
fn anywhere_in_the_file_never_panics_or_changes_an_image_unseen() {
    let place = filled();
    let whole = fs::read(place.path()).unwrap();
    let images = invariants::check(&place.path());
    let mut noticed = 0;
    let offsets = (0..whole.len()).step_by(whole.len() / 300);
    for (round, offset) in offsets.enumerate() {
        let mut bytes = whole.clone();
        bytes[offset] ^= 1 << (round % 8);
        fs::write(place.path(), &bytes).unwrap();
        let options = ImageStore::options().lock_wait(std::time::Duration::from_secs(2));
        let options = options.read_only(round % 2 == 0);
        let Ok(store) = options.open(place.path()) else {
            noticed += 1;
            continue;
        };
        let listed: Result<Vec<_>, _> = store.images().unwrap().collect();
        if listed.is_err() {
            noticed += 1;
        }
        for image in store.images().unwrap().flatten() {
            let mut known = images
                .iter()
                .find(|known| known.id == image.id)
                .unwrap()
                .clone();
            known.read_only = store.is_read_only();
            assert_eq!(image, known, "changed unseen");
            for (key, item) in &image.big_data {
                let read = store.big_data(&image.id, key);
                noticed += usize::from(read.is_err());
                if let Ok(bytes) = read {
                    assert_eq!(
                        Some(ContentHash::of(&bytes)),
                        item.content,
                        "changed unseen"
                    );
                }
            }
        }
        if !store.is_read_only() {
            let _ = store.set_metadata("aa", "new");
            let _ = store.create(NewImage::new());
            let _ = store.wipe();
        }
    }
    assert!(noticed > 0, "nothing was damaged");
}
