//! The mutations of a store: each one step, as a transaction of its own.
//!
//! Those that run none of the caller's code may share a commit with those of other threads
//! ([`grouped`](ImageStore::grouped)), for which they own what they need.

use std::io::Read;

use serde_json::Value;

use crate::error::Result;
use crate::model::{Image, NewImage};
use crate::read::Source as _;
use crate::store::{ImageStore, Transaction};
use crate::write::{ManifestDigest, PreparedImage};

/// Item bytes up to this length share a commit; longer ones take their time alone, in which nobody
/// waits for them who only looks.
const MOST_SHARED: usize = 1 << 20;

/// A [`ManifestDigest`] without the caller's code.
enum OwnedDigest {
    Sha256,
    Given(String),
    Missing,
}

fn owned(names: &[impl AsRef<str>]) -> Vec<String> {
    names.iter().map(|name| name.as_ref().to_owned()).collect()
}

impl ImageStore {
    /// [`Transaction::create`] as a transaction of its own.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::{ImageStore, Lookup, NewImage};
    /// # let dir = tempfile::tempdir()?;
    /// # let store = ImageStore::open(dir.path().join("images.redb"))?;
    /// let image = store.create(NewImage::new().name("localhost/app"))?;
    /// assert_eq!(store.get("localhost/app")?, image);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Transaction::create`] and [`write`](Self::write).
    pub fn create(&self, image: NewImage) -> Result<Image> {
        let mut image = PreparedImage::new(image);
        if image.item_bytes() > MOST_SHARED {
            return self.alone(|transaction| transaction.create_prepared(&image));
        }
        // This thread has to wait, and the one that writes is spared the work.
        if self.gate().is_taken() {
            image.encode().map_err(|failure| self.error(failure))?;
        }
        self.grouped(move |transaction| transaction.create_prepared(&image))
    }

    /// [`Transaction::set_names`] as a transaction of its own.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::{ImageStore, Lookup, NewImage};
    /// # let dir = tempfile::tempdir()?;
    /// # let store = ImageStore::open(dir.path().join("images.redb"))?;
    /// store.create(NewImage::new().id("a").name("app:1"))?;
    /// store.set_names("a", &["app:2"])?;
    /// assert_eq!(store.get("a")?.names, ["app:2"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Transaction::set_names`] and [`write`](Self::write).
    pub fn set_names(&self, reference: &str, names: &[impl AsRef<str>]) -> Result<()> {
        let (reference, names) = (reference.to_owned(), owned(names));
        self.grouped(move |transaction| transaction.set_names(&reference, &names))
    }

    /// [`Transaction::add_names`] as a transaction of its own.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::{ImageStore, Lookup, NewImage};
    /// # let dir = tempfile::tempdir()?;
    /// # let store = ImageStore::open(dir.path().join("images.redb"))?;
    /// store.create(NewImage::new().id("a").name("app:1"))?;
    /// store.add_names("a", &["app:latest"])?;
    /// assert_eq!(store.get("app:latest")?.id, "a");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Transaction::add_names`] and [`write`](Self::write).
    pub fn add_names(&self, reference: &str, names: &[impl AsRef<str>]) -> Result<()> {
        let (reference, names) = (reference.to_owned(), owned(names));
        self.grouped(move |transaction| transaction.add_names(&reference, &names))
    }

    /// [`Transaction::remove_names`] as a transaction of its own.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::{ImageStore, Lookup, NewImage};
    /// # let dir = tempfile::tempdir()?;
    /// # let store = ImageStore::open(dir.path().join("images.redb"))?;
    /// store.create(NewImage::new().id("a").name("app:1"))?;
    /// store.remove_names("a", &["app:1"])?;
    /// assert!(store.get("a")?.names.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Transaction::remove_names`] and [`write`](Self::write).
    pub fn remove_names(&self, reference: &str, names: &[impl AsRef<str>]) -> Result<()> {
        let (reference, names) = (reference.to_owned(), owned(names));
        self.grouped(move |transaction| transaction.remove_names(&reference, &names))
    }

    /// [`Transaction::delete`] as a transaction of its own.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::{ImageStore, Lookup, NewImage};
    /// # let dir = tempfile::tempdir()?;
    /// # let store = ImageStore::open(dir.path().join("images.redb"))?;
    /// store.create(NewImage::new().id("a"))?;
    /// store.delete("a")?;
    /// assert!(!store.exists("a")?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Transaction::delete`] and [`write`](Self::write).
    pub fn delete(&self, reference: &str) -> Result<()> {
        let reference = reference.to_owned();
        self.grouped(move |transaction| transaction.delete(&reference))
    }

