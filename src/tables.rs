//! Every table of the file, and the two bundles through which they are read and written.
//!
//! `migrations/README.md` specifies keys and values. Names are literals and never change within a
//! schema version.

use std::sync::{Arc, MutexGuard, OnceLock};

use redb::{
    Key, ReadOnlyTable, ReadTransaction, ReadableTable, ReadableTableMetadata, Table,
    TableDefinition, TableError, TableHandle as _, Value, WriteTransaction,
};

use crate::codec::{Change, Changes, IndexKey, TableTag};
use crate::engine::{Failure, Outcome};
use crate::meta::MetaTable;
use crate::recorded::{Record, Recorded, changes};
use crate::remembered::Remembered;

type Bytes = &'static [u8];
type Text = &'static str;
/// A key that many images may have, and the number of one.
type Pair = (IndexKey, u64);

/// Property name → value: schema version, creation time, generation.
pub(crate) const META: TableDefinition<'_, Text, Bytes> = TableDefinition::new("meta");
/// Image number → record. Numbers ascend, so records lie in creation order.
const IMAGES: TableDefinition<'_, u64, Bytes> = TableDefinition::new("images");
/// ID → image number.
const IDS: TableDefinition<'_, IndexKey, u64> = TableDefinition::new("ids");
/// Name → image number.
const NAMES: TableDefinition<'_, Text, u64> = TableDefinition::new("names");
/// (Digest, image number).
const DIGESTS: TableDefinition<'_, Pair, ()> = TableDefinition::new("digests");
/// (Top layer or mapped top layer, image number).
const LAYERS: TableDefinition<'_, Pair, ()> = TableDefinition::new("layers");
/// SHA-256 of item bytes → content number, references, size, encoding.
const CONTENTS: TableDefinition<'_, &'static [u8; 32], Bytes> = TableDefinition::new("contents");
/// (Content number, part) → bytes.
const BLOBS: TableDefinition<'_, (u64, u32), Bytes> = TableDefinition::new("blobs");

/// The names of all tables in their order, one after the other, as the engine's list of them has
/// them: what a file of a store is known by where its beginning is lost.
pub(crate) const LISTED: &[u8] = b"blobscontentsdigestsidsimageslayersmetanames";

/// Whether a database has the tables of a store, and those that are the same in every schema with their
/// keys and values: what a store is known by where [`META`] cannot be read.
pub(crate) fn are_of_a_store(transaction: &ReadTransaction) -> Outcome<bool> {
    let tables = transaction.list_tables()?;
    let names: Vec<String> = tables.map(|table| table.name().to_owned()).collect();
    Ok(names.concat().as_bytes() == LISTED
        && is_table(transaction, IMAGES)?
        && is_table(transaction, NAMES)?
        && is_table(transaction, CONTENTS)?
        && is_table(transaction, BLOBS)?)
}

fn is_table<K: Key + 'static, V: Value + 'static>(
    transaction: &ReadTransaction,
    definition: TableDefinition<'_, K, V>,
) -> Outcome<bool> {
    match transaction.open_table(definition) {
        Ok(_) => Ok(true),
        Err(TableError::Storage(error)) => Err(error.into()),
        Err(_) => Ok(false),
    }
}

/// The number after the last of the images, or of the contents: new ones come after all others.
pub(crate) fn number_after(last: u64) -> Outcome<u64> {
    last.checked_add(1)
        .ok_or_else(|| Failure::corrupt("the numbers are used up"))
}

/// The tables as lookups see them, in a snapshot or in a write transaction.
pub trait ReadTables {
    /// [`META`].
    type Meta: ReadableTable<Text, Bytes>;
    /// [`IMAGES`].
    type Images: ReadableTable<u64, Bytes> + ReadableTableMetadata;
    /// [`IDS`].
    type Ids: ReadableTable<IndexKey, u64> + ReadableTableMetadata;
    /// [`NAMES`].
    type Names: ReadableTable<Text, u64> + ReadableTableMetadata;
    /// [`DIGESTS`].
    type Digests: ReadableTable<Pair, ()> + ReadableTableMetadata;
    /// [`LAYERS`].
    type Layers: ReadableTable<Pair, ()> + ReadableTableMetadata;
    /// [`CONTENTS`].
    type Contents: ReadableTable<&'static [u8; 32], Bytes> + ReadableTableMetadata;
    /// [`BLOBS`].
    type Blobs: ReadableTable<(u64, u32), Bytes> + ReadableTableMetadata;

    /// Whether the store was opened read-only.
    fn read_only(&self) -> bool;

    /// Whether there may be an ID that begins with this text, as far as that is known without a
    /// search: names are for the most part behind all IDs.
    fn may_begin_id(&self, _text: &str) -> Outcome<bool> {
        Ok(true)
    }

    /// What lookups found before; none where nothing is remembered.
    fn remembered(&self) -> Option<&Remembered> {
        None
    }

