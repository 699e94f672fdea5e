//! What killed processes left beside a store.

use crate::error::{Error, Result};
use crate::store::{ImageStore, remove_leftovers};

/// What [`ImageStore::remove_leftovers`] removed.
///
/// # Examples
///
/// ```
/// # use image_store::{ImageStore, Leftovers};
/// # let dir = tempfile::tempdir()?;
/// # let store = ImageStore::open(dir.path().join("images.redb"))?;
/// assert_eq!(store.remove_leftovers()?, Leftovers::default());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Leftovers {
    /// How many files.
    pub files: u64,
    /// Their length in bytes.
    pub bytes: u64,
}

impl ImageStore {
    /// Removes the temporary files that were left beside the store by processes that were killed
    /// while they built, imported or repaired it. Files that somebody still builds are left alone.
    ///
    /// The next one who builds a store at this path does the same, so this is only of use where
    /// nobody will.
    ///
    /// # Examples
    ///
    /// ```
    /// use image_store::ImageStore;
    ///
    /// # let dir = tempfile::tempdir()?;
    /// let store = ImageStore::open(dir.path().join("images.redb"))?;
    /// std::fs::write(dir.path().join(".images.redb.new-x1y2z3"), [0; 100])?;
    /// let removed = store.remove_leftovers()?;
    /// assert_eq!((removed.files, removed.bytes), (1, 100));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::ReadOnly`], [`Error::Io`].
    pub fn remove_leftovers(&self) -> Result<Leftovers> {
        if self.is_read_only() {
            return Err(Error::ReadOnly {
                path: self.path().to_owned(),
            });
        }
        let removed = remove_leftovers(self.path())?;
        Ok(Leftovers {
            files: removed.len() as u64,
            bytes: removed.iter().sum(),
        })
    }
}
