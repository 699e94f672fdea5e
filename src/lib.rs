//! Container-image records in one crash-safe redb file.
//!
//! Container engines keep what they know of their images (IDs, names, digests, layers, and the
//! bytes of manifests, configurations and signatures) in a directory: one JSON file that every
//! change rewrites whole, and a file for each item. This library keeps the same records, by the
//! same rules, in one file in which a change is a transaction and a lookup reads a few pages.
//!
//! # A tour
//!
//! ```
//! use image_store::{ImageStore, Lookup, ManifestDigest, NewImage};
//!
//! # let dir = tempfile::tempdir()?;
//! # let path = dir.path().join("images.redb");
//! // Opened once, and kept for the life of the process. It is created where it is not there.
//! let store = ImageStore::open(&path)?;
//!
//! // An image appears with all its items, or not at all.
//! let image = store.create(
//!     NewImage::new()
//!         .name("quay.io/example/app:1")
//!         .top_layer("4ff42ff59223")
//!         .big_data("manifest", br#"{"schemaVersion": 2}"#.as_slice()),
//! )?;
//!
//! // References are an exact ID, a name, or an unambiguous prefix of an ID.
//! assert_eq!(store.get("quay.io/example/app:1")?, store.get(&image.id)?);
//!
//! // Many steps, visible and durable at once. Dropped instead, the transaction leaves nothing.
//! let mut transaction = store.write()?;
//! transaction.add_names(&image.id, &["quay.io/example/app:latest"])?;
//! transaction.set_big_data(&image.id, "signatures", b"", ManifestDigest::Sha256)?;
//! transaction.commit()?;
//!
//! // Many lookups on one state, which later writes do not disturb.
//! let snapshot = store.read()?;
//! for image in snapshot.images()? {
//!     println!("{}", image?.id);
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The model
//!
//! - An [`Image`] has an *ID* (any text, mostly 64 hexadecimal digits), *names*, a *digest*, a *top
//!   layer*, metadata, flags, and *big data items*: bytes under a key.
//! - A *name* belongs to one image. Giving it to another takes it from the first; the names that an
//!   image has had stay in its history.
//! - The *digests* of an image are its first digest and those of its manifest items, the items whose
//!   key begins with `manifest`. Several images may have one digest.
//! - Item bytes are stored once by their SHA-256 ([`ContentHash`]), however many items have them, and
//!   freed with the last of these.
//! - A [`Snapshot`] is a state that stays as it is. A [`Transaction`] is many steps that become
//!   visible at once. Both, and the [`ImageStore`] itself, offer every lookup of [`Lookup`].
//!
//! Where these rules leave a question open, the legacy store's behaviour is the answer.
//!
//! # What is promised
//!
//! - **Durability.** When a mutation of a store, or a commit, has returned, it is on disk.
//! - **Atomicity.** After a kill or a power cut at any moment, the store holds each transaction whole
//!   or not at all. A step that fails leaves nothing of itself.
//! - **Isolation.** One transaction writes at a time, in all processes. Readers never wait for it,
//!   and see nothing of it before it is committed.
//! - **Bounded waiting.** Opening and [`ImageStore::write`] wait for others no longer than
//!   [`OpenOptions::lock_wait`], then fail with [`Error::Busy`].
//! - **Noticed damage.** Every record and every stored part of an item carries a checksum that each
//!   read checks. A damaged file is [`Error::Corrupt`], never a panic.
//!
//! These rest on a local file system whose `fsync` does what it says. A store belongs to the process
//! that opened it: a forked child is refused with [`Error::Forked`] until it opens the store itself.
//!
//! # Errors
//!
//! There is one [`Error`]; each variant names the thing at fault, and says what to do where there is
//! something to do. [`Error::kind`] groups them into the few cases that a program tells apart, each
//! with a fixed text. The causes are behind [`source`](std::error::Error::source).
//!
//! # What it costs
//!
//! A lookup reads from a tree whose height grows by one with every hundredfold of images, so it costs
//! about the same at a thousand and at a million. A durable write costs what the disk takes for its
//! syncs: two in [`Access::Shared`]; many steps in one transaction share them, and so do the steps of
//! threads that write to one [`ImageStore`] at the same time. Memory is the engine's
//! cache ([`OpenOptions::cache_size`], 32 MiB) and what the caller holds: listings are iterators, and
//! items of any size go through readers. Opening costs a hundred times what a lookup costs, so keep the
//! handle; a process that asks one question opens with [`Access::ReadOnly`], which costs least.
//!
//! A snapshot that is kept while others write keeps the pages it sees from being used again, and the
//! file grows: take one for a task, not for the life of a program.
//!
//! # Limits
//!
//! See [`limits`]. The number of images is bounded by the disk.

#[cfg(feature = "testing")]
#[doc(hidden)]
#[allow(missing_docs, clippy::missing_errors_doc)]
pub mod bench;
mod codec;
mod content;
mod engine;
mod error;
mod index;
pub mod legacy;
mod maintenance;
mod meta;
#[path = "../migrations/mod.rs"]
mod migrations;
mod model;
mod read;
mod store;
mod tables;
mod write;

pub use content::BigDataReader;
pub use error::{Error, ErrorKind, Result};
pub use maintenance::{
    BackupSummary, CompactSummary, Finding, Index, Progress, RepairOptions, RepairSummary, Stage,
    StoreStats, VerifyCounts, VerifyOptions, VerifyReport,
};
pub use model::{
    BigDataItem, ContentHash, Image, InvalidTimestamp, NewBigData, NewImage, Timestamp,
    validate_digest,
};
/// How large things may be: limits that every mutation keeps.
pub mod limits {
    pub use crate::model::limits::{
        MAX_BIG_DATA, MAX_BIG_DATA_SIZE, MAX_METADATA, MAX_NAMES, MAX_RECORD, MAX_TEXT,
    };
}
pub use read::{DigestEntry, Lookup, NameEntry, Prefix};
pub use store::{Access, ImageStore, OpenOptions, Snapshot, Transaction};
pub use write::{DigestFunction, ManifestDigest};

/// Compiles and runs the examples of the README with the tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
