//! The file of a redo log, beside the store's own.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use redb::StorageBackend as _;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use crate::codec::{
    BLOCK, LONGEST, LogId, blocks, decode_header, encode_entry, encode_header, may_be_log,
};
use crate::engine::{Failure, Outcome, run_callers};
use crate::random::random;
use crate::store::backend::{Backend, Storage};
use crate::store::file::{folder, identity, io_error, open_existing, share_as, sync_folder};

/// Where the first entry begins.
pub(super) const FIRST: u64 = BLOCK as u64;

/// The file grows by so much, zeros written and synced: an append within what is there changes no
/// metadata of the file, and its sync waits for no journal of the file system.
const GROWTH: u64 = 256 << 10;

/// No entry is written beyond this: what the log holds must be done again after a crash.
const MOST: u64 = 2 << 20;

/// The log is full with so many changed rows, too, and with more of them in a larger store. Each may
/// have made a page anew, and until the engine commits durably the old ones cannot be used again: by
/// that the file grows.
const FEWEST_ROWS: u64 = 500;
const MOST_ROWS: u64 = 8_000;

/// A store whose file is no longer has so few pages that all of them may be made anew.
const SMALL: u64 = 8 << 20;

/// So many bytes of the store's file allow for one row: a sixteenth of its pages.
const BYTES_A_ROW: u64 = 16 * 4096;

/// The longest that a log can be.
pub(super) const LONGEST_FILE: u64 = FIRST + MOST + blocks(LONGEST) as u64 + GROWTH;

/// What could not be done where a log cannot be read.
pub(in crate::store) const READ: &str = "read the redo log";

/// The path of the log of a store.
pub(crate) fn path(store: &Path) -> PathBuf {
    let mut name = store.file_name().unwrap_or_default().to_owned();
    name.push("-redo");
    folder(store).join(name)
}

/// A log that is written to.
pub(super) struct LogFile {
    /// The store's own file, for its length.
    store: File,
    backend: Backend,
    path: PathBuf,
    /// Device and number of the file.
    found: (u64, u64),
    id: LogId,
    /// Where the next entry goes.
    next: u64,
    /// The length of the file.
    end: u64,
    /// How many rows its entries change, and may change.
    rows: u64,
    most_rows: u64,
}

impl LogFile {
    /// Creates an empty log beside a store that has none. It and its name are on disk.
    ///
    /// # Errors
    ///
    /// Also where the path no longer leads to the file that this process has open, or to another
    /// file system: a log there would not be found, or would be another store's.
    pub(super) fn create(store: &Path, opened: (u64, u64), storage: &Storage) -> Outcome<Self> {
        let path = path(store);
        let refused = |error| Failure::from(io_error("create the redo log", &path, error));
        let beside = open_existing(store, false)?;
        if identity(&beside, store)? != opened {
            return Err(refused(io::Error::other("the store was moved")));
        }
        // The store's own file knows of no log, so one that is there is left over.
        if is_log(&path).map_err(refused)? {
            remove(store)?;
        }
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW;
        let mode = Mode::RUSR | Mode::WUSR;
        let file = rustix::fs::open(&path, flags | OFlags::CLOEXEC, mode)
            .map_err(|error| refused(error.into()))?;
        let file = File::from(file);
        let written = Self::fill(&file, &path, beside, opened, storage);
        if written.is_err() {
            let _ = std::fs::remove_file(&path);
        }
        written.map_err(|error| match error {
            Failure::Engine(redb::Error::Io(error)) => refused(error),
            failure => failure,
        })
    }

    fn fill(
        file: &File,
        path: &Path,
        store: File,
        opened: (u64, u64),
        storage: &Storage,
    ) -> Outcome<Self> {
        let refused = |error| Failure::Engine(redb::Error::Io(error));
        let found = identity(file, path)?;
        if found.0 != opened.0 {
            let elsewhere = io::Error::other("it would be on another file system than the store");
            return Err(refused(elsewhere));
        }
        let shared = store.metadata().and_then(|store| share_as(&store, file));
        shared.map_err(refused)?;
        let mut log = Self {
            store,
            backend: storage.redo(file.try_clone().map_err(refused)?)?,
            path: path.to_owned(),
            found,
            id: random().map_err(refused)?,
            next: FIRST,
            end: FIRST,
            rows: 0,
            most_rows: FEWEST_ROWS,
        };
        log.restart();
        log.backend.set_len(0).map_err(refused)?;
        let header = encode_header(&log.id);
        log.backend.write(0, &header).map_err(refused)?;
        log.grow().map_err(refused)?;
        sync_folder(&folder(path))?;
        Ok(log)
    }

    pub(super) const fn id(&self) -> &LogId {
        &self.id
    }

    /// Makes room for an entry of so many bytes that change so many rows; `false` where there shall be
    /// none.
    pub(super) fn make_room(&mut self, changes: usize, rows: u64) -> bool {
        let end = self.next + blocks(changes) as u64;
        if end > FIRST + MOST || self.rows + rows > self.most_rows {
            return false;
        }
        while end > self.end {
            if let Err(error) = self.grow() {
                run_callers(|| {
                    tracing::warn!(log = %self.path.display(), %error, "the redo log cannot grow");
                });
                return false;
            }
        }
        true
    }

