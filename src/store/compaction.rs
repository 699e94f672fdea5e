//! Compaction: the pages of a store's file are moved together, and the file is cut.
//!
//! The engine takes pages from wherever they are free and doubles a file that has none left, and
//! pages whose rows are deleted are joined late. So a store whose images are replaced again and
//! again grows: to twice its length as a rule, to four times where transactions are large. Whoever
//! changed that much compacts the file when it closes it ([`AtClose`]).

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::engine::contain;
use crate::error::{Error, Result};
use crate::store::backend;
use crate::store::file::{folder, io_error, size};
use crate::store::open::{open, open_engine};
use crate::store::{Access, OpenOptions};

const PAGE: u64 = backend::PAGE as u64;

/// A handle that changed so many rows for each page of the file compacts it. An image takes some
/// twelve rows and half a page, so this is a tenth of a store's images created or deleted, which
/// takes about as long as the compaction.
const ROWS_A_PAGE: u64 = 2;

/// What a file of this length could give back is not worth the syncs.
const SHORTEST: u64 = 1 << 20;

/// A file that takes more than this on disk is left to whoever asks for a compaction: it would keep
/// others from the store for seconds.
const LARGEST: u64 = 128 << 20;

/// Compacts the store at `path`, which nobody may have open.
///
/// # Errors
///
/// As [`OpenOptions::compact`].
pub(crate) fn compact(path: &Path, options: &OpenOptions) -> Result<()> {
    let options = options.clone().access(Access::Exclusive).create(false);
    // Opening it as a store first refuses what is none, and does what a log has.
    open(path, &options)?.close();
    let mut database = open_engine(path, &options)?;
    contain(|| {
        // It goes on by itself until nothing can be moved.
        database.compact()?;
        Ok(database.close()?)
    })
    .map_err(|failure| failure.at(path))
}

/// What one handle does about the length of its file when it closes it.
pub(super) struct AtClose {
    /// The path of the store, whatever becomes of the current folder.
    store: PathBuf,
    options: OpenOptions,
    changed_rows: AtomicU64,
}

impl AtClose {
    pub(super) fn new(store: PathBuf, options: &OpenOptions) -> Self {
        Self {
            store,
            // Others who have it open go on with it: it is theirs to compact.
            options: options.clone().lock_wait(Duration::ZERO),
            changed_rows: AtomicU64::new(0),
        }
    }

    /// Notes that a transaction changed so many rows.
    pub(super) fn note(&self, rows: u64) {
        self.changed_rows.fetch_add(rows, Ordering::Relaxed);
    }

    /// Compacts the file, which the handle has closed, where that is worth it. The store is whole
    /// whether it succeeds or not, so nobody hears of an error.
    pub(super) fn closed(&self) {
        let compacted = self.is_worth_it().and_then(|worth| {
            if worth {
                compact(&self.store, &self.options)?;
            }
            Ok(worth)
        });
        let path = self.store.display();
        match compacted {
            Ok(true) => tracing::debug!(%path, "compacted at its close"),
            Ok(false) => {}
            Err(error @ (Error::Busy { .. } | Error::NotFound { .. })) => {
                tracing::debug!(%path, %error, "not compacted at its close");
            }
            Err(error) => tracing::warn!(%path, %error, "not compacted at its close"),
        }
    }

    fn is_worth_it(&self) -> Result<bool> {
        let rows = self.changed_rows.load(Ordering::Relaxed);
        if rows < SHORTEST / PAGE * ROWS_A_PAGE {
            return Ok(false);
        }
        let (length, stored) = size(&self.store)?;
        let is_enough = rows >= stored / PAGE * ROWS_A_PAGE;
        Ok(is_enough && length >= SHORTEST && stored <= LARGEST && self.has_room(stored)?)
    }

    /// Whether the disk has room for the pages that are moved: one that is full would leave the file
    /// for the next who opens it to recover.
    fn has_room(&self, stored: u64) -> Result<bool> {
        let folder = folder(&self.store);
        let disk = rustix::fs::statvfs(&folder)
            .map_err(|source| io_error("look for room in", &folder, source.into()))?;
        Ok(disk.f_bavail.saturating_mul(disk.f_frsize) >= stored)
    }
}
