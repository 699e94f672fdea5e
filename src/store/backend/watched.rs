//! Storage that a test puts in the place of a file.

use std::fmt;
use std::fs::File;
use std::sync::Arc;

use redb::StorageBackend;
use redb::backends::FileBackend;

use crate::engine::Outcome;
use crate::store::OpenOptions;
use crate::store::backend::padded::Padded;

type Wrap = dyn Fn(FileBackend) -> Box<dyn StorageBackend> + Send + Sync;

/// What a file is to the engine and to the redo log.
pub(in crate::store) type Backend = Padded<Substitute>;

/// Makes storage of a file: the file itself where no test has said otherwise.
#[derive(Clone, Default)]
pub(crate) struct Storage {
    store: Option<Arc<Wrap>>,
    redo: Option<Arc<Wrap>>,
}

impl Storage {
    /// For the engine.
    pub(in crate::store) fn on(&self, file: File) -> Outcome<Backend> {
        substitute(self.store.as_deref(), file)
    }

    /// For a redo log.
    pub(in crate::store) fn redo(&self, file: File) -> Outcome<Backend> {
        substitute(self.redo.as_deref(), file)
    }
}

fn substitute(wrap: Option<&Wrap>, file: File) -> Outcome<Backend> {
    let file = FileBackend::new(file)?;
    Ok(Padded(Substitute(match wrap {
        Some(wrap) => wrap(file),
        None => Box::new(file),
    })))
}

impl OpenOptions {
    /// Puts other storage in the place of every file that the engine is given: the store's own,
    /// also while it is being created and mended.
    ///
    /// For the tests of this project; not a promise.
    #[doc(hidden)]
    pub fn storage(
        mut self,
        wrap: impl Fn(FileBackend) -> Box<dyn StorageBackend> + Send + Sync + 'static,
    ) -> Self {
        self.storage.store = Some(Arc::new(wrap));
        self
    }

    /// Puts other storage in the place of the redo log of exclusive access.
    ///
    /// For the tests of this project; not a promise.
    #[doc(hidden)]
    pub fn redo_storage(
        mut self,
        wrap: impl Fn(FileBackend) -> Box<dyn StorageBackend> + Send + Sync + 'static,
    ) -> Self {
        self.storage.redo = Some(Arc::new(wrap));
        self
    }
}

impl fmt::Debug for Storage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Storage")
            .field("store", &self.store.is_some())
            .field("redo", &self.redo.is_some())
            .finish()
    }
}

/// What [`OpenOptions::storage`] made, as one type.
#[derive(Debug)]
pub(in crate::store) struct Substitute(Box<dyn StorageBackend>);

impl StorageBackend for Substitute {
    crate::passes_on!(0: len, read, set_len, sync_data, write, close, locks);
}
