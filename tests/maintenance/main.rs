//! Verify, repair, backup and compact.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    unreachable_pub,
    reason = "a test may say plainly what must hold"
)]

mod backup;
mod compact;
mod damage;
#[path = "../store/support/index_key.rs"]
mod index_key;
mod repair;
mod repair_failed;
mod repair_header;
mod repair_meta;
mod repair_redo;
mod stats;
mod untouched;
mod verify;
