//! What the legacy layout can hold.

use std::collections::{BTreeMap, BTreeSet};

use super::finding::ExportFinding;
use crate::legacy::item_path::{file_path, is_file_name, item_file_name};
use crate::legacy::lock::IMAGES_LOCK;
use crate::legacy::source::{IMAGES_JSON, is_leftover};
use crate::model::{Image, is_manifest_key, is_valid_digest};

/// The files of an image: the key of the item of each, by the name of the file.
pub(super) type ItemFiles<'a> = BTreeMap<String, &'a str>;

/// The files of `image`, or all reasons why the layout cannot hold it.
pub(super) fn item_files(image: &Image) -> Result<ItemFiles<'_>, Vec<ExportFinding>> {
    let mut reasons = Vec::new();
    reasons.extend(id_reason(&image.id));
    reasons.extend(digest_reasons(image));
    let mut files = ItemFiles::new();
    let with_bytes = image.big_data.iter();
    for (key, _) in with_bytes.filter(|(_, item)| item.content.is_some()) {
        match file(&image.id, key) {
            Err(reason) => reasons.push(reason),
            Ok(file) => {
                if let Some(other) = files.insert(file.clone(), key) {
                    reasons.push(ExportFinding::KeysOneFile {
                        id: image.id.clone(),
                        key: other.to_owned(),
                        other: key.clone(),
                        file,
                    });
                }
            }
        }
    }
    if reasons.is_empty() {
        Ok(files)
    } else {
        Err(reasons)
    }
}

/// Whether `id` can be the name of a folder in an images directory.
pub(super) fn id_reason(id: &str) -> Option<ExportFinding> {
    let own = id.to_owned();
    if !is_file_name(id) {
        Some(ExportFinding::IdNotAName { id: own })
    } else if id == IMAGES_JSON || id == IMAGES_LOCK || is_leftover(id.as_ref()) {
        Some(ExportFinding::IdReserved { id: own })
    } else {
        None
    }
}

/// The digests for which the legacy store refuses to load. Mirrors `Image.recomputeDigests`.
fn digest_reasons(image: &Image) -> impl Iterator<Item = ExportFinding> {
    let own = image.digest.iter().map(|digest| (None, digest));
    let of_manifests = image
        .big_data
        .iter()
        .filter(|(key, _)| is_manifest_key(key))
        .filter_map(|(key, item)| Some((Some(key), item.digest.as_ref()?)));
    own.chain(of_manifests)
        .filter(|(_, digest)| !is_valid_digest(digest))
        .map(|(key, digest)| ExportFinding::MalformedDigest {
            id: image.id.clone(),
            key: key.cloned(),
            digest: digest.clone(),
        })
}

/// The name of the file of an item, after the legacy store has cleaned its path.
fn file(id: &str, key: &str) -> Result<String, ExportFinding> {
    let file = item_file_name(key);
    let (id, key) = (id.to_owned(), key.to_owned());
    match file_path(&[], &file).as_deref() {
        Some([name]) if is_file_name(name) => Ok((*name).to_owned()),
        _ if file.starts_with('=') && file.contains('/') => {
            Err(ExportFinding::KeyWithSlash { id, key, file })
        }
        _ => Err(ExportFinding::KeyNotAName { id, key }),
    }
}

/// What the layout holds otherwise than the store.
pub(super) fn remarks(image: &Image) -> Vec<ExportFinding> {
    let has_bytes = |key: &str| {
        let item = image.big_data.get(key);
        item.is_some_and(|item| item.content.is_some())
    };
    let keys = image.big_data_names.iter().chain(image.big_data.keys());
    let missing: BTreeSet<_> = keys.filter(|key| !has_bytes(key)).collect();
    let missing = missing.into_iter().map(|key| ExportFinding::ItemMissing {
        id: image.id.clone(),
        key: key.clone(),
    });
    let date = image.unknown_fields.get("created").map(|kept| {
        let text = serde_json::from_str(kept).unwrap_or_else(|_| kept.clone());
        ExportFinding::BadDate {
            id: image.id.clone(),
            text,
        }
    });
    missing.chain(date).collect()
}

#[cfg(test)]
mod tests {
    use super::{id_reason, item_files};
    use crate::model::{BigDataItem, ContentHash, Image};

    fn image(keys: &[&str]) -> Image {
        let item = BigDataItem {
            content: Some(ContentHash::of(b"")),
            ..BigDataItem::default()
        };
        let items = keys.iter().map(|key| ((*key).to_owned(), item.clone()));
        Image {
            id: "a1".to_owned(),
            big_data: items.collect(),
            ..Image::default()
        }
    }

    fn reasons(image: &Image) -> Vec<&'static str> {
        let reasons = item_files(image).unwrap_err();
        reasons.iter().map(super::ExportFinding::kind).collect()
    }

    #[test]
    fn an_id_is_one_name_that_the_directory_does_not_need_itself() {
        let too_long = "x".repeat(256);
        for id in [
            "", ".", "..", "../evil", "sub/dir", "a/", "nul\0", &too_long,
        ] {
            assert_eq!(id_reason(id).unwrap().kind(), "id-not-a-name", "{id:?}");
        }
        for id in ["images.json", "images.lock", ".tmp-images.json123"] {
            assert_eq!(id_reason(id).unwrap().kind(), "id-reserved", "{id:?}");
        }
        for id in ["a", "not-a-hex-id", "with space", "...", "images"] {
            assert_eq!(id_reason(id), None);
        }
    }

    #[test]
    fn a_key_is_one_file_of_its_own() {
        let files = item_files(&image(&["manifest", "UPPER", "end/"])).map(|files| {
            let pairs = files.into_iter();
            pairs.map(|(file, key)| format!("{file} {key}")).collect()
        });
        let expected = ["=VVBQRVI= UPPER", "end end/", "manifest manifest"];
        assert_eq!(files, Ok(Vec::from(expected.map(str::to_owned))));

        let too_long = "x".repeat(256);
        let too_long_encoded = "X".repeat(190);
        for key in [
            "",
            ".",
            "..",
            "../",
            "/",
            "\0",
            "a\0",
            &too_long,
            &too_long_encoded,
        ] {
            assert_eq!(reasons(&image(&[key])), ["key-not-a-name"], "{key:?}");
        }
        assert_eq!(reasons(&image(&["end", "end/"])), ["keys-one-file"]);
        // "=Pz8/Pj4+" and "=fn4/fn4=".
        for key in ["???>>>", "~~?~~"] {
            assert_eq!(reasons(&image(&[key])), ["key-with-slash"], "{key:?}");
        }
        // "=Pz8/" is a file of the same folder.
        let image = image(&["???"]);
        let files = item_files(&image).unwrap();
        assert_eq!(files.keys().collect::<Vec<_>>(), ["=Pz8"]);
    }

    #[test]
    fn an_item_without_bytes_needs_no_file() {
        let mut image = image(&[".."]);
        image.big_data.get_mut("..").unwrap().content = None;
        assert!(item_files(&image).unwrap().is_empty());
    }

    #[test]
    fn digests_must_be_such_as_the_legacy_store_loads() {
        let mut image = image(&["manifest", "config"]);
        image.big_data.get_mut("config").unwrap().digest = Some("bad".to_owned());
        assert!(item_files(&image).is_ok());
        image.big_data.get_mut("manifest").unwrap().digest = Some("bad".to_owned());
        image.digest = Some("sha256:cut".to_owned());
        assert_eq!(reasons(&image), ["malformed-digest", "malformed-digest"]);
    }
}
