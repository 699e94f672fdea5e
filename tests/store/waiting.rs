//! Promise: one transaction writes at a time, among threads and processes. Others wait for their
//! turn, no longer than they said, and get it when the one before is through, however it ends.

use std::path::Path;
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use image_store::{Access, Error, ErrorKind, ImageStore, Lookup as _, NewImage};

use crate::support::child::{Child, hear, say};
use crate::support::{Place, invariants};

const SHORT: Duration = Duration::from_millis(300);
/// More than a busy machine adds to a wait.
const SLACK: Duration = Duration::from_secs(10);

fn impatient(path: &Path) -> ImageStore {
    ImageStore::options().lock_wait(SHORT).open(path).unwrap()
}

/// Writing must fail with `Busy` after the time that it was to wait.
#[track_caller]
fn assert_busy(store: &ImageStore) {
    let begun = Instant::now();
    let error = store.set_metadata("ab", "busy").unwrap_err();
    let elapsed = begun.elapsed();
    assert!(
        matches!(&error, Error::Busy { path, waited } if path == store.path() && *waited >= SHORT)
    );
    assert_eq!(error.kind(), ErrorKind::Busy);
    assert!(elapsed >= SHORT && elapsed < SHORT + SLACK, "{elapsed:?}");
}

fn filled() -> Place {
    let place = Place::new();
    place.open().create(NewImage::new().id("ab")).unwrap();
    place
}

/// Task `hold`: holds a transaction until it is told to `commit`, or to end, which drops it, or to
/// `die`.
pub(crate) fn hold(path: &Path) {
    let store = ImageStore::open(path).unwrap();
    loop {
        let mut transaction = store.write().unwrap();
        transaction.set_metadata("ab", "of the child").unwrap();
        say("held");
        match hear().as_deref() {
            Some("commit") => transaction.commit().unwrap(),
            Some("die") => std::process::abort(),
            _ => break,
        }
        say("committed");
        if hear().as_deref() != Some("again") {
            break;
        }
    }
}

#[test]
fn busy_when_another_thread_holds_the_store() {
    let place = filled();
    let store = impatient(&place.path());
    let other_handle = impatient(&place.path());
    let transaction = store.write().unwrap();
    thread::scope(|scope| {
        scope.spawn(|| assert_busy(&store));
        scope.spawn(|| assert_busy(&other_handle));
    });
    // Reading does not wait.
    thread::scope(|scope| {
        scope.spawn(|| assert!(other_handle.exists("ab").unwrap()));
    });
    drop(transaction);
    thread::scope(|scope| {
        scope.spawn(|| store.set_metadata("ab", "free").unwrap());
    });
}

#[test]
fn busy_when_another_process_holds_the_store() {
    let place = filled();
    let store = impatient(&place.path());
    let mut child = Child::start("hold", &place.path());
    child.expect("held");
    for _ in 0..3 {
        assert_busy(&store);
    }
    assert_eq!(store.metadata("ab").unwrap(), "");
    // Opening for writing waits for it as well, opening for reading does not.
    let begun = Instant::now();
    let error = ImageStore::options().lock_wait(SHORT).open(place.path());
    assert!(matches!(error, Err(Error::Busy { .. })), "{error:?}");
    assert!(begun.elapsed() < SHORT + SLACK);
    let reader = ImageStore::options().read_only(true).open(place.path());
    assert!(reader.unwrap().exists("ab").unwrap());

    child.say("commit");
    child.expect("committed");
    assert_eq!(store.metadata("ab").unwrap(), "of the child");
    store.set_metadata("ab", "free").unwrap();
    impatient(&place.path()).set_metadata("ab", "free").unwrap();

    // One that gave up does not keep the lock when it comes to it later.
    child.say("again");
    child.expect("held");
    assert_busy(&store);
    child.say("commit");
    child.expect("committed");
    child.say("again");
    child.expect("held");
    child.end();
    store.set_metadata("ab", "free").unwrap();
    assert_eq!(invariants::check(&place.path())[0].metadata, "free");
}

#[test]
fn a_process_that_dies_inside_lets_others_go_on() {
    let place = filled();
    let store = impatient(&place.path());
    let mut child = Child::start("hold", &place.path());
    child.expect("held");
    child.say("die");
    // Its end is not awaited: the write waits for the lock.
    let patient = place.open();
    patient.set_metadata("ab", "goes on").unwrap();
    assert_eq!(store.metadata("ab").unwrap(), "goes on");
    drop((store, patient, child));
    assert_eq!(invariants::check(&place.path())[0].metadata, "goes on");
}

#[test]
fn a_waiter_gets_its_turn_when_the_holder_commits() {
    let place = filled();
    let store = place.open();
    let other_handle = place.open();
    for handle in [&store, &other_handle] {
        let mut transaction = store.write().unwrap();
        transaction.set_metadata("ab", "first").unwrap();
        thread::scope(|scope| {
            let (waits, waiting) = channel();
            let waiter = scope.spawn(move || {
                waits.send(()).unwrap();
                let mut transaction = handle.write().unwrap();
                assert_eq!(transaction.metadata("ab").unwrap(), "first");
                transaction.set_metadata("ab", "second").unwrap();
                transaction.commit().unwrap();
            });
            waiting.recv().unwrap();
            thread::sleep(Duration::from_millis(50));
            assert!(!waiter.is_finished());
            transaction.commit().unwrap();
            waiter.join().unwrap();
        });
        assert_eq!(store.metadata("ab").unwrap(), "second");
    }
}

