//! Nothing that a test could stand in between the engine and its file.

use std::fs::File;

use redb::backends::FileBackend;

use crate::engine::Outcome;
use crate::store::backend::padded::Padded;

/// What a file is to the engine and to the redo log.
pub(in crate::store) type Backend = Padded<FileBackend>;

/// Makes storage of a file.
#[derive(Clone, Debug, Default)]
pub(in crate::store) struct Storage;

impl Storage {
    /// For the engine.
    pub(in crate::store) fn on(&self, file: File) -> Outcome<Backend> {
        Ok(Padded(FileBackend::new(file)?))
    }

    /// For a redo log.
    pub(in crate::store) fn redo(&self, file: File) -> Outcome<Backend> {
        self.on(file)
    }
}
