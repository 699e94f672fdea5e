//! A repair that fails at its end leaves everything as it was, and nothing lying about.

use std::fs;
use std::path::{Path, PathBuf};

use image_store::{ErrorKind, ImageStore, RepairOptions, Stage};

use crate::damage::{IMAGES, flip, store, tamper};

/// What is in the folder of a store.
fn around(path: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(path.parent().unwrap()).unwrap();
    let mut around: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    around.sort();
    around
}

/// What of that has a name with this in it.
fn found(path: &Path, text: &str) -> Option<PathBuf> {
    let has = |path: &PathBuf| path.to_string_lossy().contains(text);
    around(path).into_iter().find(has)
}

/// The damaged file has its second name, and what is lost its folder, when the new file cannot be
/// put in its place, since somebody removed it.
#[test]
fn what_was_kept_and_set_aside_is_taken_back() {
    for backup in [true, false] {
        let (dir, path) = store();
        tamper(&path, |transaction| flip(transaction, IMAGES, 0));
        fs::write(dir.path().join("images.redb-redo"), "not a log").unwrap();
        let before = around(&path);
        let options = RepairOptions::new().backup(backup);
        let mut had_folder = false;
        let refused = ImageStore::options().repair(&path, &options, |reached| {
            had_folder |= found(&path, ".set-aside-").is_some();
            if reached.stage == Stage::Copy && reached.done == reached.total {
                let _ = fs::remove_file(found(&path, ".new-").unwrap());
            }
        });
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::Io);
        assert!(had_folder);
        assert_eq!(around(&path), before, "backup: {backup}");

        let summary = ImageStore::options()
            .repair(&path, &options, |_| {})
            .unwrap();
        assert_eq!((summary.images, summary.lost.len()), (2, 1));
        assert!(summary.set_aside.unwrap().is_dir());
    }
}
