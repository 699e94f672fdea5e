//! Promise: a process that was forked off after a store was opened cannot use it, and nothing that
//! it does with what it inherited, its end included, takes a lock from its parent.
//!
//! The forks happen in child processes of their own, since the test harness has many threads.

use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use image_store::{
    Access, Error, ImageStore, Lookup, ManifestDigest, NewImage, Prefix, Transaction,
};

use rustix::process::{Pid, WaitOptions, waitpid};

use crate::support::bytes::random_bytes;
use crate::support::child::{Child, say, wait_for_parent};
use crate::support::{Place, all_images, invariants};

const SHORT: Duration = Duration::from_millis(300);

/// A process that was forked off.
struct Forked(Pid);

impl Forked {
    /// Forks, and does `work` in the forked process.
    #[allow(unsafe_code)]
    fn off(work: impl FnOnce()) -> Self {
        // SAFETY: the harness's other thread only waits for this one, so no lock is held for ever.
        let forked = unsafe { libc::fork() };
        if forked == 0 {
            let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
            // SAFETY: it ends the process, and nothing of the harness in it shall run on.
            unsafe { libc::_exit(i32::from(done.is_err())) }
        }
        Self(Pid::from_raw(forked).expect("it was forked"))
    }

    /// Waits for its end, which must be a good one.
    fn end(self) {
        let (_, status) = waitpid(Some(self.0), WaitOptions::empty())
            .unwrap()
            .unwrap();
        assert_eq!(status.exit_status(), Some(0), "the forked process failed");
    }
}

/// Does `work` in a forked process, and waits for its end.
fn in_fork(work: impl FnOnce()) {
    Forked::off(work).end();
}

#[track_caller]
fn assert_forked<T>(result: image_store::Result<T>) {
    let Err(error) = result else {
        panic!("a forked process used the store");
    };
    assert!(matches!(error, Error::Forked { .. }), "{error:?}");
    assert!(error.to_string().contains("open it again"), "{error}");
}

fn assert_lookups_forked(lookup: &impl Lookup) {
    assert_forked(lookup.exists("ab"));
    assert_forked(lookup.get("ab"));
    assert_forked(lookup.len());
    assert_forked(lookup.is_empty());
    assert_forked(lookup.generation());
    // A listing says it at once or with its first row.
    assert_forked(lookup.images().and_then(|mut rows| rows.next().transpose()));
    assert_forked(
        lookup
            .by_digest("sha256:0")
            .and_then(|mut rows| rows.next().transpose()),
    );
    assert_forked(
        lookup
            .by_top_layer("layer")
            .and_then(|mut rows| rows.next().transpose()),
    );
    assert_forked(
        lookup
            .ids(Prefix::all())
            .and_then(|mut rows| rows.next().transpose()),
    );
    assert_forked(
        lookup
            .names(Prefix::all())
            .and_then(|mut rows| rows.next().transpose()),
    );
    assert_forked(
        lookup
            .digests(Prefix::all())
            .and_then(|mut rows| rows.next().transpose()),
    );
    assert_forked(lookup.metadata("ab"));
    assert_forked(lookup.big_data("ab", "index"));
    assert_forked(lookup.big_data_reader("ab", "index").map(drop));
    assert_forked(lookup.big_data_size("ab", "index"));
    assert_forked(lookup.big_data_digest("ab", "index"));
    assert_forked(lookup.big_data_names("ab"));
}

fn assert_mutations_forked(transaction: &mut Transaction) {
    let digest = ManifestDigest::Sha256;
    assert_forked(transaction.create(NewImage::new()));
    assert_forked(transaction.set_names("ab", &["n"]));
    assert_forked(transaction.add_names("ab", &["n"]));
    assert_forked(transaction.remove_names("ab", &["n"]));
    assert_forked(transaction.delete("ab"));
    assert_forked(transaction.add_mapped_top_layer("ab", "layer"));
    assert_forked(transaction.remove_mapped_top_layer("ab", "layer"));
    assert_forked(transaction.set_metadata("ab", ""));
    assert_forked(transaction.set_big_data("ab", "index", b"", digest));
    assert_forked(transaction.set_big_data_from("ab", "index", &mut std::io::empty(), digest));
    assert_forked(transaction.set_flag("ab", "flag", true.into()));
    assert_forked(transaction.clear_flag("ab", "flag"));
    assert_forked(transaction.collect_garbage());
    assert_forked(transaction.wipe());
}

fn filled() -> Place {
    let place = Place::new();
    let image = NewImage::new()
        .id("ab")
        .name("name")
        .top_layer("layer")
        .big_data("index", random_bytes(1, 200_000));
    place.open().create(image).unwrap();
    place
}

fn impatient(path: &Path) -> ImageStore {
    ImageStore::options().lock_wait(SHORT).open(path).unwrap()
}

/// Looks so often, so closely, that the store keeps the state that it looked at.
fn look_closely(store: &ImageStore) {
    for _ in 0..100 {
        assert!(store.exists("ab").unwrap());
    }
}

