//! The present state, which lookups that follow each other closely share.
//!
//! To begin a read transaction of the engine and to open its tables takes as long as a lookup in
//! it, in shared access twice as long. A lookup that brings no snapshot uses the one of the lookup
//! before, where that still is the present state:
//!
//! - In exclusive access only this process writes. Its commits [let go](Present::changing) of what
//!   is kept, and nothing is kept while one is under way, so that no lookup sees less than one
//!   before it.
//! - In shared access every commit, of whatever process, changes the header of the file. It is read
//!   before each lookup, without the engine's lock. Where it is not what it was before the state was
//!   begun, when it was read twice and did not change, a new transaction is begun.
//!
//! Pages of a state that is kept cannot be used again once another process has changed the store. So
//! a process that others may write beside keeps none for long after a lookup: a thread, which lives
//! no longer than that, sees to it.

use std::fs::File;
use std::mem;
use std::os::unix::fs::FileExt as _;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::engine::{Outcome, contain};
use crate::tables::SnapshotTables;

/// What every commit changes: the header lock of the engine's design covers these bytes.
const HEADER: usize = 320;

/// How soon after the one before a lookup must come for the state to be kept in shared access: for
/// lookups that are far apart it would gain nothing.
const SUCCESSION: Duration = Duration::from_millis(1);

/// How long a state is kept after the last lookup in shared access, and at most twice that.
const IDLE: Duration = Duration::from_millis(25);

/// The state that the next lookup may use.
pub(super) struct Present {
    shared: Arc<Shared>,
    /// The file of the store, where others may write to it.
    file: Option<File>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    ended: Condvar,
}

#[derive(Default)]
struct State {
    kept: Option<Arc<Begun>>,
    /// How many commits are under way.
    changing: u32,
    last_look: Option<Instant>,
    /// Whether there was a lookup since the thread that lets go last asked.
    used: bool,
    /// Whether that thread is running.
    watched: bool,
    closed: bool,
}

/// A state, and the header of the file just before it was begun.
struct Begun {
    tables: SnapshotTables,
    header: [u8; HEADER],
}

impl Begun {
    fn new(tables: SnapshotTables, header: [u8; HEADER]) -> Arc<Self> {
        Arc::new(Self { tables, header })
    }
}

impl Present {
    /// For a file that only this process writes to.
    pub(super) fn of_one_process() -> Self {
        let shared = Arc::default();
        Self { shared, file: None }
    }

    /// For a file that other processes may write to.
    pub(super) fn of_many_processes(file: File) -> Self {
        Self {
            file: Some(file),
            ..Self::of_one_process()
        }
    }

    /// Looks at the present state, which `begin` makes where it is not kept.
    pub(super) fn look<R>(
        &self,
        begin: impl FnOnce() -> Outcome<SnapshotTables>,
        look: impl FnOnce(&SnapshotTables) -> Outcome<R>,
    ) -> Outcome<R> {
        let kept = self.shared.lock().kept();
        let present = match kept.filter(|kept| self.is_present(kept)) {
            Some(kept) => kept,
            None => self.begin(begin)?,
        };
        look(&present.tables)
    }

    fn is_present(&self, kept: &Begun) -> bool {
        // Where the header cannot be read, the engine will say why.
        self.header().is_some_and(|header| header == kept.header)
    }

    fn header(&self) -> Option<[u8; HEADER]> {
        let mut header = [0; HEADER];
        match &self.file {
            Some(file) => file.read_exact_at(&mut header, 0).ok().map(|()| header),
            None => Some(header),
        }
    }

    /// Begins a transaction, and keeps it where another lookup is likely to use it.
    fn begin(&self, begin: impl FnOnce() -> Outcome<SnapshotTables>) -> Outcome<Arc<Begun>> {
        let mut state = self.shared.lock();
        state.kept = None;
        let now = Instant::now();
        let before = state.last_look.replace(now);
        let follows = before.is_some_and(|before| now.duration_since(before) <= SUCCESSION);
        let keeps = state.changing == 0 && (follows || self.file.is_none());
        // It must be older than the transaction, and not be read in part from before a commit: one
        // that was would come to equal that of a later state.
        let header = keeps.then(|| self.header()).flatten();
        let Some(header) = header.filter(|header| self.header() == Some(*header)) else {
            drop(state);
            return Ok(Begun::new(begin()?, [0; HEADER]));
        };
        // No commit ends meanwhile in this process: it waits for the lock.
        let begun = Begun::new(begin()?, header);
        if self.file.is_none() || self.shared.watch(&mut state) {
            state.kept = Some(Arc::clone(&begun));
        }
        Ok(begun)
    }

    /// Lets go of what is kept, and keeps nothing while a commit of this process is under way.
    pub(super) fn changing(&self) -> Changing {
        let mut state = self.shared.lock();
        state.changing += 1;
        state.kept = None;
        Changing(Arc::clone(&self.shared))
    }

    /// Lets go of what is kept, for good.
    pub(super) fn close(&self) {
        let mut state = self.shared.lock();
        state.kept = None;
        state.closed = true;
        self.shared.ended.notify_all();
    }

    /// Leaves everything as it is, in a forked child: to end the transaction would release a lock
    /// of its parent. Another thread of the parent may have held what guards the state.
    pub(super) fn leak(&mut self) {
        mem::forget(mem::replace(self, Self::of_one_process()));
    }
}

/// A commit that is under way, until it is dropped.
pub(super) struct Changing(Arc<Shared>);

impl Drop for Changing {
    fn drop(&mut self) {
        self.0.lock().changing -= 1;
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sees to it that what is kept is let go of; `false` where there is no thread to be had.
    fn watch(self: &Arc<Self>, state: &mut State) -> bool {
        if !state.watched {
            let shared = Arc::clone(self);
            let thread = thread::Builder::new().name("image-store-idle".to_owned());
            state.watched = thread.spawn(move || shared.let_go_when_idle()).is_ok();
        }
        state.watched
    }

    fn let_go_when_idle(&self) {
        let mut state = self.lock();
        loop {
            state.used = false;
            let waited = self.ended.wait_timeout(state, IDLE);
            (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
            if state.closed || !state.used {
                state.watched = false;
                let kept = state.kept.take();
                // The engine closes after this, not beside it.
                let _ = contain(|| {
                    drop(kept);
                    Ok(())
                });
                return;
            }
        }
    }
}

impl State {
    fn kept(&mut self) -> Option<Arc<Begun>> {
        let kept = self.kept.as_ref().map(Arc::clone);
        self.used |= kept.is_some();
        kept
    }
}
