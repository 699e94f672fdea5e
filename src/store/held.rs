//! What this process holds of the engine, and a process forked off from it must not let go of.

use std::mem;
use std::sync::Arc;

use crate::engine::contain;
use crate::error::{Error, Result};
use crate::store::database::Handle;

/// A transaction of the engine, to write or to read. Dropping it releases its lock on the file. A
/// forked child has inherited the lock with the open file, and would take it from its parent: there
/// it is leaked instead.
pub(super) struct Held<T> {
    /// `None` once it is taken.
    part: Option<T>,
    // Dropped after the part, by its own rules.
    handle: Arc<Handle>,
}

impl<T> Held<T> {
    pub(super) fn new(part: T, handle: Arc<Handle>) -> Self {
        Self {
            part: Some(part),
            handle,
        }
    }

    pub(super) fn handle(&self) -> &Handle {
        &self.handle
    }

    /// # Errors
    ///
    /// [`Error::Forked`].
    pub(super) fn get(&self) -> Result<&T> {
        self.handle.check_process()?;
        self.part.as_ref().ok_or_else(|| gone(&self.handle))
    }

    /// # Errors
    ///
    /// [`Error::Forked`].
    pub(super) fn get_mut(&mut self) -> Result<&mut T> {
        self.handle.check_process()?;
        self.part.as_mut().ok_or_else(|| gone(&self.handle))
    }

    /// Takes it out, and gives up its place.
    ///
    /// # Errors
    ///
    /// [`Error::Forked`].
    pub(super) fn take(&mut self) -> Result<T> {
        self.handle.check_process()?;
        self.part.take().ok_or_else(|| gone(&self.handle))
    }
}

fn gone(handle: &Handle) -> Error {
    Error::TransactionBroken {
        path: handle.path().to_owned(),
    }
}

impl<T> Drop for Held<T> {
    fn drop(&mut self) {
        let part = self.part.take();
        if self.handle.check_process().is_err() {
            mem::forget(part);
            return;
        }
        let dropped = contain(|| {
            drop(part);
            Ok(())
        });
        if let Err(failure) = dropped {
            tracing::warn!(path = %self.handle.path().display(), ?failure, "ending a transaction failed");
        }
    }
}
