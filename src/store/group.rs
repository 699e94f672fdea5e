//! Steps of many threads in one transaction of the engine.
//!
//! A durable commit is nearly all waiting for the disk, and it takes no longer for ten steps than
//! for one. So a thread that has a step to make puts it here and lines up at the gate as any writer
//! does. The one that gets in leads: it runs its own step and all that wait here, commits once, and
//! tells the others what became of theirs. They return then and not before, so whatever has returned
//! is on disk. They are back with their next steps a moment later, for which the next leader
//! [waits](crate::store::habit).
//!
//! Each step succeeds or fails as if it were alone:
//!
//! - One that is refused has written nothing, and the others go on. Its caller hears of it after the
//!   commit too, because the refusal may rest on a step of the same group.
//! - One that fails in the file itself breaks the transaction. Nothing of it is kept; its caller
//!   gets the error, and the callers of the others make their steps again, each alone.
//! - Where the commit fails, every caller gets that error: the steps may be there or not.
//!
//! Only steps that run none of the caller's code come here: it would run on another thread, and the
//! gate could not tell it that it waits for itself.

use std::io;
use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::store::gate::{Gate, Pass, Ticket};
use crate::store::habit::Habit;
use crate::store::{ImageStore, Transaction, WaitLimit};

/// The most steps of one group: what they write is in memory until the commit.
const MOST: usize = 256;

/// The steps that wait at one handle.
#[derive(Default)]
pub(super) struct Group {
    state: Mutex<Waiting>,
    arrived: Condvar,
}

#[derive(Default)]
struct Waiting {
    members: Vec<Arc<dyn Member>>,
    habit: Habit,
}

/// A step of some thread, whatever it returns.
trait Member: Send + Sync {
    fn ticket(&self) -> Ticket;

    /// Runs the step, and tells whether it succeeded.
    fn run(&self, transaction: &mut Transaction) -> bool;

    /// Tells the caller what became of it; only the first time counts.
    fn settle(&self, end: End<'_>);
}

/// How the transaction of a group ended.
#[derive(Clone, Copy)]
enum End<'a> {
    Committed,
    /// The commit failed with this error.
    Failed(&'a Error),
    /// Nothing is kept. Steps that have not failed in the file are to be made again.
    Dropped,
}

/// A step and what became of it.
struct Job<R> {
    ticket: Ticket,
    step: Box<Step<R>>,
    state: Mutex<State<R>>,
}

type Step<R> = dyn Fn(&mut Transaction) -> Result<R> + Send + Sync;

enum State<R> {
    Waiting,
    /// It was run, but its group has not ended.
    Ran {
        result: Result<R>,
        /// Whether it was this step that broke the transaction.
        broke: bool,
    },
    Settled(Result<R>),
    /// It is to be made again, alone.
    Again,
    /// The caller has taken the result.
    Taken,
}

impl ImageStore {
    /// Runs one step as a transaction of its own, together with those of other threads.
    ///
    /// The step must run none of the caller's code.
    pub(super) fn grouped<R: Send + 'static>(
        &self,
        step: impl Fn(&mut Transaction) -> Result<R> + Send + Sync + 'static,
    ) -> Result<R> {
        self.handle().writable()?;
        let wait = self.wait_limit();
        let gate = self.gate();
        let ticket = gate.line_up();
        let ticket = ticket.map_err(|refused| self.refused(refused, wait))?;
        let job = Arc::new(Job {
            ticket,
            step: Box::new(step),
            state: Mutex::new(State::Waiting),
        });
        self.group().add(Arc::clone(&job) as Arc<dyn Member>);
        let turn = gate.wait(
            ticket,
            wait.deadline(),
            || job.is_settled(),
            || self.group().withdraw(ticket),
        );
        if let Some(pass) = turn.map_err(|refused| self.refused(refused, wait))? {
            self.lead(&job, pass, wait)?;
        }
        match mem::replace(&mut *lock(&job.state), State::Taken) {
            State::Settled(result) => result,
            State::Again | State::Waiting | State::Ran { .. } | State::Taken => {
                self.alone(|transaction| (job.step)(transaction))
            }
        }
    }

