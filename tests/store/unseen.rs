//! Promise: a store that one process has to itself shows whoever looks all that was acknowledged,
//! although its engine commits steps that follow each other only then; and no failure takes back what
//! was acknowledged.

use std::io;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use image_store::{Access, ErrorKind, ImageStore, Lookup, ManifestDigest, NewImage, OpenOptions};
use redb::StorageBackend;
use redb::backends::FileBackend;
use tracing::Subscriber;
use tracing::span::{Attributes, Id, Record};

use crate::redo::{FailsToSync, killed};
use crate::support::bytes::random_bytes;
use crate::support::raw::{IMAGES, Raw, flip_bit, tamper};
use crate::support::{Place, invariants};

/// So many steps that commits are put off at the end, whatever was looked at before.
const MANY: u32 = 100;

fn exclusive() -> OpenOptions {
    ImageStore::options().access(Access::Exclusive)
}

fn id(number: u32) -> String {
    format!("image-{number}")
}

fn create(store: &ImageStore, numbers: Range<u32>) {
    for number in numbers {
        let image = NewImage::new()
            .id(id(number))
            .name(format!("localhost/{number}"))
            .big_data("manifest", number.to_le_bytes());
        store.create(image).unwrap();
    }
}

/// That these images are there, and no others.
#[track_caller]
fn assert_there(lookup: &impl Lookup, images: u32) {
    assert_eq!(lookup.len().unwrap(), u64::from(images));
    let listed = lookup.images().unwrap().map(|image| image.unwrap().id);
    assert!(listed.eq((0..images).map(id)));
    let last = images - 1;
    let found = lookup.get(&format!("localhost/{last}")).unwrap();
    assert_eq!(found.id, id(last));
    let bytes = lookup.big_data(&id(last), "manifest").unwrap();
    assert_eq!(bytes, last.to_le_bytes());
}

#[test]
fn whoever_looks_sees_what_was_acknowledged() {
    type Look = fn(&ImageStore, u32);
    let looks: [Look; 4] = [
        |store, images| assert_there(store, images),
        |store, images| assert_there(&store.read().unwrap(), images),
        |store, images| assert_there(&store.write().unwrap(), images),
        |store, images| {
            let store = store.clone();
            let elsewhere = thread::spawn(move || assert_there(&store, images));
            elsewhere.join().unwrap();
        },
    ];
    for look in looks {
        let place = Place::in_memory();
        let store = exclusive().open(place.path()).unwrap();
        let mut images = 0;
        // From the second on the first steps commit at once, because somebody looked.
        for round in 1..=3 {
            let before = store.read().unwrap();
            create(&store, images..round * MANY);
            assert_eq!(before.len().unwrap(), u64::from(images), "a snapshot stays");
            images = round * MANY;
            look(&store, images);
        }
        // A step that runs code of the caller, and one that is refused, change nothing of that.
        create(&store, images..images + MANY);
        let refused = store.set_metadata("unknown", "").unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ImageUnknown);
        let mut bytes = b"read".as_slice();
        store
            .set_big_data_from(&id(images), "log", &mut bytes, ManifestDigest::Sha256)
            .unwrap();
        look(&store, images + MANY);
        assert_eq!(store.big_data(&id(images), "log").unwrap(), b"read");
        create(&store, images + MANY..images + 2 * MANY);
        store.close();
        assert_there(&place.open(), images + 2 * MANY);
        invariants::check(&place.path());
    }
}

