//! The legacy images directory: its JSON, its layout, and its import.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test may say plainly what must hold"
)]

mod fixtures;
mod import_atomicity;
mod import_findings;
mod import_fixtures;
mod json_fixtures;
