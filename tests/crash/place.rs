//! Stores whose files are a disk in memory.

use std::path::PathBuf;
use std::time::Duration;

use image_store::{Access, ImageStore, OpenOptions};
use redb::StorageBackend;
use tempfile::TempDir;

use crate::disk::{Bytes, Part};

/// A folder with files that stand for a store and its redo log, whose bytes are elsewhere.
pub struct Place {
    _folder: TempDir,
    pub path: PathBuf,
}

impl Place {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("images.redb");
        std::fs::write(&path, "the bytes are in memory").unwrap();
        Self {
            _folder: folder,
            path,
        }
    }

    /// A folder in which a redo log is where these bytes have one.
    pub fn of(bytes: &Bytes) -> Self {
        let place = Self::new();
        if !bytes.redo.is_empty() {
            let path = place.path.with_file_name("images.redb-redo");
            // It is known by what it begins with when it is removed.
            std::fs::write(path, &bytes.redo).unwrap();
        }
        place
    }

    /// Puts the name of a redo log there: a power cut may leave it whatever became of its bytes.
    pub fn put_redo(&self) {
        let path = self.path.with_file_name("images.redb-redo");
        std::fs::write(path, "the bytes are in memory").unwrap();
    }
}

/// Storage for both files.
pub trait Files: Clone + Send + Sync + 'static {
    type File: StorageBackend;

    fn file(&self, part: Part) -> Self::File;
}

/// Options whose storage is that of `files`.
pub fn on(files: &impl Files, access: Access) -> OpenOptions {
    let (store, redo) = (files.clone(), files.clone());
    ImageStore::options()
        .access(access)
        .lock_wait(Duration::from_secs(5))
        .storage(move |_| Box::new(store.file(Part::Store)))
        .redo_storage(move |_| Box::new(redo.file(Part::Redo)))
}

/// The bytes of a new store.
pub fn new_store() -> Bytes {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("images.redb");
    ImageStore::open(&path).unwrap().close();
    Bytes::of_store(std::fs::read(path).unwrap())
}
