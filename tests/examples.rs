//! Promise: the examples run and do what they say. Those that need an async runtime are tested in
//! their own package.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may say plainly what must hold"
)]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const PROGRAM: &str = env!("CARGO_BIN_EXE_image-store");

/// What the clients of `batch` print, but for the ID, which is random.
const SAID: &str = "\
created ID with the digest sha256:c5d902c53b4a
named localhost/app:1
named localhost/app:latest
its manifest is {\"schemaVersion\": 2}
refused: image-unknown
still there: yes
images left: 0
";

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples")
}

/// Runs a command that must succeed without a complaint, and returns what it printed.
#[track_caller]
fn printed(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {stderr}");
    String::from_utf8(output.stdout).unwrap()
}

/// Checks what a client of `batch` printed.
#[track_caller]
fn assert_said(printed: &str) {
    let id = printed.split_whitespace().nth(1).unwrap();
    assert_eq!(id.len(), 12, "{printed}");
    let said = printed.replacen(id, "ID", 1);
    let said = said.replace("still there: True", "still there: yes");
    let said = said.replace("still there: true", "still there: yes");
    assert_eq!(said, SAID);
}

/// An example of this package. `cargo test` builds them; `cargo test --test examples` alone does not.
fn built(example: &str) -> Command {
    let folder = Path::new(PROGRAM).parent().unwrap().join("examples");
    let path = folder.join(example);
    assert!(path.exists(), "not built yet; run: cargo build --examples");
    Command::new(path)
}

#[test]
fn a_thread_pool_shares_a_store() {
    let said = printed(&mut built("thread_pool"));
    assert_eq!(said, "4 threads did 80 tasks; there are 41 images\n");
}

#[test]
fn a_pull_is_one_transaction() {
    let said = printed(&mut built("pull"));
    assert!(said.starts_with("quay.io/example/app:latest is "), "{said}");
}

#[test]
fn processes_wait_for_each_other() {
    let said = printed(built("waiting").args(["2", "1"]));
    assert!(said.contains("all: "), "{said}");
}

#[test]
fn a_python_script_drives_batch() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new("python3");
    command
        .arg(examples().join("python/batch.py"))
        .arg(PROGRAM)
        .arg(folder.path().join("images.redb"));
    assert_said(&printed(&mut command));
}

/// Where there is no Go, that is said: not every machine that tests this needs it.
#[test]
fn a_go_program_drives_batch() {
    let is_there = Command::new("go").arg("version").output();
    if is_there.is_err() {
        let told = "go is not installed: examples/go was not run\n";
        // Past the test's own output, which is not shown where it succeeds.
        std::io::stderr().write_all(told.as_bytes()).unwrap();
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new("go");
    command
        .args(["run", ".", PROGRAM])
        .arg(folder.path().join("images.redb"))
        .current_dir(examples().join("go"))
        .env("GOCACHE", folder.path().join("cache"))
        .env("GOFLAGS", "-mod=mod")
        .env("GOTOOLCHAIN", "local");
    assert_said(&printed(&mut command));
}
