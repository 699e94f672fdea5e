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
use std::thread::{self, ThreadId};

use redb::Database;

use crate::engine::{Outcome, contain};
use crate::store::open_transaction::OpenTransaction;
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
    Open(Box<OpenTransaction>, Changes),
    /// A group is at work.
    Taken {
        /// Whether in such a transaction.
        continues: bool,
        by: ThreadId,
    },
    /// The transaction was lost.
    Lost(Changes),
}

impl State {
    /// Whether a lookup waits for a group. Who looks while it is itself at work in one, from a
    /// subscriber of `tracing`, sees what was committed.
    fn is_waited_for(&self) -> bool {
        matches!(self, Self::Taken { continues: true, by } if *by != thread::current().id())
    }

    /// Commits what is open, and does again what is lost.
    fn show(&mut self, redo: &Redo, database: &Database) -> Outcome<()> {
        let (shown, changes) = match mem::take(self) {
            Self::Open(begun, changes) => {
                let commit = || redo.commit(begun.into_owner(), Durable::InLog);
                (contain(commit), changes)
            }
            Self::Lost(changes) => (contain(|| redo.close(database, &changes)), changes),
            other @ (Self::Nothing | Self::Taken { .. }) => {
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

/// The work of one group, until it is dropped. What was unseen before is lost where it does not
/// [end](Self::end) well.
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
    ) -> Outcome<(Option<OpenTransaction>, Turn)> {
        let mut state = self.lock();
        let (begun, changes) = match mem::take(&mut *state) {
            State::Open(begun, changes) => (Some(*begun), changes),
            State::Nothing | State::Taken { .. } => (None, Vec::new()),
            lost @ State::Lost(_) => {
                *state = lost;
                state.show(redo, database)?;
                (None, Vec::new())
            }
        };
        let continues = !changes.is_empty();
        let by = thread::current().id();
        *state = State::Taken { continues, by };
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
    /// Those of the engine. What is acknowledged is in the log then. It is done again for whoever looks
    /// next, where the engine goes on, or else by the next open.
    pub(super) fn show(&self, redo: &Redo, database: &Database) -> Outcome<()> {
        let mut state = self.lock();
        while state.is_waited_for() {
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
    fn may_put_off(&self) -> bool {
        let fewer = |eager: u32| eager.checked_sub(1);
        let eager = &self.unseen.eager;
        eager
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, fewer)
            .is_err()
    }

    /// Ends the group, whose transaction is durable as `durable` says, or will be by its commit: that
    /// is put off where it can be.
    pub(super) fn end(self, redo: &Redo, begun: OpenTransaction, durable: Durable) -> Outcome<()> {
        if durable == Durable::InLog && self.may_put_off() {
            self.put_off(begun);
        } else {
            redo.commit(begun.into_owner(), durable)?;
            self.seen();
        }
        Ok(())
    }

    /// Leaves the transaction open. What it holds is on disk.
    fn put_off(mut self, mut begun: OpenTransaction) {
        self.changes.extend(begun.take_recorded());
        let changes = mem::take(&mut self.changes);
        *self.unseen.lock() = State::Open(Box::new(begun), changes);
    }

    /// The engine has committed everything.
    fn seen(mut self) {
        self.changes.clear();
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut state = self.unseen.lock();
        if matches!(*state, State::Taken { .. }) {
            *state = match mem::take(&mut self.changes) {
                changes if changes.is_empty() => State::Nothing,
                changes => State::Lost(changes),
            };
        }
        drop(state);
        self.unseen.changed.notify_all();
    }
}
