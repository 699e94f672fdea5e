//! The redo log of exclusive access: small transactions are durable by one short append.
//!
//! A commit of the engine writes every page that a transaction touches, some thirty for one new
//! image, and syncs twice. Where nobody else has the file open, the changes of rows can be made
//! durable instead, a few kilobytes in one write and one sync, and the engine commits without
//! touching the disk, [when somebody looks](super::unseen). So:
//!
//! - The store's own file is always a whole store, of the state at its last durable commit. The row
//!   `redo` of `meta` names the log without which it is not the latest.
//! - A transaction's changes are in the log and on disk before the engine commits it, and so before
//!   anyone sees them.
//! - Where the changes are many, or the log is long, the engine commits durably; that covers all
//!   that the log holds, and the log begins again from its start. An entry says on which
//!   generation of the store its changes were made, so what is left of older ones is passed over.
//! - Whoever opens the store for writing after a crash does the log's changes in one transaction
//!   that also removes the row ([`replay`]). Closing does the same, so at rest there is one file.
//!
//! The engine's lock on the store's file keeps all others away while a log is written.

mod file;
mod replay;

use std::mem;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use redb::{Database, Durability, WriteTransaction};

pub(super) use file::READ;
pub(crate) use file::{path, remove, remove_leftover};
pub(super) use replay::{is_named, is_needed, recover, recover_copy, recover_copy_in_part};

use crate::codec::{Changes, each_change};
use crate::engine::{Failure, Outcome, run_callers};
use crate::meta;
use crate::store::backend::Storage;
use crate::tables::WriteTables;
use file::LogFile;

/// A handle writes so many transactions before it begins a log: one that writes once or twice is
/// not helped by it.
const BEFORE: u32 = 2;

/// The bytes of a store's log, whatever they are; `None` where there is none that can be read.
pub(super) fn bytes(store: &Path, storage: &Storage) -> Option<Vec<u8>> {
    file::read_whole(store, storage).ok().flatten()
}

/// The redo log of one handle.
pub(super) struct Redo {
    /// The path of the store, whatever becomes of the current folder.
    store: PathBuf,
    /// Device and number of the store's file.
    opened: (u64, u64),
    storage: Storage,
    state: Mutex<State>,
}

enum State {
    /// There is no log; so many transactions were committed without it.
    Resting(u32),
    Running(LogFile),
    /// What was appended last may be on disk or not. The row may be there.
    Broken(LogFile),
}

impl State {
    /// Nothing more is appended.
    fn breaks(&mut self) {
        *self = match mem::replace(self, Self::Resting(0)) {
            Self::Running(log) => Self::Broken(log),
            other => other,
        };
    }
}

/// What makes a transaction durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(super) enum Durable {
    /// Its changes are on disk, in the log.
    InLog,
    /// The engine's commit.
    ByCommit,
}

impl Redo {
    pub(super) fn new(store: PathBuf, opened: (u64, u64), storage: Storage) -> Self {
        Self {
            store,
            opened,
            storage,
            state: Mutex::new(State::Resting(0)),
        }
    }

    /// Makes the changes of a transaction on `generation` durable, or leaves it to the commit.
    ///
    /// # Errors
    ///
    /// Where the log cannot be written. The changes may be on disk or not, so the transaction must
    /// not be committed, and will be there or not when the store is opened again.
    pub(super) fn before_commit(
        &self,
        tables: &mut WriteTables<'_>,
        generation: u64,
    ) -> Outcome<Durable> {
        let mut state = self.lock();
        match &mut *state {
            State::Resting(committed) if *committed < BEFORE => *committed += 1,
            State::Resting(committed) => {
                match LogFile::create(&self.store, self.opened, &self.storage) {
                    Ok(log) => {
                        meta::set_redo(&mut tables.meta, log.id())?;
                        *state = State::Running(log);
                    }
                    Err(failure) => {
                        // It would only have made things faster.
                        *committed = 0;
                        run_callers(|| {
                            tracing::warn!(store = %self.store.display(), %failure, "no redo log");
                        });
                    }
                }
            }
            State::Running(log) => {
                let Some(changes) = tables.recorded() else {
                    return Err(Failure::corrupt("a transaction was not recorded"));
                };
                match append(log, generation, &changes) {
                    Ok(durable) => return Ok(durable),
                    Err(failure) => {
                        drop(changes);
                        state.breaks();
                        return Err(failure);
                    }
                }
            }
            State::Broken(_) => {}
        }
        Ok(Durable::ByCommit)
    }

    /// Commits a transaction that was made durable as `durable` says, or will be by this.
    pub(super) fn commit(&self, transaction: WriteTransaction, durable: Durable) -> Outcome<()> {
        let committed = commit(transaction, durable);
        match (&committed, &mut *self.lock()) {
            // It covers whatever the log holds.
            (Ok(()), State::Running(log)) if durable == Durable::ByCommit => log.restart(),
            (Err(_), state) => state.breaks(),
            _ => {}
        }
        committed
    }

    /// Settles, before the next transaction begins, whether one is there whose append failed: it is
    /// not, since nobody was told that it is.
    pub(super) fn settle(&self, database: &Database) -> Outcome<()> {
        let is_broken = matches!(*self.lock(), State::Broken(_));
        if is_broken {
            self.close(database, &[])?;
        }
        Ok(())
    }

    /// Brings all that the log holds into the store's own file, and removes the log. What the engine
    /// lost before it committed it is done again: `lost` are the changes.
    ///
    /// It is one transaction: an entry whose append failed must not follow the state that this makes.
    pub(super) fn close(&self, database: &Database, lost: &[Vec<u8>]) -> Outcome<()> {
        let mut state = self.lock();
        if matches!(*state, State::Resting(_)) && lost.is_empty() {
            return Ok(());
        }
        let mut transaction = database.begin_write()?;
        transaction.set_quick_repair(true);
        let mut tables = WriteTables::open(&transaction)?;
        for changes in lost {
            each_change(changes, |change| tables.apply(change))?;
        }
        meta::clear_redo(&mut tables.meta)?;
        drop(tables);
        transaction.commit()?;
        match mem::replace(&mut *state, State::Resting(0)) {
            State::Running(log) | State::Broken(log) => {
                let removed = log.remove(&self.store);
                // One that is left over means nothing, and what was lost is there.
                if lost.is_empty() { removed } else { Ok(()) }
            }
            State::Resting(_) => Ok(()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn commit(mut transaction: WriteTransaction, durable: Durable) -> Outcome<()> {
    if durable == Durable::InLog {
        transaction.set_quick_repair(false);
        transaction
            .set_durability(Durability::None)
            .map_err(|error| Failure::corrupt_because("the engine refuses the log", error))?;
    }
    Ok(transaction.commit()?)
}

fn append(log: &mut LogFile, generation: u64, changes: &Changes) -> Outcome<Durable> {
    let rows = changes.rows();
    match changes.whole() {
        Some(changes) if log.make_room(changes.len(), rows) => {
            log.append(generation, changes, rows)?;
            Ok(Durable::InLog)
        }
        _ => Ok(Durable::ByCommit),
    }
}
