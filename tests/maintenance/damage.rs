//! A store to damage, and the ways to damage it through the engine, as no program of ours would.

use std::path::{Path, PathBuf};

use image_store::{ImageStore, NewImage};
use redb::{Database, ReadableTable, TableDefinition};
use tempfile::TempDir;

use crate::index_key::IndexKey;

pub const IMAGES: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("images");
pub const IDS: TableDefinition<'_, IndexKey, u64> = TableDefinition::new("ids");
pub const NAMES: TableDefinition<'_, &str, u64> = TableDefinition::new("names");
pub const DIGESTS: TableDefinition<'_, (IndexKey, u64), ()> = TableDefinition::new("digests");
pub const LAYERS: TableDefinition<'_, (IndexKey, u64), ()> = TableDefinition::new("layers");
pub const CONTENTS: TableDefinition<'_, &[u8; 32], &[u8]> = TableDefinition::new("contents");
pub const BLOBS: TableDefinition<'_, (u64, u32), &[u8]> = TableDefinition::new("blobs");

/// Bytes that do not compress.
pub fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[0]
    })
    .take(length)
    .collect()
}

/// A closed store with three images: two share a manifest, one has an item of several parts.
pub fn store() -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("images.redb");
    let store = ImageStore::open(&path).unwrap();
    for (id, name) in [("one", "app:1"), ("two", "app:2")] {
        let image = NewImage::new()
            .id(id)
            .name(name)
            .top_layer(format!("layer-{id}"))
            .big_data("manifest", br#"{"schemaVersion": 2}"#.as_slice())
            .big_data(format!("config-{id}"), id.repeat(400));
        store.create(image).unwrap();
    }
    let large = NewImage::new()
        .id("three")
        .big_data("large", noise(100_000));
    store.create(large).unwrap();
    store.close();
    (dir, path)
}

/// Changes tables behind the library's back.
pub fn tamper(path: &Path, tamper: impl FnOnce(&redb::WriteTransaction)) {
    let database = Database::open(path).unwrap();
    let transaction = database.begin_write().unwrap();
    tamper(&transaction);
    transaction.commit().unwrap();
}

/// Flips a bit in the middle of the value that `table` has under `key`.
pub fn flip<K: redb::Key + 'static>(
    transaction: &redb::WriteTransaction,
    table: TableDefinition<'_, K, &'static [u8]>,
    key: K::SelfType<'_>,
) {
    let mut table = transaction.open_table(table).unwrap();
    let mut value = table.get(&key).unwrap().unwrap().value().to_vec();
    let middle = value.len() / 2;
    value[middle] ^= 1;
    table.insert(&key, value.as_slice()).unwrap();
}
