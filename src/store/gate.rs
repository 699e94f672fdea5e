//! The order in which the threads of this process write to one file.
//!
//! Two handles of one process on one file share a gate, so a thread that holds a transaction and
//! asks for another is told so, instead of waiting for itself.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Condvar, LazyLock, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::{self, ThreadId};
use std::time::Instant;

use rustix::process::{Pid, getpid};

/// The gate of one file. Threads pass in the order they came.
#[derive(Debug, Default)]
pub(super) struct Gate {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    owner: Option<ThreadId>,
    waiting: VecDeque<Ticket>,
    next_ticket: u64,
}

/// The right to write, until it and its clones are dropped.
#[derive(Clone, Debug)]
pub(super) struct Pass(#[expect(dead_code, reason = "held for its end")] Arc<Inside>);

/// The thread that is inside; it leaves when this is dropped.
#[derive(Debug)]
struct Inside {
    gate: Arc<Gate>,
}

/// A place in the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ticket(u64);

/// Why a thread was not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// This thread is in already.
    Nested,
    /// The deadline passed.
    TooLate,
}

/// Process, device and inode → gate. A forked child inherits the gates as they were, with threads
/// in them that it does not have, so it has gates of its own.
type Gates = HashMap<(Pid, (u64, u64)), Weak<Gate>>;

static GATES: LazyLock<Mutex<Gates>> = LazyLock::new(Mutex::default);

impl Gate {
    /// The gate of the file with this device and inode.
    pub(super) fn of(identity: (u64, u64)) -> Arc<Self> {
        let mut gates = lock(&GATES);
        gates.retain(|_, gate| gate.strong_count() > 0);
        let entry = gates.entry((getpid(), identity)).or_default();
        entry.upgrade().unwrap_or_else(|| {
            let gate = Arc::new(Self::default());
            *entry = Arc::downgrade(&gate);
            gate
        })
    }

    /// Whether some thread is in.
    pub(super) fn is_taken(&self) -> bool {
        lock(&self.state).owner.is_some()
    }

    /// Waits until no other thread of this process writes.
    pub(super) fn enter(self: &Arc<Self>, deadline: Instant) -> Result<Pass, Refused> {
        let ticket = self.line_up()?;
        let waited = self.wait(ticket, deadline, || false, || true);
        waited?.ok_or(Refused::TooLate)
    }

    /// Takes a place in the line, for [`wait`](Self::wait).
    pub(super) fn line_up(&self) -> Result<Ticket, Refused> {
        let mut state = lock(&self.state);
        if state.owner == Some(thread::current().id()) {
            return Err(Refused::Nested);
        }
        let ticket = Ticket(state.next_ticket);
        state.next_ticket += 1;
        state.waiting.push_back(ticket);
        Ok(ticket)
    }

    /// Waits until it is this ticket's turn; `None` where the thread inside did its work for it.
    ///
    /// When the deadline passes, `give_up` tells whether it may: where another thread is at the
    /// work, that is waited for.
    pub(super) fn wait(
        self: &Arc<Self>,
        ticket: Ticket,
        deadline: Instant,
        is_served: impl Fn() -> bool,
        give_up: impl Fn() -> bool,
    ) -> Result<Option<Pass>, Refused> {
        let mut state = lock(&self.state);
        let mut taken = false;
        loop {
            if is_served() {
                return Ok(None);
            }
            if state.owner.is_none() && state.waiting.front() == Some(&ticket) {
                break;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if taken {
                state = self
                    .changed
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner);
            } else if !left.is_zero() {
                state = self
                    .changed
                    .wait_timeout(state, left)
                    .unwrap_or_else(PoisonError::into_inner)
                    .0;
            } else if give_up() {
                state.waiting.retain(|waiting| *waiting != ticket);
                // The next in line may have waited for this one only.
                self.changed.notify_all();
                return Err(Refused::TooLate);
            } else {
                taken = true;
            }
        }
        state.waiting.pop_front();
        state.owner = Some(thread::current().id());
        drop(state);
        Ok(Some(Pass(Arc::new(Inside {
            gate: Arc::clone(self),
        }))))
    }

    /// Takes those out of the line whose work was done for them. They are told when the thread
    /// inside leaves.
    pub(super) fn served(&self, tickets: &[Ticket]) {
        let mut state = lock(&self.state);
        state.waiting.retain(|waiting| !tickets.contains(waiting));
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        lock(&self.gate.state).owner = None;
        self.gate.changed.notify_all();
    }
}

/// No code panics while it holds these locks, and their values are whole after every statement.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;
    use std::time::{Duration, Instant};

    use super::{Gate, Refused};

    fn soon() -> Instant {
        Instant::now() + Duration::from_millis(20)
    }

    fn late() -> Instant {
        Instant::now() + Duration::from_secs(60)
    }

    #[test]
    fn a_second_pass_of_one_thread_is_refused_at_once() {
        let gate = Gate::of((1, 1));
        let pass = gate.enter(late()).unwrap();
        assert_eq!(Gate::of((1, 1)).enter(late()).unwrap_err(), Refused::Nested);
        drop(pass);
        gate.enter(late()).unwrap();
    }

    #[test]
    fn other_threads_wait_no_longer_than_they_said() {
        let gate = Gate::of((1, 2));
        let _pass = gate.enter(late()).unwrap();
        let other = thread::spawn(|| Gate::of((1, 2)).enter(soon()).map(drop));
        assert_eq!(other.join().unwrap(), Err(Refused::TooLate));
    }

    #[test]
    fn one_that_gave_up_does_not_block_those_behind() {
        let gate = Gate::of((1, 3));
        let pass = gate.enter(late()).unwrap();
        let impatient = thread::spawn(|| Gate::of((1, 3)).enter(soon()).map(drop));
        let (entered, has_entered) = mpsc::channel();
        let patient = thread::spawn(move || {
            let _pass = Gate::of((1, 3)).enter(late()).unwrap();
            entered.send(()).unwrap();
        });
        assert!(impatient.join().unwrap().is_err());
        drop(pass);
        has_entered.recv_timeout(Duration::from_secs(30)).unwrap();
        patient.join().unwrap();
    }

    #[test]
    fn a_thread_that_dies_inside_lets_the_next_in() {
        let died = thread::spawn(|| {
            let _pass = Gate::of((1, 4)).enter(late()).unwrap();
            panic!("on purpose");
        });
        assert!(died.join().is_err());
        Gate::of((1, 4)).enter(late()).unwrap();
    }
}
