//! What an export finds that does not come out as it is in the store.

use std::fmt;
use std::path::PathBuf;

/// Something in a store that the legacy layout cannot hold, or not as it is.
///
/// # Examples
///
/// ```
/// use image_store::legacy::ExportFinding;
///
/// let finding = ExportFinding::IdReserved { id: "images.json".to_owned() };
/// let told = r#"image "images.json": its ID is the name of a file of the directory itself"#;
/// assert_eq!(finding.to_string(), told);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExportFinding {
    /// The ID of an image is no name that one folder can have. The legacy store would write, and
    /// at last remove, somewhere else.
    IdNotAName {
        /// The ID.
        id: String,
    },
    /// The folder of an image would lie where the directory has files of its own.
    IdReserved {
        /// The ID.
        id: String,
    },
    /// The key of an item gives no name that a file can have.
    KeyNotAName {
        /// The ID of the image.
        id: String,
        /// The key of the item.
        key: String,
    },
    /// The encoded key of an item has a slash, so it leads to a folder that does not exist.
    KeyWithSlash {
        /// The ID of the image.
        id: String,
        /// The key of the item.
        key: String,
        /// The encoded key.
        file: String,
    },
    /// Two keys of an image lead to one file.
    KeysOneFile {
        /// The ID of the image.
        id: String,
        /// One key.
        key: String,
        /// The other key.
        other: String,
        /// The file.
        file: String,
    },
    /// A digest is malformed: because of one, the legacy store would load no image at all.
    MalformedDigest {
        /// The ID of the image.
        id: String,
        /// The manifest item, or `None` for the image's own digest.
        key: Option<String>,
        /// The digest.
        digest: String,
    },
    /// The store has no bytes for an item, so there is no file; the record has the item all the
    /// same.
    ItemMissing {
        /// The ID of the image.
        id: String,
        /// The key of the item.
        key: String,
    },
    /// The recorded date was none when the image was imported; what is written is the legacy
    /// store's date for none.
    BadDate {
        /// The ID of the image.
        id: String,
        /// The recorded text.
        text: String,
    },
    /// The `images.json` that was replaced could not be read, so item folders that only it refers
    /// to are still there.
    OldRecords {
        /// What is wrong with it, and where.
        what: String,
    },
    /// The directory that was replaced, or what an export that died left, could not be removed. The
    /// new directory is whole all the same.
    NotRemoved {
        /// Where what is left of it lies.
        path: PathBuf,
        /// What the system said.
        error: String,
    },
}

impl ExportFinding {
    /// The text of the kind, as in `item-missing`; it never changes.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::legacy::ExportFinding;
    /// let finding = ExportFinding::IdReserved { id: "images.json".to_owned() };
    /// assert_eq!(finding.kind(), "id-reserved");
    /// ```
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::IdNotAName { .. } => "id-not-a-name",
            Self::IdReserved { .. } => "id-reserved",
            Self::KeyNotAName { .. } => "key-not-a-name",
            Self::KeyWithSlash { .. } => "key-with-slash",
            Self::KeysOneFile { .. } => "keys-one-file",
            Self::MalformedDigest { .. } => "malformed-digest",
            Self::ItemMissing { .. } => "item-missing",
            Self::BadDate { .. } => "bad-date",
            Self::OldRecords { .. } => "old-records",
            Self::NotRemoved { .. } => "not-removed",
        }
    }

    /// Whether the legacy layout cannot hold the image.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::legacy::ExportFinding;
    /// let reserved = ExportFinding::IdReserved { id: "images.json".to_owned() };
    /// assert!(reserved.is_unrepresentable());
    /// // Such an image is written, with the legacy store's date for none.
    /// let date = ExportFinding::BadDate { id: "a1".to_owned(), text: "today".to_owned() };
    /// assert!(!date.is_unrepresentable());
    /// ```
    #[must_use]
    pub const fn is_unrepresentable(&self) -> bool {
        matches!(
            self,
            Self::IdNotAName { .. }
                | Self::IdReserved { .. }
                | Self::KeyNotAName { .. }
                | Self::KeyWithSlash { .. }
                | Self::KeysOneFile { .. }
                | Self::MalformedDigest { .. }
        )
    }
}

impl fmt::Display for ExportFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::IdNotAName { id } => {
                write!(f, "image {id:?}: its ID is no name that a folder can have")
            }
            Self::IdReserved { id } => write!(
                f,
                "image {id:?}: its ID is the name of a file of the directory itself"
            ),
            Self::KeyNotAName { id, key } => write!(
                f,
                "image {id:?}, item {key:?}: its key gives no name that a file can have"
            ),
            Self::KeyWithSlash { id, key, file } => write!(
                f,
                "image {id:?}, item {key:?}: its key is encoded as {file:?}, which has a slash"
            ),
            Self::KeysOneFile {
                id,
                key,
                other,
                file,
            } => write!(
                f,
                "image {id:?}, items {key:?} and {other:?}: both would be the file {file:?}"
            ),
            Self::MalformedDigest { id, key, digest } => {
                write!(f, "image {id:?}")?;
                if let Some(key) = key {
                    write!(f, ", item {key:?}")?;
                }
                write!(
                    f,
                    ": its digest {digest:?} is malformed; an engine would load nothing"
                )
            }
            Self::ItemMissing { id, key } => write!(
                f,
                "image {id:?}, item {key:?}: its bytes are missing in the store; no file is written"
            ),
            Self::BadDate { id, text } => write!(
                f,
                "image {id:?}: the recorded date {text:?} is none; written is 0001-01-01T00:00:00Z"
            ),
            Self::OldRecords { what } => write!(
                f,
                "the images.json that is replaced could not be read ({what}); folders of images \
                 that only it has stay"
            ),
            Self::NotRemoved { path, error } => write!(
                f,
                "a replaced or unfinished directory could not be removed ({error}); the export is \
                 whole without it, remove what is left of it yourself: {}",
                path.display()
            ),
        }
    }
}