/// Task `fork`: holds all that can be held, forks, and goes on.
pub(crate) fn fork(path: &Path) {
    let store = ImageStore::open(path).unwrap();
    look_closely(&store);
    let snapshot = store.read().unwrap();
    let mut listing = snapshot.images().unwrap();
    let mut reader = store.big_data_reader("ab", "index").unwrap();
    let mut transaction = store.write().unwrap();
    transaction.set_metadata("ab", "of the parent").unwrap();
    in_fork(|| {
        assert_lookups_forked(&store);
        assert_lookups_forked(&snapshot);
        assert_lookups_forked(&transaction);
        assert_mutations_forked(&mut transaction);
        assert_forked(store.read());
        assert_forked(store.write().map(drop));
        assert_forked(store.create(NewImage::new()));
        assert_forked(listing.next().transpose());
        let read = std::io::Read::read(&mut reader, &mut [0; 10]).unwrap_err();
        assert_forked::<()>(Err(*read.into_inner().unwrap().downcast().unwrap()));

        // What it opens itself it can use, but it has to wait for its parent as others have.
        let own = ImageStore::options().read_only(true).open(path).unwrap();
        assert_eq!(own.get("name").unwrap().metadata, "");
    });
    say("forked");
    wait_for_parent();

    // All of it is still there, and the transaction was the only one meanwhile.
    assert_eq!(transaction.metadata("ab").unwrap(), "of the parent");
    transaction.commit().unwrap();
    assert_eq!(listing.next().unwrap().unwrap().metadata, "");
    assert!(std::io::Read::read(&mut reader, &mut [0; 10]).unwrap() > 0);
    assert_eq!(snapshot.metadata("ab").unwrap(), "");
    assert_eq!(store.metadata("ab").unwrap(), "of the parent");
    store.set_metadata("ab", "goes on").unwrap();
    say("went on");
}

/// Task `fork-and-drop`: as `fork`, but the forked process drops what it inherited, and then the
/// parent's parent writes.
pub(crate) fn fork_and_drop(path: &Path) {
    let store = ImageStore::open(path).unwrap();
    look_closely(&store);
    let snapshot = store.read().unwrap();
    let seen = all_images(&snapshot);
    let mut transaction = Some(store.write().unwrap());
    let mut inherited = Some((store.clone(), snapshot.clone()));
    transaction
        .as_mut()
        .unwrap()
        .set_metadata("ab", "dropped")
        .unwrap();
    // Everything is dropped with the closures of the forked process.
    let mut all = Some((store, snapshot));
    in_fork(|| {
        drop(transaction.take());
        drop(inherited.take());
        drop(all.take());
    });
    say("forked");
    wait_for_parent();
    drop(transaction);
    say("free");
    wait_for_parent();
    let (store, snapshot) = all.unwrap();
    assert_eq!(all_images(&snapshot), seen);
    let bytes = snapshot.big_data("ab", "index").unwrap();
    assert!(bytes == random_bytes(1, 200_000));
    assert_ne!(all_images(&store), seen);
    store.set_metadata("ab", "goes on").unwrap();
    say("went on");
}

/// Task `fork-and-open`: the forked process opens the store itself, and writes to it.
pub(crate) fn fork_and_open(path: &Path) {
    let store = ImageStore::open(path).unwrap();
    let reader = ImageStore::options().read_only(true).open(path).unwrap();
    let options = ImageStore::options().lock_wait(SHORT);
    let transaction = store.write().unwrap();
    in_fork(|| {
        let own = options.clone().open(path);
        assert!(matches!(own, Err(Error::Busy { .. })), "{own:?}");
    });
    let waiting = Forked::off(|| {
        // The thread that has the transaction is not in this process: its own is no nested one.
        let own = ImageStore::open(path).unwrap();
        own.set_metadata("ab", "its turn").unwrap();
    });
    std::thread::sleep(SHORT);
    drop(transaction);
    waiting.end();
    assert_eq!(store.metadata("ab").unwrap(), "its turn");
    in_fork(|| {
        let own = options.clone().open(path).unwrap();
        own.set_metadata("ab", "of the forked process").unwrap();
        assert_lookups_forked(&store);
        assert_lookups_forked(&reader);
        assert!(matches!(
            reader.delete("ab"),
            Err(Error::ReadOnly { .. } | Error::Forked { .. })
        ));
        own.close();
        store.clone().close();
    });
    assert_eq!(store.metadata("ab").unwrap(), "of the forked process");
    assert_eq!(reader.metadata("ab").unwrap(), "of the forked process");
    store.set_metadata("ab", "goes on").unwrap();
    say("went on");
}

