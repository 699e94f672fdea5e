//! The items of one image in its folder.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::path::PathBuf;

use crate::error::Result;
use crate::legacy::Finding;
use crate::legacy::directory::{Directory, Entry, FileKind, Found};
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
    /// What the folder holds, and whether it was taken as an item.
    listing: Vec<(Entry, Cell<bool>)>,
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
        if is_there {
            return Self::at(source, path);
        }
        Ok(Self {
            source,
            path,
            folder: Found::Missing,
            listing: Vec::new(),
        })
    }

    /// Opens the folder of an image without looking whether it is listed.
    pub(super) fn again(source: &'a Source, id: &'a str) -> Result<Self> {
        Self::at(source, folder_path(id))
    }

    fn at(source: &'a Source, path: Option<Vec<&'a str>>) -> Result<Self> {
        let mut listing = Vec::new();
        let folder = match &path {
            Some(path) => {
                let refused = |action| move |error| source.refused_below(action, path, error);
                let folder = source.directory().folder(path).map_err(refused("open"))?;
                // Of the directory itself, which may hold a million folders, nothing is an item.
                if let (Found::Opened(folder), [_, ..]) = (&folder, path.as_slice()) {
                    let entries = folder.listing().map_err(refused("list"))?;
                    let not_taken = |entry| (entry, Cell::new(false));
                    listing = entries.into_iter().map(not_taken).collect();
                }
                folder
            }
            None => Found::Missing,
        };
        Ok(Self {
            source,
            path,
            folder,
            listing,
        })
    }

    /// The item `key` of the image `id`.
    pub(super) fn item(&self, id: &str, key: &str) -> Result<Item> {
        let without = |finding: fn(String, String) -> Finding| {
            Ok(Item::Without(finding(id.to_owned(), key.to_owned())))
        };
        // In a folder that is not there only these can lead to something, or outside.
        let is_missing = matches!((&self.folder, &self.path), (Found::Missing, Some(_)));
        if is_missing && !key.contains(['.', '\0']) {
            return without(|id, key| Finding::ItemMissing { id, key });
        }
        let file = item_file_name(key);
        let path = self.path.as_deref().and_then(|path| file_path(path, &file));
        let (Some(folder), Some(path)) = (self.path.as_deref(), path) else {
            return without(|id, key| Finding::ItemOutside { id, key });
        };
        let found = match (path.strip_prefix(folder), &self.folder) {
            (Some([name]), Found::Opened(folder)) if self.takes_file(name) => {
                folder.known_file(OsStr::new(name))
            }
            (Some(below), Found::Opened(folder)) => folder.file(below),
            (Some(_), Found::Missing) => Ok(Found::Missing),
            (Some(_), Found::Other(kind)) => Ok(Found::Other(*kind)),
            // A key like `..` leads beside the folder.
            (None, _) => self.source.directory().file(&path),
        };
        let found = found.map_err(|error| self.source.refused_below("open", &path, error))?;
        match found {
            Found::Opened(file) => Ok(Item::Bytes(file)),
            Found::Missing => without(|id, key| Finding::ItemMissing { id, key }),
            Found::Other(kind) => Ok(Item::Without(Finding::ItemNotAFile {
                id: id.to_owned(),
                key: key.to_owned(),
                kind,
            })),
        }
    }

    /// Whether the folder holds a regular file of this name, which is taken then.
    fn takes_file(&self, name: &str) -> bool {
        let is_named = |(entry, _): &&(Entry, _)| entry.name == name;
        match self.listing.iter().find(is_named) {
            Some((entry, taken)) if entry.kind == FileKind::File => {
                taken.set(true);
                true
            }
            _ => false,
        }
    }

    /// What lies in the folder that is no item of the image, whose items were all looked for.
    pub(super) fn unlisted(&self, image: &Image) -> Vec<Finding> {
        let not_taken = self.listing.iter().filter(|(_, taken)| !taken.get());
        let not_taken: Vec<_> = not_taken.map(|(entry, _)| entry).collect();
        let expected: BTreeSet<_> = if not_taken.is_empty() {
            BTreeSet::new()
        } else {
            let files = keys(image).map(item_file_name);
            let first = |file: String| Some((*file_path(&[], &file)?.first()?).to_owned());
            files.filter_map(first).collect()
        };
        let is_expected =
            |entry: &&Entry| (entry.name.to_str()).is_some_and(|name| expected.contains(name));
        let unlisted = not_taken.into_iter().filter(|entry| !is_expected(entry));
        let mut findings: Vec<_> = unlisted.map(|entry| self.unlisted_file(entry)).collect();
        findings.sort_by_key(ToString::to_string);
        findings
    }

    fn unlisted_file(&self, entry: &Entry) -> Finding {
        let folder = self.path.iter().flatten().collect::<PathBuf>();
        Finding::UnlistedFile {
            path: folder.join(&entry.name),
            kind: entry.kind,
        }
    }

    /// What the folder holds: the file of every item that the legacy store could have written, by
    /// its key, and then everything else. `None` where there is no folder.
    pub(super) fn listed(&self) -> Option<Listed> {
        let Found::Opened(_) = &self.folder else {
            return None;
        };
        let mut listed = Listed::default();
        for (entry, _) in &self.listing {
            let key = entry.name.to_str().and_then(item_key);
            match key.filter(|_| entry.kind == FileKind::File) {
                Some(key) => {
                    listed.keys.insert(key);
                }
                None => listed.others.push(self.unlisted_file(entry)),
            }
        }
        Some(listed)
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
