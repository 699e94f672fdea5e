//! The legacy images directory that is imported.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{Mode, OFlags, open};

use super::directory::{Directory, Entry, FileKind, Found};
use super::json::{JsonError, JsonFault, Position};
use super::lock::{IMAGES_LOCK, Lock};
use crate::error::{Error, Result};
use crate::store::folder;

pub(crate) const IMAGES_JSON: &str = "images.json";
/// The legacy store writes `images.json` under such a name first; a kill leaves it behind.
const TEMPORARY_PREFIX: &str = ".tmp-images.json";
/// An images directory in a storage root is called after its storage driver.
const DIRECTORY_SUFFIX: &str = "-images";

/// An opened images directory.
#[derive(Debug)]
pub(crate) struct Source {
    directory: Directory,
    path: PathBuf,
}

impl Source {
    /// Opens what `path` leads to: an images directory, its `images.json`, or a storage root with
    /// exactly one images directory.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        // Only the path that the operator gave may lead over links.
        let kind = std::fs::metadata(path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => unusable(path, "there is nothing"),
            _ => refused("open", path, error),
        })?;
        if kind.is_dir() {
            let directory = open_folder(path)?;
            return Self::in_folder(directory, path);
        }
        let Some(records) = path.file_name().filter(|_| kind.is_file()) else {
            return Err(unusable(path, "it is neither a folder nor a file"));
        };
        // Whatever lies beside another file would be taken for the folders of images.
        if records != IMAGES_JSON {
            return Err(unusable(
                path,
                "it is a file that is not called images.json",
            ));
        }
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        Ok(Self {
            directory: open_folder(folder)?,
            path: folder.to_owned(),
        })
    }

    fn in_folder(directory: Directory, path: &Path) -> Result<Self> {
        let source = Self {
            directory,
            path: path.to_owned(),
        };
        if source.is_images_directory()? {
            return Ok(source);
        }
        let mut candidates = BTreeSet::new();
        for entry in source.entries()? {
            let Entry { name, kind } = entry?;
            let is_named = name.as_bytes().ends_with(DIRECTORY_SUFFIX.as_bytes());
            if is_named && kind == FileKind::Folder {
                candidates.insert(name);
            }
        }
        let mut remaining = candidates.iter();
        match (remaining.next(), remaining.next()) {
            (Some(name), None) => {
                let path = path.join(name);
                let opened = source.directory.child(name);
                match opened.map_err(|error| refused("open", &path, error))? {
                    Found::Opened(directory) => Ok(Self { directory, path }),
                    Found::Missing | Found::Other(_) => {
                        Err(unusable(&path, "it changed while it was opened"))
                    }
                }
            }
            (None, _) => Err(unusable(
                path,
                "it holds neither an images.json nor a folder whose name ends with -images",
            )),
            (Some(_), Some(_)) => {
                let names: Vec<_> = candidates
                    .iter()
                    .map(|name| name.to_string_lossy().into_owned())
                    .collect();
                let why = format!("it holds several images directories: {}", names.join(", "));
                Err(unusable(path, why))
            }
        }
    }

    /// Whether the folder itself is an images directory. A fresh one has no `images.json` yet.
    fn is_images_directory(&self) -> Result<bool> {
        for name in [IMAGES_JSON, IMAGES_LOCK] {
            let kind = self.directory.kind_of(OsStr::new(name));
            if kind
                .map_err(|error| self.refused("look into", error))?
                .is_some()
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The name that a file of this path has in the directory; `None` where it lies elsewhere.
    pub(crate) fn name_here<'p>(&self, file: &'p Path) -> Result<Option<&'p OsStr>> {
        let folder = folder(file);
        match self.directory.is_at(&folder) {
            Ok(true) => Ok(file.file_name()),
            Ok(false) => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(refused("inspect", &folder, error)),
        }
    }

    /// The path of the directory, for messages.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The path of the file with the records, for messages.
    pub(crate) fn records_path(&self) -> PathBuf {
        self.path.join(IMAGES_JSON)
    }

    /// The file with the records, or `None` where there is none, as in a fresh directory.
    pub(crate) fn records(&self) -> Result<Option<File>> {
        let path = self.records_path();
        let found = self.directory.own_file(OsStr::new(IMAGES_JSON));
        match found.map_err(|error| refused("open", &path, error))? {
            Found::Opened(file) => Ok(Some(file)),
            Found::Missing => Ok(None),
            Found::Other(kind) => Err(unusable(&path, format!("it is {kind}"))),
        }
    }

    /// Takes the lock under which the engines read, as [`Lock::read`].
    pub(crate) fn lock(&self, timeout: Duration) -> Result<Option<Lock>> {
        Lock::read(&self.directory, &self.path, timeout)
    }

    /// The directory itself.
    pub(crate) const fn directory(&self) -> &Directory {
        &self.directory
    }

    /// Everything that lies in the directory itself, but for what belongs to every images
    /// directory.
    pub(crate) fn entries(&self) -> Result<impl Iterator<Item = Result<Entry>> + '_> {
        let entries = self.directory.entries();
        let entries = entries.map_err(|error| self.refused("list", error))?;
        Ok(entries
            .filter(|entry| {
                let own = |name: &OsStr| name == IMAGES_LOCK || name == IMAGES_JSON;
                !entry.as_ref().is_ok_and(|entry| own(&entry.name))
            })
            .map(|entry| entry.map_err(|error| self.refused("list", error))))
    }

    /// The error of the library for one of the text of the records.
    pub(crate) fn records_error(&self, error: JsonError) -> Error {
        let path = self.records_path();
        let Position {
            line,
            column,
            offset,
            ..
        } = error.position();
        match error.into_fault() {
            JsonFault::Read(source) => refused("read", &path, source),
            fault => Error::LegacyRecords {
                path,
                line,
                column,
                offset,
                what: fault.to_string(),
            },
        }
    }

    /// An error of something at `names` in the directory.
    pub(crate) fn refused_below(
        &self,
        action: &'static str,
        names: &[&str],
        error: io::Error,
    ) -> Error {
        let path = names
            .iter()
            .fold(self.path.clone(), |path, name| path.join(name));
        refused(action, &path, error)
    }

    fn refused(&self, action: &'static str, error: io::Error) -> Error {
        refused(action, &self.path, error)
    }
}

