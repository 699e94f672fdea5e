//! Promise: what schema 1 left behind in other than good order is brought to the present schema as
//! well: a store whose exclusive writer was killed, one that may not be written to, one that is
//! damaged, one that takes long.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use image_store::{
    Access, Error, ErrorKind, ImageStore, Lookup as _, NewImage, Prefix, RepairOptions,
    VerifyOptions,
};
use redb::StorageBackend;
use redb::backends::FileBackend;

use crate::kept_stores::{assert_contents, copy_of, expected, kept};
use crate::redo::NotWritable;
use crate::support::{Place, all_images, invariants};

fn log(place: &Place) -> PathBuf {
    place.path().with_file_name("images.redb-redo")
}

/// The store of schema 1 after a process that had it to itself changed it, with a redo log, and was
/// killed.
fn killed() -> Place {
    let place = Place::new();
    fs::copy(kept("schema-1-killed.redb"), place.path()).unwrap();
    fs::copy(kept("schema-1-killed.redb-redo"), log(&place)).unwrap();
    place
}

/// The IDs of the images that it created, of which the third was deleted again, and the layers.
const CREATED: [&str; 5] = [
    "cc88f6acf10ba9e488201201e9067fd63fc23aeb64fcf686578e6d900fceeef6",
    "bdd295acb9859817b9da544524ed3525a64f61bf5edb16deb0c28b6ae63d378b",
    "7c82785f9109004556345ef2b80af58081377245dd2b234c1f21d08589110faa",
    "c3a248be846e8be77af8c6abf2a0b17cbcfdcb0ac579faa9822b3f921cd5db8a",
    "f9b0078b5df5",
];
const LAYER: &str = "00ff11ee22dd33cc44bb55aa66997788776699aa55bb44cc33dd22ee11ff0011";
const DELETED: &str = "4f1c0d6e8a2b4c5d9e7f00112233445566778899aabbccddeeff102030405060";

fn assert_as_killed(store: &ImageStore) {
    let kept = ["odd id", "../evil", "日本", "localhost/app:1", "ab", "abc"];
    let mut expected = [&kept[..], &CREATED].concat();
    let images = store.images().unwrap().map(Result::unwrap);
    assert!(images.map(|image| image.id).eq(expected.iter().copied()));
    let ids = store.ids(Prefix::all()).unwrap().map(Result::unwrap);
    expected.sort_unstable();
    assert!(ids.eq(expected));
    for id in CREATED {
        assert_eq!(store.get(&id[..7]).unwrap().id, id);
    }
    assert_eq!(store.get("ab").unwrap().metadata, "3");
    assert_eq!(store.get("moved").unwrap().id, CREATED[2]);
    assert_eq!(store.get("localhost/logged:0").unwrap().id, CREATED[2]);
    for gone in [DELETED, "localhost/logged:2", "localhost/logged:3"] {
        let error = store.get(gone).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ImageUnknown, "{gone}");
    }
    let under: Result<Vec<_>, _> = store.by_top_layer(LAYER).unwrap().collect();
    let under = under.unwrap().into_iter().map(|image| image.id);
    assert!(under.eq(["odd id", "abc", "f9b0078b5df5"]));
    assert_eq!(store.get(CREATED[1]).unwrap().digests.len(), 2);
    for image in store.images().unwrap().map(Result::unwrap) {
        for digest in &image.digests {
            let mut found = store.by_digest(digest).unwrap().map(Result::unwrap);
            assert!(found.any(|found| found.id == image.id), "{digest}");
        }
    }
}

#[test]
fn a_redo_log_of_schema_1_is_done_to_the_present_tables() {
    for access in [Access::Shared, Access::Exclusive, Access::ReadOnly] {
        let place = killed();
        let store = ImageStore::options().access(access).open(place.path());
        let store = store.unwrap();
        assert_as_killed(&store);
        store.close();
        assert_eq!(place.entries(), ["images.redb"], "{access:?}");
        assert_eq!(invariants::check(&place.path()).len(), 11);
        assert_as_killed(&place.open());
    }
}

#[test]
fn a_reader_that_may_not_write_reads_a_copy_of_the_present_schema() {
    let options = ImageStore::options()
        .read_only(true)
        .storage(|file| Box::new(NotWritable(file)));
    let place = copy_of(1);
    let before = fs::read(place.path()).unwrap();
    assert_contents(&options.clone().open(place.path()).unwrap());
    assert!(fs::read(place.path()).unwrap() == before);
    let refused = options.clone().recovery_copy_limit(0).open(place.path());
    let error = refused.unwrap_err();
    assert!(matches!(error, Error::NeedsRecovery { .. }), "{error:?}");

    let place = killed();
    assert_as_killed(&options.open(place.path()).unwrap());
    assert!(log(&place).exists());
}

