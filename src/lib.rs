//! Container-image records in one crash-safe redb file.

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
    VerifyCounts, VerifyOptions, VerifyReport,
};
pub use model::{
    BigDataItem, ContentHash, Image, InvalidTimestamp, NewBigData, NewImage, Timestamp,
    validate_digest,
};
pub use read::{DigestEntry, Lookup, NameEntry, Prefix};
pub use store::{Access, ImageStore, OpenOptions, Snapshot, Transaction};
pub use write::{DigestFunction, ManifestDigest};

/// Compiles and runs the examples of the README with the tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
