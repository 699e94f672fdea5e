//! Images out of folders that have no record.

use std::io::Read as _;

use super::items::{Item, ItemFolder};
use super::prepare::{PreparedImage, Workshop};
use crate::error::Result;
use crate::legacy::source::Source;
use crate::model::{Image, is_manifest_key, is_valid_digest};

const MANIFEST: &str = "manifest";

/// A manifest that is longer is none.
const MANIFEST_LIMIT: u64 = 16 << 20;

/// The image that the folder `id` holds, or `None` where it holds no manifest that can be read.
pub(super) fn recover(source: &Source, id: &str) -> Result<Option<PreparedImage>> {
    let folder = ItemFolder::again(source, id)?;
    if !has_manifest(&folder, id)? {
        return Ok(None);
    }
    let Some(listed) = folder.listed() else {
        return Ok(None);
    };
    let mut prepared = PreparedImage {
        offset: None,
        image: Image {
            id: id.to_owned(),
            big_data_names: listed.keys.into_iter().collect(),
            ..Image::default()
        },
        items: Vec::new(),
        findings: Vec::new(),
    };
    // What a key says of the digest is held against the bytes like a record.
    for key in &prepared.image.big_data_names {
        let digest = digest_in(key).map(str::to_owned);
        let item = prepared.image.big_data.entry(key.clone()).or_default();
        item.digest = digest;
    }
    Workshop::default().take_items(&folder, &mut prepared)?;
    complete(&mut prepared);
    prepared.findings.extend(listed.others);
    prepared.image.recompute_digests();
    Ok(Some(prepared))
}

fn has_manifest(folder: &ItemFolder<'_>, id: &str) -> Result<bool> {
    let Item::Bytes(file) = folder.item(id, MANIFEST)? else {
        return Ok(false);
    };
    let mut bytes = Vec::new();
    file.take(MANIFEST_LIMIT)
        .read_to_end(&mut bytes)
        .map_err(|error| folder.refused(MANIFEST, error))?;
    let manifest: Result<serde_json::Map<_, _>, _> = serde_json::from_slice(&bytes);
    Ok(manifest.is_ok())
}

/// The digest that a key tells: `sha256:…`, or `manifest-sha256:…`.
fn digest_in(key: &str) -> Option<&str> {
    let digest = key.strip_prefix("manifest-").unwrap_or(key);
    is_valid_digest(digest).then_some(digest)
}

/// Records the sizes, and the digests that no key tells. The manifest has the digest of the item
/// that holds the same bytes under its digest: that of a signed one is not that of its bytes.
fn complete(prepared: &mut PreparedImage) {
    let items = &mut prepared.image.big_data;
    for item in &prepared.items {
        if let Some(recorded) = items.get_mut(&item.key) {
            recorded.size = i64::try_from(item.size).ok();
        }
    }
    let told: Vec<_> = items
        .iter()
        .filter(|(key, _)| is_manifest_key(key))
        .filter_map(|(_, item)| Some((item.content?, item.digest.clone()?)))
        .collect();
    for (key, item) in items.iter_mut() {
        let Some(hash) = item.content.filter(|_| item.digest.is_none()) else {
            continue;
        };
        let same = told.iter().find(|(content, _)| *content == hash);
        let same = same.filter(|_| is_manifest_key(key));
        item.digest = Some(same.map_or_else(|| hash.to_digest(), |(_, digest)| digest.clone()));
    }
}
