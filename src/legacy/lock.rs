//! The lock of a legacy images directory, which engines take too.
//!
//! It is a POSIX record lock over the whole of `images.lock`. Such a lock belongs to the process:
//! it is gone as soon as the process closes any handle of the file, so while one is held nothing
//! else here may open `images.lock`.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{FileType, FlockOperation, Mode, OFlags, fchmod, fcntl_lock, fstat, openat};
use rustix::io::Errno;

use super::directory::Directory;
use super::token;
use crate::error::{Error, Result};

pub(crate) const IMAGES_LOCK: &str = "images.lock";
/// The mode that the legacy store gives it.
pub(crate) const LOCK_MODE: Mode = Mode::RUSR
    .union(Mode::WUSR)
    .union(Mode::RGRP)
    .union(Mode::ROTH);

const SHORTEST_WAIT: Duration = Duration::from_millis(1);
const LONGEST_WAIT: Duration = Duration::from_millis(50);

/// The lock under which an images directory is changed, until it is dropped.
#[derive(Debug)]
pub(crate) struct WriteLock(File);

impl WriteLock {
    /// Waits for the lock of `directory`, which is at `path`, for no longer than `timeout`.
    ///
    /// # Errors
    ///
    /// [`Error::LegacyBusy`] where others held it for longer; [`Error::Io`].
    pub(crate) fn take(directory: &Directory, path: &Path, timeout: Duration) -> Result<Self> {
        let path = path.join(IMAGES_LOCK);
        let refused = |action| {
            let path = path.clone();
            move |source| Error::Io {
                action,
                path,
                source,
            }
        };
        let file = open(directory).map_err(refused("open"))?;
        let begun = Instant::now();
        let mut wait = SHORTEST_WAIT;
        loop {
            match fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(Self(file)),
                Err(Errno::AGAIN | Errno::ACCESS | Errno::INTR) => {}
                Err(error) => return Err(refused("lock")(error.into())),
            }
            let waited = begun.elapsed();
            if waited >= timeout {
                return Err(Error::LegacyBusy { path, waited });
            }
            thread::sleep(wait.min(timeout.saturating_sub(waited)));
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }

    /// Tells everybody who has read the directory before that it changed.
    pub(crate) fn touch(&self) -> io::Result<()> {
        self.0.write_all_at(&token::fresh(), 0)?;
        self.0.sync_all()
    }
}

fn open(directory: &Directory) -> io::Result<File> {
    const FLAGS: OFlags = OFlags::RDWR
        .union(OFlags::NOFOLLOW)
        .union(OFlags::NONBLOCK)
        .union(OFlags::NOCTTY)
        .union(OFlags::CLOEXEC);
    let file = match openat(directory, IMAGES_LOCK, FLAGS, Mode::empty()) {
        Err(Errno::NOENT) => {
            let file = openat(directory, IMAGES_LOCK, FLAGS | OFlags::CREATE, LOCK_MODE)?;
            fchmod(&file, LOCK_MODE)?;
            file
        }
        opened => opened?,
    };
    if FileType::from_raw_mode(fstat(&file)?.st_mode) != FileType::RegularFile {
        return Err(io::Error::other("it is no regular file"));
    }
    Ok(file.into())
}
