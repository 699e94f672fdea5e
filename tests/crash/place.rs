//! Stores whose file is a disk in memory.

use std::path::PathBuf;
use std::time::Duration;

use image_store::{Access, ImageStore, OpenOptions};
use redb::StorageBackend;
use tempfile::TempDir;

/// A folder with a file that stands for a store whose bytes are elsewhere.
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
}

/// Options whose storage is a copy of the handle `disk`.
pub fn on<D: StorageBackend + Clone>(disk: &D, access: Access) -> OpenOptions {
    let disk = disk.clone();
    ImageStore::options()
        .access(access)
        .lock_wait(Duration::from_secs(5))
        .storage(move |_| Box::new(disk.clone()))
}

/// The bytes of a new store.
pub fn new_store() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("images.redb");
    ImageStore::open(&path).unwrap().close();
    std::fs::read(path).unwrap()
}
