//! Which part of an ordered listing is asked for.

use std::ops::Bound;

/// A prefix of keys, and the key to go on after: where a page of a listing begins.
///
/// Listings ascend in the byte order of their text. How many rows are wanted is said with
/// [`Iterator::take`]; rows are read as they are asked for.
///
/// # Examples
///
/// ```
/// use image_store::{ImageStore, Lookup, NewImage, Prefix};
///
/// # let dir = tempfile::tempdir()?;
/// let store = ImageStore::open(dir.path().join("images.redb"))?;
/// for id in ["ab1", "ab2", "ab3", "b"] {
///     store.create(NewImage::new().id(id))?;
/// }
/// let page: Vec<String> = store
///     .ids(Prefix::new("ab").after("ab1"))?
///     .take(2)
///     .collect::<Result<_, _>>()?;
/// assert_eq!(page, ["ab2", "ab3"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Prefix<'a> {
    prefix: &'a str,
    after: Option<&'a str>,
}

impl<'a> Prefix<'a> {
    /// All keys that begin with `prefix`.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::{ImageStore, Lookup, NewImage, Prefix};
    /// # let dir = tempfile::tempdir()?;
    /// # let store = ImageStore::open(dir.path().join("images.redb"))?;
    /// store.create(NewImage::new().id("ab1"))?;
    /// assert_eq!(store.ids(Prefix::new("ab"))?.count(), 1);
    /// assert_eq!(store.ids(Prefix::new("b"))?.count(), 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn new(prefix: &'a str) -> Self {
        Self {
            prefix,
            after: None,
        }
    }

    /// All keys.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::{ImageStore, Lookup, NewImage, Prefix};
    /// # let dir = tempfile::tempdir()?;
    /// # let store = ImageStore::open(dir.path().join("images.redb"))?;
    /// store.create(NewImage::new())?;
    /// assert_eq!(store.ids(Prefix::all())?.count(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn all() -> Self {
        Self::new("")
    }

    /// Only keys greater than `key`, which need not exist.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::{ImageStore, Lookup, NewImage, Prefix};
    /// # let dir = tempfile::tempdir()?;
    /// # let store = ImageStore::open(dir.path().join("images.redb"))?;
    /// for id in ["a", "b"] {
    ///     store.create(NewImage::new().id(id))?;
    /// }
    /// let after: Vec<String> = store.ids(Prefix::all().after("a"))?.collect::<Result<_, _>>()?;
    /// assert_eq!(after, ["b"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn after(self, key: &'a str) -> Self {
        Self {
            prefix: self.prefix,
            after: Some(key),
        }
    }

    pub(super) const fn text(&self) -> &'a str {
        self.prefix
    }

    /// Where the scan begins.
    pub(super) fn start(&self) -> Bound<&'a str> {
        match self.after {
            Some(after) if after >= self.prefix => Bound::Excluded(after),
            _ => Bound::Included(self.prefix),
        }
    }
}
