//! Promise: a read-only open of a store whose last writer died mends it where it may, reads a
//! private copy where it may not, and otherwise says what to do.

use std::io;
use std::path::PathBuf;
use std::process::Command;

use image_store::{Error, ImageStore, Lookup, VerifyOptions};
use redb::StorageBackend;
use redb::backends::FileBackend;
use serde_json::json;
use tempfile::TempDir;

use crate::program::{Batch, create, program};

/// A store with an image, whose writer was killed.
fn crashed() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("images.redb");
    let mut batch = Batch::writer(&store);
    batch.ok(&create("kept", 50_000));
    batch.kill();
    (folder, store)
}

#[test]
fn a_reader_mends_what_a_dead_writer_left() {
    let (_folder, path) = crashed();
    let store = ImageStore::options().read_only(true).open(&path).unwrap();
    assert!(store.exists("kept").unwrap());
    // It follows later writers: it is no copy.
    ImageStore::open(&path).unwrap().delete("kept").unwrap();
    assert!(!store.exists("kept").unwrap());
}

/// To verify is not to mend: what is damaged too may not survive that.
#[test]
fn a_verification_recovers_in_memory_and_leaves_the_file_as_it_is() {
    let (_folder, path) = crashed();
    let before = std::fs::read(&path).unwrap();
    // No copy of the file: its size does not matter.
    let options = ImageStore::options().recovery_copy_limit(0);
    let report = options
        .verify(&path, &VerifyOptions::new(), |_| {})
        .unwrap();
    assert!(report.is_clean() && report.engine_checked && report.needs_recovery);
    assert_eq!(report.counts.images, 1);
    assert!(before == std::fs::read(&path).unwrap(), "it was changed");

    ImageStore::open(&path).unwrap().close();
    let report = ImageStore::options().verify(&path, &VerifyOptions::new(), |_| {});
    assert!(!report.unwrap().needs_recovery);
}

/// A file on a file system that is mounted read-only.
#[derive(Debug)]
struct OnReadOnlyMount(FileBackend);

impl StorageBackend for OnReadOnlyMount {
    fn set_len(&self, _: u64) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }
    fn write(&self, _: u64, _: &[u8]) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }
    image_store::passes_on!(0: len, read, sync_data, close, locks);
}

#[test]
fn a_copy_is_recovered_up_to_a_limit() {
    let (_folder, path) = crashed();
    let before = std::fs::read(&path).unwrap();
    let options = ImageStore::options()
        .read_only(true)
        .storage(|file| Box::new(OnReadOnlyMount(file)));

    let length = before.len() as u64;
    let refused = options
        .clone()
        .recovery_copy_limit(length - 1)
        .open(&path)
        .unwrap_err();
    assert!(
        matches!(refused, Error::NeedsRecovery { .. }),
        "{refused:?}"
    );
    let path_text = path.to_str().unwrap();
    assert!(
        refused
            .to_string()
            .contains(&format!("image-store --store {path_text}")),
        "{refused}"
    );

    let store = options.recovery_copy_limit(length).open(&path).unwrap();
    assert!(store.is_read_only());
    assert!(store.get("kept").unwrap().read_only);
    assert_eq!(store.big_data("kept", "config").unwrap().len(), 50_000);
    assert!(matches!(store.delete("kept"), Err(Error::ReadOnly { .. })));
    store.close();
    assert!(
        before == std::fs::read(&path).unwrap(),
        "the file was written to"
    );
}

/// A command on a real read-only mount of its store's folder, in a mount namespace of its own.
fn on_a_read_only_mount(folder: &TempDir, inner: &Command) -> Command {
    let mut command = Command::new("unshare");
    command
        .args(["-rm", "sh", "-ec", "mount --bind \"$0\" \"$0\"; mount -o remount,bind,ro \"$0\"; ! touch \"$0/file\" 2>/dev/null; exec \"$@\""])
        .arg(folder.path())
        .arg(inner.get_program())
        .args(inner.get_args());
    command
}

/// The same with the program.
#[test]
fn the_program_reads_a_crashed_store_on_a_read_only_mount() {
    let (folder, path) = crashed();
    let inner = program(&path, &["--read-only", "batch"]);
    let mut batch = Batch::start(on_a_read_only_mount(&folder, &inner));
    let image = batch.ok(&json!({"op": "get", "id": "kept"}));
    assert_eq!(image["id"], "kept");
    batch.ok(&json!({"op": "big-data", "id": "kept", "key": "config"}));
    batch.end();
}

#[test]
fn the_program_verifies_a_crashed_store_on_a_read_only_mount() {
    let (folder, path) = crashed();
    let inner = program(&path, &["verify", "--json"]);
    let output = on_a_read_only_mount(&folder, &inner).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["pages-checked"], true);
    assert_eq!(report["needs-recovery"], true);
    assert_eq!(report["images"], 1);
}

/// It wanted the right to write for one figure.
#[test]
fn the_program_tells_of_a_store_on_a_read_only_mount_how_much_is_in_it() {
    let (folder, path) = crashed();
    for is_crashed in [true, false] {
        let inner = program(&path, &["stats", "--json"]);
        let output = on_a_read_only_mount(&folder, &inner).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let stats: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(stats["images"], 1, "{is_crashed}");
        assert_eq!(stats["kept-bytes"], serde_json::Value::Null);
        // From here on nobody has died.
        let output = program(&path, &["stats", "--json"]).output().unwrap();
        let stats: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert!(stats["kept-bytes"].is_u64(), "{stats}");
    }
}
