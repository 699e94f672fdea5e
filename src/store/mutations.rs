//! The mutations that a transaction offers.

use std::io::Read;

use serde_json::Value;

use crate::content;
#[cfg(doc)]
use crate::error::Error;
use crate::error::Result;
use crate::model::{Image, NewImage};
use crate::store::Transaction;
use crate::write::{self, ItemBytes, ManifestDigest, NameChange, PreparedImage};

impl Transaction {
    /// Creates an image with its items.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::{ImageStore, NewImage};
    /// # let dir = tempfile::tempdir()?;
    /// # let store = ImageStore::open(dir.path().join("images.redb"))?;
    /// let mut transaction = store.write()?;
    /// let image = transaction.create(
    ///     NewImage::new()
    ///         .name("localhost/app")
    ///         .big_data("manifest", br#"{"schemaVersion": 2}"#.as_slice()),
    /// )?;
    /// assert_eq!(image.id.len(), 64);
    /// transaction.commit()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::DuplicateId`], [`Error::DuplicateName`], [`Error::InvalidDigest`] for the digest of
    /// the image or of a manifest item, [`Error::InvalidBigDataName`] for an empty item key.
    pub fn create(&mut self, image: NewImage) -> Result<Image> {
        self.create_pending(&PreparedImage::new(image))
    }

    /// Gives the image these names and no others. A name that another image has is taken from it.
    ///
    /// Like every change of names it moves the names that the image then has to the front of its
    /// history.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::{ImageStore, Lookup, NewImage};
    /// # let dir = tempfile::tempdir()?;
    /// # let store = ImageStore::open(dir.path().join("images.redb"))?;
    /// # let mut transaction = store.write()?;
    /// transaction.create(NewImage::new().id("old").name("app:1").name("app:latest"))?;
    /// transaction.create(NewImage::new().id("new"))?;
    /// transaction.set_names("new", &["app:latest"])?;
    /// assert_eq!(transaction.get("app:latest")?.id, "new");
    /// assert_eq!(transaction.get("old")?.names, ["app:1"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::ImageUnknown`], [`Error::AmbiguousPrefix`].
    pub fn set_names(&mut self, reference: &str, names: &[impl AsRef<str>]) -> Result<()> {
        self.change_names(reference, NameChange::Set, names)
    }

    /// Puts names in front of those that the image has. A name that another image has is taken from
    /// it.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::{ImageStore, Lookup, NewImage};
    /// # let dir = tempfile::tempdir()?;
    /// # let store = ImageStore::open(dir.path().join("images.redb"))?;
    /// # let mut transaction = store.write()?;
    /// transaction.create(NewImage::new().id("a").name("app:1"))?;
    /// transaction.add_names("a", &["app:latest"])?;
    /// assert_eq!(transaction.get("a")?.names, ["app:latest", "app:1"]);
    /// assert_eq!(transaction.get("a")?.names_history, ["app:1", "app:latest"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::ImageUnknown`], [`Error::AmbiguousPrefix`].
    pub fn add_names(&mut self, reference: &str, names: &[impl AsRef<str>]) -> Result<()> {
        self.change_names(reference, NameChange::Add, names)
    }

    /// Takes names from the image; one that it does not have is no error.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::{ImageStore, Lookup, NewImage};
    /// # let dir = tempfile::tempdir()?;
    /// # let store = ImageStore::open(dir.path().join("images.redb"))?;
    /// # let mut transaction = store.write()?;
    /// transaction.create(NewImage::new().id("a").name("app:1"))?;
    /// transaction.remove_names("app:1", &["app:1", "app:2"])?;
    /// assert!(transaction.get("a")?.names.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::ImageUnknown`], [`Error::AmbiguousPrefix`].
    pub fn remove_names(&mut self, reference: &str, names: &[impl AsRef<str>]) -> Result<()> {
        self.change_names(reference, NameChange::Remove, names)
    }

    fn change_names(
        &mut self,
        reference: &str,
        change: NameChange,
        names: &[impl AsRef<str>],
    ) -> Result<()> {
        let names = names.iter().map(|name| name.as_ref().to_owned()).collect();
        self.step(|tables| write::change_names(tables, reference, change, names))
    }

    /// Removes an image, and those of its bytes that no other image has.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::{ImageStore, Lookup, NewImage};
    /// # let dir = tempfile::tempdir()?;
    /// # let store = ImageStore::open(dir.path().join("images.redb"))?;
    /// # let mut transaction = store.write()?;
    /// transaction.create(NewImage::new().name("app:1"))?;
    /// transaction.delete("app:1")?;
    /// assert!(transaction.is_empty()?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::ImageUnknown`], [`Error::AmbiguousPrefix`].
    pub fn delete(&mut self, reference: &str) -> Result<()> {
        self.step(|tables| write::delete(tables, reference))
    }

