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
mod damage;
mod forked;
mod group;
mod items;
mod kept_stores;
mod large_items;
mod late;
mod limits;
mod many_creates;
mod model;
mod present;
mod read_only;
mod redo;
mod refusals;
mod remembered;
mod removed_items;
mod schema_1;
mod sharing;
mod snapshots;
mod transactions;
mod unseen;
mod waiting;

/// Does the task of a child process.
fn perform(task: &str, path: &Path) {
    match task {
        "churn" => snapshots::churn_in_child(path),
        "count" => present::count(path),
        "create" => births::create(path),
        "create-many" => waiting::create_many(path),
        "exclusive" => redo::create_exclusively(path),
        "exclusive-elsewhere" => redo::create_from_elsewhere(path),
        "fork" => forked::fork(path),
        "fork-exclusive" => forked::fork_exclusive(path),
        "fork-and-create" => forked::fork_and_create(path),
        "fork-and-list" => forked::fork_and_list(path),
        "fork-and-drop" => forked::fork_and_drop(path),
        "fork-and-open" => forked::fork_and_open(path),
        "hold" => waiting::hold(path),
        "keep-snapshot" => snapshots::keep_snapshot(path),
        "large-random-item" => large_items::in_and_out(path, false),
        "large-sparse-item" => large_items::in_and_out(path, true),
        "move-names" => snapshots::move_names_in_child(path),
        crowd if crowd.starts_with(model::crowd::TASK) => {
            model::crowd::in_child(&crowd[model::crowd::TASK.len()..], path);
        }
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
