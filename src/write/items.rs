//! Setting and removing a big data item.

use std::error::Error as StdError;
use std::fmt;
use std::io::{self, Read};

use crate::content::{self, Stored};
use crate::engine::{Outcome, run_callers};
use crate::error::Error;
use crate::model::{BigDataItem, Image, check_key, is_manifest_key, limits, validate_digest};
use crate::read::resolve_image;
use crate::tables::WriteTables;
use crate::write::limited::Limited;
use crate::write::put::Change;

/// Computes the digest of a manifest from its bytes.
///
/// # Examples
///
/// ```
/// # use image_store::{DigestFunction, ImageStore, Lookup, ManifestDigest, NewImage};
/// # let dir = tempfile::tempdir()?;
/// # let store = ImageStore::open(dir.path().join("images.redb"))?;
/// let length: &DigestFunction = &|bytes| Ok(format!("sha256:{:064x}", bytes.len()));
/// store.create(NewImage::new().id("a"))?;
/// store.set_big_data("a", "manifest", b"{}", ManifestDigest::Function(length))?;
/// assert!(store.big_data_digest("a", "manifest")?.ends_with("02"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub type DigestFunction = dyn Fn(&[u8]) -> Result<String, Box<dyn StdError + Send + Sync>>;

/// Where the digest of a manifest item comes from: an item whose key begins with `manifest`. The
/// digest of any other item is the SHA-256 of its bytes.
///
/// Mirrors the `digestManifest` argument of `imageStore.SetBigData`.
///
/// # Examples
///
/// ```
/// # use image_store::{ContentHash, ImageStore, Lookup, ManifestDigest, NewImage};
/// # let dir = tempfile::tempdir()?;
/// # let store = ImageStore::open(dir.path().join("images.redb"))?;
/// store.create(NewImage::new().id("a"))?;
/// // A signed schema 1 manifest is digested without its signature, by whoever understands it.
/// let digest = ContentHash::of(b"payload").to_digest();
/// store.set_big_data("a", "manifest", b"payload, signed", ManifestDigest::Given(&digest))?;
/// assert_eq!(store.big_data_digest("a", "manifest")?, digest);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Default)]
#[non_exhaustive]
pub enum ManifestDigest<'a> {
    /// The SHA-256 of the bytes.
    #[default]
    Sha256,
    /// This digest, which the caller computed: for a signed schema 1 manifest, that of its payload.
    Given(&'a str),
    /// What this function returns for the bytes of the manifest.
    Function(&'a DigestFunction),
    /// There is none: setting a manifest fails with [`Error::DigestUnknown`].
    Missing,
}

impl fmt::Debug for ManifestDigest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sha256 => f.write_str("Sha256"),
            Self::Given(digest) => f.debug_tuple("Given").field(digest).finish(),
            Self::Function(_) => f.write_str("Function(_)"),
            Self::Missing => f.write_str("Missing"),
        }
    }
}

