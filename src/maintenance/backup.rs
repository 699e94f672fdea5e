//! A copy of a store in use.

use std::path::Path;

use redb::{Key, ReadableTable, Value};

use crate::engine::Outcome;
use crate::error::Result;
use crate::maintenance::compact::size;
use crate::maintenance::progress::{Meter, Progress, Stage};
use crate::meta;
use crate::read::Source;
use crate::recorded::Recorded;
use crate::store::{Nascent, Placement, Snapshot, is_there};
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
    /// is compacted. It appears whole or not at all, as any new store.
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
    /// [`Error::Corrupt`](crate::Error::Corrupt) where a table cannot be read to its end;
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
        let nascent = Nascent::new(path, &crate::ImageStore::options())?;
        let mut transaction = nascent.store()?.write()?;
        let (images, rows) = self.view(|from| {
            let copied = transaction.fill(|to| copy(from, to, &mut progress));
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

/// Copies every row as it is: sealed values belong to keys, and keys stay the same.
fn copy(
    from: &impl ReadTables,
    to: &mut WriteTables<'_>,
    progress: &mut dyn FnMut(Progress),
) -> Outcome<(u64, u64)> {
    use redb::ReadableTableMetadata as _;
    let images = from.images()?.len()?;
    let total = images
        + from.ids()?.len()?
        + from.names()?.len()?
        + from.digests()?.len()?
        + from.layers()?.len()?
        + from.contents()?.len()?
        + from.blobs()?.len()?;
    let mut meter = Meter::start(progress, Stage::Copy, total);
    copy_table(from.meta()?, &mut to.meta, None)?;
    // The snapshot has what the log has; the copy has no log.
    meta::clear_redo(&mut to.meta)?;
    copy_table(from.images()?, &mut to.images, Some(&mut meter))?;
    copy_table(from.ids()?, &mut to.ids, Some(&mut meter))?;
    copy_table(from.names()?, &mut to.names, Some(&mut meter))?;
    copy_table(from.digests()?, &mut to.digests, Some(&mut meter))?;
    copy_table(from.layers()?, &mut to.layers, Some(&mut meter))?;
    copy_table(from.contents()?, &mut to.contents, Some(&mut meter))?;
    copy_table(from.blobs()?, &mut to.blobs, Some(&mut meter))?;
    meter.finish();
    Ok((images, total))
}

fn copy_table<K: Key, V: Value>(
    from: &impl ReadableTable<K, V>,
    to: &mut Recorded<'_, K, V>,
    mut meter: Option<&mut Meter<'_>>,
) -> Outcome<()> {
    for row in from.iter()? {
        let (key, value) = row?;
        to.insert(key.value(), value.value())?;
        if let Some(meter) = &mut meter {
            meter.advance();
        }
    }
    Ok(())
}
