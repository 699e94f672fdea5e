//! How large things may be.
//!
//! The legacy store has no limits of its own but those of the file system, 255 bytes for what
//! becomes a file name. These are far above what engines use, and keep one caller from making
//! everybody's lookups slow. An import takes what the legacy store had, up to the limit of a record.

use crate::error::{Error, Result};

/// The longest ID, name, item key, layer ID, flag, and list entry, in bytes.
pub const MAX_TEXT: usize = 4_096;

/// The longest metadata, in bytes.
pub const MAX_METADATA: usize = 16 << 20;

/// The most names that an image may have.
pub const MAX_NAMES: usize = 10_000;

/// The most big data items that an image may have.
pub const MAX_BIG_DATA: usize = 10_000;

/// The longest big data item, in bytes: 1 TiB.
pub const MAX_BIG_DATA_SIZE: u64 = 1 << 40;

/// The longest record of an image, in bytes: everything but the bytes of its items.
pub const MAX_RECORD: usize = 64 << 20;

/// Checks the length of an ID, a name, a key, a layer or a flag, and calls it `what` in the error.
pub(crate) fn check_text(what: &str, text: &str) -> Result<()> {
    check(text.len(), MAX_TEXT, || {
        let beginning: String = text.chars().take(32).collect();
        format!("the {what} that begins with {beginning:?}, in bytes,")
    })
}

pub(crate) fn check_metadata(metadata: &str) -> Result<()> {
    check(metadata.len(), MAX_METADATA, || {
        "the metadata, in bytes,".to_owned()
    })
}

pub(crate) fn check_names(names: &[String]) -> Result<()> {
    check(names.len(), MAX_NAMES, || {
        "the number of names of an image".to_owned()
    })?;
    names.iter().try_for_each(|name| check_text("name", name))
}

pub(crate) fn check_big_data_count(count: usize) -> Result<()> {
    check(count, MAX_BIG_DATA, || {
        "the number of big data items of an image".to_owned()
    })
}

fn check(size: usize, limit: usize, what: impl FnOnce() -> String) -> Result<()> {
    if size <= limit {
        return Ok(());
    }
    Err(Error::TooLarge {
        what: what(),
        size: size as u64,
        limit: limit as u64,
    })
}
