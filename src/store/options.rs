//! How a store is opened.

use std::path::Path;
use std::time::Duration;

use crate::error::Result;
use crate::store::backend::Storage;
use crate::store::untouched::Untouched;
use crate::store::{Access, ImageStore, open, redo};

/// The engine's cache where nothing is said: a part of the file, within bounds. One of a thirtieth of
/// the file is missed by a lookup about twice, one of an eighth about once.
const CACHE_SHARE: u64 = 8;
const LEAST_CACHE: usize = 32 << 20;
const MOST_CACHE: usize = 128 << 20;

/// Which part of the cache's size what lookups find may take beside it.
const REMEMBERED_SHARE: usize = 8;

/// How a store is opened; made by [`ImageStore::options`].
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use image_store::{Access, ImageStore};
///
/// # let dir = tempfile::tempdir()?;
/// let store = ImageStore::options()
///     .access(Access::Exclusive)
///     .cache_size(64 << 20)
///     .lock_wait(Duration::from_secs(5))
///     .open(dir.path().join("images.redb"))?;
/// assert!(!store.is_read_only());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct OpenOptions {
    pub(super) access: Access,
    pub(super) create: bool,
    /// The engine's cache in bytes; none where it fits the file.
    pub(super) cache_size: Option<usize>,
    pub(super) lock_wait: Duration,
    pub(super) recovery_copy_limit: u64,
    pub(super) compact_on_close: bool,
    pub(super) untouched: Untouched,
    /// Whether it is taken as it is: a redo log is left alone, an older schema as well, and a store
    /// may be known by its tables alone.
    pub(super) unmended: bool,
    pub(super) storage: Storage,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self {
            access: Access::Shared,
            create: true,
            cache_size: None,
            lock_wait: Duration::from_secs(30),
            recovery_copy_limit: 64 << 20,
            compact_on_close: true,
            untouched: Untouched::No,
            unmended: false,
            storage: Default::default(),
        }
    }
}

