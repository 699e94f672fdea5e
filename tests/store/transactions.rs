//! Promise: a transaction is whole or nothing. What is dropped leaves nothing; a step that fails
//! leaves nothing of itself and the transaction goes on; a second transaction of the same thread is
//! refused at once.

use std::error::Error as StdError;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;
use std::time::{Duration, Instant};

use image_store::{
    Access, Error, ErrorKind, ImageStore, Lookup as _, ManifestDigest, NewImage, Transaction,
};

use crate::support::bytes::{Dribble, random_bytes, text_bytes};
use crate::support::raw::Raw;
use crate::support::{Place, invariants};

type Answer = Result<String, Box<dyn StdError + Send + Sync>>;
type Step = Box<dyn Fn(&mut Transaction) -> image_store::Result<()>>;

/// Two images: one with items and a name, and one to take it.
fn filled() -> Place {
    let place = Place::new();
    let store = place.open();
    let image = NewImage::new()
        .id("aa1")
        .name("taken")
        .metadata("first")
        .flag("flag", 1)
        .big_data("manifest", b"{}".as_slice())
        .big_data("index", random_bytes(1, 70_000));
    store.create(image).unwrap();
    store
        .create(NewImage::new().id("aa2").name("other"))
        .unwrap();
    place
}

/// Does every mutation once.
fn change_everything(transaction: &mut Transaction) {
    let digest = ManifestDigest::Sha256;
    let data = random_bytes(2, 400_000);
    let image = NewImage::new()
        .name("new")
        .big_data("manifest", b"[]".as_slice());
    transaction.create(image).unwrap();
    transaction.set_names("aa2", &["taken"]).unwrap();
    transaction.add_names("aa1", &["more"]).unwrap();
    transaction.remove_names("aa1", &["more"]).unwrap();
    transaction.add_mapped_top_layer("aa1", "layer").unwrap();
    transaction.set_metadata("aa1", "second").unwrap();
    transaction.set_flag("aa1", "flag", 2.into()).unwrap();
    transaction
        .set_big_data("aa1", "manifest", b"{1}", digest)
        .unwrap();
    transaction
        .set_big_data_from("aa1", "index", &mut Dribble::new(&data), digest)
        .unwrap();
    transaction.delete("new").unwrap();
    transaction.wipe().unwrap();
    transaction.create(NewImage::new().id("last")).unwrap();
}

#[test]
fn a_dropped_transaction_leaves_nothing() {
    for access in [Access::Shared, Access::Exclusive] {
        let place = filled();
        let before = Raw::read(&place.path());
        let store = ImageStore::options()
            .access(access)
            .open(place.path())
            .unwrap();
        for _ in 0..3 {
            let mut transaction = store.write().unwrap();
            change_everything(&mut transaction);
            drop(transaction);
        }
        drop(store);
        assert_eq!(Raw::read(&place.path()), before);
    }
}

#[test]
fn a_committed_transaction_is_there_after_reopening() {
    let place = filled();
    let store = place.open();
    let mut transaction = store.write().unwrap();
    change_everything(&mut transaction);
    transaction.commit().unwrap();
    drop(store);
    assert_eq!(place.open().get("last").unwrap().id, "last");
    assert_eq!(invariants::check(&place.path()).len(), 1);
}

#[test]
fn a_commit_of_nothing_changes_nothing() {
    let place = filled();
    let before = Raw::read(&place.path());
    let store = place.open();
    store.write().unwrap().commit().unwrap();
    let mut transaction = store.write().unwrap();
    assert!(transaction.delete("unknown").is_err());
    transaction.commit().unwrap();
    assert_eq!(Raw::read(&place.path()), before);
}

