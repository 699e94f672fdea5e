//! Building a store anew from what can be read of a damaged one.

mod salvage;

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::engine::{Failure, Outcome, contain};
use crate::error::Result;
use crate::maintenance::progress::Progress;
use crate::maintenance::set_aside::{SetAside, beside};
use crate::maintenance::verify::{Finding, VerifyOptions, VerifyReport};
use crate::meta;
use crate::read::Source;
use crate::store::{
    Damaged, Nascent, OpenOptions, Placement, folder, io_error, place_error, redo_log,
    remove_leftover_log, remove_redo_log, size, sync_folder,
};
use crate::tables::ReadTables;

/// How a store is repaired.
///
/// # Examples
///
/// ```
/// use image_store::RepairOptions;
///
/// assert_ne!(RepairOptions::new().backup(false), RepairOptions::default());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct RepairOptions {
    backup: bool,
}

impl Default for RepairOptions {
    fn default() -> Self {
        Self { backup: true }
    }
}

impl RepairOptions {
    /// The damaged file is kept.
    ///
    /// # Examples
    ///
    /// ```
    /// use image_store::RepairOptions;
    ///
    /// assert_eq!(RepairOptions::new(), RepairOptions::new().backup(true));
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether the damaged file is kept beside the repaired one; `true` where nothing is said.
    ///
    /// # Examples
    ///
    /// ```
    /// # use image_store::{ImageStore, RepairOptions};
    /// # let dir = tempfile::tempdir()?;
    /// # let store = ImageStore::open(dir.path().join("images.redb"))?;
    /// store.close();
    /// let options = RepairOptions::new().backup(false);
    /// let summary = ImageStore::options().repair(dir.path().join("images.redb"), &options, |_| ())?;
    /// assert_eq!(summary.backup, None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub const fn backup(mut self, backup: bool) -> Self {
        self.backup = backup;
        self
    }
}

/// What a repair did.
///
/// # Examples
///
/// ```
/// # use image_store::{ImageStore, RepairOptions};
/// # let dir = tempfile::tempdir()?;
/// # let store = ImageStore::open(dir.path().join("images.redb"))?;
/// store.close();
/// let options = RepairOptions::new();
/// let summary = ImageStore::options().repair(dir.path().join("images.redb"), &options, |_| ())?;
/// assert!(summary.lost.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct RepairSummary {
    /// What was wrong before.
    pub before: VerifyReport,
    /// How many images the repaired store has.
    pub images: u64,
    /// What could not be kept: it was set aside.
    pub lost: Vec<Finding>,
    /// The folder with what was set aside: a note in JSON for each loss, and bytes as far as they
    /// could be read.
    pub set_aside: Option<PathBuf>,
    /// The damaged file. Giving it back its name undoes the repair.
    pub backup: Option<PathBuf>,
    /// The length of the repaired file in bytes.
    pub length: u64,
}

