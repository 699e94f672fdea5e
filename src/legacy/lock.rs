//! The lock of a legacy images directory, as the engines take it.
//!
//! It is a POSIX record lock over the whole of `images.lock`: a read lock to read, a write lock to
//! change. Such a lock belongs to the process, and goes with the first handle of the file that the
//! process closes: one process must not hold two on the same directory.

use std::ffi::OsStr;
use std::fs::File;
use std::path::Path;
use std::thread;
use std::time::Duration;

use rustix::fs::{FlockOperation, Mode, OFlags, fchmod, fcntl_lock, openat};
use rustix::io::Errno;

use super::directory::{Directory, FileKind, Found};
use crate::error::{Error, Result};
use crate::store::WaitLimit;

/// The file that is locked.
pub(crate) const IMAGES_LOCK: &str = "images.lock";

/// The mode that the engines give to the file.
pub(crate) const LOCK_MODE: Mode = Mode::from_raw_mode(0o644);

/// A held lock. It is released when this is dropped, and with the process.
#[derive(Debug)]
pub(crate) struct Lock {
    file: File,
}

impl Lock {
    /// Takes the read lock of the images directory at `path`, and waits up to `timeout` for a
    /// writer. Nothing is written, so it works on a read-only mount.
    ///
    /// `None` where there is no file to lock: no engine uses the directory then.
    ///
    /// # Errors
    ///
    /// - [`Error::LegacyLocked`]: the writer took longer.
    /// - [`Error::LegacySource`]: what lies in its place is no regular file.
    /// - [`Error::Io`].
    pub(crate) fn read(
        directory: &Directory,
        path: &Path,
        timeout: Duration,
    ) -> Result<Option<Self>> {
        let found = directory.own_file(OsStr::new(IMAGES_LOCK));
        let file = match found.map_err(|source| refused("open", path, source))? {
            Found::Opened(file) => file,
            Found::Missing => return Ok(None),
            Found::Other(kind) => return Err(no_file(path, kind)),
        };
        wait(&file, FlockOperation::NonBlockingLockShared, path, timeout)?;
        Ok(Some(Self { file }))
    }

    /// Takes the write lock of the images directory at `path`, and waits up to `timeout` for
    /// readers and writers. The file is created where it is missing, with mode 0644.
    ///
    /// # Errors
    ///
    /// As for [`read`](Self::read).
    pub(crate) fn write(directory: &Directory, path: &Path, timeout: Duration) -> Result<Self> {
        let flags = OFlags::RDWR
            | OFlags::CREATE
            | OFlags::NOFOLLOW
            | OFlags::NONBLOCK
            | OFlags::NOCTTY
            | OFlags::CLOEXEC;
        let name = OsStr::new(IMAGES_LOCK);
        let before = directory
            .kind_of(name)
            .map_err(|source| refused("open", path, source))?;
        if let Some(kind) = before.filter(|kind| *kind != FileKind::File) {
            return Err(no_file(path, kind));
        }
        let opened = openat(directory, name, flags, LOCK_MODE);
        let file = File::from(opened.map_err(|error| refused("open", path, error.into()))?);
        if before.is_none() {
            // Whatever the process's mask says: other users' engines must be able to lock it.
            fchmod(&file, LOCK_MODE).map_err(|error| refused("create", path, error.into()))?;
        }
        let operation = FlockOperation::NonBlockingLockExclusive;
        wait(&file, operation, path, timeout)?;
        Ok(Self { file })
    }

    /// The locked file. No other handle of it may be closed while the lock is to last.
    pub(crate) const fn file(&self) -> &File {
        &self.file
    }
}

/// Tries until the lock is there or `timeout` has passed. The system's own waiting cannot be
/// bounded without signals; writers hold the lock for milliseconds.
fn wait(file: &File, operation: FlockOperation, path: &Path, timeout: Duration) -> Result<()> {
    let limit = WaitLimit::from_now(timeout);
    let mut pauses = limit.pauses();
    loop {
        match fcntl_lock(file, operation) {
            Ok(()) => return Ok(()),
            Err(Errno::INTR) => {}
            Err(Errno::ACCESS | Errno::AGAIN) => match pauses.next() {
                Some(pause) => thread::sleep(pause),
                None => {
                    return Err(Error::LegacyLocked {
                        path: path.join(IMAGES_LOCK),
                        waited: limit.waited(),
                    });
                }
            },
            Err(error) => return Err(refused("lock", path, error.into())),
        }
    }
}

fn refused(action: &'static str, path: &Path, source: std::io::Error) -> Error {
    Error::Io {
        action,
        path: path.join(IMAGES_LOCK),
        source,
    }
}

fn no_file(path: &Path, kind: FileKind) -> Error {
    Error::LegacySource {
        path: path.to_owned(),
        why: format!("its {IMAGES_LOCK} is {kind}"),
    }
}
