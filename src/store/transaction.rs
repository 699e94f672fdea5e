//! Many steps that become visible and durable at once.

use std::fmt;
use std::io::Read;
use std::marker::PhantomData;
use std::path::Path;
use std::sync::Arc;

use redb::WriteTransaction;
use self_cell::self_cell;

use crate::content::{self, Encoded, Stored};
use crate::engine::{Failure, Outcome, contain};
use crate::error::{Error, Result};
use crate::meta;
use crate::model::{ContentHash, Image};
use crate::read::{Lookup, Source};
use crate::store::database::Handle;
use crate::store::gate::Pass;
use crate::store::held::Held;
use crate::tables::WriteTables;
use crate::write::{self, Displaced};

self_cell!(
    /// A write transaction of the engine with its tables open.
    struct Open {
        owner: WriteTransaction,
        #[not_covariant]
        dependent: WriteTables,
    }
);

/// Many steps that become visible and durable at once, or not at all; made by
/// [`ImageStore::write`](crate::ImageStore::write).
///
/// It sees its own changes through [`Lookup`](crate::Lookup); others see them when
/// [`commit`](Self::commit) has returned. Dropping it instead leaves nothing of it. A step that
/// fails leaves nothing of itself, and the transaction goes on.
///
/// While it lives, no other thread or process writes to the store. It stays on the thread that
/// began it.
///
/// # Examples
///
/// ```
/// use image_store::{ImageStore, Lookup, NewImage};
///
/// # let dir = tempfile::tempdir()?;
/// let store = ImageStore::open(dir.path().join("images.redb"))?;
/// let mut transaction = store.write()?;
/// let image = transaction.create(NewImage::new().name("localhost/app:new"))?;
/// transaction.add_names(&image.id, &["localhost/app:latest"])?;
/// assert!(transaction.delete("localhost/app:unknown").is_err());
/// transaction.commit()?;
///
/// assert_eq!(store.get("localhost/app:latest")?.id, image.id);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a transaction that is dropped leaves nothing"]
pub struct Transaction {
    // The order of the fields is that of dropping: the transaction, then the pass that lets the
    // next thread in.
    open: Held<Open>,
    _pass: Pass,
    changed: bool,
    broken: bool,
    /// As how many transactions it counts.
    counts: u64,
    /// The pass belongs to a thread.
    _not_send: PhantomData<*const ()>,
}

impl Transaction {
    pub(super) fn new(
        transaction: WriteTransaction,
        handle: Arc<Handle>,
        pass: Pass,
    ) -> Result<Self> {
        let open = contain(|| {
            Open::try_new(transaction, |owner| {
                let mut tables = WriteTables::open(owner)?;
                if handle.redo().is_some() {
                    tables.record();
                }
                Ok(tables)
            })
        });
        let open = open.map_err(|failure| handle.error(failure))?;
        Ok(Self {
            open: Held::new(open, handle),
            _pass: pass,
            changed: false,
            broken: false,
            counts: 1,
            _not_send: PhantomData,
        })
    }

    /// Makes the steps visible to others and durable: when this returns, they are on disk.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::{ImageStore, Lookup, NewImage};
    /// # let dir = tempfile::tempdir()?;
    /// # let store = ImageStore::open(dir.path().join("images.redb"))?;
    /// let mut transaction = store.write()?;
    /// transaction.create(NewImage::new().id("a"))?;
    /// assert!(!store.exists("a")?);
    /// transaction.commit()?;
    /// assert!(store.exists("a")?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::TransactionBroken`] where an earlier step failed in the file itself; and
    /// [`Error::Io`] where the commit fails. The steps may then be there or not, but all or none of
    /// them; open the store again and look.
    #[tracing::instrument(level = "debug", skip_all, fields(path = %self.open.handle().path().display()))]
    pub fn commit(mut self) -> Result<()> {
        self.check_usable()?;
        if !self.changed {
            return Ok(());
        }
        let counts = self.counts;
        let mut open = self.open.take()?;
        let redo = self.open.handle().redo();
        let changing = self.open.handle().changing();
        let committed = contain(|| {
            let durable = open.with_dependent_mut(|_, tables| {
                let before = meta::next_generation(&mut tables.meta, counts)?;
                redo.map(|redo| redo.before_commit(tables, before))
                    .transpose()
            })?;
            let transaction = open.into_owner();
            match redo.zip(durable) {
                Some((redo, durable)) => redo.commit(transaction, durable),
                None => Ok(transaction.commit()?),
            }
        });
        drop(changing);
        committed.map_err(|failure| self.error(failure))?;
        tracing::debug!("committed");
        Ok(())
    }

