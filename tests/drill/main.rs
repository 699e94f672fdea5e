//! What holds while the real program is killed, shut out and starved of room.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    missing_docs,
    unreachable_pub,
    reason = "a test may say plainly what must hold"
)]

mod full_disk;
mod kills;
mod mounts;
mod opening;
mod program;
mod recovery;
mod waiting;
