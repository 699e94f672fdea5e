//! The legacy images directory: its JSON, its layout, its import, and the export into it.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test may say plainly what must hold"
)]

mod export_fixtures;
mod export_live;
mod export_refusals;
mod export_support;
mod fixtures;
mod holder;
mod import_atomicity;
mod import_damage;
mod import_findings;
mod import_fixtures;
mod import_hostile;
mod import_lock;
mod import_merge;
mod import_order;
mod import_size;
mod json_fixtures;
mod migration_page;
