//! The lookups that snapshots, transactions and stores offer.

use std::io;

use redb::ReadableTableMetadata;

use crate::content::{self, BigDataReader, PartSource};
use crate::error::{Error, Result};
use crate::meta;
use crate::model::Image;
use crate::read::listing::{self, Pairs};
use crate::read::{DigestEntry, NameEntry, Prefix, Source, items, resolve_checked, resolve_image};
use crate::tables::ReadTables;

/// Every way to look at images: on a [`Snapshot`](crate::Snapshot) all answers come from one state,
/// a [`Transaction`](crate::Transaction) sees its own changes, and an
/// [`ImageStore`](crate::ImageStore) takes a snapshot for each call.
///
/// A *reference* is an exact ID, a name, or an unambiguous prefix of an ID, tried in this order.
/// IDs that contain a space are not found by prefix, nor is anything by an empty prefix, as in the
/// legacy store.
///
/// Of images or IDs that are listed another thread reads ahead after the first 2,000, except in a
/// transaction; it ends with the iterator.
///
/// Every method can fail with [`Error::Io`] or [`Error::Corrupt`] for what the file does, and with
/// [`Error::Forked`] in a child process that has not opened the store itself; these are not
/// repeated below.
///
/// # Examples
///
/// ```
/// use image_store::{ImageStore, Lookup, NewImage};
///
/// # let dir = tempfile::tempdir()?;
/// let store = ImageStore::open(dir.path().join("images.redb"))?;
/// let image = store.create(NewImage::new().name("quay.io/example/app:1"))?;
///
/// let snapshot = store.read()?;
/// assert_eq!(snapshot.get("quay.io/example/app:1")?, image);
/// assert_eq!(snapshot.get(&image.id)?, image);
/// assert!(!snapshot.exists("quay.io/example/app:2")?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Lookup: Source {
    /// Whether `reference` refers to an image. An ambiguous prefix does not.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::{ImageStore, Lookup, NewImage};
    /// # let dir = tempfile::tempdir()?;
    /// # let store = ImageStore::open(dir.path().join("images.redb"))?;
    /// store.create(NewImage::new().id("0123abcd"))?;
    /// assert!(store.exists("0123")?);
    /// assert!(!store.exists("0124")?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Only those of the file.
    fn exists(&self, reference: &str) -> Result<bool> {
        match self.view(|tables| resolve_checked(tables, reference)) {
            Ok(_) => Ok(true),
            Err(Error::ImageUnknown { .. } | Error::AmbiguousPrefix { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The image that `reference` refers to.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::{ErrorKind, ImageStore, Lookup, NewImage};
    /// # let dir = tempfile::tempdir()?;
    /// # let store = ImageStore::open(dir.path().join("images.redb"))?;
    /// store.create(NewImage::new().id("0123abcd"))?;
    /// store.create(NewImage::new().id("0123ef"))?;
    /// assert_eq!(store.get("0123e")?.id, "0123ef");
    ///
    /// let ambiguous = store.get("0123").unwrap_err();
    /// assert_eq!(ambiguous.kind(), ErrorKind::ImageUnknown);
    /// assert!(ambiguous.to_string().contains("0123abcd, 0123ef"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::ImageUnknown`]; [`Error::AmbiguousPrefix`] with up to ten candidates.
    fn get(&self, reference: &str) -> Result<Image> {
        self.view(|tables| resolve_image(tables, reference))
            .map(|(_, image)| image)
    }

    /// The number of images.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::{ImageStore, Lookup, NewImage};
    /// # let dir = tempfile::tempdir()?;
    /// # let store = ImageStore::open(dir.path().join("images.redb"))?;
    /// store.create(NewImage::new())?;
    /// assert_eq!(store.len()?, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Only those of the file.
    fn len(&self) -> Result<u64> {
        self.view(|tables| Ok(tables.images()?.len()?))
    }

    /// Whether there are no images.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::{ImageStore, Lookup};
    /// # let dir = tempfile::tempdir()?;
    /// # let store = ImageStore::open(dir.path().join("images.redb"))?;
    /// assert!(store.is_empty()?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Only those of the file.
    fn is_empty(&self) -> Result<bool> {
        self.len().map(|count| count == 0)
    }

    /// How many transactions have changed the store: a cache that remembers it knows whether it is
    /// still true.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::{ImageStore, Lookup, NewImage};
    /// # let dir = tempfile::tempdir()?;
    /// # let store = ImageStore::open(dir.path().join("images.redb"))?;
    /// let before = store.generation()?;
    /// store.create(NewImage::new())?;
    /// assert_ne!(store.generation()?, before);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Only those of the file.
    fn generation(&self) -> Result<u64> {
        self.view(|tables| meta::generation(tables.meta()?))
    }

    /// All images in the order they were created, read as the iterator is asked for them.
    ///
    /// A damaged record yields an error in its place, and the images after it follow.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::{ImageStore, Lookup, NewImage};
    /// # let dir = tempfile::tempdir()?;
    /// # let store = ImageStore::open(dir.path().join("images.redb"))?;
    /// store.create(NewImage::new().id("b"))?;
    /// store.create(NewImage::new().id("a"))?;
    /// let ids: Vec<String> = store
    ///     .images()?
    ///     .map(|image| image.map(|image| image.id))
    ///     .collect::<Result<_, _>>()?;
    /// assert_eq!(ids, ["b", "a"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Only those of the file, at once or from the iterator.
    fn images(&self) -> Result<impl Iterator<Item = Result<Image>>> {
        Ok(listing::images(self.hold()?, 0))
    }

    /// The images that were created after the one that `reference` refers to, in the order they were
    /// created: the next page of [`images`](Self::images).
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::{ImageStore, Lookup, NewImage};
    /// # let dir = tempfile::tempdir()?;
    /// # let store = ImageStore::open(dir.path().join("images.redb"))?;
    /// for id in ["c", "b", "a"] {
    ///     store.create(NewImage::new().id(id))?;
    /// }
    /// let next = store.images_after("c")?.next().unwrap()?;
    /// assert_eq!(next.id, "b");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get); those of the file, at once or from the iterator.
    fn images_after(&self, reference: &str) -> Result<impl Iterator<Item = Result<Image>>> {
        let held = self.hold()?;
        let number = held.view(|tables| resolve_checked(tables, reference))?;
        Ok(listing::images(held, number.saturating_add(1)))
    }

    /// The images that have `digest` as their own or as that of one of their manifests, in the
    /// order they were created.
    ///
    /// Mirrors `imageStore.ByDigest` of the legacy store.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::{ContentHash, ImageStore, Lookup, NewImage};
    /// # let dir = tempfile::tempdir()?;
    /// # let store = ImageStore::open(dir.path().join("images.redb"))?;
    /// store.create(NewImage::new().id("a").big_data("manifest", b"{}".as_slice()))?;
    /// let digest = ContentHash::of(b"{}").to_digest();
    /// for image in store.by_digest(&digest)? {
    ///     assert_eq!(image?.id, "a");
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::DigestOfNoImage`] where there is none.
    fn by_digest(&self, digest: &str) -> Result<impl Iterator<Item = Result<Image>>> {
        let mut images = listing::images_under(self, Pairs::Digests, digest)?.peekable();
        if images.peek().is_none() {
            return Err(Error::DigestOfNoImage {
                digest: digest.to_owned(),
            });
        }
        Ok(images)
    }

    /// The images whose top layer or mapped top layer is `layer`, in the order they were created;
    /// there may be none.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::{ImageStore, Lookup, NewImage};
    /// # let dir = tempfile::tempdir()?;
    /// # let store = ImageStore::open(dir.path().join("images.redb"))?;
    /// store.create(NewImage::new().top_layer("0f1e"))?;
    /// assert_eq!(store.by_top_layer("0f1e")?.count(), 1);
    /// assert_eq!(store.by_top_layer("2d3c")?.count(), 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Only those of the file.
    fn by_top_layer(&self, layer: &str) -> Result<impl Iterator<Item = Result<Image>>> {
        listing::images_under(self, Pairs::Layers, layer)
    }

    /// IDs in ascending byte order, without reading the images.
    ///
    /// # Examples
    ///
    /// See [`Prefix`].
    ///
    /// # Errors
    ///
    /// Only those of the file, at once or from the iterator.
    fn ids(&self, query: Prefix<'_>) -> Result<impl Iterator<Item = Result<String>>> {
        Ok(listing::ids(self.hold()?, query))
    }

    /// Names in ascending byte order, with the IDs of the images that have them.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::{ImageStore, Lookup, NewImage, Prefix};
    /// # let dir = tempfile::tempdir()?;
    /// # let store = ImageStore::open(dir.path().join("images.redb"))?;
    /// store.create(NewImage::new().id("a").name("quay.io/app:1").name("localhost/app"))?;
    /// let entry = store.names(Prefix::new("quay.io/"))?.next().unwrap()?;
    /// assert_eq!((entry.name.as_str(), entry.id.as_str()), ("quay.io/app:1", "a"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Only those of the file, at once or from the iterator.
    fn names(&self, query: Prefix<'_>) -> Result<impl Iterator<Item = Result<NameEntry>>> {
        Ok(listing::names(self.hold()?, query))
    }

    /// Digests in ascending byte order, with the IDs of the images that have them: a digest of
    /// several images comes once for each.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::{ImageStore, Lookup, NewImage, Prefix};
    /// # let dir = tempfile::tempdir()?;
    /// # let store = ImageStore::open(dir.path().join("images.redb"))?;
    /// store.create(NewImage::new().id("a").big_data("manifest", b"{}".as_slice()))?;
    /// let entry = store.digests(Prefix::new("sha256:44136f"))?.next().unwrap()?;
    /// assert_eq!(entry.id, "a");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Only those of the file, at once or from the iterator.
    fn digests(&self, query: Prefix<'_>) -> Result<impl Iterator<Item = Result<DigestEntry>>> {
        Ok(listing::digests(self.hold()?, query))
    }

    /// The metadata of an image.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::{ImageStore, Lookup, NewImage};
    /// # let dir = tempfile::tempdir()?;
    /// # let store = ImageStore::open(dir.path().join("images.redb"))?;
    /// store.create(NewImage::new().id("a").metadata("{}"))?;
    /// assert_eq!(store.metadata("a")?, "{}");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    fn metadata(&self, reference: &str) -> Result<String> {
        self.get(reference).map(|image| image.metadata)
    }

    /// The bytes of a big data item, whole. [`big_data_reader`](Self::big_data_reader) reads large
    /// ones in bounded memory.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::{ImageStore, Lookup, NewImage};
    /// # let dir = tempfile::tempdir()?;
    /// # let store = ImageStore::open(dir.path().join("images.redb"))?;
    /// store.create(NewImage::new().id("a").big_data("manifest", b"{}".as_slice()))?;
    /// assert_eq!(store.big_data("a", "manifest")?, b"{}");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::InvalidBigDataName`] for an empty key, before anything else; as
    /// [`get`](Self::get); [`Error::BigDataUnknown`].
    fn big_data(&self, reference: &str, key: &str) -> Result<Vec<u8>> {
        self.view(|tables| {
            let content = items::content(tables, reference, key)?;
            content::read_all(tables, &content)
        })
    }

    /// The bytes of a big data item as a stream of any length, in bounded memory.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io::Read;
    /// # use image_store::{ImageStore, Lookup, NewImage};
    /// # let dir = tempfile::tempdir()?;
    /// # let store = ImageStore::open(dir.path().join("images.redb"))?;
    /// store.create(NewImage::new().id("a").big_data("layer-index", vec![7; 100_000]))?;
    ///
    /// let mut reader = store.big_data_reader("a", "layer-index")?;
    /// assert_eq!(reader.size(), 100_000);
    /// let mut bytes = Vec::new();
    /// reader.read_to_end(&mut bytes)?;
    /// assert_eq!(bytes, vec![7; 100_000]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`big_data`](Self::big_data).
    fn big_data_reader(&self, reference: &str, key: &str) -> Result<BigDataReader<'_>> {
        let held = self.hold()?;
        let content = held.view(|tables| items::content(tables, reference, key))?;
        BigDataReader::new(Held(held), content).map_err(|source| Error::Input {
            key: key.to_owned(),
            source,
        })
    }

    /// The recorded size of a big data item in bytes, or else the length of its bytes.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::{ImageStore, Lookup, NewImage};
    /// # let dir = tempfile::tempdir()?;
    /// # let store = ImageStore::open(dir.path().join("images.redb"))?;
    /// store.create(NewImage::new().id("a").big_data("manifest", b"{}".as_slice()))?;
    /// assert_eq!(store.big_data_size("a", "manifest")?, 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::InvalidBigDataName`] for an empty key; as [`get`](Self::get);
    /// [`Error::SizeUnknown`] where there is neither.
    fn big_data_size(&self, reference: &str, key: &str) -> Result<u64> {
        self.view(|tables| items::size(tables, reference, key))
    }

    /// The recorded digest of a big data item.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::{ContentHash, ImageStore, Lookup, NewImage};
    /// # let dir = tempfile::tempdir()?;
    /// # let store = ImageStore::open(dir.path().join("images.redb"))?;
    /// store.create(NewImage::new().id("a").big_data("manifest", b"{}".as_slice()))?;
    /// assert_eq!(store.big_data_digest("a", "manifest")?, ContentHash::of(b"{}").to_digest());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::InvalidBigDataName`] for an empty key; as [`get`](Self::get);
    /// [`Error::DigestUnknown`] where none is recorded.
    fn big_data_digest(&self, reference: &str, key: &str) -> Result<String> {
        self.view(|tables| items::digest(tables, reference, key))
    }

    /// The keys of an image's big data items, in the order they were first set.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::{ImageStore, Lookup, NewImage};
    /// # let dir = tempfile::tempdir()?;
    /// # let store = ImageStore::open(dir.path().join("images.redb"))?;
    /// store.create(NewImage::new().id("a").big_data("signatures", []).big_data("manifest", []))?;
    /// assert_eq!(store.big_data_names("a")?, ["signatures", "manifest"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    fn big_data_names(&self, reference: &str) -> Result<Vec<String>> {
        self.get(reference).map(|image| image.big_data_names)
    }
}

/// A held source that a reader takes parts from.
struct Held<S>(S);

impl<S: Source> PartSource for Held<S> {
    fn part(&self, number: u64, part: u32) -> io::Result<Option<Vec<u8>>> {
        self.0
            .view(|tables| content::read_part(tables, number, part))
            .map_err(io::Error::other)
    }
}
