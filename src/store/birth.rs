//! How a new store comes into being: whole, or not at all.
//!
//! A kill inside the engine's own creation leaves a file that can never be opened. So a store is
//! built under a temporary name beside its place, closed, synced, and then given its name without
//! replacing anything; nothing is ever created on the final path. What a killed builder leaves is
//! removed by the next one: a builder holds a lock on its file, so one without a lock is dead.

use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;

use tempfile::{NamedTempFile, PersistError};

use crate::engine::{Failure, contain};
use crate::error::{Error, Result};
use crate::migrations;
use crate::store::backend::Storage;
use crate::store::file::{folder, io_error, name, sync_folder};

/// Creates an empty store at `path`.
///
/// # Errors
///
/// [`Error::AlreadyExists`] where something is there by then; it is left alone.
pub(super) fn create(path: &Path, storage: &Storage) -> Result<()> {
    remove_leftovers(path)?;
    let file = built(path, storage)?;
    match file.persist_noclobber(path) {
        Ok(_) => {}
        Err(PersistError { error, .. }) if error.kind() == io::ErrorKind::AlreadyExists => {
            return Err(Error::AlreadyExists {
                path: path.to_owned(),
            });
        }
        Err(PersistError { error, .. }) => {
            return Err(io_error("give its name to the new store", path, error));
        }
    }
    sync_folder(&folder(path))?;
    tracing::info!(path = %path.display(), "created a store");
    Ok(())
}

/// A complete store in a temporary file, on disk and locked.
fn built(path: &Path, storage: &Storage) -> Result<NamedTempFile> {
    loop {
        let file = temporary(path)?;
        build(file.as_file(), storage).map_err(|failure| failure.at(path))?;
        file.as_file()
            .sync_all()
            .map_err(|source| io_error("sync the new store", path, source))?;
        // The engine's close has released the lock.
        if is_kept(&file, path)? {
            return Ok(file);
        }
    }
}

/// Locks a temporary file, and says whether it is still there: another builder may have taken it
/// for a leftover while it was not locked.
fn is_kept(file: &NamedTempFile, path: &Path) -> Result<bool> {
    file.as_file()
        .lock()
        .map_err(|source| io_error("lock the new store", path, source))?;
    Ok(file.path().exists())
}

/// Writes an empty store into an empty file.
fn build(file: &File, storage: &Storage) -> std::result::Result<(), Failure> {
    contain(|| {
        let file = file.try_clone().map_err(redb::StorageError::Io)?;
        let database = redb::Builder::new().create_with_backend(storage.on(file)?)?;
        let transaction = database.begin_write()?;
        migrations::migrate(&transaction)?;
        transaction.commit()?;
        database.close()?;
        Ok(())
    })
}

/// The names of temporary files for the store at `path` begin with this.
fn temporary_prefix(path: &Path) -> Result<String> {
    Ok(format!(".{}.new-", name(path)?.to_string_lossy()))
}

/// Creates a locked temporary file beside `path`, with mode 0600.
fn temporary(path: &Path) -> Result<NamedTempFile> {
    let prefix = temporary_prefix(path)?;
    let folder = folder(path);
    loop {
        let file = tempfile::Builder::new()
            .prefix(&prefix)
            .tempfile_in(&folder)
            .map_err(|source| io_error("create a new store beside", path, source))?;
        if is_kept(&file, path)? {
            return Ok(file);
        }
    }
}

/// Removes the temporary files of builders that died.
fn remove_leftovers(path: &Path) -> Result<()> {
    let prefix = temporary_prefix(path)?;
    let folder = folder(path);
    let refused = |source| io_error("look for leftovers in", &folder, source);
    for entry in folder.read_dir().map_err(refused)? {
        let entry = entry.map_err(refused)?;
        let is_temporary = entry.file_name().to_string_lossy().starts_with(&prefix);
        let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
        if !is_temporary || !is_file {
            continue;
        }
        // Somebody else may be doing the same.
        let Ok(file) = File::open(entry.path()) else {
            continue;
        };
        match file.try_lock() {
            Ok(()) => {
                tracing::info!(path = %entry.path().display(), "removing a dead leftover");
                // Removed while the lock is held: its builder would notice that it is gone.
                let _ = std::fs::remove_file(entry.path());
            }
            Err(TryLockError::WouldBlock | TryLockError::Error(_)) => {}
        }
    }
    Ok(())
}
