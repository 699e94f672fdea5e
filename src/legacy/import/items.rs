//! The items of one image in its folder.

use std::collections::BTreeSet;
use std::fs::File;
use std::io;

use crate::error::Result;
use crate::legacy::Finding;
use crate::legacy::directory::{Directory, FileKind, Found};
use crate::legacy::item_path::{file_path, folder_path, item_file_name, item_key};
use crate::legacy::source::Source;
use crate::model::Image;

use super::folders::Folders;

/// The folder of an image.
pub(super) struct ItemFolder<'a> {
    source: &'a Source,
    /// The names on the way to it; `None` where its ID leads out of the directory.
    path: Option<Vec<&'a str>>,
    folder: Found<Directory>,
}

/// An item as it lies in the directory.
pub(super) enum Item {
    Bytes(File),
    /// There are none, and why.
    Without(Finding),
}

/// What a folder without a record holds.
#[derive(Default)]
pub(super) struct Listed {
    pub(super) keys: BTreeSet<String>,
    pub(super) others: Vec<Finding>,
}

impl<'a> ItemFolder<'a> {
    pub(super) fn open(source: &'a Source, folders: &Folders, id: &'a str) -> Result<Self> {
        let path = folder_path(id);
        let is_there = match path.as_deref() {
            None => false,
            Some([]) => true,
            Some([first, ..]) => folders.note(first),
        };
        let folder = match &path {
            Some(path) if is_there => source
                .directory()
                .folder(path)
                .map_err(|error| source.refused_below("open", path, error))?,
            _ => Found::Missing,
        };
        Ok(Self {
            source,
            path,
            folder,
        })
    }

    /// Opens the folder of an image without looking whether it is listed.
    pub(super) fn again(source: &'a Source, id: &'a str) -> Result<Self> {
        let path = folder_path(id);
        let folder = match &path {
            Some(path) => source
                .directory()
                .folder(path)
                .map_err(|error| source.refused_below("open", path, error))?,
            None => Found::Missing,
        };
        Ok(Self {
            source,
            path,
            folder,
        })
    }

    /// The item `key` of the image `id`.
    pub(super) fn item(&self, id: &str, key: &str) -> Result<Item> {
        let (id, own_key) = (id.to_owned(), key.to_owned());
        let file = item_file_name(key);
        let path = self.path.as_deref().and_then(|path| file_path(path, &file));
        let (Some(folder), Some(path)) = (self.path.as_deref(), path) else {
            return Ok(Item::Without(Finding::ItemOutside { id, key: own_key }));
        };
        let found = match (path.strip_prefix(folder), &self.folder) {
            (Some(below), Found::Opened(folder)) => folder.file(below),
            (Some(_), Found::Missing) => Ok(Found::Missing),
            (Some(_), Found::Other(kind)) => Ok(Found::Other(*kind)),
            // A key like `..` leads beside the folder.
            (None, _) => self.source.directory().file(&path),
        };
        let found = found.map_err(|error| self.source.refused_below("open", &path, error))?;
        Ok(match found {
            Found::Opened(file) => Item::Bytes(file),
            Found::Missing => Item::Without(Finding::ItemMissing { id, key: own_key }),
            Found::Other(kind) => Item::Without(Finding::ItemNotAFile {
                id,
                key: own_key,
                kind,
            }),
        })
    }

    /// What lies in the folder that is no item of the image.
    pub(super) fn unlisted(&self, image: &Image) -> Result<Vec<Finding>> {
        let (Found::Opened(folder), Some(path @ [_, ..])) = (&self.folder, self.path.as_deref())
        else {
            return Ok(Vec::new());
        };
        let expected: BTreeSet<_> = keys(image)
            .filter_map(|key| {
                let file = item_file_name(key);
                let below = file_path(&[], &file)?;
                below.first().map(|name| (*name).to_owned())
            })
            .collect();
        let refused = |error| self.source.refused_below("list", path, error);
        let mut findings = Vec::new();
        for entry in folder.entries().map_err(refused)? {
            let entry = entry.map_err(refused)?;
            let is_expected = |name: &str| expected.contains(name);
            if !entry.name.to_str().is_some_and(is_expected) {
                let path = path.iter().collect::<std::path::PathBuf>().join(entry.name);
                let kind = entry.kind;
                findings.push(Finding::UnlistedFile { path, kind });
            }
        }
        findings.sort_by_key(ToString::to_string);
        Ok(findings)
    }

    /// What the folder holds: the file of every item that the legacy store could have written, by
    /// its key, and then everything else. `None` where there is no folder.
    pub(super) fn listed(&self) -> Result<Option<Listed>> {
        let (Found::Opened(folder), Some(path)) = (&self.folder, self.path.as_deref()) else {
            return Ok(None);
        };
        let refused = |error| self.source.refused_below("list", path, error);
        let mut listed = Listed::default();
        for entry in folder.entries().map_err(refused)? {
            let entry = entry.map_err(refused)?;
            let key = entry.name.to_str().and_then(item_key);
            match key.filter(|_| entry.kind == FileKind::File) {
                Some(key) => {
                    listed.keys.insert(key);
                }
                None => {
                    let path = path.iter().collect::<std::path::PathBuf>().join(entry.name);
                    let kind = entry.kind;
                    listed.others.push(Finding::UnlistedFile { path, kind });
                }
            }
        }
        Ok(Some(listed))
    }

    /// The error of reading the item `key`.
    pub(super) fn refused(&self, key: &str, error: io::Error) -> crate::Error {
        let file = item_file_name(key);
        let folder = self.path.as_deref().unwrap_or_default();
        let path = file_path(folder, &file).unwrap_or_default();
        self.source.refused_below("read", &path, error)
    }
}

/// The keys of all items that the record of an image mentions, each once: the listed ones in their
/// order, then those of which only a size or a digest is recorded.
pub(super) fn keys(image: &Image) -> impl Iterator<Item = &str> {
    let mut seen = BTreeSet::new();
    let listed = image.big_data_names.iter();
    let all = listed.chain(image.big_data.keys()).map(String::as_str);
    all.filter(move |key| seen.insert(*key))
}