/// Task `fork-and-create`: both processes do the same, each with a store of its own.
pub(crate) fn fork_and_create(path: &Path) {
    let create = |store: &str| {
        let store = ImageStore::open(path.with_file_name(store)).unwrap();
        store.create(NewImage::new()).unwrap().id
    };
    create("before");
    in_fork(|| drop(create("forked")));
    let created = create("parent");
    let forked = all_images(&ImageStore::open(path.with_file_name("forked")).unwrap());
    assert_ne!(forked[0].id, created);
    say("went on");
}

/// Task `fork-exclusive`: forks while steps are on disk that nobody has looked for.
pub(crate) fn fork_exclusive(path: &Path) {
    fn create(store: &ImageStore, numbers: Range<u32>) {
        for number in numbers {
            let image = NewImage::new().id(format!("image-{number}"));
            store.create(image).unwrap();
        }
    }
    let options = ImageStore::options().access(Access::Exclusive);
    let mut store = Some(options.open(path).unwrap());
    create(store.as_ref().unwrap(), 0..100);
    // In the forked process this is the last handle.
    in_fork(|| {
        let store = store.take().unwrap();
        assert_lookups_forked(&store);
        assert_forked(store.create(NewImage::new()));
        drop(store);
    });
    let store = store.unwrap();
    assert_eq!(store.len().unwrap(), 101);
    create(&store, 100..200);
    assert!(store.exists("image-199").unwrap());
    store.close();
    say("went on");
}

/// Task `fork-and-list`: forks while another thread reads ahead for a listing.
pub(crate) fn fork_and_list(path: &Path) {
    const IMAGES: usize = 5_000;
    let store = ImageStore::open(path).unwrap();
    let mut transaction = store.write().unwrap();
    for _ in 1..IMAGES {
        transaction.create(NewImage::new()).unwrap();
    }
    transaction.commit().unwrap();
    for read in [600, 1_500, 3_000] {
        let mut listing = Some(store.images().unwrap());
        let begun = listing.iter_mut().flatten().take(read);
        assert_eq!(begun.map(Result::unwrap).count(), read);
        // What was fetched before is given out, then the end comes, not a wait for a thread that
        // is not in this process.
        in_fork(|| {
            let mut rest = listing.take().unwrap();
            assert_forked(rest.by_ref().collect::<image_store::Result<Vec<_>>>());
            assert!(rest.next().is_none());
        });
        let rest = listing.unwrap();
        assert_eq!(rest.map(Result::unwrap).count(), IMAGES - read);
    }
    say("went on");
}

#[test]
fn a_forked_process_does_not_wait_for_what_its_parent_reads_ahead() {
    let place = filled();
    let child = Child::start("fork-and-list", &place.path());
    child.expect("went on");
    child.end();
}

#[test]
fn a_forked_process_is_refused_and_its_parent_goes_on() {
    let place = filled();
    let store = impatient(&place.path());
    let mut child = Child::start("fork", &place.path());
    child.expect("forked");
    let error = store.set_metadata("ab", "too early").unwrap_err();
    assert!(matches!(error, Error::Busy { .. }), "{error:?}");
    child.say("go on");
    child.expect("went on");
    child.end();
    assert_eq!(store.metadata("ab").unwrap(), "goes on");
    assert_eq!(invariants::check(&place.path()).len(), 1);
}

#[test]
fn what_a_forked_process_drops_is_not_released_in_its_parent() {
    let place = filled();
    let store = impatient(&place.path());
    let mut child = Child::start("fork-and-drop", &place.path());
    child.expect("forked");
    let error = store.set_metadata("ab", "too early").unwrap_err();
    assert!(
        matches!(error, Error::Busy { .. }),
        "the parent's write lock is gone: {error:?}"
    );
    child.say("drop it");
    child.expect("free");
    // Were the snapshot's lock gone, these would take its pages.
    for round in 0..30 {
        let bytes = random_bytes(100 + round, 200_000);
        store
            .set_big_data("ab", "index", &bytes, ManifestDigest::Sha256)
            .unwrap();
    }
    child.say("look");
    child.expect("went on");
    child.end();
    assert_eq!(store.metadata("ab").unwrap(), "goes on");
    assert_eq!(invariants::check(&place.path()).len(), 1);
}

/// It went on with a copy of its parent's generator: two images of different content had one ID.
#[test]
fn a_forked_process_draws_other_ids_than_its_parent() {
    let place = filled();
    let child = Child::start("fork-and-create", &place.path());
    child.expect("went on");
    child.end();
}

#[test]
fn a_forked_process_loses_nothing_that_nobody_has_looked_for() {
    let place = filled();
    let child = Child::start("fork-exclusive", &place.path());
    child.expect("went on");
    child.end();
    assert_eq!(invariants::check(&place.path()).len(), 201);
}

#[test]
fn a_forked_process_may_open_the_store_itself() {
    let place = filled();
    let child = Child::start("fork-and-open", &place.path());
    child.expect("went on");
    child.end();
    assert_eq!(place.open().metadata("ab").unwrap(), "goes on");
    assert_eq!(invariants::check(&place.path()).len(), 1);
}
