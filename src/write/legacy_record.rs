//! Taking over an image of a legacy store as it was recorded there.

use std::io::Read;

use redb::ReadableTable;

use crate::codec::KeyText;
use crate::content::{self, Encoded, Stored};
use crate::engine::Outcome;
use crate::index::Rows;
use crate::model::{ContentHash, Image};
use crate::read::image_at;
use crate::tables::WriteTables;
use crate::write::items::store_stream;
use crate::write::put::{Change, TakenName, Taking, remove};

/// Stores the bytes of an item whose record comes later. Until then nothing refers to them.
pub(crate) fn put_content(
    tables: &mut WriteTables<'_>,
    input: &mut dyn Read,
    key: &str,
) -> Outcome<Stored> {
    store_stream(tables, input, key)
}

/// The same for bytes that were encoded before.
pub(crate) fn put_encoded(
    tables: &mut WriteTables<'_>,
    hash: ContentHash,
    size: u64,
    encoded: &Encoded,
) -> Outcome<Stored> {
    content::store_encoded(tables, hash, size, encoded)
}

/// What gave way to an image of a legacy store.
#[derive(Debug)]
pub(crate) struct Displaced {
    /// Names that were on other images.
    pub(crate) names: Vec<TakenName>,
    /// The image that had the same ID.
    pub(crate) image: Option<Image>,
}

/// Adds an image after all others. Its names are taken from those who have them, an image with its
/// ID is removed, and its digests follow from its record.
///
/// Mirrors `imageStore.load` of the legacy store, where the later of two holders keeps a name.
pub(crate) fn insert_legacy(tables: &mut WriteTables<'_>, mut image: Image) -> Outcome<Displaced> {
    image.recompute_digests();
    let holder = tables
        .ids
        .get(KeyText::of(&image.id))?
        .map(|row| row.value());
    // The names of the image that is replaced go with it.
    let taking = Taking::of(tables, &image.names, holder)?;
    let contents = Rows::of(Some(&image)).contents;
    let insertion = Change::insertion(tables, image)?;

    let mut earlier = None;
    if let Some(number) = holder {
        // Held while the earlier image goes, which may be the only one that has the same bytes.
        for hash in contents.keys() {
            content::add_references(tables, hash, 1)?;
        }
        let replaced = image_at(tables, number)?;
        remove(tables, number, &replaced)?;
        earlier = Some(replaced);
    }
    let names = taking.write(tables)?;
    insertion.write(tables)?;
    if earlier.is_some() {
        for hash in contents.keys() {
            content::remove_references(tables, hash, 1)?;
        }
    }
    Ok(Displaced {
        names,
        image: earlier,
    })
}
