//! How a new store comes into being: whole, or not at all.
//!
//! A kill inside the engine's own creation leaves a file that can never be opened. So a store is
//! built under a temporary name beside its place, closed, synced, and then given its name without
//! replacing anything; nothing is ever created on the final path. What a killed builder leaves is
//! removed by the next one: a builder holds a lock on its file, so one without a lock is dead.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use redb::Database;
use rustix::fs::Mode;
use tempfile::{NamedTempFile, PersistError};

use crate::engine::{Outcome, contain};
use crate::error::{Error, Result};
use crate::migrations;
use crate::store::database::{Engine, Handle};
use crate::store::file::{
    folder, identity, io_error, is_there, name, place_error, share_as, sync_folder,
};
use crate::store::gate::Gate;
use crate::store::unsynced::Unsynced;
use crate::store::{Access, ImageStore, OpenOptions};

/// Creates an empty store at `path`.
///
/// # Errors
///
/// [`Error::AlreadyExists`] where something is there by then; it is left alone.
pub(super) fn create(path: &Path, options: &OpenOptions) -> Result<()> {
    // Of several builders at once, one may take another's file for a leftover in the moment between
    // the engine's lock and ours; the one that lost its file begins anew.
    while !Nascent::new(path, options)?.place(Placement::New)? {}
    tracing::info!(path = %path.display(), "created a store");
    Ok(())
}

/// Where a finished store goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Placement {
    /// To a path where nothing is.
    New,
    /// In the place of what is there.
    Replace,
}

/// A store that is being built under a temporary name. It is gone when it is dropped.
pub(crate) struct Nascent {
    // Closed before its file is removed.
    store: Option<ImageStore>,
    database: Arc<Database>,
    file: NamedTempFile,
    path: PathBuf,
    is_packed: bool,
}

impl Nascent {
    /// Begins a store that is to appear at `path`, with no images yet. Of the options only those of
    /// the engine count.
    pub(crate) fn new(path: &Path, options: &OpenOptions) -> Result<Self> {
        let options = options.clone().access(Access::Exclusive);
        remove_leftovers(path)?;
        let file = temporary(path)?;
        let (store, database) = open_temporary(file.as_file(), path, &options)?;
        Ok(Self {
            store: Some(store),
            database,
            file,
            path: path.to_owned(),
            is_packed: false,
        })
    }

    /// The store, to be filled.
    pub(crate) fn store(&self) -> Result<&ImageStore> {
        self.store.as_ref().ok_or_else(|| Error::NotFound {
            path: self.path.clone(),
        })
    }

    /// The temporary file. What is beside it and begins with its name is a leftover, too, where its
    /// builder died.
    pub(crate) fn file(&self) -> &Path {
        self.file.path()
    }

    /// Says that the store was filled in the order of its keys: no page between others is free, and
    /// those at the end of the file go when it is closed. To look for pages that could be moved
    /// would take a fifth of the time of an import.
    pub(crate) const fn set_packed(&mut self) {
        self.is_packed = true;
    }

    /// Gives the finished store its name: everything of it is on disk before, and the name after.
    ///
    /// # Errors
    ///
    /// [`Error::AlreadyExists`] for [`Placement::New`] where something is there by then.
    pub(crate) fn appear(self, placement: Placement) -> Result<()> {
        let path = self.path.clone();
        if self.place(placement)? {
            return Ok(());
        }
        let gone = io::Error::other("its temporary file was removed");
        Err(io_error("finish the new store", &path, gone))
    }

    /// As [`appear`](Self::appear), but `false` where somebody has removed the temporary file.
    fn place(mut self, placement: Placement) -> Result<bool> {
        drop(self.store.take());
        close(self.database, self.is_packed, &self.path)?;
        if placement == Placement::Replace {
            share_as_before(&self.path, self.file.as_file())?;
        }
        self.file
            .as_file()
            .sync_all()
            .map_err(|source| io_error("sync the new store", &self.path, source))?;
        // The engine's close has released the lock.
        if !is_kept(&self.file, &self.path)? {
            return Ok(false);
        }
        let placed = match placement {
            Placement::New => self.file.persist_noclobber(&self.path),
            Placement::Replace => self.file.persist(&self.path),
        };
        match placed {
            Ok(_) => sync_folder(&folder(&self.path)).map(|()| true),
            Err(PersistError { error, .. }) if error.kind() == io::ErrorKind::AlreadyExists => {
                Err(Error::AlreadyExists { path: self.path })
            }
            Err(PersistError { error, .. }) => Err(place_error(
                "give its name to the new store",
                &self.path,
                &self.path,
                error,
            )),
        }
    }
}

