//! Creating an image with all its items at once.

use std::collections::{BTreeMap, BTreeSet};

use redb::ReadableTable;

use crate::codec::{KeyText, encode_unnumbered};
use crate::content::Encoded;
use crate::engine::Outcome;
use crate::error::Error;
use crate::index::{PendingRows, Rows};
use crate::model::{
    BigDataItem, ContentHash, Image, NewBigData, NewImage, Timestamp, check_key, dedupe,
    is_manifest_key, limits, validate_digest,
};
use crate::read::image_at;
use crate::tables::WriteTables;
use crate::write::pending::Pending;
use crate::write::random_id::random_id;

/// The longest item that is encoded before it is known to be new.
const ENCODED_BEFORE: usize = 256 << 10;

/// A new image whose items are hashed: what needs no store, so that a thread can do it while another
/// one writes.
#[derive(Debug)]
pub(crate) struct PreparedImage {
    new: NewImage,
    /// What is known of the items, in their order.
    items: Vec<PreparedItem>,
}

#[derive(Debug)]
struct PreparedItem {
    hash: ContentHash,
    encoded: Option<Encoded>,
}

impl PreparedImage {
    pub(crate) fn new(new: NewImage) -> Self {
        let hashed = |item: &NewBigData| PreparedItem {
            hash: ContentHash::of(&item.data),
            encoded: None,
        };
        let items = new.big_data.iter().map(hashed).collect();
        Self { new, items }
    }

    /// How many bytes its items have.
    pub(crate) fn item_bytes(&self) -> usize {
        self.new.big_data.iter().map(|item| item.data.len()).sum()
    }

    /// Encodes the bytes too, but not so many that they would be a burden in memory. It is in vain
    /// where the store has them.
    pub(crate) fn encode(&mut self) -> Outcome<()> {
        let mut hashes = BTreeSet::new();
        for (item, prepared) in self.new.big_data.iter().zip(&mut self.items) {
            if item.data.len() <= ENCODED_BEFORE && hashes.insert(prepared.hash) {
                prepared.encoded = Some(Encoded::new(&item.data)?);
            }
        }
        Ok(())
    }
}

/// Creates an image, whose rows are `pending` then. Mirrors `imageStore.create` of the legacy store,
/// which checks in this order: the ID, the names, the digest, the items.
pub(super) fn create(
    tables: &mut WriteTables<'_>,
    pending: &mut Pending,
    prepared: &PreparedImage,
) -> Outcome<Image> {
    let PreparedImage { new, items } = prepared;
    check_limits(new)?;
    let names = dedupe(new.names.clone());
    let id = new.id.clone().filter(|id| !id.is_empty());
    let rows = &pending.rows;
    let mut held = id.iter().any(|id| rows.may_hold_id(id));
    held |= names.iter().any(|name| rows.may_hold_name(name));
    if held {
        // The tables will tell by whom.
        pending.settle(tables)?;
    }
    let id = match id {
        Some(id) if tables.ids.get(KeyText::of(&id))?.is_some() => {
            return Err(Error::DuplicateId { id }.into());
        }
        Some(id) => id,
        None => unused_id(tables, &pending.rows)?,
    };
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
    for (item, prepared) in new.big_data.iter().zip(items) {
        check_key(&image.id, &item.key)?;
        let hash = prepared.hash;
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
        bytes.insert(item.key.as_str(), (item.data.as_slice(), prepared));
    }
    let rows = Rows::of(Some(&image));
    // An image that is refused after all is looked for in vain.
    pending.rows.note(&rows);
    let number = pending.next_number(tables)?;
    let record = encode_unnumbered(&image)?;
    for (data, prepared) in bytes.into_values() {
        let ready = prepared.encoded.as_ref();
        pending.put(tables, prepared.hash, data, ready)?;
    }
    pending.add(tables, number, &record, &rows)?;
    Ok(image)
}

fn check_limits(new: &NewImage) -> Outcome<()> {
    limits::check_text("ID", new.id.as_deref().unwrap_or_default())?;
    limits::check_names(&new.names)?;
    limits::check_names(&new.names_history)?;
    limits::check_text("top layer", new.top_layer.as_deref().unwrap_or_default())?;
    limits::check_metadata(&new.metadata)?;
    for (flag, value) in &new.flags {
        limits::check_flag(flag, value)?;
    }
    limits::check_big_data_count(new.big_data.len())?;
    for item in &new.big_data {
        limits::check_text("key of a big data item", &item.key)?;
    }
    Ok(())
}

fn unused_id(tables: &WriteTables<'_>, pending: &PendingRows) -> Outcome<String> {
    loop {
        let id = random_id()?;
        if !pending.may_hold_id(&id) && tables.ids.get(KeyText::of(&id))?.is_none() {
            return Ok(id);
        }
    }
}
