//! A repair keeps what can be read, sets aside what cannot, and can be undone.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{FileExt as _, PermissionsExt};

use image_store::{
    Access, Error, ErrorKind, Finding, ImageStore, Lookup, NewImage, RepairOptions, RepairSummary,
    VerifyOptions,
};

use crate::damage::{BLOBS, CONTENTS, IDS, IMAGES, NAMES, flip, noise, store, tamper};

pub fn repair(path: &std::path::Path) -> RepairSummary {
    ImageStore::options()
        .repair(path, &RepairOptions::new(), |_| {})
        .unwrap()
}

pub fn assert_clean(store: &ImageStore) {
    let report = store.verify(&VerifyOptions::new(), |_| {}).unwrap();
    assert!(report.is_clean(), "{:?}", report.findings);
}

#[test]
fn indexes_and_counts_are_derived_anew() {
    let (_dir, path) = store();
    tamper(&path, |transaction| {
        transaction
            .open_table(IDS)
            .unwrap()
            .remove("one".to_owned())
            .unwrap();
        transaction
            .open_table(NAMES)
            .unwrap()
            .insert("ghost:1", 1)
            .unwrap();
    });
    let summary = repair(&path);
    assert!(!summary.before.is_clean());
    assert!(summary.lost.is_empty(), "{:?}", summary.lost);
    assert_eq!(summary.images, 3);
    assert_eq!(summary.set_aside, None);

    let store = ImageStore::open(&path).unwrap();
    assert_clean(&store);
    assert_eq!(store.get("one").unwrap().names, ["app:1"]);
    assert!(!store.exists("ghost:1").unwrap());
    assert_eq!(store.big_data("three", "large").unwrap(), noise(100_000));
}

/// Nobody can write to such a store, but it can be read.
#[test]
fn a_store_that_cannot_be_opened_to_write_is_repaired_as_far_as_it_can_be_read() {
    let (_dir, path) = store();
    let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
    file.write_all(b"x").unwrap();
    drop(file);
    let refused = ImageStore::open(&path).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Corrupt, "{refused}");
    let summary = repair(&path);
    assert_eq!((summary.images, summary.lost.len()), (3, 0));
    let store = ImageStore::open(&path).unwrap();
    assert_clean(&store);
    assert_eq!(store.big_data("three", "large").unwrap(), noise(100_000));
}

/// Two damaged pages of each table are no reason to lose what lies between them.
#[test]
fn what_lies_between_damaged_pages_is_kept() {
    const IMAGES: usize = 1_000;
    const PAGE: usize = 4_096;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("images.redb");
    let store = ImageStore::open(&path).unwrap();
    let mut transaction = store.write().unwrap();
    for number in 0..IMAGES {
        let image = NewImage::new()
            .id(format!("image-{number:04}"))
            .name(format!("name-{number:04}"));
        transaction.create(image).unwrap();
    }
    transaction.commit().unwrap();
    store.close();
    let mut file = fs::read(&path).unwrap();
    for page in file.chunks_mut(PAGE).skip(1) {
        let has = |text: &[u8]| page.windows(text.len()).any(|window| window == text);
        if has(b"image-0050") || has(b"image-0950") || has(b"name-0050") || has(b"name-0950") {
            page.fill(0);
        }
    }
    fs::write(&path, file).unwrap();

    let summary = repair(&path);
    let kept = usize::try_from(summary.images).unwrap();
    // A page has some fifty images.
    assert!((IMAGES - 200..IMAGES).contains(&kept), "{kept}");
    let store = ImageStore::open(&path).unwrap();
    assert_clean(&store);
    for number in (0..IMAGES).filter(|number| (200..800).contains(number)) {
        let image = store.get(&format!("name-{number:04}")).unwrap();
        assert_eq!(image.id, format!("image-{number:04}"));
    }
}

#[test]
fn who_may_use_the_damaged_store_may_use_the_repaired_one() {
    let (_dir, path) = store();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o664)).unwrap();
    repair(&path);
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o664
    );
}

