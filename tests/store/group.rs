//! Promise: steps of many threads may share a commit, and each of them still succeeds or fails as if
//! it were alone, and is on disk when it returns.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use image_store::{
    Access, Error, ErrorKind, ImageStore, Lookup as _, ManifestDigest, NewImage, OpenOptions,
};
use redb::StorageBackend;
use redb::backends::FileBackend;
use tracing::Subscriber;
use tracing::span::{Attributes, Id, Record};

use crate::support::raw::{IMAGES, Raw, flip_bit, tamper};
use crate::support::{Place, all_images, invariants};

const BOTH: [Access; 2] = [Access::Exclusive, Access::Shared];
/// Longer than any machine takes to let threads line up.
const LONG: Duration = Duration::from_secs(60);

/// Holds the store while `crowd` starts its threads, so that their steps meet. Whether they have
/// lined up cannot be seen from here; a pause that grows from one attempt to the next makes it likely.
fn meet<R>(store: &ImageStore, pause: Duration, crowd: impl FnOnce() -> R + Send) -> R
where
    R: Send,
{
    let held = store.write().unwrap();
    thread::scope(|scope| {
        let crowd = scope.spawn(crowd);
        thread::sleep(pause);
        drop(held);
        crowd.join().unwrap()
    })
}

/// Runs `attempt` with growing pauses until it tells that the steps have met.
fn until_met(mut attempt: impl FnMut(Duration) -> bool) {
    let begun = Instant::now();
    let mut pause = Duration::from_millis(20);
    while !attempt(pause) {
        assert!(begun.elapsed() < LONG, "no two steps shared a commit");
        pause *= 2;
    }
}

/// Each step on a thread of its own.
fn at_once<'s, R: Send + 's>(steps: Vec<Box<dyn FnOnce() -> R + Send + 's>>) -> Vec<R> {
    thread::scope(|scope| {
        let threads: Vec<_> = steps.into_iter().map(|step| scope.spawn(step)).collect();
        threads.into_iter().map(|t| t.join().unwrap()).collect()
    })
}

/// Counts the commits that reach the disk, and fails them when it is told to.
#[derive(Clone, Debug, Default)]
struct Watch {
    syncs: Arc<AtomicUsize>,
    fails: Arc<AtomicBool>,
}

impl Watch {
    fn options(&self, access: Access) -> OpenOptions {
        let watch = self.clone();
        ImageStore::options().access(access).storage(move |inner| {
            let watch = watch.clone();
            Box::new(Watched { inner, watch })
        })
    }

    fn syncs(&self) -> usize {
        self.syncs.load(Ordering::SeqCst)
    }
}

#[derive(Debug)]
struct Watched {
    inner: FileBackend,
    watch: Watch,
}

impl StorageBackend for Watched {
    fn sync_data(&self) -> io::Result<()> {
        if self.watch.fails.load(Ordering::SeqCst) {
            return Err(io::Error::from_raw_os_error(libc::EIO));
        }
        self.watch.syncs.fetch_add(1, Ordering::SeqCst);
        self.inner.sync_data()
    }
    image_store::passes_on!(inner: len, read, set_len, write, close, locks);
}

#[test]
fn eight_threads_share_commits_and_lose_nothing() {
    for access in BOTH {
        let place = Place::in_memory();
        let watch = Watch::default();
        let store = watch.options(access).open(place.path()).unwrap();
        let before = watch.syncs();
        store.create(NewImage::new()).unwrap();
        let alone = watch.syncs() - before;
        assert!(alone > 0);
        let mut created = 1;
        until_met(|pause| {
            let before = watch.syncs();
            meet(&store, pause, || {
                let step = || -> Box<dyn FnOnce() + Send> {
                    Box::new(|| {
                        for metadata in ["1", "2", "3"] {
                            let id = store.create(NewImage::new()).unwrap().id;
                            // What a step did is there for the next one of its thread.
                            store.set_metadata(&id, metadata).unwrap();
                            assert_eq!(store.metadata(&id).unwrap(), metadata);
                        }
                    })
                };
                at_once((0..8).map(|_| step()).collect());
            });
            created += 24;
            watch.syncs() - before < 48 * alone
        });
        // Each step counts as the transaction that it is to its caller.
        assert_eq!(store.generation().unwrap(), created * 2 - 1);
        store.close();
        assert_eq!(invariants::check(&place.path()).len() as u64, created);
    }
}