/// Lets those who may use the file at `path`, which `new` replaces, use that one.
fn share_as_before(path: &Path, new: &File) -> Result<()> {
    let shared = match std::fs::metadata(path) {
        Ok(before) => share_as(&before, new),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    };
    shared.map_err(|source| io_error("hand on the owner and mode of", path, source))
}

/// Makes an empty store of an empty file.
fn open_temporary(
    file: &File,
    path: &Path,
    options: &OpenOptions,
) -> Result<(ImageStore, Arc<Database>)> {
    let database = contain(|| {
        let mut database = open_file(file, options)?;
        let transaction = database.begin_write()?;
        migrations::migrate(&transaction)?;
        transaction.commit()?;
        // A file doubles as it grows. That of an empty store that is compact is a power of two of
        // pages, so what is added each time is one piece, which the engine uses from its beginning
        // on: the free pages of a store that is filled in order are the last ones.
        database.compact()?;
        Ok(database)
    });
    let database = Arc::new(database.map_err(|failure| failure.at(path))?);
    let gate = Gate::of(identity(file, path)?);
    let engine = Engine::Writable(Arc::clone(&database));
    let handle = Handle::new(path.to_owned(), engine, options.remembered_for(0));
    Ok((ImageStore::new(handle, gate, options), database))
}

/// Gives back the room that the file has grown into and does not need, and closes it.
fn close(database: Arc<Database>, is_packed: bool, path: &Path) -> Result<()> {
    contain(|| {
        let database = Arc::into_inner(database);
        let mut database = database.ok_or(redb::DatabaseError::DatabaseAlreadyOpen)?;
        if !is_packed {
            // It goes on by itself until nothing can be moved. Not after it is closed, for what the
            // engine has read and written is in its memory still.
            database.compact()?;
        }
        Ok(database.close()?)
    })
    .map_err(|failure| failure.at(path))
}

/// Opens the engine on a file that this process has locked: the lock belongs to the open file, so
/// the engine gets the same one.
fn open_file(file: &File, options: &OpenOptions) -> Outcome<Database> {
    let file = file.try_clone().map_err(redb::StorageError::Io)?;
    Ok(redb::Builder::new()
        .set_cache_size(options.cache_for(0))
        .create_with_backend(Unsynced(options.storage.on(file)?))?)
}

/// Locks a temporary file, and says whether it is still there: another builder may have taken it
/// for a leftover while it was not locked.
fn is_kept(file: &NamedTempFile, path: &Path) -> Result<bool> {
    file.as_file()
        .lock()
        .map_err(|source| io_error("lock the new store", path, source))?;
    is_there(file.path())
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
            .and_then(|file| {
                // A umask may have taken from the owner, too.
                rustix::fs::fchmod(&file, Mode::RUSR | Mode::WUSR)?;
                Ok(file)
            })
            .map_err(|source| io_error("create a new store beside", path, source))?;
        if is_kept(&file, path)? {
            return Ok(file);
        }
    }
}

/// Removes the temporary files of builders that died, and returns the length of each.
///
/// # Errors
///
/// [`Error::FolderMissing`], [`Error::Io`].
pub(crate) fn remove_leftovers(path: &Path) -> Result<Vec<u64>> {
    let prefix = temporary_prefix(path)?;
    let folder = folder(path);
    let refused = |source| io_error("look for leftovers in", &folder, source);
    let entries = folder.read_dir().map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => Error::FolderMissing {
            path: folder.clone(),
            source,
        },
        _ => refused(source),
    })?;
    let mut removed = Vec::new();
    for entry in entries {
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
                let length = file.metadata().map_or(0, |metadata| metadata.len());
                if std::fs::remove_file(entry.path()).is_ok() {
                    removed.push(length);
                }
            }
            Err(TryLockError::WouldBlock | TryLockError::Error(_)) => {}
        }
    }
    Ok(removed)
}
