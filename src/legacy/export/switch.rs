//! The staging folder of an export into a live directory, and how what is in it takes its place.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::path::PathBuf;

use super::layout::item_files;
use super::live::OWNED;
use super::place::FILE_MODE;
use crate::error::{Error, Result};
use crate::legacy::directory::{Directory, Entry, FileKind, Found};
use crate::legacy::source::{IMAGES_JSON, Source};
use crate::read::Lookup as _;
use crate::store::{Snapshot, io_error};

/// Whole folders of images that have none yet.
pub(super) const FOLDERS: &str = "folders";
/// Files for folders that are there.
pub(super) const ADDED: &str = "added";
/// Files in the place of others.
pub(super) const CHANGED: &str = "changed";
/// The old records as they fit while files are replaced.
pub(super) const TRANSITION: &str = "transition.json";

const STAGE: &str = ".tmp-images.json.stage";

/// The staging folder in an images directory.
pub(super) struct Stage<'a> {
    source: &'a Source,
    folder: Directory,
    path: PathBuf,
}

impl<'a> Stage<'a> {
    /// Makes an empty staging folder; that of a killed export is removed.
    pub(super) fn make(source: &'a Source) -> Result<Self> {
        let path = source.path().join(STAGE);
        let make = || {
            let directory = source.directory();
            directory.remove(OsStr::new(STAGE))?;
            let folder = directory.make_folder(STAGE)?;
            for part in [FOLDERS, ADDED, CHANGED] {
                folder.make_folder(part)?;
            }
            Ok(folder)
        };
        let folder = make().map_err(|error| io_error("make the staging folder", &path, error))?;
        Ok(Self {
            source,
            folder,
            path,
        })
    }

    /// Makes a file in the staging folder; its path is for messages.
    pub(super) fn new_file(&self, name: &str) -> Result<(File, PathBuf)> {
        let path = self.path.join(name);
        match self.folder.new_file(name, FILE_MODE) {
            Ok(file) => Ok((file, path)),
            Err(error) => Err(io_error("write", &path, error)),
        }
    }

    /// The staged folder of an image.
    pub(super) fn folder(&self, part: &str, id: &str) -> Result<Directory> {
        let folder = self.folder.existing(part);
        let folder = folder.and_then(|part| part.made_folder(id));
        folder.map_err(|error| io_error("write", &self.path.join(part).join(id), error))
    }

    /// Whether files are to be replaced.
    pub(super) fn has_changed_files(&self) -> Result<bool> {
        let changed = self.folder.existing(CHANGED);
        let entries = changed.and_then(|changed| names(&changed));
        entries
            .map(|names| !names.is_empty())
            .map_err(|error| self.refused(error))
    }

    /// The files of an image that are to be replaced.
    pub(super) fn changed(&self, id: &str) -> Result<Option<Directory>> {
        let changed = self.folder.existing(CHANGED);
        let folder = changed.and_then(|changed| changed.child(OsStr::new(id)));
        match folder.map_err(|error| self.refused(error))? {
            Found::Opened(folder) => Ok(Some(folder)),
            Found::Missing | Found::Other(_) => Ok(None),
        }
    }

    /// Makes everything that is staged outlive a power cut; the files are on disk by now.
    pub(super) fn sync(&self) -> Result<()> {
        let sync = || {
            for part in [FOLDERS, ADDED, CHANGED] {
                let part = self.folder.existing(part)?;
                for id in names(&part)? {
                    part.existing(&id)?.sync()?;
                }
                part.sync()?;
            }
            self.folder.sync()
        };
        sync().map_err(|error| self.refused(error))
    }

    /// Puts everything in its place.
    pub(super) fn switch(&self) -> Result<()> {
        let switch = || {
            let directory = self.source.directory();
            self.folder.move_to(OWNED, directory, OWNED)?;
            directory.sync()?;

            let folders = self.folder.existing(FOLDERS)?;
            for id in names(&folders)? {
                folders.move_to(&id, directory, &id)?;
            }
            self.move_files(ADDED)?;
            directory.sync()?;

            let has_transition = self.folder.kind_of(OsStr::new(TRANSITION))?.is_some();
            if has_transition {
                self.folder.move_to(TRANSITION, directory, IMAGES_JSON)?;
                directory.sync()?;
            }
            self.move_files(CHANGED)?;
            self.folder.move_to(IMAGES_JSON, directory, IMAGES_JSON)?;
            directory.sync()
        };
        switch().map_err(|error: io::Error| io_error("change", self.source.path(), error))
    }

    fn move_files(&self, part: &str) -> io::Result<()> {
        let part = self.folder.existing(part)?;
        for id in names(&part)? {
            let from = part.existing(&id)?;
            let to = self.source.directory().existing(&id)?;
            for name in names(&from)? {
                from.move_to(&name, &to, &name)?;
            }
            to.sync()?;
        }
        Ok(())
    }

    /// Removes the folders of `owned` images that are not in `with_items`, and from the folders of
    /// the images of `snapshot` what is no item of them.
    pub(super) fn remove_what_is_gone(
        &self,
        snapshot: &Snapshot,
        owned: &HashSet<String>,
        with_items: &HashSet<String>,
    ) -> Result<()> {
        let directory = self.source.directory();
        let refused = |error| io_error("clean up", self.source.path(), error);
        for Entry { name, kind } in entries(directory).map_err(refused)? {
            let is_gone = |id: &str| owned.contains(id) && !with_items.contains(id);
            if kind == FileKind::Folder && name.to_str().is_some_and(is_gone) {
                directory.remove(&name).map_err(refused)?;
            }
        }
        for image in snapshot.images()? {
            let image = image?;
            let Ok(files) = item_files(&image) else {
                continue;
            };
            if files.is_empty() {
                continue;
            }
            let folder = directory.existing(&image.id).map_err(refused)?;
            for Entry { name, kind } in entries(&folder).map_err(refused)? {
                let is_item = |name: &str| files.contains_key(name);
                if kind != FileKind::Folder && !name.to_str().is_some_and(is_item) {
                    folder.remove(&name).map_err(refused)?;
                }
            }
        }
        directory.sync().map_err(refused)
    }

    /// Removes the staging folder.
    pub(super) fn remove(&self) -> Result<()> {
        let directory = self.source.directory();
        let remove = || {
            directory.remove(OsStr::new(STAGE))?;
            directory.sync()
        };
        remove().map_err(|error| self.refused(error))
    }

    /// Removes the list of what a killed export may have left, which nothing is any more.
    pub(super) fn forget(&self) -> Result<()> {
        let directory = self.source.directory();
        let forget = || {
            directory.remove(OsStr::new(OWNED))?;
            directory.sync()
        };
        forget().map_err(|error| self.refused(error))
    }

    fn refused(&self, error: io::Error) -> Error {
        io_error("use the staging folder", &self.path, error)
    }
}

fn entries(folder: &Directory) -> io::Result<Vec<Entry>> {
    folder.entries()?.collect()
}

/// The names in a folder that was filled here.
fn names(folder: &Directory) -> io::Result<Vec<String>> {
    let names = folder.entries()?.map(|entry| {
        let name: OsString = entry?.name;
        name.into_string()
            .map_err(|_| io::Error::other("somebody else wrote to it"))
    });
    names.collect()
}
