//! What several promises are tested with.

pub(crate) mod bytes;
pub(crate) mod child;
pub(crate) mod index_key;
pub(crate) mod invariants;
pub(crate) mod raw;
pub(crate) mod record;
pub(crate) mod seal;

use std::path::{Path, PathBuf};

use image_store::{Image, ImageStore, Lookup};
use tempfile::TempDir;

/// A folder of its own for a store, removed with everything in it.
pub(crate) struct Place {
    folder: TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// A folder in memory where the machine has one. Each commit is synced, and thousands of them
    /// to a disk would be most of the time of a test that is not about durability.
    pub(crate) fn in_memory() -> Self {
        let memory = Path::new("/dev/shm");
        let folder = if memory.is_dir() {
            tempfile::tempdir_in(memory)
        } else {
            tempfile::tempdir()
        };
        Self {
            folder: folder.unwrap(),
        }
    }

    pub(crate) fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// Where the store is.
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("images.redb")
    }

    /// Opens the store with the default options.
    pub(crate) fn open(&self) -> ImageStore {
        ImageStore::open(self.path()).unwrap()
    }

    /// The names of everything in the folder, sorted.
    pub(crate) fn entries(&self) -> Vec<String> {
        let entries = self.folder.path().read_dir().unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

/// All images of a store, snapshot or transaction.
pub(crate) fn all_images(lookup: &impl Lookup) -> Vec<Image> {
    lookup.images().unwrap().collect::<Result<_, _>>().unwrap()
}
