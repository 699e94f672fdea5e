//! Promise: what a process that had a store to itself acknowledged is there after it was killed,
//! for whoever opens the store next and however; and at rest there is one file.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use image_store::{
    Access, Error, ErrorKind, ImageStore, Lookup as _, ManifestDigest, NewImage, OpenOptions,
    RepairOptions, VerifyOptions,
};
use rand::RngExt as _;
use redb::StorageBackend;
use redb::backends::FileBackend;

use crate::support::bytes::random_bytes;
use crate::support::child::{Child, hear, say};
use crate::support::{Place, all_images, invariants};

const BLOCK: u64 = 4096;

fn exclusive() -> OpenOptions {
    ImageStore::options().access(Access::Exclusive)
}

fn redo(place: &Place) -> PathBuf {
    place.path().with_file_name("images.redb-redo")
}

/// The store as a kill would leave it now.
pub(crate) fn killed(place: &Place) -> Place {
    let left = Place::new();
    fs::copy(place.path(), left.path()).unwrap();
    if redo(place).exists() {
        fs::copy(redo(place), redo(&left)).unwrap();
    }
    left
}

/// Task `exclusive`: creates an image for each line that it is told, and says when it is there.
pub(crate) fn create_exclusively(path: &Path) {
    let store = exclusive().open(path).unwrap();
    while let Some(id) = hear() {
        let length = rand::rng().random_range(0..6_000);
        let new = NewImage::new()
            .id(id.as_str())
            .name(format!("localhost/{id}"))
            .big_data("manifest", random_bytes(1, length));
        store.create(new).unwrap();
        say(&id);
    }
}

/// A store whose exclusive writer was killed after it acknowledged so many images.
fn killed_after(images: usize) -> Place {
    let place = Place::new();
    place.open().close();
    let mut child = Child::start("exclusive", &place.path());
    for image in 0..images {
        let id = format!("image-{image}");
        child.say(&id);
        child.expect(&id);
    }
    drop(child);
    place
}

#[track_caller]
fn assert_whole(store: &ImageStore, images: usize) {
    let ids: Vec<String> = all_images(store)
        .into_iter()
        .map(|image| image.id)
        .collect();
    let expected: Vec<String> = (0..images).map(|image| format!("image-{image}")).collect();
    assert_eq!(ids, expected);
    for id in expected {
        assert_eq!(store.get(&format!("localhost/{id}")).unwrap().id, id);
        store.big_data(&id, "manifest").unwrap();
    }
}

#[test]
fn whoever_opens_it_next_finds_what_was_acknowledged() {
    for images in [1, 3, 4, 40] {
        for access in [Access::Shared, Access::Exclusive, Access::ReadOnly] {
            let place = killed_after(images);
            assert_eq!(redo(&place).exists(), images > 2, "{images} images");
            let store = ImageStore::options().access(access).open(place.path());
            let store = store.unwrap();
            assert_whole(&store, images);
            assert_eq!(place.entries(), ["images.redb"], "{images}, {access:?}");
            store.close();
            assert_eq!(invariants::check(&place.path()).len(), images);
        }
    }
}

#[test]
fn a_reader_that_waits_for_nobody_mends_as_well() {
    for images in [1, 4] {
        let place = killed_after(images);
        let options = ImageStore::options().lock_wait(Duration::ZERO);
        let store = options.read_only(true).open(place.path()).unwrap();
        assert_whole(&store, images);
    }
}

/// A file that may not be written to.
#[derive(Debug)]
pub(crate) struct NotWritable(pub(crate) FileBackend);

impl StorageBackend for NotWritable {
    fn set_len(&self, _: u64) -> io::Result<()> {
        Err(io::ErrorKind::PermissionDenied.into())
    }
    fn sync_data(&self) -> io::Result<()> {
        Err(io::ErrorKind::PermissionDenied.into())
    }
    fn write(&self, _: u64, _: &[u8]) -> io::Result<()> {
        Err(io::ErrorKind::PermissionDenied.into())
    }
    image_store::passes_on!(0: len, read, locks);
}

