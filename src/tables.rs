//! Every table of the file, and the two bundles through which they are read and written.
//!
//! `migrations/README.md` specifies keys and values. Names are literals and never change within a
//! schema version.

use std::sync::OnceLock;

use redb::{
    Key, ReadOnlyTable, ReadTransaction, ReadableTable, ReadableTableMetadata, Table,
    TableDefinition, Value, WriteTransaction,
};

use crate::engine::Outcome;

type Bytes = &'static [u8];
type Text = &'static str;

/// Property name → value: schema version, creation time, generation.
pub(crate) const META: TableDefinition<'_, Text, Bytes> = TableDefinition::new("meta");
/// Image number → record. Numbers ascend, so records lie in creation order.
const IMAGES: TableDefinition<'_, u64, Bytes> = TableDefinition::new("images");
/// ID → image number.
const IDS: TableDefinition<'_, Text, u64> = TableDefinition::new("ids");
/// Name → image number.
const NAMES: TableDefinition<'_, Text, u64> = TableDefinition::new("names");
/// (Digest, image number).
const DIGESTS: TableDefinition<'_, (Text, u64), ()> = TableDefinition::new("digests");
/// (Top layer or mapped top layer, image number).
const LAYERS: TableDefinition<'_, (Text, u64), ()> = TableDefinition::new("layers");
/// SHA-256 of item bytes → content number, references, size, encoding.
const CONTENTS: TableDefinition<'_, &'static [u8; 32], Bytes> = TableDefinition::new("contents");
/// (Content number, part) → bytes.
const BLOBS: TableDefinition<'_, (u64, u32), Bytes> = TableDefinition::new("blobs");

/// The names of all tables in their order, one after the other, as the engine's list of them has
/// them: what a file of a store is known by where its beginning is lost.
pub(crate) const LISTED: &[u8] = b"blobscontentsdigestsidsimageslayersmetanames";

/// The tables as lookups see them, in a snapshot or in a write transaction.
pub trait ReadTables {
    /// [`META`].
    type Meta: ReadableTable<Text, Bytes>;
    /// [`IMAGES`].
    type Images: ReadableTable<u64, Bytes> + ReadableTableMetadata;
    /// [`IDS`].
    type Ids: ReadableTable<Text, u64> + ReadableTableMetadata;
    /// [`NAMES`].
    type Names: ReadableTable<Text, u64> + ReadableTableMetadata;
    /// [`DIGESTS`].
    type Digests: ReadableTable<(Text, u64), ()> + ReadableTableMetadata;
    /// [`LAYERS`].
    type Layers: ReadableTable<(Text, u64), ()> + ReadableTableMetadata;
    /// [`CONTENTS`].
    type Contents: ReadableTable<&'static [u8; 32], Bytes> + ReadableTableMetadata;
    /// [`BLOBS`].
    type Blobs: ReadableTable<(u64, u32), Bytes> + ReadableTableMetadata;

    /// Whether the store was opened read-only.
    fn read_only(&self) -> bool;
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
    meta: OnceLock<ReadOnlyTable<Text, Bytes>>,
    images: OnceLock<ReadOnlyTable<u64, Bytes>>,
    ids: OnceLock<ReadOnlyTable<Text, u64>>,
    names: OnceLock<ReadOnlyTable<Text, u64>>,
    digests: OnceLock<ReadOnlyTable<(Text, u64), ()>>,
    layers: OnceLock<ReadOnlyTable<(Text, u64), ()>>,
    contents: OnceLock<ReadOnlyTable<&'static [u8; 32], Bytes>>,
    blobs: OnceLock<ReadOnlyTable<(u64, u32), Bytes>>,
}

impl SnapshotTables {
    pub(crate) fn new(transaction: ReadTransaction, read_only: bool) -> Self {
        Self {
            transaction,
            read_only,
            meta: OnceLock::new(),
            images: OnceLock::new(),
            ids: OnceLock::new(),
            names: OnceLock::new(),
            digests: OnceLock::new(),
            layers: OnceLock::new(),
            contents: OnceLock::new(),
            blobs: OnceLock::new(),
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
    type Ids = ReadOnlyTable<Text, u64>;
    type Names = ReadOnlyTable<Text, u64>;
    type Digests = ReadOnlyTable<(Text, u64), ()>;
    type Layers = ReadOnlyTable<(Text, u64), ()>;
    type Contents = ReadOnlyTable<&'static [u8; 32], Bytes>;
    type Blobs = ReadOnlyTable<(u64, u32), Bytes>;

    fn read_only(&self) -> bool {
        self.read_only
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

/// The tables of a write transaction, all open.
pub struct WriteTables<'txn> {
    pub(crate) meta: Table<'txn, Text, Bytes>,
    pub(crate) images: Table<'txn, u64, Bytes>,
    pub(crate) ids: Table<'txn, Text, u64>,
    pub(crate) names: Table<'txn, Text, u64>,
    pub(crate) digests: Table<'txn, (Text, u64), ()>,
    pub(crate) layers: Table<'txn, (Text, u64), ()>,
    pub(crate) contents: Table<'txn, &'static [u8; 32], Bytes>,
    pub(crate) blobs: Table<'txn, (u64, u32), Bytes>,
}

impl<'txn> WriteTables<'txn> {
    /// Opens every table, and creates those that are missing.
    pub(crate) fn open(transaction: &'txn WriteTransaction) -> Outcome<Self> {
        Ok(Self {
            meta: transaction.open_table(META)?,
            images: transaction.open_table(IMAGES)?,
            ids: transaction.open_table(IDS)?,
            names: transaction.open_table(NAMES)?,
            digests: transaction.open_table(DIGESTS)?,
            layers: transaction.open_table(LAYERS)?,
            contents: transaction.open_table(CONTENTS)?,
            blobs: transaction.open_table(BLOBS)?,
        })
    }
}

impl<'txn> ReadTables for WriteTables<'txn> {
    type Meta = Table<'txn, Text, Bytes>;
    type Images = Table<'txn, u64, Bytes>;
    type Ids = Table<'txn, Text, u64>;
    type Names = Table<'txn, Text, u64>;
    type Digests = Table<'txn, (Text, u64), ()>;
    type Layers = Table<'txn, (Text, u64), ()>;
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