    /// Commits steps that their callers gave as `count` transactions of their own.
    pub(super) fn commit_as(mut self, count: u64) -> Result<()> {
        self.counts = count;
        self.commit()
    }

    /// Whether a step failed in the file itself, so that nothing of the transaction is kept.
    pub(super) const fn is_broken(&self) -> bool {
        self.broken
    }

    /// The path of the store.
    pub(crate) fn path(&self) -> &Path {
        self.open.handle().path()
    }

    /// Stores the bytes of an item of a record that [`insert_legacy`](Self::insert_legacy) will
    /// bring.
    pub(crate) fn put_content(&mut self, key: &str, data: &mut dyn Read) -> Result<Stored> {
        self.step(|tables| write::put_content(tables, data, key))
    }

    /// The same for bytes that were hashed and encoded before.
    pub(crate) fn put_encoded(
        &mut self,
        hash: ContentHash,
        size: u64,
        encoded: &Encoded,
    ) -> Result<Stored> {
        self.step(|tables| write::put_encoded(tables, hash, size, encoded))
    }

    /// Whether the bytes of this hash are stored.
    pub(crate) fn has_content(&self, hash: &ContentHash) -> Result<bool> {
        self.view(|tables| Ok(content::lookup(tables, hash)?.is_some()))
    }

    /// Takes over an image as a legacy store recorded it, and tells what gave way to it.
    pub(crate) fn insert_legacy(&mut self, image: Image) -> Result<Displaced> {
        self.step(|tables| write::insert_legacy(tables, image))
    }

    /// Fills a new store by whatever means, as one step.
    pub(crate) fn fill<R>(
        &mut self,
        fill: impl FnOnce(&mut WriteTables<'_>) -> Outcome<R>,
    ) -> Result<R> {
        self.step(fill)
    }

    /// Runs one step. One that fails in the file itself may have been half done, so nothing of the
    /// transaction is kept then; one that is refused has written nothing.
    pub(super) fn step<R>(
        &mut self,
        step: impl FnOnce(&mut WriteTables<'_>) -> Outcome<R>,
    ) -> Result<R> {
        self.check_usable()?;
        let open = self.open.get_mut()?;
        // It stays so where a panic of the caller's own code passes through.
        self.broken = true;
        let done = open.with_dependent_mut(|_, tables| contain(|| step(tables)));
        match done {
            Ok(result) => {
                self.broken = false;
                self.changed = true;
                Ok(result)
            }
            Err(failure) => {
                self.broken = failure.breaks_transaction();
                Err(self.error(failure))
            }
        }
    }

    fn check_usable(&self) -> Result<()> {
        self.open.handle().check_process()?;
        if self.broken {
            return Err(Error::TransactionBroken {
                path: self.open.handle().path().to_owned(),
            });
        }
        Ok(())
    }
}

impl Source for Transaction {
    type Tables<'t> = WriteTables<'t>;
    type Held<'a> = &'a Self;

    fn hold(&self) -> Result<&Self> {
        Ok(self)
    }

    fn view<R>(&self, look: impl FnOnce(&WriteTables<'_>) -> Outcome<R>) -> Result<R> {
        self.check_usable()?;
        let looked = self
            .open
            .get()?
            .with_dependent(|_, tables| contain(|| look(tables)));
        looked.map_err(|failure| self.error(failure))
    }

    fn error(&self, failure: Failure) -> Error {
        self.open.handle().error(failure)
    }
}

impl<S: Source> Source for &S {
    type Tables<'t> = S::Tables<'t>;
    type Held<'a>
        = S::Held<'a>
    where
        Self: 'a;

    fn hold(&self) -> Result<S::Held<'_>> {
        (**self).hold()
    }

    fn view<R>(&self, look: impl FnOnce(&S::Tables<'_>) -> Outcome<R>) -> Result<R> {
        (**self).view(look)
    }

    fn error(&self, failure: Failure) -> Error {
        (**self).error(failure)
    }
}

impl Lookup for Transaction {}

impl fmt::Debug for Transaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transaction")
            .field("path", &self.open.handle().path())
            .field("changed", &self.changed)
            .field("broken", &self.broken)
            .finish_non_exhaustive()
    }
}
