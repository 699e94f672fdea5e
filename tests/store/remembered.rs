//! Promise: what lookups remember of those before spares them the indexes, and changes no answer: each
//! is of the state that is looked at, whoever changed it.

use std::error::Error as _;
use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use image_store::{Access, ErrorKind, ImageStore, Lookup, NewImage};
use redb::StorageBackend;
use redb::backends::FileBackend;

use crate::support::Place;

const ACCESSES: [Access; 2] = [Access::Exclusive, Access::Shared];

/// A store of so many images that a few more change nothing of where something is remembered.
fn filled(access: Access) -> (Place, ImageStore) {
    let place = Place::in_memory();
    let options = ImageStore::options().access(access);
    let store = options.open(place.path()).unwrap();
    let mut transaction = store.write().unwrap();
    for number in 0..80 {
        let id = format!("other-{number}");
        transaction.create(NewImage::new().id(id)).unwrap();
    }
    transaction.commit().unwrap();
    (place, store)
}

fn create(store: &ImageStore, id: &str, name: &str) {
    store.create(NewImage::new().id(id).name(name)).unwrap();
}

/// The ID of what a reference refers to, asked for often enough to be remembered.
fn found(lookup: &impl Lookup, reference: &str) -> String {
    let ids = [(); 3].map(|()| lookup.get(reference).unwrap().id);
    assert!(lookup.exists(reference).unwrap());
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    ids[0].clone()
}

fn is_unknown(lookup: &impl Lookup, reference: &str) -> bool {
    let error = lookup.get(reference).unwrap_err();
    assert!(!lookup.exists(reference).unwrap());
    error.kind() == ErrorKind::ImageUnknown
}

#[test]
fn a_name_is_found_where_it_moved_to() {
    for access in ACCESSES {
        let (_place, store) = filled(access);
        create(&store, "first", "localhost/app");
        create(&store, "second", "localhost/other");
        assert_eq!(found(&store, "localhost/app"), "first");
        store.set_names("second", &["localhost/app"]).unwrap();
        assert_eq!(found(&store, "localhost/app"), "second");
        assert!(is_unknown(&store, "localhost/other"));
        store.set_names("second", &[""; 0]).unwrap();
        assert!(is_unknown(&store, "localhost/app"));
        assert_eq!(found(&store, "second"), "second");
    }
}

#[test]
fn a_number_that_another_image_got_is_not_taken_for_the_image_before() {
    for access in ACCESSES {
        let (_place, store) = filled(access);
        create(&store, "first", "localhost/app");
        assert_eq!(found(&store, "first"), "first");
        assert_eq!(found(&store, "localhost/app"), "first");
        // It was the last image, so that the next has its number.
        store.delete("first").unwrap();
        create(&store, "second", "localhost/other");
        assert!(is_unknown(&store, "first"));
        assert!(is_unknown(&store, "localhost/app"));
        assert_eq!(found(&store, "second"), "second");
        assert_eq!(found(&store, "localhost/other"), "second");
    }
}

#[test]
fn an_id_counts_before_the_name_that_was_found() {
    for access in ACCESSES {
        let (_place, store) = filled(access);
        create(&store, "first", "cafe");
        assert_eq!(found(&store, "cafe"), "first");
        create(&store, "cafe", "localhost/cafe");
        assert_eq!(found(&store, "cafe"), "cafe");
        store.delete("cafe").unwrap();
        assert_eq!(found(&store, "cafe"), "first");
        // A longer ID, which the name begins, counts after it.
        create(&store, "cafe1234", "localhost/cafe");
        assert_eq!(found(&store, "cafe"), "first");
    }
}

#[test]
fn a_prefix_that_was_found_may_get_another_meaning() {
    let (_place, store) = filled(Access::Shared);
    create(&store, "abcd", "localhost/app");
    assert_eq!(found(&store, "ab"), "abcd");
    create(&store, "abef", "localhost/other");
    assert!(is_unknown(&store, "ab"));
    create(&store, "ab", "localhost/ab");
    assert_eq!(found(&store, "ab"), "ab");
}

