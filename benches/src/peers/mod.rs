//! The peers: what does the same work as the library.

mod bare;
mod json;
mod library;
mod sqlite;

use anyhow::Result;

pub use bare::BareRedb;
pub use json::LegacyJson;
pub use library::Library;
pub use sqlite::Sqlite;

use crate::rows::Fresh;

/// Lookups. Each returns the length of what it read, so that nothing is left out by the compiler.
pub trait Reads {
    /// One image by its ID.
    fn by_id(&self, id: &str) -> Result<usize>;
    /// One image by one of its names.
    fn by_name(&self, name: &str) -> Result<usize>;
    /// One image by a prefix of its ID that no other ID has.
    fn by_prefix(&self, prefix: &str) -> Result<usize>;
    /// The images of a digest.
    fn by_digest(&self, digest: &str) -> Result<usize>;
    /// The bytes of an item.
    fn item(&self, id: &str, key: &str) -> Result<usize>;
    /// Every image, in the order of creation; returns how many.
    fn list(&self) -> Result<usize>;
    /// Every ID in ascending order; returns how many.
    fn list_ids(&self) -> Result<usize>;
}

/// A store that is compared.
pub trait Peer {
    /// What it is, and how it is opened.
    fn label(&self) -> &'static str;

    /// What is true of a write that has returned, and who may use the store at the same time.
    fn durability(&self) -> &'static str;

    /// Lookups that see what was written last: each in a read transaction of its own.
    fn own(&self) -> &dyn Reads;

    /// Lookups in one read transaction.
    fn held(&self) -> Result<Box<dyn Reads + '_>>;

    /// Changes one record, durably.
    fn set_metadata(&self, id: &str, metadata: &str) -> Result<()>;

    /// Creates an image with its items, durably.
    fn create(&self, fresh: Fresh) -> Result<()>;

    /// Creates many in one transaction.
    fn bulk(&self, fresh: Vec<Fresh>) -> Result<()>;
}