    /// Runs one step as a transaction of its own.
    pub(super) fn alone<R>(&self, step: impl FnOnce(&mut Transaction) -> Result<R>) -> Result<R> {
        let mut transaction = self.write()?;
        let result = step(&mut transaction)?;
        transaction.commit()?;
        Ok(result)
    }

    /// Runs the steps that wait, the caller's own first.
    ///
    /// # Errors
    ///
    /// Those of beginning, which are the caller's alone.
    fn lead<R: Send + 'static>(
        &self,
        own: &Arc<Job<R>>,
        pass: Pass,
        wait: WaitLimit,
    ) -> Result<()> {
        self.group().withdraw(own.ticket);
        // The pass outlives the transaction: the others must know before the next thread is in.
        let mut transaction = self.write_inside(pass.clone(), wait)?;
        let mut led = Led::new(self.gate());
        let mut succeeded = 0;
        let mut next = led.take(vec![Arc::clone(own) as Arc<dyn Member>]);
        let mut patience = None;
        // Others come while the first steps run; a commit for each of them would take far longer.
        while !next.is_empty() {
            for member in next {
                succeeded += u64::from(member.run(&mut transaction));
                if transaction.is_broken() {
                    drop(transaction);
                    led.settle(End::Dropped);
                    return Ok(());
                }
            }
            next = led.take(self.group().take(led.members.len(), &mut patience));
        }
        let begun = Instant::now();
        transaction.commit_as(succeeded, |failed| {
            self.group().ended(led.members.len(), begun.elapsed());
            led.settle(failed.map_or(End::Committed, End::Failed));
        });
        drop(led);
        drop(pass);
        Ok(())
    }
}

impl Group {
    fn add(&self, member: Arc<dyn Member>) {
        lock(&self.state).members.push(member);
        self.arrived.notify_one();
    }

    /// Takes the steps that wait, those that came first, for a group of `members` so far. Where there
    /// are none, waits for those that are likely to come; `patience` keeps until when.
    fn take(&self, members: usize, patience: &mut Option<Instant>) -> Vec<Arc<dyn Member>> {
        let most = MOST.saturating_sub(members);
        let mut state = lock(&self.state);
        loop {
            let some = most.min(state.members.len());
            if some > 0 || most == 0 || !state.habit.expects_more_than(members) {
                return state.members.drain(..some).collect();
            }
            let now = Instant::now();
            let until = *patience.get_or_insert_with(|| now + state.habit.patience());
            if now >= until {
                state.habit.waited_in_vain();
                return Vec::new();
            }
            let waited = self.arrived.wait_timeout(state, until - now);
            (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// A group of so many members ended, whose commit took so long.
    fn ended(&self, members: usize, commit: Duration) {
        let mut state = lock(&self.state);
        let callers = members + state.members.len();
        state.habit.learn(callers, commit);
    }

    /// Takes one step out; `false` where a leader has it.
    fn withdraw(&self, ticket: Ticket) -> bool {
        let mut state = lock(&self.state);
        let before = state.members.len();
        state.members.retain(|member| member.ticket() != ticket);
        state.members.len() < before
    }
}

/// The steps that a leader has taken. However it ends, their callers are told.
struct Led<'a> {
    gate: &'a Gate,
    members: Vec<Arc<dyn Member>>,
}

impl<'a> Led<'a> {
    const fn new(gate: &'a Gate) -> Self {
        Self {
            gate,
            members: Vec::new(),
        }
    }

    fn take(&mut self, members: Vec<Arc<dyn Member>>) -> Vec<Arc<dyn Member>> {
        self.members.extend(members.iter().map(Arc::clone));
        members
    }

    fn settle(&self, end: End<'_>) {
        for member in &self.members {
            member.settle(end);
        }
    }
}

impl Drop for Led<'_> {
    fn drop(&mut self) {
        // Where a panic passes through and they were not told yet, nothing was committed.
        self.settle(End::Dropped);
        let tickets: Vec<Ticket> = self.members.iter().map(|member| member.ticket()).collect();
        self.gate.served(&tickets);
    }
}

impl<R> Job<R> {
    fn is_settled(&self) -> bool {
        matches!(*lock(&self.state), State::Settled(_) | State::Again)
    }
}

impl<R: Send> Member for Job<R> {
    fn ticket(&self) -> Ticket {
        self.ticket
    }

