//! The tables as `migrations/README.md` specifies them, read and written through redb alone.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use redb::{
    Builder, ConcurrencyMode, Database, Key, ReadTransaction, ReadableDatabase, ReadableTable,
    TableDefinition, TableHandle, Value, WriteTransaction,
};

use crate::support::index_key::IndexKey;

pub(crate) type Bytes = &'static [u8];
pub(crate) type Text = &'static str;
pub(crate) type Pair = (IndexKey, u64);

pub(crate) const META: TableDefinition<'_, Text, Bytes> = TableDefinition::new("meta");
pub(crate) const IMAGES: TableDefinition<'_, u64, Bytes> = TableDefinition::new("images");
pub(crate) const IDS: TableDefinition<'_, IndexKey, u64> = TableDefinition::new("ids");
pub(crate) const NAMES: TableDefinition<'_, Text, u64> = TableDefinition::new("names");
pub(crate) const DIGESTS: TableDefinition<'_, Pair, ()> = TableDefinition::new("digests");
pub(crate) const LAYERS: TableDefinition<'_, Pair, ()> = TableDefinition::new("layers");
pub(crate) const CONTENTS: TableDefinition<'_, [u8; 32], Bytes> = TableDefinition::new("contents");
pub(crate) const BLOBS: TableDefinition<'_, (u64, u32), Bytes> = TableDefinition::new("blobs");

/// Everything that is in the tables of a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Raw {
    pub(crate) meta: BTreeMap<String, Vec<u8>>,
    pub(crate) images: BTreeMap<u64, Vec<u8>>,
    pub(crate) ids: BTreeMap<String, u64>,
    pub(crate) names: BTreeMap<String, u64>,
    pub(crate) digests: BTreeSet<(String, u64)>,
    pub(crate) layers: BTreeSet<(String, u64)>,
    pub(crate) contents: BTreeMap<[u8; 32], Vec<u8>>,
    pub(crate) blobs: BTreeMap<(u64, u32), Vec<u8>>,
}

fn builder() -> Builder {
    let mut builder = Builder::new();
    builder.set_concurrency_mode(ConcurrencyMode::MultiWriter);
    builder
}

impl Raw {
    /// Reads a store, which others may have open for shared access.
    pub(crate) fn read(path: &Path) -> Self {
        // Opened for writing: beside a writer, redb now and then refuses an open for reading only.
        let database = builder().open(path).unwrap();
        let transaction = database.begin_read().unwrap();
        let mut names: Vec<String> = transaction
            .list_tables()
            .unwrap()
            .map(|table| table.name().to_owned())
            .collect();
        names.sort();
        let documented = [
            "blobs", "contents", "digests", "ids", "images", "layers", "meta", "names",
        ];
        assert_eq!(names, documented);
        Self {
            meta: rows(&transaction, META, |key| key.to_owned(), <[u8]>::to_vec),
            images: rows(&transaction, IMAGES, |key| key, <[u8]>::to_vec),
            ids: rows(&transaction, IDS, |key| key, |value| value),
            names: rows(&transaction, NAMES, str::to_owned, |value| value),
            digests: pairs(&transaction, DIGESTS),
            layers: pairs(&transaction, LAYERS),
            contents: rows(&transaction, CONTENTS, |key| key, <[u8]>::to_vec),
            blobs: rows(&transaction, BLOBS, |key| key, <[u8]>::to_vec),
        }
    }

    /// Everything but the generation, which counts attempts too.
    pub(crate) fn without_generation(mut self) -> Self {
        self.meta.remove("generation");
        self
    }
}

fn rows<K: Key + 'static, V: Value + 'static, OwnedKey: Ord, OwnedValue>(
    transaction: &ReadTransaction,
    table: TableDefinition<'_, K, V>,
    key: impl Fn(K::SelfType<'_>) -> OwnedKey,
    value: impl Fn(V::SelfType<'_>) -> OwnedValue,
) -> BTreeMap<OwnedKey, OwnedValue> {
    let table = transaction.open_table(table).unwrap();
    let rows = table.iter().unwrap().map(|row| {
        let (row_key, row_value) = row.unwrap();
        (key(row_key.value()), value(row_value.value()))
    });
    rows.collect()
}

fn pairs(
    transaction: &ReadTransaction,
    table: TableDefinition<'_, Pair, ()>,
) -> BTreeSet<(String, u64)> {
    let rows = rows(transaction, table, |key| key, |()| ());
    rows.into_keys().collect()
}

/// Changes a store that nobody has open, behind the library's back.
pub(crate) fn tamper(path: &Path, change: impl FnOnce(&WriteTransaction)) {
    let database: Database = builder().open(path).unwrap();
    let transaction = database.begin_write().unwrap();
    change(&transaction);
    transaction.commit().unwrap();
    database.close().unwrap();
}

/// Flips one bit of the value that `table` has under `key`.
pub(crate) fn flip_bit<K: Key + 'static>(
    transaction: &WriteTransaction,
    table: TableDefinition<'_, K, Bytes>,
    key: K::SelfType<'_>,
    bit: usize,
) {
    let mut table = transaction.open_table(table).unwrap();
    let mut value = table.get(&key).unwrap().unwrap().value().to_vec();
    value[bit / 8] ^= 1 << (bit % 8);
    table.insert(&key, value.as_slice()).unwrap();
}