    /// [`META`].
    fn meta(&self) -> Outcome<&Self::Meta>;
    /// [`IMAGES`].
    fn images(&self) -> Outcome<&Self::Images>;
    /// [`IDS`].
    fn ids(&self) -> Outcome<&Self::Ids>;
    /// [`NAMES`].
    fn names(&self) -> Outcome<&Self::Names>;
    /// [`DIGESTS`].
    fn digests(&self) -> Outcome<&Self::Digests>;
    /// [`LAYERS`].
    fn layers(&self) -> Outcome<&Self::Layers>;
    /// [`CONTENTS`].
    fn contents(&self) -> Outcome<&Self::Contents>;
    /// [`BLOBS`].
    fn blobs(&self) -> Outcome<&Self::Blobs>;
}

/// The tables of a read transaction, each opened when it is first asked for: most lookups need two
/// or three of the eight, and opening one costs as much as a lookup in it.
pub struct SnapshotTables {
    transaction: ReadTransaction,
    read_only: bool,
    remembered: Arc<Remembered>,
    meta: OnceLock<ReadOnlyTable<Text, Bytes>>,
    images: OnceLock<ReadOnlyTable<u64, Bytes>>,
    ids: OnceLock<ReadOnlyTable<IndexKey, u64>>,
    names: OnceLock<ReadOnlyTable<Text, u64>>,
    digests: OnceLock<ReadOnlyTable<Pair, ()>>,
    layers: OnceLock<ReadOnlyTable<Pair, ()>>,
    contents: OnceLock<ReadOnlyTable<&'static [u8; 32], Bytes>>,
    blobs: OnceLock<ReadOnlyTable<(u64, u32), Bytes>>,
    /// The last ID; none where there are no images.
    last_id: OnceLock<Option<String>>,
}

impl SnapshotTables {
    pub(crate) fn new(
        transaction: ReadTransaction,
        read_only: bool,
        remembered: Arc<Remembered>,
    ) -> Self {
        Self {
            transaction,
            read_only,
            remembered,
            meta: OnceLock::new(),
            images: OnceLock::new(),
            ids: OnceLock::new(),
            names: OnceLock::new(),
            digests: OnceLock::new(),
            layers: OnceLock::new(),
            contents: OnceLock::new(),
            blobs: OnceLock::new(),
            last_id: OnceLock::new(),
        }
    }

    fn open<'a, K: Key, V: Value>(
        &self,
        opened: &'a OnceLock<ReadOnlyTable<K, V>>,
        definition: TableDefinition<'_, K, V>,
    ) -> Outcome<&'a ReadOnlyTable<K, V>> {
        if let Some(table) = opened.get() {
            return Ok(table);
        }
        let table = self.transaction.open_table(definition)?;
        Ok(opened.get_or_init(|| table))
    }
}

impl ReadTables for SnapshotTables {
    type Meta = ReadOnlyTable<Text, Bytes>;
    type Images = ReadOnlyTable<u64, Bytes>;
    type Ids = ReadOnlyTable<IndexKey, u64>;
    type Names = ReadOnlyTable<Text, u64>;
    type Digests = ReadOnlyTable<Pair, ()>;
    type Layers = ReadOnlyTable<Pair, ()>;
    type Contents = ReadOnlyTable<&'static [u8; 32], Bytes>;
    type Blobs = ReadOnlyTable<(u64, u32), Bytes>;

    fn read_only(&self) -> bool {
        self.read_only
    }

    fn remembered(&self) -> Option<&Remembered> {
        Some(&self.remembered)
    }

    fn may_begin_id(&self, text: &str) -> Outcome<bool> {
        let last = match self.last_id.get() {
            Some(last) => last,
            None => {
                let last = self.ids()?.last()?;
                let last = last.map(|(id, _)| id.value().to_text()).transpose()?;
                self.last_id.get_or_init(|| last)
            }
        };
        Ok(last.as_deref().is_some_and(|last| text <= last))
    }

    fn meta(&self) -> Outcome<&Self::Meta> {
        self.open(&self.meta, META)
    }
    fn images(&self) -> Outcome<&Self::Images> {
        self.open(&self.images, IMAGES)
    }
    fn ids(&self) -> Outcome<&Self::Ids> {
        self.open(&self.ids, IDS)
    }
    fn names(&self) -> Outcome<&Self::Names> {
        self.open(&self.names, NAMES)
    }
    fn digests(&self) -> Outcome<&Self::Digests> {
        self.open(&self.digests, DIGESTS)
    }
    fn layers(&self) -> Outcome<&Self::Layers> {
        self.open(&self.layers, LAYERS)
    }
    fn contents(&self) -> Outcome<&Self::Contents> {
        self.open(&self.contents, CONTENTS)
    }
    fn blobs(&self) -> Outcome<&Self::Blobs> {
        self.open(&self.blobs, BLOBS)
    }
}

/// Opens [`META`] alone to write to it.
pub(crate) fn open_meta(transaction: &WriteTransaction) -> Outcome<MetaTable<'_>> {
    let table = transaction.open_table(META)?;
    Ok(Recorded::new(table, TableTag::Meta))
}

