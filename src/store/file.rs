//! The store's file as the system sees it.

use std::ffi::OsString;
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use rustix::fs::{Gid, Mode, OFlags, Uid};

use crate::error::{Error, Result};

/// Opens the file of a store that exists.
///
/// Symbolic links are refused: where a store's name can be replaced by another user, following it
/// would write to a file of that user's choice. Opening does not block on a FIFO.
///
/// # Errors
///
/// [`Error::NotFound`], [`Error::NotAStore`], [`Error::Io`].
pub(crate) fn open_existing(path: &Path, writable: bool) -> Result<File> {
    let access = if writable {
        OFlags::RDWR
    } else {
        OFlags::RDONLY
    };
    let flags = access | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(fd) => File::from(fd),
        Err(error) => return Err(explain_open(path, error.into())),
    };
    let metadata = file
        .metadata()
        .map_err(|source| io_error("inspect", path, source))?;
    if !metadata.is_file() {
        return Err(not_a_store(path, describe(metadata.file_type())));
    }
    if metadata.len() == 0 {
        return Err(not_a_store(path, "it is empty"));
    }
    Ok(file)
}

/// Says why opening failed, and of a thing that is no file, what it is.
fn explain_open(path: &Path, source: io::Error) -> Error {
    if source.kind() == io::ErrorKind::NotFound {
        return Error::NotFound {
            path: path.to_owned(),
        };
    }
    match path.symlink_metadata() {
        Ok(metadata) if !metadata.is_file() => not_a_store(path, describe(metadata.file_type())),
        _ => io_error("open", path, source),
    }
}

fn describe(file_type: std::fs::FileType) -> &'static str {
    if file_type.is_symlink() {
        "it is a symbolic link"
    } else if file_type.is_dir() {
        "it is a folder"
    } else if file_type.is_fifo() {
        "it is a FIFO"
    } else if file_type.is_socket() {
        "it is a socket"
    } else {
        "it is a device"
    }
}

/// What identifies a file whatever it is called: device and inode.
pub(super) fn identity(file: &File, path: &Path) -> Result<(u64, u64)> {
    let metadata = file
        .metadata()
        .map_err(|source| io_error("inspect", path, source))?;
    Ok((metadata.dev(), metadata.ino()))
}

/// The length of the file of a store and the bytes that it takes on disk.
pub(crate) fn size(path: &Path) -> Result<(u64, u64)> {
    let metadata = open_existing(path, false)?
        .metadata()
        .map_err(|source| io_error("inspect", path, source))?;
    // The unit of `blocks` is 512 bytes, whatever the file system's block is.
    Ok((metadata.len(), metadata.blocks() * 512))
}

/// Whether anything is at `path`, be it a link that leads nowhere.
///
/// # Errors
///
/// [`Error::Io`] where the system does not say.
pub(crate) fn is_there(path: &Path) -> Result<bool> {
    match path.symlink_metadata() {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(io_error("look at", path, error)),
    }
}

/// The folder that `path` is in.
pub(crate) fn folder(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// The last component of `path`.
pub(super) fn name(path: &Path) -> Result<OsString> {
    path.file_name()
        .map(ToOwned::to_owned)
        .ok_or_else(|| not_a_store(path, "the path names no file"))
}

/// Makes a new name in a folder outlive a power cut.
pub(crate) fn sync_folder(folder: &Path) -> Result<()> {
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|source| io_error("sync the folder", folder, source))
}

pub(crate) fn not_a_store(path: &Path, why: &str) -> Error {
    Error::NotAStore {
        path: path.to_owned(),
        why: why.to_owned(),
    }
}

pub(crate) fn io_error(action: &'static str, path: &Path, source: io::Error) -> Error {
    Error::Io {
        action,
        path: path.to_owned(),
        source,
    }
}

/// The error of putting something in the place of the file `replaced`, or of giving it a second name:
/// where it is mounted by itself, as into a container, the system's word alone does not say what to do.
pub(crate) fn place_error(
    action: &'static str,
    named: &Path,
    replaced: &Path,
    source: io::Error,
) -> Error {
    match source.kind() {
        io::ErrorKind::ResourceBusy | io::ErrorKind::CrossesDevices => io_error(
            "replace a file that is mounted by itself; mount the folder that it is in instead:",
            replaced,
            source,
        ),
        _ => io_error(action, named, source),
    }
}

/// Lets those who may use the file that is described use `file`: the same mode but for rights to
/// execute, owner and group, as far as this process may give them away.
pub(super) fn share_as(described: &Metadata, file: &File) -> io::Result<()> {
    let made = file.metadata()?;
    if (described.uid(), described.gid()) != (made.uid(), made.gid()) {
        let (owner, group) = (
            Uid::from_raw(described.uid()),
            Gid::from_raw(described.gid()),
        );
        // Only some may give a file away; who may not may still give it to a group of theirs.
        if rustix::fs::fchown(file, Some(owner), Some(group)).is_err() {
            let _ = rustix::fs::fchown(file, None, Some(group));
        }
    }
    rustix::fs::fchmod(file, Mode::from_raw_mode(described.mode() & 0o666))?;
    Ok(())
}
