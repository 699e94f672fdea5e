//! What the listings of names and digests yield.

/// A name and the image that has it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct NameEntry {
    /// The name.
    pub name: String,
    /// The ID of the image.
    pub id: String,
}

/// A digest and one of the images that have it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct DigestEntry {
    /// The digest.
    pub digest: String,
    /// The ID of the image.
    pub id: String,
}