#[test]
fn what_stands_in_the_place_of_the_log_is_not_in_the_way() {
    let (dir, path) = store();
    fs::create_dir(dir.path().join("images.redb-redo")).unwrap();
    repair(&path);
    assert_clean(&ImageStore::open(&path).unwrap());
    assert!(dir.path().join("images.redb-redo").is_dir());
}

/// What a slip of `dd` or a failing disk does to the beginning of a file.
#[test]
fn a_store_that_does_not_begin_as_one_is_damaged_and_not_taken_for_something_else() {
    let (_dir, path) = store();
    let sound = fs::read(&path).unwrap();
    let refused = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        let refused = ImageStore::open(&path).unwrap_err();
        let read_only = ImageStore::options().read_only(true).open(&path);
        assert_eq!(refused.to_string(), read_only.unwrap_err().to_string());
        assert!(fs::read(&path).unwrap() == bytes);
        refused
    };

    // As long as the header behind it is whole, nothing is lost.
    let beginning = [&[0; 9], &sound[9..]].concat();
    let error = refused(&beginning);
    assert!(matches!(error, Error::Corrupt { .. }), "{error}");
    let summary = repair(&path);
    assert!(!summary.before.is_clean());
    assert_eq!((summary.images, summary.lost.len()), (3, 0));
    assert!(fs::read(summary.backup.unwrap()).unwrap() == beginning);
    let store = ImageStore::open(&path).unwrap();
    assert_clean(&store);
    assert_eq!(store.big_data("three", "large").unwrap(), noise(100_000));
    store.close();

    let first_page = [&[0; 4_096], &sound[4_096..]].concat();
    let error = refused(&first_page);
    assert!(matches!(error, Error::Corrupt { .. }), "{error}");
    let repaired = ImageStore::options().repair(&path, &RepairOptions::new(), |_| {});
    assert_eq!(repaired.unwrap_err().kind(), ErrorKind::Corrupt);
    assert!(fs::read(&path).unwrap() == first_page);

    // Where only a piece of the beginning is left, that tells.
    let error = refused(b"redb\x1a\n\xa9\n");
    assert!(matches!(error, Error::Corrupt { .. }), "{error}");
    for other in [&[0; 8_192][..], b"{}", &noise(100_000)] {
        let error = refused(other);
        assert!(matches!(error, Error::NotAStore { .. }), "{error}");
    }
}

/// To try to open such a file to write may leave it so that it cannot be read any more either.
#[test]
fn a_repair_that_is_refused_leaves_the_file_as_it_is() {
    let (_dir, path) = store();
    let sound = fs::read(&path).unwrap();
    let mut outcomes = [0; 2];
    // A byte anywhere, and one of each of the slots of which either leads to the images.
    let one = (0..320)
        .step_by(4)
        .chain((4_096..sound.len()).step_by(8_111));
    let both = (64..192).step_by(16);
    for (at, second) in one
        .map(|at| (at, None))
        .chain(both.map(|at| (at, Some(at + 128))))
    {
        let mut bytes = sound.clone();
        bytes[at] ^= 0xff;
        if let Some(second) = second {
            bytes[second] ^= 0xff;
        }
        fs::write(&path, &bytes).unwrap();
        match ImageStore::options().repair(&path, &RepairOptions::new(), |_| {}) {
            Ok(summary) => {
                outcomes[0] += 1;
                assert!(summary.images <= 3, "byte {at}");
                assert_clean(&ImageStore::options().read_only(true).open(&path).unwrap());
                fs::remove_file(summary.backup.unwrap()).unwrap();
                if let Some(folder) = summary.set_aside {
                    fs::remove_dir_all(folder).unwrap();
                }
            }
            Err(error) => {
                outcomes[1] += 1;
                assert_eq!(error.kind(), ErrorKind::Corrupt, "byte {at}: {error}");
                assert!(fs::read(&path).unwrap() == bytes, "byte {at}");
            }
        }
    }
    assert!(outcomes.iter().all(|count| *count > 0), "{outcomes:?}");
}