/// Steps that fail, each with its error.
fn failing_steps() -> Vec<(ErrorKind, Step)> {
    fn step(
        kind: ErrorKind,
        step: impl Fn(&mut Transaction) -> image_store::Result<()> + 'static,
    ) -> (ErrorKind, Step) {
        (kind, Box::new(step))
    }
    let valid = |image: NewImage| {
        image
            .big_data("manifest", random_bytes(3, 50_000))
            .big_data("index", random_bytes(4, 9_000))
    };
    let new = move |id: &str| valid(NewImage::new().id(id));
    let sha = ManifestDigest::Sha256;
    let long = random_bytes(5, 700_000);
    let long_text = text_bytes(5, 700_000);
    let half = long.clone();
    vec![
        step(ErrorKind::DuplicateId, move |t| {
            t.create(new("aa1")).map(drop)
        }),
        step(ErrorKind::DuplicateName, move |t| {
            t.create(new("x").name("free").name("taken")).map(drop)
        }),
        step(ErrorKind::InvalidDigest, move |t| {
            t.create(new("x").digest("sha256:0")).map(drop)
        }),
        step(ErrorKind::InvalidDigest, move |t| {
            t.create(new("x").big_data_with_digest("manifest-x", b"".as_slice(), "sha256:0"))
                .map(drop)
        }),
        step(ErrorKind::InvalidBigDataName, move |t| {
            t.create(new("x").big_data("", b"".as_slice())).map(drop)
        }),
        step(ErrorKind::ImageUnknown, |t| t.set_names("x", &["taken"])),
        step(ErrorKind::ImageUnknown, |t| t.add_names("aa", &["taken"])),
        step(ErrorKind::ImageUnknown, |t| t.remove_names("", &["taken"])),
        step(ErrorKind::ImageUnknown, |t| t.delete("aa")),
        step(ErrorKind::ImageUnknown, |t| t.set_metadata("x", "")),
        step(ErrorKind::ImageUnknown, |t| {
            t.set_flag("x", "flag", 1.into())
        }),
        step(ErrorKind::ImageUnknown, |t| {
            t.add_mapped_top_layer("x", "layer")
        }),
        step(ErrorKind::ImageUnknown, move |t| {
            t.set_big_data("x", "index", b"new", sha)
        }),
        step(ErrorKind::InvalidBigDataName, move |t| {
            t.set_big_data("aa1", "", b"new", sha)
        }),
        step(ErrorKind::DigestUnknown, |t| {
            t.set_big_data("aa1", "manifest", b"new", ManifestDigest::Missing)
        }),
        step(ErrorKind::InvalidDigest, |t| {
            t.set_big_data("aa1", "manifest", b"new", ManifestDigest::Given("md5:00"))
        }),
        step(ErrorKind::Io, move |t| {
            t.set_big_data_from("aa1", "index", &mut Dribble::failing(b"a little"), sha)
        }),
        step(ErrorKind::Io, move |t| {
            t.set_big_data_from("aa1", "index", &mut Dribble::failing(&long), sha)
        }),
        step(ErrorKind::Io, move |t| {
            t.set_big_data_from("aa1", "index", &mut Dribble::failing(&long_text), sha)
        }),
        step(ErrorKind::Io, move |t| {
            t.set_big_data_from("aa1", "new", &mut Dribble::failing(&half[..262_144]), sha)
        }),
        step(ErrorKind::DigestUnknown, |t| {
            let fails = |_: &[u8]| -> Answer { Err("no digest".into()) };
            t.set_big_data("aa1", "manifest", b"new", ManifestDigest::Function(&fails))
        }),
        step(ErrorKind::InvalidDigest, |t| {
            let nonsense = |_: &[u8]| -> Answer { Ok("nonsense".to_owned()) };
            t.set_big_data(
                "aa1",
                "manifest",
                b"new",
                ManifestDigest::Function(&nonsense),
            )
        }),
    ]
}

#[test]
fn a_failed_step_leaves_nothing_and_the_transaction_goes_on() {
    let place = filled();
    let before = Raw::read(&place.path()).without_generation();
    let store = place.open();
    let mut transaction = store.write().unwrap();
    for (kind, step) in failing_steps() {
        let error = step(&mut transaction).unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
    }
    // Something must change, or nothing is written at all; and it must change back.
    transaction.set_metadata("aa1", "second").unwrap();
    transaction.set_metadata("aa1", "first").unwrap();
    transaction.commit().unwrap();
    assert_eq!(Raw::read(&place.path()).without_generation(), before);
    assert_eq!(invariants::check(&place.path()).len(), 2);
}

#[test]
fn a_failed_single_step_leaves_nothing() {
    let place = filled();
    let before = Raw::read(&place.path());
    let store = place.open();
    let sha = ManifestDigest::Sha256;
    assert!(store.create(NewImage::new().id("x").name("taken")).is_err());
    assert!(store.set_names("x", &["taken"]).is_err());
    let long = random_bytes(6, 500_000);
    let mut input = Dribble::failing(&long);
    assert!(
        store
            .set_big_data_from("aa1", "x", &mut input, sha)
            .is_err()
    );
    assert_eq!(Raw::read(&place.path()), before);
}

#[test]
fn the_error_of_a_callers_function_or_reader_is_kept() {
    let place = filled();
    let store = place.open();
    let fails = |_: &[u8]| -> Answer { Err("no digest on Sundays".into()) };
    let error = store
        .set_big_data("aa1", "manifest", b"{}", ManifestDigest::Function(&fails))
        .unwrap_err();
    assert!(
        matches!(&error, Error::ManifestDigest { id, key, .. } if id == "aa1" && key == "manifest")
    );
    assert_eq!(error.source().unwrap().to_string(), "no digest on Sundays");

    let mut input = Dribble::failing(b"");
    let error = store
        .set_big_data_from("aa1", "index", &mut input, ManifestDigest::Sha256)
        .unwrap_err();
    assert!(matches!(&error, Error::Input { key, .. } if key == "index"));
    assert_eq!(error.source().unwrap().to_string(), "the source broke");
}

