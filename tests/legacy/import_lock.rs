//! Promise: an import reads under the engine's own lock for as long as it reads, waits for a writer
//! no longer than it is told to, and needs no right to write.

use std::cell::Cell;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use image_store::Error;
use image_store::legacy::{self, ImportOptions, ImportStage};
use rustix::fs::{FlockOperation, fcntl_lock};

use crate::fixtures::Fixture;
use crate::holder::Holder;

fn fixture() -> Fixture {
    Fixture::with_records(r#"[{"id":"a"}]"#).file("images.lock", b"")
}

fn lock(fixture: &Fixture) -> std::path::PathBuf {
    fixture.images.join("images.lock")
}

#[test]
fn a_writer_that_goes_on_is_waited_for_in_vain() {
    let fixture = fixture();
    let holder = Holder::start(&lock(&fixture));
    let timeout = Duration::from_millis(300);
    let options = || ImportOptions::default().lock_timeout(Some(timeout));
    for options in [options(), options().dry_run(true)] {
        let begun = Instant::now();
        let busy = legacy::import(&fixture.images, &fixture.store_path(), options).unwrap_err();
        match busy {
            Error::LegacyLocked { path, waited } => {
                assert_eq!(path, lock(&fixture));
                assert!(waited >= timeout && begun.elapsed() >= timeout);
            }
            other => panic!("{other}"),
        }
        assert_eq!(fixture.beside(), [""; 0]);
    }
    // A copy that no engine uses needs no lock.
    let options = ImportOptions::default().lock_timeout(None);
    legacy::import(&fixture.images, &fixture.store_path(), options).unwrap();
    holder.end();
}

#[test]
fn a_writer_that_ends_is_waited_for() {
    let fixture = fixture();
    let holder = Holder::start(&lock(&fixture));
    let json = fixture.images.join("images.json");
    let writer = thread::spawn(move || {
        thread::sleep(Duration::from_millis(200));
        fs::write(json, r#"[{"id":"a"},{"id":"b"}]"#).unwrap();
        holder.end();
    });
    let options = ImportOptions::default();
    let summary = legacy::import(&fixture.images, &fixture.store_path(), options).unwrap();
    writer.join().unwrap();
    // What the writer wrote under its lock is what was read.
    assert_eq!(summary.images, 2);
}

/// Another process cannot take the write lock from before the first record is read until all is
/// verified, and other readers can take theirs.
#[test]
fn the_lock_lasts_as_long_as_reading() {
    let fixture = fixture();
    let path = lock(&fixture);
    let stages = Cell::new(0);
    let options = ImportOptions::default()
        .verify(true)
        .on_progress(|reached| {
            stages.set(stages.get() | 1 << reached.stage as u8);
            assert!(!can_lock(&path, "exclusive"), "{reached:?}");
            assert!(can_lock(&path, "shared"), "{reached:?}");
        });
    legacy::import(&fixture.images, &fixture.store_path(), options).unwrap();
    let all = [
        ImportStage::Reading,
        ImportStage::Writing,
        ImportStage::Verifying,
    ];
    assert_eq!(
        stages.get(),
        all.into_iter().fold(0, |all, stage| all | 1 << stage as u8)
    );
    assert!(can_lock(&path, "exclusive"));
}

/// Whether another process can lock the file now.
fn can_lock(path: &Path, how: &str) -> bool {
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["import_lock::one_who_tries_to_lock", "--exact"])
        .env("IMAGE_STORE_TEST_TRIES", path)
        .env("IMAGE_STORE_TEST_TRIES_HOW", how)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .status();
    status.unwrap().success()
}

/// Not a test of its own: the process that another test starts to see whether it gets a lock.
#[test]
fn one_who_tries_to_lock() {
    let Some(path) = std::env::var_os("IMAGE_STORE_TEST_TRIES") else {
        return;
    };
    let operation = match std::env::var("IMAGE_STORE_TEST_TRIES_HOW").as_deref() {
        Ok("shared") => FlockOperation::NonBlockingLockShared,
        _ => FlockOperation::NonBlockingLockExclusive,
    };
    let file = fs::File::options()
        .read(true)
        .write(true)
        .open(path)
        .unwrap();
    fcntl_lock(&file, operation).unwrap();
}

/// Nothing in the source may be written to, nor the folders that hold it.
#[test]
fn a_source_that_is_read_only_is_locked_and_read() {
    let fixture = Fixture::podman("B");
    let mode = |mode| {
        let permissions = fs::Permissions::from_mode(mode);
        fs::set_permissions(&fixture.images, permissions).unwrap();
        let file = fs::Permissions::from_mode(mode & 0o444);
        fs::set_permissions(lock(&fixture), file).unwrap();
    };
    mode(0o555);
    let options = ImportOptions::default();
    let summary = legacy::import(&fixture.images, &fixture.store_path(), options);
    mode(0o755);
    assert_eq!(summary.unwrap().images, 1);
}

#[test]
fn a_directory_without_a_lock_file_is_read_and_gets_none() {
    let fixture = Fixture::with_records(r#"[{"id":"a"}]"#);
    let options = ImportOptions::default();
    legacy::import(&fixture.images, &fixture.store_path(), options).unwrap();
    assert!(!lock(&fixture).exists());
}

#[test]
fn a_lock_file_that_is_none_is_refused() {
    let fixture = Fixture::with_records("[]");
    fs::create_dir(lock(&fixture)).unwrap();
    let options = ImportOptions::default();
    let refused = legacy::import(&fixture.images, &fixture.store_path(), options).unwrap_err();
    assert!(
        refused.to_string().contains("images.lock is a folder"),
        "{refused}"
    );
    assert_eq!(fixture.beside(), [""; 0]);
}
