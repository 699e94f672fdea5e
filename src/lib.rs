//! Container-image records in one crash-safe redb file.

pub mod error;
pub mod legacy;
mod model;

pub use error::{Error, ErrorKind, Result};
pub use model::{
    BigDataItem, ContentHash, Image, InvalidTimestamp, NewBigData, NewImage, Timestamp,
    validate_digest,
};
