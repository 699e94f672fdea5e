//! A process of its own that holds the write lock of an images directory, as an engine does.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::fs::{FlockOperation, fcntl_lock};

/// Says which file the process locks.
const HELD: &str = "IMAGE_STORE_TEST_HOLDS";

/// The process; it ends at the latest when this one does.
pub(crate) struct Holder {
    child: Child,
}

impl Holder {
    /// Starts it, and waits until it has the lock of the file at `path`.
    pub(crate) fn start(path: &Path) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["holder::holder_of_the_lock", "--exact", "--nocapture"])
            .env(HELD, path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap().contains("locked")));
        // The rest of its words go nowhere.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child }
    }

    /// Lets it release the lock, and waits for its end.
    pub(crate) fn end(mut self) {
        drop(self.child.stdin.take());
        assert!(self.child.wait().unwrap().success());
    }
}

/// Not a test of its own: the process that other tests start to hold a lock until its input ends.
#[test]
fn holder_of_the_lock() {
    let Some(path) = std::env::var_os(HELD) else {
        return;
    };
    let file = fs::File::options().write(true).open(path).unwrap();
    fcntl_lock(&file, FlockOperation::LockExclusive).unwrap();
    writeln!(std::io::stdout(), "locked").unwrap();
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
}
