//! What the listings of names and digests yield.

/// A name and the image that has it.
///
/// # Examples
///
/// ```
/// # use image_store::{ImageStore, Lookup, NameEntry, NewImage, Prefix};
/// # let dir = tempfile::tempdir()?;
/// # let store = ImageStore::open(dir.path().join("images.redb"))?;
/// store.create(NewImage::new().id("a").name("app"))?;
/// let entry: NameEntry = store.names(Prefix::all())?.next().unwrap()?;
/// assert_eq!((entry.name.as_str(), entry.id.as_str()), ("app", "a"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct NameEntry {
    /// The name.
    pub name: String,
    /// The ID of the image.
    pub id: String,
}

/// A digest and one of the images that have it.
///
/// # Examples
///
/// ```
/// # use image_store::{ContentHash, DigestEntry, ImageStore, Lookup, NewImage, Prefix};
/// # let dir = tempfile::tempdir()?;
/// # let store = ImageStore::open(dir.path().join("images.redb"))?;
/// store.create(NewImage::new().id("a").big_data("manifest", b"{}".as_slice()))?;
/// let entry: DigestEntry = store.digests(Prefix::all())?.next().unwrap()?;
/// assert_eq!(entry.digest, ContentHash::of(b"{}").to_digest());
/// assert_eq!(entry.id, "a");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct DigestEntry {
    /// The digest.
    pub digest: String,
    /// The ID of the image.
    pub id: String,
}
