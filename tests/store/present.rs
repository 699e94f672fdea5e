//! Promise: a lookup sees all that was committed before it began, by whatever thread, handle or
//! process, however closely lookups follow each other; and what they share for that neither keeps
//! room from being used again nor outlives the handle.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use image_store::{Access, ImageStore, Lookup, NewImage};

use crate::support::Place;
use crate::support::bytes::random_bytes;
use crate::support::child::{Child, say, wait_for_parent};

/// More than enough for the store to let go of what lookups shared.
const LONG: Duration = Duration::from_millis(500);

/// Looks so often, so closely, that the state is kept.
fn look(store: &ImageStore) {
    for _ in 0..100 {
        store.exists("counter").unwrap();
    }
}

fn counter(store: &ImageStore) -> u64 {
    store.metadata("counter").unwrap().parse().unwrap()
}

fn filled(access: Access) -> (Place, ImageStore) {
    let place = Place::in_memory();
    let store = ImageStore::options()
        .access(access)
        .open(place.path())
        .unwrap();
    let image = NewImage::new().id("counter").metadata("0");
    store.create(image).unwrap();
    (place, store)
}

#[test]
fn every_handle_sees_what_another_committed() {
    let (place, writer) = filled(Access::Shared);
    let other = place.open();
    let reader = ImageStore::options()
        .read_only(true)
        .open(place.path())
        .unwrap();
    for round in 1..=200_u64 {
        look(&other);
        look(&reader);
        writer.set_metadata("counter", &round.to_string()).unwrap();
        assert_eq!(counter(&other), round);
        assert_eq!(counter(&reader), round);
        assert_eq!(counter(&writer), round);
    }
}

/// Task `count`: counts up at each word of the parent.
pub(crate) fn count(path: &Path) {
    let store = ImageStore::open(path).unwrap();
    say("ready");
    for round in 1..=50_u64 {
        wait_for_parent();
        store.set_metadata("counter", &round.to_string()).unwrap();
        say("counted");
    }
}

#[test]
fn a_process_sees_what_another_committed() {
    let (place, store) = filled(Access::Shared);
    let mut child = Child::start("count", &place.path());
    child.expect("ready");
    for round in 1..=50 {
        look(&store);
        child.say("go on");
        child.expect("counted");
        assert_eq!(counter(&store), round);
    }
}

/// Tells other threads to end, also where this one panics.
struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

#[test]
fn no_thread_sees_less_than_was_committed_or_seen_before() {
    for access in [Access::Exclusive, Access::Shared] {
        let (_place, store) = filled(access);
        let done = AtomicBool::new(false);
        // What somebody has seen, or was told by a commit that has returned.
        let known = AtomicU64::new(0);
        thread::scope(|scope| {
            for held in [false, false, true] {
                let (store, known, done) = (&store, &known, &done);
                scope.spawn(move || {
                    while !done.load(Ordering::Acquire) {
                        let before = known.load(Ordering::Acquire);
                        let seen = if held {
                            let snapshot = store.read().unwrap();
                            snapshot.metadata("counter").unwrap().parse().unwrap()
                        } else {
                            counter(store)
                        };
                        assert!(seen >= before, "{seen} after {before}, {access:?}");
                        known.fetch_max(seen, Ordering::AcqRel);
                    }
                });
            }
            let _ends = Ends(&done);
            for round in 1..=2_000_u64 {
                store.set_metadata("counter", &round.to_string()).unwrap();
                known.fetch_max(round, Ordering::AcqRel);
                assert_eq!(counter(&store), round);
            }
        });
    }
}

#[test]
fn a_handle_that_has_looked_keeps_no_room_from_being_used_again() {
    let grown = |looks: bool| {
        let (place, writer) = filled(Access::Shared);
        let other = place.open();
        if looks {
            look(&other);
            thread::sleep(LONG);
        }
        for round in 0..200 {
            let image = NewImage::new()
                .id("large")
                .big_data("index", random_bytes(round, 40_000));
            writer.create(image).unwrap();
            writer.delete("large").unwrap();
        }
        let bytes = fs::metadata(place.path()).unwrap().blocks() * 512;
        assert!(!other.exists("large").unwrap());
        bytes
    };
    let (alone, beside) = (grown(false), grown(true));
    // What is kept would make it ten times as large.
    assert!(beside < alone * 2, "{beside} instead of {alone} bytes");
}

#[test]
fn closing_a_handle_ends_what_its_lookups_shared() {
    let (place, first) = filled(Access::Shared);
    first.close();
    let options = ImageStore::options().lock_wait(Duration::from_millis(200));
    for access in [Access::Shared, Access::ReadOnly, Access::Exclusive] {
        for _ in 0..20 {
            let store = options.clone().access(access);
            let store = store.open(place.path()).unwrap();
            look(&store);
            store.close();
            // It would be refused beside any lock.
            let alone = options.clone().access(Access::Exclusive);
            alone.open(place.path()).unwrap().close();
        }
    }
}

/// What comes after the last ID is not looked for among the IDs; which that is changes.
#[test]
fn a_name_and_an_id_are_told_apart_wherever_the_last_id_is() {
    let place = Place::new();
    let (store, other) = (place.open(), place.open());
    assert!(!store.exists("quay.io/a").unwrap());
    store
        .create(NewImage::new().id("ff").name("quay.io/a"))
        .unwrap();
    for (id, reference) in [("ff", "quay.io/a"), ("ff", "f"), ("ff", "ff")] {
        assert_eq!(store.get(reference).unwrap().id, id);
        assert_eq!(store.read().unwrap().get(reference).unwrap().id, id);
    }
    // An ID goes before a name, and a name before the beginning of an ID.
    for (id, name) in [
        ("quay.io/a", "other"),
        ("quay.io/abc", "quay.io/ab"),
        ("zz", "z"),
    ] {
        other.create(NewImage::new().id(id).name(name)).unwrap();
        for reader in [&store, &other] {
            let snapshot = reader.read().unwrap();
            for _ in 0..3 {
                assert_eq!(reader.get(id).unwrap().id, id);
                assert_eq!(reader.get(name).unwrap().id, id);
                assert_eq!(snapshot.get(id).unwrap().id, id);
                assert_eq!(snapshot.get("quay.io/a").unwrap().id, "quay.io/a");
            }
        }
    }
    other.remove_names("zz", &["z"]).unwrap();
    assert_eq!(store.get("z").unwrap().id, "zz");
    assert!(!store.exists("zzz").unwrap());
    other.delete("zz").unwrap();
    assert!(!store.exists("z").unwrap());
    assert_eq!(store.get("quay.io/ab").unwrap().id, "quay.io/abc");
}
