//! How much is in a store and where its room goes.

use redb::{ReadableTable, ReadableTableMetadata, TableStats};

use crate::codec::{decode_content, decode_image};
use crate::engine::Outcome;
use crate::error::Result;
use crate::model::{ContentHash, Image};
use crate::read::Source;
use crate::store::{Access, ImageStore, size};
use crate::tables::ReadTables;

/// How many of the largest images are named.
const LARGEST: usize = 10;

/// How much is in a store and where its room goes; made by [`ImageStore::stats`].
///
/// # Examples
///
/// ```
/// # use image_store::{ImageStore, NewImage};
/// # let dir = tempfile::tempdir()?;
/// # let store = ImageStore::open(dir.path().join("images.redb"))?;
/// store.create(NewImage::new().name("app").big_data("manifest", b"{}".as_slice()))?;
/// let stats = store.stats()?;
/// assert_eq!((stats.images, stats.names, stats.items), (1, 1, 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoreStats {
    /// Images.
    pub images: u64,
    /// Names of images.
    pub names: u64,
    /// Big data items of all images, with bytes and without.
    pub items: u64,
    /// The length of all items in bytes, each counted for every image that has it.
    pub item_bytes: u64,
    /// Different bytes of items: contents.
    pub contents: u64,
    /// The length of all contents in bytes, each counted once.
    pub content_bytes: u64,
    /// The bytes that the parts of all contents take, after compression.
    pub stored_bytes: u64,
    /// How many contents have a length of 0, of 1, of 2 to 3, of 4 to 7 bytes, and so on: each
    /// class is twice as wide as the one before.
    pub content_sizes: Vec<u64>,
    /// The largest images, up to ten: ID and length of their items in bytes.
    pub largest: Vec<(String, u64)>,
    /// The length of the file in bytes.
    pub file_length: u64,
    /// The bytes that the file takes on disk.
    pub file_stored: u64,
    /// The bytes of the pages that hold the present state.
    pub used_bytes: u64,
    /// The bytes of the pages that hold only earlier states, and the engine's own book-keeping;
    /// `None` where the store was opened read-only, since only a writer knows them.
    ///
    /// Snapshots that are still read keep such pages from being used again: this grows while a
    /// snapshot is kept and others write, and falls with the writes after it is dropped.
    pub kept_bytes: Option<u64>,
}

impl ImageStore {
    /// Counts what is in the store. Reads every record and the row of every content, but not the
    /// bytes of items. To tell where pages go it waits until no other process writes.
    ///
    /// # Examples
    ///
    /// ```
    /// use image_store::{ImageStore, NewImage};
    ///
    /// # let dir = tempfile::tempdir()?;
    /// let store = ImageStore::open(dir.path().join("images.redb"))?;
    /// store.create(NewImage::new().big_data("a", vec![7; 1000]).big_data("b", vec![7; 1000]))?;
    /// let stats = store.stats()?;
    /// assert_eq!((stats.items, stats.item_bytes), (2, 2000));
    /// assert_eq!((stats.contents, stats.content_bytes), (1, 1000));
    /// assert!(stats.stored_bytes < 1000);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Snapshot`](crate::Snapshot) and [`write`](Self::write).
    pub fn stats(&self) -> Result<StoreStats> {
        let mut stats = self.read()?.view(count)?;
        (stats.file_length, stats.file_stored) = size(self.path())?;
        if self.access() != Access::ReadOnly {
            let allocated = self.allocated_bytes()?;
            stats.kept_bytes = Some(allocated.saturating_sub(stats.used_bytes));
        }
        Ok(stats)
    }
}

fn count<T: ReadTables>(tables: &T) -> Outcome<StoreStats> {
    let mut stats = StoreStats {
        names: tables.names()?.len()?,
        contents: tables.contents()?.len()?,
        stored_bytes: tables.blobs()?.stats()?.stored_bytes(),
        used_bytes: page_bytes(tables)?,
        ..StoreStats::default()
    };
    for row in tables.contents()?.iter()? {
        let (key, value) = row?;
        let content = decode_content(&ContentHash::from_bytes(*key.value()), value.value())?;
        stats.content_bytes += content.size;
        let class = (u64::BITS - content.size.leading_zeros()) as usize;
        if stats.content_sizes.len() <= class {
            stats.content_sizes.resize(class + 1, 0);
        }
        if let Some(count) = stats.content_sizes.get_mut(class) {
            *count += 1;
        }
    }
    for row in tables.images()?.iter()? {
        let (key, record) = row?;
        let image = decode_image(key.value(), record.value())?;
        stats.add(&image);
    }
    Ok(stats)
}

/// The bytes of the pages of all tables.
fn page_bytes<T: ReadTables>(tables: &T) -> Outcome<u64> {
    let tables = [
        tables.images()?.stats()?,
        tables.ids()?.stats()?,
        tables.names()?.stats()?,
        tables.digests()?.stats()?,
        tables.layers()?.stats()?,
        tables.contents()?.stats()?,
        tables.blobs()?.stats()?,
    ];
    let bytes = |table: &TableStats| {
        table.stored_bytes() + table.metadata_bytes() + table.fragmented_bytes()
    };
    Ok(tables.iter().map(bytes).sum())
}

impl StoreStats {
    fn add(&mut self, image: &Image) {
        let sizes = image.big_data.values().filter_map(|item| item.size);
        let size: u64 = sizes.filter_map(|size| u64::try_from(size).ok()).sum();
        self.images += 1;
        self.items += image.big_data.len() as u64;
        self.item_bytes += size;
        let place = self.largest.partition_point(|(_, larger)| *larger >= size);
        if place < LARGEST {
            self.largest.insert(place, (image.id.clone(), size));
            self.largest.truncate(LARGEST);
        }
    }
}