    fn run(&self, transaction: &mut Transaction) -> bool {
        let result = (self.step)(transaction);
        let succeeded = result.is_ok();
        let broke = transaction.is_broken();
        *lock(&self.state) = State::Ran { result, broke };
        succeeded
    }

    fn settle(&self, end: End<'_>) {
        let mut state = lock(&self.state);
        *state = match (mem::replace(&mut *state, State::Taken), end) {
            (State::Ran { result, .. }, End::Committed) => State::Settled(result),
            (
                State::Ran {
                    result: Err(error),
                    broke: true,
                },
                _,
            ) => State::Settled(Err(error)),
            (State::Ran { .. }, End::Failed(error)) => State::Settled(Err(told_again(error))),
            (State::Waiting | State::Ran { .. }, _) => State::Again,
            (ended @ (State::Settled(_) | State::Again | State::Taken), _) => ended,
        };
    }
}

/// The error of a commit, for each of those whose steps were in it.
fn told_again(error: &Error) -> Error {
    match error {
        Error::Io {
            action,
            path,
            source,
        } => Error::Io {
            action,
            path: path.clone(),
            source: source.raw_os_error().map_or_else(
                || io::Error::new(source.kind(), source.to_string()),
                io::Error::from_raw_os_error,
            ),
        },
        Error::Corrupt { path, what, source } => Error::Corrupt {
            path: path.clone(),
            what: what.clone(),
            source: source.as_ref().map(|source| source.to_string().into()),
        },
        Error::Forked { path } => Error::Forked { path: path.clone() },
        other => Error::Corrupt {
            path: Default::default(),
            what: other.to_string(),
            source: None,
        },
    }
}

/// No code panics while it holds these locks, and their values are whole after every statement.
fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};
    use std::thread;
    use std::time::{Duration, Instant};

    use super::{Group, Job, Member, State};
    use crate::store::gate::Gate;

    fn step(gate: &Gate) -> Arc<dyn Member> {
        Arc::new(Job {
            ticket: gate.line_up().unwrap(),
            step: Box::new(|_| Ok(())),
            state: Mutex::new(State::Waiting),
        })
    }

    #[test]
    fn a_group_waits_for_those_who_were_in_the_last_one() {
        const LONG: Duration = Duration::from_secs(60);
        let (gate, group) = (Gate::default(), Group::default());
        group.ended(2, LONG);
        group.ended(2, LONG);
        thread::scope(|scope| {
            let leader = scope.spawn(|| {
                let mut patience = None;
                let came = group.take(1, &mut patience).len();
                (came, patience)
            });
            // Whether it waits by now or not.
            thread::yield_now();
            group.add(step(&gate));
            let (came, patience) = leader.join().unwrap();
            assert_eq!(came, 1);
            assert!(
                patience.is_none_or(|until| until > Instant::now()),
                "it did not wait to the end"
            );
        });
        assert!(
            group.take(2, &mut None).is_empty(),
            "nobody else is expected"
        );
    }

    #[test]
    fn a_group_does_not_wait_for_ever() {
        let (gate, group) = (Gate::default(), Group::default());
        group.ended(2, Duration::from_millis(1));
        group.ended(2, Duration::from_millis(1));
        assert!(group.take(1, &mut None).is_empty());
        // Nor again at once, but it takes who is there.
        group.add(step(&gate));
        assert_eq!(group.take(1, &mut None).len(), 1);
    }
}
