//! What an import finds that is not as the legacy store would have left it.

use std::fmt;
use std::path::PathBuf;

use super::directory::FileKind;
use super::json::Oddity;

/// Something in a legacy images directory that is not as the legacy store would have left it. The
/// import goes on; the message says what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Finding {
    /// Two images have the same name.
    DuplicateName {
        /// The name.
        name: String,
        /// The ID of the image that lost it.
        earlier: String,
        /// The ID of the image that keeps it.
        later: String,
    },
    /// Two records have the same ID.
    DuplicateId {
        /// The ID.
        id: String,
        /// Where the later record, which was taken, begins in `images.json`, in bytes.
        offset: u64,
    },
    /// A recorded date is none.
    BadDate {
        /// The ID of the image.
        id: String,
        /// The recorded text.
        text: String,
    },
    /// A recorded digest is none.
    MalformedDigest {
        /// The ID of the image.
        id: String,
        /// The item, or `None` for the image's own digest.
        key: Option<String>,
        /// The recorded text.
        digest: String,
    },
    /// The file of an item is missing.
    ItemMissing {
        /// The ID of the image.
        id: String,
        /// The key of the item.
        key: String,
    },
    /// What lies where the file of an item should is no regular file; it was not opened.
    ItemNotAFile {
        /// The ID of the image.
        id: String,
        /// The key of the item.
        key: String,
        /// What is there.
        kind: FileKind,
    },
    /// The ID and the key lead out of the directory; nothing was read.
    ItemOutside {
        /// The ID of the image.
        id: String,
        /// The key of the item.
        key: String,
    },
    /// An item has another size than is recorded.
    ItemSize {
        /// The ID of the image.
        id: String,
        /// The key of the item.
        key: String,
        /// The recorded size in bytes.
        recorded: i64,
        /// The size of the file in bytes.
        actual: u64,
    },
    /// The bytes of an item that is no manifest have another digest than is recorded.
    ItemDigest {
        /// The ID of the image.
        id: String,
        /// The key of the item.
        key: String,
        /// The recorded digest.
        recorded: String,
        /// The digest of the bytes, of the same algorithm.
        actual: String,
    },
    /// The ID of an image is no name that a folder can have.
    UnusualId {
        /// The ID.
        id: String,
    },
    /// The folder of an image holds something that its record does not mention.
    UnlistedFile {
        /// Its path in the images directory.
        path: PathBuf,
        /// What it is.
        kind: FileKind,
    },
    /// A folder belongs to no image.
    OrphanFolder {
        /// Its name in the images directory.
        name: PathBuf,
    },
    /// What a killed writer of `images.json` left.
    Leftover {
        /// Its name in the images directory.
        name: PathBuf,
    },
    /// There is no `images.json`.
    NoRecordsFile,
    /// `images.json` has no records, but there are folders of items.
    NoRecords {
        /// How many folders there are.
        folders: u64,
    },
}

impl Finding {
    /// The text of the kind, as in `item-missing`; it never changes.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::DuplicateName { .. } => "duplicate-name",
            Self::DuplicateId { .. } => "duplicate-id",
            Self::BadDate { .. } => "bad-date",
            Self::MalformedDigest { .. } => "malformed-digest",
            Self::ItemMissing { .. } => "item-missing",
            Self::ItemNotAFile { .. } => "item-not-a-file",
            Self::ItemOutside { .. } => "item-outside",
            Self::ItemSize { .. } => "item-size",
            Self::ItemDigest { .. } => "item-digest",
            Self::UnusualId { .. } => "unusual-id",
            Self::UnlistedFile { .. } => "unlisted-file",
            Self::OrphanFolder { .. } => "orphan-folder",
            Self::Leftover { .. } => "leftover",
            Self::NoRecordsFile => "no-records-file",
            Self::NoRecords { .. } => "no-records",
        }
    }

    /// Whether an image is not whole or not sound, rather than something lying beside the images.
    #[must_use]
    pub const fn is_damage(&self) -> bool {
        matches!(
            self,
            Self::BadDate { .. }
                | Self::MalformedDigest { .. }
                | Self::ItemMissing { .. }
                | Self::ItemNotAFile { .. }
                | Self::ItemOutside { .. }
                | Self::ItemSize { .. }
                | Self::ItemDigest { .. }
        )
    }

    pub(crate) fn of_oddity(id: &str, oddity: Oddity) -> Self {
        let id = id.to_owned();
        match oddity {
            Oddity::BadDate { text } => Self::BadDate { id, text },
            Oddity::MalformedDigest { key, digest } => Self::MalformedDigest { id, key, digest },
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DuplicateName {
                name,
                earlier,
                later,
            } => write!(
                f,
                "the name {name:?} is on the images {earlier:?} and {later:?}; the later keeps it"
            ),
            Self::DuplicateId { id, offset } => write!(
                f,
                "the ID {id:?} has two records; the later is taken, at byte {offset}"
            ),
            Self::BadDate { id, text } => {
                write!(f, "image {id:?}: the date {text:?} is none; it has no date")
            }
            Self::MalformedDigest { id, key, digest } => {
                write!(f, "image {id:?}")?;
                if let Some(key) = key {
                    write!(f, ", item {key:?}")?;
                }
                write!(
                    f,
                    ": the digest {digest:?} is malformed; it is kept but not found by"
                )
            }
            Self::ItemMissing { id, key } => {
                write!(f, "image {id:?}, item {key:?}: the file is missing")
            }
            Self::ItemNotAFile { id, key, kind } => write!(
                f,
                "image {id:?}, item {key:?}: in the place of its file is {kind}; not read"
            ),
            Self::ItemOutside { id, key } => write!(
                f,
                "image {id:?}, item {key:?}: it would lie outside of the directory; not read"
            ),
            Self::ItemSize {
                id,
                key,
                recorded,
                actual,
            } => write!(
                f,
                "image {id:?}, item {key:?}: the file has {actual} bytes, recorded are {recorded}"
            ),
            Self::ItemDigest {
                id,
                key,
                recorded,
                actual,
            } => write!(
                f,
                "image {id:?}, item {key:?}: the bytes have the digest {actual}, recorded is \
                 {recorded}"
            ),
            Self::UnusualId { id } => {
                write!(f, "image {id:?}: its ID is no name that a folder can have")
            }
            Self::UnlistedFile { path, kind } => {
                write!(f, "{path:?} is {kind} that no image mentions; not taken")
            }
            Self::OrphanFolder { name } => {
                write!(
                    f,
                    "{name:?} is a folder that belongs to no image; not taken"
                )
            }
            Self::Leftover { name } => {
                write!(
                    f,
                    "{name:?} was left by a writer that was killed; not taken"
                )
            }
            Self::NoRecordsFile => f.write_str("there is no images.json; the store is empty"),
            Self::NoRecords { folders } => {
                write!(
                    f,
                    "images.json has no records, but there are {folders} folders"
                )
            }
        }
    }
}
