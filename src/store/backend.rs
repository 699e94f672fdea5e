//! The one place where a file becomes the engine's storage.
//!
//! Everything that the engine reads and writes passes through what is made here, so a test that
//! stands in its way (feature `testing`) sees all of it. Without the feature nothing stands there.

#[cfg(feature = "testing")]
mod watched;

use std::fs::File;

use redb::backends::FileBackend;

use crate::engine::Outcome;
#[cfg(feature = "testing")]
pub(super) use watched::Storage;

/// Makes the engine's storage of a file.
#[cfg(not(feature = "testing"))]
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Storage;

#[cfg(not(feature = "testing"))]
impl Storage {
    pub(super) fn on(self, file: File) -> Outcome<FileBackend> {
        Ok(FileBackend::new(file)?)
    }
}