    fn grow(&mut self) -> io::Result<()> {
        let zeros = vec![0; usize::try_from(GROWTH).unwrap_or_default()];
        self.backend.write(self.end, &zeros)?;
        self.backend.sync_data()?;
        self.end += GROWTH;
        Ok(())
    }

    /// Appends an entry for which there is room. When this returns, it is on disk.
    pub(super) fn append(&mut self, generation: u64, changes: &[u8], rows: u64) -> Outcome<()> {
        let entry = encode_entry(&self.id, generation, changes)?;
        self.backend
            .write(self.next, &entry)
            .and_then(|()| self.backend.sync_data())
            .map_err(|error| io_error("write to the redo log", &self.path, error))?;
        self.next += entry.len() as u64;
        self.rows += rows;
        Ok(())
    }

    /// Begins again from the start: all that was appended is on disk in the store's own file.
    pub(super) fn restart(&mut self) {
        self.next = FIRST;
        self.rows = 0;
        let length = self.store.metadata().map_or(0, |store| store.len());
        self.most_rows = if length <= SMALL {
            MOST_ROWS
        } else {
            (length / BYTES_A_ROW).clamp(FEWEST_ROWS, MOST_ROWS)
        };
    }

    /// Removes the log, unless another file has its name by now.
    pub(super) fn remove(self, store: &Path) -> Outcome<()> {
        match std::fs::symlink_metadata(&self.path) {
            Ok(there) if (there.dev(), there.ino()) == self.found => remove(store),
            _ => Ok(()),
        }
    }
}

/// Removes what has the name of a store's log.
pub(crate) fn remove(store: &Path) -> Outcome<()> {
    let path = path(store);
    match std::fs::remove_file(&path) {
        Ok(()) => Ok(sync_folder(&folder(store))?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(io_error("remove the redo log", &path, error).into()),
    }
}

/// Removes the log of a store that needs none, if it can be: it means nothing any more. What is no
/// log stays where it is.
pub(crate) fn remove_leftover(store: &Path) {
    let path = path(store);
    let removed = match is_log(&path) {
        Ok(true) => remove(store),
        Ok(false) => Ok(()),
        Err(error) => Err(io_error(READ, &path, error).into()),
    };
    if let Err(failure) = removed {
        tracing::warn!(store = %store.display(), %failure, "a redo log is left over");
    }
}

/// Whether there is a file at the path of a log that may be one.
fn is_log(path: &Path) -> io::Result<bool> {
    let Some(file) = open_file(path)? else {
        return Ok(false);
    };
    let mut beginning = Vec::with_capacity(BLOCK);
    file.take(BLOCK as u64).read_to_end(&mut beginning)?;
    Ok(may_be_log(&beginning))
}

/// Opens a file to read; `None` where there is none. No link is followed, and nothing is waited for.
fn open_file(path: &Path) -> io::Result<Option<File>> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(file) => File::from(file),
        Err(Errno::NOENT | Errno::LOOP) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    Ok(file.metadata()?.is_file().then_some(file))
}

/// What the log of a store holds behind its header; `None` where there is no log with this identity.
pub(super) fn read(store: &Path, storage: &Storage, id: &LogId) -> Outcome<Option<Vec<u8>>> {
    let Some(mut bytes) = read_whole(store, storage)? else {
        return Ok(None);
    };
    // It had grown before anything named it: one that is shorter was cut, or is a copy in part.
    if (bytes.len() as u64) < FIRST + GROWTH {
        return Ok(None);
    }
    let entries = bytes.split_off(BLOCK);
    Ok((decode_header(&bytes) == Some(*id)).then_some(entries))
}

/// What lies behind the header of a log, whatever the header says, and be it cut short: each entry says
/// itself of which log it is. `None` where none could be a log.
pub(super) fn read_damaged(store: &Path, storage: &Storage) -> Outcome<Option<Vec<u8>>> {
    let bytes = read_whole(store, storage)?;
    Ok(bytes.map(|mut bytes| bytes.split_off(BLOCK.min(bytes.len()))))
}

/// Everything in the file at the path of a store's log; `None` where none could be a log. No link is
/// followed, nothing but a file is read, and no more than a log can hold.
pub(super) fn read_whole(store: &Path, storage: &Storage) -> Outcome<Option<Vec<u8>>> {
    let path = path(store);
    let refused = |error| Failure::from(io_error(READ, &path, error));
    let Some(file) = open_file(&path).map_err(refused)? else {
        return Ok(None);
    };
    let backend = storage.redo(file)?;
    let length = backend.len().map_err(refused)?;
    if length > LONGEST_FILE {
        return Ok(None);
    }
    let mut bytes = vec![0; usize::try_from(length).unwrap_or_default()];
    backend.read(0, &mut bytes).map_err(refused)?;
    Ok(Some(bytes))
}
