//! The store: opening and creating its file, and the handles through which it is used.

mod access;
mod backend;
mod birth;
mod by_slot;
mod compaction;
mod copy;
mod damaged;
mod database;
mod file;
mod gate;
mod group;
mod habit;
mod header;
mod held;
mod image_store;
mod mutations;
mod one_step;
mod open;
mod open_transaction;
mod options;
mod pauses;
mod present;
mod redo;
mod snapshot;
mod transaction;
mod unseen;
mod unsynced;
mod untouched;
mod wait_limit;
mod waiter;

pub use access::Access;
pub(crate) use birth::{Nascent, Placement, remove_leftovers};
pub(crate) use compaction::compact;
pub(crate) use damaged::Damaged;
pub(crate) use file::{folder, io_error, is_there, not_a_store, place_error, size, sync_folder};
pub use image_store::ImageStore;
pub use options::OpenOptions;
pub(crate) use redo::{
    path as redo_log, remove as remove_redo_log, remove_leftover as remove_leftover_log,
};
pub use snapshot::Snapshot;
pub use transaction::Transaction;
pub(crate) use wait_limit::WaitLimit;