#[test]
fn a_reader_that_may_not_write_reads_a_copy_with_what_the_log_holds() {
    let place = killed_after(10);
    let before = fs::read(place.path()).unwrap();
    let log = fs::read(redo(&place)).unwrap();
    let options = ImageStore::options()
        .read_only(true)
        .storage(|file| Box::new(NotWritable(file)));
    let refused = options.clone().recovery_copy_limit(0).open(place.path());
    let error = refused.unwrap_err();
    assert!(matches!(error, Error::NeedsRecovery { .. }), "{error:?}");
    let store = options.open(place.path()).unwrap();
    assert_whole(&store, 10);
    assert!(fs::read(place.path()).unwrap() == before);
    assert!(fs::read(redo(&place)).unwrap() == log);
}

#[test]
fn many_who_open_it_at_once_do_what_the_log_holds_once() {
    for _ in 0..5 {
        let place = killed_after(30);
        std::thread::scope(|scope| {
            for access in [Access::Shared, Access::ReadOnly].repeat(4) {
                let place = &place;
                scope.spawn(move || {
                    let store = ImageStore::options().access(access).open(place.path());
                    assert_whole(&store.unwrap(), 30);
                });
            }
        });
        assert_eq!(place.entries(), ["images.redb"]);
    }
}

#[test]
fn the_log_is_for_its_owner_alone_and_gone_when_the_store_is_closed() {
    let place = Place::new();
    let store = exclusive().open(place.path()).unwrap();
    for _ in 0..5 {
        store.create(NewImage::new()).unwrap();
    }
    let mode = fs::metadata(redo(&place)).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o600);
    assert_eq!(place.entries(), ["images.redb", "images.redb-redo"]);
    store.close();
    assert_eq!(place.entries(), ["images.redb"]);
    assert_eq!(place.open().len().unwrap(), 5);
}

/// The log is far shorter than what is written here, and begins again and again.
#[test]
fn a_long_run_keeps_the_log_short() {
    let place = Place::in_memory();
    let store = exclusive().open(place.path()).unwrap();
    for number in 0..1_500 {
        let new = NewImage::new()
            .id(format!("image-{number}"))
            .name(format!("localhost/image-{number}"))
            .big_data("manifest", random_bytes(number, 3_000));
        store.create(new).unwrap();
    }
    // Too much for one entry of the log.
    let large = random_bytes(9, 1 << 20);
    store
        .set_big_data("image-7", "manifest", &large, ManifestDigest::Sha256)
        .unwrap();
    store.set_metadata("image-8", "after it").unwrap();
    let length = fs::metadata(redo(&place)).unwrap().len();
    assert!(length < 4 << 20, "{length}");
    let snapshot = store.read().unwrap();
    store.close();
    drop(snapshot);
    let store = place.open();
    assert_whole(&store, 1_500);
    assert_eq!(store.big_data("image-7", "manifest").unwrap(), large);
    assert_eq!(store.metadata("image-8").unwrap(), "after it");
}

fn cut(log: &Path, length: u64) {
    let file = File::options().write(true).open(log).unwrap();
    file.set_len(length).unwrap();
}

#[test]
fn a_store_without_its_log_says_so_and_what_to_do() {
    for spoil in [
        |log: &Path| fs::remove_file(log).unwrap(),
        |log: &Path| fs::write(log, "").unwrap(),
        |log: &Path| fs::write(log, vec![7; 300_000]).unwrap(),
        // Its header is whole, and so are the entries before the cut.
        |log: &Path| cut(log, BLOCK),
        |log: &Path| cut(log, 3 * BLOCK),
        |log: &Path| {
            let other = killed_after(5);
            fs::copy(redo(&other), log).unwrap();
        },
        |log: &Path| {
            let aside = log.with_file_name("aside");
            fs::rename(log, &aside).unwrap();
            fs::create_dir(log).unwrap();
        },
    ] {
        let place = killed_after(10);
        spoil(&redo(&place));
        for access in [Access::ReadOnly, Access::Shared, Access::Exclusive] {
            let options = ImageStore::options().access(access);
            let error = options.open(place.path()).unwrap_err();
            assert!(
                matches!(&error, Error::RedoLogMissing { path, log }
                if *path == place.path() && *log == redo(&place)),
                "{error:?}"
            );
            assert_eq!(error.kind(), ErrorKind::Corrupt);
            let said = error.to_string();
            assert!(
                said.contains("images.redb-redo") && said.contains("repair"),
                "{said}"
            );
        }
    }
}

