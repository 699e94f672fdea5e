//! Storage that nobody else has, to an engine that would share it.

use std::ops::Bound;

use redb::{BackendError, StorageBackend};

/// Storage whose every lock is to be had at once: what is in memory of one process needs none.
#[derive(Debug)]
pub(in crate::store) struct Unshared<B>(pub(in crate::store) B);

type Granted<T> = Result<T, BackendError>;

impl<B: StorageBackend> StorageBackend for Unshared<B> {
    crate::passes_on!(0: len, read, set_len, sync_data, write, close);

    fn try_lock_range(&self, _: Bound<u64>, _: Bound<u64>) -> Granted<bool> {
        Ok(true)
    }

    fn try_lock_shared_range(&self, _: Bound<u64>, _: Bound<u64>) -> Granted<bool> {
        Ok(true)
    }

    fn lock_range(&self, _: Bound<u64>, _: Bound<u64>) -> Granted<()> {
        Ok(())
    }

    fn lock_shared_range(&self, _: Bound<u64>, _: Bound<u64>) -> Granted<()> {
        Ok(())
    }

    fn unlock_range(&self, _: Bound<u64>, _: Bound<u64>) -> Granted<()> {
        Ok(())
    }

    fn query_lock_range(&self, _: Bound<u64>, _: Bound<u64>) -> Granted<bool> {
        Ok(false)
    }
}