    /// [`Transaction::add_mapped_top_layer`] as a transaction of its own.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::{ImageStore, Lookup, NewImage};
    /// # let dir = tempfile::tempdir()?;
    /// # let store = ImageStore::open(dir.path().join("images.redb"))?;
    /// store.create(NewImage::new().id("a").top_layer("layer"))?;
    /// store.add_mapped_top_layer("a", "mapped")?;
    /// assert_eq!(store.by_top_layer("mapped")?.count(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Transaction::add_mapped_top_layer`] and [`write`](Self::write).
    pub fn add_mapped_top_layer(&self, reference: &str, layer: &str) -> Result<()> {
        let (reference, layer) = (reference.to_owned(), layer.to_owned());
        self.grouped(move |transaction| transaction.add_mapped_top_layer(&reference, &layer))
    }

    /// [`Transaction::remove_mapped_top_layer`] as a transaction of its own.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::{ImageStore, Lookup, NewImage};
    /// # let dir = tempfile::tempdir()?;
    /// # let store = ImageStore::open(dir.path().join("images.redb"))?;
    /// store.create(NewImage::new().id("a"))?;
    /// store.add_mapped_top_layer("a", "mapped")?;
    /// store.remove_mapped_top_layer("a", "mapped")?;
    /// assert_eq!(store.by_top_layer("mapped")?.count(), 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Transaction::remove_mapped_top_layer`] and [`write`](Self::write).
    pub fn remove_mapped_top_layer(&self, reference: &str, layer: &str) -> Result<()> {
        let (reference, layer) = (reference.to_owned(), layer.to_owned());
        self.grouped(move |transaction| transaction.remove_mapped_top_layer(&reference, &layer))
    }

    /// [`Transaction::set_metadata`] as a transaction of its own.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::{ImageStore, Lookup, NewImage};
    /// # let dir = tempfile::tempdir()?;
    /// # let store = ImageStore::open(dir.path().join("images.redb"))?;
    /// store.create(NewImage::new().id("a"))?;
    /// store.set_metadata("a", "{}")?;
    /// assert_eq!(store.metadata("a")?, "{}");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Transaction::set_metadata`] and [`write`](Self::write).
    pub fn set_metadata(&self, reference: &str, metadata: &str) -> Result<()> {
        let (reference, metadata) = (reference.to_owned(), metadata.to_owned());
        self.grouped(move |transaction| transaction.set_metadata(&reference, &metadata))
    }

    /// [`Transaction::set_big_data`] as a transaction of its own.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::{ImageStore, Lookup, ManifestDigest, NewImage};
    /// # let dir = tempfile::tempdir()?;
    /// # let store = ImageStore::open(dir.path().join("images.redb"))?;
    /// store.create(NewImage::new().id("a"))?;
    /// store.set_big_data("a", "manifest", b"{}", ManifestDigest::Sha256)?;
    /// assert_eq!(store.big_data("a", "manifest")?, b"{}");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Transaction::set_big_data`] and [`write`](Self::write).
    pub fn set_big_data(
        &self,
        reference: &str,
        key: &str,
        data: &[u8],
        digest: ManifestDigest<'_>,
    ) -> Result<()> {
        let owned_digest = match digest {
            ManifestDigest::Sha256 => OwnedDigest::Sha256,
            ManifestDigest::Given(digest) => OwnedDigest::Given(digest.to_owned()),
            ManifestDigest::Missing => OwnedDigest::Missing,
            // It runs on this thread, which may ask of it what only the gate can refuse.
            ManifestDigest::Function(_) => {
                return self
                    .alone(|transaction| transaction.set_big_data(reference, key, data, digest));
            }
        };
        if data.len() > MOST_SHARED {
            return self
                .alone(|transaction| transaction.set_big_data(reference, key, data, digest));
        }
        let (reference, key, data) = (reference.to_owned(), key.to_owned(), data.to_owned());
        self.grouped(move |transaction| {
            let digest = match &owned_digest {
                OwnedDigest::Sha256 => ManifestDigest::Sha256,
                OwnedDigest::Given(digest) => ManifestDigest::Given(digest),
                OwnedDigest::Missing => ManifestDigest::Missing,
            };
            transaction.set_big_data(&reference, &key, &data, digest)
        })
    }

