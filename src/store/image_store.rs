//! The handle on a store.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use redb::WriteTransaction;

use crate::engine::{Failure, Outcome, contain};
use crate::error::{Error, Result};
use crate::read::{Lookup, Source};
use crate::store::database::Handle;
use crate::store::gate::{Gate, Pass, Refused};
use crate::store::group::Group;
use crate::store::open_transaction::OpenTransaction;
use crate::store::waiter::Waiter;
use crate::store::{Access, OpenOptions, Snapshot, Transaction, WaitLimit};
use crate::tables::SnapshotTables;

/// A store of images in one file.
///
/// Cloning it is cheap; clones share the file's handle, and all of them may be used from many
/// threads. Open a store once and keep it for the life of the process: opening costs a thousand
/// times what a lookup costs.
///
/// Its lookups come from [`Lookup`]. Each mutation here is a transaction of its own:
/// when it returns, it is on disk, and one that fails changes nothing. [`write`](Self::write) puts
/// many into one. Mutations that several threads make at the same time on one handle or its clones
/// share the waiting for the disk.
///
/// # Examples
///
/// ```
/// use image_store::{ImageStore, Lookup, NewImage};
///
/// # let dir = tempfile::tempdir()?;
/// let store = ImageStore::open(dir.path().join("images.redb"))?;
/// let image = store.create(NewImage::new().name("quay.io/example/app:1"))?;
/// store.add_names(&image.id, &["quay.io/example/app:latest"])?;
/// assert_eq!(store.get("quay.io/example/app:latest")?.id, image.id);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct ImageStore {
    inner: Arc<Inner>,
}

struct Inner {
    handle: Arc<Handle>,
    gate: Arc<Gate>,
    waiter: Arc<Waiter>,
    group: Group,
    options: OpenOptions,
}

