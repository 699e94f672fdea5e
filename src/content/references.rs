//! Reference counts: bytes stay as long as an item of an image refers to them.

use redb::ReadableTable;

use crate::codec::{Content, decode_content, encode_content};
use crate::engine::{Failure, Outcome};
use crate::model::ContentHash;
use crate::tables::{ReadTables, WriteTables};

/// The row of a content; `None` where its bytes are not stored.
pub(crate) fn lookup(tables: &impl ReadTables, hash: &ContentHash) -> Outcome<Option<Content>> {
    match tables.contents()?.get(hash.as_bytes())? {
        Some(row) => decode_content(hash, row.value()).map(Some),
        None => Ok(None),
    }
}

/// Writes the row of a content.
pub(super) fn put(
    tables: &mut WriteTables<'_>,
    hash: &ContentHash,
    content: &Content,
) -> Outcome<()> {
    let row = encode_content(hash, content)?;
    tables.contents.insert(hash.as_bytes(), row.as_slice())?;
    Ok(())
}

/// Counts `more` items that refer to a content, which must be stored.
pub(crate) fn add_references(
    tables: &mut WriteTables<'_>,
    hash: &ContentHash,
    more: u64,
) -> Outcome<()> {
    let mut content = lookup(tables, hash)?.ok_or_else(|| missing(hash))?;
    content.references = content.references.saturating_add(more);
    put(tables, hash, &content)
}

/// Counts `fewer` items less, and frees the bytes with the last one.
pub(crate) fn remove_references(
    tables: &mut WriteTables<'_>,
    hash: &ContentHash,
    fewer: u64,
) -> Outcome<()> {
    let mut content = lookup(tables, hash)?.ok_or_else(|| missing(hash))?;
    content.references = content.references.checked_sub(fewer).ok_or_else(|| {
        Failure::corrupt(format!("content {hash} has fewer references than items"))
    })?;
    if content.references == 0 {
        remove(tables, hash, content.number)
    } else {
        put(tables, hash, &content)
    }
}

/// Frees a content that was stored for a step which then failed, unless something refers to it.
pub(crate) fn release(tables: &mut WriteTables<'_>, hash: &ContentHash) -> Outcome<()> {
    match lookup(tables, hash)? {
        Some(content) if content.references == 0 => remove(tables, hash, content.number),
        _ => Ok(()),
    }
}

/// Frees the contents that no item refers to, and returns how many they were.
///
/// Every transaction frees what it makes unreferenced; only contents that were stored for an image
/// that then was not inserted remain for this.
pub(crate) fn collect_garbage(tables: &mut WriteTables<'_>) -> Outcome<u64> {
    let mut unreferenced = Vec::new();
    for row in tables.contents.iter()? {
        let (key, value) = row?;
        let hash = ContentHash::from_bytes(*key.value());
        let content = decode_content(&hash, value.value())?;
        if content.references == 0 {
            unreferenced.push((hash, content.number));
        }
    }
    for (hash, number) in &unreferenced {
        remove(tables, hash, *number)?;
    }
    Ok(unreferenced.len() as u64)
}

/// Removes every content and all bytes.
pub(crate) fn remove_all(tables: &mut WriteTables<'_>) -> Outcome<()> {
    tables.contents.clear()?;
    tables.blobs.clear()?;
    Ok(())
}

fn remove(tables: &mut WriteTables<'_>, hash: &ContentHash, number: u64) -> Outcome<()> {
    tables.contents.remove(hash.as_bytes())?;
    remove_parts(tables, number)
}

/// Removes the parts of a content number.
pub(super) fn remove_parts(tables: &mut WriteTables<'_>, number: u64) -> Outcome<()> {
    tables
        .blobs
        .remove_range((number, 0)..=(number, u32::MAX))?;
    Ok(())
}

pub(super) fn missing(hash: &ContentHash) -> Failure {
    Failure::corrupt(format!("content {hash} is referred to but not stored"))
}