/// Of all entries but the last, none may be passed over in silence.
#[test]
fn damage_within_the_log_is_noticed() {
    let place = killed_after(12);
    let log = fs::read(redo(&place)).unwrap();
    let store = fs::read(place.path()).unwrap();
    // The first three went to the file; each other took one block or two.
    let entries: Vec<u64> = (1..log.len() as u64 / BLOCK)
        .filter(|block| log[(block * BLOCK) as usize..][..4] != [0; 4])
        .map(|block| block * BLOCK)
        .collect();
    assert!(entries.len() >= 9, "{}", entries.len());
    for at in &entries[..8] {
        fs::write(place.path(), &store).unwrap();
        fs::write(redo(&place), &log).unwrap();
        let file = File::options().write(true).open(redo(&place)).unwrap();
        file.write_all_at(&[0xff; 64], at + 20).unwrap();
        match ImageStore::open(place.path()) {
            Err(error) => assert!(matches!(error, Error::RedoLogMissing { .. }), "{error:?}"),
            // The second block of an entry, behind what was changed.
            Ok(store) => assert_whole(&store, 12),
        }
    }
    fs::write(place.path(), &store).unwrap();
    fs::write(redo(&place), &log).unwrap();
    assert_whole(&ImageStore::open(place.path()).unwrap(), 12);
}

#[test]
fn a_link_in_the_place_of_the_log_is_not_followed() {
    let place = Place::new();
    let target = place.path().with_file_name("target");
    fs::write(&target, "precious").unwrap();
    std::os::unix::fs::symlink(&target, redo(&place)).unwrap();
    let store = exclusive().open(place.path()).unwrap();
    for _ in 0..5 {
        store.create(NewImage::new()).unwrap();
    }
    store.close();
    assert_eq!(fs::read_to_string(target).unwrap(), "precious");
}

#[test]
fn what_is_no_log_stays_where_a_log_would_be() {
    let place = Place::new();
    place.open().create(NewImage::new()).unwrap();
    let precious = random_bytes(1, 10_000);
    fs::write(redo(&place), &precious).unwrap();
    let store = exclusive().open(place.path()).unwrap();
    for _ in 0..10 {
        store.create(NewImage::new()).unwrap();
    }
    store.close();
    ImageStore::options().compact(place.path()).unwrap();
    let repair = RepairOptions::default();
    ImageStore::options()
        .repair(place.path(), &repair, |_| {})
        .unwrap();
    assert!(fs::read(redo(&place)).unwrap() == precious);
    assert_eq!(place.open().len().unwrap(), 11);

    // The beginning of one that a crash left is.
    for left in [
        vec![],
        vec![0; 300],
        vec![0; 10_000],
        b"image-store redo".to_vec(),
    ] {
        fs::write(redo(&place), left).unwrap();
        exclusive().open(place.path()).unwrap().close();
        assert!(!redo(&place).exists());
    }
}

#[test]
fn a_backup_does_not_take_the_place_of_the_log() {
    let place = Place::new();
    let snapshot = place.open().read().unwrap();
    let refused = snapshot.backup(redo(&place), |_| {}).unwrap_err();
    assert!(matches!(refused, Error::NotAStore { .. }), "{refused:?}");
    assert!(
        refused.to_string().contains("choose another path"),
        "{refused}"
    );
    assert_eq!(place.entries(), ["images.redb"]);
    let elsewhere = tempfile::tempdir().unwrap();
    snapshot
        .backup(elsewhere.path().join("images.redb-redo"), |_| {})
        .unwrap();
}