/// The bytes of an item that is set.
pub(crate) enum ItemBytes<'a> {
    Whole(&'a [u8]),
    Stream(&'a mut dyn Read),
}

/// The longest manifest that a digest function is given from a stream: it needs the bytes whole.
const MANIFEST_LIMIT: u64 = 64 << 20;

/// Sets an item of an image. Mirrors `imageStore.SetBigData`.
pub(crate) fn set_big_data(
    tables: &mut WriteTables<'_>,
    reference: &str,
    key: &str,
    bytes: ItemBytes<'_>,
    manifest_digest: ManifestDigest<'_>,
) -> Outcome<()> {
    let (number, before) = resolve_image(tables, reference)?;
    check_key(reference, key)?;
    limits::check_text("key of a big data item", key)?;
    if !before.big_data.contains_key(key) {
        limits::check_big_data_count(before.big_data.len().saturating_add(1))?;
    }
    let mut buffer = Vec::new();
    let mut callers;
    let bytes = match (bytes, manifest_digest) {
        (ItemBytes::Stream(input), ManifestDigest::Function(_)) if is_manifest_key(key) => {
            read_manifest(&mut CallersReader(input), key, &mut buffer)?;
            ItemBytes::Whole(&buffer)
        }
        (ItemBytes::Whole(bytes), _) => ItemBytes::Whole(bytes),
        (ItemBytes::Stream(input), _) => {
            callers = CallersReader(input);
            ItemBytes::Stream(&mut callers)
        }
    };
    let given = given_digest(&before, key, &bytes, manifest_digest)?;
    let stored = match bytes {
        ItemBytes::Whole(bytes) => content::store_bytes(tables, bytes)?,
        ItemBytes::Stream(input) => store_stream(tables, input, key)?,
    };
    let recorded = BigDataItem {
        size: i64::try_from(stored.size).ok(),
        digest: Some(given.unwrap_or_else(|| stored.hash.to_digest())),
        content: Some(stored.hash),
    };
    let mut after = before.clone();
    after.set_item(key, recorded);
    match Change::replacement(number, before, after) {
        Ok(change) => change.write(tables).map(drop),
        Err(refused) => {
            content::release(tables, &stored.hash)?;
            Err(refused)
        }
    }
}

/// Removes an item of an image: its key, size and digest, and its bytes where no other item has
/// them.
///
/// The legacy store has no such operation; this one undoes what `imageStore.SetBigData` records,
/// but for the first digest of the image, which stays as it does when a manifest is replaced.
pub(crate) fn remove_big_data(
    tables: &mut WriteTables<'_>,
    reference: &str,
    key: &str,
) -> Outcome<()> {
    let (number, before) = resolve_image(tables, reference)?;
    check_key(reference, key)?;
    let mut after = before.clone();
    if !after.remove_item(key) {
        return Err(Error::BigDataUnknown {
            id: before.id,
            key: key.to_owned(),
        }
        .into());
    }
    Change::replacement(number, before, after)?.write(tables)?;
    Ok(())
}

/// Stores a stream as the bytes of the item `key`, which must not be longer than an item may be.
pub(super) fn store_stream(
    tables: &mut WriteTables<'_>,
    input: &mut dyn Read,
    key: &str,
) -> Outcome<Stored> {
    let mut input = Limited::new(input, limits::MAX_BIG_DATA_SIZE);
    let stored = content::store_stream(tables, &mut input, |source| {
        let key = key.to_owned();
        Error::Input { key, source }.into()
    });
    if input.passed_limit() {
        return Err(Error::TooLarge {
            what: format!("the big data item {key:?}, in bytes,"),
            size: limits::MAX_BIG_DATA_SIZE.saturating_add(1),
            limit: limits::MAX_BIG_DATA_SIZE,
        }
        .into());
    }
    stored
}

/// The digest to record, where it is not the SHA-256 of the bytes.
fn given_digest(
    image: &Image,
    key: &str,
    bytes: &ItemBytes<'_>,
    manifest_digest: ManifestDigest<'_>,
) -> Outcome<Option<String>> {
    if !is_manifest_key(key) {
        return Ok(None);
    }
    let digest = match (manifest_digest, bytes) {
        (ManifestDigest::Given(digest), _) => digest.to_owned(),
        (ManifestDigest::Function(digest_of), ItemBytes::Whole(bytes)) => {
            run_callers(|| digest_of(bytes)).map_err(|source| Error::ManifestDigest {
                id: image.id.clone(),
                key: key.to_owned(),
                source,
            })?
        }
        (ManifestDigest::Missing, _) => {
            return Err(Error::DigestUnknown {
                id: image.id.clone(),
                key: key.to_owned(),
            }
            .into());
        }
        (ManifestDigest::Sha256 | ManifestDigest::Function(_), _) => return Ok(None),
    };
    validate_digest(&digest)?;
    Ok(Some(digest))
}

fn read_manifest(input: &mut dyn Read, key: &str, buffer: &mut Vec<u8>) -> Outcome<()> {
    let read = input.take(MANIFEST_LIMIT + 1).read_to_end(buffer);
    let size = read.map_err(|source| Error::Input {
        key: key.to_owned(),
        source,
    })? as u64;
    if size > MANIFEST_LIMIT {
        return Err(Error::TooLarge {
            what: format!("the manifest {key:?}, which a digest function needs whole, in bytes,"),
            size,
            limit: MANIFEST_LIMIT,
        }
        .into());
    }
    Ok(())
}

/// A reader that the caller of the library gave.
struct CallersReader<'a>(&'a mut dyn Read);

impl Read for CallersReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = run_callers(|| self.0.read(buffer))?;
        if read > buffer.len() {
            let what = "the reader of the item says that it read more than there was room for";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
        }
        Ok(read)
    }
}
