//! Many steps that become visible and durable at once.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::io::Read;
use std::marker::PhantomData;
use std::path::Path;
use std::sync::Arc;

use crate::content::{self, Encoded, Stored};
use crate::engine::{Failure, Outcome, contain};
use crate::error::{Error, Result};
use crate::meta;
use crate::model::{ContentHash, Image};
use crate::read::{Lookup, Source};
use crate::store::Snapshot;
use crate::store::database::Handle;
use crate::store::gate::Pass;
use crate::store::held::Held;
use crate::store::open_transaction::OpenTransaction;
use crate::store::redo::Durable;
use crate::store::unseen::Turn;
use crate::tables::WriteTables;
use crate::write::{self, Displaced, PreparedImage, Work};

/// Many steps that become visible and durable at once, or not at all; made by
/// [`ImageStore::write`](crate::ImageStore::write).
///
/// It sees its own changes through [`Lookup`]; others see them when
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
    // The order of the fields is that of dropping: the transaction, then those of a group's turn and
    // the pass, which let others in.
    open: RefCell<Held<OpenTransaction>>,
    /// Of a group, where its commit may be put off.
    turn: Option<Turn>,
    handle: Arc<Handle>,
    _pass: Pass,
    changed: bool,
    broken: Cell<bool>,
    /// As how many transactions it counts.
    counts: u64,
    /// The pass belongs to a thread.
    _not_send: PhantomData<*const ()>,
}

