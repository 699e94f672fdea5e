//! The rows that the library writes for an image, so that bare redb can write the same.

use std::path::Path;

use anyhow::{Context as _, Result};
use image_store::ImageStore;
use image_store::NewImage;
use image_store::bench::{IndexKey, key};
use redb::{Builder, ReadableDatabase, ReadableTable, TableDefinition, WriteTransaction};

use crate::sample;

/// Image number → record.
pub const IMAGES: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("images");
/// ID → image number.
pub const IDS: TableDefinition<'_, IndexKey, u64> = TableDefinition::new("ids");
/// Name → image number.
pub const NAMES: TableDefinition<'_, &str, u64> = TableDefinition::new("names");
/// (Digest, image number).
pub const DIGESTS: TableDefinition<'_, (IndexKey, u64), ()> = TableDefinition::new("digests");
/// (Layer, image number).
pub const LAYERS: TableDefinition<'_, (IndexKey, u64), ()> = TableDefinition::new("layers");
/// SHA-256 → content row.
pub const CONTENTS: TableDefinition<'_, &[u8; 32], &[u8]> = TableDefinition::new("contents");
/// (Content number, part) → bytes.
pub const BLOBS: TableDefinition<'_, (u64, u32), &[u8]> = TableDefinition::new("blobs");

/// One image that is not in any store yet, in all the forms that the peers need.
#[derive(Clone, Debug)]
pub struct Fresh {
    /// The number of the sample.
    pub number: u64,
    /// What the library is given.
    pub image: NewImage,
    /// The record that the library writes.
    pub record: Vec<u8>,
    /// Hash and row of each content.
    pub contents: Vec<([u8; 32], Vec<u8>)>,
    /// The parts of each content, in the order of the contents' numbers.
    pub parts: Vec<Vec<Vec<u8>>>,
}

/// Inserts all rows of images behind those that are there.
///
/// # Errors
///
/// Those of the engine; an image without an ID.
pub fn insert(transaction: &WriteTransaction, fresh: &[Fresh]) -> Result<()> {
    let mut images = transaction.open_table(IMAGES)?;
    let mut ids = transaction.open_table(IDS)?;
    let mut names = transaction.open_table(NAMES)?;
    let mut digests = transaction.open_table(DIGESTS)?;
    let mut layers = transaction.open_table(LAYERS)?;
    let mut contents = transaction.open_table(CONTENTS)?;
    let mut blobs = transaction.open_table(BLOBS)?;
    let first = images.last()?.map_or(0, |(key, _)| key.value() + 1);
    let mut content = blobs.last()?.map_or(0, |(key, _)| key.value().0 + 1);
    for (number, fresh) in (first..).zip(fresh) {
        let image = &fresh.image;
        let id = image.id.as_deref().context("no ID")?;
        images.insert(number, fresh.record.as_slice())?;
        ids.insert(key(id), number)?;
        for name in &image.names {
            names.insert(name.as_str(), number)?;
        }
        if let Some(digest) = &image.digest {
            digests.insert((key(digest), number), ())?;
        }
        if let Some(layer) = &image.top_layer {
            layers.insert((key(layer), number), ())?;
        }
        for ((hash, row), parts) in fresh.contents.iter().zip(&fresh.parts) {
            contents.insert(hash, row.as_slice())?;
            for (part, bytes) in (0..).zip(parts) {
                blobs.insert((content, part), bytes.as_slice())?;
            }
            content += 1;
        }
    }
    Ok(())
}

/// Makes a database at `to` with all rows of the store at `from`, one table after the other in the
/// order of their keys, in one transaction.
///
/// # Errors
///
/// Those of the engine.
pub fn copy_sorted(from: &Path, to: &Path, cache: usize) -> Result<()> {
    let from = Builder::new().open_read_only(from)?.begin_read()?;
    let to = Builder::new().set_cache_size(cache).create(to)?;
    let transaction = to.begin_write()?;
    macro_rules! copy {
        ($($table:ident),*) => {$({
            let mut table = transaction.open_table($table)?;
            for row in from.open_table($table)?.iter()? {
                let (key, value) = row?;
                table.insert(key.value(), value.value())?;
            }
        })*};
    }
    copy!(IMAGES, IDS, NAMES, DIGESTS, LAYERS, CONTENTS, BLOBS);
    transaction.commit()?;
    Ok(())
}

/// Prepares samples, with what the library writes for them.
///
/// # Errors
///
/// Those of the library and the engine.
pub fn prepare(numbers: impl IntoIterator<Item = u64>, folder: &Path) -> Result<Vec<Fresh>> {
    let folder = tempfile::tempdir_in(folder)?;
    let path = folder.path().join("scratch.redb");
    let numbers: Vec<u64> = numbers.into_iter().collect();
    let store = ImageStore::open(&path)?;
    let mut transaction = store.write()?;
    for number in &numbers {
        transaction.create(sample::image(*number))?;
    }
    transaction.commit()?;
    drop(store);

    let database = Builder::new().open_read_only(&path)?;
    let read = database.begin_read()?;
    let images = read.open_table(IMAGES)?;
    let mut contents = Vec::new();
    for row in read.open_table(CONTENTS)?.iter()? {
        let (hash, content) = row?;
        // A sealed content row begins with five bytes of seal, then its number.
        let number = leading_number(content.value().get(5..).context("a short content row")?)?;
        contents.push((number, *hash.value(), content.value().to_vec()));
    }
    contents.sort();
    let blobs = read.open_table(BLOBS)?;
    let mut contents = contents.into_iter();
    let mut fresh = Vec::new();
    for (row, number) in images.iter()?.zip(numbers) {
        let mut next = Fresh {
            number,
            image: sample::image(number),
            record: row?.1.value().to_vec(),
            contents: Vec::new(),
            parts: Vec::new(),
        };
        for (content, hash, row) in contents.by_ref().take(2) {
            next.contents.push((hash, row));
            let mut parts = Vec::new();
            for part in blobs.range((content, 0)..=(content, u32::MAX))? {
                parts.push(part?.1.value().to_vec());
            }
            next.parts.push(parts);
        }
        fresh.push(next);
    }
    Ok(fresh)
}

/// A number as bincode writes it.
fn leading_number(bytes: &[u8]) -> Result<u64> {
    let little = |bytes: &[u8]| {
        bytes
            .iter()
            .rev()
            .fold(0, |n, byte| n << 8 | u64::from(*byte))
    };
    Ok(match bytes {
        [small @ 0..=250, ..] => u64::from(*small),
        [251, rest @ ..] => little(rest.get(..2).context("cut short")?),
        [252, rest @ ..] => little(rest.get(..4).context("cut short")?),
        _ => anyhow::bail!("an unexpected content number"),
    })
}
