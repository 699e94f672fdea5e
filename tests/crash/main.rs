//! What survives power cuts, kills while a store is created, and errors of the system.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    missing_docs,
    unreachable_pub,
    reason = "a test may say plainly what must hold"
)]

mod birth;
mod disk;
mod faults;
mod layers;
mod place;
mod power_cut;
mod state;
mod system;
mod workload;
