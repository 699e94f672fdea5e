//! Promise: what a mount keeps from being replaced or removed is told with what to do about it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use image_store::{Access, ImageStore, Lookup as _, NewImage};
use tempfile::TempDir;

/// A folder with a store of one image.
fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("images.redb");
    let store = ImageStore::open(&path).unwrap();
    let image = NewImage::new().id("a1");
    let image = image.big_data("manifest", b"{}".as_slice());
    store.create(image).unwrap();
    (folder, path)
}

/// Runs a script that may mount what it likes, in a mount namespace of its own.
fn run(folder: &Path, script: &str) -> Output {
    Command::new("unshare")
        .args([
            "-rm",
            "sh",
            "-ec",
            script,
            env!("CARGO_BIN_EXE_image-store"),
        ])
        .current_dir(folder)
        .output()
        .unwrap()
}

fn told(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// The export was done and said that it had failed, and the next one was refused.
#[test]
fn an_export_is_done_where_the_old_directory_cannot_be_removed() {
    let (folder, _path) = place();
    let script = r#"
        "$0" export images
        touch images/old
        mount -t tmpfs none images/a1
        touch images/a1/within
        "$0" export --replace images >first 2>&1
        "$0" export --replace images >second 2>&1
        umount .images.export-*/a1
        "$0" export --replace images >third 2>&1
    "#;
    let output = run(folder.path(), script);
    assert!(output.status.success(), "{}", told(&output));
    let said = |run: &str| std::fs::read_to_string(folder.path().join(run)).unwrap();
    for run in ["first", "second"] {
        let said = said(run);
        assert!(said.contains("the export is whole without it"), "{said}");
        assert!(said.contains("./.images.export-"), "{said}");
        assert!(said.contains("exported 1 image"), "{said}");
    }
    assert!(!said("third").contains("warning"), "{}", said("third"));
    let mut left: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    left.sort();
    assert_eq!(left, ["first", "images", "images.redb", "second", "third"]);
    assert!(!folder.path().join("images/old").exists());
}

/// As a file of its own, which a container may be given, it can be used but not replaced.
#[test]
fn what_cannot_take_the_place_of_a_mount_says_what_to_do() {
    let (folder, path) = place();
    let script = r#"
        "$0" export images
        touch mounted
        mount --bind images.redb mounted
        "$0" --store mounted create --id a2
        for command in "repair" "repair --no-backup" "import --replace images"; do
            ! "$0" --store mounted $command 2>>errors || exit 1
        done
        mkdir directory
        mount --bind images directory
        ! "$0" export --replace directory 2>>errors || exit 1
        ls -A >names
    "#;
    let output = run(folder.path(), script);
    assert!(output.status.success(), "{}", told(&output));
    let errors = std::fs::read_to_string(folder.path().join("errors")).unwrap();
    let errors: Vec<_> = errors
        .lines()
        .filter(|line| line.contains("error"))
        .collect();
    assert_eq!(errors.len(), 4, "{errors:?}");
    for error in &errors[..3] {
        let advice = "mounted by itself; mount the folder that it is in instead: mounted";
        assert!(error.contains(advice), "{error}");
        assert!(error.contains("os error"), "{error}");
    }
    assert!(
        errors[3].contains("export to another path: ./directory"),
        "{}",
        errors[3]
    );
    let names = std::fs::read_to_string(folder.path().join("names")).unwrap();
    let expected = "directory\nerrors\nimages\nimages.redb\nmounted\nnames\n";
    assert_eq!(names, expected, "nothing is left");
    assert_eq!(ImageStore::open(&path).unwrap().len().unwrap(), 2);
}

/// The repaired store is in its place, and what it lacks was removed with the error.
#[test]
fn a_log_that_cannot_be_removed_leaves_what_was_set_aside() {
    let folder = tempfile::tempdir().unwrap();
    let open = folder.path().join("open");
    let options = ImageStore::options().access(Access::Exclusive);
    let store = options.open(&open).unwrap();
    for id in ["a1", "a2", "a3", "a4"] {
        store.create(NewImage::new().id(id)).unwrap();
    }
    std::fs::copy(&open, folder.path().join("images.redb")).unwrap();
    let log = std::fs::metadata(folder.path().join("open-redo")).unwrap();
    let length = usize::try_from(log.len()).unwrap();
    std::fs::write(folder.path().join("images.redb-redo"), vec![0; length]).unwrap();
    drop(store);
    let script = r#"
        mount --bind images.redb-redo images.redb-redo
        ! "$0" repair --no-backup 2>error || exit 1
        cmp images.redb-redo images.redb.set-aside-*/000001.bytes
        "$0" verify
    "#;
    let output = run(folder.path(), script);
    let error = std::fs::read_to_string(folder.path().join("error")).unwrap();
    assert!(output.status.success(), "{error}{}", told(&output));
    assert!(error.contains("remove the redo log"), "{error}");
}