#[test]
fn lookups_beside_bursts_of_steps_miss_nothing() {
    const BURSTS: u32 = 10;
    let place = Place::in_memory();
    let store = exclusive().open(place.path()).unwrap();
    // How many images of each writer are acknowledged.
    let acknowledged = [const { AtomicU32::new(0) }; 2];
    thread::scope(|scope| {
        for (writer, acknowledged) in acknowledged.iter().enumerate() {
            let store = &store;
            scope.spawn(move || {
                for number in 0..BURSTS * MANY {
                    let image = NewImage::new().id(format!("{writer}-{number}"));
                    store.create(image).unwrap();
                    acknowledged.store(number + 1, Ordering::Release);
                }
            });
        }
        for reader in 0..3 {
            let (store, acknowledged) = (&store, &acknowledged);
            scope.spawn(move || {
                // Between its lookups there are enough steps for commits to be put off.
                for wanted in (1..=BURSTS).map(|burst| burst * MANY - reader * 7) {
                    let looked_for = acknowledged.iter().enumerate();
                    for (writer, acknowledged) in looked_for {
                        while acknowledged.load(Ordering::Acquire) < wanted {
                            thread::yield_now();
                        }
                        let last = acknowledged.load(Ordering::Acquire) - 1;
                        let id = format!("{writer}-{last}");
                        let found = match reader {
                            0 => store.exists(&id),
                            1 => store.read().and_then(|snapshot| snapshot.exists(&id)),
                            _ => store.write().and_then(|inside| inside.exists(&id)),
                        };
                        assert!(found.unwrap(), "{id} was acknowledged, {reader}");
                    }
                }
            });
        }
    });
    assert_eq!(store.len().unwrap(), u64::from(2 * BURSTS * MANY));
    store.close();
    invariants::check(&place.path());
}

#[test]
fn a_failed_append_takes_back_nothing() {
    type Next = fn(&ImageStore);
    let next: [Next; 4] = [
        |store| assert_there(store, MANY),
        |store| assert_there(&store.write().unwrap(), MANY),
        |store| {
            let refused = store.create(NewImage::new().id(id(0))).unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::DuplicateId);
        },
        |_| {},
    ];
    for (case, next) in next.into_iter().enumerate() {
        let place = Place::in_memory();
        let fails = Arc::new(AtomicBool::new(false));
        let options = FailsToSync::on_redo(exclusive(), &fails);
        let store = options.open(place.path()).unwrap();
        create(&store, 0..MANY);
        fails.store(true, Ordering::Relaxed);
        let unsure = store.create(NewImage::new().id("unsure")).unwrap_err();
        assert_eq!(unsure.kind(), ErrorKind::Io);
        next(&store);
        if case < 3 {
            assert_there(&store, MANY);
            create(&store, MANY..2 * MANY);
            store.close();
            assert_there(&place.open(), 2 * MANY);
        } else {
            // Nobody asked what became of it.
            store.close();
            assert_there(&place.open(), MANY);
        }
        invariants::check(&place.path());
    }
}

#[test]
fn a_step_that_meets_damage_takes_back_nothing() {
    let place = Place::in_memory();
    let store = place.open();
    store.create(NewImage::new().id("damaged")).unwrap();
    store.close();
    tamper(&place.path(), |transaction| {
        flip_bit(transaction, IMAGES, 0, 70);
    });
    let store = exclusive().open(place.path()).unwrap();
    create(&store, 0..MANY);
    for round in 1..=2 {
        let error = store.set_metadata("damaged", "new").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        assert!(store.exists(&id(round * MANY - 1)).unwrap());
        create(&store, round * MANY..(round + 1) * MANY);
    }
    store.close();
    let records = Raw::read(&place.path()).images.len();
    assert_eq!(records, 1 + 3 * MANY as usize);
}

/// A file with which nothing can be done while it fails.
#[derive(Debug)]
struct Fails(FileBackend, Arc<AtomicBool>);

impl Fails {
    fn now(&self) -> io::Result<&FileBackend> {
        if self.1.load(Ordering::Relaxed) {
            return Err(io::Error::from_raw_os_error(libc::EIO));
        }
        Ok(&self.0)
    }
}

impl StorageBackend for Fails {
    fn len(&self) -> io::Result<u64> {
        self.now()?.len()
    }
    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.now()?.read(offset, out)
    }
    fn set_len(&self, length: u64) -> io::Result<()> {
        self.now()?.set_len(length)
    }
    fn sync_data(&self) -> io::Result<()> {
        self.now()?.sync_data()
    }
    fn write(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.now()?.write(offset, bytes)
    }
    image_store::passes_on!(0: locks);
}