impl Transaction {
    pub(super) fn new(
        begun: OpenTransaction,
        turn: Option<Turn>,
        handle: &Arc<Handle>,
        pass: Pass,
    ) -> Self {
        Self {
            open: RefCell::new(Held::new(begun, Arc::clone(handle))),
            turn,
            handle: Arc::clone(handle),
            _pass: pass,
            changed: false,
            broken: Cell::new(false),
            counts: 1,
            _not_send: PhantomData,
        }
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
    pub fn commit(self) -> Result<()> {
        self.commit_and_tell(|_| ())
    }

    /// Commits steps that their callers gave as `count` transactions of their own. `tell` is told the
    /// error, where it failed.
    pub(super) fn commit_as(mut self, count: u64, tell: impl FnOnce(Option<&Error>)) {
        self.counts = count;
        // Whoever has to know was told.
        let _ = self.commit_and_tell(tell);
    }

    /// The same for each kind of commit. `tell` comes before the program's subscriber of `tracing`
    /// hears of it: what panics there must not keep from others that their steps are on disk.
    #[tracing::instrument(
        name = "commit",
        level = "debug",
        skip_all,
        fields(path = %self.handle.path().display())
    )]
    fn commit_and_tell(mut self, tell: impl FnOnce(Option<&Error>)) -> Result<()> {
        let ended = self.end();
        tell(ended.as_ref().err());
        if ended? {
            tracing::debug!("committed");
        }
        Ok(())
    }

    /// Ends the transaction on disk, and tells whether there was anything to commit. No event is
    /// emitted once that is done.
    fn end(&mut self) -> Result<bool> {
        self.check_usable()?;
        let (counts, changed) = (self.counts, self.changed);
        let turn = self.turn.take();
        // What a group goes on with is not its own to drop.
        if !changed && !turn.as_ref().is_some_and(Turn::continues) {
            return Ok(false);
        }
        let mut begun = self.open.get_mut().take()?;
        let handle = &self.handle;
        let redo = handle.redo();
        let changing = handle.changing();
        let committed = contain(|| {
            let durable = begun.with_dependent_mut(|_, work| {
                if !changed {
                    return Ok(Some(Durable::InLog));
                }
                let tables = work.settled()?;
                let before = meta::next_generation(&mut tables.meta, counts)?;
                handle.note_changes(tables.take_changed());
                redo.map(|redo| redo.before_commit(tables, before))
                    .transpose()
            })?;
            let Some((redo, durable)) = redo.zip(durable) else {
                return Ok(begun.into_owner().commit()?);
            };
            match turn {
                Some(turn) => turn.end(redo, begun, durable),
                None => redo.commit(begun.into_owner(), durable),
            }
        });
        drop(changing);
        committed.map_err(|failure| self.error(failure))?;
        Ok(true)
    }

    /// Whether a step failed in the file itself, so that nothing of the transaction is kept.
    pub(super) fn is_broken(&self) -> bool {
        self.broken.get()
    }

    /// The path of the store.
    pub(crate) fn path(&self) -> &Path {
        self.handle.path()
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

    /// Creates an image, which the tables do not hold before they are [settled](Work::settled).
    pub(super) fn create_pending(&mut self, image: &PreparedImage) -> Result<Image> {
        self.work(|work| work.create(image))
    }

    /// [`create`](Self::create), which can be done again should the transaction break. If it does,
    /// then by this.
    pub(super) fn create_prepared(&mut self, image: &PreparedImage) -> Result<Image> {
        let image = self.create_pending(image)?;
        self.step(|_| Ok(()))?;
        Ok(image)
    }

    /// Runs one step on tables that hold everything.
    pub(super) fn step<R>(
        &mut self,
        step: impl FnOnce(&mut WriteTables<'_>) -> Outcome<R>,
    ) -> Result<R> {
        self.work(|work| step(work.settled()?))
    }

    /// Runs one step. One that fails in the file itself may have been half done, so nothing of the
    /// transaction is kept then; one that is refused has written nothing.
    fn work<R>(&mut self, step: impl FnOnce(&mut Work<'_>) -> Outcome<R>) -> Result<R> {
        self.check_usable()?;
        // It stays so where a panic of the caller's own code passes through.
        self.broken.set(true);
        let open = self.open.get_mut().get_mut()?;
        let done = open.with_dependent_mut(|_, work| contain(|| step(work)));
        let done = self.unless_broken(done)?;
        self.changed = true;
        Ok(done)
    }

    /// Brings what was created into the tables, so that it can be looked at.
    fn settle(&self) -> Result<()> {
        if self
            .open
            .borrow()
            .get()?
            .with_dependent(|_, work| work.is_settled())
        {
            return Ok(());
        }
        let mut open = self.open.borrow_mut();
        let settled = open
            .get_mut()?
            .with_dependent_mut(|_, work| contain(|| work.settled().map(drop)));
        self.unless_broken(settled)
    }

    /// The result of a step, and whether it broke the transaction.
    fn unless_broken<R>(&self, done: Outcome<R>) -> Result<R> {
        let broken = done.as_ref().is_err_and(Failure::breaks_transaction);
        self.broken.set(broken);
        done.map_err(|failure| self.error(failure))
    }

    fn check_usable(&self) -> Result<()> {
        self.handle.check_process()?;
        if self.is_broken() {
            return Err(Error::TransactionBroken {
                path: self.path().to_owned(),
            });
        }
        Ok(())
    }
}

impl Source for Transaction {
    type Tables<'t> = WriteTables<'t>;
    type Held<'a> = &'a Self;
    type Apart = Snapshot;

    fn hold(&self) -> Result<&Self> {
        Ok(self)
    }

    fn apart(&self) -> Option<Snapshot> {
        None
    }

    fn view<R>(&self, look: impl FnOnce(&WriteTables<'_>) -> Outcome<R>) -> Result<R> {
        self.check_usable()?;
        self.settle()?;
        let open = self.open.borrow();
        let looked = open
            .get()?
            .with_dependent(|_, work| contain(|| look(work.tables())));
        looked.map_err(|failure| self.error(failure))
    }

    fn error(&self, failure: Failure) -> Error {
        self.handle.error(failure)
    }
}

impl<S: Source> Source for &S {
    type Tables<'t> = S::Tables<'t>;
    type Held<'a>
        = S::Held<'a>
    where
        Self: 'a;
    type Apart = S::Apart;

    fn hold(&self) -> Result<S::Held<'_>> {
        (**self).hold()
    }

    fn apart(&self) -> Option<S::Apart> {
        (**self).apart()
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
            .field("path", &self.path())
            .field("changed", &self.changed)
            .field("broken", &self.is_broken())
            .finish_non_exhaustive()
    }
}
