//! Steps that are on disk, and that nobody has looked for.
//!
//! In exclusive access a step is durable by the redo log; the commit of the engine only makes it seen.
//! That is most of the work: each commit copies the pages that it shares with the one before. So the
//! transaction of a group of steps stays open for the next group, until somebody looks:
//!
//! - Whoever begins a transaction of the engine, to read or to write, has it committed first
//!   ([`show`](Unseen::show)), and so sees all that was acknowledged. While a group is at work in it,
//!   that means waiting for its end.
//! - So that lookups do not wait often, nothing is left open for a while after one
//!   ([`EAGER`]): in a store that is read and written at once, each group commits.
//! - A transaction that is lost, because a step met damage or the log could not be written, takes with
//!   it what was acknowledged. These changes are kept until they are seen, and are done again.
//!
//! A lookup that waits for a group must not hold what that group needs for its end. A group that goes on
//! with what is unseen says first that the [present state](super::present) is changing: a lookup that
//! waits then keeps none, and holds nothing.

use std::mem;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use redb::Database;

use crate::engine::{Outcome, contain};
use crate::store::begun::Begun;
use crate::store::present::Changing;
use crate::store::redo::{Durable, Redo};

/// So many groups after the last lookup commit at once.
const EAGER: u32 = 64;

/// What is on disk and unseen, of one handle.
#[derive(Default)]
pub(super) struct Unseen {
    state: Mutex<State>,
    changed: Condvar,
    /// How many groups more commit at once.
    eager: AtomicU32,
}

/// The changes of steps, in their order, as the log has them.
type Changes = Vec<Vec<u8>>;

#[derive(Default)]
enum State {
    /// Everything is seen.
    #[default]
    Nothing,
    /// The transaction that they are in.
    Open(Box<Begun>, Changes),
    /// A group is at work, and whether in such a transaction.
    Taken(bool),
    /// The transaction was lost.
    Lost(Changes),
}

impl State {
    /// Commits what is open, and does again what is lost.
    fn show(&mut self, redo: &Redo, database: &Database) -> Outcome<()> {
        let (shown, changes) = match mem::take(self) {
            Self::Open(begun, changes) => {
                let commit = || redo.commit(begun.into_owner(), Durable::InLog);
                (contain(commit), changes)
            }
            Self::Lost(changes) => (contain(|| redo.restore(database, &changes)), changes),
            other @ (Self::Nothing | Self::Taken(_)) => {
                *self = other;
                return Ok(());
            }
        };
        if shown.is_err() {
            *self = Self::Lost(changes);
        }
        shown
    }
}

/// The work of one group, until it is dropped. What was unseen before and has not been
/// [put off](Self::put_off) again nor [seen](Self::seen) by then is lost.
pub(super) struct Turn {
    unseen: Arc<Unseen>,
    changes: Changes,
    /// Where lookups wait for the end of this: none of them waits while it holds the present state.
    _changing: Option<Changing>,
}

impl Unseen {
    /// Begins the work of a group, of which there is one at a time: in the transaction that is open,
    /// where there is one.
    ///
    /// # Errors
    ///
    /// As [`show`](Self::show).
    pub(super) fn take(
        self: &Arc<Self>,
        redo: &Redo,
        database: &Database,
        changing: Changing,
    ) -> Outcome<(Option<Begun>, Turn)> {
        let mut state = self.lock();
        if matches!(*state, State::Lost(_)) {
            state.show(redo, database)?;
        }
        let (begun, changes) = match mem::take(&mut *state) {
            State::Open(begun, changes) => (Some(*begun), changes),
            State::Nothing | State::Taken(_) | State::Lost(_) => (None, Vec::new()),
        };
        let continues = !changes.is_empty();
        *state = State::Taken(continues);
        drop(state);
        let turn = Turn {
            unseen: Arc::clone(self),
            changes,
            _changing: continues.then_some(changing),
        };
        Ok((begun, turn))
    }

    /// Notes a lookup.
    pub(super) fn look(&self) {
        self.eager.store(EAGER, Ordering::Relaxed);
    }

    /// Has everything seen that was acknowledged.
    ///
    /// # Errors
    ///
    /// Those of the engine. What is acknowledged is in the log then, and is done again by whoever
    /// looks next, or opens the store.
    pub(super) fn show(&self, redo: &Redo, database: &Database) -> Outcome<()> {
        let mut state = self.lock();
        while matches!(*state, State::Taken(true)) {
            let waited = self.changed.wait(state);
            state = waited.unwrap_or_else(PoisonError::into_inner);
        }
        state.show(redo, database)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn {
    /// Whether steps from before are unseen.
    pub(super) const fn continues(&self) -> bool {
        !self.changes.is_empty()
    }

    /// Whether the commit of this group can be put off.
    pub(super) fn may_put_off(&self) -> bool {
        let eager = self.unseen.eager.load(Ordering::Relaxed);
        // Where a lookup comes in between, its mark may be lost, and the next makes another.
        let left = eager.saturating_sub(1);
        self.unseen.eager.store(left, Ordering::Relaxed);
        eager == 0
    }

    /// Leaves the transaction open, with these changes made in it and on disk.
    pub(super) fn put_off(mut self, begun: Begun, changes: Option<Vec<u8>>) {
        self.changes.extend(changes);
        let changes = mem::take(&mut self.changes);
        *self.unseen.lock() = State::Open(Box::new(begun), changes);
    }

    /// The engine has committed everything.
    pub(super) fn seen(mut self) {
        self.changes.clear();
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut state = self.unseen.lock();
        if matches!(*state, State::Taken(_)) {
            *state = match mem::take(&mut self.changes) {
                changes if changes.is_empty() => State::Nothing,
                changes => State::Lost(changes),
            };
        }
        drop(state);
        self.unseen.changed.notify_all();
    }
}
