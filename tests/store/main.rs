//! What the store promises, one promise a file. One binary: linking it once is most of the time
//! that building many would take.

// Helpers of tests may say plainly what must hold, as tests do; clippy.toml allows it in functions
// that are tests themselves only.
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::string_slice,
    clippy::unwrap_used
)]

use std::path::Path;

mod support;

mod births;
mod model;
mod refusals;

/// Does the task of a child process.
fn perform(task: &str, path: &Path) {
    match task {
        "create" => births::create(path),
        unknown => panic!("there is no task {unknown:?}"),
    }
}

#[test]
#[ignore = "is the other process of the tests that need one; they start it"]
fn other_process() {
    if let Some((task, path)) = support::child::task() {
        perform(&task, &path);
    }
}
