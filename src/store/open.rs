//! Opening a store, and creating it where it is not there.

use std::fs::File;
use std::path::Path;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use redb::{
    Builder, ConcurrencyMode, Database, ReadOnlyDatabase, ReadTransaction, ReadableDatabase as _,
};

use crate::engine::{Failure, Outcome, contain};
use crate::error::{Error, Result};
use crate::migrations;
use crate::store::compaction::AtClose;
use crate::store::damaged::was_a_store;
use crate::store::database::{Engine, Handle};
use crate::store::file::{identity, io_error, not_a_store, open_existing};
use crate::store::gate::Gate;
use crate::store::redo::Redo;
use crate::store::untouched::{self, Untouched};
use crate::store::{Access, ImageStore, OpenOptions, WaitLimit, birth, copy, redo};
use crate::tables::are_of_a_store;

/// A read-only open is refused while another process that had the file open for writing closes it,
/// for some milliseconds; after this time the refusal means that the last writer died.
const READ_ONLY_PATIENCE: Duration = Duration::from_millis(100);

#[tracing::instrument(level = "debug", skip_all, fields(path = %path.display(), access = ?options.access))]
pub(super) fn open(path: &Path, options: &OpenOptions) -> Result<ImageStore> {
    let writable = options.access != Access::ReadOnly;
    let file = loop {
        match open_existing(path, writable) {
            Err(Error::NotFound { .. }) if options.create && writable => {
                match birth::create(path, options) {
                    // Created by another process in the meantime, and whole.
                    Ok(()) | Err(Error::AlreadyExists { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
            opened => break opened?,
        }
    };
    let opened = identity(&file, path)?;
    drop(file);
    let engine = match options.access {
        Access::ReadOnly => open_read_only(path, options)?,
        Access::Shared | Access::Exclusive => {
            refuse_unwritten(path, options)?;
            Engine::Writable(Arc::new(open_writable(path, options)?))
        }
    };
    let file = open_existing(path, false)?;
    let found = identity(&file, path)?;
    // As the engine's cache, which for a copy is of no length.
    let length = match engine {
        Engine::Copy(_) => 0,
        _ => length(&file).map_err(|failure| failure.at(path))?,
    };
    let handle = Handle::new(path.to_owned(), engine, options.remembered_for(length));
    let handle = match options.access {
        Access::Exclusive if options.unmended => handle,
        Access::Exclusive => {
            let absolute = std::path::absolute(path);
            let absolute = absolute.map_err(|source| io_error("find", path, source))?;
            handle.with_redo(Redo::new(absolute, opened, options.storage.clone()))
        }
        Access::Shared | Access::ReadOnly => handle.beside_others(file),
    };
    let compacts = options.compact_on_close && writable && !options.unmended;
    let handle = match compacts.then(|| std::path::absolute(path)) {
        Some(Ok(absolute)) => handle.compacted_by(AtClose::new(absolute, options)),
        // Where that cannot be told, it is no reason to refuse the store.
        Some(Err(_)) | None => handle,
    };
    let store = ImageStore::new(handle, Gate::of(opened), options);
    // A store that is replaced as a whole gets another file. Whoever waited for the old one must
    // not go on with it: what it would write there would be lost.
    if found != opened {
        tracing::debug!("replaced while it was opened");
        drop(store);
        return open(path, options);
    }
    check_schema(&store, options)?;
    if options.access == Access::Exclusive && !options.unmended {
        // Of a process that died when it had done all that its log held. Nobody else has the file.
        redo::remove_leftover(path);
    }
    tracing::debug!("opened");
    Ok(store)
}

/// The store at `path` on an engine that was opened to read its file, or a copy of it.
pub(super) fn on_engine(path: &Path, engine: Engine, options: &OpenOptions) -> Result<ImageStore> {
    let file = open_existing(path, false)?;
    let gate = Gate::of(identity(&file, path)?);
    let handle = Handle::new(path.to_owned(), engine, options.remembered_for(0));
    let handle = handle.beside_others(file);
    let store = ImageStore::new(handle, gate, options);
    check_schema(&store, options)?;
    Ok(store)
}

/// Opens the engine on the file of a store once more, for writing: for its own maintenance.
pub(super) fn open_engine(path: &Path, options: &OpenOptions) -> Result<Database> {
    open_writable(path, options)
}

/// The engine as the access says, for a file of this length; readers are among those who share it.
pub(super) fn builder(options: &OpenOptions, length: u64) -> Builder {
    let mut builder = Builder::new();
    builder.set_cache_size(options.cache_for(length));
    builder.set_concurrency_mode(match options.access {
        Access::Exclusive => ConcurrencyMode::ExclusiveWriter,
        Access::Shared | Access::ReadOnly => ConcurrencyMode::MultiWriter,
    });
    builder
}

fn length(file: &File) -> Outcome<u64> {
    let metadata = file.metadata().map_err(redb::StorageError::Io)?;
    Ok(metadata.len())
}

/// Opens for writing, and waits for other processes no longer than the options say: the engine
/// refuses at once beside an exclusive access, and waits without limit for another's transaction.
fn open_writable(path: &Path, options: &OpenOptions) -> Result<Database> {
    let wait = WaitLimit::from_now(options.lock_wait);
    for pause in wait.pauses() {
        let (opened, has_opened) = mpsc::sync_channel(2);
        let (helper_path, helper_options) = (path.to_owned(), options.clone());
        let helper = move || {
            let begun = || {
                let _ = opened.send(None);
            };
            let outcome = open_writable_once(&helper_path, &helper_options, begun);
            // Where nobody waits any more, the database is dropped, and with it its locks.
            let _ = opened.send(Some(outcome));
        };
        thread::Builder::new()
            .name("image-store-open".to_owned())
            .spawn(helper)
            .map_err(|source| io_error("start a thread to open", path, source))?;
        let mut opened = has_opened.recv_timeout(wait.left().max(READ_ONLY_PATIENCE));
        if let Ok(None) = opened {
            // What is left to do is not waiting for others, and would have to be done the next time.
            opened = has_opened.recv().map_err(Into::into);
        }
        match opened {
            Ok(Some(Err(Failure::Engine(redb::Error::DatabaseAlreadyOpen)))) => {
                thread::sleep(pause);
            }
            Ok(Some(opened)) => return opened.map_err(|failure| explain(failure, path)),
            Ok(None) | Err(_) => break,
        }
    }
    Err(wait.busy(path))
}

/// `begun` is called where there is something to bring in first, when nobody else is in the way.
fn open_writable_once(
    path: &Path,
    options: &OpenOptions,
    begun: impl FnOnce(),
) -> Outcome<Database> {
    let file = open_existing(path, true)?;
    contain(|| {
        let builder = builder(options, length(&file)?);
        let database = builder.create_with_backend(options.storage.on(file)?)?;
        redo::recover(&database, path, options, begun)?;
        Ok(database)
    })
}

/// Opens for reading. Where the last writer died, the engine refuses until the file was opened for
/// writing once, which takes it some milliseconds, and one of an older schema has to be migrated;
/// where that is not permitted, a copy in memory is mended instead. Other writers may die meanwhile,
/// so mending once may not be enough.
fn open_read_only(path: &Path, options: &OpenOptions) -> Result<Engine> {
    // Longer than those who close the file are waited for, or it would never come to mending.
    let wait = WaitLimit::from_now(options.lock_wait.max(2 * READ_ONLY_PATIENCE));
    let mut pauses = wait.pauses();
    let mut deadline = Instant::now() + READ_ONLY_PATIENCE;
    loop {
        // A refusal of the engine may be due to one who is closing the file.
        let (refused, may_pass) = match open_read_only_once(path, options) {
            Ok(database) => return Ok(Engine::ReadOnly(database)),
            Err(Failure::Engine(refused)) => (refused, true),
            Err(Failure::Error(Error::NeedsRecovery { .. })) => (redb::Error::RepairAborted, false),
            Err(failure) => return Err(explain(failure, path)),
        };
        let Some(pause) = pauses.next() else {
            return Err(wait.busy(path));
        };
        let has_waited = !may_pass || Instant::now() >= deadline;
        match refused {
            redb::Error::RepairAborted if has_waited && options.untouched != Untouched::No => {
                return Ok(Engine::Copy(untouched::open(path, options)?));
            }
            redb::Error::Io(error)
                if options.untouched == Untouched::BeginningAnew
                    && error.kind() == std::io::ErrorKind::InvalidData
                    && was_a_store(path) =>
            {
                return Ok(Engine::Copy(untouched::open(path, options)?));
            }
            redb::Error::RepairAborted if has_waited => {
                match mend(path, options) {
                    Ok(()) => {}
                    Err(Error::NeedsRecovery { .. }) => {
                        // None where others wrote meanwhile: then it may open by now.
                        if let Some(copy) = copy::recover(path, options)? {
                            return Ok(Engine::Copy(copy));
                        }
                        thread::sleep(pause);
                    }
                    Err(error) => return Err(error),
                }
                deadline = Instant::now() + READ_ONLY_PATIENCE;
            }
            redb::Error::RepairAborted | redb::Error::DatabaseAlreadyOpen => thread::sleep(pause),
            refused => return Err(explain(Failure::Engine(refused), path)),
        }
    }
}

fn open_read_only_once(path: &Path, options: &OpenOptions) -> Outcome<ReadOnlyDatabase> {
    let file = open_existing(path, false)?;
    contain(|| {
        let builder = builder(options, length(&file)?);
        let database = builder.open_read_only_with_backend(options.storage.on(file)?)?;
        // Somebody opened it after its writer died, and did not get as far as its log; or nobody did
        // since this version is there.
        if !options.unmended && redo::is_needed(&database)? {
            let path = path.to_owned();
            return Err(Error::NeedsRecovery { path }.into());
        }
        Ok(database)
    })
}

/// Opens a store for writing and closes it, which recovers what a writer that died left behind, and
/// migrates it.
fn mend(path: &Path, options: &OpenOptions) -> Result<()> {
    tracing::info!(path = %path.display(), "the last writer died or was of an older version; mending");
    let writable = options.clone().access(Access::Shared);
    let mended = open_writable(path, &writable)
        .and_then(|database| contain(|| Ok(database.close()?)).map_err(|failure| failure.at(path)));
    match mended {
        Err(Error::Io { source, .. })
            if matches!(
                source.kind(),
                std::io::ErrorKind::PermissionDenied
                    | std::io::ErrorKind::ReadOnlyFilesystem
                    | std::io::ErrorKind::StorageFull
                    | std::io::ErrorKind::QuotaExceeded
                    | std::io::ErrorKind::FileTooLarge
            ) =>
        {
            Err(Error::NeedsRecovery {
                path: path.to_owned(),
            })
        }
        mended => mended,
    }
}

/// Says in the words of this library why the engine would not open a file.
pub(super) fn explain(failure: Failure, path: &Path) -> Error {
    match failure {
        Failure::Engine(redb::Error::Io(error))
            if error.kind() == std::io::ErrorKind::InvalidData =>
        {
            if was_a_store(path) {
                return Failure::corrupt_because("it no longer begins as a store does", error)
                    .at(path);
            }
            not_a_store(path, "it is not a redb database")
        }
        Failure::Engine(error @ redb::Error::UpgradeRequired(_)) if was_a_store(path) => {
            // No store ever was of such a format.
            Failure::corrupt_because("its header is damaged", error).at(path)
        }
        Failure::Engine(redb::Error::UpgradeRequired(version)) => not_a_store(
            path,
            &format!("it is a redb database of the old file format {version}"),
        ),
        Failure::Engine(redb::Error::RepairAborted) => Error::NeedsRecovery {
            path: path.to_owned(),
        },
        Failure::Engine(redb::Error::LockProtocolMismatch) => Error::Busy {
            path: path.to_owned(),
            waited: Duration::ZERO,
        },
        failure => failure.at(path),
    }
}

/// Refuses what is not ours or too new without writing to it: opening a database for writing
/// changes its file. Where it cannot be read now, [`check_schema`] has the last word.
fn refuse_unwritten(path: &Path, options: &OpenOptions) -> Result<()> {
    let Ok(database) = open_read_only_once(path, options) else {
        return Ok(());
    };
    let begun = contain(|| Ok(database.begin_read()?));
    match begun.map(|transaction| known_schema(&transaction, path, options)) {
        Ok(Err(refused @ (Error::ForeignDatabase { .. } | Error::SchemaTooNew { .. }))) => {
            Err(refused)
        }
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Refuses what is not ours or too new.
fn check_schema(store: &ImageStore, options: &OpenOptions) -> Result<()> {
    known_schema(&store.handle().begin_read()?, store.path(), options)
}

/// Refuses what is not ours, and a schema that this version does not know. What is taken as it is may
/// be damaged where it says what it is; then its tables tell.
fn known_schema(transaction: &ReadTransaction, path: &Path, options: &OpenOptions) -> Result<()> {
    let found = contain(|| migrations::inspect(transaction));
    match found {
        Ok(Some(found)) if found > migrations::CURRENT => Err(Error::SchemaTooNew {
            path: path.to_owned(),
            found,
            supported: migrations::CURRENT,
        }),
        Ok(Some(_)) => Ok(()),
        Ok(None) | Err(Failure::Corrupt { .. })
            if options.unmended && contain(|| are_of_a_store(transaction)).unwrap_or(false) =>
        {
            Ok(())
        }
        Ok(None) => Err(Error::ForeignDatabase {
            path: path.to_owned(),
        }),
        Err(failure) => Err(failure.at(path)),
    }
}
