//! A copy of a store in use.

use std::path::Path;

use redb::{Key, ReadableTable, ReadableTableMetadata as _, Value};

use crate::codec::{KeyText, Room, Sealed, unseal};
use crate::engine::{Failure, Outcome, contain};
use crate::error::Result;
use crate::maintenance::progress::{Meter, Progress, Stage};
use crate::meta;
use crate::read::Source;
use crate::recorded::Recorded;
use crate::store::{Nascent, Placement, Snapshot, folder, is_there, not_a_store, redo_log, size};
use crate::tables::{ReadTables, WriteTables};

/// What a backup holds.
///
/// # Examples
///
/// ```
/// # use image_store::ImageStore;
/// # let dir = tempfile::tempdir()?;
/// # let store = ImageStore::open(dir.path().join("images.redb"))?;
/// let summary = store.read()?.backup(&dir.path().join("copy.redb"), |_| ())?;
/// assert_eq!(summary.images, 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BackupSummary {
    /// How many images were copied.
    pub images: u64,
    /// How many rows of all tables were copied.
    pub rows: u64,
    /// The length of the new file in bytes.
    pub length: u64,
}

impl Snapshot {
    /// Writes a copy of this snapshot to a new store at `path`. The store may be in use: others
    /// read and write as they like, the copy is of one state.
    ///
    /// The copy is as small as it can be: rows are written in the order of their keys, and the file
    /// is compacted. It appears whole or not at all, as any new store. Records and item bytes are
    /// held against their checksums, so that damage does not take the place of an older, sound copy.
    ///
    /// # Examples
    ///
    /// ```
    /// use image_store::{ImageStore, Lookup, NewImage};
    ///
    /// # let dir = tempfile::tempdir()?;
    /// let store = ImageStore::open(dir.path().join("images.redb"))?;
    /// store.create(NewImage::new().name("localhost/app"))?;
    /// store.read()?.backup(dir.path().join("backup.redb"), |_| {})?;
    ///
    /// let backup = ImageStore::options().read_only(true).open(dir.path().join("backup.redb"))?;
    /// assert!(backup.exists("localhost/app")?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::AlreadyExists`](crate::Error::AlreadyExists) where something is at `path`;
    /// [`Error::NotAStore`](crate::Error::NotAStore) where it is the place of this store's redo log;
    /// [`Error::Corrupt`](crate::Error::Corrupt) with the path of this store where something of it
    /// cannot be read;
    /// [`Error::Io`](crate::Error::Io).
    #[tracing::instrument(level = "info", skip_all, fields(to = %path.as_ref().display()))]
    pub fn backup(
        &self,
        path: impl AsRef<Path>,
        mut progress: impl FnMut(Progress),
    ) -> Result<BackupSummary> {
        let path = path.as_ref();
        if is_there(path)? {
            return Err(crate::Error::AlreadyExists {
                path: path.to_owned(),
            });
        }
        if is_place_of_log(path, self.path()) {
            let why = "it is the place of the redo log of the store; choose another path";
            return Err(not_a_store(path, why));
        }
        let nascent = Nascent::new(path, &crate::ImageStore::options())?;
        let mut transaction = nascent.store()?.write()?;
        let (images, rows) = self.view(|from| {
            // What cannot be read is damage of this store, not of the new one.
            let at_source = |failure: Failure| Failure::from(self.error(failure));
            let copied = transaction.fill(|to| copy(from, to, &at_source, &mut progress));
            copied.map_err(Into::into)
        })?;
        transaction.commit()?;
        nascent.appear(Placement::New)?;
        Ok(BackupSummary {
            images,
            rows,
            length: size(path)?.0,
        })
    }
}

/// Whether `path` is where the redo log of the store at `store` is, when there is one.
fn is_place_of_log(path: &Path, store: &Path) -> bool {
    let log = redo_log(store);
    let folder = |path: &Path| folder(path).canonicalize().ok();
    path.file_name() == log.file_name() && folder(path) == folder(&log)
}

/// Copies every row as it is: sealed values belong to keys, and keys stay the same. `at_source` says
/// of a failure that it is one of the source.
fn copy(
    from: &impl ReadTables,
    to: &mut WriteTables<'_>,
    at_source: &AtSource<'_>,
    progress: &mut dyn FnMut(Progress),
) -> Outcome<(u64, u64)> {
    let images = contain(|| Ok(from.images()?.len()?)).map_err(at_source)?;
    let others = || {
        Ok(from.meta()?.len()?
            + from.ids()?.len()?
            + from.names()?.len()?
            + from.digests()?.len()?
            + from.layers()?.len()?
            + from.contents()?.len()?
            + from.blobs()?.len()?)
    };
    let total = images + contain(others).map_err(at_source)?;
    let mut meter = Meter::start(progress, Stage::Copy, total);
    let mut copying = Copying {
        at_source,
        meter: &mut meter,
    };
    copying.table(from.meta()?, &mut to.meta, |_, _| Ok(()))?;
    // The snapshot has what the log has; the copy has no log.
    meta::clear_redo(&mut to.meta)?;
    copying.table(from.images()?, &mut to.images, |number, record| {
        unseal(Sealed::Record(number), record).map(drop)
    })?;
    copying.table(from.ids()?, &mut to.ids, |id, _| is_text(id))?;
    copying.table(from.names()?, &mut to.names, |_, _| Ok(()))?;
    copying.table(from.digests()?, &mut to.digests, |(digest, _), ()| {
        is_text(digest)
    })?;
    copying.table(from.layers()?, &mut to.layers, |(layer, _), ()| {
        is_text(layer)
    })?;
    copying.table(from.contents()?, &mut to.contents, |hash, row| {
        unseal(Sealed::Content(*hash), row).map(drop)
    })?;
    copying.table(from.blobs()?, &mut to.blobs, |(number, part), bytes| {
        unseal(Sealed::Part(number, part), bytes).map(drop)
    })?;
    meter.finish();
    Ok((images, total))
}

/// A key that is damaged is not copied.
fn is_text(key: KeyText<'_>) -> Outcome<()> {
    key.text(&mut Room::new()).map(drop)
}

/// Makes a failure of the source one that names it.
type AtSource<'a> = dyn Fn(Failure) -> Failure + 'a;

struct Copying<'a, 'm> {
    at_source: &'a AtSource<'a>,
    meter: &'a mut Meter<'m>,
}

impl Copying<'_, '_> {
    /// Copies the rows of a table that `check` finds to be whole.
    fn table<K: Key, V: Value>(
        &mut self,
        from: &impl ReadableTable<K, V>,
        to: &mut Recorded<'_, K, V>,
        check: impl for<'r> Fn(K::SelfType<'r>, V::SelfType<'r>) -> Outcome<()>,
    ) -> Outcome<()> {
        let mut rows = contain(|| Ok(from.iter()?)).map_err(self.at_source)?;
        loop {
            let row = contain(|| match rows.next().transpose()? {
                Some((key, value)) => {
                    check(key.value(), value.value())?;
                    Ok(Some((key, value)))
                }
                None => Ok(None),
            });
            let Some((key, value)) = row.map_err(self.at_source)? else {
                return Ok(());
            };
            to.insert(key.value(), value.value())?;
            self.meter.advance();
        }
    }
}
