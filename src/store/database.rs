//! The engine's handle, for the life of the process that opened it.

use std::fs::File;
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use redb::{Database, ReadOnlyDatabase, ReadTransaction, ReadableDatabase};

use crate::engine::{Failure, Outcome, contain};
use crate::error::{Error, ErrorKind, Result};
use crate::remembered::Remembered;
use crate::store::compaction::AtClose;
use crate::store::file::folder;
use crate::store::open_transaction::OpenTransaction;
use crate::store::present::{Changing, Present};
use crate::store::redo::Redo;
use crate::store::unseen::{Turn, Unseen};
use crate::tables::SnapshotTables;

/// The engine's handle on one file.
pub(super) struct Handle {
    path: PathBuf,
    /// The folder that it was in when it was opened, wherever the process goes.
    folder: PathBuf,
    engine: Engine,
    /// The process that opened the file. A child that was forked off shares the locks of its
    /// parent, and would release them with its own.
    process: rustix::process::Pid,
    /// Whether damage was met.
    damaged: AtomicBool,
    /// Where access is exclusive.
    redo: Option<Redo>,
    /// Where the file is compacted when it is closed.
    at_close: Option<AtClose>,
    unseen: Arc<Unseen>,
    present: Present,
    remembered: Arc<Remembered>,
}

/// What kind of handle it is.
pub(super) enum Engine {
    Writable(Arc<Database>),
    ReadOnly(ReadOnlyDatabase),
    /// A private copy, in memory or of what recovery changes, which is only read.
    Copy(Database),
    /// What is left when the handle is dropped.
    Closed,
}

impl Handle {
    /// For a file that only this process writes to, with so many bytes of memory for what lookups
    /// find.
    pub(super) fn new(path: PathBuf, engine: Engine, remembered: usize) -> Self {
        let absolute = std::path::absolute(&path);
        Self {
            folder: folder(absolute.as_deref().unwrap_or(&path)),
            path,
            engine,
            process: rustix::process::getpid(),
            damaged: AtomicBool::new(false),
            redo: None,
            at_close: None,
            unseen: Arc::default(),
            present: Present::of_one_process(),
            remembered: Arc::new(Remembered::new(remembered)),
        }
    }

    /// The same for a file that other processes may write to: this one.
    pub(super) fn beside_others(mut self, file: File) -> Self {
        self.present = Present::of_many_processes(file);
        self
    }

    /// The same, with a redo log for small transactions.
    pub(super) fn with_redo(mut self, redo: Redo) -> Self {
        self.redo = Some(redo);
        self
    }

    /// The same, with a compaction at the end.
    pub(super) fn compacted_by(mut self, at_close: AtClose) -> Self {
        self.at_close = Some(at_close);
        self
    }

    /// Notes that a transaction changes so many rows.
    pub(super) fn note_changes(&self, rows: u64) {
        if let Some(at_close) = &self.at_close {
            at_close.note(rows);
        }
    }

