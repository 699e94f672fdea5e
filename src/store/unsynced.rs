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
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }
    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.read(offset, out)
    }
    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }
    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }
    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.write(offset, data)
    }
    fn close(&self) -> io::Result<()> {
        self.0.close()
    }
    crate::locks_of!(0);
}
