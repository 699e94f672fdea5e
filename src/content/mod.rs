//! Item bytes: stored once by their SHA-256, in parts that fill the engine's pages well.

mod encode;
mod encoder;
mod hashing;
mod parts;
mod pending;
mod reader;
mod references;
mod write;

pub(crate) use hashing::Hashing;
pub(crate) use pending::PendingContents;
pub use reader::BigDataReader;
pub(crate) use reader::{PartSource, hash_nameless, hash_stored, read_all, read_part, stream};
pub(crate) use references::{
    add_references, collect_garbage, lookup, release, remove_all, remove_references,
};
pub(crate) use write::{Encoded, Stored, store_bytes, store_encoded, store_stream};