#[test]
fn a_snapshot_stays_as_it_is() {
    let (_place, store) = filled(Access::Shared);
    create(&store, "first", "localhost/app");
    let before = store.read().unwrap();
    assert_eq!(found(&before, "localhost/app"), "first");
    create(&store, "second", "localhost/other");
    store.set_names("second", &["localhost/app"]).unwrap();
    store.delete("first").unwrap();
    for _ in 0..3 {
        // Each remembers what the other does not see.
        assert_eq!(found(&store, "localhost/app"), "second");
        assert_eq!(found(&before, "localhost/app"), "first");
        assert_eq!(found(&before, "first"), "first");
        assert!(is_unknown(&before, "second"));
        assert!(is_unknown(&store, "first"));
    }
}

#[test]
fn what_another_handle_changes_is_seen() {
    let (place, store) = filled(Access::Shared);
    let other = place.open();
    create(&store, "first", "localhost/app");
    assert_eq!(found(&other, "localhost/app"), "first");
    store.delete("first").unwrap();
    assert!(is_unknown(&other, "localhost/app"));
    create(&store, "second", "localhost/app");
    assert_eq!(found(&other, "localhost/app"), "second");
    assert!(is_unknown(&other, "first"));
}

/// A file that counts how often it is read.
#[derive(Debug)]
struct Counts(FileBackend, Arc<AtomicU64>);

impl StorageBackend for Counts {
    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.read(offset, out)
    }
    image_store::passes_on!(0: len, set_len, sync_data, write, locks);
}

const IMAGES: u64 = 2_000;

/// A tenth of the file for the engine, and room for what is remembered.
const CACHE: usize = 256 << 10;

fn many_id(number: u64) -> String {
    format!(
        "{:016x}{number:048x}",
        number.wrapping_mul(0x9e37_79b9_7f4a_7c15)
    )
}

fn many_name(number: u64) -> String {
    format!("registry.example.com/{number}")
}

/// A place with a store of many images, which is not open.
fn many() -> Place {
    let place = Place::in_memory();
    let store = place.open();
    let mut transaction = store.write().unwrap();
    for number in 0..IMAGES {
        let image = NewImage::new().id(many_id(number)).name(many_name(number));
        transaction
            .create(image.metadata("m".repeat(1_000)))
            .unwrap();
    }
    transaction.commit().unwrap();
    place
}

/// Fills the engine's cache with records, of which the last ones stay in it.
fn list(lookup: &impl Lookup) {
    assert_eq!(lookup.images().unwrap().count() as u64, IMAGES);
}

#[test]
fn what_was_found_before_is_found_with_fewer_reads() {
    const NUMBERS: Range<u64> = 700..750;
    let place = many();
    let reads = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&reads);
    let store = ImageStore::options()
        .access(Access::Exclusive)
        .cache_size(CACHE)
        .storage(move |file| Box::new(Counts(file, Arc::clone(&counter))))
        .open(place.path())
        .unwrap();
    let snapshot = store.read().unwrap();
    for reference in [many_id, many_name] {
        let [first, again] = [(); 2].map(|()| {
            list(&snapshot);
            let before = reads.load(Ordering::Relaxed);
            for number in NUMBERS {
                snapshot.get(&reference(number)).unwrap();
            }
            reads.load(Ordering::Relaxed) - before
        });
        assert!(again * 4 < first * 3, "{first} reads, then {again}");
    }
}

/// A file that cannot be read any more, once that is said.
#[derive(Debug)]
struct Fails(FileBackend, Arc<AtomicBool>);

impl StorageBackend for Fails {
    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        if self.1.load(Ordering::Relaxed) {
            return Err(io::Error::other("the disk is gone"));
        }
        self.0.read(offset, out)
    }
    image_store::passes_on!(0: len, set_len, sync_data, write, locks);
}

#[test]
fn why_a_record_cannot_be_read_is_told() {
    let place = many();
    let fails = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&fails);
    let store = ImageStore::options()
        .read_only(true)
        .cache_size(CACHE)
        .storage(move |file| Box::new(Fails(file, Arc::clone(&told))))
        .open(place.path())
        .unwrap();
    let snapshot = store.read().unwrap();
    assert_eq!(found(&snapshot, &many_id(700)), many_id(700));
    list(&snapshot);
    fails.store(true, Ordering::Relaxed);
    let error = snapshot.get(&many_id(700)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io, "{error}");
    let why = error.source().unwrap().to_string();
    assert!(why.contains("the disk is gone"), "{why}");
}
