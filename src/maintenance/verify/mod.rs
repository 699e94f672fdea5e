//! Reading everything and comparing it with everything else.

mod contents;
mod finding;
mod indexes;
mod records;
mod report;

use redb::ReadableTableMetadata;

pub use finding::{Finding, Index};
pub use report::{VerifyCounts, VerifyOptions, VerifyReport};

use crate::engine::{Outcome, contain};
use crate::error::Result;
use crate::maintenance::progress::{Meter, Progress, Stage};
use crate::read::Source;
use crate::store::{Access, ImageStore, Snapshot};
use crate::tables::ReadTables;
use report::Findings;

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
    /// The engine's check opens the file a second time, for writing, and keeps other writers out
    /// while it runs; readers go on. It is only made where the store was opened with
    /// [`Access::Shared`]: a read-only handle may not write, and beside an exclusive one there can be
    /// no second. [`VerifyReport::engine_checked`] says whether it was.
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
    /// As [`Snapshot::verify`]; [`Error::Busy`](crate::Error::Busy) where another process writes
    /// for longer than [`OpenOptions::lock_wait`](crate::OpenOptions::lock_wait).
    pub fn verify(
        &self,
        options: &VerifyOptions,
        mut progress: impl FnMut(Progress),
    ) -> Result<VerifyReport> {
        let mut report = self.read()?.verify(options, &mut progress)?;
        if options.engine && self.access() == Access::Shared {
            let meter = Meter::start(&mut progress, Stage::Engine, 1);
            let mut database = self.open_engine_again()?;
            // Damage found here is a finding like any other.
            let checked = contain(|| Ok(database.check_integrity()?));
            let found = match checked {
                Ok(true) => None,
                Ok(false) => Some("its own book-keeping was wrong, and is mended now".to_owned()),
                Err(failure) => Some(failure.to_string()),
            };
            report.push(found.map(|error| Finding::Engine { error }), options);
            report.engine_checked = true;
            meter.finish();
        }
        Ok(report)
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
    let implied = findings.stage("images", |findings| {
        records::check(tables, findings, &mut meter)
    });
    meter.finish();
    let implied = implied.unwrap_or_default();

    let meter = Meter::start(progress, Stage::Indexes, 4);
    indexes::check(tables, &implied, &mut findings);
    meter.finish();

    let contents = total(tables.contents().and_then(|table| Ok(table.len()?)));
    let mut meter = Meter::start(progress, Stage::Contents, contents);
    contents::check(tables, &implied, &mut findings, &mut meter);
    meter.finish();

    findings.into_report()
}
