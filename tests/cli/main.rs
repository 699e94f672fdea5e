//! The program as its users run it: every test here starts the built binary.
//!
//! One test binary with a file for each promise, since each test binary is linked separately.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test may say plainly what must hold"
)]

mod support;

mod batch_bad_lines;
mod batch_listings;
mod batch_read_only;
mod batch_transactions;
mod batch_values;
mod changes;
mod command_line;
mod conformance;
mod dead_streams;
mod export;
mod export_kill;
mod hints;
mod import;
mod import_full_disk;
mod import_kill;
mod import_malformed;
mod import_options;
mod items;
mod list_and_inspect;
mod listings;
mod maintenance;
mod manual;
mod memory;
mod output_file;
mod readme;
mod removing;
mod templates;
mod terminal;
mod tour;
