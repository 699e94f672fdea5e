//! A directory that appears whole, or not at all.
//!
//! It is built under a temporary name beside its place, synced, and then given its name without
//! replacing anything, or swapped with what is there in one step. What a killed builder leaves, or
//! the old directory where it was killed before its removal, is removed by the next one: a builder
//! holds a lock on its directory, so one without a lock is dead.

use std::fs::{File, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{
    CWD, FlockOperation, Mode, OFlags, RenameFlags, fchmod, flock, fstat, open, renameat,
    renameat_with,
};
use rustix::io::Errno;
use tempfile::TempDir;

use super::finding::ExportFinding;
use super::images::{self, write_item};
use super::place::{FILE_MODE, FOLDER_MODE};
use super::report::Report;
use crate::error::{Error, Result};
use crate::legacy::directory::Directory;
use crate::legacy::lock::{IMAGES_LOCK, LOCK_MODE};
use crate::legacy::source::{IMAGES_JSON, open_folder, unusable};
use crate::legacy::token;
use crate::store::{Snapshot, folder, io_error, sync_folder};

/// Where the directory goes.
pub(super) struct Target {
    path: PathBuf,
    parent: PathBuf,
    /// The names of temporary directories for this one begin with this.
    prefix: String,
    replaces: bool,
}

impl Target {
    /// Looks whether a directory may be put at `path`.
    pub(super) fn look(path: &Path, may_replace: bool, snapshot: &Snapshot) -> Result<Self> {
        let Some(name) = path.file_name() else {
            return Err(unusable(path, "the path names no folder"));
        };
        let parent = folder(path);
        let replaces = match path.symlink_metadata() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            Err(error) => return Err(io_error("inspect", path, error)),
            Ok(_) if !may_replace => {
                let path = path.to_owned();
                return Err(Error::AlreadyExists { path });
            }
            Ok(metadata) if metadata.is_symlink() => {
                let why = "it is a symbolic link; give the path of the directory itself";
                return Err(unusable(path, why));
            }
            Ok(metadata) if !metadata.is_dir() => {
                return Err(unusable(path, "it is no folder; choose another path"));
            }
            Ok(_) => {
                refuse_other_things(path)?;
                refuse_the_store(path, snapshot.path())?;
                true
            }
        };
        Ok(Self {
            path: parent.join(name),
            parent,
            prefix: format!(".{}.export-", name.to_string_lossy()),
            replaces,
        })
    }

    /// Builds the directory and puts it in its place.
    pub(super) fn write(self, snapshot: &Snapshot, report: &mut Report<'_>) -> Result<()> {
        self.remove_leftovers(report)?;
        let (building, directory) = self.begin()?;
        self.fill(&directory, snapshot, report)?;
        self.place(&building)?;
        sync_folder(&self.parent)?;
        // After a swap, this is the directory that was replaced.
        let left = building.path().to_owned();
        tell_if_left(left, building.close(), report);
        report.summary.directory = self.path;
        Ok(())
    }

    fn fill(
        &self,
        directory: &Directory,
        snapshot: &Snapshot,
        report: &mut Report<'_>,
    ) -> Result<()> {
        let refused = |source| io_error("write", &self.path, source);
        let path = self.path.join(IMAGES_JSON);
        let records = directory.new_file(IMAGES_JSON, FILE_MODE);
        let records = records.map_err(|source| io_error("write", &path, source))?;
        images::write(snapshot, report, records, &path, |image, files, report| {
            if files.is_empty() {
                return Ok(());
            }
            let path = self.path.join(&image.id);
            let refused = |source| io_error("write", &path, source);
            let folder = directory.make_folder(&image.id).map_err(refused)?;
            for (name, key) in files {
                let size = write_item(snapshot, (&image.id, key), &folder, name, &path)?;
                report.item(size);
            }
            folder.sync().map_err(refused)
        })?;
        let lock = || {
            let mut lock = directory.new_file(IMAGES_LOCK, LOCK_MODE)?;
            io::Write::write_all(&mut lock, &token::fresh()?)?;
            lock.sync_all()
        };
        lock().map_err(|source| io_error("write", &self.path.join(IMAGES_LOCK), source))?;
        directory.sync().map_err(refused)
    }

    /// Gives the directory its name. It is whole and on disk by now.
    fn place(&self, building: &TempDir) -> Result<()> {
        let rename = |flags| renameat_with(CWD, building.path(), CWD, &self.path, flags);
        let placed = if self.replaces {
            // Another program may have filled the folder meanwhile.
            refuse_other_things(&self.path)?;
            match rename(RenameFlags::EXCHANGE) {
                Err(Errno::NOENT) => rename(RenameFlags::NOREPLACE),
                // The last is what an overlay says of a directory that lies in a lower layer.
                Err(Errno::INVAL | Errno::NOSYS | Errno::XDEV) => {
                    let what = "this file system cannot swap two directories; move the old one \
                                away and export without --replace";
                    let source = io::Error::new(io::ErrorKind::Unsupported, what);
                    return Err(io_error("replace", &self.path, source));
                }
                placed => placed,
            }
        } else {
            match rename(RenameFlags::NOREPLACE) {
                // Without the flag only an empty directory could be replaced.
                Err(Errno::INVAL | Errno::NOSYS) => renameat(CWD, building.path(), CWD, &self.path),
                placed => placed,
            }
        };
        placed.map_err(|error| match error {
            Errno::EXIST | Errno::NOTEMPTY | Errno::NOTDIR => Error::AlreadyExists {
                path: self.path.clone(),
            },
            Errno::BUSY => io_error(
                "replace a directory that is mounted by itself; export to another path:",
                &self.path,
                error.into(),
            ),
            error => io_error(
                "give its name to the new directory",
                &self.path,
                error.into(),
            ),
        })
    }

    /// Makes the temporary directory, and locks it so that no other builder takes it for a
    /// leftover.
    fn begin(&self) -> Result<(TempDir, Directory)> {
        let refused = |source| io_error("create a new directory beside", &self.path, source);
        loop {
            let building = tempfile::Builder::new()
                .prefix(&self.prefix)
                .permissions(Permissions::from_mode(FOLDER_MODE.bits()))
                .tempdir_in(&self.parent)
                .map_err(refused)?;
            let Ok(handle) = open_locked(building.path()) else {
                // Another took it for a leftover in the moment before the lock.
                continue;
            };
            fchmod(&handle, FOLDER_MODE).map_err(|error| refused(error.into()))?;
            return Ok((building, Directory::new(handle.into())));
        }
    }

    /// Removes the temporary directories of builders that died, and what they had replaced.
    fn remove_leftovers(&self, report: &mut Report<'_>) -> Result<()> {
        let refused = |source| io_error("look for leftovers in", &self.parent, source);
        let entries = self.parent.read_dir();
        let entries = entries.map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => Error::FolderMissing {
                path: self.parent.clone(),
                source,
            },
            _ => refused(source),
        })?;
        for entry in entries {
            let entry = entry.map_err(refused)?;
            let is_temporary = entry
                .file_name()
                .to_string_lossy()
                .starts_with(&self.prefix);
            if !is_temporary || !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                continue;
            }
            // Removed while the lock is held: its builder would notice.
            if let Ok(_lock) = open_locked(&entry.path()) {
                tracing::info!(path = %entry.path().display(), "removing a dead leftover");
                let removed = std::fs::remove_dir_all(entry.path());
                tell_if_left(entry.path(), removed, report);
            }
        }
        Ok(())
    }
}

