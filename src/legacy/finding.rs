//! What an import finds that is not as the legacy store would have left it.

use std::fmt;
use std::path::PathBuf;

use super::directory::FileKind;
use super::json::Oddity;

/// Something in a legacy images directory that is not as the legacy store would have left it. The
/// import goes on; the message says what became of it.
///
/// # Examples
///
/// ```
/// let finding = image_store::legacy::Finding::NoRecords { folders: 2 };
/// assert_eq!(finding.to_string(), "images.json has no records, but there are 2 folders");
/// ```
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
    /// A part of `images.json` cannot be read, and was passed over.
    RecordsLost {
        /// Where it begins, in bytes.
        offset: u64,
        /// The line on which it begins, from 1.
        line: u64,
        /// How many bytes it has; none where something is missing.
        length: u64,
        /// What is wrong with it.
        what: String,
    },
    /// An image is damaged, and was left out.
    ImageSkipped {
        /// The ID of the image.
        id: String,
    },
    /// The folder of an image without a record became an image without a name.
    RecoveredOrphan {
        /// The ID of the image, which is the name of the folder.
        id: String,
    },
    /// An image of the store that is merged into has the same ID, but another content.
    ImageConflict {
        /// The ID.
        id: String,
        /// What differs, as fields of `images.json`.
        fields: Vec<&'static str>,
        /// Whose side is taken.
        resolution: Resolution,
    },
    /// A name is on another image in the store that is merged into.
    NameConflict {
        /// The name.
        name: String,
        /// The ID of the image of the directory.
        id: String,
        /// The ID of the image of the store.
        holder: String,
        /// Whose side is taken.
        resolution: Resolution,
    },
    /// There is no `images.json`.
    NoRecordsFile,
    /// `images.json` has no records, but there are folders of items.
    NoRecords {
        /// How many folders there are.
        folders: u64,
    },
}

/// Whose side is taken in a conflict of a merge.
///
/// # Examples
///
/// ```
/// assert_eq!(image_store::legacy::Resolution::Keep.to_string(), "the store's is kept");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Resolution {
    /// Nobody's: the merge ends with nothing changed.
    None,
    /// The store keeps what it has.
    Keep,
    /// The directory's replaces the store's.
    Replace,
}

impl fmt::Display for Resolution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "choose what to do with --on-conflict",
            Self::Keep => "the store's is kept",
            Self::Replace => "it is replaced",
        })
    }
}

impl Finding {
    /// The text of the kind, as in `item-missing`; it never changes.
    ///
    /// # Examples
    ///
    /// ```
    /// assert_eq!(image_store::legacy::Finding::NoRecordsFile.kind(), "no-records-file");
    /// ```
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
            Self::RecordsLost { .. } => "records-lost",
            Self::ImageSkipped { .. } => "image-skipped",
            Self::RecoveredOrphan { .. } => "recovered-orphan",
            Self::ImageConflict { .. } => "image-conflict",
            Self::NameConflict { .. } => "name-conflict",
            Self::NoRecordsFile => "no-records-file",
            Self::NoRecords { .. } => "no-records",
        }
    }

    /// Whether an image is not whole or not sound, rather than something lying beside the images.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::legacy::Finding;
    /// assert!(Finding::BadDate { id: "a1".into(), text: "today".into() }.is_damage());
    /// assert!(!Finding::OrphanFolder { name: "b2".into() }.is_damage());
    /// ```
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
                | Self::RecordsLost { .. }
        )
    }

    /// Whether it says that a merge would have to decide between the directory and the store.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::legacy::{Finding, Resolution};
    /// let (id, resolution) = ("a1".to_owned(), Resolution::Keep);
    /// let finding = Finding::ImageConflict { id, fields: vec!["metadata"], resolution };
    /// assert!(finding.is_conflict());
    /// ```
    #[must_use]
    pub const fn is_conflict(&self) -> bool {
        matches!(self, Self::ImageConflict { .. } | Self::NameConflict { .. })
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
            Self::RecordsLost {
                offset,
                line,
                length,
                what,
            } => write!(
                f,
                "{length} bytes of images.json from byte {offset} (line {line}) cannot be read and \
                 were passed over: {what}"
            ),
            Self::ImageSkipped { id } => write!(f, "image {id:?} is damaged; left out"),
            Self::RecoveredOrphan { id } => write!(
                f,
                "the folder {id:?} belongs to no image; it became one without a name"
            ),
            Self::ImageConflict {
                id,
                fields,
                resolution,
            } => write!(
                f,
                "image {id:?} is in the store with another {}; {resolution}",
                fields.join(", ")
            ),
            Self::NameConflict {
                name,
                id,
                holder,
                resolution,
            } => write!(
                f,
                "the name {name:?} of image {id:?} is on the image {holder:?} of the store; \
                 {resolution}"
            ),
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
