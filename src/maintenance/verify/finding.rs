//! What a verification can find.

use std::fmt;
use std::path::PathBuf;

use crate::model::ContentHash;

/// One of the indexes of a store.
///
/// # Examples
///
/// ```
/// use image_store::{Finding, Index};
///
/// let (index, key) = (Index::Names, "app".to_owned());
/// let finding = Finding::IndexRowStray { index, key, number: 7 };
/// assert_eq!(finding.kind(), "index-row-stray");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Index {
    /// IDs.
    Ids,
    /// Names.
    Names,
    /// Digests.
    Digests,
    /// Top layers and mapped top layers.
    Layers,
}

impl Index {
    /// The name of the index's table.
    ///
    /// # Examples
    ///
    /// ```
    /// assert_eq!(image_store::Index::Layers.as_str(), "layers");
    /// ```
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ids => "ids",
            Self::Names => "names",
            Self::Digests => "digests",
            Self::Layers => "layers",
        }
    }
}

/// Something that a verification found. [`is_damage`](Self::is_damage) tells damage of the store
/// from what an import brought along.
///
/// # Examples
///
/// ```
/// use image_store::Finding;
///
/// let (number, error) = (7, "it is cut short".to_owned());
/// let finding = Finding::RecordUnreadable { number, error };
/// assert_eq!(finding.to_string(), "image number 7 cannot be read: it is cut short");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Finding {
    /// A table cannot be read to its end.
    TableUnreadable {
        /// The table.
        table: &'static str,
        /// Why.
        error: String,
    },
    /// The engine found pages that do not match their checksums, or mended its own book-keeping.
    Engine {
        /// What it says.
        error: String,
    },
    /// The last commit cannot be read. What a repair keeps is the state before it.
    LastCommitLost,
    /// The last changes are in the redo log alone, and it cannot be used.
    RedoLogLost {
        /// The log.
        log: PathBuf,
    },
    /// The last changes are in the redo log alone, which is damaged. A repair keeps those that come
    /// before the damage; what may follow cannot be read.
    RedoLogDamaged {
        /// The log.
        log: PathBuf,
        /// How many of its entries come before the damage. Each is one commit, of one transaction or
        /// of several that were made at the same time.
        entries: u64,
    },
    /// A record does not decode.
    RecordUnreadable {
        /// The image number.
        number: u64,
        /// Why.
        error: String,
    },
    /// An index lacks a row that a record implies, or has another image in its place.
    IndexRowMissing {
        /// The index.
        index: Index,
        /// The key of the row.
        key: String,
        /// The number of the image that should be found by it.
        number: u64,
    },
    /// An index has a row that no record implies.
    IndexRowStray {
        /// The index.
        index: Index,
        /// The key of the row.
        key: String,
        /// The number of the image that it leads to.
        number: u64,
    },
    /// An item refers to bytes that are not stored.
    ContentMissing {
        /// The ID of the image.
        id: String,
        /// The key of the item.
        key: String,
        /// The SHA-256 of the bytes.
        content: ContentHash,
    },
    /// The row or the parts of stored bytes do not read.
    ContentUnreadable {
        /// The SHA-256 by which the bytes are stored.
        content: ContentHash,
        /// Why.
        error: String,
    },
    /// Stored bytes have another SHA-256 than the one by which they are stored.
    ContentDiffers {
        /// The SHA-256 by which the bytes are stored.
        content: ContentHash,
        /// Their SHA-256.
        found: ContentHash,
    },
    /// An item has stored bytes that are damaged, of which another finding tells.
    ItemDamaged {
        /// The ID of the image.
        id: String,
        /// The key of the item.
        key: String,
        /// The SHA-256 by which the bytes are stored.
        content: ContentHash,
    },
    /// Stored bytes count more or fewer references than there are items that refer to them.
    ReferencesWrong {
        /// The SHA-256 of the bytes.
        content: ContentHash,
        /// The recorded count.
        recorded: u64,
        /// The number of items.
        counted: u64,
    },
    /// Parts are stored that belong to no content.
    PartsStray {
        /// The content number of the parts.
        number: u64,
    },
    /// Two records have one name, of which a repair left it to the later.
    NameTaken {
        /// The name.
        name: String,
        /// The ID of the image that lost it.
        holder: String,
    },
    /// An item has no bytes in the store, and its record says so: they were lost in a repair, or
    /// missing when the image was imported. Not damage of this store, since nothing more is lost.
    ItemBytesMissing {
        /// The ID of the image.
        id: String,
        /// The key of the item.
        key: String,
    },
    /// An item's recorded size is not the length of its bytes. Not damage of this store: such a
    /// record was imported.
    ItemSizeDiffers {
        /// The ID of the image.
        id: String,
        /// The key of the item.
        key: String,
        /// The recorded size.
        recorded: i64,
        /// The length of the bytes.
        found: u64,
    },
}