#[test]
fn where_the_disk_fails_nothing_is_forgotten() {
    for comes_back in [false, true] {
        let place = Place::in_memory();
        let fails = Arc::new(AtomicBool::new(false));
        let (on_store, on_redo) = (Arc::clone(&fails), Arc::clone(&fails));
        let store = exclusive()
            .storage(move |file| Box::new(Fails(file, Arc::clone(&on_store))))
            .redo_storage(move |file| Box::new(Fails(file, Arc::clone(&on_redo))))
            .open(place.path())
            .unwrap();
        create(&store, 0..MANY);
        fails.store(true, Ordering::Relaxed);
        store.create(NewImage::new().id("unsure")).unwrap_err();
        for _ in 0..3 {
            // An error is an answer; to see less than was acknowledged is none.
            if let Ok(images) = store.len() {
                assert_eq!(images, u64::from(MANY));
            }
            store.create(NewImage::new().id("unsure")).unwrap_err();
        }
        fails.store(!comes_back, Ordering::Relaxed);
        if let Ok(images) = store.len() {
            assert_eq!(images, u64::from(MANY));
        }
        store.close();
        let found = place.open();
        // The step that failed may be there or not.
        assert!((MANY.into()..=u64::from(MANY) + 1).contains(&found.len().unwrap()));
        for number in 0..MANY {
            assert!(found.exists(&id(number)).unwrap());
        }
        found.close();
        invariants::check(&place.path());
    }
}

#[test]
fn what_was_seen_after_a_failed_append_is_there_after_a_kill() {
    for looks_before in [false, true] {
        let place = Place::new();
        let fails = Arc::new(AtomicBool::new(false));
        let options = FailsToSync::on_redo(exclusive(), &fails);
        let store = options.open(place.path()).unwrap();
        create(&store, 0..MANY);
        if looks_before {
            assert_there(&store, MANY);
        }
        fails.store(true, Ordering::Relaxed);
        store.create(NewImage::new().id("unsure")).unwrap_err();
        assert_there(&store, MANY);
        let found = killed(&place).open();
        // The step that failed may be there or not, where nothing had to be done again.
        let most = MANY + u32::from(looks_before);
        assert!((MANY.into()..=most.into()).contains(&found.len().unwrap()));
        for number in 0..MANY {
            assert!(found.exists(&id(number)).unwrap());
        }
    }
}

/// A file in which a page cannot be read while it is hidden: the one with the mark.
#[derive(Debug)]
struct Hides(FileBackend, Arc<AtomicBool>);

const MARK: &str = "a mark that no other page has";

impl StorageBackend for Hides {
    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.read(offset, out)?;
        let has_mark = |bytes: &[u8]| {
            bytes
                .windows(MARK.len())
                .any(|part| part == MARK.as_bytes())
        };
        if self.1.load(Ordering::Relaxed) && has_mark(out) {
            out.fill(0);
        }
        Ok(())
    }
    image_store::passes_on!(0: len, set_len, sync_data, write, locks);
}

#[test]
fn damage_that_keeps_steps_from_being_done_again_loses_none() {
    let place = Place::in_memory();
    let store = place.open();
    store
        .create(NewImage::new().id("hidden").metadata(MARK))
        .unwrap();
    for number in 0..MANY {
        let image = NewImage::new().id(format!("first-{number}"));
        store.create(image.metadata("m".repeat(300))).unwrap();
    }
    store.close();
    let [hides, fails] = [const { AtomicBool::new(false) }; 2].map(Arc::new);
    let on_store = Arc::clone(&hides);
    let store = FailsToSync::on_redo(exclusive(), &fails)
        .cache_size(0)
        .storage(move |file| Box::new(Hides(file, Arc::clone(&on_store))))
        .open(place.path())
        .unwrap();
    // Some of the log is seen, and some is not.
    create(&store, 0..MANY);
    assert_eq!(store.len().unwrap(), u64::from(2 * MANY) + 1);
    create(&store, MANY..2 * MANY);
    store.set_flag("hidden", "changed", true.into()).unwrap();
    hides.store(true, Ordering::Relaxed);
    create(&store, 2 * MANY..3 * MANY);
    fails.store(true, Ordering::Relaxed);
    store.create(NewImage::new().id("unsure")).unwrap_err();
    let error = store.exists("first-7").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error:?}");
    store.close();
    let found = place.open();
    for number in 0..3 * MANY {
        assert!(found.exists(&id(number)).unwrap(), "{number}");
    }
    assert!(found.get("hidden").unwrap().flags.contains_key("changed"));
    found.close();
    invariants::check(&place.path());
}

