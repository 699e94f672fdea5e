//! The kinds of errors that a program tells apart.

use super::Error;

/// The groups of [`Error`] that a program tells apart; each has a fixed text for protocols.
///
/// # Examples
///
/// ```
/// # use image_store::{ErrorKind, ImageStore, Lookup};
/// # let dir = tempfile::tempdir()?;
/// # let store = ImageStore::open(dir.path().join("images.redb"))?;
/// let error = store.get("quay.io/app").unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::ImageUnknown);
/// assert_eq!(error.kind().to_string(), "image-unknown");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// No image for the reference, or an ambiguous prefix.
    ImageUnknown,
    /// `create` with an ID in use.
    DuplicateId,
    /// `create` with a name in use.
    DuplicateName,
    /// An empty item key.
    InvalidBigDataName,
    /// The image has no such item, or not its bytes.
    BigDataUnknown,
    /// The item's size is neither recorded nor to be had.
    SizeUnknown,
    /// The item's digest is not recorded, or there is no digest function for a manifest.
    DigestUnknown,
    /// The text is not a digest.
    InvalidDigest,
    /// A mutation on a read-only store.
    ReadOnly,
    /// Something the caller gave is wrong in another way.
    BadRequest,
    /// Another holds the store for longer than the limit.
    Busy,
    /// The file is damaged or not a store of this version.
    Corrupt,
    /// The system's own error.
    Io,
}

impl ErrorKind {
    /// The text of the kind, as in `image-unknown`; it never changes.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::ErrorKind;
    /// assert_eq!(ErrorKind::DuplicateName.as_str(), "duplicate-name");
    /// ```
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ImageUnknown => "image-unknown",
            Self::DuplicateId => "duplicate-id",
            Self::DuplicateName => "duplicate-name",
            Self::InvalidBigDataName => "invalid-big-data-name",
            Self::BigDataUnknown => "big-data-unknown",
            Self::SizeUnknown => "size-unknown",
            Self::DigestUnknown => "digest-unknown",
            Self::InvalidDigest => "invalid-digest",
            Self::ReadOnly => "read-only",
            Self::BadRequest => "bad-request",
            Self::Busy => "busy",
            Self::Corrupt => "corrupt",
            Self::Io => "io",
        }
    }
}

impl std::fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Error {
    /// The group that the error belongs to.
    ///
    /// # Examples
    ///
    /// ```
    /// use image_store::{ErrorKind, validate_digest};
    ///
    /// let error = validate_digest("sha256:").unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::InvalidDigest);
    /// assert_eq!(error.kind().as_str(), "invalid-digest");
    /// ```
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::ImageUnknown { .. }
            | Self::DigestOfNoImage { .. }
            | Self::AmbiguousPrefix { .. } => ErrorKind::ImageUnknown,
            Self::DuplicateId { .. } => ErrorKind::DuplicateId,
            Self::DuplicateName { .. } => ErrorKind::DuplicateName,
            Self::InvalidBigDataName { .. } => ErrorKind::InvalidBigDataName,
            Self::BigDataUnknown { .. } => ErrorKind::BigDataUnknown,
            Self::SizeUnknown { .. } => ErrorKind::SizeUnknown,
            Self::DigestUnknown { .. } | Self::ManifestDigest { .. } => ErrorKind::DigestUnknown,
            Self::InvalidDigest { .. } => ErrorKind::InvalidDigest,
            Self::ReadOnly { .. } => ErrorKind::ReadOnly,
            Self::MergeConflicts { .. }
            | Self::TooLarge { .. }
            | Self::NotRepresentable { .. }
            | Self::NestedTransaction { .. }
            | Self::Forked { .. } => ErrorKind::BadRequest,
            Self::Busy { .. } | Self::LegacyLocked { .. } => ErrorKind::Busy,
            Self::NotAStore { .. }
            | Self::LegacyRecords { .. }
            | Self::LegacyDamage { .. }
            | Self::NotVerified { .. }
            | Self::ForeignDatabase { .. }
            | Self::SchemaTooNew { .. }
            | Self::RedoLogMissing { .. }
            | Self::Corrupt { .. } => ErrorKind::Corrupt,
            Self::TransactionBroken { .. }
            | Self::NotFound { .. }
            | Self::FolderMissing { .. }
            | Self::AlreadyExists { .. }
            | Self::LegacySource { .. }
            | Self::NeedsRecovery { .. }
            | Self::Io { .. }
            | Self::Input { .. } => ErrorKind::Io,
        }
    }
}
