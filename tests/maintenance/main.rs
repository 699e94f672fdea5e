//! Verify, repair, backup and compact.

mod backup;
mod compact;
mod damage;
mod repair;
mod verify;