/// A file whose syncs do not end before they may.
#[derive(Debug)]
struct Holds(FileBackend, Arc<Hold>);

#[derive(Debug, Default)]
struct Hold {
    holds: AtomicBool,
    held: AtomicBool,
}

impl StorageBackend for Holds {
    fn sync_data(&self) -> io::Result<()> {
        while self.1.holds.load(Ordering::Acquire) {
            self.1.held.store(true, Ordering::Release);
            thread::sleep(Duration::from_millis(1));
        }
        self.0.sync_data()
    }
    image_store::passes_on!(0: len, read, set_len, write, locks);
}

/// Ends the hold, also where the test fails.
struct Released<'a>(&'a Hold);

impl Drop for Released<'_> {
    fn drop(&mut self) {
        self.0.holds.store(false, Ordering::Release);
    }
}

#[test]
fn nobody_waits_for_an_image_with_large_items_who_only_looks() {
    let place = Place::in_memory();
    let hold = Arc::new(Hold::default());
    let on_store = Arc::clone(&hold);
    let store = exclusive()
        .storage(move |file| Box::new(Holds(file, Arc::clone(&on_store))))
        .open(place.path())
        .unwrap();
    // Room for it, since nobody looks while the engine makes the file longer.
    let image = |id: &str, length| {
        NewImage::new()
            .id(id)
            .big_data("log", random_bytes(1, length))
    };
    store.create(image("larger", 8 << 20)).unwrap();
    store.delete("larger").unwrap();
    for _ in 0..3 {
        store.create(image("large", 2 << 20)).unwrap();
        store.delete("large").unwrap();
    }
    create(&store, 0..MANY);
    thread::scope(|scope| {
        let released = Released(&hold);
        hold.holds.store(true, Ordering::Release);
        scope.spawn(|| store.create(image("large", 2 << 20)).unwrap());
        while !hold.held.load(Ordering::Acquire) {
            thread::yield_now();
        }
        let (told, answer) = mpsc::channel();
        let looks = store.clone();
        thread::spawn(move || told.send(looks.exists(&id(MANY - 1)).unwrap()));
        let answer = answer.recv_timeout(Duration::from_secs(30));
        assert_eq!(answer, Ok(true), "the lookup waits for the write");
        drop(released);
    });
    assert!(store.exists("large").unwrap());
}

/// What a program may do with the library's spans and events.
struct Looks(ImageStore);

impl Subscriber for Looks {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        assert!(self.0.exists(&id(0)).unwrap());
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, _: &tracing::Event<'_>) {
        assert!(self.0.exists(&id(0)).unwrap());
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[test]
fn who_looks_while_told_of_a_commit_does_not_wait_for_itself() {
    let place = Place::in_memory();
    let store = exclusive().open(place.path()).unwrap();
    create(&store, 0..MANY);
    assert_there(&store, MANY);
    create(&store, MANY..2 * MANY);
    let (done, is_done) = mpsc::channel();
    thread::spawn(move || {
        tracing::subscriber::with_default(Looks(store.clone()), || {
            create(&store, 2 * MANY..2 * MANY + 2);
        });
        done.send(()).unwrap();
    });
    is_done
        .recv_timeout(Duration::from_secs(30))
        .expect("it waits for itself");
}
