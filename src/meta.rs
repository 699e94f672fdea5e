//! The rows of the `meta` table: what the file says of itself.
//!
//! They are read before anything else is known of a file, so neither their names nor their encoding
//! ever change.

use redb::ReadableTable;

use crate::codec::LogId;
use crate::engine::{Failure, Outcome};
use crate::model::Timestamp;
use crate::recorded::Recorded;

/// Always [`THIS_APPLICATION`].
const APPLICATION: &str = "application";
/// The schema version: four bytes, little-endian.
const SCHEMA: &str = "schema";
/// When the store was created: RFC 3339 text.
const CREATED: &str = "created";
/// How many transactions have changed the store: eight bytes, little-endian.
const GENERATION: &str = "generation";
/// The identity of the redo log that belongs to the file: 16 bytes; absent: none.
const REDO: &str = "redo";

const THIS_APPLICATION: &[u8] = b"image-store";

pub(crate) type MetaTable<'txn> = Recorded<'txn, &'static str, &'static [u8]>;

/// The schema version; `None` where the database is not ours.
pub(crate) fn schema(
    meta: &impl ReadableTable<&'static str, &'static [u8]>,
) -> Outcome<Option<u32>> {
    match meta.get(APPLICATION)? {
        Some(application) if application.value() == THIS_APPLICATION => {}
        _ => return Ok(None),
    }
    let row = meta.get(SCHEMA)?;
    row.and_then(|row| row.value().try_into().ok())
        .map(|bytes| Some(u32::from_le_bytes(bytes)))
        .ok_or_else(|| Failure::corrupt("the schema version is missing or unreadable"))
}

pub(crate) fn set_schema(meta: &mut MetaTable<'_>, schema: u32) -> Outcome<()> {
    meta.insert(APPLICATION, THIS_APPLICATION)?;
    meta.insert(SCHEMA, schema.to_le_bytes().as_slice())?;
    Ok(())
}

pub(crate) fn set_created(meta: &mut MetaTable<'_>, created: Timestamp) -> Outcome<()> {
    meta.insert(CREATED, created.to_string().as_bytes())?;
    Ok(())
}

/// How many transactions have changed the store.
pub(crate) fn generation(meta: &impl ReadableTable<&'static str, &'static [u8]>) -> Outcome<u64> {
    match meta.get(GENERATION)? {
        None => Ok(0),
        Some(row) => row
            .value()
            .try_into()
            .map(u64::from_le_bytes)
            .map_err(|error| Failure::corrupt_because("the generation is unreadable", error)),
    }
}

/// Counts `more` transactions that change the store, and gives the generation before them.
pub(crate) fn next_generation(meta: &mut MetaTable<'_>, more: u64) -> Outcome<u64> {
    let before = generation(&**meta)?;
    let next = before.wrapping_add(more);
    meta.insert(GENERATION, next.to_le_bytes().as_slice())?;
    Ok(before)
}

/// The redo log without which the file is not the store's latest state.
pub(crate) fn redo(
    meta: &impl ReadableTable<&'static str, &'static [u8]>,
) -> Outcome<Option<LogId>> {
    match meta.get(REDO)? {
        None => Ok(None),
        Some(row) => row.value().try_into().map(Some).map_err(|error| {
            Failure::corrupt_because("the identity of the redo log is unreadable", error)
        }),
    }
}

pub(crate) fn set_redo(meta: &mut MetaTable<'_>, id: &LogId) -> Outcome<()> {
    meta.insert(REDO, id.as_slice())?;
    Ok(())
}

pub(crate) fn clear_redo(meta: &mut MetaTable<'_>) -> Outcome<()> {
    meta.remove(REDO)?;
    Ok(())
}