    /// [`Transaction::set_big_data_from`] as a transaction of its own. No other thread or process
    /// writes to the store until `data` has ended.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::{ImageStore, Lookup, ManifestDigest, NewImage};
    /// # let dir = tempfile::tempdir()?;
    /// # let store = ImageStore::open(dir.path().join("images.redb"))?;
    /// # let path = dir.path().join("index");
    /// # std::fs::write(&path, b"bytes")?;
    /// store.create(NewImage::new().id("a"))?;
    /// let mut file = std::fs::File::open(path)?;
    /// store.set_big_data_from("a", "index", &mut file, ManifestDigest::Sha256)?;
    /// assert_eq!(store.big_data("a", "index")?, b"bytes");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Transaction::set_big_data_from`] and [`write`](Self::write).
    pub fn set_big_data_from(
        &self,
        reference: &str,
        key: &str,
        data: &mut dyn Read,
        digest: ManifestDigest<'_>,
    ) -> Result<()> {
        self.alone(|transaction| transaction.set_big_data_from(reference, key, data, digest))
    }

    /// [`Transaction::remove_big_data`] as a transaction of its own.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::{ImageStore, Lookup, NewImage};
    /// # let dir = tempfile::tempdir()?;
    /// # let store = ImageStore::open(dir.path().join("images.redb"))?;
    /// store.create(NewImage::new().id("a").big_data("signatures", b"x".as_slice()))?;
    /// store.remove_big_data("a", "signatures")?;
    /// assert!(store.big_data_names("a")?.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Transaction::remove_big_data`] and [`write`](Self::write).
    pub fn remove_big_data(&self, reference: &str, key: &str) -> Result<()> {
        let (reference, key) = (reference.to_owned(), key.to_owned());
        self.grouped(move |transaction| transaction.remove_big_data(&reference, &key))
    }

    /// [`Transaction::set_flag`] as a transaction of its own.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::{ImageStore, Lookup, NewImage};
    /// # let dir = tempfile::tempdir()?;
    /// # let store = ImageStore::open(dir.path().join("images.redb"))?;
    /// store.create(NewImage::new().id("a"))?;
    /// store.set_flag("a", "incomplete", true.into())?;
    /// assert_eq!(store.get("a")?.flags["incomplete"], true);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Transaction::set_flag`] and [`write`](Self::write).
    pub fn set_flag(&self, reference: &str, flag: &str, value: Value) -> Result<()> {
        let (reference, flag) = (reference.to_owned(), flag.to_owned());
        self.grouped(move |transaction| transaction.set_flag(&reference, &flag, value.clone()))
    }

    /// [`Transaction::clear_flag`] as a transaction of its own.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::{ImageStore, Lookup, NewImage};
    /// # let dir = tempfile::tempdir()?;
    /// # let store = ImageStore::open(dir.path().join("images.redb"))?;
    /// store.create(NewImage::new().id("a").flag("incomplete", true))?;
    /// store.clear_flag("a", "incomplete")?;
    /// assert!(store.get("a")?.flags.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Transaction::clear_flag`] and [`write`](Self::write).
    pub fn clear_flag(&self, reference: &str, flag: &str) -> Result<()> {
        let (reference, flag) = (reference.to_owned(), flag.to_owned());
        self.grouped(move |transaction| transaction.clear_flag(&reference, &flag))
    }

    /// [`Transaction::collect_garbage`] as a transaction of its own.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::ImageStore;
    /// # let dir = tempfile::tempdir()?;
    /// # let store = ImageStore::open(dir.path().join("images.redb"))?;
    /// assert_eq!(store.collect_garbage()?, 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Transaction::collect_garbage`] and [`write`](Self::write).
    pub fn collect_garbage(&self) -> Result<u64> {
        self.alone(Transaction::collect_garbage)
    }

    /// [`Transaction::wipe`] as a transaction of its own.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::{ImageStore, NewImage};
    /// # let dir = tempfile::tempdir()?;
    /// # let store = ImageStore::open(dir.path().join("images.redb"))?;
    /// store.create(NewImage::new())?;
    /// assert_eq!(store.wipe()?, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Transaction::wipe`] and [`write`](Self::write).
    pub fn wipe(&self) -> Result<u64> {
        self.alone(Transaction::wipe)
    }
}