impl Finding {
    /// A short, fixed text for the kind of finding.
    ///
    /// # Examples
    ///
    /// ```
    /// assert_eq!(image_store::Finding::PartsStray { number: 7 }.kind(), "parts-stray");
    /// ```
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::TableUnreadable { .. } => "table-unreadable",
            Self::Engine { .. } => "engine",
            Self::LastCommitLost => "last-commit-lost",
            Self::RedoLogLost { .. } => "redo-log-lost",
            Self::RedoLogDamaged { .. } => "redo-log-damaged",
            Self::RecordUnreadable { .. } => "record-unreadable",
            Self::IndexRowMissing { .. } => "index-row-missing",
            Self::IndexRowStray { .. } => "index-row-stray",
            Self::ContentMissing { .. } => "content-missing",
            Self::ContentUnreadable { .. } => "content-unreadable",
            Self::ContentDiffers { .. } => "content-differs",
            Self::ItemDamaged { .. } => "item-damaged",
            Self::ReferencesWrong { .. } => "references-wrong",
            Self::PartsStray { .. } => "parts-stray",
            Self::NameTaken { .. } => "name-taken",
            Self::ItemBytesMissing { .. } => "item-bytes-missing",
            Self::ItemSizeDiffers { .. } => "item-size-differs",
        }
    }

    /// Whether the store itself is damaged; otherwise the finding tells of something that its
    /// records tell too: it was so when it was imported, or came of a repair.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::Finding;
    /// assert!(Finding::PartsStray { number: 7 }.is_damage());
    /// // So the record says, since an import or a repair.
    /// let (id, key) = ("a1".to_owned(), "manifest".to_owned());
    /// assert!(!Finding::ItemBytesMissing { id, key }.is_damage());
    /// ```
    #[must_use]
    pub const fn is_damage(&self) -> bool {
        !matches!(
            self,
            Self::ItemBytesMissing { .. } | Self::ItemSizeDiffers { .. }
        )
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TableUnreadable { table, error } => {
                write!(f, "the table {table} cannot be read to its end: {error}")
            }
            Self::Engine { error } => write!(f, "the storage engine found damage: {error}"),
            Self::LastCommitLost => {
                f.write_str("the last commit cannot be read; what is kept is the state before it")
            }
            Self::RedoLogLost { log } => write!(
                f,
                "the last changes were in the log {} alone, which is missing or does not continue \
                 the store",
                log.display()
            ),
            Self::RedoLogDamaged { log, entries } => write!(
                f,
                "the log {} of the last changes is damaged: its first {entries} entries were read, and \
                 what may follow them cannot be",
                log.display()
            ),
            Self::RecordUnreadable { number, error } => {
                write!(f, "image number {number} cannot be read: {error}")
            }
            Self::IndexRowMissing { index, key, number } => write!(
                f,
                "the index {} does not lead from {key:?} to image number {number}",
                index.as_str()
            ),
            Self::IndexRowStray { index, key, number } => write!(
                f,
                "the index {} leads from {key:?} to image number {number}, which does not have it",
                index.as_str()
            ),
            Self::ContentMissing { id, key, content } => write!(
                f,
                "the bytes {content} of the item {key:?} of the image {id:?} are not stored"
            ),
            Self::ContentUnreadable { content, error } => {
                write!(f, "the bytes {content} cannot be read: {error}")
            }
            Self::ContentDiffers { content, found } => {
                write!(f, "the bytes {content} have the SHA-256 {found}")
            }
            Self::ItemDamaged { id, key, content } => write!(
                f,
                "the item {key:?} of the image {id:?} has the damaged bytes {content}"
            ),
            Self::ReferencesWrong {
                content,
                recorded,
                counted,
            } => write!(
                f,
                "the bytes {content} count {recorded} references, but {counted} items have them"
            ),
            Self::PartsStray { number } => {
                write!(f, "the parts of content number {number} belong to nothing")
            }
            Self::NameTaken { name, holder } => write!(
                f,
                "the name {name:?} was recorded for the image {holder:?} and a later one, which has it"
            ),
            Self::ItemBytesMissing { id, key } => write!(
                f,
                "the bytes of the item {key:?} of the image {id:?} are not in the store: they were \
                 lost in a repair, or missing when it was imported"
            ),
            Self::ItemSizeDiffers {
                id,
                key,
                recorded,
                found,
            } => write!(
                f,
                "the item {key:?} of the image {id:?} is recorded with {recorded} bytes and has \
                 {found}, as it was imported"
            ),
        }
    }
}