/// The tables of a write transaction, all open.
pub struct WriteTables<'txn> {
    pub(crate) meta: Recorded<'txn, Text, Bytes>,
    pub(crate) images: Recorded<'txn, u64, Bytes>,
    pub(crate) ids: Recorded<'txn, IndexKey, u64>,
    pub(crate) names: Recorded<'txn, Text, u64>,
    pub(crate) digests: Recorded<'txn, Pair, ()>,
    pub(crate) layers: Recorded<'txn, Pair, ()>,
    pub(crate) contents: Recorded<'txn, &'static [u8; 32], Bytes>,
    pub(crate) blobs: Recorded<'txn, (u64, u32), Bytes>,
    record: Option<Record>,
}

impl<'txn> WriteTables<'txn> {
    /// Opens every table, and creates those that are missing.
    pub(crate) fn open(transaction: &'txn WriteTransaction) -> Outcome<Self> {
        // The engine panics on some damage of the list of the tables, and does that here while none is
        // open: a table that is dropped meanwhile panics too, which ends the process.
        drop(transaction.list_tables()?);
        Ok(Self {
            meta: open_meta(transaction)?,
            images: Recorded::new(transaction.open_table(IMAGES)?, TableTag::Images),
            ids: Recorded::new(transaction.open_table(IDS)?, TableTag::Ids),
            names: Recorded::new(transaction.open_table(NAMES)?, TableTag::Names),
            digests: Recorded::new(transaction.open_table(DIGESTS)?, TableTag::Digests),
            layers: Recorded::new(transaction.open_table(LAYERS)?, TableTag::Layers),
            contents: Recorded::new(transaction.open_table(CONTENTS)?, TableTag::Contents),
            blobs: Recorded::new(transaction.open_table(BLOBS)?, TableTag::Blobs),
            record: None,
        })
    }

    /// Records every change from now on.
    pub(crate) fn record(&mut self) {
        let record = Record::default();
        self.meta.record(&record);
        self.images.record(&record);
        self.ids.record(&record);
        self.names.record(&record);
        self.digests.record(&record);
        self.layers.record(&record);
        self.contents.record(&record);
        self.blobs.record(&record);
        self.record = Some(record);
    }

    /// What was recorded so far; `None` where nothing is recorded.
    pub(crate) fn recorded(&self) -> Option<MutexGuard<'_, Changes>> {
        self.record.as_ref().map(changes)
    }

    /// How many rows were written or removed since this was asked for last.
    pub(crate) const fn take_changed(&mut self) -> u64 {
        self.meta.take_changed()
            + self.images.take_changed()
            + self.ids.take_changed()
            + self.names.take_changed()
            + self.digests.take_changed()
            + self.layers.take_changed()
            + self.contents.take_changed()
            + self.blobs.take_changed()
    }

    /// Does what was recorded of another transaction.
    pub(crate) fn apply(&mut self, change: Change<'_>) -> Outcome<()> {
        let (Change::Insert(table, ..) | Change::Remove(table, _) | Change::Clear(table)) = change;
        match table {
            TableTag::Meta => self.meta.apply(change)?,
            TableTag::Images => self.images.apply(change)?,
            TableTag::Ids => self.ids.apply(change)?,
            TableTag::Names => self.names.apply(change)?,
            TableTag::Digests => self.digests.apply(change)?,
            TableTag::Layers => self.layers.apply(change)?,
            TableTag::Contents => self.contents.apply(change)?,
            TableTag::Blobs => self.blobs.apply(change)?,
        }
        Ok(())
    }
}

impl<'txn> ReadTables for WriteTables<'txn> {
    type Meta = Table<'txn, Text, Bytes>;
    type Images = Table<'txn, u64, Bytes>;
    type Ids = Table<'txn, IndexKey, u64>;
    type Names = Table<'txn, Text, u64>;
    type Digests = Table<'txn, Pair, ()>;
    type Layers = Table<'txn, Pair, ()>;
    type Contents = Table<'txn, &'static [u8; 32], Bytes>;
    type Blobs = Table<'txn, (u64, u32), Bytes>;

    fn read_only(&self) -> bool {
        false
    }
    fn meta(&self) -> Outcome<&Self::Meta> {
        Ok(&self.meta)
    }
    fn images(&self) -> Outcome<&Self::Images> {
        Ok(&self.images)
    }
    fn ids(&self) -> Outcome<&Self::Ids> {
        Ok(&self.ids)
    }
    fn names(&self) -> Outcome<&Self::Names> {
        Ok(&self.names)
    }
    fn digests(&self) -> Outcome<&Self::Digests> {
        Ok(&self.digests)
    }
    fn layers(&self) -> Outcome<&Self::Layers> {
        Ok(&self.layers)
    }
    fn contents(&self) -> Outcome<&Self::Contents> {
        Ok(&self.contents)
    }
    fn blobs(&self) -> Outcome<&Self::Blobs> {
        Ok(&self.blobs)
    }
}
