//! The record of one image.

use std::collections::BTreeMap;

use crate::error::{Error, Result};
use crate::model::{ContentHash, Timestamp, is_valid_digest};

/// One image: what the legacy store keeps in an element of `images.json`, and where its item bytes
/// are.
///
/// Values of this type are copies; changing one changes nothing in a store.
///
/// # Examples
///
/// ```
/// # use image_store::{ImageStore, NewImage};
/// # let dir = tempfile::tempdir()?;
/// # let store = ImageStore::open(dir.path().join("images.redb"))?;
/// let image = store.create(NewImage::new().name("app").big_data("manifest", b"{}".as_slice()))?;
/// assert_eq!(image.names, ["app"]);
/// assert_eq!(image.digest, image.big_data["manifest"].digest);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Image {
    /// The ID that the image was created with, usually 64 hexadecimal digits, but any text.
    pub id: String,
    /// The first digest that the image got. It stays when the manifest changes.
    pub digest: Option<String>,
    /// Every digest by which the image is found: [`digest`](Self::digest) first, then those of its
    /// manifest items in the order of their keys, each once. Derived; not part of `images.json`.
    pub digests: Vec<String>,
    /// The names of the image. A name belongs to one image at a time.
    pub names: Vec<String>,
    /// Names the image has had, the newest first.
    pub names_history: Vec<String>,
    /// The ID of the top layer.
    pub top_layer: Option<String>,
    /// IDs of layers that are the top layer under other ID mappings, in the order they were added.
    pub mapped_top_layers: Vec<String>,
    /// Text that belongs to the caller.
    pub metadata: String,
    /// The keys of the big data items in the order they were first set.
    pub big_data_names: Vec<String>,
    /// What is recorded of each big data item, by its key.
    pub big_data: BTreeMap<String, BigDataItem>,
    /// When the image was created; `None` where an imported record has no date.
    pub created: Option<Timestamp>,
    /// Values that belong to the caller.
    pub flags: BTreeMap<String, serde_json::Value>,
    /// Fields of an imported record that this version does not know, as JSON text.
    pub unknown_fields: BTreeMap<String, String>,
    /// Whether the image was read from a store that was opened read-only.
    pub read_only: bool,
}

/// What is recorded of one big data item of an image.
///
/// # Examples
///
/// ```
/// # use image_store::{ContentHash, ImageStore, NewImage};
/// # let dir = tempfile::tempdir()?;
/// # let store = ImageStore::open(dir.path().join("images.redb"))?;
/// let image = store.create(NewImage::new().big_data("manifest", b"{}".as_slice()))?;
/// let item = &image.big_data["manifest"];
/// assert_eq!(item.size, Some(2));
/// assert_eq!(item.content, Some(ContentHash::of(b"{}")));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct BigDataItem {
    /// The recorded size in bytes. An imported record may not have one, and may have a wrong one.
    pub size: Option<i64>,
    /// The recorded digest. For a manifest it is what the caller's digest function returned.
    pub digest: Option<String>,
    /// The SHA-256 of the stored bytes; `None` where the bytes were missing when it was imported.
    pub content: Option<ContentHash>,
}

impl Image {
    /// Sets [`digests`](Self::digests), and [`digest`](Self::digest) where there is none yet, from
    /// the manifest items.
    ///
    /// Mirrors `Image.recomputeDigests` of the legacy store, but for digests that are not valid:
    /// the legacy store refuses to load them, here they are passed over, since a store may hold
    /// imported damage. New digests are validated before they come here.
    pub(crate) fn recompute_digests(&mut self) {
        let manifests = self
            .big_data
            .iter()
            .filter(|(key, _)| is_manifest_key(key))
            .filter_map(|(_, item)| item.digest.as_ref());
        let digests = dedupe(
            self.digest
                .iter()
                .chain(manifests)
                .filter(|digest| is_valid_digest(digest)),
        );
        if self.digest.is_none() {
            self.digest = digests.first().cloned();
        }
        self.digests = digests;
    }