#[test]
fn verify_reads_schema_1_and_changes_nothing() {
    for place in [copy_of(1), killed()] {
        let before = fs::read(place.path()).unwrap();
        let report = ImageStore::options()
            .verify(place.path(), &VerifyOptions::new(), |_| {})
            .unwrap();
        // Items whose bytes were not there when they were imported.
        let is_known = report.findings.len() == 2 && report.counts.items_without_bytes == 2;
        assert!(report.is_clean() || is_known, "{:?}", report.findings);
        assert!(report.needs_recovery);
        assert!(fs::read(place.path()).unwrap() == before);
    }
}

/// Changes the first byte of a text wherever the file has it as it is.
fn damage(place: &Place, text: &str, byte: u8) {
    let mut bytes = fs::read(place.path()).unwrap();
    let found: Vec<usize> = (0..bytes.len())
        .filter(|at| bytes[*at..].starts_with(text.as_bytes()))
        .collect();
    assert!(!found.is_empty());
    for at in found {
        bytes[at] = byte;
    }
    fs::write(place.path(), bytes).unwrap();
}

/// The records have all that the indexes had, and only the indexes have their hashes as text.
#[test]
fn what_cannot_be_migrated_is_repaired_from_its_records() {
    let damaged: [fn(&Place); 4] = [
        |place| damage(place, DELETED, 0xff),
        |place| damage(place, LAYER, 0xff),
        |place| {
            damage(place, DELETED, 0xff);
            let mut bytes = fs::read(place.path()).unwrap();
            bytes[0] = 0;
            fs::write(place.path(), bytes).unwrap();
        },
        // The engine opens it to read, and to nothing else.
        |place| {
            let bytes = fs::read(place.path()).unwrap();
            fs::write(place.path(), [&bytes[..], b"x"].concat()).unwrap();
        },
    ];
    for damage in damaged {
        let place = copy_of(1);
        damage(&place);
        for access in [Access::Shared, Access::ReadOnly] {
            let refused = ImageStore::options().access(access).open(place.path());
            assert_eq!(refused.unwrap_err().kind(), ErrorKind::Corrupt);
        }
        ImageStore::options()
            .repair(place.path(), &RepairOptions::new(), |_| {})
            .unwrap();
        assert_eq!(all_images(&place.open()), expected());
        assert_eq!(invariants::check(&place.path()).len(), 7);
    }
}

#[test]
fn a_reader_does_without_room_on_the_disk() {
    #[derive(Debug)]
    struct Full(FileBackend);

    impl StorageBackend for Full {
        fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
            if offset >= 4096 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.0.write(offset, data)
        }
        image_store::passes_on!(0: len, read, set_len, sync_data, locks);
    }

    let place = copy_of(1);
    let options = ImageStore::options().storage(|file| Box::new(Full(file)));
    let refused = options.clone().open(place.path()).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Io);
    assert_contents(&options.read_only(true).open(place.path()).unwrap());
    assert_contents(&place.open());
}

/// Bringing a store up to date is not waiting for others: it takes the time that it takes.
#[test]
fn how_long_others_are_waited_for_does_not_matter() {
    #[derive(Debug)]
    struct Slow(FileBackend);

    impl StorageBackend for Slow {
        // The pages of tables, which are behind the header.
        fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
            if offset >= 4096 {
                thread::sleep(Duration::from_millis(200));
            }
            self.0.write(offset, data)
        }
        image_store::passes_on!(0: len, read, set_len, sync_data, locks);
    }

    for access in [Access::Shared, Access::Exclusive, Access::ReadOnly] {
        let place = copy_of(1);
        let options = ImageStore::options()
            .access(access)
            .lock_wait(Duration::from_millis(300))
            .storage(|file| Box::new(Slow(file)));
        let begun = Instant::now();
        assert_contents(&options.open(place.path()).unwrap());
        assert!(begun.elapsed() >= Duration::from_millis(400));
    }
}

#[test]
fn many_who_open_it_at_once_migrate_it_once() {
    for _ in 0..5 {
        let place = copy_of(1);
        thread::scope(|scope| {
            for number in 0..8 {
                let place = &place;
                scope.spawn(move || {
                    let access = [Access::Shared, Access::ReadOnly][number % 2];
                    let store = ImageStore::options().access(access).open(place.path());
                    let store = store.unwrap();
                    assert_eq!(store.get("moved").unwrap().id, "abc");
                    if access == Access::Shared {
                        let id = format!("{number:064x}");
                        store.create(NewImage::new().id(id)).unwrap();
                    }
                });
            }
        });
        assert_eq!(invariants::check(&place.path()).len(), 11);
    }
}
