//! Storage of a store that has no name yet.

use std::io;

use redb::StorageBackend;

/// Storage that is not synced.
///
/// What is being built under a temporary name counts for nothing before it is complete: after a
/// crash it is a leftover, whatever is in it. So nothing of it need be on disk before its builder
/// syncs the whole file, right before it gets its name.
#[derive(Debug)]
pub(super) struct Unsynced<B>(pub(super) B);

impl<B: StorageBackend> StorageBackend for Unsynced<B> {
    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }
    crate::passes_on!(0: len, read, set_len, write, close, locks);
}
