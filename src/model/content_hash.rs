//! The SHA-256 by which item bytes are stored once.

use std::fmt;

use sha2::{Digest as _, Sha256};

use crate::model::hex_digits::with_hex;

/// The SHA-256 of an item's bytes: items with the same bytes have the same hash and share one
/// stored copy.
///
/// It is not the item's recorded digest: an engine may record another algorithm, or, for a signed
/// schema 1 manifest, the digest of its payload.
///
/// # Examples
///
/// ```
/// use image_store::ContentHash;
///
/// let hash = ContentHash::of(b"");
/// assert_eq!(
///     hash.to_string(),
///     "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
/// );
/// assert_eq!(hash.to_digest(), format!("sha256:{hash}"));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContentHash([u8; 32]);

impl ContentHash {
    /// Hashes `bytes`.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::ContentHash;
    /// assert_eq!(ContentHash::of(b"a"), ContentHash::of(b"a"));
    /// assert_ne!(ContentHash::of(b"a"), ContentHash::of(b"b"));
    /// ```
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// Takes a SHA-256 that was computed elsewhere.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::ContentHash;
    /// let hash = ContentHash::of(b"a");
    /// assert_eq!(ContentHash::from_bytes(*hash.as_bytes()), hash);
    /// ```
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes of the hash.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::ContentHash;
    /// assert_eq!(ContentHash::of(b"").as_bytes()[..2], [0xe3, 0xb0]);
    /// ```
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The hash as a digest, `sha256:` and 64 lower-case hexadecimal digits.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::ContentHash;
    /// assert!(ContentHash::of(b"").to_digest().starts_with("sha256:e3b0c442"));
    /// ```
    #[must_use]
    pub fn to_digest(&self) -> String {
        with_hex("sha256:", &self.0)
    }
}

impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&with_hex("", &self.0))
    }
}

impl fmt::Debug for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ContentHash({self})")
    }
}
