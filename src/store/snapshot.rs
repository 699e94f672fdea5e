//! A state of the store that stays as it is.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use crate::engine::{Failure, Outcome, contain};
use crate::error::{Error, Result};
use crate::read::{Lookup, Source};
use crate::store::database::Handle;
use crate::store::held::Held;
use crate::tables::SnapshotTables;

/// A state of the store, which later writes do not disturb; made by
/// [`ImageStore::read`](crate::ImageStore::read). Cloning it is cheap and keeps the state.
///
/// All its lookups come from [`Lookup`].
///
/// Pages that a snapshot sees cannot be used again while it lives: a snapshot that is kept while
/// others write makes the file grow. Take one for a task, not for the life of a program.
///
/// # Examples
///
/// ```
/// use image_store::{ImageStore, Lookup, NewImage};
///
/// # let dir = tempfile::tempdir()?;
/// let store = ImageStore::open(dir.path().join("images.redb"))?;
/// let before = store.read()?;
/// store.create(NewImage::new().name("localhost/app"))?;
///
/// assert!(!before.exists("localhost/app")?);
/// assert!(store.read()?.exists("localhost/app")?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Snapshot {
    tables: Arc<Held<SnapshotTables>>,
}

impl Snapshot {
    pub(super) fn new(handle: &Arc<Handle>) -> Result<Self> {
        handle.note_look();
        let tables = handle.tables(handle.begin_read()?);
        Ok(Self {
            tables: Arc::new(Held::new(tables, Arc::clone(handle))),
        })
    }
}

impl Snapshot {
    /// The path that the store was opened at.
    pub(crate) fn path(&self) -> &Path {
        self.tables.handle().path()
    }
}

impl Source for Snapshot {
    type Tables<'t> = SnapshotTables;
    type Held<'a> = Self;
    type Apart = Self;

    fn hold(&self) -> Result<Self> {
        Ok(self.clone())
    }

    fn apart(&self) -> Option<Self> {
        Some(self.clone())
    }

    fn view<R>(&self, look: impl FnOnce(&SnapshotTables) -> Outcome<R>) -> Result<R> {
        let tables = self.tables.get()?;
        contain(|| look(tables)).map_err(|failure| self.error(failure))
    }

    fn error(&self, failure: Failure) -> Error {
        self.tables.handle().error(failure)
    }
}

impl Lookup for Snapshot {}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot")
            .field("path", &self.path())
            .finish_non_exhaustive()
    }
}
