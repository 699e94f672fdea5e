//! What an image is: plain values that know nothing of tables, files or JSON.

mod content_hash;
mod digest;
mod hex_digits;
mod image;
pub(crate) mod limits;
mod new_image;
mod timestamp;

pub use content_hash::ContentHash;
pub(crate) use digest::is_valid_digest;
pub use digest::validate_digest;
pub(crate) use hex_digits::{put_hex, with_hex};
pub use image::{BigDataItem, Image};
pub(crate) use image::{check_key, dedupe, is_manifest_key};
pub use new_image::{NewBigData, NewImage};
pub use timestamp::{InvalidTimestamp, Timestamp};