impl OpenOptions {
    /// How processes share the store; [`Access::Shared`] where nothing is said.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::{Access, ImageStore};
    /// # let dir = tempfile::tempdir()?;
    /// let path = dir.path().join("images.redb");
    /// let store = ImageStore::options().access(Access::Exclusive).open(path)?;
    /// assert_eq!(store.access(), Access::Exclusive);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn access(mut self, access: Access) -> Self {
        self.access = access;
        self
    }

    /// Opens read-only, as [`Access::ReadOnly`]; `false` changes nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::{ErrorKind, ImageStore, NewImage};
    /// # let dir = tempfile::tempdir()?;
    /// let path = dir.path().join("images.redb");
    /// ImageStore::open(&path)?.close();
    /// let store = ImageStore::options().read_only(true).open(path)?;
    /// assert_eq!(store.create(NewImage::new()).unwrap_err().kind(), ErrorKind::ReadOnly);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn read_only(mut self, read_only: bool) -> Self {
        if read_only {
            self.access = Access::ReadOnly;
        }
        self
    }

    /// Whether a store that is not there is created; `true` where nothing is said. A read-only open
    /// never creates one.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::{Error, ImageStore};
    /// # let dir = tempfile::tempdir()?;
    /// let path = dir.path().join("images.redb");
    /// let refused = ImageStore::options().create(false).open(path).unwrap_err();
    /// assert!(matches!(refused, Error::NotFound { .. }));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn create(mut self, create: bool) -> Self {
        self.create = create;
        self
    }

    /// The memory that the engine may use for pages of the file, in bytes. Where nothing is said it is
    /// an eighth of the length that the file has when it is opened, but at least 32 MiB and at most
    /// 128 MiB; of a store that is recovered in memory to be read, 32 MiB. It is taken as it is needed.
    ///
    /// Beside it about an eighth of it at most, and no more than 64 MiB, is taken to remember which images
    /// were found by their IDs and names. They are found again with one index less.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::ImageStore;
    /// # let dir = tempfile::tempdir()?;
    /// let path = dir.path().join("images.redb");
    /// let store = ImageStore::options().cache_size(4 << 20).open(path)?;
    /// # assert!(!store.is_read_only());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn cache_size(mut self, bytes: usize) -> Self {
        self.cache_size = Some(bytes);
        self
    }

    /// The engine's cache, in bytes, for a file of this length.
    pub(crate) fn cache_for(&self, length: u64) -> usize {
        self.cache_size.unwrap_or_else(|| {
            let share = usize::try_from(length / CACHE_SHARE).unwrap_or(usize::MAX);
            share.clamp(LEAST_CACHE, MOST_CACHE)
        })
    }

    /// The memory for what lookups find, in bytes, for a file of this length.
    pub(crate) fn remembered_for(&self, length: u64) -> usize {
        self.cache_for(length) / REMEMBERED_SHARE
    }

    /// How long opening and [`ImageStore::write`] wait for others; 30 seconds where nothing is
    /// said.
    ///
    /// With zero, `write` tries once and is refused at once. Opening still waits out those who are
    /// just closing the store, which takes them some milliseconds in which they look like others that
    /// use it: it is refused after 0.1 seconds where another writes, and read-only after 0.2 seconds
    /// where another has [`Access::Exclusive`]. Any shorter limit is the same to it.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::{ErrorKind, ImageStore, NewImage};
    /// # let dir = tempfile::tempdir()?;
    /// let path = dir.path().join("images.redb");
    /// use std::time::Duration;
    ///
    /// let options = ImageStore::options().lock_wait(Duration::from_millis(10));
    /// let store = options.clone().open(&path)?;
    /// // While this one writes, another handle waits no longer than that.
    /// let transaction = store.write()?;
    /// let other = std::thread::spawn(move || options.open(path)?.create(NewImage::new()));
    /// let refused = other.join().unwrap().unwrap_err();
    /// assert_eq!(refused.kind(), ErrorKind::Busy);
    /// # drop(transaction);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn lock_wait(mut self, limit: Duration) -> Self {
        self.lock_wait = limit;
        self
    }

    /// The largest file, in bytes, that a read-only open copies into memory to recover it there:
    /// where the last writer died or was of an older version and this process may not write to the
    /// file, no other way leads to the images. 64 MiB where nothing is said; 0 never copies, and such an
    /// open fails with
    /// [`Error::NeedsRecovery`](crate::Error::NeedsRecovery).
    ///
    /// A store that was opened so keeps the state of that moment: it does not see what others write
    /// later.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::ImageStore;
    /// # let dir = tempfile::tempdir()?;
    /// let path = dir.path().join("images.redb");
    /// ImageStore::open(&path)?.close();
    /// let options = ImageStore::options().read_only(true).recovery_copy_limit(1 << 30);
    /// let store = options.open(path)?;
    /// # assert!(store.is_read_only());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn recovery_copy_limit(mut self, bytes: u64) -> Self {
        self.recovery_copy_limit = bytes;
        self
    }

    /// Whether the last handle compacts the file when it is dropped, after its changes were many;
    /// `true` where nothing is said.
    ///
    /// A file whose images are replaced again and again grows to twice its length, and further where
    /// transactions are large. So whoever created or deleted as much as a tenth of the images gives
    /// back what is not needed, unless others have the store open, the file takes less than 1 MiB or
    /// more than 128 MiB on disk, or the disk has no room for the pages that are moved. Others who
    /// open the store wait meanwhile: some 10 ms for each MiB.
    /// [`compact`](Self::compact) does it at any time and for a store of any size.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::ImageStore;
    /// # let dir = tempfile::tempdir()?;
    /// let path = dir.path().join("images.redb");
    /// // For a program that must end at once whatever it did.
    /// let store = ImageStore::options().compact_on_close(false).open(path)?;
    /// # assert!(!store.is_read_only());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn compact_on_close(mut self, compacts: bool) -> Self {
        self.compact_on_close = compacts;
        self
    }

    /// Opens the store at `path` to read it as it is: where the last writer died or was of an older
    /// version, it is mended in memory, and others do not write to the file until the store is closed.
    pub(crate) fn open_untouched(mut self, path: &Path) -> Result<ImageStore> {
        self.untouched = Untouched::Yes;
        self.read_only(true).open(path)
    }

    /// The same, also where the file does not begin as it should.
    pub(super) fn open_beginning_anew(mut self, path: &Path) -> Result<ImageStore> {
        self.untouched = Untouched::BeginningAnew;
        self.read_only(true).open(path)
    }

    /// The bytes of the redo log of the store at `path`; `None` where there is none that can be read.
    pub(crate) fn redo_log_bytes(&self, path: &Path) -> Option<Vec<u8>> {
        redo::bytes(path, &self.storage)
    }

    /// Takes the store as it is: without its redo log, which cannot be used, in its own schema, and
    /// also where it does not say that it is one.
    pub(super) fn unmended(mut self) -> Self {
        self.unmended = true;
        self
    }

    /// Opens the store at `path`.
    ///
    /// A new store appears whole: it is built in a temporary file beside `path` with mode 0600, and
    /// given its name when it is complete and on disk.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::ImageStore;
    /// # let dir = tempfile::tempdir()?;
    /// let path = dir.path().join("images.redb");
    /// let store = ImageStore::options().open(&path)?;
    /// assert_eq!(store.path(), path);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// - [`Error::NotFound`](crate::Error::NotFound): there is none and none is to be created.
    /// - [`Error::NotAStore`](crate::Error::NotAStore): it is a folder, a symbolic link, an empty
    ///   file, or a file of some other format. One that was a store, as what it holds tells, and no
    ///   longer begins as one is [`Error::Corrupt`](crate::Error::Corrupt).
    /// - [`Error::ForeignDatabase`](crate::Error::ForeignDatabase): it is a redb database of some
    ///   other program.
    /// - [`Error::SchemaTooNew`](crate::Error::SchemaTooNew): it was written by a newer version.
    /// - [`Error::Busy`](crate::Error::Busy): another process holds it for longer than
    ///   [`lock_wait`](Self::lock_wait).
    /// - [`Error::NeedsRecovery`](crate::Error::NeedsRecovery): read-only, the last writer died or was
    ///   of an older version, this process may not write to the file, and the file is larger than
    ///   [`recovery_copy_limit`](Self::recovery_copy_limit).
    /// - [`Error::Corrupt`](crate::Error::Corrupt), [`Error::Io`](crate::Error::Io).
    pub fn open(self, path: impl AsRef<Path>) -> Result<ImageStore> {
        open::open(path.as_ref(), &self)
    }
}
