//! For this project's benchmarks: the codecs of records and of index keys, so that engines that are
//! compared read and write the same bytes and do the same work on them, and the memory that a store
//! takes, so that they have the same. Not a promise.

use std::path::Path;

use crate::codec;
use crate::engine::Outcome;
use crate::error::Result;
use crate::model::Image;
use crate::store::OpenOptions;

/// The engine's type for the keys of `ids`, and for the first half of those of `digests` and
/// `layers`.
pub type IndexKey = codec::IndexKey;

/// A key of that type.
pub type KeyText<'a> = codec::KeyText<'a>;

/// Decodes the record of an image number.
pub fn decode_record(number: u64, record: &[u8]) -> Result<Image> {
    at_bench(codec::decode_image(number, record))
}

/// Encodes the record of an image number.
pub fn encode_record(number: u64, image: &Image) -> Result<Vec<u8>> {
    at_bench(codec::encode_image(number, image))
}

/// The key of a text.
#[must_use]
pub fn key(text: &str) -> KeyText<'_> {
    KeyText::of(text)
}

/// Where keys begin whose text begins with this.
#[must_use]
pub fn first_key(prefix: &str) -> KeyText<'_> {
    KeyText::beginning(prefix)
}

/// Whether the text of a key begins with this.
pub fn begins_with(key: KeyText<'_>, prefix: &str) -> Result<bool> {
    let mut room = codec::Room::new();
    at_bench(key.text(&mut room).map(|text| text.starts_with(prefix)))
}

/// The text of a key.
pub fn text(key: KeyText<'_>) -> Result<String> {
    at_bench(key.to_text())
}

/// The engine's cache, in bytes, where nothing is said, for a file of this length.
#[must_use]
pub fn cache_for(length: u64) -> usize {
    OpenOptions::default().cache_for(length)
}

/// The memory, in bytes, that a store with a cache of so many bytes takes for all that it keeps.
#[must_use]
pub fn memory_with(cache: usize) -> usize {
    cache.saturating_add(OpenOptions::default().cache_size(cache).remembered_for(0))
}

fn at_bench<T>(outcome: Outcome<T>) -> Result<T> {
    outcome.map_err(|failure| failure.at(Path::new("a benchmark")))
}