    pub(super) const fn redo(&self) -> Option<&Redo> {
        self.redo.as_ref()
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn is_read_only(&self) -> bool {
        matches!(self.engine, Engine::ReadOnly(_) | Engine::Copy(_))
    }

    /// Where what waits to be written may be kept in files.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whether the file waits to be recovered: what is read is a copy that is.
    pub(super) fn is_copy(&self) -> bool {
        matches!(self.engine, Engine::Copy(_))
    }

    /// The error of a failure on this file.
    ///
    /// After a read beyond the end of a file that was cut short, the engine refuses everything until
    /// the file is opened again; that is still the damage, and not the system's fault.
    pub(super) fn error(&self, failure: Failure) -> Error {
        let refuses = matches!(failure, Failure::Engine(redb::Error::PreviousIo));
        if refuses && self.damaged.load(Ordering::Relaxed) {
            return Error::Corrupt {
                path: self.path.clone(),
                what: "nothing more is read from it after damage was met".to_owned(),
                source: Some(Box::new(failure)),
            };
        }
        let error = failure.at(&self.path);
        if error.kind() == ErrorKind::Corrupt {
            self.damaged.store(true, Ordering::Relaxed);
        }
        error
    }

    /// Refuses to go on in a forked child.
    pub(super) fn check_process(&self) -> Result<()> {
        if self.is_forked() {
            return Err(Error::Forked {
                path: self.path.clone(),
            });
        }
        Ok(())
    }

    fn is_forked(&self) -> bool {
        rustix::process::getpid() != self.process
    }

    /// The database to write to.
    ///
    /// # Errors
    ///
    /// [`Error::ReadOnly`], [`Error::Forked`].
    pub(super) fn writable(&self) -> Result<&Arc<Database>> {
        match &self.engine {
            Engine::Writable(database) => {
                self.check_process()?;
                Ok(database)
            }
            Engine::ReadOnly(_) | Engine::Copy(_) | Engine::Closed => Err(Error::ReadOnly {
                path: self.path.clone(),
            }),
        }
    }

    /// Begins a read transaction.
    ///
    /// # Errors
    ///
    /// [`Error::Forked`]; those of the file.
    pub(super) fn begin_read(&self) -> Result<ReadTransaction> {
        self.check_process()?;
        contain(|| self.begin()).map_err(|failure| self.error(failure))
    }

    /// The tables of a read transaction.
    pub(super) fn tables(&self, transaction: ReadTransaction) -> SnapshotTables {
        SnapshotTables::new(
            transaction,
            self.is_read_only(),
            Arc::clone(&self.remembered),
        )
    }

    /// Looks once at the present state.
    ///
    /// It asks the system once which process this is, where a snapshot that is taken, used and
    /// dropped asks three times: `look` does not fork. Where the state is that of the lookup before,
    /// it uses the transaction of that one.
    ///
    /// # Errors
    ///
    /// [`Error::Forked`]; those of the file and of `look`.
    pub(super) fn look<R>(&self, look: impl FnOnce(&SnapshotTables) -> Outcome<R>) -> Result<R> {
        self.check_process()?;
        let begin = || {
            self.note_look();
            Ok(self.tables(self.begin()?))
        };
        contain(|| self.present.look(begin, look)).map_err(|failure| self.error(failure))
    }

    /// Tells lookups that a commit is under way, until what is returned is dropped.
    pub(super) fn changing(&self) -> Changing {
        self.present.changing()
    }

    /// Begins the work of a group, where there is a redo log: in the transaction that is open, where
    /// there is one.
    pub(super) fn take_turn(&self) -> Outcome<(Option<OpenTransaction>, Option<Turn>)> {
        let (Some(redo), Engine::Writable(database)) = (&self.redo, &self.engine) else {
            return Ok((None, None));
        };
        let (begun, turn) = self.unseen.take(redo, database, self.changing())?;
        Ok((begun, Some(turn)))
    }

    /// Notes that somebody looks: what comes is seen at once for a while.
    pub(super) fn note_look(&self) {
        self.unseen.look();
    }

    /// Has everything seen that was acknowledged, for whoever begins a transaction of the engine.
    pub(super) fn show(&self) -> Outcome<()> {
        match (&self.redo, &self.engine) {
            (Some(redo), Engine::Writable(database)) => self.unseen.show(redo, database),
            _ => Ok(()),
        }
    }

    fn begin(&self) -> Outcome<ReadTransaction> {
        self.show()?;
        Ok(match &self.engine {
            Engine::Writable(database) => database.begin_read()?,
            Engine::ReadOnly(database) => database.begin_read()?,
            Engine::Copy(database) => database.begin_read()?,
            Engine::Closed => return Err(redb::StorageError::DatabaseClosed.into()),
        })
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        let engine = mem::replace(&mut self.engine, Engine::Closed);
        if self.is_forked() {
            // Closing it would release the locks that the parent relies on.
            mem::forget(engine);
            mem::forget(mem::take(&mut self.unseen));
            self.present.leak();
            return;
        }
        let closed = contain(|| {
            self.present.close();
            if let (Some(redo), Engine::Writable(database)) = (&self.redo, &engine) {
                // Otherwise the log must stay.
                self.unseen.show(redo, database)?;
                redo.close(database, &[])?;
            }
            let Engine::Writable(database) = engine else {
                return Ok(());
            };
            // Whoever else waits for a transaction of it has it closed.
            match Arc::into_inner(database) {
                Some(database) => Ok(database.close()?),
                None => Ok(()),
            }
        });
        match closed {
            Ok(()) if thread::panicking() || self.damaged.load(Ordering::Relaxed) => {}
            Ok(()) => {
                if let Some(at_close) = &self.at_close {
                    at_close.closed();
                }
            }
            Err(failure) => {
                tracing::warn!(path = %self.path.display(), ?failure, "closing the store failed");
            }
        }
    }
}
