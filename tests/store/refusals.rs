//! Promise: opening refuses what is not a store of this version, says of each thing what it is and
//! what to do, does not hang, and leaves it as it was.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use image_store::{Access, Error, ErrorKind, ImageStore, NewImage};
use redb::{Database, TableDefinition};

use crate::support::Place;
use crate::support::bytes::{random_bytes, text_bytes};
use crate::support::raw::{META, tamper};

/// Opens `path` in every way there is, and returns the errors; fails where one takes too long.
fn refusals(path: &Path) -> Vec<Error> {
    let (sender, errors) = channel();
    let path = path.to_owned();
    thread::spawn(move || {
        for access in [Access::Shared, Access::Exclusive, Access::ReadOnly] {
            for create in [true, false] {
                let options = ImageStore::options().access(access).create(create);
                let opened = options.open(&path);
                sender.send(opened.map(|_| (access, create))).unwrap();
            }
        }
    });
    let refusal = |_| {
        let opened = errors.recv_timeout(Duration::from_secs(20));
        opened.expect("opening does not hang").expect_err("refused")
    };
    (0..6).map(refusal).collect()
}

/// Every way to open must fail with this kind and these words, and name the path.
#[track_caller]
fn assert_refused(path: &Path, kind: ErrorKind, words: &[&str]) {
    for error in refusals(path) {
        assert_eq!(error.kind(), kind, "{error:?}");
        let message = error.to_string();
        assert!(message.contains(path.to_str().unwrap()), "{message}");
        for word in words {
            assert!(message.contains(word), "{message:?} lacks {word:?}");
        }
    }
}

/// As [`assert_refused`], and the file's bytes stay as they were.
#[track_caller]
fn assert_file_refused(bytes: &[u8], kind: ErrorKind, words: &[&str]) {
    let place = Place::new();
    fs::write(place.path(), bytes).unwrap();
    let modified = fs::metadata(place.path()).unwrap().mtime_nsec();
    assert_refused(&place.path(), kind, words);
    assert!(fs::read(place.path()).unwrap() == bytes, "it was changed");
    let after = fs::metadata(place.path()).unwrap().mtime_nsec();
    assert_eq!(after, modified, "it was written to");
    assert_eq!(place.entries(), ["images.redb"]);
}

const NOT_REDB: [&str; 3] = ["not an image store", "not a redb database", "move it away"];

#[test]
fn a_file_of_another_format() {
    let json = br#"[{"id":"ab","names":["quay.io/app:1"],"created":"2024-01-01T00:00:00Z"}]"#;
    assert_file_refused(json, ErrorKind::Corrupt, &NOT_REDB);
    assert_file_refused(b"x", ErrorKind::Corrupt, &NOT_REDB);
    assert_file_refused(&[0; 4096], ErrorKind::Corrupt, &NOT_REDB);
    assert_file_refused(&random_bytes(1, 2 << 20), ErrorKind::Corrupt, &NOT_REDB);
    assert_file_refused(&text_bytes(1, 319), ErrorKind::Corrupt, &NOT_REDB);
}

#[test]
fn an_empty_file() {
    assert_file_refused(b"", ErrorKind::Corrupt, &["it is empty", "move it away"]);
}

#[test]
fn a_file_that_was_cut_short() {
    let place = Place::new();
    place.open().create(NewImage::new()).unwrap();
    let whole = fs::read(place.path()).unwrap();
    for length in [9, 64, 319, 320, 511, 512, 4_095, 4_096, whole.len() / 2] {
        assert_file_refused(&whole[..length], ErrorKind::Corrupt, &[]);
    }
}

#[test]
fn a_folder() {
    let place = Place::new();
    fs::create_dir(place.path()).unwrap();
    assert_refused(&place.path(), ErrorKind::Corrupt, &["it is a folder"]);
    assert_eq!(place.entries(), ["images.redb"]);
}

#[test]
fn a_symbolic_link_even_to_a_store() {
    let place = Place::new();
    let elsewhere = Place::new();
    elsewhere.open();
    symlink(elsewhere.path(), place.path()).unwrap();
    assert_refused(
        &place.path(),
        ErrorKind::Corrupt,
        &["it is a symbolic link"],
    );
}

#[test]
fn a_symbolic_link_to_nothing_creates_nothing() {
    let place = Place::new();
    let elsewhere = Place::new();
    symlink(elsewhere.path(), place.path()).unwrap();
    assert_refused(
        &place.path(),
        ErrorKind::Corrupt,
        &["it is a symbolic link"],
    );
    assert!(elsewhere.entries().is_empty());
    assert_eq!(place.entries(), ["images.redb"]);
}

#[test]
fn a_fifo_without_waiting_for_its_other_end() {
    let place = Place::new();
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mknodat(
        rustix::fs::CWD,
        place.path(),
        rustix::fs::FileType::Fifo,
        mode,
        0,
    )
    .unwrap();
    assert_refused(&place.path(), ErrorKind::Corrupt, &["it is a FIFO"]);
}