#[test]
fn where_no_log_can_be_made_the_store_works_without() {
    let place = Place::new();
    let store = exclusive().open(place.path()).unwrap();
    // A folder that is not empty: neither a log nor to be removed.
    fs::create_dir(redo(&place)).unwrap();
    fs::write(redo(&place).join("something"), "").unwrap();
    for _ in 0..10 {
        store.create(NewImage::new()).unwrap();
    }
    fs::remove_dir_all(redo(&place)).unwrap();
    store.close();
    assert_eq!(place.open().len().unwrap(), 10);
}

/// Kills a writer at any moment, again and again: acknowledged is acknowledged, also while it is
/// being recovered.
#[test]
fn kills_at_any_moment_lose_nothing() {
    let place = Place::new();
    place.open().close();
    let (mut known, mut kills) = (0, 0);
    let end = Instant::now() + Duration::from_secs(8);
    while Instant::now() < end || kills < 10 {
        let mut child = Child::start("exclusive", &place.path());
        let lives = Instant::now() + Duration::from_millis(rand::rng().random_range(0..150));
        loop {
            let id = format!("image-{known}");
            child.say(&id);
            if Instant::now() > lives {
                break;
            }
            child.expect(&id);
            known += 1;
        }
        drop(child);
        kills += 1;
        let access = [Access::Shared, Access::Exclusive, Access::ReadOnly][kills % 3];
        let store = ImageStore::options().access(access).open(place.path());
        let store = store.unwrap();
        // What it was told last it may have done.
        let found = store.len().unwrap() as usize;
        assert!(found == known || found == known + 1, "{found} of {known}");
        known = found;
        assert_whole(&store, known);
    }
    println!("{kills} kills, {known} images");
    assert_eq!(invariants::check(&place.path()).len(), known);
}

#[test]
fn a_verification_sees_what_the_log_holds_and_changes_nothing() {
    let place = killed_after(10);
    let before = fs::read(place.path()).unwrap();
    let log = fs::read(redo(&place)).unwrap();
    let options = VerifyOptions::new();
    let report = ImageStore::options().verify(place.path(), &options, |_| {});
    let report = report.unwrap();
    assert!(report.is_clean() && report.needs_recovery, "{report:?}");
    assert_eq!(report.counts.images, 10);
    assert!(fs::read(place.path()).unwrap() == before);
    assert!(fs::read(redo(&place)).unwrap() == log);

    // The same beside the process that writes the log.
    let store = exclusive().open(place.path()).unwrap();
    for number in 10..20 {
        let id = format!("image-{number}");
        store.create(NewImage::new().id(id)).unwrap();
    }
    let report = store.verify(&options, |_| {}).unwrap();
    assert!(report.is_clean() && report.engine_checked, "{report:?}");
    assert_eq!(report.counts.images, 20);
}

/// Task `exclusive-elsewhere`: as [`create_exclusively`], in another folder than the store was opened in.
pub(crate) fn create_from_elsewhere(path: &Path) {
    let store = exclusive().open(path).unwrap();
    std::env::set_current_dir("/").unwrap();
    while let Some(id) = hear() {
        let new = NewImage::new()
            .id(id.as_str())
            .name(format!("localhost/{id}"));
        store
            .create(new.big_data("manifest", b"{}".as_slice()))
            .unwrap();
        say(&id);
    }
}

/// A daemon leaves the folder that it was started in; its log must not.
#[test]
fn a_change_of_the_folder_does_not_lose_the_log() {
    let place = Place::new();
    place.open().close();
    let path = Path::new("images.redb");
    let mut child = Child::start_in("exclusive-elsewhere", path, &place.folder());
    for image in 0..8 {
        let id = format!("image-{image}");
        child.say(&id);
        child.expect(&id);
    }
    drop(child);
    assert_eq!(place.entries(), ["images.redb", "images.redb-redo"]);
    assert_whole(&place.open(), 8);
}

