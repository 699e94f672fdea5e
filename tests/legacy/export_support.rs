//! What exports are compared by.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use image_store::legacy::{self, ExportMode, ExportOptions, ExportSummary, ImportOptions};
use image_store::{Error, ImageStore};

use crate::fixtures::Fixture;

/// Everything below a folder by its path: the mode, and the bytes of a file.
pub(crate) type Tree = BTreeMap<PathBuf, (u32, Option<Vec<u8>>)>;

/// Everything below `folder`, but for the lock, whose bytes are never the same.
pub(crate) fn tree(folder: &Path) -> Tree {
    let mut tree = Tree::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            let metadata = path.symlink_metadata().unwrap();
            let mode = metadata.permissions().mode() & 0o7777;
            let bytes = metadata.is_file().then(|| fs::read(&path).unwrap());
            if metadata.is_dir() {
                folders.push(path.clone());
            }
            tree.insert(path.strip_prefix(folder).unwrap().to_owned(), (mode, bytes));
        }
    }
    tree.remove(Path::new("images.lock"));
    tree
}

pub(crate) fn import(fixture: &Fixture) -> ImageStore {
    let options = ImportOptions::default();
    legacy::import(&fixture.images, &fixture.store_path(), options).unwrap();
    ImageStore::open(fixture.store_path()).unwrap()
}

pub(crate) fn export(
    store: &ImageStore,
    target: &Path,
    mode: ExportMode,
) -> Result<ExportSummary, Error> {
    let options = ExportOptions::default().mode(mode);
    legacy::export(&store.read().unwrap(), target, options)
}

/// The names in a folder.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.collect();
    names.sort();
    names
}
