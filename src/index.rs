//! The index rows of an image, and the one place that writes them.
//!
//! A mutation gives the image as it was and as it will be; the rows that only the first has are
//! removed, those that only the second has are added. Nothing else writes `ids`, `names`,
//! `digests` or `layers`, or says which references `contents` counts.

mod owned;
mod pending;
mod sorter;

use std::collections::{BTreeMap, BTreeSet};

use crate::codec::KeyText;
use crate::content;
use crate::engine::{Failure, Outcome};
use crate::model::{ContentHash, Image};
use crate::tables::WriteTables;

pub(crate) use owned::OwnedRows;
pub(crate) use pending::PendingRows;

/// What the indexes hold for one image.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Rows<'a> {
    pub(crate) id: Option<&'a str>,
    pub(crate) names: BTreeSet<&'a str>,
    pub(crate) digests: BTreeSet<&'a str>,
    pub(crate) layers: BTreeSet<&'a str>,
    /// How many items of the image refer to each content.
    pub(crate) contents: BTreeMap<ContentHash, u64>,
}

impl<'a> Rows<'a> {
    /// How many rows there are.
    pub(crate) fn count(&self) -> usize {
        let texts = self.names.len() + self.digests.len() + self.layers.len();
        usize::from(self.id.is_some()) + texts + self.contents.len()
    }

    /// The rows of `image`; none where there is no image.
    pub(crate) fn of(image: Option<&'a Image>) -> Self {
        let Some(image) = image else {
            return Self::default();
        };
        let mut contents = BTreeMap::new();
        for hash in image.big_data.values().filter_map(|item| item.content) {
            *contents.entry(hash).or_default() += 1;
        }
        let layers = image.top_layer.iter().chain(&image.mapped_top_layers);
        Self {
            id: Some(&image.id),
            names: set(image.names.iter().map(String::as_str)),
            digests: set(image.digests.iter().map(String::as_str)),
            layers: set(layers.map(String::as_str)),
            contents,
        }
    }
}

/// The texts as a set. Inserted one by one: collecting them would sort copies of the few that there
/// are.
fn set<'a>(texts: impl Iterator<Item = &'a str>) -> BTreeSet<&'a str> {
    let mut set = BTreeSet::new();
    for text in texts {
        set.insert(text);
    }
    set
}

/// Whether [`Rows::of`] an image have this digest; a lookup asks it of every image that it yields.
pub(crate) fn has_digest(image: &Image, digest: &str) -> bool {
    image.digests.iter().any(|held| held == digest)
}

/// The same of a top layer or mapped top layer.
pub(crate) fn has_layer(image: &Image, layer: &str) -> bool {
    let mut layers = image.top_layer.iter().chain(&image.mapped_top_layers);
    layers.any(|held| held == layer)
}

/// Changes the rows of image `number` from those of `before` to those of `after`.
///
/// # Errors
///
/// [`Failure::Corrupt`] where a row that must be there is not, or one that must not be there is:
/// the indexes and the records contradict each other.
pub(crate) fn update(
    tables: &mut WriteTables<'_>,
    number: u64,
    before: Option<&Image>,
    after: Option<&Image>,
) -> Outcome<()> {
    let before = Rows::of(before);
    let after = Rows::of(after);
    if before.id != after.id {
        if let Some(id) = before.id {
            let removed = tables.ids.remove(KeyText::of(id))?.map(|row| row.value());
            expect(removed == Some(number), "ID", id, number)?;
        }
        if let Some(id) = after.id {
            let replaced = tables
                .ids
                .insert(KeyText::of(id), number)?
                .map(|row| row.value());
            expect(replaced.is_none(), "ID", id, number)?;
        }
    }
    for name in before.names.difference(&after.names) {
        let removed = tables.names.remove(*name)?.map(|row| row.value());
        expect(removed == Some(number), "name", name, number)?;
    }
    for name in after.names.difference(&before.names) {
        let replaced = tables.names.insert(*name, number)?.map(|row| row.value());
        expect(replaced.is_none(), "name", name, number)?;
    }
    for digest in before.digests.difference(&after.digests) {
        let removed = tables.digests.remove((KeyText::of(digest), number))?;
        let removed = removed.is_some();
        expect(removed, "digest", digest, number)?;
    }
    for digest in after.digests.difference(&before.digests) {
        let key = (KeyText::of(digest), number);
        let replaced = tables.digests.insert(key, ())?.is_some();
        expect(!replaced, "digest", digest, number)?;
    }
    for layer in before.layers.difference(&after.layers) {
        let removed = tables.layers.remove((KeyText::of(layer), number))?;
        let removed = removed.is_some();
        expect(removed, "layer", layer, number)?;
    }
    for layer in after.layers.difference(&before.layers) {
        let key = (KeyText::of(layer), number);
        let replaced = tables.layers.insert(key, ())?.is_some();
        expect(!replaced, "layer", layer, number)?;
    }
    update_references(tables, &before.contents, &after.contents)
}

/// Adds before it removes, so that bytes that both refer to are never freed in between.
fn update_references(
    tables: &mut WriteTables<'_>,
    before: &BTreeMap<ContentHash, u64>,
    after: &BTreeMap<ContentHash, u64>,
) -> Outcome<()> {
    let count = |rows: &BTreeMap<ContentHash, u64>, hash| rows.get(hash).copied().unwrap_or(0);
    for (hash, now) in after {
        let more = now.saturating_sub(count(before, hash));
        if more > 0 {
            content::add_references(tables, hash, more)?;
        }
    }
    for (hash, once) in before {
        let fewer = once.saturating_sub(count(after, hash));
        if fewer > 0 {
            content::remove_references(tables, hash, fewer)?;
        }
    }
    Ok(())
}

fn expect(holds: bool, index: &str, key: &str, number: u64) -> Outcome<()> {
    if holds {
        Ok(())
    } else {
        Err(Failure::corrupt(format!(
            "the {index} index and image number {number} contradict each other on {key:?}"
        )))
    }
}