#[test]
fn a_waiter_gets_its_turn_when_another_process_commits() {
    let place = filled();
    let store = place.open();
    let mut child = Child::start("hold", &place.path());
    child.expect("held");
    thread::scope(|scope| {
        let waiter = scope.spawn(|| {
            let mut transaction = store.write().unwrap();
            assert_eq!(transaction.metadata("ab").unwrap(), "of the child");
            transaction.set_metadata("ab", "second").unwrap();
            transaction.commit().unwrap();
        });
        thread::sleep(Duration::from_millis(100));
        assert!(!waiter.is_finished());
        child.say("commit");
        waiter.join().unwrap();
    });
    child.end();
    assert_eq!(store.metadata("ab").unwrap(), "second");
}

/// Task `create-many`: creates 25 images, one a transaction.
pub(crate) fn create_many(path: &Path) {
    let store = ImageStore::open(path).unwrap();
    for _ in 0..25 {
        store.create(NewImage::new()).unwrap();
    }
}

#[test]
fn nobody_starves_among_busy_threads_and_processes() {
    let place = filled();
    let children: Vec<Child> = (0..2)
        .map(|_| Child::start("create-many", &place.path()))
        .collect();
    let store = place.open();
    let other_handle = place.open();
    thread::scope(|scope| {
        for handle in [&store, &store, &other_handle] {
            scope.spawn(move || {
                for _ in 0..25 {
                    handle.create(NewImage::new()).unwrap();
                }
            });
        }
    });
    children.into_iter().for_each(Child::end);
    assert_eq!(invariants::check(&place.path()).len(), 1 + 5 * 25);
    assert_eq!(store.generation().unwrap(), 1 + 5 * 25);
}

#[test]
fn exclusive_and_shared_refuse_each_other_until_the_first_is_closed() {
    let place = filled();
    let shared = impatient(&place.path());
    let exclusive = || {
        ImageStore::options()
            .access(Access::Exclusive)
            .lock_wait(SHORT)
    };
    let error = exclusive().open(place.path()).unwrap_err();
    assert!(matches!(error, Error::Busy { .. }), "{error:?}");
    shared.close();

    let alone = exclusive().open(place.path()).unwrap();
    alone.set_metadata("ab", "alone").unwrap();
    for options in [
        exclusive(),
        ImageStore::options().lock_wait(SHORT),
        ImageStore::options().lock_wait(SHORT).read_only(true),
    ] {
        let begun = Instant::now();
        let error = options.open(place.path()).unwrap_err();
        assert!(matches!(error, Error::Busy { .. }), "{error:?}");
        assert!(begun.elapsed() < SHORT + SLACK);
    }
    alone.close();
    assert_eq!(impatient(&place.path()).metadata("ab").unwrap(), "alone");
}

#[test]
fn who_does_not_want_to_wait_still_tries_and_for_ever_is_a_wait() {
    let place = Place::new();
    let mut images = 0;
    for limit in [Duration::ZERO, Duration::MAX] {
        for access in [Access::Shared, Access::Exclusive, Access::Shared] {
            let options = ImageStore::options().access(access).lock_wait(limit);
            // The first one creates it.
            let store = options.open(place.path()).unwrap();
            store.create(NewImage::new()).unwrap();
            images += 1;
            let transaction = store.write().unwrap();
            assert_eq!(transaction.len().unwrap(), images);
            drop(transaction);
            let others = ImageStore::options().lock_wait(Duration::ZERO);
            let other = others.open(place.path());
            assert_eq!(
                matches!(other, Err(Error::Busy { .. })),
                access == Access::Exclusive,
                "{other:?}"
            );
            drop(other);
            store.close();
            let reader = ImageStore::options().read_only(true).lock_wait(limit);
            assert_eq!(reader.open(place.path()).unwrap().len().unwrap(), images);
        }
    }
    invariants::check(&place.path());
}

#[test]
fn opening_waits_for_an_exclusive_handle_to_close() {
    let place = filled();
    let alone = ImageStore::options()
        .access(Access::Exclusive)
        .open(place.path())
        .unwrap();
    thread::scope(|scope| {
        let waiter = scope.spawn(|| place.open().metadata("ab").unwrap());
        let reader = scope.spawn(|| {
            let options = ImageStore::options().read_only(true);
            options.open(place.path()).unwrap().metadata("ab").unwrap()
        });
        thread::sleep(Duration::from_millis(200));
        assert!(!waiter.is_finished() && !reader.is_finished());
        alone.set_metadata("ab", "alone").unwrap();
        alone.close();
        assert_eq!(waiter.join().unwrap(), "alone");
        assert_eq!(reader.join().unwrap(), "alone");
    });
}