    /// Records an item under `key`, in the place of the item that was there.
    ///
    /// Mirrors `imageStore.setBigData`, but for the bytes.
    pub(crate) fn set_item(&mut self, key: &str, item: BigDataItem) {
        if !self.big_data_names.iter().any(|name| name == key) {
            self.big_data_names.push(key.to_owned());
        }
        self.big_data.insert(key.to_owned(), item);
        self.recompute_digests();
    }

    /// Removes the item under `key`, and says whether anything was recorded of it.
    pub(crate) fn remove_item(&mut self, key: &str) -> bool {
        let names = self.big_data_names.len();
        self.big_data_names.retain(|name| name != key);
        let removed = self.big_data.remove(key).is_some();
        self.recompute_digests();
        removed || self.big_data_names.len() != names
    }

    /// Puts every name of the image in front of its history, in turn, so that the last of them
    /// ends up newest.
    ///
    /// Mirrors `Image.addNameToHistory`, which the legacy store calls once a name: a history that
    /// was given with duplicates keeps them until there is a name to add.
    pub(crate) fn move_names_to_history(&mut self) {
        if self.names.is_empty() {
            return;
        }
        let newest_first = self.names.iter().rev();
        self.names_history = dedupe(newest_first.chain(&self.names_history));
    }
}

/// Refuses an empty key of an item of the image behind `reference`.
pub(crate) fn check_key(reference: &str, key: &str) -> Result<()> {
    if key.is_empty() {
        return Err(Error::InvalidBigDataName {
            reference: reference.to_owned(),
        });
    }
    Ok(())
}

/// Whether the item under `key` is a manifest, whose digest is one of the image's digests.
///
/// Mirrors `bigDataNameIsManifest` of the legacy store.
pub(crate) fn is_manifest_key(key: &str) -> bool {
    key.starts_with("manifest")
}

/// Keeps the first of equal values. Mirrors `dedupeStrings` of the legacy store.
///
/// Borrowed values are copied only where they are kept.
pub(crate) fn dedupe<T: AsRef<str> + Into<String>>(
    values: impl IntoIterator<Item = T>,
) -> Vec<String> {
    let mut unique: Vec<String> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for value in values {
        // Nearly all lists are short, and every record that is read has some.
        let is_new = if unique.len() < SHORT {
            !unique.iter().any(|held| held == value.as_ref())
        } else {
            if seen.is_empty() {
                seen.extend(unique.iter().cloned());
            }
            seen.insert(value.as_ref().to_owned())
        };
        if is_new {
            unique.push(value.into());
        }
    }
    unique
}

/// Up to this length looking through a list is quicker than hashing.
const SHORT: usize = 16;

#[cfg(test)]
mod tests {
    use super::{BigDataItem, Image};

    fn digest(digit: char) -> String {
        format!("sha256:{}", digit.to_string().repeat(64))
    }

    fn image_with(items: &[(&str, String)]) -> Image {
        let big_data = items.iter().map(|(key, digest)| {
            let item = BigDataItem {
                digest: Some(digest.clone()),
                ..BigDataItem::default()
            };
            ((*key).to_owned(), item)
        });
        Image {
            big_data: big_data.collect(),
            ..Image::default()
        }
    }

    #[test]
    fn first_digest_comes_from_the_first_manifest_and_stays() {
        let mut image = image_with(&[("manifest", digest('b')), ("config", digest('c'))]);
        image.recompute_digests();
        assert_eq!(image.digest, Some(digest('b')));
        assert_eq!(image.digests, [digest('b')]);

        image.big_data.get_mut("manifest").unwrap().digest = Some(digest('d'));
        image.recompute_digests();
        assert_eq!(image.digest, Some(digest('b')));
        assert_eq!(image.digests, [digest('b'), digest('d')]);
    }

    #[test]
    fn invalid_recorded_digests_are_not_found_by() {
        let mut image = image_with(&[("manifest", "sha256:cut".to_owned())]);
        image.recompute_digests();
        assert_eq!(image.digest, None);
        assert!(image.digests.is_empty());
    }

    #[test]
    fn the_last_name_ends_up_newest_in_the_history() {
        let mut image = Image {
            names: vec!["a".into(), "b".into()],
            names_history: vec!["x".into(), "a".into()],
            ..Image::default()
        };
        image.move_names_to_history();
        assert_eq!(image.names_history, ["b", "a", "x"]);
    }
}