#[test]
fn bytes_whose_row_is_lost_are_found_by_their_hash() {
    let (_dir, path) = store();
    tamper(&path, |transaction| {
        let mut contents = transaction.open_table(CONTENTS).unwrap();
        contents.retain(|_, _| false).unwrap();
    });
    let summary = repair(&path);
    assert!(summary.lost.is_empty(), "{:?}", summary.lost);
    let store = ImageStore::open(&path).unwrap();
    assert_clean(&store);
    assert_eq!(
        store.big_data("one", "manifest").unwrap(),
        br#"{"schemaVersion": 2}"#
    );
    assert_eq!(
        store.big_data("two", "config-two").unwrap(),
        "two".repeat(400).as_bytes()
    );
    assert_eq!(store.big_data("three", "large").unwrap(), noise(100_000));
}

#[test]
fn what_cannot_be_read_is_set_aside_and_told() {
    let (_dir, path) = store();
    tamper(&path, |transaction| {
        flip(transaction, IMAGES, 0);
        flip(transaction, BLOBS, (3, 1));
    });
    let summary = repair(&path);
    assert_eq!(summary.images, 2);
    assert_eq!(summary.lost.len(), 2, "{:?}", summary.lost);

    let folder = summary.set_aside.unwrap();
    let mut names: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(
        names,
        ["000001.bytes", "000001.json", "000002.bytes", "000002.json"]
    );
    let note: serde_json::Value =
        serde_json::from_slice(&fs::read(folder.join("000001.json")).unwrap()).unwrap();
    assert_eq!(note["kind"], "record-unreadable");
    assert!(fs::metadata(folder.join("000002.bytes")).unwrap().len() >= 100_000);
    assert_eq!(
        fs::metadata(&folder).unwrap().permissions().mode() & 0o777,
        0o700
    );

    let store = ImageStore::open(&path).unwrap();
    assert_clean(&store);
    // Clean, and yet it tells what is missing.
    let report = store.verify(&VerifyOptions::new(), |_| {}).unwrap();
    assert_eq!(report.counts.items_without_bytes, 1);
    let told: Vec<_> = report.findings.iter().map(ToString::to_string).collect();
    assert!(told[0].contains("lost in a repair"), "{told:?}");
    assert!(!store.exists("one").unwrap());
    assert!(store.big_data("three", "large").is_err());
    assert_eq!(store.big_data_size("three", "large").unwrap(), 100_000);
}

#[test]
fn the_damaged_file_is_kept_and_undoes_the_repair() {
    let (_dir, path) = store();
    tamper(&path, |transaction| flip(transaction, IMAGES, 0));
    let damaged = fs::read(&path).unwrap();
    let summary = repair(&path);
    let backup = summary.backup.unwrap();
    // A close writes the engine's header and book-keeping, so the images are compared.
    assert_eq!(fs::metadata(&backup).unwrap().len(), damaged.len() as u64);
    fs::rename(&backup, &path).unwrap();
    let store = ImageStore::open(&path).unwrap();
    assert!(store.get("one").is_err());
    assert_eq!(store.len().unwrap(), 3);
}

/// A script that repairs twice in a second.
#[test]
fn a_repair_keeps_what_an_earlier_one_kept() {
    let (_dir, path) = store();
    let mut kept = Vec::new();
    for round in 0..3 {
        tamper(&path, |transaction| {
            flip(transaction, IMAGES, if round == 0 { 1 } else { 0 });
        });
        let summary = repair(&path);
        assert_eq!(summary.lost.len(), 1, "{:?}", summary.lost);
        kept.extend([summary.backup.unwrap(), summary.set_aside.unwrap()]);
    }
    assert!(kept.iter().all(|path| path.exists()));
    kept.sort();
    kept.dedup();
    assert_eq!(kept.len(), 6);
}

/// One that is only read to repair it is not locked by the engine.
#[test]
fn a_store_that_is_only_read_to_repair_it_is_kept_from_writers_all_the_same() {
    let (_dir, path) = store();
    let options = ImageStore::options().lock_wait(std::time::Duration::from_millis(50));
    let repair = || options.clone().repair(&path, &RepairOptions::new(), |_| {});
    let in_use = ImageStore::open(&path).unwrap();
    let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.write_all_at(&[0; 9], 0).unwrap();
    assert_eq!(repair().unwrap_err().kind(), ErrorKind::Busy);
    in_use.close();

    file.write_all_at(&[0; 9], 0).unwrap();
    assert_eq!(repair().unwrap().images, 3);
}