/// Whether a file of this name is what a killed writer of `images.json` leaves.
pub(crate) fn is_leftover(name: &OsStr) -> bool {
    name.as_bytes().starts_with(TEMPORARY_PREFIX.as_bytes())
}

pub(crate) fn open_folder(path: &Path) -> Result<Directory> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    open(path, flags, Mode::empty())
        .map(Directory::new)
        .map_err(|error| refused("open", path, error.into()))
}

fn refused(action: &'static str, path: &Path, source: io::Error) -> Error {
    Error::Io {
        action,
        path: path.to_owned(),
        source,
    }
}

/// The error of a path that is no images directory.
pub(crate) fn unusable(path: &Path, why: impl Into<String>) -> Error {
    Error::LegacySource {
        path: path.to_owned(),
        why: why.into(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Read as _;
    use std::os::unix::fs::symlink;
    use std::path::Path;

    use super::Source;

    fn records(path: &Path) -> String {
        let mut text = String::new();
        let source = Source::open(path).unwrap();
        source
            .records()
            .unwrap()
            .unwrap()
            .read_to_string(&mut text)
            .unwrap();
        text
    }

    fn error(path: &Path) -> String {
        Source::open(path).unwrap_err().to_string()
    }

    #[test]
    fn takes_a_directory_its_images_json_or_a_storage_root() {
        let temporary = tempfile::tempdir().unwrap();
        let root = temporary.path();
        let images = root.join("overlay-images");
        fs::create_dir(&images).unwrap();
        fs::create_dir(root.join("overlay-layers")).unwrap();
        fs::write(images.join("images.json"), "[]").unwrap();
        assert_eq!(records(&images), "[]");
        assert_eq!(records(&images.join("images.json")), "[]");
        assert_eq!(records(root), "[]");
        assert_eq!(Source::open(root).unwrap().path, images);
        fs::write(root.join("hostname"), "[]").unwrap();
        assert!(error(&root.join("hostname")).contains("not called images.json"));
    }

    #[test]
    fn a_fresh_directory_has_no_records() {
        let temporary = tempfile::tempdir().unwrap();
        fs::write(temporary.path().join("images.lock"), "").unwrap();
        let source = Source::open(temporary.path()).unwrap();
        assert!(source.records().unwrap().is_none());
    }

    #[test]
    fn a_root_without_or_with_several_images_directories_is_refused_by_name() {
        let temporary = tempfile::tempdir().unwrap();
        let root = temporary.path();
        assert!(error(root).contains("neither an images.json nor"));
        let elsewhere = tempfile::tempdir().unwrap();
        symlink(elsewhere.path(), root.join("linked-images")).unwrap();
        fs::write(root.join("file-images"), "").unwrap();
        assert!(error(root).contains("neither an images.json nor"));
        fs::create_dir(root.join("vfs-images")).unwrap();
        fs::create_dir(root.join("overlay-images")).unwrap();
        assert!(error(root).contains("several images directories: overlay-images, vfs-images"));
    }

    #[test]
    fn records_behind_a_link_are_not_read() {
        let temporary = tempfile::tempdir().unwrap();
        let elsewhere = temporary.path().join("elsewhere");
        fs::write(&elsewhere, "[]").unwrap();
        let images = temporary.path().join("images");
        fs::create_dir(&images).unwrap();
        symlink(&elsewhere, images.join("images.json")).unwrap();
        let error = Source::open(&images).unwrap().records().unwrap_err();
        assert!(
            error.to_string().contains("it is a symbolic link"),
            "{error}"
        );
    }
}