/// Where the store was moved there is no telling what lies at its path: neither a log is made there
/// nor one removed.
#[test]
fn a_store_that_was_moved_touches_no_log_of_another() {
    let place = Place::new();
    let store = exclusive().open(place.path()).unwrap();
    let moved = place.path().with_file_name("moved.redb");
    fs::rename(place.path(), &moved).unwrap();
    let other = exclusive().open(place.path()).unwrap();
    for _ in 0..5 {
        other.create(NewImage::new()).unwrap();
    }
    let log = fs::read(redo(&place)).unwrap();
    for _ in 0..5 {
        store.create(NewImage::new()).unwrap();
    }
    store.close();
    assert!(fs::read(redo(&place)).unwrap() == log);
    other.close();
    assert_eq!(place.entries(), ["images.redb", "moved.redb"]);
    for path in [place.path(), moved] {
        assert_eq!(ImageStore::open(path).unwrap().len().unwrap(), 5);
    }
}

/// A file whose next sync fails after the bytes have arrived.
#[derive(Debug)]
pub(crate) struct FailsToSync(FileBackend, Arc<AtomicBool>);

impl FailsToSync {
    /// Options of a store whose next append to the redo log fails once the flag is set.
    pub(crate) fn on_redo(options: OpenOptions, fails: &Arc<AtomicBool>) -> OpenOptions {
        let fails = Arc::clone(fails);
        options.redo_storage(move |file| Box::new(Self(file, Arc::clone(&fails))))
    }
}

impl StorageBackend for FailsToSync {
    fn sync_data(&self) -> io::Result<()> {
        if self.1.swap(false, Ordering::Relaxed) {
            return Err(io::Error::from_raw_os_error(libc::EIO));
        }
        self.0.sync_data()
    }
    image_store::passes_on!(0: len, read, set_len, write, locks);
}

/// Whether a step whose append failed was done is settled by the next writer, and stays so.
#[test]
fn what_a_transaction_sees_after_a_failed_append_is_the_last_word() {
    let place = Place::new();
    let fails = Arc::new(AtomicBool::new(false));
    let options = FailsToSync::on_redo(exclusive(), &fails);
    let store = options.open(place.path()).unwrap();
    for number in 0..5 {
        store
            .create(NewImage::new().id(format!("{number}")))
            .unwrap();
    }
    fails.store(true, Ordering::Relaxed);
    let error = store.create(NewImage::new().id("unsure")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    let transaction = store.write().unwrap();
    assert!(!transaction.exists("unsure").unwrap());
    drop(transaction);
    let found = killed(&place).open();
    assert!(!found.exists("unsure").unwrap());
    assert_eq!(found.len().unwrap(), 5);
    // And it goes on, with a log again.
    for number in 5..10 {
        store
            .create(NewImage::new().id(format!("{number}")))
            .unwrap();
    }
    assert!(redo(&place).exists());
    store.close();
    assert_eq!(place.open().len().unwrap(), 10);
}

#[test]
fn who_may_use_the_store_may_use_its_log() {
    let place = Place::new();
    place.open().close();
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o640)).unwrap();
    let store = exclusive().open(place.path()).unwrap();
    for _ in 0..5 {
        store.create(NewImage::new()).unwrap();
    }
    let mode = fs::metadata(redo(&place)).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o640);
}

/// What the engine has committed without a sync may have made the file longer.
#[test]
fn a_file_that_grew_meanwhile_verifies() {
    let place = Place::in_memory();
    let store = exclusive().cache_size(1 << 20).open(place.path()).unwrap();
    let first = fs::metadata(place.path()).unwrap().len();
    let mut length = first;
    for number in 0..600 {
        let item = random_bytes(number, 6_000);
        let new = NewImage::new().big_data("manifest", item);
        store.create(new).unwrap();
        let now = fs::metadata(place.path()).unwrap().len();
        if now != length || number % 100 == 99 {
            length = now;
            let report = store.verify(&VerifyOptions::new(), |_| {}).unwrap();
            assert!(report.is_clean() && report.engine_checked, "{report:?}");
        }
    }
    assert!(length > 2 * first, "{first}, {length}");
}