/// A panic in the caller's own code is the caller's: it is no damage of the file.
#[test]
fn a_panic_of_a_callers_function_passes_through_and_breaks_only_its_transaction() {
    struct Panics(usize);
    impl std::io::Read for Panics {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            self.0 = self
                .0
                .checked_sub(1)
                .expect("a reader that panics, on purpose");
            buffer.fill(self.0 as u8);
            Ok(buffer.len())
        }
    }
    let place = filled();
    let before = Raw::read(&place.path());
    let store = place.open();
    fn digest_panics(_: &[u8]) -> Answer {
        panic!("a digest function that panics, on purpose")
    }
    let panics: Vec<Step> = vec![
        Box::new(|transaction: &mut Transaction| {
            transaction.set_big_data(
                "aa1",
                "manifest",
                b"x",
                ManifestDigest::Function(&digest_panics),
            )
        }),
        Box::new(|transaction: &mut Transaction| {
            let digest = ManifestDigest::Sha256;
            transaction.set_big_data_from("aa1", "index", &mut Panics(200), digest)
        }),
    ];
    for panics in panics {
        let mut transaction = store.write().unwrap();
        transaction.set_metadata("aa1", "not to be kept").unwrap();
        let panic = catch_unwind(AssertUnwindSafe(|| panics(&mut transaction))).unwrap_err();
        let text = panic
            .downcast_ref::<&str>()
            .copied()
            .unwrap_or_else(|| panic.downcast_ref::<String>().map_or("", String::as_str));
        assert!(text.contains("on purpose"), "{text:?}");
        let error = transaction.set_metadata("aa1", "nor this").unwrap_err();
        assert!(
            matches!(error, Error::TransactionBroken { .. }),
            "{error:?}"
        );
        assert!(transaction.get("aa1").is_err());
        assert!(matches!(
            transaction.commit(),
            Err(Error::TransactionBroken { .. })
        ));
        assert_eq!(Raw::read(&place.path()), before);
    }
    store.set_metadata("aa1", "goes on").unwrap();
    assert_eq!(invariants::check(&place.path()).len(), 2);
}

#[test]
fn a_second_transaction_of_a_thread_is_refused_at_once() {
    let place = filled();
    let store = place.open();
    let other_handle = place.open();
    let clone = store.clone();
    let mut transaction = store.write().unwrap();
    let begun = Instant::now();
    for handle in [&store, &clone, &other_handle] {
        let nested = handle.write().unwrap_err();
        assert!(matches!(&nested, Error::NestedTransaction { path } if *path == place.path()));
        assert_eq!(nested.kind(), ErrorKind::BadRequest);
        let one_step = handle.set_metadata("aa1", "nested").unwrap_err();
        assert!(matches!(one_step, Error::NestedTransaction { .. }));
    }
    assert!(begun.elapsed() < Duration::from_secs(5), "it waited");

    // Reading goes on, and so does the transaction.
    assert_eq!(other_handle.get("aa1").unwrap().metadata, "first");
    transaction.set_metadata("aa1", "second").unwrap();
    transaction.commit().unwrap();
    assert_eq!(other_handle.get("aa1").unwrap().metadata, "second");
    other_handle.set_metadata("aa1", "third").unwrap();
}

#[test]
fn one_thread_may_write_to_two_stores_at_once() {
    let (one, two) = (filled(), filled());
    let (first, second) = (one.open(), two.open());
    let mut transaction = first.write().unwrap();
    let mut beside = second.write().unwrap();
    transaction.delete("aa1").unwrap();
    beside.delete("aa2").unwrap();
    beside.commit().unwrap();
    transaction.commit().unwrap();
    assert!(!first.exists("aa1").unwrap());
    assert!(!second.exists("aa2").unwrap());
}

#[test]
fn a_thread_that_panics_inside_a_transaction_lets_others_go_on() {
    let place = filled();
    let before = Raw::read(&place.path());
    let store = place.open();
    let other_handle = place.open();
    for _ in 0..3 {
        let died = thread::scope(|scope| {
            scope
                .spawn(|| {
                    let mut transaction = store.write().unwrap();
                    change_everything(&mut transaction);
                    panic!("on purpose");
                })
                .join()
        });
        assert!(died.is_err());
        other_handle.set_metadata("aa2", "goes on").unwrap();
        store.set_metadata("aa2", "").unwrap();
    }
    drop((store, other_handle));
    let after = Raw::read(&place.path());
    assert_eq!(after.without_generation(), before.without_generation());
    assert_eq!(invariants::check(&place.path()).len(), 2);
    let reader = ImageStore::options().read_only(true).open(place.path());
    assert_eq!(reader.unwrap().len().unwrap(), 2);
}

#[test]
fn a_transaction_keeps_the_store_open() {
    let place = filled();
    let store = place.open();
    let mut transaction = store.write().unwrap();
    drop(store);
    transaction.set_metadata("aa1", "second").unwrap();
    transaction.commit().unwrap();
    assert_eq!(place.open().metadata("aa1").unwrap(), "second");
}
