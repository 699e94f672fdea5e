//! Promise: an error of the system is reported as one, with the system's own word behind it; the
//! store is unharmed, and usable after the cause is gone: at once or, where the message says so,
//! after opening it again.

use std::error::Error as _;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use image_store::{Access, Error, ErrorKind, ImageStore};
use rustix::io::Errno;

use crate::disk::{Bytes, Disk};
use crate::layers::{CALLS, Call, Fault, Faulty};
use crate::place::{Place, new_store, on};
use crate::state::{State, state, verified};
use crate::workload::{Step, workload};

pub const ERRORS: [Errno; 5] = [
    Errno::NOSPC,
    Errno::IO,
    Errno::DQUOT,
    Errno::ACCESS,
    Errno::INTR,
];

/// The operating system's error behind an error, wherever it is in the chain.
pub fn system_error(error: &Error) -> Option<i32> {
    let mut source = error.source();
    while let Some(cause) = source {
        if let Some(code) = cause
            .downcast_ref::<io::Error>()
            .and_then(io::Error::raw_os_error)
        {
            return Some(code);
        }
        source = cause.source();
    }
    None
}

struct Trial<'a> {
    steps: &'a [Step],
    /// The state after so many steps, where nothing fails.
    states: &'a [State],
    start: &'a Bytes,
    access: Access,
    place: &'a Place,
}

impl Trial<'_> {
    /// Runs all steps with one call failing; `false` where it was never made.
    fn run(&self, call: Call, nth: usize, errno: Errno) -> bool {
        let fault = Fault::new(call, nth, errno.raw_os_error());
        let disk = Disk::new(self.start.clone());
        let faulty = Faulty {
            inner: disk.clone(),
            fault: fault.clone(),
        };
        let what = || format!("{call:?} {nth} {errno:?} {:?}", self.access);
        let store = match on(&faulty, self.access).open(&self.place.path) {
            Ok(store) => store,
            Err(error) => {
                assert_eq!(
                    system_error(&error),
                    Some(errno.raw_os_error()),
                    "{}: {error:?}",
                    what()
                );
                assert_eq!(error.kind(), ErrorKind::Io, "{}: {error:?}", what());
                self.finish(&disk, 0, &[self.states[0].clone()], &what());
                return true;
            }
        };
        for (index, step) in self.steps.iter().enumerate() {
            let Err(error) = step.run(&store) else {
                continue;
            };
            assert!(fault.happened(), "{}: {error:?}", what());
            assert_eq!(error.kind(), ErrorKind::Io, "{}: {error:?}", what());
            let code = system_error(&error);
            let is_first = code == Some(errno.raw_os_error());
            assert!(
                is_first || says_reopen(&error),
                "{}: step {index}: {error:?}",
                what()
            );
            fault.disarm();
            let possible = [self.states[index].clone(), self.states[index + 1].clone()];
            Self::go_on(&store, &possible, &what());
            store.close();
            self.finish(&disk, index, &possible, &what());
            return true;
        }
        // Closing may fail too, and then the next open recovers.
        store.close();
        if fault.happened() {
            self.finish(
                &disk,
                self.steps.len(),
                &self.states[self.steps.len()..],
                &what(),
            );
        }
        fault.happened()
    }

    /// The cause is gone: whatever this handle still says is right or the word to open anew.
    fn go_on(store: &ImageStore, possible: &[State], what: &str) {
        match state(store) {
            Ok(state) => assert!(
                possible.contains(&state),
                "{what}: a reader sees something else"
            ),
            Err(error) => assert!(says_reopen(&error), "{what}: reading: {error:?}"),
        }
        match store.write() {
            Ok(transaction) => drop(transaction),
            Err(error) => assert!(says_reopen(&error), "{what}: writing: {error:?}"),
        }
    }

    /// Opened again, the store has what was acknowledged and takes the rest.
    fn finish(&self, disk: &Disk, failed: usize, possible: &[State], what: &str) {
        let store = on(disk, self.access)
            .open(&self.place.path)
            .unwrap_or_else(|error| {
                panic!("{what}: it does not open again: {error:?}");
            });
        let found = verified(&store).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert!(
            possible.contains(&found),
            "{what}: the state is none of {failed}"
        );
        let done =
            failed + usize::from(failed < self.steps.len() && found == self.states[failed + 1]);
        // Steps that change nothing leave it open which was the last.
        for step in &self.steps[done..] {
            step.run(&store)
                .unwrap_or_else(|error| panic!("{what}: afterwards: {error:?}"));
        }
        let end = verified(&store).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(end, self.states[self.steps.len()], "{what}: the end");
    }
}

fn says_reopen(error: &Error) -> bool {
    error.kind() == ErrorKind::Io && error.to_string().contains("open it again")
}

#[test]
fn every_call_of_the_system_may_fail_once() {
    let steps: Vec<Step> = workload(5, 14)
        .into_iter()
        .filter(|step| matches!(step, Step::Do(_)))
        .collect();
    let start = new_store();
    let mut trials = 0;
    for access in [Access::Shared, Access::Exclusive] {
        let states = states(&start, access, &steps);
        // Errors take turns, so that each call of each kind meets each of them over all calls.
        let jobs: Vec<(Call, usize)> = CALLS
            .iter()
            .flat_map(|call| (0..2).map(move |part| (*call, part)))
            .collect();
        let next = AtomicUsize::new(0);
        let count = AtomicUsize::new(0);
        let work = || {
            let place = Place::new();
            let trial = Trial {
                steps: &steps,
                states: &states,
                start: &start,
                access,
                place: &place,
            };
            while let Some((call, part)) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                for nth in (*part..).step_by(2) {
                    count.fetch_add(1, Ordering::Relaxed);
                    if !trial.run(*call, nth, ERRORS[(nth / 2 + part) % ERRORS.len()]) {
                        break;
                    }
                }
            }
        };
        thread::scope(|scope| {
            let threads = [scope.spawn(work), scope.spawn(work)];
            for thread in threads {
                thread.join().unwrap();
            }
        });
        trials += count.into_inner();
    }
    println!("{trials} calls failed, each in a run of its own");
    assert!(trials > 300, "only {trials} trials");
}

fn states(start: &Bytes, access: Access, steps: &[Step]) -> Vec<State> {
    let place = Place::new();
    let disk = Disk::new(start.clone());
    let store = on(&disk, access).open(&place.path).unwrap();
    let mut states = vec![state(&store).unwrap()];
    for step in steps {
        step.run(&store).unwrap();
        states.push(state(&store).unwrap());
    }
    states
}
