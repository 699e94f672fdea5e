//! Fields that no other image shares: metadata, flags, mapped top layers.

use serde_json::Value;

use crate::engine::Outcome;
use crate::model::limits;
use crate::tables::WriteTables;
use crate::write::put::change;

/// Mirrors `imageStore.SetMetadata`.
pub(crate) fn set_metadata(
    tables: &mut WriteTables<'_>,
    reference: &str,
    metadata: &str,
) -> Outcome<()> {
    limits::check_metadata(metadata)?;
    change(tables, reference, |image| {
        metadata.clone_into(&mut image.metadata);
    })
}

/// Mirrors `imageStore.SetFlag`.
pub(crate) fn set_flag(
    tables: &mut WriteTables<'_>,
    reference: &str,
    flag: &str,
    value: Value,
) -> Outcome<()> {
    limits::check_flag(flag, &value)?;
    change(tables, reference, |image| {
        image.flags.insert(flag.to_owned(), value);
    })
}

/// Mirrors `imageStore.ClearFlag`: a flag that is not set is cleared already.
pub(crate) fn clear_flag(tables: &mut WriteTables<'_>, reference: &str, flag: &str) -> Outcome<()> {
    change(tables, reference, |image| {
        image.flags.remove(flag);
    })
}

/// Mirrors `imageStore.addMappedTopLayer`: a layer that is added twice is there twice.
pub(crate) fn add_mapped_top_layer(
    tables: &mut WriteTables<'_>,
    reference: &str,
    layer: &str,
) -> Outcome<()> {
    limits::check_text("mapped top layer", layer)?;
    change(tables, reference, |image| {
        image.mapped_top_layers.push(layer.to_owned());
    })
}

/// Mirrors `imageStore.removeMappedTopLayer`: every occurrence goes.
pub(crate) fn remove_mapped_top_layer(
    tables: &mut WriteTables<'_>,
    reference: &str,
    layer: &str,
) -> Outcome<()> {
    change(tables, reference, |image| {
        image.mapped_top_layers.retain(|mapped| mapped != layer);
    })
}