    /// Records a layer that is the image's top layer under another ID mapping. One that is added
    /// twice is recorded twice.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::{ImageStore, Lookup, NewImage};
    /// # let dir = tempfile::tempdir()?;
    /// # let store = ImageStore::open(dir.path().join("images.redb"))?;
    /// # let mut transaction = store.write()?;
    /// transaction.create(NewImage::new().id("a").top_layer("layer"))?;
    /// transaction.add_mapped_top_layer("a", "mapped")?;
    /// assert_eq!(transaction.by_top_layer("mapped")?.count(), 1);
    /// transaction.remove_mapped_top_layer("a", "mapped")?;
    /// assert_eq!(transaction.by_top_layer("mapped")?.count(), 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::ImageUnknown`], [`Error::AmbiguousPrefix`].
    pub fn add_mapped_top_layer(&mut self, reference: &str, layer: &str) -> Result<()> {
        self.step(|tables| write::add_mapped_top_layer(tables, reference, layer))
    }

    /// Removes every record of a mapped top layer; one that is not recorded is no error.
    ///
    /// # Examples
    ///
    /// See [`add_mapped_top_layer`](Self::add_mapped_top_layer).
    ///
    /// # Errors
    ///
    /// [`Error::ImageUnknown`], [`Error::AmbiguousPrefix`].
    pub fn remove_mapped_top_layer(&mut self, reference: &str, layer: &str) -> Result<()> {
        self.step(|tables| write::remove_mapped_top_layer(tables, reference, layer))
    }

    /// Sets the metadata of an image.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::{ImageStore, Lookup, NewImage};
    /// # let dir = tempfile::tempdir()?;
    /// # let store = ImageStore::open(dir.path().join("images.redb"))?;
    /// # let mut transaction = store.write()?;
    /// transaction.create(NewImage::new().id("a"))?;
    /// transaction.set_metadata("a", r#"{"signed": true}"#)?;
    /// assert_eq!(transaction.metadata("a")?, r#"{"signed": true}"#);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::ImageUnknown`], [`Error::AmbiguousPrefix`], [`Error::TooLarge`].
    pub fn set_metadata(&mut self, reference: &str, metadata: &str) -> Result<()> {
        self.step(|tables| write::set_metadata(tables, reference, metadata))
    }

    /// Sets a big data item, in the place of the one that was there under the same key.
    ///
    /// `digest` says where the digest of a manifest comes from; see [`ManifestDigest`].
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::{ImageStore, Lookup, ManifestDigest, NewImage};
    /// # let dir = tempfile::tempdir()?;
    /// # let store = ImageStore::open(dir.path().join("images.redb"))?;
    /// # let mut transaction = store.write()?;
    /// transaction.create(NewImage::new().id("a"))?;
    /// transaction.set_big_data("a", "manifest", b"{}", ManifestDigest::Sha256)?;
    /// assert_eq!(transaction.big_data("a", "manifest")?, b"{}");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::InvalidBigDataName`] for an empty key, [`Error::ImageUnknown`],
    /// [`Error::AmbiguousPrefix`], [`Error::InvalidDigest`]; for a manifest without a digest
    /// [`Error::DigestUnknown`] or [`Error::ManifestDigest`].
    ///
    /// # Panics
    ///
    /// Where the digest function panics. Nothing of the transaction is kept then.
    pub fn set_big_data(
        &mut self,
        reference: &str,
        key: &str,
        data: &[u8],
        digest: ManifestDigest<'_>,
    ) -> Result<()> {
        let bytes = ItemBytes::Whole(data);
        self.step(|tables| write::set_big_data(tables, reference, key, bytes, digest))
    }

