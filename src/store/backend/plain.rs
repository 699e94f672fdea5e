//! Nothing between the engine and its file.

use std::fs::File;

use redb::backends::FileBackend;

use crate::engine::Outcome;

/// Makes the engine's storage of a file.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::store) struct Storage;

impl Storage {
    pub(in crate::store) fn on(self, file: File) -> Outcome<FileBackend> {
        Ok(FileBackend::new(file)?)
    }
}