#[test]
fn a_store_in_use_is_not_repaired() {
    let (_dir, path) = store();
    let _in_use = ImageStore::open(&path).unwrap();
    let refused = ImageStore::options()
        .lock_wait(std::time::Duration::from_millis(50))
        .repair(&path, &RepairOptions::new(), |_| {})
        .unwrap_err();
    assert_eq!(refused.kind(), image_store::ErrorKind::Busy);
}

/// A store as a process leaves it that had it to itself and was killed: its last image is in the redo
/// log alone.
pub fn killed() -> (tempfile::TempDir, std::path::PathBuf, std::path::PathBuf) {
    killed_after(&["one", "two", "three", "last"])
}

/// The same after these images, of which the first three are in the store's own file.
pub fn killed_after(ids: &[&str]) -> (tempfile::TempDir, std::path::PathBuf, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let (open, path) = (
        folder.path().join("open"),
        folder.path().join("images.redb"),
    );
    let options = ImageStore::options().access(Access::Exclusive);
    let store = options.open(&open).unwrap();
    for id in ids {
        let item = noise(2_000 + id.len());
        let new = NewImage::new().id(*id).big_data("manifest", item);
        store.create(new).unwrap();
    }
    let log = folder.path().join("images.redb-redo");
    fs::copy(&open, &path).unwrap();
    fs::copy(folder.path().join("open-redo"), &log).unwrap();
    (folder, path, log)
}

#[test]
fn what_the_redo_log_holds_is_repaired_with_the_rest() {
    let (_folder, path, log) = killed();
    let summary = repair(&path);
    assert_eq!((summary.images, summary.lost.len()), (4, 0));
    assert!(!log.exists());
    let store = ImageStore::open(&path).unwrap();
    assert_clean(&store);
    assert!(store.exists("last").unwrap());
}

#[test]
fn a_store_is_repaired_without_its_redo_log_and_says_so() {
    let (_folder, path, log) = killed();
    let whole = fs::read(&log).unwrap();
    let mut damaged = whole.clone();
    // The header, and the only entry.
    damaged[20] ^= 1;
    damaged[5_000] ^= 1;
    fs::write(&log, &damaged).unwrap();
    let refused = ImageStore::open(&path).unwrap_err();
    assert!(matches!(refused, Error::RedoLogMissing { .. }), "{refused}");

    let summary = repair(&path);
    assert_eq!(summary.images, 3);
    let finding = Finding::RedoLogLost { log: log.clone() };
    assert_eq!(summary.lost, std::slice::from_ref(&finding));
    assert!(summary.before.findings.contains(&finding));
    let kept = summary.set_aside.unwrap();
    assert_eq!(fs::read(kept.join("000001.bytes")).unwrap(), damaged);
    let store = ImageStore::open(&path).unwrap();
    assert_clean(&store);
    assert!(store.exists("three").unwrap() && !store.exists("last").unwrap());
    store.close();
    assert!(!log.exists());

    // Whoever finds the right log undoes the repair and has everything.
    let backup = summary.backup.unwrap();
    let mut with = backup.clone().into_os_string();
    with.push("-redo");
    assert_eq!(fs::read(&with).unwrap(), damaged);
    fs::write(&with, &whole).unwrap();
    let store = ImageStore::open(&backup).unwrap();
    assert_clean(&store);
    assert!(store.exists("last").unwrap());
}

/// What lies where a log should is not waited for, followed or read without end.
#[test]
fn a_repair_does_not_wait_for_what_is_no_log() {
    let (_folder, path, log) = killed();
    fs::remove_file(&log).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, &log, 0o600.into()).unwrap();
    let summary = repair(&path);
    assert_eq!(summary.images, 3);
    assert_eq!(summary.lost, [Finding::RedoLogLost { log }]);
}