#[test]
fn a_device() {
    for create in [true, false] {
        let options = ImageStore::options().create(create);
        let refused = options.open("/dev/null").unwrap_err();
        assert!(refused.to_string().contains("it is a device"), "{refused}");
    }
}

#[test]
fn a_socket() {
    let place = Place::new();
    let _listener = UnixListener::bind(place.path()).unwrap();
    assert_refused(&place.path(), ErrorKind::Corrupt, &["it is a socket"]);
}

/// As [`assert_refused`], and the file's bytes stay as they were.
#[track_caller]
fn assert_foreign(place: &Place) {
    let before = fs::read(place.path()).unwrap();
    let words = [
        "redb database, but not an image store",
        "give the path of a store",
    ];
    assert_refused(&place.path(), ErrorKind::Corrupt, &words);
    assert!(fs::read(place.path()).unwrap() == before, "it was changed");
}

#[test]
fn a_redb_file_of_another_program() {
    let foreign = |name: &str| {
        let place = Place::new();
        let database = Database::create(place.path()).unwrap();
        let transaction = database.begin_write().unwrap();
        // The second has a table of our name with other types, the third one of our types.
        let numbers = TableDefinition::<u64, u64>::new(name);
        transaction
            .open_table(numbers)
            .unwrap()
            .insert(1, 2)
            .unwrap();
        transaction.commit().unwrap();
        place
    };
    assert_foreign(&foreign("users"));
    assert_foreign(&foreign("meta"));

    let place = Place::new();
    drop(Database::create(place.path()).unwrap());
    tamper(&place.path(), |transaction| {
        let mut meta = transaction.open_table(META).unwrap();
        meta.insert("application", b"another".as_slice()).unwrap();
        meta.insert("schema", 2_u32.to_le_bytes().as_slice())
            .unwrap();
    });
    assert_foreign(&place);

    let empty = Place::new();
    drop(Database::create(empty.path()).unwrap());
    assert_foreign(&empty);
}

fn store_with_meta(property: &str, value: &[u8]) -> Place {
    let place = Place::new();
    place.open().create(NewImage::new().id("ab")).unwrap();
    tamper(&place.path(), |transaction| {
        let mut meta = transaction.open_table(META).unwrap();
        meta.insert(property, value).unwrap();
    });
    place
}

#[test]
fn a_newer_schema() {
    let place = store_with_meta("schema", &3_u32.to_le_bytes());
    let words = ["schema 3", "up to 2", "use a newer version"];
    let before = fs::read(place.path()).unwrap();
    assert_refused(&place.path(), ErrorKind::Corrupt, &words);
    assert!(fs::read(place.path()).unwrap() == before, "it was changed");
    for error in refusals(&place.path()) {
        assert!(matches!(
            error,
            Error::SchemaTooNew {
                found: 3,
                supported: 2,
                ..
            }
        ));
    }
    // Nothing is done to it that a log says.
    let log = place.path().with_file_name("images.redb-redo");
    tamper(&place.path(), |transaction| {
        let mut meta = transaction.open_table(META).unwrap();
        meta.insert("redo", [7; 16].as_slice()).unwrap();
    });
    fs::write(&log, "image-store redo of a newer version").unwrap();
    let before = fs::read(place.path()).unwrap();
    assert_refused(&place.path(), ErrorKind::Corrupt, &words);
    assert!(fs::read(place.path()).unwrap() == before, "it was changed");
    assert!(log.exists());
    let place = store_with_meta("schema", &u32::MAX.to_le_bytes());
    assert_refused(&place.path(), ErrorKind::Corrupt, &["schema 4294967295"]);
}

#[test]
fn a_schema_that_is_no_number() {
    let place = store_with_meta("schema", b"one");
    assert_refused(
        &place.path(),
        ErrorKind::Corrupt,
        &["schema version is missing or unreadable"],
    );
}

#[test]
fn nothing_at_all_for_those_who_may_not_create() {
    let place = Place::new();
    let reader = ImageStore::options().read_only(true).open(place.path());
    let keeper = ImageStore::options().create(false).open(place.path());
    for error in [reader.unwrap_err(), keeper.unwrap_err()] {
        assert!(matches!(&error, Error::NotFound { path } if *path == place.path()));
        assert_eq!(error.kind(), ErrorKind::Io);
    }
    assert!(place.entries().is_empty());
}

#[test]
fn a_folder_that_is_not_there() {
    let place = Place::new();
    let path = place.folder().join("missing/images.redb");
    let error = ImageStore::open(&path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    let message = error.to_string();
    assert!(message.contains("missing"), "{message}");
    assert!(std::error::Error::source(&error).is_some());
    assert!(place.entries().is_empty());
}

#[test]
fn paths_that_name_no_file() {
    for path in ["", "/", ".", ".."] {
        let error = ImageStore::open(path).unwrap_err();
        assert!(
            matches!(error, Error::NotAStore { .. }),
            "{path:?}: {error:?}"
        );
    }
}
