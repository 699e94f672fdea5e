//! Reading and checking a file without changing a byte of it.
//!
//! The engine recovers a file, and checks its pages, only where it may write. Here it writes to an
//! [`Overlay`] in memory, so neither changes the file, and a file that may not be written to is
//! checked like any other.

use std::io;
use std::ops::Bound;
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use redb::{BackendError, Builder, Database, StorageBackend};

use crate::engine::contain;
use crate::error::Result;
use crate::store::backend::Overlay;
use crate::store::file::{io_error, open_existing};
use crate::store::header::MAGIC;
use crate::store::open::explain;
use crate::store::{Access, ImageStore, OpenOptions, Snapshot, WaitLimit, redo};

/// The byte that a writer of the engine locks exclusively from the beginning of a transaction to
/// its end (docs/design.md of redb, "Lock bytes"). A shared lock on it is to be had for one who may
/// only read.
const WRITER_BYTE: Bound<u64> = Bound::Included(1 << 62);

/// Whether a store is opened so that its file stays as it is, which is only of use read-only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Untouched {
    /// Where the last writer died, the file is mended.
    #[default]
    No,
    /// Where the last writer died, the engine recovers the file in memory.
    Yes,
    /// Also where the file does not begin as one of the engine's: in memory, it does.
    BeginningAnew,
}

/// How many times the engine reads the pages in use when it checks them.
const READS: u64 = 3;

/// How often a caller is told how far a check of the pages is.
const TELL_EVERY: Duration = Duration::from_millis(100);

/// The file at `path` as storage for the engine, opened to read only.
fn below(path: &Path, options: &OpenOptions) -> Result<impl StorageBackend + use<>> {
    let file = open_existing(path, false)?;
    options.storage.on(file).map_err(|failure| failure.at(path))
}

/// The same once nobody writes to it, and then nobody does until it is closed; readers go on.
///
/// # Errors
///
/// [`Error::Busy`](crate::Error::Busy) where another still writes at the deadline.
fn without_writers(
    path: &Path,
    options: &OpenOptions,
    wait: WaitLimit,
) -> Result<impl StorageBackend + use<>> {
    let refused = |error| io_error("lock", path, io::Error::other(error));
    let below = below(path, options)?;
    match below.try_lock_shared_range(WRITER_BYTE, WRITER_BYTE) {
        // Where there are no locks, nobody shares the file.
        Ok(true) | Err(BackendError::Unsupported) => return Ok(below),
        Ok(false) => {}
        Err(error) => return Err(refused(error)),
    }
    // Asking again and again would starve behind a busy writer.
    let (locked, is_locked) = mpsc::sync_channel(1);
    let helper = move || {
        let outcome = below.lock_shared_range(WRITER_BYTE, WRITER_BYTE);
        // Where nobody waits any more, the file is closed, and with it the lock is gone.
        let _ = locked.send(outcome.map(|()| below));
    };
    thread::Builder::new()
        .name("image-store-lock".to_owned())
        .spawn(helper)
        .map_err(|source| io_error("start a thread to lock", path, source))?;
    match is_locked.recv_timeout(wait.left()) {
        Ok(locked) => locked.map_err(refused),
        Err(_) => Err(wait.busy(path)),
    }
}

/// Opens the file at `path` as it is, and mends it in memory where the last writer died or was of an
/// older version. Where the options say so, a file that does not begin as one of the engine's is
/// taken for one.
///
/// Nobody writes to the file until the database is closed: others wait.
pub(super) fn open(path: &Path, options: &OpenOptions) -> Result<Database> {
    let overlay = overlay(path, options)?;
    if options.untouched == Untouched::BeginningAnew {
        let refused = |source| io_error("read", path, source);
        overlay.write(0, &MAGIC).map_err(refused)?;
    }
    let opened = contain(|| {
        let database = engine(options).create_with_backend(overlay)?;
        if options.unmended {
            return Ok(database);
        }
        match redo::recover_copy(&database, path, options) {
            // It is taken as it is, whatever is missing.
            Err(failure) if options.untouched == Untouched::BeginningAnew => {
                tracing::warn!(%failure, "it cannot be brought to its latest state");
            }
            done => drop(done?),
        }
        Ok(database)
    });
    opened.map_err(|failure| explain(failure, path))
}

/// The same, with as much of a damaged redo log as can be read, and how many entries that is.
pub(super) fn open_with_part_of_log(path: &Path, options: &OpenOptions) -> Result<(Database, u64)> {
    let overlay = overlay(path, options)?;
    let opened = contain(|| {
        let database = engine(options).create_with_backend(overlay)?;
        let entries = redo::recover_copy_in_part(&database, path, options)?;
        Ok((database, entries))
    });
    opened.map_err(|failure| explain(failure, path))
}

