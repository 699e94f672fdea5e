//! Creating an image with all its items at once.

use std::collections::BTreeMap;

use redb::ReadableTable;

use crate::content::Rowless;
use crate::engine::Outcome;
use crate::error::Error;
use crate::model::{
    BigDataItem, ContentHash, Image, NewImage, Timestamp, check_key, dedupe, is_manifest_key,
    limits, validate_digest,
};
use crate::read::image_at;
use crate::tables::WriteTables;
use crate::write::put::Change;
use crate::write::random_id::random_id;

/// Creates an image. Mirrors `imageStore.create` of the legacy store, which checks in this order:
/// the ID, the names, the digest, the items.
pub(crate) fn create(tables: &mut WriteTables<'_>, new: &NewImage) -> Outcome<Image> {
    check_limits(new)?;
    let id = match new.id.clone().filter(|id| !id.is_empty()) {
        Some(id) if tables.ids.get(id.as_str())?.is_some() => {
            return Err(Error::DuplicateId { id }.into());
        }
        Some(id) => id,
        None => unused_id(tables)?,
    };
    let names = dedupe(new.names.clone());
    for name in &names {
        let holder = tables.names.get(name.as_str())?.map(|row| row.value());
        if let Some(holder) = holder {
            return Err(Error::DuplicateName {
                name: name.clone(),
                holder: image_at(tables, holder)?.id,
            }
            .into());
        }
    }
    let digest = new.digest.clone().filter(|digest| !digest.is_empty());
    if let Some(digest) = &digest {
        validate_digest(digest)?;
    }
    // The legacy store takes its zero time for none, whatever offset it is written with.
    let created = new.created.filter(|created| !created.is_zero());
    let mut image = Image {
        id,
        digest,
        names,
        names_history: new.names_history.clone(),
        top_layer: new.top_layer.clone().filter(|layer| !layer.is_empty()),
        metadata: new.metadata.clone(),
        created: Some(created.unwrap_or_else(Timestamp::now)),
        flags: new.flags.clone(),
        ..Image::default()
    };
    image.recompute_digests();
    // Only the last of several items with one key is stored, as if each had replaced the one before.
    let mut bytes = BTreeMap::new();
    for item in &new.big_data {
        check_key(&image.id, &item.key)?;
        let hash = ContentHash::of(&item.data);
        let given = item.digest.clone().filter(|digest| !digest.is_empty());
        if let Some(digest) = given.as_ref().filter(|_| is_manifest_key(&item.key)) {
            validate_digest(digest)?;
        }
        let recorded = BigDataItem {
            size: i64::try_from(item.data.len()).ok(),
            digest: Some(given.unwrap_or_else(|| hash.to_digest())),
            content: Some(hash),
        };
        image.set_item(&item.key, recorded);
        bytes.insert(item.key.as_str(), (hash, item.data.as_slice()));
    }
    let insertion = Change::insertion(tables, image)?;
    let mut rowless = Rowless::default();
    for (hash, data) in bytes.into_values() {
        rowless.store(tables, hash, data)?;
    }
    insertion.write_with(tables, &mut rowless)
}

fn check_limits(new: &NewImage) -> Outcome<()> {
    limits::check_text("ID", new.id.as_deref().unwrap_or_default())?;
    limits::check_names(&new.names)?;
    limits::check_names(&new.names_history)?;
    limits::check_text("top layer", new.top_layer.as_deref().unwrap_or_default())?;
    limits::check_metadata(&new.metadata)?;
    for flag in new.flags.keys() {
        limits::check_text("flag", flag)?;
    }
    limits::check_big_data_count(new.big_data.len())?;
    for item in &new.big_data {
        limits::check_text("key of a big data item", &item.key)?;
    }
    Ok(())
}

fn unused_id(tables: &WriteTables<'_>) -> Outcome<String> {
    loop {
        let id = random_id();
        if tables.ids.get(id.as_str())?.is_none() {
            return Ok(id);
        }
    }
}
