//! What `migrations/README.md` says always holds, recomputed from the records.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use image_store::{ContentHash, Image};

use crate::support::raw::Raw;
use crate::support::record::{decode_content_row, decode_record};
use crate::support::seal::{content_owner, part_owner, record_owner, unseal};

/// Checks every row of every table of a store, and returns its images in the order of their
/// numbers.
pub(crate) fn check(path: &Path) -> Vec<Image> {
    check_raw(&Raw::read(path))
}

/// As [`check`], on tables that were read before.
pub(crate) fn check_raw(raw: &Raw) -> Vec<Image> {
    check_meta(raw);
    let images = images(raw);
    check_indexes(raw, &images);
    check_contents(raw, &images);
    images.into_values().collect()
}

fn check_meta(raw: &Raw) {
    assert_eq!(raw.meta["application"], b"image-store");
    assert_eq!(raw.meta["schema"], 2_u32.to_le_bytes());
    let created = String::from_utf8(raw.meta["created"].clone()).unwrap();
    created.parse::<image_store::Timestamp>().unwrap();
    if let Some(generation) = raw.meta.get("generation") {
        assert_eq!(generation.len(), 8);
    }
    let known = ["application", "created", "generation", "schema"];
    assert!(raw.meta.keys().all(|key| known.contains(&key.as_str())));
}

fn images(raw: &Raw) -> BTreeMap<u64, Image> {
    let decoded = raw.images.iter().map(|(number, sealed)| {
        let payload = unseal(&record_owner(*number), sealed);
        (*number, decode_record(&payload))
    });
    decoded.collect()
}

fn check_indexes(raw: &Raw, images: &BTreeMap<u64, Image>) {
    let mut ids = BTreeMap::new();
    let mut names = BTreeMap::new();
    let mut digests = BTreeSet::new();
    let mut layers = BTreeSet::new();
    for (number, image) in images {
        let twice = ids.insert(image.id.clone(), *number);
        assert_eq!(twice, None, "two images have the ID {:?}", image.id);
        for name in &image.names {
            let twice = names.insert(name.clone(), *number);
            assert_eq!(twice, None, "the name {name:?} is there twice");
        }
        digests.extend(image.digests.iter().map(|digest| (digest.clone(), *number)));
        let all_layers = image.top_layer.iter().chain(&image.mapped_top_layers);
        layers.extend(all_layers.map(|layer| (layer.clone(), *number)));
    }
    assert_eq!(raw.ids, ids);
    assert_eq!(raw.names, names);
    assert_eq!(raw.digests, digests);
    assert_eq!(raw.layers, layers);
}

fn check_contents(raw: &Raw, images: &BTreeMap<u64, Image>) {
    let mut references: BTreeMap<[u8; 32], u64> = BTreeMap::new();
    for item in images.values().flat_map(|image| image.big_data.values()) {
        if let Some(hash) = item.content {
            *references.entry(*hash.as_bytes()).or_default() += 1;
        }
    }
    let mut numbers = BTreeSet::new();
    for (hash, sealed) in &raw.contents {
        let row = decode_content_row(&unseal(&content_owner(hash), sealed));
        assert_eq!(references.remove(hash), Some(row.references));
        assert!(numbers.insert(row.number), "a content number is used twice");

        let stored = stored_bytes(raw, row.number);
        let bytes = match row.encoding {
            0 => stored,
            1 => zstd::decode_all(stored.as_slice()).unwrap(),
            encoding => panic!("encoding {encoding}"),
        };
        assert_eq!(bytes.len() as u64, row.size);
        assert_eq!(ContentHash::of(&bytes).as_bytes(), hash);
    }
    assert!(references.is_empty(), "contents are missing");
    let parts_of: BTreeSet<u64> = raw.blobs.keys().map(|(number, _)| *number).collect();
    assert_eq!(
        parts_of, numbers,
        "parts of no content, or content of no parts"
    );
}

/// The parts of a content, joined; checks how they are cut.
fn stored_bytes(raw: &Raw, number: u64) -> Vec<u8> {
    let parts: Vec<Vec<u8>> = raw
        .blobs
        .range((number, 0)..=(number, u32::MAX))
        .zip(0..)
        .map(|(((_, part), sealed), next)| {
            assert_eq!(*part, next, "a part is missing");
            unseal(&part_owner(number, *part), sealed)
        })
        .collect();
    let stored = parts.concat();
    let (last, full) = parts.split_last().expect("a content has a part");
    let length = full.first().map_or(last.len(), Vec::len);
    assert!(full.iter().all(|part| part.len() == length));
    assert!(last.len() <= length && (stored.is_empty() || !last.is_empty()));
    if !full.is_empty() {
        let allowed = if stored.len() <= 16 << 10 {
            // A stream whose end was not known has long parts however little it became.
            [1_895, 65_467]
        } else {
            [65_467, 65_467]
        };
        assert!(allowed.contains(&length), "parts of {length} bytes");
    }
    stored
}
