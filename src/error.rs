//! The one error of the library.

mod kind;

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error as ThisError;

pub use kind::ErrorKind;

/// The result of everything that can fail here.
///
/// # Examples
///
/// ```
/// # use image_store::{ImageStore, Lookup};
/// # let dir = tempfile::tempdir()?;
/// # let store = ImageStore::open(dir.path().join("images.redb"))?;
/// fn shorten(store: &ImageStore, reference: &str) -> image_store::Result<String> {
///     Ok(store.get(reference)?.id.chars().take(12).collect())
/// }
/// assert!(shorten(&store, "unknown").is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why an operation failed. Every variant names the thing at fault; the causes are kept behind
/// [`source`](std::error::Error::source).
///
/// [`Error::kind`] groups the variants into the few that a program tells apart.
///
/// # Examples
///
/// ```
/// # use image_store::{Error, ImageStore, Lookup};
/// # let dir = tempfile::tempdir()?;
/// # let store = ImageStore::open(dir.path().join("images.redb"))?;
/// match store.get("quay.io/app") {
///     Ok(image) => println!("{}", image.id),
///     Err(Error::ImageUnknown { reference }) => assert_eq!(reference, "quay.io/app"),
///     Err(error) => return Err(error.into()),
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, ThisError)]
#[non_exhaustive]
pub enum Error {
    /// No image has this ID or name, and no ID begins with it.
    #[error("no image is known as {reference:?}")]
    ImageUnknown {
        /// What was asked for.
        reference: String,
    },

    /// No image has this digest.
    #[error("no image has the digest {digest:?}")]
    DigestOfNoImage {
        /// What was asked for.
        digest: String,
    },