#[test]
fn a_step_that_is_refused_fails_alone() {
    for access in BOTH {
        let place = Place::in_memory();
        let options = ImageStore::options().access(access);
        let store = options.open(place.path()).unwrap();
        store.create(NewImage::new().id("first")).unwrap();
        let results = meet(&store, Duration::from_millis(100), || {
            let mut steps: Vec<Box<dyn FnOnce() -> image_store::Result<()> + Send>> = Vec::new();
            for n in 0..6 {
                let store = store.clone();
                steps.push(Box::new(move || {
                    let image = NewImage::new().name("wanted").metadata(format!("{n}"));
                    store.create(image).map(drop)
                }));
            }
            let unknown = store.clone();
            steps.push(Box::new(move || unknown.set_metadata("unknown", "")));
            let known = store.clone();
            steps.push(Box::new(move || known.set_metadata("first", "changed")));
            at_once(steps)
        });
        let kind = |result: &image_store::Result<()>| result.as_ref().err().map(Error::kind);
        let kinds: Vec<_> = results.iter().map(kind).collect();
        let winner = kinds[..6].iter().position(Option::is_none).unwrap();
        for (n, kind) in kinds[..6].iter().enumerate() {
            let expected = (n != winner).then_some(ErrorKind::DuplicateName);
            assert_eq!(*kind, expected, "{n}");
        }
        assert_eq!(kinds[6..], [Some(ErrorKind::ImageUnknown), None]);
        assert_eq!(store.get("wanted").unwrap().metadata, winner.to_string());
        assert_eq!(store.metadata("first").unwrap(), "changed");
        assert_eq!(store.generation().unwrap(), 3);
        store.close();
        assert_eq!(invariants::check(&place.path()).len(), 2);
    }
}

/// A step that meets damage breaks the transaction; the others must not hear of it.
#[test]
fn a_step_that_breaks_the_transaction_fails_alone() {
    for access in BOTH {
        let place = Place::in_memory();
        let store = place.open();
        store.create(NewImage::new().id("damaged")).unwrap();
        store.create(NewImage::new().id("sound")).unwrap();
        store.close();
        tamper(&place.path(), |transaction| {
            flip_bit(transaction, IMAGES, 0, 70);
        });
        let options = ImageStore::options().access(access);
        let store = options.open(place.path()).unwrap();
        for _ in 0..5 {
            let results = meet(&store, Duration::from_millis(50), || {
                let mut steps: Vec<Box<dyn FnOnce() -> image_store::Result<()> + Send>> =
                    Vec::new();
                for n in 0..8 {
                    let store = store.clone();
                    steps.push(Box::new(move || match n % 4 {
                        0 => store.set_metadata("damaged", "new"),
                        1 => store.set_metadata("unknown", "new"),
                        _ => store.create(NewImage::new()).map(drop),
                    }));
                }
                at_once(steps)
            });
            for (n, result) in results.iter().enumerate() {
                let kind = result.as_ref().err().map(Error::kind);
                let expected = match n % 4 {
                    0 => Some(ErrorKind::Corrupt),
                    1 => Some(ErrorKind::ImageUnknown),
                    _ => None,
                };
                assert_eq!(kind, expected, "{result:?}");
            }
        }
        store.close();
        assert_eq!(Raw::read(&place.path()).images.len(), 2 + 5 * 4);
    }
}

#[test]
fn a_commit_that_fails_fails_for_all_of_its_steps() {
    for access in BOTH {
        let place = Place::in_memory();
        let watch = Watch::default();
        let store = watch.options(access).open(place.path()).unwrap();
        store.create(NewImage::new().id("before")).unwrap();
        let results = meet(&store, Duration::from_millis(100), || {
            watch.fails.store(true, Ordering::SeqCst);
            let mut steps: Vec<Box<dyn FnOnce() -> image_store::Result<()> + Send>> = Vec::new();
            for _ in 0..8 {
                let store = store.clone();
                steps.push(Box::new(move || store.create(NewImage::new()).map(drop)));
            }
            at_once(steps)
        });
        for result in results {
            assert_eq!(result.unwrap_err().kind(), ErrorKind::Io);
        }
        watch.fails.store(false, Ordering::SeqCst);
        store.close();
        let reopened = place.open();
        assert!(reopened.exists("before").unwrap());
        // All of a group or none of it; what failed after the first failure is not there.
        assert!(all_images(&reopened).len() <= 9);
        reopened.create(NewImage::new()).unwrap();
        drop(reopened);
        invariants::check(&place.path());
    }
}