impl ImageStore {
    /// Opens the store at `path` with the default options, and creates it where it is not there.
    ///
    /// # Examples
    ///
    /// ```
    /// use image_store::{ImageStore, Lookup};
    /// # let dir = tempfile::tempdir()?;
    /// let store = ImageStore::open(dir.path().join("images.redb"))?;
    /// assert!(store.is_empty()?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// See [`OpenOptions::open`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::options().open(path)
    }

    /// The options to open a store with.
    ///
    /// # Examples
    ///
    /// ```
    /// use image_store::{Access, ImageStore};
    /// # let dir = tempfile::tempdir()?;
    /// let path = dir.path().join("images.redb");
    /// let store = ImageStore::options().access(Access::Exclusive).open(path)?;
    /// assert_eq!(store.access(), Access::Exclusive);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn options() -> OpenOptions {
        OpenOptions::default()
    }

    pub(super) fn new(handle: Handle, gate: Arc<Gate>, options: &OpenOptions) -> Self {
        Self {
            inner: Arc::new(Inner {
                handle: Arc::new(handle),
                gate,
                waiter: Arc::default(),
                group: Group::default(),
                options: options.clone(),
            }),
        }
    }

    pub(super) fn handle(&self) -> &Handle {
        &self.inner.handle
    }

    /// The path that the store was opened at.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::ImageStore;
    /// # let dir = tempfile::tempdir()?;
    /// let path = dir.path().join("images.redb");
    /// assert_eq!(ImageStore::open(&path)?.path(), path);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn path(&self) -> &Path {
        self.inner.handle.path()
    }

    /// Whether the store was opened read-only.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::ImageStore;
    /// # let dir = tempfile::tempdir()?;
    /// # let store = ImageStore::open(dir.path().join("images.redb"))?;
    /// assert!(!store.is_read_only());
    /// let reader = ImageStore::options().read_only(true).open(store.path())?;
    /// assert!(reader.is_read_only());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        self.inner.handle.is_read_only()
    }

    /// The access that the store was opened with.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::{Access, ImageStore};
    /// # let dir = tempfile::tempdir()?;
    /// # let store = ImageStore::open(dir.path().join("images.redb"))?;
    /// assert_eq!(store.access(), Access::Shared);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn access(&self) -> Access {
        self.inner.options.access
    }

    /// How the store was opened.
    pub(super) fn open_options(&self) -> &OpenOptions {
        &self.inner.options
    }

    /// Whether the last writer died, or was of an older version, and the file still waits to be mended.
    pub(crate) fn needs_recovery(&self) -> bool {
        self.handle().is_copy()
    }

    /// Takes a snapshot: many lookups on one state.
    ///
    /// # Examples
    ///
    /// See [`Snapshot`].
    ///
    /// # Errors
    ///
    /// [`Error::Forked`], [`Error::Io`], [`Error::Corrupt`].
    pub fn read(&self) -> Result<Snapshot> {
        Snapshot::new(&self.inner.handle)
    }

    /// Begins a transaction, once no other thread or process writes.
    ///
    /// # Examples
    ///
    /// See [`Transaction`].
    ///
    /// # Errors
    ///
    /// - [`Error::ReadOnly`].
    /// - [`Error::Busy`] after [`OpenOptions::lock_wait`].
    /// - [`Error::NestedTransaction`] where this thread has one open, on any handle of this file.
    /// - [`Error::Forked`], [`Error::Io`], [`Error::Corrupt`].
    #[tracing::instrument(level = "debug", skip_all, fields(path = %self.path().display()))]
    pub fn write(&self) -> Result<Transaction> {
        let (transaction, pass) = self.begin()?;
        let begun = self.with_tables(transaction)?;
        Ok(Transaction::new(begun, None, &self.inner.handle, pass))
    }

    /// Begins a write transaction of the engine, once no other thread or process has one.
    fn begin(&self) -> Result<(WriteTransaction, Pass)> {
        self.handle().writable()?;
        let wait = self.wait_limit();
        let pass = self.inner.gate.enter(wait.deadline());
        let pass = pass.map_err(|refused| self.refused(refused, wait))?;
        Ok((self.begin_inside(wait)?, pass))
    }

    /// Begins a write transaction of the engine on a thread that has passed the gate.
    fn begin_inside(&self, wait: WaitLimit) -> Result<WriteTransaction> {
        let handle = &self.inner.handle;
        let shown = contain(|| handle.show());
        shown.map_err(|failure| handle.error(failure))?;
        if let Some(redo) = handle.redo() {
            let database = handle.writable()?;
            let settled = contain(|| redo.settle(database));
            settled.map_err(|failure| handle.error(failure))?;
        }
        let waited = self
            .inner
            .waiter
            .begin(handle.writable()?, wait.deadline())
            .map_err(|failure| handle.error(failure))?;
        let mut transaction = waited.ok_or_else(|| self.refused(Refused::TooLate, wait))?;
        // A crash must not make the next open walk the whole file.
        transaction.set_quick_repair(self.access() == Access::Exclusive);
        Ok(transaction)
    }

    fn with_tables(&self, transaction: WriteTransaction) -> Result<OpenTransaction> {
        let handle = self.handle();
        let begun = OpenTransaction::open(transaction, handle.folder(), handle.redo().is_some());
        begun.map_err(|failure| handle.error(failure))
    }

    /// Begins the transaction of a group, on a thread that has passed the gate, or goes on with that
    /// of the group before.
    pub(super) fn write_inside(&self, pass: Pass, wait: WaitLimit) -> Result<Transaction> {
        let handle = &self.inner.handle;
        let taken = contain(|| handle.take_turn());
        let (begun, turn) = taken.map_err(|failure| handle.error(failure))?;
        let begun = match begun {
            Some(begun) => begun,
            None => self.with_tables(self.begin_inside(wait)?)?,
        };
        Ok(Transaction::new(begun, turn, handle, pass))
    }

    pub(super) fn gate(&self) -> &Arc<Gate> {
        &self.inner.gate
    }

    pub(super) fn group(&self) -> &Group {
        &self.inner.group
    }

    /// How long a write that begins now may wait.
    pub(super) fn wait_limit(&self) -> WaitLimit {
        WaitLimit::from_now(self.inner.options.lock_wait)
    }

    pub(super) fn refused(&self, refused: Refused, wait: WaitLimit) -> Error {
        let path = self.path();
        match refused {
            Refused::TooLate => wait.busy(path),
            Refused::Nested => Error::NestedTransaction {
                path: path.to_owned(),
            },
        }
    }

    /// The bytes of all pages that are in use, by the present state or by earlier ones.
    pub(crate) fn allocated_bytes(&self) -> Result<u64> {
        let (transaction, _pass) = self.begin()?;
        let counted = contain(|| {
            let stats = transaction.stats()?;
            transaction.abort()?;
            Ok(stats.allocated_pages() * stats.page_size() as u64)
        });
        counted.map_err(|failure| self.handle().error(failure))
    }

    /// Closes the handle where it is the last one; dropping the last one does the same. After many
    /// changes this [compacts the file](OpenOptions::compact_on_close), which takes some 10 ms for
    /// each MiB.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::{ImageStore, Lookup};
    /// # let dir = tempfile::tempdir()?;
    /// # let store = ImageStore::open(dir.path().join("images.redb"))?;
    /// let clone = store.clone();
    /// store.close();
    /// assert!(clone.is_empty()?, "the clone keeps the file open");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn close(self) {
        drop(self);
    }
}

impl Source for ImageStore {
    type Tables<'t> = SnapshotTables;
    type Held<'a> = Snapshot;
    type Apart = Snapshot;

    fn hold(&self) -> Result<Snapshot> {
        self.read()
    }

    fn apart(&self) -> Option<Snapshot> {
        None
    }

    fn view<R>(&self, look: impl FnOnce(&SnapshotTables) -> Outcome<R>) -> Result<R> {
        self.handle().look(look)
    }

    fn error(&self, failure: Failure) -> Error {
        self.handle().error(failure)
    }
}

impl Lookup for ImageStore {}

impl fmt::Debug for ImageStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ImageStore")
            .field("path", &self.path())
            .field("read_only", &self.is_read_only())
            .finish_non_exhaustive()
    }
}
