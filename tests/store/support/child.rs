//! Other processes: the test binary starts itself again with a task to do.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child as Process, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

/// Names the task of a child process.
const TASK: &str = "IMAGE_STORE_TEST_TASK";
/// The store that it is about.
const PATH: &str = "IMAGE_STORE_TEST_PATH";
/// Before each line that a child says: the test harness writes to the same stream.
const MARK: &str = "child: ";
/// How long is waited for a child to say something: longer than anything takes.
const PATIENCE: Duration = Duration::from_secs(900);

/// A child process, ended at the latest when this is dropped.
pub(crate) struct Child {
    process: Process,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
}

impl Child {
    /// Starts `task` of [`perform`](crate::perform) on the store at `path`.
    pub(crate) fn start(task: &str, path: &Path) -> Self {
        Self::start_in(task, path, Path::new("."))
    }

    /// As [`start`](Self::start), in a folder.
    pub(crate) fn start_in(task: &str, path: &Path, folder: &Path) -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "other_process", "--nocapture"])
            .env(TASK, task)
            .env(PATH, path)
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        let (sender, lines) = channel();
        thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if let Some((_, said)) = line.split_once(MARK)
                    && sender.send(said.to_owned()).is_err()
                {
                    break;
                }
            }
        });
        Self {
            input: process.stdin.take(),
            process,
            lines,
        }
    }

    /// The next line that the child says.
    pub(crate) fn hear(&self) -> String {
        let line = self.lines.recv_timeout(PATIENCE);
        line.expect("the child says something before it ends")
    }

    /// The next line must be this one.
    #[track_caller]
    pub(crate) fn expect(&self, line: &str) {
        assert_eq!(self.hear(), line);
    }

    /// Says a line to the child.
    pub(crate) fn say(&mut self, line: &str) {
        writeln!(self.input.as_mut().unwrap(), "{line}").unwrap();
    }

    /// Lets the child come to its end, which must be a good one.
    pub(crate) fn end(mut self) {
        drop(self.input.take());
        assert!(self.process.wait().unwrap().success(), "the child failed");
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The task of this process, where it is a child, and its store.
pub(crate) fn task() -> Option<(String, PathBuf)> {
    let task = std::env::var(TASK).ok()?;
    Some((task, std::env::var_os(PATH)?.into()))
}

/// In a child: says a line to the parent.
pub(crate) fn say(line: &str) {
    let mut output = std::io::stdout().lock();
    writeln!(output, "{MARK}{line}").unwrap();
    output.flush().unwrap();
}

/// In a child: the next line from the parent; `None` when it wants the child to end.
pub(crate) fn hear() -> Option<String> {
    let mut line = String::new();
    let read = std::io::stdin().read_line(&mut line).unwrap();
    (read > 0).then(|| line.trim_end().to_owned())
}

/// In a child: waits until the parent says something or wants it to end.
pub(crate) fn wait_for_parent() {
    let _ = hear();
}
