//! Promise: whichever call of the system fails, in the engine, in the standard library or in ours,
//! an operation ends with an error that names it, or is done; what it works on is as before or as
//! after; and the next try succeeds and leaves nothing lying about.

mod filter;
mod look;
mod operation;
mod order;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use image_store::ErrorKind;
use rustix::io::Errno;
use tempfile::TempDir;

use self::filter::{CALLS, Call, failing};
use self::look::{Look, has_kept_copy, look, names};
use self::operation::{OPERATIONS, Operation};
use crate::faults::{ERRORS, system_error};

/// A place where a sync costs nothing, if there is one: there are thousands, and none is at stake.
fn room() -> PathBuf {
    let memory = Path::new("/dev/shm");
    let is_usable = tempfile::tempfile_in(memory).is_ok();
    if is_usable {
        memory.to_owned()
    } else {
        std::env::temp_dir()
    }
}

/// An operation, and what it does where nothing fails.
struct Trial {
    operation: Operation,
    /// What is copied before each run.
    start: TempDir,
    before: Look,
    after: Look,
    source: Look,
    names: Vec<String>,
}

impl Trial {
    fn new(operation: Operation) -> Self {
        let folder = || tempfile::tempdir_in(room()).unwrap();
        let start = folder();
        (operation.prepare)(start.path());
        let run = folder();
        copy(start.path(), run.path());
        // Opening what a dead writer left changes it, so another copy is looked at.
        let before = look(&run.path().join(operation.target)).unwrap();
        let source = operation
            .source
            .map(|source| look(&run.path().join(source)).unwrap());
        (operation.act)(run.path()).unwrap_or_else(|error| panic!("{}: {error}", operation.name));
        Self {
            operation,
            after: look(&run.path().join(operation.target)).unwrap(),
            names: names(run.path()),
            source: source.flatten(),
            before,
            start,
        }
    }

    /// Runs it with one call failing: whether that call was made, and whether the operation failed.
    fn run(&self, call: Call, nth: usize, errno: Errno) -> Result<(bool, bool), String> {
        let Operation { act, target, .. } = self.operation;
        let folder = tempfile::tempdir_in(room()).unwrap();
        copy(self.start.path(), folder.path());
        let outcome = failing(call, nth, errno, || act(folder.path()));
        let made = outcome.made;
        let found = look(&folder.path().join(target))?;
        if let Some(source) = self.operation.source
            && look(&folder.path().join(source))? != self.source
        {
            return Err(format!("{source} was changed"));
        }
        let Err(error) = outcome.result else {
            return if found == self.after {
                Ok((made, false))
            } else {
                Err("it was not done, and no error said so".to_owned())
            };
        };
        if !made || error.kind() != ErrorKind::Io {
            return Err(format!("another error: {error:?}"));
        }
        if !has_behind_it(&error, errno) {
            return Err(format!("the system's word is not behind {error:?}"));
        }
        if call == Call::Rename && has_kept_copy(folder.path()) {
            return Err(format!(
                "after {error}: a copy is kept of what is in its place"
            ));
        }
        if found == self.after {
            return Ok((true, true));
        }
        if found != self.before {
            return Err(format!("neither before nor after, but {found:?}: {error}"));
        }
        act(folder.path()).map_err(|again| format!("after {error}: again: {again:?}"))?;
        if look(&folder.path().join(target))? != self.after {
            return Err("the second try did something else".to_owned());
        }
        let left = names(folder.path());
        if left != self.names {
            return Err(format!("after {error}: what is left: {left:?}"));
        }
        Ok((true, true))
    }
}

/// Whether the system's own word is behind an error; some packages wrap it in one of theirs.
fn has_behind_it(error: &image_store::Error, errno: Errno) -> bool {
    let code = errno.raw_os_error();
    system_error(error) == Some(code) || format!("{error:?}").contains(&format!("code: {code},"))
}

/// The errors that a call meets: those that change what is there meet each of them, of the others
/// each number meets another, unless `IMAGE_STORE_FAULTS` is `all`.
fn errors(call: Call, nth: usize) -> Vec<Errno> {
    let is_all = std::env::var("IMAGE_STORE_FAULTS").is_ok_and(|faults| faults == "all");
    if is_all || matches!(call, Call::Rename | Call::Remove | Call::MakeFolder) {
        ERRORS.to_vec()
    } else {
        vec![ERRORS[nth % ERRORS.len()]]
    }
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            fs::create_dir(&target).unwrap();
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn any_call_of_the_system_may_fail_in_any_operation() {
    let trials: Vec<Trial> = OPERATIONS.iter().copied().map(Trial::new).collect();
    let jobs: Vec<(&Trial, Call)> = trials
        .iter()
        .flat_map(|trial| CALLS.map(|call| (trial, call)))
        .collect();
    let next = AtomicUsize::new(0);
    let counts = Mutex::new(BTreeMap::<String, (usize, usize)>::new());
    let failures = Mutex::new(Vec::new());
    let work = || {
        while let Some((trial, call)) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
            for nth in 0.. {
                let mut is_made = false;
                for errno in errors(*call, nth) {
                    match trial.run(*call, nth, errno) {
                        Ok((made, failed)) => {
                            is_made = made;
                            let mut counts = counts.lock().unwrap();
                            let count = counts.entry(format!("{call:?}")).or_default();
                            count.0 += usize::from(made);
                            count.1 += usize::from(failed);
                        }
                        Err(what) => {
                            is_made = true;
                            let name = trial.operation.name;
                            let failure = format!("{name}: {call:?} {nth} {errno:?}: {what}");
                            failures.lock().unwrap().push(failure);
                        }
                    }
                    if !is_made {
                        break;
                    }
                }
                if !is_made {
                    break;
                }
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(work);
        }
    });
    let counts = counts.into_inner().unwrap();
    println!("calls that failed, and operations that failed of it: {counts:?}");
    let failures = failures.into_inner().unwrap();
    assert!(
        failures.is_empty(),
        "{} failures, first {:#?}",
        failures.len(),
        &failures[..failures.len().min(60)]
    );
    // Each of these is made somewhere.
    for call in CALLS {
        let (made, _) = counts
            .get(&format!("{call:?}"))
            .copied()
            .unwrap_or_default();
        assert!(made > 1, "no {call:?} was ever made");
    }
}
