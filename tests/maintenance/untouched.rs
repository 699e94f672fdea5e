//! A verification changes no byte of the file, so it makes nothing worse; it checks the pages on any
//! handle, and beside writers it finds what is damaged and nothing else.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use image_store::{
    Access, ErrorKind, Finding, ImageStore, Lookup, ManifestDigest, NewImage, Result,
    VerifyOptions, VerifyReport,
};
use redb::StorageBackend;
use redb::backends::FileBackend;

use crate::damage::{noise, store};

fn verify(path: &Path) -> Result<VerifyReport> {
    ImageStore::options().verify(path, &VerifyOptions::new(), |_| {})
}

/// Flips a bit of the first place in the file where `text` is.
fn flip_text(path: &Path, text: &[u8]) {
    let mut bytes = fs::read(path).unwrap();
    let at = bytes.windows(text.len()).position(|window| window == text);
    bytes[at.unwrap()] ^= 1;
    fs::write(path, bytes).unwrap();
}

/// A byte of the header says that the file is to be recovered. Where other damage kept that from
/// ending well, opening the file to write left it so that it could not be read any more.
#[test]
fn whatever_byte_of_the_header_is_damaged_the_file_stays_as_it_is() {
    let (_dir, path) = store();
    let sound = fs::read(&path).unwrap();
    let mut outcomes = [0; 3];
    for at in 0..512 {
        let mut bytes = sound.clone();
        bytes[at] ^= 0xff;
        fs::write(&path, &bytes).unwrap();
        match verify(&path) {
            Ok(report) => outcomes[usize::from(report.is_clean())] += 1,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Corrupt, "byte {at}: {error}");
                outcomes[2] += 1;
            }
        }
        assert!(fs::read(&path).unwrap() == bytes, "byte {at}");
    }
    // Some bytes mean nothing now, some cost the file, and of some the engine tells.
    assert!(outcomes.iter().all(|count| *count > 0), "{outcomes:?}");
}

#[test]
fn pages_are_checked_where_the_file_may_not_be_written_to() {
    let (_dir, path) = store();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
    let report = verify(&path).unwrap();
    assert!(report.is_clean() && report.engine_checked);
    for access in [Access::ReadOnly, Access::Shared, Access::Exclusive] {
        let options = ImageStore::options().access(access);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let store = options.open(&path).unwrap();
        let report = store.verify(&VerifyOptions::new(), |_| {}).unwrap();
        assert!(report.is_clean() && report.engine_checked, "{access:?}");
    }
}

/// The word of the engine on what no record tells: a page that a read does not come to.
#[test]
fn pages_are_found_damaged_on_every_handle() {
    for access in [Access::ReadOnly, Access::Shared, Access::Exclusive] {
        let (_dir, path) = store();
        // Twice in a row is the index; the records have other bytes between the names.
        flip_text(&path, b"app:1app:2");
        let store = ImageStore::options().access(access).open(&path).unwrap();
        let report = store.verify(&VerifyOptions::new(), |_| {}).unwrap();
        let is_engines = |finding: &Finding| matches!(finding, Finding::Engine { .. });
        assert!(report.findings.iter().any(is_engines), "{report:?}");
    }
}

/// A disk so slow that others commit many times before the file is read.
#[derive(Debug)]
struct Slow(FileBackend);

impl StorageBackend for Slow {
    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        thread::sleep(Duration::from_millis(1));
        self.0.read(offset, out)
    }
    image_store::passes_on!(0: len, set_len, sync_data, write, close, locks);
}

/// Tells the writers of a test to end, also where it fails.
struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Pages that are not read yet may be written to by others before the check comes to them.
#[test]
fn beside_writers_nothing_is_found_where_nothing_is() {
    let (_dir, path) = store();
    let done = AtomicBool::new(false);
    let commits = AtomicU64::new(0);
    thread::scope(|scope| {
        for writer in ["one", "two"] {
            let (path, done, commits) = (&path, &done, &commits);
            scope.spawn(move || {
                let store = ImageStore::open(path).unwrap();
                for round in (0..=u8::MAX).cycle() {
                    if done.load(Ordering::Relaxed) {
                        break;
                    }
                    let bytes = [noise(20_000), vec![round]].concat();
                    store
                        .set_big_data(writer, "large", &bytes, ManifestDigest::Sha256)
                        .unwrap();
                    commits.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let _end = End(&done);
        let begun = Instant::now();
        let mut verified = 0;
        while begun.elapsed() < Duration::from_secs(3) || verified < 10 {
            let options = ImageStore::options().storage(|file| Box::new(Slow(file)));
            let report = options
                .verify(&path, &VerifyOptions::new(), |_| {})
                .unwrap();
            assert!(report.is_clean(), "{:?}", report.findings);
            assert!(report.engine_checked && !report.needs_recovery);
            verified += 1;
        }
    });
    assert!(commits.into_inner() > 20);
}

#[test]
fn beside_writers_damage_is_found_and_the_writers_go_on() {
    let (_dir, path) = store();
    let store = ImageStore::open(&path).unwrap();
    // The table of names is not written to any more.
    flip_text(&path, b"app:1app:2");
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                store.set_metadata("one", "again").unwrap();
            }
        });
        let _end = End(&done);
        for _ in 0..10 {
            let report = verify(&path).unwrap();
            assert!(!report.is_clean());
        }
    });
    store.create(NewImage::new().id("later")).unwrap();
}

/// One that cannot tell damage from what another writes meanwhile, and does not get the writers to
/// wait in time, says so instead of calling the store damaged.
#[test]
fn a_transaction_that_does_not_end_keeps_nobody_from_a_clean_answer() {
    let (_dir, path) = store();
    let store = ImageStore::open(&path).unwrap();
    let mut transaction = store.write().unwrap();
    transaction
        .set_metadata("one", "not yet committed")
        .unwrap();
    let options = ImageStore::options().lock_wait(Duration::from_millis(50));
    let report = options.verify(&path, &VerifyOptions::new(), |_| {});
    assert!(report.unwrap().is_clean());
    // Nor the thread that has it.
    let report = store.verify(&VerifyOptions::new(), |_| {}).unwrap();
    assert!(report.is_clean() && report.engine_checked);
    transaction.commit().unwrap();
    assert_eq!(store.get("one").unwrap().metadata, "not yet committed");
}

#[test]
fn progress_tells_of_the_pages() {
    let (_dir, path) = store();
    let mut pages = Vec::new();
    let report = ImageStore::options().verify(&path, &VerifyOptions::new(), |reached| {
        if reached.stage == image_store::Stage::Engine {
            pages.push((reached.done, reached.total));
        }
    });
    assert!(report.unwrap().engine_checked);
    let length = fs::metadata(&path).unwrap().len();
    assert!(!pages.is_empty());
    for (done, total) in pages {
        assert!(done <= total && total == length / 4_096);
    }
}
