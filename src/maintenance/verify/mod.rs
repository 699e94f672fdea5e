//! Reading everything and comparing it with everything else.

mod affected;
mod contents;
mod finding;
mod indexes;
mod records;
mod report;

use std::path::Path;

use redb::ReadableTableMetadata;

pub use finding::{Finding, Index};
pub use report::{VerifyCounts, VerifyOptions, VerifyReport};

use crate::engine::Outcome;
use crate::error::Result;
use crate::maintenance::progress::{Meter, Progress, Stage};
use crate::read::Source;
use crate::store::{ImageStore, OpenOptions, Snapshot};
use crate::tables::ReadTables;
use report::Findings;

/// The bytes of a page of the engine, by which it is told how far the check of the pages is.
const PAGE: u64 = 4_096;

impl Snapshot {
    /// Reads everything that the snapshot sees: every record decodes, every index row and reference
    /// count equals what the records imply, every item's bytes have their hash and their size.
    ///
    /// It runs beside writers. What it needs of memory is 24 bytes for each stored content.
    ///
    /// # Examples
    ///
    /// ```
    /// use image_store::{ImageStore, NewImage, VerifyOptions};
    ///
    /// # let dir = tempfile::tempdir()?;
    /// let store = ImageStore::open(dir.path().join("images.redb"))?;
    /// store.create(NewImage::new().big_data("manifest", b"{}".as_slice()))?;
    /// let report = store.read()?.verify(&VerifyOptions::new(), |_| {})?;
    /// assert!(report.is_clean());
    /// assert_eq!(report.counts.images, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Damage is a finding, not an error. [`Error::Forked`](crate::Error::Forked).
    pub fn verify(
        &self,
        options: &VerifyOptions,
        mut progress: impl FnMut(Progress),
    ) -> Result<VerifyReport> {
        self.view(|tables| Ok(verify(tables, options, &mut progress)))
    }
}

impl ImageStore {
    /// [`Snapshot::verify`], and the storage engine's own check of every page, unless
    /// [`VerifyOptions::engine`] declines it.
    ///
    /// Nothing is written: the engine makes its check on the file as it is, and what it would write
    /// stays in memory, some 100 KiB for each GiB of the file, beside a second cache. So it is made
    /// on a read-only handle too. Others read and write meanwhile. Only where pages seem to be
    /// damaged, and somebody wrote while they were read, are they read once more while those who
    /// write wait.
    ///
    /// # Examples
    ///
    /// ```
    /// use image_store::{ImageStore, NewImage, VerifyOptions};
    ///
    /// # let dir = tempfile::tempdir()?;
    /// let store = ImageStore::open(dir.path().join("images.redb"))?;
    /// store.create(NewImage::new().name("app"))?;
    /// let report = store.verify(&VerifyOptions::new(), |_| {})?;
    /// assert!(report.is_clean() && report.engine_checked);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Snapshot::verify`]; [`Error::Io`](crate::Error::Io) where the file cannot be opened to
    /// read its pages. Where writers are to be kept out, [`Error::Busy`](crate::Error::Busy) after
    /// [`OpenOptions::lock_wait`], and
    /// [`Error::NestedTransaction`](crate::Error::NestedTransaction) where this thread is one.
    pub fn verify(
        &self,
        options: &VerifyOptions,
        mut progress: impl FnMut(Progress),
    ) -> Result<VerifyReport> {
        let snapshot = self.read()?;
        let mut report = snapshot.verify(options, &mut progress)?;
        if options.engine {
            let found = self.check_pages(&snapshot, &mut |done, total| {
                progress(Progress {
                    stage: Stage::Engine,
                    done: done / PAGE,
                    total: total / PAGE,
                });
            })?;
            // Damage found here is a finding like any other.
            report.push(found.map(|error| Finding::Engine { error }), options);
            report.engine_checked = true;
        }
        report.needs_recovery = self.needs_recovery();
        Ok(report)
    }
}

impl OpenOptions {
    /// Verifies the store at `path` as [`ImageStore::verify`] does, without changing a byte of its
    /// file: what may be damaged is best left as it is, and opening a store may not leave it so.
    ///
    /// Where the last writer died or was of an older version, the file is brought up to date in memory
    /// and not on disk, whatever [`recovery_copy_limit`](Self::recovery_copy_limit) says, and
    /// [`VerifyReport::needs_recovery`] tells it; those who want to write wait meanwhile.
    ///
    /// # Examples
    ///
    /// ```
    /// use image_store::{ImageStore, VerifyOptions};
    ///
    /// # let dir = tempfile::tempdir()?;
    /// let path = dir.path().join("images.redb");
    /// ImageStore::open(&path)?.close();
    /// let before = std::fs::read(&path)?;
    /// let report = ImageStore::options().verify(&path, &VerifyOptions::new(), |_| {})?;
    /// assert!(report.is_clean() && report.engine_checked);
    /// assert_eq!(std::fs::read(&path)?, before);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Corrupt`](crate::Error::Corrupt) where so much is damaged that the file cannot be
    /// opened to read; otherwise as [`open`](Self::open) and [`ImageStore::verify`].
    #[tracing::instrument(level = "info", skip_all, fields(path = %path.as_ref().display()))]
    pub fn verify(
        self,
        path: impl AsRef<Path>,
        options: &VerifyOptions,
        progress: impl FnMut(Progress),
    ) -> Result<VerifyReport> {
        self.open_untouched(path.as_ref())?
            .verify(options, progress)
    }
}

fn verify<T: ReadTables>(
    tables: &T,
    options: &VerifyOptions,
    progress: &mut dyn FnMut(Progress),
) -> VerifyReport {
    let mut findings = Findings::new(options);
    let total = |table: Outcome<u64>| table.unwrap_or(0);

    let images = total(tables.images().and_then(|table| Ok(table.len()?)));
    let mut meter = Meter::start(progress, Stage::Records, images);
    let implied = records::check(tables, &mut findings, &mut meter);
    meter.finish();

    let meter = Meter::start(progress, Stage::Indexes, 4);
    indexes::check(tables, &implied, &mut findings);
    meter.finish();

    let contents = total(tables.contents().and_then(|table| Ok(table.len()?)));
    let mut meter = Meter::start(progress, Stage::Contents, contents);
    let damaged = contents::check(tables, &implied, &mut findings, &mut meter);
    meter.finish();
    affected::check(tables, &damaged, &mut findings);

    findings.into_report()
}