    /// Several IDs begin with the reference. It counts as unknown: [`ErrorKind::ImageUnknown`].
    #[error("{reference:?} is an ambiguous ID prefix, give more digits of one of: {}{}",
            candidates.join(", "), if *more { ", …" } else { "" })]
    AmbiguousPrefix {
        /// What was asked for.
        reference: String,
        /// Up to ten of the IDs that begin with it, in ascending order.
        candidates: Vec<String>,
        /// Whether there are more than those listed.
        more: bool,
    },

    /// An image with this ID exists.
    #[error("an image with the ID {id:?} exists already")]
    DuplicateId {
        /// The ID that was to be created.
        id: String,
    },

    /// Another image has this name.
    #[error("the name {name:?} belongs to the image {holder:?}; remove it there or choose another")]
    DuplicateName {
        /// The name that was to be given.
        name: String,
        /// The ID of the image that has it.
        holder: String,
    },

    /// A big data item was named with an empty key.
    #[error("a big data item needs a key that is not empty (image {reference:?})")]
    InvalidBigDataName {
        /// The image as it was asked for.
        reference: String,
    },

    /// The image has no such item, or its bytes are not in the store: they were lost in a repair, or
    /// missing when it was imported.
    #[error("the image {id:?} has no big data item {key:?}, or not its bytes")]
    BigDataUnknown {
        /// The ID of the image.
        id: String,
        /// The key of the item.
        key: String,
    },

    /// No size is recorded for the item and there are no bytes to measure.
    #[error("no size is known for the big data item {key:?} of the image {id:?}")]
    SizeUnknown {
        /// The ID of the image.
        id: String,
        /// The key of the item.
        key: String,
    },

    /// No digest is recorded for the item.
    #[error("no digest is known for the big data item {key:?} of the image {id:?}")]
    DigestUnknown {
        /// The ID of the image.
        id: String,
        /// The key of the item.
        key: String,
    },

    /// The caller's digest function failed on a manifest.
    #[error("the digest function failed on the manifest {key:?} of the image {id:?}")]
    ManifestDigest {
        /// The ID of the image.
        id: String,
        /// The key of the item.
        key: String,
        /// What the function said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },

    /// The text is not a digest; see [`validate_digest`](crate::validate_digest).
    #[error(
        "{digest:?} is not a digest: it must be sha256, sha384 or sha512, a colon, and that many \
         lower-case hexadecimal digits"
    )]
    InvalidDigest {
        /// The text that was given.
        digest: String,
    },

    /// A value is larger than the store takes.
    #[error("{what} is {size}, more than the limit of {limit}")]
    TooLarge {
        /// What was measured, and in what.
        what: String,
        /// What was measured.
        size: u64,
        /// The most that is taken.
        limit: u64,
    },

    /// The store was opened read-only.
    #[error("the store {} is open read-only", path.display())]
    ReadOnly {
        /// The store's file.
        path: PathBuf,
    },

    /// Another process, or another thread of this one, held the store for longer than the limit.
    #[error("the store {} was still in use by another after {waited:.1?}; try again", path.display())]
    Busy {
        /// The store's file.
        path: PathBuf,
        /// How long was waited.
        waited: Duration,
    },

    /// This thread has a transaction open already; a second would wait for it forever.
    #[error("this thread already has a transaction open on the store {}", path.display())]
    NestedTransaction {
        /// The store's file.
        path: PathBuf,
    },

    /// The process was forked after the store was opened; the child must open it anew.
    #[error("the store {} was opened before a fork; open it again in this process", path.display())]
    Forked {
        /// The store's file.
        path: PathBuf,
    },

    /// An earlier failure of the file broke the transaction; nothing of it will be kept.
    #[error("the transaction on {} was broken by an earlier error; drop it and begin anew",
            path.display())]
    TransactionBroken {
        /// The store's file.
        path: PathBuf,
    },

    /// There is no store at the path.
    #[error("there is no store at {}", path.display())]
    NotFound {
        /// Where it was looked for.
        path: PathBuf,
    },

    /// The folder in which something is to be created is not there.
    #[error("there is no folder {}; create it first, or choose another path",
            path.display())]
    FolderMissing {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },

    /// There is something at the path already.
    #[error("{} exists already", path.display())]
    AlreadyExists {
        /// What was to be created.
        path: PathBuf,
    },

    /// The file at the path is not a redb database.
    #[error("{} is not an image store: {why}; give the path of a store, or move it away",
            path.display())]
    NotAStore {
        /// The file.
        path: PathBuf,
        /// What it is instead.
        why: String,
    },

    /// The file at the path is a redb database of some other program.
    #[error("{} is a redb database, but not an image store; give the path of a store",
            path.display())]
    ForeignDatabase {
        /// The file.
        path: PathBuf,
    },

    /// The store was written by a newer version of this library.
    #[error("the store {} has schema {found}, this version knows up to {supported}; use a newer \
             version of image-store", path.display())]
    SchemaTooNew {
        /// The store's file.
        path: PathBuf,
        /// The schema that the file has.
        found: u32,
        /// The newest schema that this version knows.
        supported: u32,
    },

    /// The last writer of the store died, or was of an older version, and this process may not write to
    /// the file to bring it up to date.
    #[error(
        "the last writer of {path} died or was of an older version; open it once for writing to bring \
         it up to date, for example with: \
         image-store --store {path} gc",
        path = path.display()
    )]
    NeedsRecovery {
        /// The store's file.
        path: PathBuf,
    },

    /// Changes that were acknowledged are in a log beside the store, and the log is not there.
    ///
    /// A program that had the store open with [`Access::Exclusive`](crate::Access::Exclusive) died,
    /// and since then the store's file or its log was moved, copied or replaced alone.
    #[error(
        "the store {path} is not whole without its log {log}, which is missing or another one; put \
         both files of one state together, or go on without the last changes with: \
         image-store --store {path} repair",
        path = path.display(),
        log = log.display()
    )]
    RedoLogMissing {
        /// The store's file.
        path: PathBuf,
        /// Where its log must be.
        log: PathBuf,
    },

    /// The file is damaged.
    #[error("the store {} is damaged: {what}", path.display())]
    Corrupt {
        /// The store's file.
        path: PathBuf,
        /// What was found.
        what: String,
        /// The engine's or the codec's own words.
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },

    /// The system refused an operation.
    #[error("could not {action} {}", path.display())]
    Io {
        /// What was being done: the verb of the message.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },

    /// There is no legacy images directory at the path.
    #[error("{} is no legacy images directory: {why}", path.display())]
    LegacySource {
        /// Where one was looked for.
        path: PathBuf,
        /// What is there instead.
        why: String,
    },

    /// An `images.json` cannot be read.
    #[error("{} cannot be read at line {line}, column {column} (byte {offset}): {what}",
            path.display())]
    LegacyRecords {
        /// The file.
        path: PathBuf,
        /// The line at fault, from 1.
        line: u64,
        /// The column, from 1, in bytes.
        column: u64,
        /// Bytes before it.
        offset: u64,
        /// What is wrong there.
        what: String,
    },

    /// A legacy images directory is damaged, and the import was to go on only with a sound one.
    #[error("{} is damaged: {damage} findings; nothing was changed", path.display())]
    LegacyDamage {
        /// The file with the records.
        path: PathBuf,
        /// How many findings are damage.
        damage: u64,
    },

    /// Images of a legacy images directory contradict those of the store they are merged into.
    #[error("{conflicts} conflicts with what is in {}; nothing was changed", path.display())]
    MergeConflicts {
        /// The store's file.
        path: PathBuf,
        /// How many there are.
        conflicts: u64,
    },

    /// What an import wrote is not what the legacy images directory holds.
    #[error("what was read back from {} is not what the source holds: {what}; nothing was changed",
            path.display())]
    NotVerified {
        /// The store's file.
        path: PathBuf,
        /// The first difference.
        what: String,
    },

    /// The legacy layout cannot hold some images of the store.
    #[error("the legacy layout cannot hold {images} of the images: {}{}",
            reasons.join("; "), if *more { "; …" } else { "" })]
    NotRepresentable {
        /// How many images it cannot hold.
        images: u64,
        /// The first reasons, each with the ID of its image.
        reasons: Vec<String>,
        /// Whether there are more than those listed.
        more: bool,
    },

    /// An engine held the lock of a legacy images directory for too long.
    #[error("{} was still locked by a running engine after {waited:.1?}; try again, or wait longer",
            path.display())]
    LegacyLocked {
        /// The file that is locked.
        path: PathBuf,
        /// How long was waited.
        waited: Duration,
    },

    /// A reader that the caller gave failed.
    #[error("could not read the bytes of the big data item {key:?}")]
    Input {
        /// The key of the item that was being set.
        key: String,
        /// What the reader said.
        source: io::Error,
    },
}
