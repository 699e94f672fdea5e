//! Lookups of big data items.

use crate::codec::Content;
use crate::content;
use crate::engine::{Failure, Outcome};
use crate::error::Error;
use crate::model::{BigDataItem, Image, check_key};
use crate::read::resolve_image;
use crate::tables::ReadTables;

/// The image behind a reference and the item under `key`.
///
/// An empty key is refused before the reference is looked at, as the legacy store does.
fn find(tables: &impl ReadTables, reference: &str, key: &str) -> Outcome<(Image, BigDataItem)> {
    check_key(reference, key)?;
    let (_, image) = resolve_image(tables, reference)?;
    let item = image.big_data.get(key).cloned().unwrap_or_default();
    Ok((image, item))
}

/// Where the bytes of an item are. Mirrors `imageStore.BigData`.
pub(super) fn content(tables: &impl ReadTables, reference: &str, key: &str) -> Outcome<Content> {
    let (image, item) = find(tables, reference, key)?;
    match item.content {
        Some(hash) => content::lookup(tables, &hash)?.ok_or_else(|| {
            Failure::corrupt(format!(
                "content {hash} of the item {key:?} of the image {:?} is not stored",
                image.id
            ))
        }),
        None => Err(Error::BigDataUnknown {
            id: image.id,
            key: key.to_owned(),
        }
        .into()),
    }
}

/// The recorded size of an item, or else the length of its bytes. Mirrors
/// `imageStore.BigDataSize`.
pub(super) fn size(tables: &impl ReadTables, reference: &str, key: &str) -> Outcome<u64> {
    let (image, item) = find(tables, reference, key)?;
    // A negative size can only have been imported; it says as little as none.
    if let Some(size) = item.size.and_then(|size| u64::try_from(size).ok()) {
        return Ok(size);
    }
    let content = match item.content {
        Some(hash) => content::lookup(tables, &hash)?,
        None => None,
    };
    content.map(|content| content.size).ok_or_else(|| {
        Error::SizeUnknown {
            id: image.id,
            key: key.to_owned(),
        }
        .into()
    })
}

/// The recorded digest of an item. Mirrors `imageStore.BigDataDigest`.
pub(super) fn digest(tables: &impl ReadTables, reference: &str, key: &str) -> Outcome<String> {
    let (image, item) = find(tables, reference, key)?;
    item.digest.ok_or_else(|| {
        Error::DigestUnknown {
            id: image.id,
            key: key.to_owned(),
        }
        .into()
    })
}