/// An overlay on the file at `path`, which nobody writes to until it is closed.
pub(super) fn overlay(
    path: &Path,
    options: &OpenOptions,
) -> Result<Overlay<impl StorageBackend + use<>>> {
    let wait = WaitLimit::from_now(options.lock_wait);
    let overlay = Overlay::on(without_writers(path, options, wait)?);
    overlay.map_err(|source| io_error("read", path, source))
}

/// Whether the engine opens the file at `path` to write and closes it well. It is tried in memory.
pub(super) fn opens_to_write(path: &Path, options: &OpenOptions) -> Result<()> {
    let overlay = Overlay::on(below(path, options)?);
    let overlay = overlay.map_err(|source| io_error("read", path, source))?;
    let closed = contain(|| Ok(engine(options).create_with_backend(overlay)?.close()?));
    closed.map_err(|failure| explain(failure, path))
}

/// An overlay has no locks, so the engine opens it as if it were alone.
pub(super) fn engine(options: &OpenOptions) -> Builder {
    let mut builder = Builder::new();
    builder.set_cache_size(options.cache_for(0));
    builder
}

impl ImageStore {
    /// Has the engine check every page of the file against its checksum, and its own book-keeping,
    /// and returns what it finds wrong. The file is not written to. `progress` is told of bytes
    /// done and in all.
    ///
    /// Nobody is kept waiting: no page of the present state is used again while an earlier snapshot
    /// is kept, and what is found to be sound was sound, since each page is held against a checksum in
    /// the page that refers to it. Damage that is found while somebody wrote is not believed at once
    /// (the header itself may have been read half written): then the check is made once more, with
    /// writers kept out.
    ///
    /// # Errors
    ///
    /// Those of [`write`](Self::write), without having to write: `Busy`, `NestedTransaction`, `Io`,
    /// `Forked`.
    pub(crate) fn check_pages(
        &self,
        _kept: &Snapshot,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Option<String>> {
        let (path, options) = (self.path(), self.open_options());
        let checked = self.check_pages_of(below(path, options)?, progress)?;
        match checked {
            Checked { damage: None, .. } => return Ok(None),
            Checked {
                damage,
                moved_on: false,
            } => return Ok(damage),
            Checked { damage, .. } => tracing::debug!(?damage, "written to meanwhile; once more"),
        }
        let wait = self.wait_limit();
        let _pass = self
            .gate()
            .enter(wait.deadline())
            .map_err(|refused| self.refused(refused, wait))?;
        // Of an exclusive access all writers are in this process, and pass the gate.
        let checked = match self.access() {
            Access::Exclusive => self.check_pages_of(below(path, options)?, progress)?,
            Access::Shared | Access::ReadOnly => {
                self.check_pages_of(without_writers(path, options, wait)?, progress)?
            }
        };
        Ok(checked.damage)
    }

    fn check_pages_of(
        &self,
        below: impl StorageBackend,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Checked> {
        let (path, options) = (self.path(), self.open_options());
        let overlay = Overlay::on(below).map_err(|source| io_error("read", path, source))?;
        let total = overlay
            .len()
            .map_err(|source| io_error("inspect", path, source))?;
        let (done, is_done) = mpsc::sync_channel(1);
        let on_overlay = overlay.clone();
        let damage = thread::scope(|scope| {
            let check = move || {
                let _ = done.send(check(on_overlay, options));
            };
            thread::Builder::new()
                .name("image-store-pages".to_owned())
                .spawn_scoped(scope, check)
                .map_err(|source| io_error("start a thread to check", path, source))?;
            loop {
                progress((overlay.bytes_read() / READS).min(total), total);
                match is_done.recv_timeout(TELL_EVERY) {
                    Ok(damage) => return Ok(damage),
                    Err(mpsc::RecvTimeoutError::Timeout) => {}
                    // The thread tells what it found, or panics in spite of all.
                    Err(mpsc::RecvTimeoutError::Disconnected) => {
                        return Ok(Some("the check of the pages did not end".to_owned()));
                    }
                }
            }
        })?;
        progress(total, total);
        tracing::debug!(
            read = overlay.bytes_read(),
            kept = overlay.bytes_kept(),
            "checked pages"
        );
        let moved_on = overlay
            .moved_on()
            .map_err(|source| io_error("read", path, source))?;
        Ok(Checked { damage, moved_on })
    }
}

/// What a check of the pages found.
struct Checked {
    damage: Option<String>,
    /// Whether others wrote meanwhile.
    moved_on: bool,
}

fn check(overlay: impl StorageBackend, options: &OpenOptions) -> Option<String> {
    let checked = contain(|| {
        let mut database = engine(options).create_with_backend(overlay)?;
        Ok(database.check_integrity()?)
    });
    match checked {
        Ok(true) => None,
        Ok(false) => Some("its own book-keeping is wrong".to_owned()),
        Err(failure) => Some(failure.to_string()),
    }
}