/// Tells of a directory that could not be removed. Neither this export nor the next one needs it to be
/// gone.
fn tell_if_left(path: PathBuf, removed: io::Result<()>, report: &mut Report<'_>) {
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            let error = error.to_string();
            report.found(ExportFinding::NotRemoved { path, error });
        }
        _ => {}
    }
}

/// Opens and locks a temporary directory that nobody else has.
fn open_locked(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let handle = open(path, flags, Mode::empty())?;
    flock(&handle, FlockOperation::NonBlockingLockExclusive)?;
    let (locked, there) = (fstat(&handle)?, path.symlink_metadata()?);
    if (locked.st_dev, locked.st_ino) != (there.dev(), there.ino()) {
        return Err(io::ErrorKind::NotFound.into());
    }
    Ok(handle.into())
}

/// Refuses to replace a folder that is neither an images directory nor empty: everything in it
/// would be gone.
fn refuse_other_things(path: &Path) -> Result<()> {
    let refused = |source| io_error("list", path, source);
    let mut is_empty = true;
    for entry in path.read_dir().map_err(refused)? {
        let name = entry.map_err(refused)?.file_name();
        if name == IMAGES_JSON || name == IMAGES_LOCK {
            return Ok(());
        }
        is_empty = false;
    }
    if is_empty {
        return Ok(());
    }
    let why = "it holds neither an images.json nor an images.lock; choose another path";
    Err(unusable(path, why))
}

/// Refuses to replace the folder in which the store itself lies: it would be gone with the rest.
fn refuse_the_store(path: &Path, store: &Path) -> Result<()> {
    let target = open_folder(path)?;
    let store = match store.canonicalize() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        found => found.map_err(|source| io_error("inspect", store, source))?,
    };
    for folder in store.ancestors().skip(1) {
        let is_target = target.is_at(folder);
        if is_target.map_err(|source| io_error("inspect", folder, source))? {
            let why = format!(
                "the store {} lies in it and would be removed; move it out, or choose another path",
                store.display()
            );
            return Err(unusable(path, why));
        }
    }
    Ok(())
}