#[test]
fn code_of_a_caller_runs_on_its_thread_and_harms_no_other() {
    let place = Place::in_memory();
    let store = place.open();
    store.create(NewImage::new().id("image")).unwrap();
    meet(&store, Duration::from_millis(50), || {
        let mut steps: Vec<Box<dyn FnOnce() + Send>> = Vec::new();
        for n in 0..9 {
            let store = store.clone();
            steps.push(Box::new(move || match n % 3 {
                0 => {
                    let caller = thread::current().id();
                    let digest_of = move |_: &[u8]| {
                        assert_eq!(thread::current().id(), caller);
                        panic!("on purpose")
                    };
                    let digest = ManifestDigest::Function(&digest_of);
                    let step = || store.set_big_data("image", "manifest", b"{}", digest);
                    let panic = catch_unwind(AssertUnwindSafe(step)).unwrap_err();
                    assert_eq!(panic.downcast_ref(), Some(&"on purpose"));
                }
                1 => {
                    let inside = store.clone();
                    let digest_of = move |_: &[u8]| {
                        // It would wait for itself.
                        let nested = inside.set_metadata("image", "nested").unwrap_err();
                        assert!(matches!(nested, Error::NestedTransaction { .. }));
                        Ok(format!("sha256:{}", "0".repeat(64)))
                    };
                    let digest = ManifestDigest::Function(&digest_of);
                    store
                        .set_big_data("image", "manifest", b"{}", digest)
                        .unwrap();
                }
                _ => store.create(NewImage::new()).map(drop).unwrap(),
            }));
        }
        at_once(steps);
    });
    store.close();
    let images = invariants::check(&place.path());
    assert_eq!(images.len(), 4);
    assert!(images.iter().all(|image| image.metadata.is_empty()));
}

/// A subscriber that panics when it hears of a commit: of the event, or of the end of its span.
struct Panics {
    at_event: bool,
}

impl Subscriber for Panics {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, span: &Attributes<'_>) -> Id {
        Id::from_u64(1 + u64::from(span.metadata().name() == "commit"))
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, _: &tracing::Event<'_>) {
        assert!(!self.at_event, "on purpose");
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, span: &Id) {
        assert!(self.at_event || *span != Id::from_u64(2), "on purpose");
    }
}

/// The others' steps were made a second time, as if the commit had not been.
#[test]
fn a_panic_in_a_subscriber_after_a_commit_takes_nothing_back() {
    const THREADS: usize = 6;
    for (access, at_event) in BOTH.into_iter().flat_map(|a| [(a, true), (a, false)]) {
        let place = Place::in_memory();
        let store = ImageStore::options().access(access).open(place.path());
        let store = store.unwrap();
        let mut created = 0;
        until_met(|pause| {
            let results = meet(&store, pause, || {
                let step = || -> Box<dyn FnOnce() -> bool + Send> {
                    let store = store.clone();
                    Box::new(move || {
                        let create = || store.create(NewImage::new()).map(drop).unwrap();
                        let told = Panics { at_event };
                        let told = || tracing::subscriber::with_default(told, create);
                        catch_unwind(AssertUnwindSafe(told)).is_ok()
                    })
                };
                at_once((0..THREADS).map(|_| step()).collect())
            });
            created += THREADS;
            assert_eq!(all_images(&store).len(), created);
            results.contains(&true)
        });
        store.close();
        assert_eq!(invariants::check(&place.path()).len(), created);
    }
}

/// Damage was what the caller was told of.
#[test]
fn a_panic_in_a_subscriber_within_a_commit_is_no_damage() {
    let place = Place::new();
    // A log is made for the third step, and cannot be.
    std::fs::create_dir(place.path().with_file_name("images.redb-redo")).unwrap();
    let options = ImageStore::options().access(Access::Exclusive);
    let store = options.open(place.path()).unwrap();
    store.create(NewImage::new().id("first")).unwrap();
    store.create(NewImage::new().id("second")).unwrap();
    let told = || {
        let create = || store.create(NewImage::new().id("third")).map(drop);
        tracing::subscriber::with_default(Panics { at_event: true }, create)
    };
    let panic = catch_unwind(AssertUnwindSafe(told)).unwrap_err();
    assert_eq!(panic.downcast_ref(), Some(&"on purpose"));
    assert!(!store.exists("third").unwrap());
    store.create(NewImage::new().id("fourth")).unwrap();
    store.close();
    assert_eq!(invariants::check(&place.path()).len(), 3);
}

#[test]
fn steps_give_up_when_their_time_is_over() {
    const SHORT: Duration = Duration::from_millis(200);
    let place = Place::in_memory();
    let options = ImageStore::options().lock_wait(SHORT);
    let store = options.open(place.path()).unwrap();
    let held = store.write().unwrap();
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let busy = store.create(NewImage::new()).unwrap_err();
                assert!(matches!(busy, Error::Busy { waited, .. } if waited >= SHORT));
            });
        }
    });
    drop(held);
    // None of those that gave up is made later.
    store.create(NewImage::new().id("only")).unwrap();
    store.close();
    assert_eq!(invariants::check(&place.path()).len(), 1);
}