    /// Sets a big data item to what `data` yields, in bounded memory however much that is.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::{ImageStore, Lookup, ManifestDigest, NewImage};
    /// # let dir = tempfile::tempdir()?;
    /// # let store = ImageStore::open(dir.path().join("images.redb"))?;
    /// # let mut transaction = store.write()?;
    /// use std::io::Read;
    ///
    /// transaction.create(NewImage::new().id("a"))?;
    /// let mut megabyte = std::io::repeat(7).take(1 << 20);
    /// transaction.set_big_data_from("a", "index", &mut megabyte, ManifestDigest::Sha256)?;
    /// assert_eq!(transaction.big_data_size("a", "index")?, 1 << 20);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`set_big_data`](Self::set_big_data); [`Error::Input`] where `data` fails;
    /// [`Error::TooLarge`] for a manifest of more than 64 MiB with a digest function, which needs
    /// it whole.
    ///
    /// # Panics
    ///
    /// Where `data` or the digest function panics. Nothing of the transaction is kept then.
    pub fn set_big_data_from(
        &mut self,
        reference: &str,
        key: &str,
        data: &mut dyn Read,
        digest: ManifestDigest<'_>,
    ) -> Result<()> {
        let bytes = ItemBytes::Stream(data);
        self.step(|tables| write::set_big_data(tables, reference, key, bytes, digest))
    }

    /// Removes a big data item: its key, its size and its digest leave the record, and its bytes go
    /// where no other item has them.
    ///
    /// An image whose manifest is removed is no longer found by that manifest's digest, unless it is
    /// the first digest that the image got: that one stays, as it does when a manifest is replaced.
    /// The legacy store has no such operation.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::{ErrorKind, ImageStore, Lookup, NewImage};
    /// # let dir = tempfile::tempdir()?;
    /// # let store = ImageStore::open(dir.path().join("images.redb"))?;
    /// # let mut transaction = store.write()?;
    /// transaction.create(NewImage::new().id("a").big_data("signatures", b"x".as_slice()))?;
    /// transaction.remove_big_data("a", "signatures")?;
    /// assert!(transaction.big_data_names("a")?.is_empty());
    ///
    /// let again = transaction.remove_big_data("a", "signatures").unwrap_err();
    /// assert_eq!(again.kind(), ErrorKind::BigDataUnknown);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::ImageUnknown`], [`Error::AmbiguousPrefix`], [`Error::InvalidBigDataName`] for an
    /// empty key, [`Error::BigDataUnknown`] where nothing is recorded under the key.
    pub fn remove_big_data(&mut self, reference: &str, key: &str) -> Result<()> {
        self.step(|tables| write::remove_big_data(tables, reference, key))
    }

    /// Sets a flag of an image to any JSON value.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::{ImageStore, Lookup, NewImage};
    /// # let dir = tempfile::tempdir()?;
    /// # let store = ImageStore::open(dir.path().join("images.redb"))?;
    /// # let mut transaction = store.write()?;
    /// transaction.create(NewImage::new().id("a"))?;
    /// transaction.set_flag("a", "incomplete", true.into())?;
    /// assert_eq!(transaction.get("a")?.flags["incomplete"], true);
    /// transaction.clear_flag("a", "incomplete")?;
    /// assert!(transaction.get("a")?.flags.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::ImageUnknown`], [`Error::AmbiguousPrefix`].
    pub fn set_flag(&mut self, reference: &str, flag: &str, value: Value) -> Result<()> {
        self.step(|tables| write::set_flag(tables, reference, flag, value))
    }

    /// Clears a flag of an image; one that is not set is no error.
    ///
    /// # Examples
    ///
    /// See [`set_flag`](Self::set_flag).
    ///
    /// # Errors
    ///
    /// [`Error::ImageUnknown`], [`Error::AmbiguousPrefix`].
    pub fn clear_flag(&mut self, reference: &str, flag: &str) -> Result<()> {
        self.step(|tables| write::clear_flag(tables, reference, flag))
    }

    /// Frees bytes that no image refers to, and returns how many contents they were.
    ///
    /// Every transaction frees what it makes unreferenced, so there is nothing to free in a store
    /// that only this library wrote to.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::ImageStore;
    /// # let dir = tempfile::tempdir()?;
    /// # let store = ImageStore::open(dir.path().join("images.redb"))?;
    /// # let mut transaction = store.write()?;
    /// assert_eq!(transaction.collect_garbage()?, 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Only those of the file.
    pub fn collect_garbage(&mut self) -> Result<u64> {
        self.step(content::collect_garbage)
    }

    /// Removes every image, and returns how many there were.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::{ImageStore, Lookup, NewImage};
    /// # let dir = tempfile::tempdir()?;
    /// # let store = ImageStore::open(dir.path().join("images.redb"))?;
    /// # let mut transaction = store.write()?;
    /// transaction.create(NewImage::new())?;
    /// assert_eq!(transaction.wipe()?, 1);
    /// assert!(transaction.is_empty()?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Only those of the file.
    pub fn wipe(&mut self) -> Result<u64> {
        self.step(write::wipe)
    }
}
