//! Removing images.

use redb::ReadableTableMetadata;

use crate::content;
use crate::engine::Outcome;
use crate::read::resolve_image;
use crate::tables::WriteTables;
use crate::write::put::remove;

/// Removes an image and the bytes that only it has. Mirrors `imageStore.Delete`.
pub(crate) fn delete(tables: &mut WriteTables<'_>, reference: &str) -> Outcome<()> {
    let (number, image) = resolve_image(tables, reference)?;
    remove(tables, number, &image)
}

/// Removes every image and all bytes, whatever state they are in, and returns how many images there
/// were. Mirrors `imageStore.Wipe`.
pub(crate) fn wipe(tables: &mut WriteTables<'_>) -> Outcome<u64> {
    let count = tables.images.len()?;
    tables.images.clear()?;
    tables.ids.clear()?;
    tables.names.clear()?;
    tables.digests.clear()?;
    tables.layers.clear()?;
    content::remove_all(tables)?;
    Ok(count)
}
