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
//!   and see nothing of it before it is committed. (With [`Access::Exclusive`] one may wait for
//!   small mutations of other threads that are under way.)
//! - **Bounded waiting.** Opening and [`ImageStore::write`] wait for others no longer than
//!   [`OpenOptions::lock_wait`], then fail with [`Error::Busy`].
//! - **Noticed damage.** Every record and every stored part of an item carries a checksum that each
//!   read checks. A damaged file is [`Error::Corrupt`], never a panic.
//!
//! These rest on a local file system whose `fsync` does what it says. A store belongs to the process
//! that opened it: a forked child is refused with [`Error::Forked`] until it opens the store itself.
//!
//! # Use in a program
//!
//! - **Threads.** [`ImageStore`] and [`Snapshot`] are `Send`, `Sync` and cheap to clone: open the store
//!   once, give a clone to each thread. Of several threads that write, one does at a time, in the
//!   order they came; a [`Transaction`] stays on the thread that began it.
//! - **Async.** The library blocks. Run it where blocking is allowed, such as tokio's
//!   `spawn_blocking`, a whole transaction in one closure.
//! - **Processes.** They share the file; there is no server. All who share a store must open it with
//!   the same [`Access`].
//! - **Forks.** A child of `fork` opens the store anew. `exec` needs no care.
//! - **Caches.** [`Lookup::generation`] changes with every transaction: a cache that remembers it
//!   knows for the price of one lookup whether it still holds.
//!
//! The folder `examples/` of the repository has a program for each: `thread_pool.rs`, `pull.rs`,
//! `async/tokio.rs`, `async/http.rs`.
//!
//! # Errors
//!
//! There is one [`Error`]; each variant names the thing at fault, and says what to do where there is
//! something to do. [`Error::kind`] groups them into the few cases that a program tells apart, each
//! with a fixed text. The causes are behind [`source`](std::error::Error::source).
//!
//! ```
//! use image_store::{Error, ErrorKind, ImageStore, Lookup, NewImage};
//!
//! # let dir = tempfile::tempdir()?;
//! let store = ImageStore::open(dir.path().join("images.redb"))?;
//! store.create(NewImage::new().id("ab1").name("app"))?;
//! store.create(NewImage::new().id("ab2"))?;
//!
//! // What a program decides by: an ambiguous prefix is an unknown image, too.
//! match store.get("ab") {
//!     Ok(image) => println!("{}", image.id),
//!     Err(error) if error.kind() == ErrorKind::ImageUnknown => println!("pull it: {error}"),
//!     Err(error) => return Err(error.into()),
//! }
//!
//! // What a person is helped by is in the variant.
//! let Err(Error::AmbiguousPrefix { candidates, .. }) = store.get("ab") else { panic!() };
//! assert_eq!(candidates, ["ab1", "ab2"]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! What to do with them:
//!
//! | kind | what a program does |
//! |---|---|
//! | `ImageUnknown`, `BigDataUnknown`, `SizeUnknown`, `DigestUnknown` | takes it for an answer |
//! | `DuplicateId`, `DuplicateName` | looks who has it, or takes the name with [`set_names`](Transaction::set_names) |
//! | `InvalidBigDataName`, `InvalidDigest`, `BadRequest`, `ReadOnly` | has a mistake of its own to mend |
//! | `Busy` | tries again later; the wait was [`OpenOptions::lock_wait`] |
//! | `Io` | tells a person; when the cause is gone, opens the store again |
//! | `Corrupt` | tells a person: [`ImageStore::verify`], [`OpenOptions::repair`], or a backup; of [`Error::NotAStore`], [`Error::ForeignDatabase`] and [`Error::SchemaTooNew`], that it is another file |
//!
//! A step of a transaction that is refused leaves nothing of itself, and the transaction goes on. One
//! that fails in the file breaks it: every later step is [`Error::TransactionBroken`], and nothing is
//! kept. A commit that fails may have happened, as a whole or not at all: open the store again and
//! look.
//!
//! # What it costs
//!
//! A lookup reads from a tree whose height grows by one with every hundredfold of images, so it costs
//! about the same at a thousand and at a million. A durable write costs what the disk takes for its
//! syncs: two in [`Access::Shared`]; many steps in one transaction share them, and so do the steps of
//! threads that write to one [`ImageStore`] at the same time. Memory is the engine's cache
//! ([`OpenOptions::cache_size`], 32 to 128 MiB as the file is long), an eighth of it at most for what
//! lookups found, and what the caller holds: listings are iterators, and items of any size go through
//! readers. Opening costs a hundred times what a lookup costs, so keep the handle; a process that asks
//! one question opens with [`Access::ReadOnly`], which costs least.
//!
//! A snapshot that is kept while others write keeps the pages it sees from being used again, and the
//! file grows: take one for a task, not for the life of a program.
//!
//! To see where time goes: `cargo bench -p image-store-benches` measures each operation beside other
//! engines; `cargo run --release --example waiting` how long processes wait for each other; and a
//! subscriber of `tracing` at the level `debug` is told of each open, transaction and commit.
//! [`ImageStore::stats`] tells where room goes, and what is kept for snapshots.
//!
//! ```
//! use image_store::{ImageStore, Lookup, NewImage};
//!
//! # let dir = tempfile::tempdir()?;
//! let store = ImageStore::open(dir.path().join("images.redb"))?;
//! // A hundred images for the syncs of one.
//! let mut transaction = store.write()?;
//! for number in 0..100 {
//!     transaction.create(NewImage::new().name(format!("localhost/app:{number}")))?;
//! }
//! transaction.commit()?;
//! assert_eq!(store.stats()?.images, 100);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Limits
//!
//! They are kept by every mutation, which fails with [`Error::TooLarge`] and changes nothing. The
//! number of images is bounded by the disk.
//!
//! | what | limit |
//! |---|---|
//! | ID, name, item key, layer, flag | [4,096 bytes](limits::MAX_TEXT) |
//! | names of an image | [10,000](limits::MAX_NAMES) |
//! | items of an image | [10,000](limits::MAX_BIG_DATA) |
//! | an item | [1 TiB](limits::MAX_BIG_DATA_SIZE) |
//! | arrays and objects in each other in a flag | [100](limits::MAX_FLAG_DEPTH) |
//! | metadata | [16 MiB](limits::MAX_METADATA) |
//! | a record: all of an image but the bytes of its items | [64 MiB](limits::MAX_RECORD) |
//!
//! # Features
//!
//! `cli`, on by default, is the `image-store` program; a library does without:
//! `default-features = false`. `testing` is for this project's own tests.

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
mod random;
mod read;
mod recorded;
mod remembered;
mod store;
mod tables;
mod write;

pub use content::BigDataReader;
pub use error::{Error, ErrorKind, Result};
pub use maintenance::{
    BackupSummary, CompactSummary, Finding, Index, Leftovers, Progress, RepairOptions,
    RepairSummary, Stage, StoreStats, VerifyCounts, VerifyOptions, VerifyReport,
};
pub use model::{
    BigDataItem, ContentHash, Image, InvalidTimestamp, NewBigData, NewImage, Timestamp,
    validate_digest,
};
/// How large things may be: limits that every mutation keeps.
pub mod limits {
    pub use crate::model::limits::{
        MAX_BIG_DATA, MAX_BIG_DATA_SIZE, MAX_FLAG_DEPTH, MAX_METADATA, MAX_NAMES, MAX_RECORD,
        MAX_TEXT,
    };
}
pub use read::{DigestEntry, Lookup, NameEntry, Prefix};
pub use store::{Access, ImageStore, OpenOptions, Snapshot, Transaction};
pub use write::{DigestFunction, ManifestDigest};

/// Compiles and runs the examples of the README with the tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
