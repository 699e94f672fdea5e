//! Giving back the room that a store's file does not need.

use std::path::Path;

use crate::error::Result;
use crate::store::{OpenOptions, compact, size};

/// What a compaction gained.
///
/// # Examples
///
/// ```
/// # use image_store::ImageStore;
/// # let dir = tempfile::tempdir()?;
/// # let store = ImageStore::open(dir.path().join("images.redb"))?;
/// let path = store.path().to_owned();
/// store.close();
/// let summary = ImageStore::options().compact(&path)?;
/// assert!(summary.stored_after <= summary.stored_before);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CompactSummary {
    /// The length of the file in bytes, before.
    pub length_before: u64,
    /// The length of the file in bytes, after.
    pub length_after: u64,
    /// The bytes that the file took on disk, before: a file that grew has holes.
    pub stored_before: u64,
    /// The bytes that the file takes on disk, after.
    pub stored_after: u64,
}

impl OpenOptions {
    /// Compacts the store at `path` in place: moves its pages together and cuts the file.
    ///
    /// Nobody else may have the store open, and nobody can open it meanwhile. A process that dies
    /// on the way leaves the store whole, and compacted in part.
    ///
    /// # Examples
    ///
    /// ```
    /// use image_store::{ImageStore, NewImage};
    ///
    /// # let dir = tempfile::tempdir()?;
    /// let path = dir.path().join("images.redb");
    /// let store = ImageStore::open(&path)?;
    /// for _ in 0..20 {
    ///     store.create(NewImage::new().big_data("layer-index", vec![7; 50_000]))?;
    /// }
    /// store.wipe()?;
    /// drop(store);
    /// let summary = ImageStore::options().compact(&path)?;
    /// assert!(summary.length_after < summary.length_before);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Busy`](crate::Error::Busy) where another has the store open for longer than
    /// [`lock_wait`](Self::lock_wait); otherwise as [`open`](Self::open).
    #[tracing::instrument(level = "info", skip_all, fields(path = %path.as_ref().display()))]
    pub fn compact(self, path: impl AsRef<Path>) -> Result<CompactSummary> {
        let path = path.as_ref();
        let (length_before, stored_before) = size(path)?;
        compact(path, &self)?;
        let (length_after, stored_after) = size(path)?;
        Ok(CompactSummary {
            length_before,
            length_after,
            stored_before,
            stored_after,
        })
    }
}
