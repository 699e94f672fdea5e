//! How large things may be.
//!
//! The legacy store has no limits of its own but those of the file system, 255 bytes for what
//! becomes a file name. These are far above what engines use, and keep one caller from making
//! everybody's lookups slow. An import takes what the legacy store had, up to the limit of a record.

use serde_json::Value;

use crate::error::{Error, Result};

/// The longest ID, name, item key, layer ID, flag, and list entry, in bytes.
///
/// # Examples
///
/// ```
/// # use image_store::{ImageStore, NewImage, limits};
/// # let dir = tempfile::tempdir()?;
/// # let store = ImageStore::open(dir.path().join("images.redb"))?;
/// let id = "a".repeat(limits::MAX_TEXT);
/// store.create(NewImage::new().id(&id))?;
/// assert!(store.create(NewImage::new().id(id + "a")).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub const MAX_TEXT: usize = 4_096;

/// The longest metadata, in bytes.
///
/// # Examples
///
/// ```
/// # use image_store::{ImageStore, NewImage, limits};
/// # let dir = tempfile::tempdir()?;
/// # let store = ImageStore::open(dir.path().join("images.redb"))?;
/// store.create(NewImage::new().id("a"))?;
/// let metadata = "m".repeat(limits::MAX_METADATA + 1);
/// assert!(store.set_metadata("a", &metadata).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub const MAX_METADATA: usize = 16 << 20;

/// The most names that an image may have.
///
/// # Examples
///
/// ```
/// # use image_store::{ImageStore, NewImage, limits};
/// # let dir = tempfile::tempdir()?;
/// # let store = ImageStore::open(dir.path().join("images.redb"))?;
/// store.create(NewImage::new().id("a"))?;
/// let names: Vec<String> = (0..=limits::MAX_NAMES).map(|number| number.to_string()).collect();
/// assert!(store.set_names("a", &names).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub const MAX_NAMES: usize = 10_000;

/// The most big data items that an image may have.
///
/// # Examples
///
/// ```
/// assert_eq!(image_store::limits::MAX_BIG_DATA, 10_000);
/// ```
pub const MAX_BIG_DATA: usize = 10_000;

/// The longest big data item, in bytes: 1 TiB.
///
/// # Examples
///
/// ```
/// assert_eq!(image_store::limits::MAX_BIG_DATA_SIZE, 1 << 40);
/// ```
pub const MAX_BIG_DATA_SIZE: u64 = 1 << 40;

/// The longest record of an image, in bytes: everything but the bytes of its items.
///
/// # Examples
///
/// ```
/// assert_eq!(image_store::limits::MAX_RECORD, 64 << 20);
/// ```
pub const MAX_RECORD: usize = 64 << 20;

/// How deep arrays and objects may lie in each other in the value of a flag. What is read of JSON
/// anywhere, records of a legacy directory among it, has room for a little more.
///
/// # Examples
///
/// ```
/// # use image_store::{ImageStore, NewImage, limits};
/// # use serde_json::{Value, json};
/// # let dir = tempfile::tempdir()?;
/// # let store = ImageStore::open(dir.path().join("images.redb"))?;
/// store.create(NewImage::new().id("a"))?;
/// let nested = |depth| (0..depth).fold(Value::Null, |inner, _| json!([inner]));
/// store.set_flag("a", "flag", nested(limits::MAX_FLAG_DEPTH))?;
/// assert!(store.set_flag("a", "flag", nested(limits::MAX_FLAG_DEPTH + 1)).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub const MAX_FLAG_DEPTH: usize = 100;

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

/// Checks the name and the value of a flag.
pub(crate) fn check_flag(flag: &str, value: &Value) -> Result<()> {
    check_text("flag", flag)?;
    check(depth(value), MAX_FLAG_DEPTH, || {
        format!("the depth of arrays and objects in the flag {flag:?}")
    })
}

/// How deep arrays and objects lie in each other.
fn depth(value: &Value) -> usize {
    let mut deepest = 0;
    let mut waiting = vec![(value, 0)];
    while let Some((value, around)) = waiting.pop() {
        let depth = around + 1;
        match value {
            Value::Array(values) => waiting.extend(values.iter().map(|value| (value, depth))),
            Value::Object(fields) => waiting.extend(fields.values().map(|value| (value, depth))),
            _ => continue,
        }
        deepest = deepest.max(depth);
    }
    deepest
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