impl OpenOptions {
    /// Repairs the store at `path`: builds it anew from every record and all bytes that can be
    /// read, derives index rows and reference counts from the records, and puts it in the place of
    /// the damaged one.
    ///
    /// Bytes whose row is lost are found again by their SHA-256. What cannot be read is set aside,
    /// never dropped silently. The damaged file is kept beside it under its name with `.damaged-`
    /// and a number, unless [`RepairOptions::backup`] declines it. Nobody else may have the store
    /// open. A process that dies on the way leaves the damaged store as it was.
    ///
    /// # Examples
    ///
    /// ```
    /// use image_store::{ImageStore, NewImage, RepairOptions};
    ///
    /// # let dir = tempfile::tempdir()?;
    /// let path = dir.path().join("images.redb");
    /// ImageStore::open(&path)?.create(NewImage::new())?;
    /// let summary = ImageStore::options().repair(&path, &RepairOptions::new(), |_| {})?;
    /// assert!(summary.before.is_clean() && summary.lost.is_empty());
    /// assert_eq!(summary.images, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Busy`](crate::Error::Busy) where another has the store open;
    /// [`Error::Corrupt`](crate::Error::Corrupt) where so much is damaged that the file cannot be
    /// opened at all; otherwise as [`open`](Self::open).
    #[tracing::instrument(level = "info", skip_all, fields(path = %path.as_ref().display()))]
    pub fn repair(
        self,
        path: impl AsRef<Path>,
        options: &RepairOptions,
        mut progress: impl FnMut(Progress),
    ) -> Result<RepairSummary> {
        let path = path.as_ref();
        let engine = self.clone();
        // Open until the repaired store is in its place, so that nobody writes to the old one.
        let damaged = self.open_damaged(path)?;
        let snapshot = damaged.store.read()?;
        let without_pages = VerifyOptions::new().engine(false);
        let mut before = snapshot.verify(&without_pages, &mut progress)?;
        if let Some(refused) = &damaged.refused {
            let error = format!("it cannot be opened to write: {refused}");
            before.push(Some(Finding::Engine { error }), &without_pages);
        }
        let log = engine.redo_log_bytes(path);
        let named = snapshot.view(|from| Ok(contain(|| names_log(from))))?;
        if let Err(failure) = &named {
            let (table, error) = ("meta", failure.to_string());
            before.push(
                Some(Finding::TableUnreadable { table, error }),
                &without_pages,
            );
        }
        let lost_log = lost_log(path, &damaged, named.ok(), log.is_some());
        before.push(lost_log.clone(), &without_pages);
        let lost_commit = damaged.is_earlier.then_some(Finding::LastCommitLost);
        before.push(lost_commit.clone(), &without_pages);
        let nascent = Nascent::new(path, &engine)?;
        let mut transaction = nascent.store()?.write()?;
        let mut set_aside = SetAside::beside(path);
        if let Some(finding) = &lost_log {
            set_aside.keep(finding, log.as_deref())?;
        }
        if let Some(finding) = &lost_commit {
            set_aside.keep(finding, None)?;
        }
        let salvaged = snapshot.view(|from| {
            let salvaged =
                transaction.fill(|to| salvage::salvage(from, to, &mut set_aside, &mut progress));
            salvaged.map_err(Into::into)
        })?;
        transaction.commit()?;
        set_aside.sync()?;
        let backup = if options.backup {
            Some(keep_damaged(path)?)
        } else {
            None
        };
        let replaced = identity(path);
        if let Err(error) = nascent.appear(Placement::Replace) {
            if let Some(backup) = &backup {
                take_back(backup, path);
            }
            // It may have been replaced all the same, and only that be not known to be on disk.
            if identity(path) != replaced {
                set_aside.stay();
            }
            return Err(error);
        }
        let set_aside = set_aside.stay();
        // It belongs to the damaged file. By now the repaired one may have another.
        if log.is_some() && engine.redo_log_bytes(path) == log {
            match &lost_log {
                // It may be too damaged to be known for one, and was set aside.
                Some(_) => remove_redo_log(path).map_err(|failure| failure.at(path))?,
                None => remove_leftover_log(path),
            }
        }
        drop((snapshot, damaged));
        Ok(RepairSummary {
            before,
            images: salvaged.images,
            lost: lost_log
                .into_iter()
                .chain(lost_commit)
                .chain(salvaged.lost)
                .collect(),
            set_aside,
            backup,
            length: size(path)?.0,
        })
    }
}

/// What is lost with a redo log, or may be; `named` is whether the file names one, where that can be
/// read.
fn lost_log(
    path: &Path,
    damaged: &Damaged,
    named: Option<bool>,
    is_there: bool,
) -> Option<Finding> {
    // A log that is there may also be one that only the last commit named.
    let may_be_one = named.is_none() || damaged.may_lack_log;
    let log = redo_log(path);
    (named == Some(true) || may_be_one && is_there).then_some(match damaged.log_entries {
        Some(entries) => Finding::RedoLogDamaged { log, entries },
        None => Finding::RedoLogLost { log },
    })
}

/// Whether the file says that its last changes are in a redo log, which then could not be used.
fn names_log(from: &impl ReadTables) -> Outcome<bool> {
    let meta = from.meta()?;
    if meta::schema(meta)?.is_none() {
        return Err(Failure::corrupt("it does not say that it is of a store"));
    }
    Ok(meta::redo(meta)?.is_some())
}

/// Gives the damaged file a second name, which it keeps when the repaired one takes the first; and
/// the log beside it, which belongs to it.
fn keep_damaged(path: &Path) -> Result<PathBuf> {
    let backup = beside(path, "damaged", |backup| {
        std::fs::hard_link(path, backup)
            .map_err(|source| place_error("keep the damaged file as", backup, path, source))
    })?;
    let kept = keep_log(path, &backup).and_then(|()| sync_folder(&folder(path)));
    match kept {
        Ok(()) => Ok(backup),
        Err(error) => {
            take_back(&backup, path);
            Err(error)
        }
    }
}

fn keep_log(path: &Path, backup: &Path) -> Result<()> {
    let (from, log) = (redo_log(path), redo_log(backup));
    // What else may have that name is no log, and stays where it is.
    let is_file = |metadata: Metadata| metadata.is_file() || metadata.is_symlink();
    if !std::fs::symlink_metadata(&from).is_ok_and(is_file) {
        return Ok(());
    }
    std::fs::hard_link(from, &log).map_err(|source| io_error("keep the redo log as", &log, source))
}

/// Removes the second name of a file that was not replaced.
fn take_back(backup: &Path, path: &Path) {
    for (kept, own) in [
        (backup.to_owned(), path.to_owned()),
        (redo_log(backup), redo_log(path)),
    ] {
        // It may have been replaced all the same, and only that be not known to be on disk.
        if identity(&kept).is_some_and(|kept| identity(&own) == Some(kept)) {
            let _ = std::fs::remove_file(kept);
        }
    }
}

/// Device and number of what is at a path; `None` where that cannot be told.
fn identity(path: &Path) -> Option<(u64, u64)> {
    let there = std::fs::symlink_metadata(path).ok()?;
    Some((there.dev(), there.ino()))
}
