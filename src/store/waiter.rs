//! Waiting for another process's write transaction, but not forever.
//!
//! The engine waits for the write lock without limit, and asking again and again instead starves
//! behind a busy writer. So a helper thread blocks in the engine and hands the transaction over. It
//! stays behind when its caller's time is up; the next caller of the same handle takes its place.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

use redb::{Database, TransactionError, WriteTransaction};

use crate::engine::{Failure, Outcome, contain};

/// Hands write transactions of one database from a helper thread to callers, of which there is one
/// at a time.
#[derive(Debug, Default)]
pub(super) struct Waiter {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Whether a helper thread is blocked in the engine.
    helper: bool,
    /// Whether a caller waits for it.
    wanted: bool,
    handed_over: Option<Outcome<WriteTransaction>>,
}

impl Waiter {
    /// Begins a write transaction; `None` where the deadline passes first.
    pub(super) fn begin(
        self: &Arc<Self>,
        database: &Arc<Database>,
        deadline: Instant,
    ) -> Outcome<Option<WriteTransaction>> {
        let mut state = self.lock();
        if !state.helper {
            match contain(|| Ok(database.try_begin_write())) {
                Ok(Ok(transaction)) => return Ok(Some(transaction)),
                Ok(Err(TransactionError::WouldBlock)) => {}
                Ok(Err(error)) => return Err(error.into()),
                Err(failure) => return Err(failure),
            }
            self.spawn_helper(database)?;
            state.helper = true;
        }
        state.wanted = true;
        loop {
            if let Some(transaction) = state.handed_over.take() {
                state.wanted = false;
                return transaction.map(Some);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                state.wanted = false;
                return Ok(None);
            }
            state = self
                .changed
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    fn spawn_helper(self: &Arc<Self>, database: &Arc<Database>) -> Outcome<()> {
        let database = Arc::clone(database);
        let waiter = Arc::clone(self);
        let helper = move || {
            let transaction = contain(|| Ok(database.begin_write()?));
            let mut state = waiter.lock();
            state.helper = false;
            if state.wanted {
                state.handed_over = Some(transaction);
                waiter.changed.notify_all();
                return;
            }
            // Nobody waits any more: the transaction ends here, and with it the lock.
            drop(state);
            drop(transaction);
        };
        thread::Builder::new()
            .name("image-store-lock".to_owned())
            .spawn(helper)
            .map(drop)
            .map_err(|error| Failure::Engine(redb::Error::Io(error)))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State")
            .field("helper", &self.helper)
            .field("wanted", &self.wanted)
            .finish_non_exhaustive()
    }
}
